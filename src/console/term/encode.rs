//! Keys as the bytes that a terminal sends to the program behind it: xterm's, which devices of all makers read.

use super::key::{Code, Key};

/// The bytes of a key. `application` is whether the program has asked for application cursor keys (DECCKM).
pub fn encode(key: Key, application: bool) -> Vec<u8> {
    let arrow = |last: char| match (key.ctrl, key.alt, application) {
        (false, false, true) => format!("\x1bO{last}"),
        (false, false, false) => format!("\x1b[{last}"),
        _ => format!("\x1b[1;{}{last}", modifier(key)),
    };
    let tilde = |number: u8| match (key.ctrl, key.alt) {
        (false, false) => format!("\x1b[{number}~"),
        _ => format!("\x1b[{number};{}~", modifier(key)),
    };
    let text = match key.code {
        Code::Char(c) => return character(c, key),
        Code::Enter => return with_alt(b"\r", key),
        Code::Tab => return with_alt(b"\t", key),
        Code::Esc => return with_alt(b"\x1b", key),
        // what VT100 and every device take for rubbing out
        Code::Backspace => return with_alt(if key.ctrl { b"\x08" } else { b"\x7f" }, key),
        Code::BackTab => "\x1b[Z".to_owned(),
        Code::Up => arrow('A'),
        Code::Down => arrow('B'),
        Code::Right => arrow('C'),
        Code::Left => arrow('D'),
        Code::Home => arrow('H'),
        Code::End => arrow('F'),
        Code::Insert => tilde(2),
        Code::Delete => tilde(3),
        Code::PageUp => tilde(5),
        Code::PageDown => tilde(6),
        Code::ShiftPageUp => "\x1b[5;2~".to_owned(),
        Code::ShiftPageDown => "\x1b[6;2~".to_owned(),
        Code::F(number @ 1..=4) => {
            let last = char::from(b'O' + number);
            match (key.ctrl, key.alt) {
                (false, false) => format!("\x1bO{last}"),
                _ => format!("\x1b[1;{}{last}", modifier(key)),
            }
        }
        Code::F(number) => {
            // the numbers have gaps where a VT220 had other keys
            const NUMBERS: [u8; 8] = [15, 17, 18, 19, 20, 21, 23, 24];
            match number.checked_sub(5).and_then(|at| NUMBERS.get(usize::from(at))) {
                Some(number) => tilde(*number),
                None => return Vec::new(),
            }
        }
    };
    text.into_bytes()
}

/// What a program that has asked for bracketed paste, or has not, gets of a pasted text: lines end in CR as Enter does, and
/// no other control character is sent.
pub fn pasted(text: &str, bracketed: bool) -> Vec<u8> {
    let lines = text.replace("\r\n", "\r").replace('\n', "\r");
    let plain: String = lines.chars().filter(|c| matches!(c, '\r' | '\t') || !c.is_control()).collect();
    if bracketed { format!("\x1b[200~{plain}\x1b[201~").into_bytes() } else { plain.into_bytes() }
}

fn character(c: char, key: Key) -> Vec<u8> {
    if !key.ctrl {
        return with_alt(c.encode_utf8(&mut [0; 4]).as_bytes(), key);
    }
    let control = match c {
        ' ' | '@' | '2' => 0,
        'a'..='z' | 'A'..='Z' | '['..='_' => c as u8 & 0x1f,
        '3' => 0x1b,
        '4' => 0x1c,
        '5' => 0x1d,
        '6' => 0x1e,
        '7' | '/' => 0x1f,
        '8' | '?' => 0x7f,
        _ => return Vec::new(),
    };
    with_alt(&[control], key)
}

fn with_alt(bytes: &[u8], key: Key) -> Vec<u8> {
    let escape: &[u8] = if key.alt { b"\x1b" } else { b"" };
    [escape, bytes].concat()
}

/// xterm's number of what was held down.
fn modifier(key: Key) -> u8 {
    1 + 2 * u8::from(key.alt) + 4 * u8::from(key.ctrl)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sent_as_xterm_does() {
        for (key, application, bytes) in [
            ("a", false, &b"a"[..]),
            ("ж", false, "ж".as_bytes()),
            ("enter", false, b"\r"),
            ("backspace", false, b"\x7f"),
            ("ctrl-c", false, b"\x03"),
            ("ctrl-z", false, b"\x1a"),
            ("ctrl-]", false, b"\x1d"),
            ("ctrl-6", false, b"\x1e"),
            ("ctrl-space", false, b"\0"),
            ("alt-b", false, b"\x1bb"),
            ("up", false, b"\x1b[A"),
            ("up", true, b"\x1bOA"),
            ("ctrl-left", true, b"\x1b[1;5D"),
            ("home", false, b"\x1b[H"),
            ("pgdn", false, b"\x1b[6~"),
            ("alt-delete", false, b"\x1b[3;3~"),
            ("f1", false, b"\x1bOP"),
            ("f4", false, b"\x1bOS"),
            ("f5", false, b"\x1b[15~"),
            ("f12", false, b"\x1b[24~"),
            ("f13", false, b""),
        ] {
            let key: Key = key.parse().expect("a key");
            assert_eq!(encode(key, application), bytes, "{key}");
        }
    }

    #[test]
    fn a_paste_holds_no_escape_that_ends_it() {
        assert_eq!(pasted("a\r\nb\nc\td", false), b"a\rb\rc\td");
        assert_eq!(pasted("x\x1b[201~\x03y", true), b"\x1b[200~x[201~y\x1b[201~");
    }
}
