//! What a device sends, as lines of clean text.
//!
//! Bytes are gathered to lines; a line is decoded as a whole (UTF-8, else the device's character set), so it does not
//! matter where the network cut it. Escape sequences are taken out; carriage returns, backspaces and cursor movements
//! are applied as a terminal does, so that an erased pager vanishes. Text is never lost by that: a bare carriage
//! return that would write over other text stays visible as `␍` (`deny ip any␍permit ip`).

mod paper;

use encoding_rs::Encoding;
use regex::Regex;

use crate::model::is_hostile;

use paper::{Ended, Paper};

/// The longest line that is kept, in bytes; what is longer is cut and [`Cleaner::overlong`] says so.
const LONGEST_LINE: usize = 1 << 20;

/// The longest line that can be a prompt or a question, in bytes.
const LONGEST_PROMPT: usize = 4096;

/// Gathers lines of one answer after another.
pub struct Cleaner {
    charset: &'static Encoding,
    raw: Vec<u8>,
    /// Columns of the line in `raw` that belong to what came before the answer: the prompt.
    before: usize,
    text: String,
    overlong: bool,
    paged: bool,
    remains: Option<Regex>,
}

impl Cleaner {
    /// For a device whose bytes are in `charset` where they are not UTF-8; `remains` is what a pager leaves.
    pub fn new(charset: &'static Encoding, remains: Option<Regex>) -> Self {
        Self {
            charset,
            raw: Vec::new(),
            before: 0,
            text: String::new(),
            overlong: false,
            paged: false,
            remains,
        }
    }

    /// Takes bytes as they come.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            match self.plain_line(&rest[..end]) {
                Some(line) => {
                    self.text.push_str(line);
                    self.text.push('\n');
                }
                None => {
                    self.gather(&rest[..end]);
                    self.end_line();
                }
            }
            rest = &rest[end + 1..];
        }
        self.gather(rest);
    }

    /// The line that has no end yet: a prompt, a question, or half a line. `None` where it is too long to be one.
    pub fn last_line(&self) -> Option<String> {
        (self.raw.len() <= LONGEST_PROMPT).then(|| {
            let lines = self.render(&self.raw, Ended::NotYet);
            lines.into_iter().next_back().unwrap_or_default()
        })
    }

    /// The whole lines of the answer so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Bytes held.
    pub fn held(&self) -> usize {
        self.text.len() + self.raw.len()
    }

    /// Whether a line was longer than is kept.
    pub fn overlong(&self) -> bool {
        self.overlong
    }

    /// Begins another answer: what stands on the last line is not part of it. The old answer is handed out.
    pub fn begin_answer(&mut self) -> String {
        self.before = self.last_line().map_or(0, |line| line.chars().count());
        self.overlong = false;
        self.paged = false;
        std::mem::take(&mut self.text)
    }

    /// Takes the last line away: it was a pager or a question, and has been answered.
    pub fn forget_line(&mut self) {
        self.raw.clear();
        self.before = 0;
        self.paged = true;
    }

    /// The line, where it came in one piece and there is nothing to clean.
    fn plain_line<'b>(&self, line: &'b [u8]) -> Option<&'b str> {
        let is_all = self.raw.is_empty() && self.before == 0 && !self.paged && line.len() <= LONGEST_LINE;
        if is_all { plain(line) } else { None }
    }

    fn gather(&mut self, bytes: &[u8]) {
        let room = LONGEST_LINE.saturating_sub(self.raw.len());
        if bytes.len() > room {
            self.overlong = true;
        }
        self.raw.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self) {
        let raw = std::mem::take(&mut self.raw);
        let before = std::mem::take(&mut self.before);
        if before == 0
            && !self.paged
            && let Some(plain) = plain(&raw)
        {
            self.text.push_str(plain);
            self.text.push('\n');
        } else {
            for (place, line) in self.render(&raw, Ended::Whole).into_iter().enumerate() {
                let skipped = if place == 0 { before } else { 0 };
                self.push(line.chars().skip(skipped).collect());
            }
        }
        // The allocation serves the next line.
        self.raw = raw;
        self.raw.clear();
    }

    fn push(&mut self, line: String) {
        if std::mem::take(&mut self.paged)
            && let Some(found) = self.remains.as_ref().and_then(|remains| remains.find(&line))
            && found.start() == 0
        {
            let rest = &line[found.end()..];
            if !rest.is_empty() {
                self.text.push_str(rest);
                self.text.push('\n');
            }
            return;
        }
        self.text.push_str(&line);
        self.text.push('\n');
    }

    /// One line of bytes as a terminal shows it; several where a sequence moves to the next line.
    fn render(&self, raw: &[u8], ended: Ended) -> Vec<String> {
        let raw = trim_returns(raw);
        let text = match std::str::from_utf8(raw) {
            Ok(text) => text.into(),
            Err(_) if ends_inside_a_character(raw) => String::from_utf8_lossy(raw),
            Err(_) => self.charset.decode_without_bom_handling(raw).0,
        };
        if !text.chars().any(|c| c != '\t' && is_hostile(c)) {
            return vec![text.into_owned()];
        }
        let mut paper = Paper::new(ended, text.len());
        paper.write(&text);
        paper.into_lines()
    }
}

