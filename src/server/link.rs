//! What a client and its session say to each other: bytes, a size, and the few things that only the client can do.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// The most messages of a client that wait for its session.
const HEARD: usize = 64;
/// The most messages of a session that wait for its client: one is being written, the next one is ready.
const TOLD: usize = 1;

/// What a client says. A closed channel means that the operator has gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromClient {
    /// Bytes from the terminal.
    Input(Vec<u8>),
    /// The terminal has another size.
    Size(u16, u16),
    /// The shell wants the client to stop.
    Suspend,
    /// The terminal is free again after [`ToClient::Suspend`] or [`ToClient::Edit`]; its size now.
    Returned {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
        /// The text that the editor left; an error is what went wrong meanwhile.
        edited: Result<Option<String>, String>,
    },
}

/// What gives a terminal back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave {
    /// To be written first.
    pub bytes: Vec<u8>,
    /// The terminal has yet to answer the last frame: its answer must not reach the shell as if it was typed.
    pub answer_due: bool,
}

/// What a session wants of its client. Where it gives the terminal back, `leave` is written first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToClient {
    /// A frame, to be written with one write.
    Screen(Vec<u8>),
    /// Open this text in the operator's editor, then say [`FromClient::Returned`].
    Edit {
        /// What gives the terminal back.
        leave: Leave,
        /// The name of the temporary file.
        name: String,
        /// The text.
        text: String,
    },
    /// Stop until the shell goes on, then say [`FromClient::Returned`].
    Suspend {
        /// What gives the terminal back.
        leave: Leave,
    },
    /// The session is over.
    End {
        /// What gives the terminal back.
        leave: Leave,
    },
}

/// The client's end.
pub struct ClientEnd {
    /// What the client says.
    pub say: mpsc::Sender<FromClient>,
    /// What the session says.
    pub told: mpsc::Receiver<ToClient>,
}

/// The session's end.
pub struct ServerEnd {
    /// What the client says.
    pub heard: mpsc::Receiver<FromClient>,
    /// What the session says.
    pub tell: mpsc::Sender<ToClient>,
}

/// A link within the process. Nothing piles up in it: a session that finds no room keeps its frame for later.
pub fn link() -> (ClientEnd, ServerEnd) {
    let (say, heard) = mpsc::channel(HEARD);
    let (tell, told) = mpsc::channel(TOLD);
    (ClientEnd { say, told }, ServerEnd { heard, tell })
}

/// The files of the client's side: those that a command names are opened there, with the operator's own rights.
pub trait Files: Send + Sync {
    /// Reads a file, of at most so many bytes.
    ///
    /// # Errors
    /// A sentence that names the file and says why.
    fn read(&self, path: &str, at_most: usize) -> Result<Vec<u8>, String>;

    /// Writes a file, whole or not at all; readable for its owner alone where it is `private`.
    ///
    /// # Errors
    /// A sentence that names the file and says why.
    fn write(&self, path: &str, bytes: &[u8], private: bool) -> Result<(), String>;

    /// The path that the engine itself should use for one that the operator named.
    fn whole_path(&self, path: &str) -> PathBuf {
        PathBuf::from(path)
    }
}
