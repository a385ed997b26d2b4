//! What a client and the engine say to each other over a socket, as bytes: messages in length-delimited frames.
//!
//! A message is postcard, cut into frames of at most [`LONGEST_FRAME`] bytes. A frame's head is four bytes, little endian:
//! its length, and in the highest bit whether the message goes on in the next one. Room is made for what has come, never
//! for what is only announced. The first message of a client is a [`Hello`](super::Hello), the engine's first is its [`Reply`].

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::link::{FromClient, ToClient};

/// The version of these messages: both sides must speak the same.
pub const PROTOCOL: u16 = 2;
/// The longest frame, in bytes after its head.
pub const LONGEST_FRAME: usize = 64 << 10;
/// The longest [`Hello`](super::Hello), in bytes: who says one is nobody yet.
pub const LONGEST_HELLO: usize = 128 << 10;
/// The longest message of a client that was asked for nothing, in bytes.
pub const LONGEST_SAID: usize = 256 << 10;
/// The longest message of the engine, in bytes: its client trusts it, and still ends somewhere.
pub const LONGEST_TOLD: usize = 256 << 20;

const HEAD: usize = 4;
const GOES_ON: u32 = 1 << 31;
/// The most bytes taken from a socket at once.
const CHUNK: usize = 16 << 10;

/// What the engine answers to a [`Hello`](super::Hello). The order of these never changes: an older client must understand a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Why there is no session: one clean sentence.
    Refused(String),
    /// The session begins.
    Welcome {
        /// The engine's version.
        version: String,
    },
}

/// What a client says once it is welcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// To the session of a full screen.
    Screen(FromClient),
    /// The operator has gone: the session should end, and say how the terminal is given back.
    HangUp,
    /// This signal should end the command: 2 is Ctrl-C.
    Signal(u8),
    /// The answer to [`Told::Ask`] of this number.
    Answer(u32, Answer),
    /// So many bytes of what the engine told are where they belong: there is room for more.
    Took(u32),
}

/// What the engine tells a client that is welcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// Of the session of a full screen.
    Screen(ToClient),
    /// A line of a command's answer.
    Line(String),
    /// A line about how it goes.
    Note(String),
    /// Bytes of a command's answer.
    Bytes(Vec<u8>),
    /// A command has ended, with this exit status.
    Exit(u8),
    /// What only the client can do; it answers with this number.
    Ask(u32, Ask),
    /// The session ends before its operator wanted that.
    Bye {
        /// Why: one clean sentence.
        why: String,
        /// Whether the client may wait for the engine and come back.
        comes_back: bool,
    },
}

/// What only a client can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Ask the person yes or no.
    Confirm(String),
    /// Ask the person for a secret.
    Secret(String),
    /// Read a file; `-` is standard input.
    Read {
        /// Which, as the operator named it.
        path: String,
        /// At most so many bytes.
        at_most: u64,
    },
    /// Write a file, whole or not at all.
    Write {
        /// Which, as the operator named it.
        path: String,
        /// Its content.
        bytes: Vec<u8>,
        /// Whether it is for its owner alone.
        private: bool,
    },
}

/// What a client answers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Yes or no; `None` where nobody answers.
    Confirmed(Option<bool>),
    /// The secret in the clear; `None` where nobody answers. It crosses nothing but the socket.
    Secret(Option<String>),
    /// The file, or why it cannot be read.
    File(Result<Vec<u8>, String>),
    /// Whether it was written, or why not.
    Wrote(Result<(), String>),
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Confirmed(_) => "Confirmed(…)",
            Self::Secret(_) => "Secret(…)",
            Self::File(_) => "File(…)",
            Self::Wrote(_) => "Wrote(…)",
        })
    }
}

/// Why bytes from a socket are no message.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A frame or a message is longer than it may be.
    #[error("a message is longer than {0} bytes")]
    TooLong(usize),
    /// What came is no message.
    #[error("what came is no message of noctule's protocol {PROTOCOL}")]
    Nonsense,
    /// The other side has gone.
    #[error("the other side has closed the connection")]
    Closed,
    /// The socket failed.
    #[error("{0}")]
    Socket(#[from] std::io::Error),
}

