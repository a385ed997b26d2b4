//! Why something with a device did not work, in words a person can act on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a failure. The text form (`host-key`) is part of the `--json` shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// No route, no answer, or the name does not resolve.
    Unreachable,
    /// The port is closed.
    Refused,
    /// A step took longer than it may; the message names the step and the limit.
    Timeout,
    /// The device did not take the user name, password, key or enable password.
    Authentication,
    /// The device's host key is not the pinned one, or is unknown under the strict policy.
    HostKey,
    /// No algorithm in common; the message names both sides' offers.
    Algorithms,
    /// No known prompt was recognised; the message ends with the last lines seen.
    Prompt,
    /// The connection ended in the middle.
    Disconnected,
    /// The device answered a command with an error line.
    Rejected,
    /// The output is not proven complete.
    Truncated,
    /// Larger than the limit.
    TooLarge,
    /// The record lacks what the act needs: a driver, a transport, a user name.
    Incomplete,
    /// The operator or the end of the program stopped it.
    Cancelled,
    /// The store could not take the result.
    Storage,
    /// A fault of noctule itself.
    Internal,
}

impl FailureKind {
    /// The text form, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Authentication => "authentication",
            Self::HostKey => "host-key",
            Self::Algorithms => "algorithms",
            Self::Prompt => "prompt",
            Self::Disconnected => "disconnected",
            Self::Rejected => "rejected",
            Self::Truncated => "truncated",
            Self::TooLarge => "too-large",
            Self::Incomplete => "incomplete",
            Self::Cancelled => "cancelled",
            Self::Storage => "storage",
            Self::Internal => "internal",
        }
    }

    /// Whether trying again soon could help. A wrong password must not be tried twice: it locks accounts.
    pub fn is_passing(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Refused | Self::Timeout | Self::Disconnected | Self::Truncated
        )
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A failure: its kind, and one sentence that says what was being done, why it failed and what to do.
/// The message is clean (no control characters) and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind, for sorting and scripts.
    pub kind: FailureKind,
    /// The sentence, for people.
    pub message: String,
}

impl Failure {
    /// A failure of `kind`; control and bidi characters in `message` are made visible.
    pub fn new(kind: FailureKind, message: impl AsRef<str>) -> Self {
        let message = super::clean_line(message.as_ref()).into_owned();
        Self { kind, message }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for Failure {}