/// The line, where it is nothing but printable ASCII and tabs.
fn plain(raw: &[u8]) -> Option<&str> {
    let raw = trim_returns(raw);
    // without a branch for each byte
    let is_plain =
        raw.iter().fold(true, |plain, byte| plain & ((b' '..=b'~').contains(byte) | (*byte == b'\t')));
    if is_plain { std::str::from_utf8(raw).ok() } else { None }
}

fn trim_returns(raw: &[u8]) -> &[u8] {
    let end = raw.iter().rposition(|&byte| byte != b'\r').map_or(0, |last| last + 1);
    // A line of returns alone is an empty line; a return at the end of a prompt is not part of it.
    &raw[..end]
}

/// Whether the only fault is a UTF-8 character that is cut off at the end.
fn ends_inside_a_character(raw: &[u8]) -> bool {
    std::str::from_utf8(raw).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clean_in(charset: &str, bytes: &[u8]) -> String {
        let charset = Encoding::for_label(charset.as_bytes()).unwrap();
        let mut cleaner = Cleaner::new(charset, None);
        cleaner.feed(bytes);
        format!("{}{}", cleaner.text(), cleaner.last_line().unwrap_or_default())
    }

    fn clean(bytes: &[u8]) -> String {
        clean_in("windows-1252", bytes)
    }

    #[test]
    fn line_ends_of_all_kinds() {
        assert_eq!(clean(b"a\r\nb\nc\r\r\nd"), "a\nb\nc\nd");
        assert_eq!(clean(b"\r\n\r\n"), "\n\n");
    }

    #[test]
    fn pagers_that_erase_themselves_vanish() {
        for erased in [
            "--More--\r        \rinterface",
            "--More--\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}        \u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}interface",
            "---- More ----\u{1b}[42D                                          \u{1b}[42Dinterface",
            "--More--\r\u{1b}[Kinterface",
            "--More-- \r          \rinterface",
            "\u{1b}[7m--More--\u{1b}[m\r\u{1b}[2Kinterface",
        ] {
            assert_eq!(clean(format!("{erased}\r\n").as_bytes()), "interface\n", "{erased:?}");
        }
    }

    #[test]
    fn a_bare_return_never_hides_text() {
        assert_eq!(clean(b"deny ip any\rpermit ip\r\n"), "deny ip any\u{240d}permit ip\n");
        assert_eq!(clean(b"\rpermit ip\r\n"), "permit ip\n");
        assert_eq!(clean(b"core-1#\rcore-1#show"), "core-1#show");
    }

    #[test]
    fn sequences_are_taken_out_and_controls_are_seen() {
        assert_eq!(clean(b"\x1b]0;title\x07\x1b[1;31mred\x1b[0m\x00\r\n"), "red\n");
        assert_eq!(clean(b"\x1b[24;1Hswitch# \x1b[24;9Hshow\r\n"), "switch# show\n");
        assert_eq!(clean(b"a\x02b\r\n"), "a\u{2402}b\n");
        assert_eq!(clean("name \u{202e}evil\r\n".as_bytes()), "name \u{fffd}evil\n");
        assert_eq!(clean(b"one\x1bEtwo\r\n"), "one\ntwo\n");
        assert_eq!(clean(b"prompt \x1b[6n# "), "prompt # ");
    }

    #[test]
    fn character_sets() {
        assert_eq!(clean_in("gbk", b"description \xb1\xb1\xbe\xa9\r\n"), "description 北京\n");
        assert_eq!(clean_in("windows-1251", b"descr \xcf\xf0\xe8\xe2\xe5\xf2\r\n"), "descr Привет\n");
        assert_eq!(clean_in("gbk", "Привет 北京\r\n".as_bytes()), "Привет 北京\n");
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let mut cleaner = Cleaner::new(encoding_rs::WINDOWS_1252, None);
        for _ in 0..160 {
            cleaner.feed(&[b'x'; 1 << 16]);
        }
        assert!(cleaner.overlong() && cleaner.held() <= LONGEST_LINE);
        assert_eq!(cleaner.last_line(), None);
    }

    #[test]
    fn the_echo_line_does_not_hold_the_prompt_and_a_pager_leaves_what_the_driver_says() {
        let mut cleaner = Cleaner::new(encoding_rs::WINDOWS_1252, Some(Regex::new("^ +").unwrap()));
        cleaner.feed(b"core-1# ");
        cleaner.begin_answer();
        cleaner.feed(b"show run\r\nline 1\r\n--More--");
        assert_eq!(cleaner.last_line().as_deref(), Some("--More--"));
        cleaner.forget_line();
        cleaner.feed(b"   line 2\r\n line 3\r\n");
        assert_eq!(cleaner.begin_answer(), "show run\nline 1\nline 2\n line 3\n");
    }

    #[test]
    fn a_sequence_that_has_no_end_hides_no_text() {
        assert_eq!(clean(b"deny ip any\x1b\rpermit ip\r\n"), "deny ip any\u{240d}permit ip\n");
        assert_eq!(clean(b"deny ip any\x1b[\rpermit ip\r\n"), "deny ip any\u{240d}permit ip\n");
        assert_eq!(clean(b"permit any \x1b]0;deny all\r\nx"), "permit any \u{241b}]0;deny all\nx");
        assert_eq!(clean(b"a \x1bPhidden\x1b\\b\r\n"), "a b\n");
        // A title that is still on its way is no text yet.
        assert_eq!(clean(b"sw# \x1b]0;sw"), "sw# ");
        assert_eq!(
            clean(format!("a\u{1b}[{}mb\r\n", "1".repeat(70)).as_bytes()),
            format!("a{}mb\n", "1".repeat(6))
        );
    }

    #[test]
    fn a_line_of_nothing_but_cursor_movements_is_cheap() {
        for sequence in
            ["\x1b[4096CX", "\x1b[P", "x\x1b[1K", "abcdefg\x1b[1G\x1b[P", "ab\rb", "\x1b[4096GX\r"]
        {
            let mut cleaner = Cleaner::new(encoding_rs::WINDOWS_1252, None);
            let line = sequence.repeat((LONGEST_LINE - 1) / sequence.len());
            cleaner.feed(line.as_bytes());
            cleaner.feed(b"\r\n");
            assert!(cleaner.held() < 8 * LONGEST_LINE, "{sequence:?}: {}", cleaner.held());
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_bytes_are_cut(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\r'), Just(b'\n'), Just(0x1b), Just(b'['), Just(8), any::<u8>()], 0..200),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut cleaner = Cleaner::new(encoding_rs::GBK, None);
            let (head, tail) = bytes.split_at(cut.index(bytes.len() + 1));
            cleaner.feed(head);
            let _ = cleaner.last_line();
            cleaner.feed(tail);
            let split = format!("{}{}", cleaner.text(), cleaner.last_line().unwrap_or_default());
            prop_assert_eq!(&split, &clean_in("gbk", &bytes));
            prop_assert!(!split.chars().any(|c| c != '\n' && c != '\t' && is_hostile(c)));
        }
    }
}
