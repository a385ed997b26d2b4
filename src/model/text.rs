//! The one choke point between foreign text and a screen, a log or an error.

use std::borrow::Cow;

/// The longest line that is ever shown or stored as a label, in characters.
pub const MAX_SHOWN: usize = 4096;

/// The most combining marks that stay on one base character.
const MAX_MARKS: usize = 2;

/// Whether a character could move the cursor, hide text or turn its direction: C0 and C1 controls, bidi controls,
/// zero-width and tag characters, line and paragraph separators.
pub fn is_hostile(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// One line that is safe to show: hostile characters become visible ones (`\r` is `␍`, a bidi control is `�`),
/// marks are limited, and a line over [`MAX_SHOWN`] characters ends in `…`.
///
/// Nothing is dropped silently: `deny ip any\rpermit ip` must not read as one word or one line.
pub fn clean_line(text: &str) -> Cow<'_, str> {
    let plain = |c: char| !is_hostile(c) && !is_mark(c);
    if text.len() <= MAX_SHOWN && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len().min(MAX_SHOWN));
    let (mut shown, mut marks) = (0, 0);
    for c in text.chars() {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if marks > MAX_MARKS {
            continue;
        }
        if shown == MAX_SHOWN {
            clean.push('…');
            break;
        }
        clean.push(visible(c));
        shown += 1;
    }
    Cow::Owned(clean)
}

/// A character that stands for `c` and does nothing.
pub fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('�'),
        '\u{7f}' => '␡',
        c if is_hostile(c) => '�',
        c => c,
    }
}

fn is_mark(c: char) -> bool {
    unicode_width::UnicodeWidthChar::width(c) == Some(0) && !is_hostile(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_borrowed() {
        assert!(matches!(clean_line("interface Gi0/1 описание 描述"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_carriage_return_stays_visible() {
        assert_eq!(clean_line("deny ip any\rpermit ip"), "deny ip any␍permit ip");
    }

    #[test]
    fn escapes_bidi_and_marks_are_tamed() {
        assert_eq!(clean_line("\u{1b}]0;x\u{7}"), "␛]0;x␇");
        assert_eq!(clean_line("a\u{202e}b\u{9b}c"), "a�b�c");
        let marks = format!("e{}", "\u{301}".repeat(10_000));
        assert_eq!(clean_line(&marks).chars().count(), 3);
        assert_eq!(clean_line(&"x".repeat(10_000)).chars().count(), MAX_SHOWN + 1);
    }
}
