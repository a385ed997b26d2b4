//! Bytes from a terminal, cut anywhere, become keys, pastes, mouse reports and answers.

use termina::Event;
use termina::escape::csi::{Csi, Device};
use termina::event::{KeyCode, KeyEvent, KeyEventKind, Modifiers, MouseButton, MouseEvent, MouseEventKind};

use super::key::{Code, Key};

/// The longest paste that is taken, in bytes; the rest of it is dropped.
pub const MOST_PASTED: usize = 64 * 1024;

/// No sequence of a terminal is longer: what is gets thrown away, so that garbage neither grows nor costs.
const LONGEST_SEQUENCE: usize = 256;

const PASTE_BEGIN: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// What a terminal said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Paste(String),
    /// A button or the wheel.
    Mouse(Mouse),
    /// The answer to [`super::sequence::ASK_ATTRIBUTES`].
    Answered,
}

/// A mouse report; columns and rows count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mouse {
    /// What was done.
    pub kind: MouseKind,
    /// Column.
    pub x: u16,
    /// Row.
    pub y: u16,
}

/// What was done with the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseKind {
    /// The left button went down.
    Press,
    /// The wheel turned away from the person.
    WheelUp,
    /// The wheel turned towards the person.
    WheelDown,
}

/// Takes bytes as they come.
#[derive(Debug, Default)]
pub struct InputParser {
    parser: termina::Parser,
    /// Bytes of the sequence that the parser holds.
    held: usize,
    /// How much of [`PASTE_BEGIN`] the last bytes spell.
    beginning: usize,
    paste: Option<Vec<u8>>,
    /// The last byte was an Esc that may be the key, or the start of a sequence.
    escape: bool,
}

impl InputParser {
    /// Whether an Esc waits for what follows: call [`Self::settle`] when nothing has for a while.
    pub fn escape_pending(&self) -> bool {
        self.escape && self.paste.is_none()
    }

    /// Nothing more came: an Esc that waited was the key.
    pub fn settle(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        if self.escape_pending() {
            self.parser.parse(&[], false);
            self.drain(&mut inputs);
        }
        self.escape = false;
        inputs
    }

    /// Takes bytes and returns what they complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Input> {
        let mut inputs = Vec::new();
        for &byte in bytes {
            match &mut self.paste {
                Some(_) => self.feed_paste(byte, &mut inputs),
                None => self.feed_key(byte, &mut inputs),
            }
        }
        inputs
    }

    fn feed_key(&mut self, byte: u8, inputs: &mut Vec<Input>) {
        if byte == b'\x1b' && self.escape && self.held == 1 {
            // what follows an Esc that a person has pressed may be the terminal's answer
            inputs.extend(self.settle());
        }
        self.beginning = match byte {
            byte if byte == PASTE_BEGIN[self.beginning] => self.beginning + 1,
            b'\x1b' => 1,
            _ => 0,
        };
        if self.beginning == PASTE_BEGIN.len() {
            // termina would read the whole paste again with every byte of it
            *self = Self { paste: Some(Vec::new()), ..Self::default() };
            return;
        }
        self.escape = byte == b'\x1b';
        self.held += 1;
        self.parser.parse(&[byte], true);
        self.drain(inputs);
        if self.held > LONGEST_SEQUENCE {
            *self = Self::default();
        }
    }

    fn drain(&mut self, inputs: &mut Vec<Input>) {
        while let Some(event) = self.parser.pop() {
            self.held = 0;
            inputs.extend(translate(event));
        }
    }

    fn feed_paste(&mut self, byte: u8, inputs: &mut Vec<Input>) {
        let Some(paste) = &mut self.paste else { return };
        paste.push(byte);
        if paste.ends_with(PASTE_END) {
            paste.truncate(paste.len() - PASTE_END.len());
            paste.truncate(MOST_PASTED);
            inputs.push(Input::Paste(String::from_utf8_lossy(paste).into_owned()));
            *self = Self::default();
        } else if paste.len() >= MOST_PASTED + 2 * PASTE_END.len() {
            // the end is still looked for, so its possible beginning stays
            paste.drain(MOST_PASTED..paste.len() - PASTE_END.len());
        }
    }
}

fn translate(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) => translate_key(key).map(Input::Key),
        Event::Mouse(mouse) => translate_mouse(mouse).map(Input::Mouse),
        Event::Csi(Csi::Device(Device::DeviceAttributes(()))) => Some(Input::Answered),
        _ => None,
    }
}

