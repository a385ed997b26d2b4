//! What every screen draws from: an immutable picture of the present, published at most four times a second.

use std::sync::Arc;

use crate::model::{Device, DeviceId, Event, Incident, Maintenance, Revision, Run, RunStatus, Timestamp};

pub use super::device_rows::DeviceRows;
pub use super::pulse::{PulsePicture, PulseRow};

/// The present. Cheap to clone: everything large is shared.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// When it was made.
    pub at: Timestamp,
    /// Every device, deleted ones included, sorted by name.
    pub devices: DeviceRows,
    /// Work going on and work that ended lately, newest first.
    pub jobs: Arc<[Job]>,
    /// The newest events, newest first, at most 2 000.
    pub events: Arc<[Event]>,
    /// Whether the devices answer, as of about a second ago.
    pub pulse: Arc<PulsePicture>,
    /// Every open incident, then those that ended lately, newest first; at most 500 that ended.
    pub incidents: Arc<[Incident]>,
    /// Planned work that goes on or is ahead, by its begin; then that which is over, the newest end first, at most 200.
    pub maintenance: Arc<[Maintenance]>,
    /// When the schedule begins its next backup; `None` where it is off, or nothing is to be backed up.
    pub next_backup: Option<Timestamp>,
    /// Why the store does not write; `None` while it does.
    pub store_trouble: Option<Arc<str>>,
    /// What counts as one look at the whole.
    pub totals: Totals,
    /// How often each topic has changed: a pane redraws only when a topic that it reads has moved.
    pub versions: Versions,
}

/// Counts up whenever something of the topic changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// [`Snapshot::devices`].
    pub devices: u64,
    /// [`Snapshot::jobs`].
    pub jobs: u64,
    /// [`Snapshot::events`].
    pub events: u64,
    /// [`Snapshot::pulse`]: with each look at it, about once a second.
    pub pulse: u64,
    /// Which devices answer, and what the watch says of itself, without what moves with each probe.
    pub answers: u64,
    /// [`Snapshot::incidents`] and [`Snapshot::maintenance`].
    pub incidents: u64,
    /// What devices say they are: no part of the snapshot, panes ask for it.
    pub identities: u64,
}

/// A device and what is known of its backups.
#[derive(Clone, Debug)]
pub struct DeviceRow {
    /// The record.
    pub device: Arc<Device>,
    /// Its health as a backup matter.
    pub state: BackupState,
    /// Its last run, if there was one.
    pub last_run: Option<Arc<Run>>,
    /// Its newest good revision.
    pub newest: Option<Arc<Revision>>,
    /// When a run last proved the newest good revision to be what the device runs.
    pub proven: Option<Timestamp>,
    /// When the newest good revision was first seen: the configuration's last known change.
    pub changed: Option<Timestamp>,
    /// How many revisions are stored, quarantined ones included.
    pub revisions: u32,
}

#[cfg(test)]
impl DeviceRow {
    /// One that no run was made of.
    pub fn never_backed_up(device: Arc<Device>) -> Self {
        Self {
            device,
            state: BackupState::Never,
            last_run: None,
            newest: None,
            proven: None,
            changed: None,
            revisions: 0,
        }
    }
}

/// A device's health as a backup matter, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BackupState {
    /// Deleted, paused or unmanaged: nothing is expected.
    Off,
    /// A session is going on.
    Running,
    /// The last run proved a configuration, lately enough.
    Good,
    /// Good, but older than the schedule promises.
    Late,
    /// Never backed up.
    Never,
    /// The last run's text is quarantined.
    Suspect,
    /// The last run failed.
    Failed,
}

impl BackupState {
    /// The state in a word, as people and programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Running => "running",
            Self::Good => "good",
            Self::Late => "late",
            Self::Never => "never",
            Self::Suspect => "suspect",
            Self::Failed => "failed",
        }
    }
}

/// One piece of work: a backup run of some devices.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its number.
    pub id: u64,
    /// What it does, as a command line: `backup run --group core`.
    pub line: String,
    /// Who asked for it.
    pub by: String,
    /// When it began.
    pub at: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Its devices, in the order in which they were asked for.
    pub tasks: Arc<[JobTask]>,
}

/// One device's part of a job.
#[derive(Clone, Debug)]
pub struct JobTask {
    /// Whose.
    pub device: DeviceId,
    /// How far it is.
    pub stage: Stage,
}

/// How far one device's part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for its turn.
    Queued,
    /// At work; the step in a few words: `login`, `show running-config 12 kB`.
    At(String),
    /// Waiting to try again after a passing failure, attempt number given.
    Retrying(u32),
    /// Over.
    Done(RunStatus),
}

/// One look at the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Managed devices that are not deleted.
    pub managed: u32,
    /// Assets without a transport.
    pub unmanaged: u32,
    /// By [`BackupState`].
    pub good: u32,
    /// See [`BackupState::Late`].
    pub late: u32,
    /// See [`BackupState::Never`].
    pub never: u32,
    /// See [`BackupState::Suspect`].
    pub suspect: u32,
    /// See [`BackupState::Failed`].
    pub failed: u32,
    /// Sessions going on.
    pub running: u32,
}
