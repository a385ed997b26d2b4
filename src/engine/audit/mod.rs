//! The audit trail: the journal, read by people. Who did what, when, why, and what came of it.

mod anchor;
mod check;
mod export;
mod known;
mod note;
mod words;

use std::sync::Arc;

use crate::model::{BlobId, Device, DeviceId, Run, RunStatus, Timestamp, clean_line};
use crate::store::{Chained, Change, Record};

pub use anchor::LARGEST as LARGEST_ANCHORS;
pub use anchor::parse as parse_anchors;
pub(super) use anchor::{Anchoring, work};
pub use check::{AuditReport, Problem, closed_report};
pub use export::{Exported, LARGEST_EXPORT};
pub use known::{Known, KnownFinding};
pub use note::{AuditNote, NoteKind};
pub(super) use note::{ReadLately, Refusals};
pub use words::ChangedRecord;

use super::actor::Actor;
use super::error::ActError;
use super::start::Engine;

/// An entry that is older than `since` by so much ends the reading: a clock may have been set back, but not by more.
const CLOCK_MARGIN: i64 = 86_400_000;
/// Entries that were written at once may stand in another order than their times, by as much as this, in milliseconds.
const IN_DISORDER: i64 = 5_000;
/// The most damage that a page tells of.
const MOST_DAMAGE: usize = 20;
/// The most changes of an entry that are told one by one.
const MOST_CHANGES: usize = 200;
/// The most names of devices that a listed entry has.
const MOST_NAMES: usize = 3;
/// How far back an earlier state of a device is looked for, in entries.
const FURTHEST: usize = 100_000;

/// What an entry is, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditKind {
    /// A person changed records.
    Change,
    /// A command line began that touches devices or files; what it did stands in entries of its own.
    Began,
    /// Something that holds secrets was read, or the trail was exported.
    Read,
    /// Somebody was refused something.
    Refused,
    /// Somebody came or went.
    Login,
    /// The engine's own work.
    Engine,
}

impl AuditKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Change, Self::Began, Self::Read, Self::Refused, Self::Login, Self::Engine];
    /// Their words, in the same order.
    pub const WORDS: [&'static str; 6] = ["change", "began", "read", "refused", "login", "engine"];

    /// In a word.
    pub fn as_str(self) -> &'static str {
        Self::WORDS[Self::ALL.iter().position(|kind| *kind == self).unwrap_or(0)]
    }
}

/// Which entries are wanted; all of it must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// By this person, or `schedule` or `engine`.
    pub who: Option<String>,
    /// Whose command line begins like this.
    pub verb: Option<String>,
    /// About this device.
    pub device: Option<(DeviceId, String)>,
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// Older than this.
    pub until: Option<Timestamp>,
    /// Of this kind.
    pub kind: Option<AuditKind>,
    /// With this text in any of its texts, without regard to case.
    pub text: Option<String>,
    /// With a number below this: the page that follows one.
    pub before: Option<u64>,
}

/// What a run of a backup came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLink {
    /// Whose.
    pub device: String,
    /// How it ended.
    pub status: RunStatus,
    /// The revision that holds the device's answers.
    pub revision: Option<u32>,
    /// The recording of a session that failed.
    pub recording: Option<u64>,
}

/// An entry as a list shows it. Every text is clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Its hash.
    pub hash: [u8; 32],
    /// The hash of the entry before.
    pub prev: [u8; 32],
    /// Who.
    pub who: String,
    /// Why, in their words; empty where they gave none.
    pub why: String,
    /// The command line.
    pub verb: String,
    /// What it is.
    pub kind: AuditKind,
    /// Where the person sat; empty where that is not known.
    pub from: String,
    /// Why it was refused, or what was read; empty for other kinds.
    pub what: String,
    /// The devices that it is about, the first few.
    pub devices: Vec<String>,
    /// How many there are beyond these.
    pub more_devices: usize,
    /// What a backup run came to.
    pub run: Option<RunLink>,
    /// How many records it changed.
    pub changes: usize,
    /// By how many seconds the clock had been set back since the entry before.
    pub set_back: Option<u64>,
}