fn translate_key(key: KeyEvent) -> Option<Key> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let shift = key.modifiers.contains(Modifiers::SHIFT);
    let code = match key.code {
        // the four bytes after Esc, as they are written on a keyboard
        KeyCode::Char(c @ '4'..='7') if key.modifiers == Modifiers::CONTROL => {
            Code::Char(['\\', ']', '^', '_'][usize::from(c as u8 - b'4')])
        }
        KeyCode::Char(c) if shift => Code::Char(c.to_uppercase().next().unwrap_or(c)),
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::Enter => Code::Enter,
        KeyCode::Escape => Code::Esc,
        KeyCode::Tab if shift => Code::BackTab,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp if shift => Code::ShiftPageUp,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown if shift => Code::ShiftPageDown,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::Insert => Code::Insert,
        KeyCode::Delete => Code::Delete,
        KeyCode::Function(n) => Code::F(n),
        _ => return None,
    };
    let ctrl = key.modifiers.contains(Modifiers::CONTROL);
    let alt = key.modifiers.contains(Modifiers::ALT);
    Some(Key { code, ctrl, alt })
}

fn translate_mouse(mouse: MouseEvent) -> Option<Mouse> {
    let kind = match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => MouseKind::Press,
        MouseEventKind::ScrollUp => MouseKind::WheelUp,
        MouseEventKind::ScrollDown => MouseKind::WheelDown,
        _ => return None,
    };
    Some(Mouse { kind, x: mouse.column, y: mouse.row })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &[u8] =
        "j\x1b[A\x1bOB\x1b[5~\x1b[3~\x04\x1b[200~a\x1b[Ab\r\n\x1b[201~\x1b[?62;22c\x1b[<0;10;5M\x1b[<65;1;1Mж\x1b[27u"
            .as_bytes();

    fn expected() -> Vec<Input> {
        let key = |text: &str| Input::Key(text.parse().expect("a key"));
        vec![
            key("j"),
            key("up"),
            key("down"),
            key("pgup"),
            key("delete"),
            key("ctrl-d"),
            Input::Paste("a\x1b[Ab\r\n".into()),
            Input::Answered,
            Input::Mouse(Mouse { kind: MouseKind::Press, x: 9, y: 4 }),
            Input::Mouse(Mouse { kind: MouseKind::WheelDown, x: 0, y: 0 }),
            key("ж"),
            key("esc"),
        ]
    }

    #[test]
    fn a_stream_cut_at_any_byte_reads_the_same() {
        for cut in 0..=SAMPLE.len() {
            let mut parser = InputParser::default();
            let mut inputs = parser.feed(&SAMPLE[..cut]);
            inputs.extend(parser.feed(&SAMPLE[cut..]));
            assert_eq!(inputs, expected(), "cut at {cut}");
        }
    }

    #[test]
    fn a_lone_escape_is_a_key_once_nothing_follows() {
        let mut parser = InputParser::default();
        assert_eq!(parser.feed(b"\x1b"), []);
        assert!(parser.escape_pending());
        assert_eq!(parser.settle(), [Input::Key(Key::plain(Code::Esc))]);
        assert!(!parser.escape_pending());
        assert_eq!(parser.feed(b"j").len(), 1);
    }

    #[test]
    fn an_escape_before_a_sequence_is_a_key() {
        let stream = b"\x1b\x1b[?62;22c\x1b\x1b[A\x1b\x1b[200~x\x1b[201~";
        let key = |text: &str| Input::Key(text.parse().expect("a key"));
        let expected =
            [key("esc"), Input::Answered, key("esc"), key("up"), key("esc"), Input::Paste("x".into())];
        for cut in 0..=stream.len() {
            let mut parser = InputParser::default();
            let mut inputs = parser.feed(&stream[..cut]);
            inputs.extend(parser.feed(&stream[cut..]));
            assert_eq!(inputs, expected, "cut at {cut}");
        }
    }

    #[test]
    fn garbage_is_bounded_and_forgotten() {
        let mut parser = InputParser::default();
        for start in [&b"\x1b]"[..], b"\x1bP", b"\x1b[", b"\xf0"] {
            parser.feed(start);
            parser.feed(&vec![b'7'; 1 << 20]);
            parser.feed(b"\x1b\\\x07");
            assert_eq!(parser.feed(b"k").last(), Some(&Input::Key(Key::plain(Code::Char('k')))));
        }
        parser.feed(b"\x1b[200~");
        parser.feed(&vec![0xff; 1 << 20]);
        let inputs = parser.feed(b"\x1b[201~");
        assert!(matches!(&inputs[..], [Input::Paste(text)] if text.len() <= 3 * MOST_PASTED));
    }
}
