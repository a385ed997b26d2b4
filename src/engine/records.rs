//! The engine's records in the store, and the keys they lie under.
//!
//! Numbers in keys are padded, so that a scan comes in the order of time.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{BlobRef, Device, DeviceId, Event, Failure, Revision, Run, Timestamp};

use super::standin::Record;

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
}

/// The kept transcript of a failed session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Whose.
    pub device: DeviceId,
    /// Its number, counting up per device.
    pub id: u64,
    /// When the session began.
    pub at: Timestamp,
    /// Why it failed.
    pub failure: Failure,
    /// The transcript (see `device/transcript.rs`), sealed.
    pub text: BlobRef,
}

/// A host key that belongs to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKey {
    /// `address:port`.
    pub place: String,
    /// The key that is trusted, as OpenSSH writes it: `ssh-ed25519 AAAA…`; empty where none is yet.
    pub pinned: String,
    /// When it was pinned.
    pub since: Timestamp,
    /// Who pinned it: a person, or `first contact`.
    pub by: String,
    /// A key that was shown and refused, and when: a person may trust it.
    pub refused: Option<(String, Timestamp)>,
}

/// The key of a device's record.
pub fn device_key(device: DeviceId) -> String {
    format!("{:010}", device.0)
}

/// The key of a revision.
pub fn revision_key(device: DeviceId, number: u32) -> String {
    format!("{:010}/{number:010}", device.0)
}

/// The key of a run.
pub fn run_key(device: DeviceId, at: Timestamp) -> String {
    format!("{:010}/{:016}", device.0, at.0.max(0))
}

/// The key of a recording.
pub fn recording_key(device: DeviceId, id: u64) -> String {
    format!("{:010}/{id:010}", device.0)
}

/// The key of an event.
pub fn event_key(seq: u64) -> String {
    format!("{seq:016}")
}

/// What every key of one device's revisions, runs and recordings begins with.
pub fn of_device(device: DeviceId) -> String {
    format!("{:010}/", device.0)
}

impl Record for Device {
    const KIND: &'static str = "device";
    fn key(&self) -> String {
        device_key(self.id)
    }
}

impl Record for DeviceStatus {
    const KIND: &'static str = "status";
    fn key(&self) -> String {
        device_key(self.device)
    }
}

impl Record for Revision {
    const KIND: &'static str = "revision";
    fn key(&self) -> String {
        revision_key(self.device, self.number)
    }
}

impl Record for Run {
    const KIND: &'static str = "run";
    fn key(&self) -> String {
        run_key(self.device, self.at)
    }
}

impl Record for Recording {
    const KIND: &'static str = "recording";
    fn key(&self) -> String {
        recording_key(self.device, self.id)
    }
}

impl Record for HostKey {
    const KIND: &'static str = "hostkey";
    fn key(&self) -> String {
        self.place.clone()
    }
}

impl Record for Event {
    const KIND: &'static str = "event";
    fn key(&self) -> String {
        event_key(self.seq)
    }
}
