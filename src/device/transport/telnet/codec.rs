//! The Telnet layer, without I/O: RFC 854 and 855, option answers as RFC 1143 wants them (no loops).

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const SE: u8 = 240;

const BINARY: u8 = 0; // RFC 856
const ECHO: u8 = 1; // RFC 857
const SUPPRESS_GO_AHEAD: u8 = 3; // RFC 858
const TERMINAL_TYPE: u8 = 24; // RFC 1091
const WINDOW_SIZE: u8 = 31; // RFC 1073

const TERMINAL_TYPE_IS: u8 = 0;
const TERMINAL_TYPE_SEND: u8 = 1;
const TERMINAL: &[u8] = b"VT100";

/// The longest subnegotiation, in bytes; what is longer is passed over.
const LONGEST_SUBNEGOTIATION: usize = 4096;

/// What came of some bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// What is for the session.
    pub data: Vec<u8>,
    /// What must be sent back.
    pub reply: Vec<u8>,
}

/// One end of a Telnet connection: a client's.
pub struct Codec {
    state: State,
    /// Options that we perform.
    ours: Options,
    /// Options that the peer performs.
    theirs: Options,
    columns: u16,
    rows: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Data,
    Return,
    Command,
    Option(u8),
    Sub(Vec<u8>),
    SubCommand(Vec<u8>),
}

/// A set of option numbers.
#[derive(Default)]
struct Options([u128; 2]);

impl Options {
    fn has(&self, option: u8) -> bool {
        self.0[usize::from(option >> 7)] & (1 << (option & 127)) != 0
    }

    fn set(&mut self, option: u8, on: bool) {
        let bit = 1 << (option & 127);
        let half = &mut self.0[usize::from(option >> 7)];
        *half = if on { *half | bit } else { *half & !bit };
    }
}

impl Codec {
    /// A client with a window of that size.
    pub fn new(columns: u16, rows: u16) -> Self {
        Self { state: State::Data, ours: Options::default(), theirs: Options::default(), columns, rows }
    }

