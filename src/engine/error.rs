//! Why an act or a read did not work.

use std::fmt;

/// The kind of an [`ActError`], for exit statuses and for a caller that reacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActErrorKind {
    /// What was asked makes no sense: a wrong value, an unknown field.
    Usage,
    /// There is no such device, revision, recording.
    NotFound,
    /// It would break a rule: a name that is taken, a plan with bad lines.
    Conflict,
    /// The store could not read or write it.
    Storage,
    /// The engine is stopping, or a worker of its own broke down.
    Internal,
}

/// An act or a read that was not done: one clean sentence that says what, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActError {
    /// The kind.
    pub kind: ActErrorKind,
    /// The sentence.
    pub message: String,
}

impl ActError {
    /// An error of `kind`; control and bidi characters in `message` are made visible.
    pub fn new(kind: ActErrorKind, message: impl AsRef<str>) -> Self {
        Self { kind, message: crate::model::clean_line(message.as_ref()).into_owned() }
    }

    /// A wrong value.
    pub fn usage(message: impl AsRef<str>) -> Self {
        Self::new(ActErrorKind::Usage, message)
    }

    /// Nothing of that name.
    pub fn not_found(message: impl AsRef<str>) -> Self {
        Self::new(ActErrorKind::NotFound, message)
    }

    /// Against a rule.
    pub fn conflict(message: impl AsRef<str>) -> Self {
        Self::new(ActErrorKind::Conflict, message)
    }

    /// The store refused; `doing` says what was being done: `storing device core-1`.
    pub fn storage(doing: &str, cause: impl fmt::Display) -> Self {
        Self::new(ActErrorKind::Storage, format!("{doing}: {cause}"))
    }

    /// A fault of noctule itself.
    pub fn internal(message: impl AsRef<str>) -> Self {
        Self::new(ActErrorKind::Internal, message)
    }
}

impl fmt::Display for ActError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ActError {}
