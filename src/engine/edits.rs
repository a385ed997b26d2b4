//! Two people on one record: an act says which revision its person saw; where there is a newer one, nothing is changed,
//! and they are told who changed what, and when.
//!
//! Who that was is read from the journal, and only when somebody asks: the records do not grow by it.

use super::error::ActError;
use super::fields::Field;
use super::start::Engine;
use super::vault::KeptList;
use crate::model::{Credential, Device, Timestamp, User, clean_line};
use crate::store::{Change, JournalRecord, Key, Record, Store, StoreError, decode};

/// How far back the changes of a record are looked for where somebody was refused, in entries: others wait meanwhile.
const FURTHEST_REFUSED: usize = 20_000;
/// The same where somebody asks for them.
const FURTHEST_ASKED: usize = 200_000;
/// The most changes that are told.
const MOST_EDITS: usize = 200;
/// The most changes that a refusal names.
const MOST_NAMED: usize = 4;
/// The longest value that is repeated, in characters.
const LONGEST_VALUE: usize = 60;

/// A record that several people may change.
pub(super) trait Edited: Record + PartialEq {
    /// Counts up with every change of the record.
    fn revision(&self) -> u32;

    /// What it is called in a sentence: `core-1`, `the user bob`.
    fn named(&self) -> String;

    /// The command line that shows it.
    fn look(&self) -> String;

    /// What differs between two of its states.
    fn differences(engine: &Engine, before: &Self, after: &Self) -> Vec<FieldChange>;
}

/// One field of a record that was changed, as people read it: clean, and never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Its name.
    pub field: &'static str,
    /// What it was.
    pub before: String,
    /// What it became.
    pub after: String,
}

impl FieldChange {
    fn new(field: &'static str, before: &str, after: &str) -> Self {
        let clean = |text: &str| clean_line(text).into_owned();
        Self { field, before: clean(before), after: clean(after) }
    }

    /// One whose values must not be seen, or say nothing to a person.
    fn word(field: &'static str, after: &str) -> Self {
        Self::new(field, "", after)
    }

    fn in_words(&self) -> String {
        match self.before.is_empty() {
            true => format!("{} → {}", self.field, or_empty(&self.after)),
            false => format!("{} {} → {}", self.field, short(&self.before), or_empty(&self.after)),
        }
    }
}

/// One change of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The revision that it made.
    pub revision: u32,
    /// When.
    pub at: Timestamp,
    /// Who. Clean.
    pub by: String,
    /// Why, in their words; empty where they gave none. Clean.
    pub why: String,
    /// What.
    pub fields: Vec<FieldChange>,
}

impl Edit {
    /// `ann changed location hall → cellar at 2026-11-27 12:03:04`.
    pub fn in_words(&self) -> String {
        let fields: Vec<String> = self.fields.iter().map(FieldChange::in_words).collect();
        let what = if fields.is_empty() { "it".to_owned() } else { fields.join(", ") };
        let why = if self.why.is_empty() { String::new() } else { format!(" ({})", short(&self.why)) };
        format!("{} changed {what} at {}{why}", self.by, self.at.local())
    }
}