impl AuditEntry {
    /// The devices that it is about, in a few words; `-` for none.
    pub fn about_devices(&self) -> String {
        match (&self.devices[..], self.more_devices) {
            ([], _) => "-".to_owned(),
            (some, 0) => some.join(" "),
            (some, more) => format!("{} and {more} more", some.join(" ")),
        }
    }

    /// The command line, and what is worth knowing beside it.
    pub fn in_a_line(&self) -> String {
        let mut line = self.verb.clone();
        if let Some(run) = &self.run {
            line += &format!(": {}", run.status);
            line += &run.revision.map_or_else(String::new, |number| format!(", revision {number}"));
            line += &run.recording.map_or_else(String::new, |id| format!(", recording {id}"));
        }
        if !self.what.is_empty() {
            line += &format!(": {}", self.what);
        }
        if !self.why.is_empty() {
            line += &format!(" ({})", self.why);
        }
        match self.set_back {
            Some(seconds) => format!("[clock set back {seconds} s] {line}"),
            None => line,
        }
    }

    /// What is known of it, each with its name.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("entry", self.seq.to_string()), ("at", self.at.local())];
        if let Some(seconds) = self.set_back {
            facts.push(("clock", format!("was set back by {seconds} s since the entry before")));
        }
        facts.push(("who", self.who.clone()));
        let told = [("from", &self.from), ("verb", &self.verb), ("why", &self.why), ("what", &self.what)];
        facts.extend(
            told.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, text.clone())),
        );
        facts.push(("kind", self.kind.as_str().to_owned()));
        facts.push(("devices", self.about_devices()));
        facts.push(("hash", BlobId(self.hash).to_string()));
        facts.push(("prev", BlobId(self.prev).to_string()));
        facts
    }
}

/// Some entries, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Whether there are more that are older.
    pub more: bool,
    /// The number of the newest entry of the whole journal.
    pub newest: u64,
    /// What is wrong with the part of the journal that was read, in sentences.
    pub damage: Vec<String>,
}

/// One entry with all that it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditDetail {
    /// The entry.
    pub entry: AuditEntry,
    /// What it changed, the first two hundred.
    pub changed: Vec<ChangedRecord>,
    /// Command lines that show what lies behind it.
    pub leads: Vec<String>,
}

