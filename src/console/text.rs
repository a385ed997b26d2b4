//! Fitting text into cells.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    if is_plain(text) { text.len() } else { UnicodeWidthStr::width(text) }
}

/// Whether each byte is a character of one column, as of nearly every text.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The text cut to at most `columns`; what is cut ends in `…`.
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    if is_plain(text) && columns > 0 {
        return Cow::Owned(format!("{}…", &text[..columns - 1]));
    }
    let mut out = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        let wide = width(cluster);
        if used + wide + 1 > columns {
            break;
        }
        out.push_str(cluster);
        used += wide;
    }
    if columns > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

/// Writes `text` at `x`, `y` in at most `columns` columns, cut where it is too long, never outside of `buf`.
/// Returns the column after it.
pub fn put(buf: &mut Buffer, x: u16, y: u16, columns: u16, text: &str, style: Style) -> u16 {
    let area = buf.area;
    if y >= area.bottom() || x >= area.right() || y < area.top() || x < area.left() {
        return x;
    }
    let columns = columns.min(area.right() - x);
    if is_plain(text) && text.len() <= usize::from(columns) {
        let from = buf.index_of(x, y);
        for (cell, byte) in buf.content[from..].iter_mut().zip(text.bytes()) {
            cell.set_char(char::from(byte)).set_style(style);
        }
        // it is no longer than `columns`
        return x + u16::try_from(text.len()).unwrap_or(columns);
    }
    let (after, _) = buf.set_stringn(x, y, fit(text, usize::from(columns)), usize::from(columns), style);
    after
}

/// Writes pieces of one line, each in its style, without the first `skip` columns of the line; ends in `…` where the
/// line goes on.
pub fn put_pieces<'a>(
    buf: &mut Buffer,
    (x, y): (u16, u16),
    columns: u16,
    skip: usize,
    pieces: impl IntoIterator<Item = (&'a str, Style)>,
) {
    let end = x.saturating_add(columns).min(buf.area.right());
    let (mut at, mut skip) = (x, skip);
    for (piece, style) in pieces {
        for cluster in piece.graphemes(true) {
            let wide = u16::try_from(width(cluster)).unwrap_or(1);
            if skip > 0 {
                skip = skip.saturating_sub(usize::from(wide.max(1)));
                continue;
            }
            if at.saturating_add(wide) > end {
                if end > x {
                    let last = if at >= end { end - 1 } else { at };
                    put(buf, last, y, 1, "…", style);
                }
                return;
            }
            at = put(buf, at, y, wide.max(1), cluster, style);
        }
    }
}

/// The same as [`put`], ending at the right border of the `columns`.
pub fn put_right(buf: &mut Buffer, x: u16, y: u16, columns: u16, text: &str, style: Style) {
    let shown = fit(text, usize::from(columns));
    let wide = u16::try_from(width(&shown)).unwrap_or(columns).min(columns);
    put(buf, x + columns - wide, y, wide, &shown, style);
}

/// Fills an area with spaces in a style.
pub fn fill(buf: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            buf[(x, y)].reset();
        }
    }
    buf.set_style(area, style);
}

/// Breaks a text into lines of at most `columns`, at spaces where there are some.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 && width(&line) + 1 + width(word) <= columns {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        if at > 0 {
            lines.push(std::mem::take(&mut line));
        }
        let mut rest = word;
        while width(rest) > columns {
            let (head, tail) = rest.split_at(cut_at(rest, columns));
            if tail.is_empty() {
                break;
            }
            lines.push(head.to_owned());
            rest = tail;
        }
        line.push_str(rest);
    }
    lines.push(line);
    lines
}

/// Where the first `columns` of a text end, in bytes; past its first cluster in any case.
fn cut_at(text: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        used += width(cluster);
        if used > columns && at > 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_wide_character() {
        assert_eq!(fit("core-1", 6), "core-1");
        assert_eq!(fit("core-12", 6), "core-…");
        assert_eq!(fit("描述描述", 6), "描述…");
        assert_eq!(fit("描述", 0), "");
    }

    #[test]
    fn text_wraps_at_spaces_and_inside_words_only_where_it_must() {
        assert_eq!(wrap("password was refused", 9), ["password", "was", "refused"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("描述", 1), ["描", "述"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
