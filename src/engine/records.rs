//! The engine's own records in the store, beside those of `store/records.rs`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{DeviceId, Revision, RevisionState, Run, Timestamp};
use crate::store::{Key, Record};

/// What is known of a device's backups, in one record: a start reads two records per device, not its whole history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceStatus {
    /// Whose.
    pub device: DeviceId,
    /// The last run that tried.
    pub last_run: Option<Arc<Run>>,
    /// The newest good revision; its `last_seen` is when a run last proved it.
    pub newest: Option<Arc<Revision>>,
    /// How many revisions are stored, quarantined ones included.
    pub revisions: u32,
    /// The number that the next revision gets.
    pub next_revision: u32,
    /// The number that the next recording gets.
    pub next_recording: u64,
}

impl DeviceStatus {
    /// Nothing is known yet.
    pub fn of(device: DeviceId) -> Self {
        Self { device, last_run: None, newest: None, revisions: 0, next_revision: 1, next_recording: 1 }
    }

    /// Whether the last run's text was put aside, and a person has accepted it since.
    pub fn is_last_accepted(&self) -> bool {
        let read = self.last_run.as_ref().and_then(|run| run.revision);
        self.newest.as_ref().is_some_and(|newest| {
            Some(newest.number) == read && matches!(newest.state, RevisionState::Accepted(_))
        })
    }
}

impl Record for DeviceStatus {
    const TABLE: &'static str = "status";
    // 2: a person may have accepted the newest revision
    const VERSION: u8 = 2;
    const SAME_SINCE: u8 = 1;
    type Key = DeviceId;
}

/// A host key that was shown and refused; a person may trust it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedKey {
    /// As OpenSSH writes it: `ssh-ed25519 AAAA…`.
    pub key: String,
    /// Its fingerprint for people: `SHA256:…`.
    pub shown: String,
    /// When it was shown first.
    pub at: Timestamp,
}

impl Record for RefusedKey {
    const TABLE: &'static str = "refusedkey";
    const VERSION: u8 = 1;
    /// `address:port`, as for the pinned keys.
    type Key = String;
}

/// What every key of one device's revisions, runs and recordings begins with.
pub(super) fn of_device(device: DeviceId) -> Vec<u8> {
    device.encode()
}

/// The records of a scan, without their keys.
pub(super) fn values<K, R>(scanned: Vec<(K, R)>) -> Vec<R> {
    scanned.into_iter().map(|(_, record)| record).collect()
}