impl Engine {
    /// Who changed a device's record after revision `since`, oldest first; at most two hundred changes, and none of before
    /// the journal's reach.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn device_edits(&self, device: &Device, since: u32) -> Result<Vec<Edit>, ActError> {
        self.edits::<Device>(&device.id, since, FURTHEST_ASKED).await
    }

    /// Refuses where a record is not of the revision any more that whoever asks has seen, and says who changed what.
    /// `None` is somebody who does not say what they saw.
    pub(super) async fn check_seen<R: Edited>(
        &self,
        key: &R::Key,
        now: &R,
        seen: Option<u32>,
    ) -> Result<(), ActError> {
        match seen {
            Some(seen) if seen != now.revision() => Err(self.moved(key, now, seen).await),
            _ => Ok(()),
        }
    }

    /// Refuses where `next` changes a field that somebody else has changed since the act began, while it waited for its turn:
    /// of two at the same moment, one is first.
    pub(super) async fn check_moment<R: Edited>(
        &self,
        key: &R::Key,
        begun: &R,
        now: &R,
        next: &R,
    ) -> Result<(), ActError> {
        if begun.revision() == now.revision() {
            return Ok(());
        }
        let theirs = R::differences(self, begun, now);
        let is_theirs = |mine: &FieldChange| theirs.iter().any(|their| their.field == mine.field);
        match R::differences(self, now, next).iter().any(is_theirs) {
            true => Err(self.moved(key, now, begun.revision()).await),
            false => Ok(()),
        }
    }

    /// That somebody else has changed a record since revision `seen`: who, what, when.
    pub(super) async fn moved<R: Edited>(&self, key: &R::Key, now: &R, seen: u32) -> ActError {
        let edits = self.edits::<R>(key, seen, FURTHEST_REFUSED).await.unwrap_or_default();
        let left = edits.len().saturating_sub(MOST_NAMED);
        let mut words: Vec<String> = edits.iter().skip(left).map(Edit::in_words).collect();
        if left > 0 {
            words.insert(0, format!("{left} earlier changes"));
        }
        let who = if words.is_empty() { "who did it is not known".to_owned() } else { words.join("; ") };
        ActError::conflict(format!(
            "{} was changed meanwhile, and nothing was overwritten: you saw revision {seen}, and it has {}: {who}; look again with `{}`",
            now.named(),
            now.revision(),
            now.look()
        ))
    }

    /// Who last ran a command line that begins like this, and when, in words.
    pub(super) async fn last_act(&self, verb: &str) -> Option<String> {
        let (store, verb) = (self.store.clone(), verb.to_owned());
        let find = move || {
            let entries =
                store.journal_back().ok()?.take(FURTHEST_REFUSED).filter_map(|found| found.ok()?.ok());
            entries.map(|chained| chained.record).find(|record| record.verb.starts_with(&verb))
        };
        let entry = tokio::task::spawn_blocking(find).await.ok()??;
        Some(format!("{} did it at {}", clean_line(&entry.actor), entry.at.local()))
    }

    /// The changes of a record after revision `since`, oldest first.
    async fn edits<R: Edited>(
        &self,
        key: &R::Key,
        since: u32,
        furthest: usize,
    ) -> Result<Vec<Edit>, ActError> {
        let (store, key) = (self.store.clone(), key.encode());
        let states = tokio::task::spawn_blocking(move || {
            states(&store, R::TABLE, &key, furthest, |value| {
                decode::<R>(value).is_ok_and(|record| record.revision() <= since)
            })
        });
        let states = states.await.map_err(|error| ActError::internal(error.to_string()))?;
        let states = states.map_err(|error| ActError::storage("reading the journal", error))?;
        let mut edits = Vec::new();
        let mut before: Option<R> = None;
        for entry in states.into_iter().rev() {
            let value = entry.changes.iter().find_map(|change| change.value.as_deref());
            let Some(Ok(after)) = value.map(decode::<R>) else { continue };
            // stored again as it was: its secrets were sealed anew, and nobody changed it
            let is_same = before.as_ref().is_some_and(|before| before.revision() == after.revision());
            if after.revision() > since && !is_same {
                let differences = |before: &R| R::differences(self, before, &after);
                edits.push(Edit {
                    revision: after.revision(),
                    at: entry.at,
                    by: clean_line(&entry.actor).into_owned(),
                    why: clean_line(&entry.why).into_owned(),
                    fields: before.as_ref().map(differences).unwrap_or_default(),
                });
            }
            before = Some(after);
        }
        Ok(edits)
    }
}

/// The entries that stored a record, the newest first, up to the one that `is_first` says; each with that change alone.
fn states(
    store: &Store,
    table: &str,
    key: &[u8],
    furthest: usize,
    is_first: impl Fn(&[u8]) -> bool,
) -> Result<Vec<JournalRecord>, StoreError> {
    let mut states = Vec::new();
    for found in store.journal_back()?.take(furthest) {
        // what is damaged there says nothing of who it was
        let Ok(chained) = found? else { continue };
        let mut record = chained.record;
        record.changes.retain(|change: &Change| change.table == table && change.key == key);
        let Some(value) = record.changes.last().and_then(|change| change.value.clone()) else { continue };
        states.push(record);
        if is_first(&value) || states.len() > MOST_EDITS {
            break;
        }
    }
    Ok(states)
}

