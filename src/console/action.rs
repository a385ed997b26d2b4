//! What a session wants from the world, and what the world says back.

use crate::device::transport::Window;
use crate::engine::query::{Answer, Query};
use crate::engine::terminal::Typed;

/// The number of a read that a session asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueryId(pub u64);

/// The number of a command line that a session started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineId(pub u64);

/// What a session cannot do itself.
#[derive(Clone, Debug)]
pub enum Request {
    /// Read this and hand the answer to `Session::answer`. Newer reads of a pane make older ones void.
    Query(QueryId, Query),
    /// Run this command line and hand what it says to `Session::output`.
    Run {
        /// Its number.
        id: LineId,
        /// The line: `backup run core-1`.
        line: String,
        /// What the command reads where it is told to read the file `-`: a text from an editor pane.
        input: Option<String>,
    },
    /// Journal that this line was asked for and is not for the operator's role; the operator was told.
    Refused {
        /// The line.
        line: String,
    },
    /// Open this text in the operator's editor. `Session::leave` is written first; after it come `Session::returned`
    /// and, with what the file then holds, `Session::edited`.
    Edit {
        /// What it is, for the name of the temporary file: `core-1.config`.
        name: String,
        /// The text.
        text: String,
    },
    /// Stop the client until its shell continues it. `Session::leave` is written first; after it, `Session::returned`.
    Suspend,
    /// For a person's session with a device; what comes of it goes to `Session::terminal`.
    Terminal(TerminalId, Dial),
    /// The operator is done.
    Quit,
}

/// The number of a terminal that a pane has opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TerminalId(pub u64);

/// What a pane wants of its terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dial {
    /// A new session; the pane's older one is over.
    Open {
        /// With which device.
        device: String,
        /// The pane's window.
        window: Window,
    },
    /// Hand this on to the device.
    Type(Typed),
    /// End the session.
    Close,
}

/// What a command line that was started says.
#[derive(Clone, Debug)]
pub enum Output {
    /// One line of its output.
    Line(String),
    /// It ended: 0 done, 1 partly or failed, 2 usage.
    Exit(u8),
}

/// What a pane answers to an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It does not know the action.
    Unknown,
    /// Done.
    Done,
    /// Run this line instead.
    Line(String),
    /// Run this line of the command table, with a text for the file `-`.
    Run {
        /// The line.
        line: String,
        /// The text.
        input: String,
    },
    /// Ask for a reason, and whether to; then run this line, whose last word is the flag that takes it.
    Reason {
        /// The line.
        line: String,
        /// What the person should know before.
        question: String,
    },
    /// It cannot be done now; the sentence says why.
    Refused(String),
}

impl Outcome {
    /// A refusal.
    pub fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }
}

/// The sentence of a failed read; `None` where it is an answer.
pub fn failure(answer: &Answer) -> Option<&str> {
    match answer {
        Answer::Failed(why) => Some(why),
        _ => None,
    }
}
