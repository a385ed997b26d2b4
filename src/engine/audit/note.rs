//! Acts that change no record and are journalled all the same: what is about to touch a device, what was refused, what
//! was read that holds secrets.
//!
//! Each is an entry with one record, an [`AuditNote`]. The journal keeps every one; the index keeps the newest of each
//! kind, so that it does not grow with them.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::actor::Actor;
use crate::engine::error::ActError;
use crate::engine::inventory::entry_of_note;
use crate::engine::start::{Engine, lock};
use crate::model::{DeviceId, Timestamp, clean_line};
use crate::store::{Change, Record};

/// So many refusals of one person are noted one by one …
const BURST: u32 = 20;
/// … and then one more each time that this has passed: a key that is held down must not fill the disk.
const ONE_MORE: Duration = Duration::from_secs(10);
/// More people than this have no name of their own in the count.
const MOST_PEOPLE: usize = 1_000;

/// What kind of act it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoteKind {
    /// A command line that is about to begin; what it did follows in entries of its own.
    Began,
    /// A command line or a read that was refused.
    Refused,
    /// Something that holds secrets, or the trail itself, is about to be read.
    Read,
    /// Something that took a while and changed no record is over.
    Ended,
    /// Where the person sat who changed the records of the entry: of an act that is told by these.
    From,
}

impl NoteKind {
    fn key(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::Refused => "refused",
            Self::Read => "read",
            Self::Ended => "ended",
            Self::From => "from",
        }
    }
}

/// What stands in the journal of such an act, beside who, why and the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditNote {
    /// What kind.
    pub kind: NoteKind,
    /// Where the person sat; empty where that is not known.
    pub from: String,
    /// What it is about, or why it was refused: one sentence, or empty.
    pub what: String,
    /// About which device.
    pub device: Option<DeviceId>,
    /// Which of its revisions.
    pub revision: Option<u32>,
    /// Which of its recordings.
    pub recording: Option<u64>,
}

impl Record for AuditNote {
    const TABLE: &'static str = "audit";
    const VERSION: u8 = 1;
    /// The kind's name.
    type Key = String;
}

impl AuditNote {
    fn new(kind: NoteKind, by: &Actor, what: &str) -> Self {
        let what = clean_line(what).into_owned();
        Self { kind, from: by.from.clone(), what, device: None, revision: None, recording: None }
    }

    /// Something is about to be done.
    pub fn began(by: &Actor, what: &str) -> Self {
        Self::new(NoteKind::Began, by, what)
    }

    /// Secrets are about to be read.
    pub fn read(by: &Actor, what: &str) -> Self {
        Self::new(NoteKind::Read, by, what)
    }

    /// Something that took a while is over.
    pub fn ended(by: &Actor, what: &str) -> Self {
        Self::new(NoteKind::Ended, by, what)
    }

    /// Where somebody sits who changes records, for their entry.
    pub(in crate::engine) fn from(by: &Actor) -> Self {
        Self::new(NoteKind::From, by, "")
    }

    /// What it is stored under.
    pub(in crate::engine) fn key(&self) -> String {
        self.kind.key().to_owned()
    }

    /// It is about this device.
    #[must_use]
    pub fn of(mut self, device: DeviceId) -> Self {
        self.device = Some(device);
        self
    }

    /// It is about this revision of the device.
    #[must_use]
    pub fn of_revision(mut self, device: DeviceId, revision: u32) -> Self {
        (self.device, self.revision) = (Some(device), Some(revision));
        self
    }

    /// It is about this recording of the device.
    #[must_use]
    pub fn of_recording(mut self, device: DeviceId, recording: u64) -> Self {
        (self.device, self.recording) = (Some(device), Some(recording));
        self
    }
}

/// Whether a change is nothing but where the person sat.
pub(super) fn says_from(change: &Change) -> bool {
    change.table == AuditNote::TABLE && change.key == NoteKind::From.key().as_bytes()
}

/// How many refusals of whom were noted lately.
#[derive(Default)]
pub(in crate::engine) struct Refusals(HashMap<String, Refused>);

struct Refused {
    left: u32,
    since: Timestamp,
    unnoted: u64,
}

impl Refusals {
    /// Whether this one is noted, and how many were not since the last one that was.
    fn count(&mut self, who: &str, now: Timestamp) -> Option<u64> {
        let who = if self.0.contains_key(who) || self.0.len() < MOST_PEOPLE { who } else { "" };
        let refused = self.0.entry(who.to_owned()).or_insert(Refused { left: BURST, since: now, unnoted: 0 });
        let more = refused.since.age(now).as_millis() / ONE_MORE.as_millis();
        if more > 0 {
            refused.left = refused.left.saturating_add(u32::try_from(more).unwrap_or(BURST)).min(BURST);
            refused.since = now;
        }
        match refused.left.checked_sub(1) {
            Some(left) => {
                refused.left = left;
                Some(std::mem::take(&mut refused.unnoted))
            }
            None => {
                refused.unnoted += 1;
                None
            }
        }
    }
}