impl Edited for Device {
    fn revision(&self) -> u32 {
        self.revision
    }

    fn named(&self) -> String {
        self.name.to_string()
    }

    fn look(&self) -> String {
        format!("device changes {}", self.name)
    }

    fn differences(engine: &Engine, before: &Self, after: &Self) -> Vec<FieldChange> {
        let field = |field: Field| {
            if field.is_secret() {
                return engine
                    .secret_change(before, after, field)
                    .map(|what| FieldChange::word(field.as_str(), what));
            }
            let (was, is) = (field.read(before), field.read(after));
            (was != is).then(|| FieldChange::new(field.as_str(), &was, &is))
        };
        let mut changes: Vec<FieldChange> = Field::ALL.into_iter().filter_map(field).collect();
        match (before.deleted, after.deleted) {
            (None, Some(_)) => changes.push(FieldChange::word("record", "put away")),
            (Some(_), None) => changes.push(FieldChange::word("record", "brought back")),
            _ => {}
        }
        changes
    }
}

impl Edited for User {
    fn revision(&self) -> u32 {
        self.revision
    }

    fn named(&self) -> String {
        format!("the user {}", self.name)
    }

    fn look(&self) -> String {
        format!("user show {}", self.name)
    }

    fn differences(_: &Engine, before: &Self, after: &Self) -> Vec<FieldChange> {
        fn joined<T: ToString>(list: &[T]) -> String {
            list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
        let yes_no = |set: bool| if set { "yes" } else { "no" }.to_owned();
        let fields = |user: &Self| {
            [
                ("name", user.name.to_string()),
                ("full name", user.full_name.clone()),
                ("accounts", joined(&user.accounts)),
                ("keys", joined(&user.keys)),
                ("roles", joined(&user.grants)),
                ("enabled", yes_no(user.enabled)),
                ("removed", yes_no(user.removed.is_some())),
            ]
        };
        of_pairs(fields(before), fields(after))
    }
}

impl Edited for Credential {
    fn revision(&self) -> u32 {
        self.revision
    }

    fn named(&self) -> String {
        format!("the credential {}", self.name)
    }

    fn look(&self) -> String {
        format!("credential show {}", self.name)
    }

    fn differences(_: &Engine, before: &Self, after: &Self) -> Vec<FieldChange> {
        let word = |word: Option<&str>| word.unwrap_or_default().to_owned();
        let fields = |one: &Self| {
            let parts: Vec<&str> = one.secrets.iter().map(|(part, _)| part.as_str()).collect();
            [
                ("name", one.name.clone()),
                ("user", one.user.clone()),
                ("auth", word(one.auth.map(|auth| auth.as_str()))),
                ("privacy", word(one.privacy.map(|privacy| privacy.as_str()))),
                ("version", word(one.version.map(|version| version.as_str()))),
                ("description", one.description.clone()),
                ("secrets", parts.join(", ")),
            ]
        };
        // that a secret is another one cannot be seen without opening both
        of_pairs(fields(before), fields(after))
    }
}

impl Edited for KeptList {
    fn revision(&self) -> u32 {
        u32::try_from(self.list().revision).unwrap_or(u32::MAX)
    }

    fn named(&self) -> String {
        "the list of assignments".to_owned()
    }

    fn look(&self) -> String {
        "credential order".to_owned()
    }

    fn differences(engine: &Engine, before: &Self, after: &Self) -> Vec<FieldChange> {
        let in_words = |list: &Self| {
            let words = |one: &crate::model::Assignment| {
                format!("{} to {}", one.number, engine.those_in_words(&one.to))
            };
            list.list().assignments.iter().map(words).collect::<Vec<_>>().join(", ")
        };
        of_pairs([("assignments", in_words(before))], [("assignments", in_words(after))])
    }
}

fn of_pairs<const N: usize>(
    before: [(&'static str, String); N],
    after: [(&'static str, String); N],
) -> Vec<FieldChange> {
    let pairs = before.into_iter().zip(after).filter(|((_, was), (_, is))| was != is);
    pairs.map(|((field, was), (_, is))| FieldChange::new(field, &was, &is)).collect()
}

fn or_empty(value: &str) -> String {
    if value.is_empty() { "(empty)".to_owned() } else { short(value) }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