impl Engine {
    /// The newest entries that a filter lets pass, at most `limit`. Reads no more of the journal than it must.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn audit_list(
        self: &Arc<Self>,
        filter: AuditFilter,
        limit: usize,
    ) -> Result<AuditPage, ActError> {
        self.aside(move |engine| engine.read_audit(&filter, limit)).await
    }

    /// The entry of this number.
    ///
    /// # Errors
    /// When there is none, or the journal cannot be read.
    pub async fn audit_entry(self: &Arc<Self>, seq: u64) -> Result<AuditDetail, ActError> {
        self.aside(move |engine| engine.read_audit_entry(seq)).await
    }

    pub(super) fn read_audit(&self, filter: &AuditFilter, limit: usize) -> Result<AuditPage, ActError> {
        let mut page = AuditPage { newest: self.store.head().seq, ..AuditPage::default() };
        let mut waiting: Option<AuditEntry> = None;
        for found in self.store.journal_back().map_err(reading)? {
            let chained = match found.map_err(reading)? {
                Ok(chained) => chained,
                Err(damage) => {
                    if page.damage.len() < MOST_DAMAGE {
                        page.damage.push(clean_line(&damage.to_string()).into_owned());
                    }
                    continue;
                }
            };
            let at = chained.record.at;
            if let Some(mut entry) = waiting.take() {
                entry.set_back = set_back(at, entry.at);
                page.entries.push(entry);
            }
            let is_past = |since: Timestamp| at.0.saturating_add(CLOCK_MARGIN) < since.0;
            if page.entries.len() >= limit {
                page.more = true;
                return Ok(page);
            }
            if filter.since.is_some_and(is_past) {
                return Ok(page);
            }
            waiting = self.passing(filter, &chained);
        }
        page.entries.extend(waiting);
        Ok(page)
    }

    /// The entry, if the filter lets it pass.
    fn passing(&self, filter: &AuditFilter, chained: &Chained) -> Option<AuditEntry> {
        let record = &chained.record;
        let is_in_time = filter.since.is_none_or(|since| record.at >= since)
            && filter.until.is_none_or(|until| record.at < until)
            && filter.before.is_none_or(|before| record.seq < before);
        let is_meant = filter.who.as_ref().is_none_or(|who| *who == record.actor)
            && filter.verb.as_ref().is_none_or(|verb| record.verb.starts_with(verb.as_str()));
        if !is_in_time || !is_meant {
            return None;
        }
        let about = |(id, name): &(DeviceId, String)| {
            record.changes.iter().any(|change| is_about(change, *id))
                || record.verb.split(' ').any(|word| word == name)
        };
        if !filter.device.as_ref().is_none_or(about) {
            return None;
        }
        let entry = self.entry_of(chained);
        let has = |text: &String| {
            let wanted = text.to_lowercase();
            let texts = [&entry.who, &entry.why, &entry.verb, &entry.from, &entry.what];
            texts.into_iter().chain(&entry.devices).any(|text| text.to_lowercase().contains(&wanted))
        };
        let passes =
            filter.kind.is_none_or(|kind| kind == entry.kind) && filter.text.as_ref().is_none_or(has);
        passes.then_some(entry)
    }

    fn entry_of(&self, chained: &Chained) -> AuditEntry {
        let record = &chained.record;
        let clean = |text: &str| clean_line(text).into_owned();
        let note = record.changes.iter().find(|change| change.table == AuditNote::TABLE);
        let note: Option<AuditNote> = words::value(note);
        let about_note = note.as_ref().and_then(|note| note.device);
        let mut ids: Vec<DeviceId> =
            record.changes.iter().filter_map(words::device_of).chain(about_note).collect();
        ids.sort_unstable();
        ids.dedup();
        let run = record.changes.iter().find(|change| change.table == Run::TABLE);
        let run = words::value::<Run>(run).map(|run| RunLink {
            device: self.name_of(run.device),
            status: run.status,
            revision: run.revision,
            recording: run.recording,
        });
        AuditEntry {
            seq: record.seq,
            at: record.at,
            hash: chained.hash,
            prev: record.prev,
            who: clean(&record.actor),
            why: clean(&record.why),
            verb: clean(&record.verb),
            kind: kind_of(&record.actor, &record.changes, note.as_ref()),
            from: note.as_ref().map_or_else(String::new, |note| clean(&note.from)),
            what: note.as_ref().map_or_else(String::new, |note| clean(&note.what)),
            more_devices: ids.len().saturating_sub(MOST_NAMES),
            devices: ids.iter().take(MOST_NAMES).map(|id| self.name_of(*id)).collect(),
            run,
            changes: record.changes.iter().filter(|change| change.table != AuditNote::TABLE).count(),
            set_back: None,
        }
    }

    fn name_of(&self, id: DeviceId) -> String {
        let known = self.present().device(id);
        known.map_or_else(|| format!("device number {}", id.0), |device| device.name.to_string())
    }

    pub(super) fn read_audit_entry(&self, seq: u64) -> Result<AuditDetail, ActError> {
        let newest = self.store.head().seq;
        let mut back =
            self.store.journal_back().map_err(reading)?.filter_map(|found| found.map(Result::ok).transpose());
        let chained = loop {
            match back.next().transpose().map_err(reading)? {
                Some(chained) if chained.record.seq == seq => break chained,
                Some(chained) if chained.record.seq > seq => {}
                _ => {
                    return Err(ActError::not_found(format!(
                        "there is no entry {seq}: the newest is {newest}; `audit verify` says whether one is missing"
                    )));
                }
            }
        };
        let mut entry = self.entry_of(&chained);
        // where somebody sat stands in the entry itself
        let told = chained.record.changes.iter().filter(|change| !note::says_from(change));
        let changes: Vec<&Change> = told.take(MOST_CHANGES).collect();
        let mut earlier: Vec<Option<Change>> = vec![None; changes.len()];
        let mut missing = changes.iter().filter(|change| has_fields(change)).count();
        for (place, found) in back.take(FURTHEST).enumerate() {
            let before = found.map_err(reading)?.record;
            if place == 0 {
                entry.set_back = set_back(before.at, entry.at);
            }
            if missing == 0 {
                break;
            }
            for (change, earlier) in changes.iter().zip(&mut earlier).filter(|(change, _)| has_fields(change))
            {
                let same = |old: &&Change| old.table == change.table && old.key == change.key;
                if earlier.is_none()
                    && let Some(old) = before.changes.iter().rev().find(same)
                {
                    *earlier = Some(old.clone());
                    missing -= 1;
                }
            }
        }
        let names = |id: DeviceId| self.present().device(id).map(|device| device.name.to_string());
        let changed = changes.iter().zip(&earlier);
        let secrets = |was: &Device, is: &Device, field| self.secret_change(was, is, field);
        // every secret of theirs differs, and none is another one
        let resealed = chained.record.verb.starts_with("vault rotate");
        let in_words = |(change, earlier): (&&Change, &Option<Change>)| {
            let mut told = words::of(change, earlier.as_ref(), &names, &secrets);
            if resealed {
                told.what = told.what.replace(": another one", ": sealed anew");
            }
            told
        };
        let changed = changed.map(in_words).collect();
        let leads = self.leads(&entry, &chained.record.changes);
        Ok(AuditDetail { entry, changed, leads })
    }

    /// Command lines that show what lies behind an entry.
    fn leads(&self, entry: &AuditEntry, changes: &[Change]) -> Vec<String> {
        let mut leads = Vec::new();
        if let Some(run) = &entry.run {
            leads.extend(run.revision.map(|number| format!("backup show {} {number}", run.device)));
            leads.extend(run.recording.map(|id| format!("recording show {} {id}", run.device)));
        }
        let note: Option<AuditNote> =
            words::value(changes.iter().find(|change| change.table == AuditNote::TABLE));
        if let Some((note, device)) = note.and_then(|note| note.device.map(|device| (note, device))) {
            let name = self.name_of(device);
            leads.extend(note.revision.map(|number| format!("backup show {name} {number}")));
            leads.extend(note.recording.map(|id| format!("recording show {name} {id}")));
        }
        leads.extend(changes.iter().filter_map(words::incident_of).map(|id| format!("incident show {id}")));
        leads.truncate(MOST_NAMES * 2);
        leads
    }
}

