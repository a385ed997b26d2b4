//! One stored configuration of a device, and what proves that it is whole.

use serde::{Deserialize, Serialize};

use super::{BlobRef, DeviceId, Timestamp};

/// A stored configuration. Numbers of a device count up from 1 and are never used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Whose it is.
    pub device: DeviceId,
    /// Its number.
    pub number: u32,
    /// When it was first read.
    pub at: Timestamp,
    /// When a run last read the very same text.
    pub last_seen: Timestamp,
    /// The exact text, sealed.
    pub exact: BlobRef,
    /// The normalised text: noise dropped, secrets as fingerprints.
    pub normal: BlobRef,
    /// SHA-256 of the exact text, in hex.
    pub sha256: String,
    /// Lines of the exact text.
    pub lines: u32,
    /// What speaks for its being whole.
    pub evidence: Evidence,
    /// Good, put aside, or accepted by a person.
    pub state: RevisionState,
}

/// Whether a revision counts as the device's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevisionState {
    /// Proven complete.
    Good,
    /// Not proven; kept to be looked at, never shown as the newest configuration.
    Quarantined {
        /// What it lacks, in words.
        reason: String,
    },
    /// Not proven, but a person has looked at it and answers for its being whole: it counts as a good one.
    Accepted(Acceptance),
}

/// Who answers for a revision that was put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// What it lacked, in words.
    pub lacked: String,
    /// The person's login name.
    pub by: String,
    /// Why they accept it, in their words.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

impl RevisionState {
    /// Whether the revision counts as the device's configuration.
    pub fn is_good(&self) -> bool {
        !matches!(self, Self::Quarantined { .. })
    }
}

/// A size that the device itself stated, beside the one that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedSize {
    /// Bytes as the device says.
    pub stated: u64,
    /// Bytes that came.
    pub got: u64,
}

/// What was checked when the configuration was read. `None` is "this driver has no such check".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The vendor's end marker was the last line.
    pub end_marker: Option<bool>,
    /// The size the device states.
    pub stated_size: Option<StatedSize>,
    /// After the output an empty line brought the same prompt again, and nothing else.
    pub prompt_confirmed: bool,
    /// Length in percent of the newest good revision's.
    pub length_percent: Option<u32>,
}
