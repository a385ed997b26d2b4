//! What happened: the lines of the event log.

use serde::{Deserialize, Serialize};

use super::{DeviceName, IncidentId, Timestamp};

/// How much an event wants to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look today.
    Warning,
    /// Somebody should look now.
    Error,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A backup stored a new revision.
    ConfigChanged,
    /// A backup run failed.
    BackupFailed,
    /// A device that failed can be backed up again.
    BackupRecovered,
    /// A text was put aside as not proven complete.
    Quarantined,
    /// A host key was pinned at first contact.
    HostKeyPinned,
    /// A host key differs from the pinned one.
    HostKeyChanged,
    /// The inventory was changed by a person.
    Inventory,
    /// The store, a driver file or a worker has something to say.
    System,
    /// A device is not what it was: another serial number, software, name.
    IdentityChanged,
    /// A device is down, and no other one explains it.
    IncidentOpened,
    /// Somebody took note of an incident, took it over, or wrote about it.
    IncidentNoted,
    /// An incident is over.
    IncidentClosed,
    /// Planned work was announced, has begun or is over.
    Maintenance,
    /// The watch itself: this host is cut off, or sees again; it may not probe as it should.
    Pulse,
    /// A notification could not be delivered.
    Notification,
    /// A user or a role was changed.
    Users,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its number, counting up.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What about.
    pub kind: EventKind,
    /// How loud.
    pub severity: Severity,
    /// Which device, where it is about one.
    pub device: Option<DeviceName>,
    /// One clean line.
    pub message: String,
    /// Which incident, where it is about one.
    pub incident: Option<IncidentId>,
}