/// A message as the bytes of its frames.
///
/// # Errors
/// Never in practice: every message here can be written.
pub fn frames(message: &impl Serialize) -> Result<Vec<u8>, WireError> {
    let body = postcard::to_stdvec(message).map_err(|_| WireError::Nonsense)?;
    let mut bytes = Vec::with_capacity(body.len() + HEAD * (body.len() / LONGEST_FRAME + 1));
    let mut parts = body.chunks(LONGEST_FRAME).peekable();
    while let Some(part) = parts.next() {
        let goes_on = if parts.peek().is_some() { GOES_ON } else { 0 };
        let length = u32::try_from(part.len()).map_err(|_| WireError::TooLong(LONGEST_FRAME))?;
        bytes.extend((length | goes_on).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    Ok(bytes)
}

/// How many bytes a message's body takes on the way.
pub fn framed(body: usize) -> usize {
    body + HEAD * body.div_ceil(LONGEST_FRAME)
}

/// What a message's body says.
///
/// # Errors
/// Where it is none, or something follows it.
pub fn message<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, WireError> {
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(WireError::Nonsense),
    }
}

/// Puts messages together from bytes as they come, wherever they are cut.
#[derive(Default)]
pub struct Assembler {
    body: Vec<u8>,
    head: Vec<u8>,
    /// What is left of the frame that has begun.
    left: usize,
    goes_on: bool,
}

impl Assembler {
    /// Takes from `bytes` up to the end of the message that they go on with, and returns its body if that has come.
    /// Nothing is kept of a message that is longer than `longest` bytes.
    ///
    /// # Errors
    /// When a frame says that it is longer than a frame may be, or makes its message longer than `longest`. Nothing
    /// after that makes sense.
    pub fn take(&mut self, bytes: &mut &[u8], longest: usize) -> Result<Option<Vec<u8>>, WireError> {
        while !bytes.is_empty() {
            if self.left == 0 {
                self.begin_frame(bytes, longest)?;
            }
            let (now, later) = bytes.split_at(self.left.min(bytes.len()));
            self.body.extend_from_slice(now);
            self.left -= now.len();
            *bytes = later;
            if self.left == 0 && self.head.len() == HEAD {
                self.head.clear();
                if !self.goes_on {
                    return Ok(Some(std::mem::take(&mut self.body)));
                }
            }
        }
        Ok(None)
    }

    /// Reads as much of a frame's head as there is.
    fn begin_frame(&mut self, bytes: &mut &[u8], longest: usize) -> Result<(), WireError> {
        let (now, later) = bytes.split_at((HEAD - self.head.len()).min(bytes.len()));
        self.head.extend_from_slice(now);
        *bytes = later;
        let Ok(head) = <[u8; HEAD]>::try_from(&self.head[..]) else { return Ok(()) };
        let head = u32::from_le_bytes(head);
        let length = (head & !GOES_ON) as usize;
        if length > LONGEST_FRAME {
            return Err(WireError::TooLong(LONGEST_FRAME));
        }
        if self.body.len() + length > longest {
            return Err(WireError::TooLong(longest));
        }
        // frames of nothing would be taken without end
        if length == 0 && head & GOES_ON != 0 {
            return Err(WireError::Nonsense);
        }
        (self.left, self.goes_on) = (length, head & GOES_ON != 0);
        Ok(())
    }
}

/// The receiving end of a socket.
pub struct Receiver<R> {
    socket: R,
    assembler: Assembler,
    chunk: Vec<u8>,
    /// What of the chunk has not been taken yet.
    from: usize,
}

impl<R: AsyncRead + Unpin> Receiver<R> {
    /// Nothing has come yet.
    pub fn new(socket: R) -> Self {
        Self { socket, assembler: Assembler::default(), chunk: Vec::new(), from: 0 }
    }

    /// The body of the next message, of at most so many bytes as `longest` says when a part of it comes. Cancel safe.
    ///
    /// # Errors
    /// When the other side has gone, or what it says is too long or makes no sense.
    pub async fn body(&mut self, longest: impl Fn() -> usize) -> Result<Vec<u8>, WireError> {
        loop {
            let mut rest = &self.chunk[self.from..];
            let taken = self.assembler.take(&mut rest, longest());
            self.from = self.chunk.len() - rest.len();
            if let Some(body) = taken? {
                return Ok(body);
            }
            self.chunk.clear();
            self.chunk.reserve(CHUNK);
            self.from = 0;
            if self.socket.read_buf(&mut self.chunk).await? == 0 {
                return Err(WireError::Closed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::server::link::Leave;

    /// What comes of bytes that are cut at these places.
    fn assembled(bytes: &[u8], cut: usize, longest: usize) -> Result<Vec<Vec<u8>>, WireError> {
        let (mut assembler, mut bodies) = (Assembler::default(), Vec::new());
        for mut part in bytes.chunks(cut.max(1)) {
            while let Some(body) = assembler.take(&mut part, longest)? {
                bodies.push(body);
            }
        }
        Ok(bodies)
    }

    fn said() -> impl Strategy<Value = Said> {
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300).prop_map(|b| Said::Screen(FromClient::Input(b))),
            (any::<u16>(), any::<u16>()).prop_map(|(w, h)| Said::Screen(FromClient::Size(w, h))),
            any::<u8>().prop_map(Said::Signal),
            any::<u32>().prop_map(Said::Took),
            (any::<u32>(), ".*").prop_map(|(n, why)| Said::Answer(n, Answer::File(Err(why)))),
            (any::<u32>(), any::<Option<bool>>())
                .prop_map(|(n, yes)| Said::Answer(n, Answer::Confirmed(yes))),
            Just(Said::HangUp),
        ]
    }

    proptest! {
        #[test]
        fn what_is_said_is_heard_wherever_it_is_cut(all in proptest::collection::vec(said(), 1..8), cut in 1_usize..40) {
            let bytes: Vec<u8> = all.iter().flat_map(|said| frames(said).unwrap()).collect();
            let bodies = assembled(&bytes, cut, LONGEST_SAID).unwrap();
            let heard: Vec<Said> = bodies.iter().map(|body| message(body).unwrap()).collect();
            prop_assert_eq!(heard, all);
        }

        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400), cut in 1_usize..9) {
            if let Ok(bodies) = assembled(&bytes, cut, 100) {
                for body in bodies {
                    prop_assert!(body.len() <= 100);
                    let _ = message::<Said>(&body);
                }
            }
        }
    }

    #[test]
    fn a_long_message_takes_several_frames() {
        let leave = Leave { bytes: vec![7; 3 * LONGEST_FRAME], answer_due: true };
        let told = Told::Screen(ToClient::End { leave });
        let bytes = frames(&told).unwrap();
        assert_eq!(bytes.len(), 3 * LONGEST_FRAME + 4 * HEAD + 6, "four frames");
        let bodies = assembled(&bytes, 10_000, LONGEST_TOLD).unwrap();
        assert_eq!(message::<Told>(&bodies[0]).unwrap(), told);
    }

    #[test]
    fn a_length_is_checked_before_there_is_room_for_it() {
        for (head, longest) in [(u32::MAX >> 1, 1 << 30), (LONGEST_FRAME as u32 + 1, 1 << 30), (101, 100)] {
            let mut assembler = Assembler::default();
            let refused = assembler.take(&mut &head.to_le_bytes()[..], longest);
            assert!(matches!(refused, Err(WireError::TooLong(_))), "{head}");
            assert_eq!(assembler.body.capacity(), 0);
        }
        // a message that grows beyond its limit frame by frame
        let frame = [&(60 | GOES_ON).to_le_bytes()[..], &[0; 60]].concat();
        assert!(assembled(&frame.repeat(2), 7, 100).is_err());
        assert!(assembled(&GOES_ON.to_le_bytes(), 1, 100).is_err(), "frames of nothing");
    }
}
