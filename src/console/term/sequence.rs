//! The control sequences that a session sends, by name (ECMA-48, xterm's ctlseqs).

use termina::escape::osc::{Osc, Selection};

/// Alternate screen, no cursor, bracketed paste, plain colours, empty.
pub const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[0m\x1b[2J";
/// Gives the terminal back as it was: what [`ENTER`], [`MOUSE_ON`] and [`BAR_CURSOR`] have set is taken back.
pub const LEAVE: &str = "\x1b[?2026l\x1b[0m\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[0 q\x1b[?25h\x1b[?1049l";
/// Reports of buttons and the wheel, in the SGR form that has no limit at column 223.
pub const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
/// The mouse belongs to the terminal again: its own selection works.
pub const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";
/// Until [`SYNC_END`] the terminal shows nothing of what comes (DEC mode 2026).
pub const SYNC_BEGIN: &str = "\x1b[?2026h";
/// See [`SYNC_BEGIN`].
pub const SYNC_END: &str = "\x1b[?2026l";
/// Primary device attributes: every terminal answers, which tells that the frame before it was taken.
pub const ASK_ATTRIBUTES: &str = "\x1b[c";
/// The bell.
pub const BELL: char = '\x07';
/// Everything is erased, in plain colours.
pub const CLEAR: &str = "\x1b[0m\x1b[2J";
/// The cursor is shown.
pub const SHOW_CURSOR: &str = "\x1b[?25h";
/// The cursor is hidden.
pub const HIDE_CURSOR: &str = "\x1b[?25l";
/// The cursor is a bar: text goes in before it.
pub const BAR_CURSOR: &str = "\x1b[6 q";

/// The longest text that terminals take by OSC 52, in bytes before base64 (xterm's limit).
pub const MOST_COPIED: usize = 74_994;

/// OSC 52: hands `text` to the clipboard of the operator's own machine. Cut at [`MOST_COPIED`] bytes.
pub fn copy(text: &str) -> String {
    let text = &text[..text.floor_char_boundary(MOST_COPIED)];
    Osc::SetSelection(Selection::CLIPBOARD, text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_base64_and_never_longer_than_terminals_take() {
        assert_eq!(copy("noctule"), "\x1b]52;c;bm9jdHVsZQ==\x1b\\");
        let most = copy(&"ж".repeat(80_000)).len();
        assert!(most <= MOST_COPIED.div_ceil(3) * 4 + 10, "{most}");
    }
}
