//! That somebody came in, or was refused.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// The way by which somebody comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginMethod {
    /// The engine runs in the person's own process.
    Embedded,
    /// Over the engine's Unix socket; the kernel says whose process it is.
    Socket,
    /// The same, through an account that is trusted to say on whose behalf it asks: `--as NAME`.
    As,
}

impl LoginMethod {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Socket => "socket",
            Self::As => "as",
        }
    }
}

impl fmt::Display for LoginMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// See the file's head. Each text is one clean, bounded line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Its number, counting up.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The account's number, as the kernel says it.
    pub uid: u32,
    /// The account's login name on the engine's host; `None` where it has none.
    pub account: Option<String>,
    /// On whose behalf it asked to come.
    pub asked_as: Option<String>,
    /// The user that it is; `None` where it is none.
    pub user: Option<String>,
    /// The way.
    pub method: LoginMethod,
    /// The address that OpenSSH says they come from: a hint, since the environment is theirs.
    pub ssh: Option<String>,
    /// Their terminal: a hint as well.
    pub tty: Option<String>,
    /// Their process.
    pub pid: Option<u32>,
    /// Why they were not let in; `None` where they were.
    pub refused: Option<String>,
    /// How many refusals of the account before this one were too many in too short a time to be written down.
    pub left_out: u32,
}
