//! One backup run of one device.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{DeviceId, Failure, Timestamp};

/// How a run ended. The text form is part of the `--json` shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// A new revision was stored.
    Changed,
    /// The text is the one already stored.
    Unchanged,
    /// No proven configuration came.
    Failed,
    /// Nothing was tried: unmanaged, paused, already running, done today.
    Skipped,
}

impl RunStatus {
    /// The text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What one run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Whose run.
    pub device: DeviceId,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// How it ended.
    pub status: RunStatus,
    /// The revision that it stored, confirmed or quarantined.
    pub revision: Option<u32>,
    /// Bytes of configuration that came.
    pub bytes: u64,
    /// Why it failed or was skipped.
    pub failure: Option<Failure>,
    /// The kept transcript of a failed session (engine/recordings).
    pub recording: Option<u64>,
    /// Who asked for it: a person, or `schedule`.
    pub by: String,
}