/// Who reads the same thing again within this time does so in one act.
const ONE_ACT: Duration = Duration::from_secs(600);
/// More readings than this are not remembered.
const MOST_READINGS: usize = 1_000;

/// Whose reading of what was noted lately: a screen reads a recording anew at each try of a driver.
#[derive(Default)]
pub(in crate::engine) struct ReadLately(HashMap<(String, DeviceId, Option<u64>), Timestamp>);

impl ReadLately {
    fn has(&mut self, who: &str, device: DeviceId, recording: Option<u64>, now: Timestamp) -> bool {
        self.0.retain(|_, at| *at <= now && at.age(now) < ONE_ACT);
        self.0.contains_key(&(who.to_owned(), device, recording))
    }

    fn put(&mut self, who: &str, device: DeviceId, recording: Option<u64>, now: Timestamp) {
        if self.0.len() < MOST_READINGS {
            self.0.insert((who.to_owned(), device, recording), now);
        }
    }
}

impl Engine {
    /// Journals that a person looks at a recording on a screen, once for each look at it.
    ///
    /// # Errors
    /// The journal does not take it: it must not be read.
    pub(in crate::engine) async fn note_replay(
        &self,
        by: &Actor,
        device: DeviceId,
        recording: Option<u64>,
    ) -> Result<(), ActError> {
        let now = self.now();
        if lock(&self.read_lately).has(&by.name, device, recording, now) {
            return Ok(());
        }
        let note = AuditNote::read(by, "a recording is replayed on a screen").of(device);
        self.note_read(by, AuditNote { recording, ..note }).await?;
        lock(&self.read_lately).put(&by.name, device, recording, now);
        Ok(())
    }

    /// Journals that a command line is about to begin that touches devices or files before it changes a record.
    ///
    /// # Errors
    /// The journal does not take it: the command must not begin.
    pub async fn begin_act(&self, by: &Actor) -> Result<(), ActError> {
        self.note_began(by, AuditNote::began(by, "")).await
    }

    /// The same, of an act that changes no record: the note says what it does.
    ///
    /// # Errors
    /// The journal does not take it: it must not begin.
    pub(in crate::engine) async fn note_began(&self, by: &Actor, note: AuditNote) -> Result<(), ActError> {
        self.journal_note(by, &note).await.map_err(|error| {
            ActError::new(error.kind, format!("nothing was done, since it cannot be journalled: {error}"))
        })
    }

    /// Journals that something is about to be read that holds secrets.
    ///
    /// # Errors
    /// The journal does not take it: it must not be read.
    pub async fn note_read(&self, by: &Actor, note: AuditNote) -> Result<(), ActError> {
        self.journal_note(by, &note).await.map_err(|error| {
            let why = format!("what holds secrets is not read where that cannot be journalled: {error}");
            ActError::new(error.kind, why)
        })
    }

    /// Journals that a person was refused something; a flood of refusals is counted.
    ///
    /// # Errors
    /// The journal does not take it. It is refused all the same.
    pub async fn note_refused(&self, by: &Actor, why: &str) -> Result<(), ActError> {
        let Some(unnoted) = lock(&self.refusals).count(&by.name, self.now()) else { return Ok(()) };
        let what = match unnoted {
            0 => why.to_owned(),
            more => format!("{why}; {more} more were refused since the last one that stands here"),
        };
        self.journal_note(by, &AuditNote::new(NoteKind::Refused, by, &what)).await
    }

    async fn journal_note(&self, by: &Actor, note: &AuditNote) -> Result<(), ActError> {
        let entry = entry_of_note(self.now(), by, note.kind.key()).put(&note.kind.key().to_owned(), note);
        self.commit(entry, "writing the journal").await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_counted_and_not_written_one_by_one() {
        let mut refusals = Refusals::default();
        let noted = (0..1_000).filter(|_| refusals.count("bob", Timestamp(0)).is_some()).count();
        assert_eq!(noted, 20);
        assert_eq!(refusals.count("ann", Timestamp(0)), Some(0), "others are not held up");
        assert_eq!(refusals.count("bob", Timestamp(10_000)), Some(980));
        assert_eq!(refusals.count("bob", Timestamp(10_000)), None);
        assert_eq!(refusals.count("bob", Timestamp(3_600_000)), Some(1));
        // a clock that was set back gives nothing
        assert_eq!((0..100).filter(|_| refusals.count("bob", Timestamp(0)).is_some()).count(), 19);
    }

    #[test]
    fn names_that_are_made_up_take_no_room() {
        let mut refusals = Refusals::default();
        (0..5_000).for_each(|number| {
            refusals.count(&format!("u{number}"), Timestamp(0));
        });
        assert!(refusals.0.len() <= MOST_PEOPLE + 1);
    }
}
