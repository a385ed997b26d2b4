//! Bytes for a terminal, taken apart as its emulator does: characters, controls, sequences (ECMA-48), strings.

use std::ops::Range;

/// The longest parameters of a control sequence that is one.
const LONGEST_PARAMETERS: usize = 64;

/// A piece of the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A character that is drawn.
    Print(char),
    /// A control character.
    Control(u8),
    /// A control sequence: its first two numbers, whether it is of the private ones (`?`), its last byte.
    Sequence([Option<usize>; 2], bool, u8),
    /// Another escape, by its last byte.
    Escape(u8),
    /// Nothing that is seen: a title and its like, what is no sequence, or has no end.
    Unseen,
}

/// Calls `take` with each piece and where it lies. A sequence that has a control character in it comes after that.
pub fn walk(bytes: &[u8], mut take: impl FnMut(Token, Range<usize>)) {
    let mut at = 0;
    while at < bytes.len() {
        let (token, length) = match bytes[at] {
            0x1b => escape(&bytes[at..]),
            byte @ (0..=0x1f | 0x7f) => (Token::Control(byte), 1),
            byte @ 0x20..=0x7e => (Token::Print(char::from(byte)), 1),
            _ => character(&bytes[at..]),
        };
        take(token, at..at + length);
        at += length;
    }
}

/// A character of more than one byte, or a byte that is none.
fn character(bytes: &[u8]) -> (Token, usize) {
    let first = &bytes[..bytes.len().min(4)];
    let (text, wrong) = match std::str::from_utf8(first) {
        Ok(text) => (text, 0),
        Err(error) => {
            let text = std::str::from_utf8(&first[..error.valid_up_to()]).unwrap_or_default();
            (text, error.error_len().unwrap_or(first.len()))
        }
    };
    match text.chars().next() {
        Some(c @ '\u{80}'..='\u{9f}') => (Token::Unseen, c.len_utf8()),
        Some(c) => (Token::Print(c), c.len_utf8()),
        None => (Token::Print(char::REPLACEMENT_CHARACTER), wrong.max(1)),
    }
}

/// From an ESC on.
fn escape(bytes: &[u8]) -> (Token, usize) {
    match bytes.get(1) {
        None => (Token::Unseen, 1),
        Some(b'[') => sequence(bytes),
        Some(kind @ (b']' | b'P' | b'X' | b'^' | b'_')) => (Token::Unseen, string(bytes, *kind == b']')),
        Some(0x20..=0x2f) => {
            let end = bytes[1..].iter().position(|byte| !(0x20..=0x2f).contains(byte));
            match end.map(|end| (end + 1, bytes[end + 1])) {
                Some((end, 0x30..=0x7e)) => (Token::Escape(0), end + 1),
                Some((end, _)) => (Token::Unseen, end),
                None => (Token::Unseen, bytes.len()),
            }
        }
        Some(last @ 0x30..=0x7e) => (Token::Escape(*last), 2),
        // what follows is read for itself
        Some(_) => (Token::Unseen, 1),
    }
}

/// From a CSI on.
fn sequence(bytes: &[u8]) -> (Token, usize) {
    for (at, &byte) in bytes.iter().enumerate().skip(2) {
        match byte {
            0x20..=0x3f if at < LONGEST_PARAMETERS => {}
            0x40..=0x7e => return (numbers(&bytes[2..at], byte), at + 1),
            _ => return (Token::Unseen, at),
        }
    }
    (Token::Unseen, bytes.len())
}

fn numbers(parameters: &[u8], last: u8) -> Token {
    let private = parameters.first().is_some_and(|first| (b'<'..=b'?').contains(first));
    let text = std::str::from_utf8(&parameters[usize::from(private)..]).unwrap_or_default();
    let mut numbers = text.split(';').map(|number| number.parse().ok());
    Token::Sequence([numbers.next().flatten(), numbers.next().flatten()], private, last)
}

/// How long a string is that begins with an ESC: a title, a device's own commands.
fn string(bytes: &[u8], ends_with_bell: bool) -> usize {
    for (at, &byte) in bytes.iter().enumerate().skip(2) {
        match byte {
            7 if ends_with_bell => return at + 1,
            0x18 | 0x1a => return at + 1,
            0x1b if bytes.get(at + 1) == Some(&b'\\') => return at + 2,
            0x1b => return at,
            _ => {}
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(bytes: &[u8]) -> Vec<(Token, Range<usize>)> {
        let mut tokens = Vec::new();
        walk(bytes, |token, range| tokens.push((token, range)));
        tokens
    }

    #[test]
    fn every_byte_belongs_to_one_piece() {
        let bytes = "a\x1b[1;31mé\x1b]0;title\x07描\r\n\x1b(0\x1b7\x1b[?25l\x1bPx\x1b\\z\x1b[9".as_bytes();
        let mut bytes = bytes.to_vec();
        bytes.splice(1..1, [0xff, 0xb1, 0x1b, 0x1b]);
        let mut at = 0;
        for (_, range) in tokens(&bytes) {
            assert_eq!(range.start, at);
            at = range.end;
        }
        assert_eq!(at, bytes.len());
        let prints = tokens(&bytes).into_iter().filter_map(|(token, _)| match token {
            Token::Print(c) => Some(c),
            _ => None,
        });
        assert_eq!(prints.collect::<String>(), "a\u{fffd}\u{fffd}é描z");
    }

    #[test]
    fn sequences_are_read() {
        assert_eq!(tokens(b"\x1b[2;7H"), [(Token::Sequence([Some(2), Some(7)], false, b'H'), 0..6)]);
        assert_eq!(tokens(b"\x1b[?1049h"), [(Token::Sequence([Some(1049), None], true, b'h'), 0..8)]);
        assert_eq!(tokens(b"\x1b[K"), [(Token::Sequence([None, None], false, b'K'), 0..3)]);
    }
}