fn reading(error: crate::store::StoreError) -> ActError {
    ActError::storage("reading the journal", error)
}

/// Whether what a change did can only be told by what was there before.
fn has_fields(change: &Change) -> bool {
    change.table == crate::model::Device::TABLE
}

fn is_about(change: &Change, device: DeviceId) -> bool {
    let by_key = words::device_of(change) == Some(device);
    let by_note = || {
        let note = Some(change).filter(|change| change.table == AuditNote::TABLE);
        words::value::<AuditNote>(note).and_then(|note| note.device) == Some(device)
    };
    by_key || by_note()
}

/// By how many seconds the clock was set back from an entry to the next.
fn set_back(before: Timestamp, at: Timestamp) -> Option<u64> {
    let back = before.0.saturating_sub(at.0);
    (back > IN_DISORDER).then(|| u64::try_from(back / 1000).unwrap_or(0))
}

fn kind_of(who: &str, changes: &[Change], note: Option<&AuditNote>) -> AuditKind {
    match note.map(|note| note.kind) {
        Some(NoteKind::Began | NoteKind::Ended) => AuditKind::Began,
        Some(NoteKind::Read) => AuditKind::Read,
        Some(NoteKind::Refused) => AuditKind::Refused,
        _ if changes.iter().any(|change| change.table == "login") => AuditKind::Login,
        Some(NoteKind::From) | None if Actor::is_program(who) => AuditKind::Engine,
        Some(NoteKind::From) | None => AuditKind::Change,
    }
}