    /// Takes bytes of the peer, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) -> Decoded {
        let mut decoded = Decoded::default();
        for &byte in bytes {
            self.take(byte, &mut decoded);
        }
        decoded
    }

    /// The window has another size. What the peer must be sent: nothing where it has not asked for sizes.
    pub fn resize(&mut self, columns: u16, rows: u16) -> Vec<u8> {
        (self.columns, self.rows) = (columns, rows);
        let mut told = Vec::new();
        if self.ours.has(WINDOW_SIZE) {
            self.tell_window(&mut told);
        }
        told
    }

    /// Bytes for the peer: IAC doubled, and a bare CR as CR NUL where the connection is not binary.
    pub fn escape(&self, bytes: &[u8]) -> Vec<u8> {
        let mut escaped = Vec::with_capacity(bytes.len() + 2);
        let mut bytes = bytes.iter().peekable();
        while let Some(&byte) = bytes.next() {
            escaped.push(byte);
            match byte {
                IAC => escaped.push(IAC),
                b'\r' if !self.ours.has(BINARY) && bytes.peek() != Some(&&b'\n') => escaped.push(0),
                _ => {}
            }
        }
        escaped
    }

    fn take(&mut self, byte: u8, decoded: &mut Decoded) {
        self.state = match std::mem::replace(&mut self.state, State::Data) {
            State::Return if byte == 0 => State::Data,
            State::Data | State::Return => match byte {
                IAC => State::Command,
                _ => {
                    decoded.data.push(byte);
                    if byte == b'\r' { State::Return } else { State::Data }
                }
            },
            State::Command => match byte {
                IAC => {
                    decoded.data.push(IAC);
                    State::Data
                }
                WILL | WONT | DO | DONT => State::Option(byte),
                SB => State::Sub(Vec::new()),
                _ => State::Data,
            },
            State::Option(verb) => {
                self.negotiate(verb, byte, &mut decoded.reply);
                State::Data
            }
            State::Sub(body) if byte == IAC => State::SubCommand(body),
            State::Sub(mut body) => {
                if body.len() < LONGEST_SUBNEGOTIATION {
                    body.push(byte);
                }
                State::Sub(body)
            }
            State::SubCommand(mut body) => match byte {
                SE => {
                    self.subnegotiate(&body, &mut decoded.reply);
                    State::Data
                }
                IAC => {
                    if body.len() < LONGEST_SUBNEGOTIATION {
                        body.push(IAC);
                    }
                    State::Sub(body)
                }
                // A command inside a subnegotiation ends it (RFC 855 leaves this open; peers that crash do it).
                WILL | WONT | DO | DONT => State::Option(byte),
                _ => State::Data,
            },
        };
    }

    /// Answers only what changes something: that is what keeps two peers from answering each other for ever.
    fn negotiate(&mut self, verb: u8, option: u8, reply: &mut Vec<u8>) {
        match verb {
            WILL if !self.theirs.has(option) => {
                let wanted = matches!(option, BINARY | ECHO | SUPPRESS_GO_AHEAD);
                self.theirs.set(option, wanted);
                reply.extend([IAC, if wanted { DO } else { DONT }, option]);
            }
            WONT if self.theirs.has(option) => {
                self.theirs.set(option, false);
                reply.extend([IAC, DONT, option]);
            }
            DO if !self.ours.has(option) => {
                let wanted = matches!(option, BINARY | SUPPRESS_GO_AHEAD | TERMINAL_TYPE | WINDOW_SIZE);
                self.ours.set(option, wanted);
                reply.extend([IAC, if wanted { WILL } else { WONT }, option]);
                if option == WINDOW_SIZE {
                    self.tell_window(reply);
                }
            }
            DONT if self.ours.has(option) => {
                self.ours.set(option, false);
                reply.extend([IAC, WONT, option]);
            }
            _ => {}
        }
    }

    fn subnegotiate(&self, body: &[u8], reply: &mut Vec<u8>) {
        if body == [TERMINAL_TYPE, TERMINAL_TYPE_SEND] && self.ours.has(TERMINAL_TYPE) {
            reply.extend([IAC, SB, TERMINAL_TYPE, TERMINAL_TYPE_IS]);
            reply.extend(TERMINAL);
            reply.extend([IAC, SE]);
        }
    }

    fn tell_window(&self, reply: &mut Vec<u8>) {
        reply.extend([IAC, SB, WINDOW_SIZE]);
        for byte in self.columns.to_be_bytes().into_iter().chain(self.rows.to_be_bytes()) {
            reply.push(byte);
            if byte == IAC {
                reply.push(IAC);
            }
        }
        reply.extend([IAC, SE]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn feed(bytes: &[u8]) -> Decoded {
        Codec::new(511, 100).feed(bytes)
    }

    #[test]
    fn data_passes_and_doubled_iac_is_one() {
        assert_eq!(feed(b"login: ").data, b"login: ");
        assert_eq!(feed(&[b'a', IAC, IAC, b'b']).data, [b'a', IAC, b'b']);
        assert_eq!(feed(b"a\r\0b\r\nc").data, b"a\rb\r\nc");
    }

    #[test]
    fn the_window_is_told_with_its_iac_doubled() {
        let reply = feed(&[IAC, DO, WINDOW_SIZE]).reply;
        assert_eq!(reply, [IAC, WILL, WINDOW_SIZE, IAC, SB, WINDOW_SIZE, 1, IAC, IAC, 0, 100, IAC, SE]);
    }

    #[test]
    fn another_window_is_told_to_who_has_asked_for_it() {
        let mut codec = Codec::new(80, 24);
        assert!(codec.resize(100, 30).is_empty());
        assert_eq!(codec.feed(&[IAC, DO, WINDOW_SIZE]).reply[6..], [0, 100, 0, 30, IAC, SE]);
        assert_eq!(codec.resize(255, 24), [IAC, SB, WINDOW_SIZE, 0, IAC, IAC, 0, 24, IAC, SE]);
    }

    #[test]
    fn the_terminal_type_is_told_when_asked() {
        let mut codec = Codec::new(80, 24);
        assert_eq!(codec.feed(&[IAC, DO, TERMINAL_TYPE]).reply, [IAC, WILL, TERMINAL_TYPE]);
        let reply = codec.feed(&[IAC, SB, TERMINAL_TYPE, TERMINAL_TYPE_SEND, IAC, SE]).reply;
        assert_eq!(reply, [&[IAC, SB, TERMINAL_TYPE, TERMINAL_TYPE_IS][..], TERMINAL, &[IAC, SE]].concat());
    }

    #[test]
    fn unknown_options_are_refused_once_and_repeats_are_not_answered() {
        let mut codec = Codec::new(80, 24);
        assert_eq!(codec.feed(&[IAC, WILL, ECHO]).reply, [IAC, DO, ECHO]);
        assert_eq!(codec.feed(&[IAC, WILL, ECHO]).reply.len(), 0);
        assert_eq!(codec.feed(&[IAC, WONT, ECHO]).reply, [IAC, DONT, ECHO]);
        assert_eq!(codec.feed(&[IAC, WONT, ECHO]).reply.len(), 0);
        assert_eq!(codec.feed(&[IAC, DO, 37]).reply, [IAC, WONT, 37]);
    }

    #[test]
    fn an_endless_subnegotiation_takes_no_memory() {
        let mut codec = Codec::new(80, 24);
        codec.feed(&[IAC, SB, TERMINAL_TYPE]);
        for _ in 0..100 {
            assert_eq!(codec.feed(&[b'x'; 10_000]), Decoded::default());
        }
        assert!(matches!(&codec.state, State::Sub(body) if body.len() <= LONGEST_SUBNEGOTIATION));
        assert_eq!(codec.feed(&[IAC, SE, b'a']).data, b"a");
    }

    #[test]
    fn what_is_sent_survives() {
        let codec = Codec::new(80, 24);
        assert_eq!(codec.escape(b"show\r"), b"show\r\0");
        assert_eq!(codec.escape(&[1, IAC]), [1, IAC, IAC]);
    }

    proptest! {
        #[test]
        fn cut_anywhere_it_is_the_same(
            bytes in proptest::collection::vec(prop_oneof![Just(IAC), Just(SB), Just(SE), Just(b'\r'), Just(DO), Just(WINDOW_SIZE), any::<u8>()], 0..60),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = feed(&bytes);
            let (head, tail) = bytes.split_at(cut.index(bytes.len() + 1));
            let mut codec = Codec::new(511, 100);
            let (one, two) = (codec.feed(head), codec.feed(tail));
            prop_assert_eq!([one.data, two.data].concat(), whole.data);
            prop_assert_eq!([one.reply, two.reply].concat(), whole.reply);
        }

        #[test]
        fn data_that_is_escaped_comes_back(bytes in any::<Vec<u8>>()) {
            let bytes: Vec<u8> = bytes.into_iter().filter(|&byte| byte != 0).collect();
            let sent = Codec::new(80, 24).escape(&bytes);
            prop_assert_eq!(feed(&sent).data, bytes);
        }
    }
}
