//! The engine in figures: what it counts, and what is at this moment. For metrics. What is not known is not there.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{EventKind, Severity, Timestamp};

use super::counters::Counters;
use super::sessions::Roster;
use super::settings::MetricsPlace;
use super::snapshot::Snapshot;
use super::start::{Engine, lock};

/// How long what others hold is waited for.
const A_MOMENT: Duration = Duration::from_secs(1);
/// How long the disk may take.
const FOR_DISK: Duration = Duration::from_secs(2);

/// See the file's head.
#[derive(Clone, Default)]
pub struct Figures {
    /// What is counted since the engine began.
    pub counters: Arc<Counters>,
    /// The present.
    pub snapshot: Arc<Snapshot>,
    /// Who is in.
    pub sessions: Vec<Roster>,
    /// Connections that have not said who they are.
    pub strangers: usize,
    /// What is not delivered yet.
    pub notifications: Option<Waiting>,
    /// The number of the journal's last entry.
    pub head: u64,
    /// Whether the store took its last write.
    pub is_storing: bool,
    /// How the anchors of the journal fare, where some are wanted.
    pub anchors: Option<Anchors>,
    /// What the disk says.
    pub disk: Option<Disk>,
}

/// Notifications that are not delivered yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Not tried yet.
    pub new: u64,
    /// Quiet hours hold them back.
    pub held: u64,
    /// Tried, and tried again.
    pub retrying: u64,
    /// Given up.
    pub given_up: u64,
}

/// The anchors of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchors {
    /// The entry that was noted last, and when; `None` before the first.
    pub last: Option<(u64, Timestamp)>,
    /// Whether the last try failed.
    pub is_failing: bool,
}

/// What the disk says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// Bytes of the journal.
    pub journal: Option<u64>,
    /// Bytes that are free for this account where the store lies.
    pub free: Option<u64>,
    /// Bytes of the file system that it lies on.
    pub size: Option<u64>,
    /// Damaged indexes that are kept aside.
    pub damaged_indexes: Option<u64>,
    /// When the newest copy of the store was made.
    pub newest_copy: Option<Timestamp>,
    /// Whether the last copy that noctule wanted to make by itself failed.
    pub copy_fails: bool,
}

impl Engine {
    /// What is counted since the engine began.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// The engine in figures, as of now. Takes no longer than a few seconds, whatever hangs.
    pub async fn figures(self: &Arc<Self>) -> Figures {
        let is_storing = self.store.health().borrow().is_none();
        Figures {
            is_storing,
            counters: Arc::clone(&self.counters),
            snapshot: self.snapshot(),
            sessions: self.sessions.list(),
            strangers: self.sessions.strangers().count(),
            notifications: tokio::time::timeout(A_MOMENT, self.notifications_waiting()).await.ok().flatten(),
            head: self.store.head().seq,
            anchors: tokio::time::timeout(A_MOMENT, self.anchors()).await.ok().flatten(),
            disk: self.disk().await,
        }
    }

    /// Says that metrics are served again at a place, or why they are not.
    pub fn tell_of_metrics(&self, served: Result<&MetricsPlace, (&MetricsPlace, &str)>) {
        let (severity, message) = match served {
            Ok(place) => (Severity::Info, format!("there are metrics at {place} now")),
            Err((place, why)) => (Severity::Error, format!("there are no metrics at {place}: {why}")),
        };
        // not stored: how it is now is seen at the next start
        let event = self.event(self.now(), EventKind::System, severity, None, &message);
        self.tell(vec![event]);
    }

    /// Asks the disk, on a thread of its own: one that hangs keeps one thread, however often it is asked.
    async fn disk(self: &Arc<Self>) -> Option<Disk> {
        let turn = Arc::clone(&self.disk_turn).try_lock_owned().ok()?;
        let engine = Arc::clone(self);
        let asking = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let room = rustix::fs::statvfs(engine.data_dir()).ok();
            Disk {
                journal: engine.store.journal_bytes().ok(),
                free: room.as_ref().map(|room| room.f_bavail.saturating_mul(room.f_frsize)),
                size: room.as_ref().map(|room| room.f_blocks.saturating_mul(room.f_frsize)),
                damaged_indexes: engine.store.kept_aside().ok().map(|kept| kept.len() as u64),
                newest_copy: engine.last_copy(),
                copy_fails: lock(&engine.copies.trouble).is_some(),
            }
        });
        tokio::time::timeout(FOR_DISK, asking).await.ok()?.ok()
    }
}
