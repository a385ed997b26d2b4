//! Who may do what, and how loudly an act must be confirmed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a person is allowed to do, from least to most. Each command names the least role that may run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads everything but secrets.
    Viewer,
    /// Runs backups and drafts changes.
    Operator,
    /// Changes the inventory and devices.
    Engineer,
    /// Everything, users and store included.
    Admin,
}

impl Role {
    /// The least role that may read what a device said as it said it, in exact texts and recordings: it holds secrets
    /// that no pattern knows.
    pub const READS_SECRETS: Self = Self::Engineer;

    /// The least role that may read the audit trail: it says what everybody does.
    pub const READS_AUDIT: Self = Self::Admin;
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Engineer => "engineer",
            Self::Admin => "admin",
        })
    }
}

/// How an act is confirmed before it runs in the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Danger {
    /// Reads, or is undone by itself: no question.
    None,
    /// Changes something that can be brought back: y/n, focus on Cancel.
    Ask,
    /// Cannot be brought back, or hits many: the name must be typed.
    Type,
}
