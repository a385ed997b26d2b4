//! Findings of a check of the trail that an admin has looked into: they are told each time, and are no failure any more.
//!
//! They are read from the journal itself, which is what is checked: an index that somebody has changed vouches for nothing.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::check::{AuditReport, Problem};
use crate::engine::actor::Actor;
use crate::engine::error::ActError;
use crate::engine::events::with_events;
use crate::engine::inventory::entry;
use crate::engine::start::Engine;
use crate::model::{EventKind, Severity, Timestamp, clean_line};
use crate::store::{Change, Record, decode, journal_of};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 500;

/// A finding of which an admin has taken note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFinding {
    /// The entry that it is about.
    pub entry: u64,
    /// Its kind, as in a report.
    pub kind: String,
    /// Its sentence: one that says something else is another finding.
    pub what: String,
    /// Who took note of it.
    pub by: String,
    /// Why it is no reason to worry.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

impl Record for KnownFinding {
    const TABLE: &'static str = "finding";
    const VERSION: u8 = 1;
    /// The entry's number and the kind.
    type Key = String;
}

impl KnownFinding {
    fn is(&self, problem: &Problem) -> bool {
        problem.entry == Some(self.entry) && problem.kind == self.kind && problem.what == self.what
    }
}

/// A finding that is known, as a report tells it. The field names are those of `audit verify --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Known {
    /// The first entry that it is about.
    pub entry: u64,
    /// Which kind.
    pub kind: &'static str,
    /// One sentence.
    pub what: String,
    /// Who took note of it.
    pub by: String,
    /// Why, in their words.
    pub why: String,
    /// When.
    pub at: String,
}

impl AuditReport {
    /// Moves what an admin has taken note of to the known findings. Reads the journal only where there is something to know.
    pub(super) fn with_known(mut self, folder: &Path) -> Self {
        if self.problems.iter().all(|problem| problem.entry.is_none()) {
            return self;
        }
        let known = read(folder);
        let of = |problem: &Problem| known.iter().rev().find(|known| known.is(problem));
        for problem in std::mem::take(&mut self.problems) {
            match of(&problem) {
                Some(known) => self.known.push(Known {
                    entry: known.entry,
                    kind: problem.kind,
                    what: problem.what,
                    by: clean_line(&known.by).into_owned(),
                    why: clean_line(&known.why).into_owned(),
                    at: known.at.rfc3339(),
                }),
                None => self.problems.push(problem),
            }
        }
        self
    }
}

/// What the journal holds of them, the oldest first; nothing where it cannot be read, which the check itself says.
fn read(folder: &Path) -> Vec<KnownFinding> {
    let Ok(scan) = journal_of(folder, 1) else { return Vec::new() };
    let of_table = |change: &Change| change.table == KnownFinding::TABLE;
    let entries = scan.filter_map(|found| found.ok()?.ok());
    let changes = entries.flat_map(|entry| entry.changes.into_iter().filter(of_table));
    changes.filter_map(|change| decode(change.value.as_deref()?).ok()).collect()
}

impl Engine {
    /// Takes note of what a check finds wrong with an entry; `by.why` says why that is no reason to worry. What it finds
    /// besides, or anew, is told as before.
    ///
    /// # Errors
    /// When no reason is given, a check finds nothing there that is not known, or the journal cannot be read or written.
    pub async fn acknowledge_finding(
        self: &Arc<Self>,
        by: &Actor,
        number: u64,
    ) -> Result<Vec<KnownFinding>, ActError> {
        let why = clean_line(by.why.trim()).into_owned();
        if why.is_empty() || why.chars().count() > LONGEST_REASON {
            return Err(ActError::usage(format!(
                "say with --why why it is no reason to worry, in at most {LONGEST_REASON} characters: every check tells it"
            )));
        }
        let report = self.audit_verify(None, number).await?;
        let here = report.problems.iter().filter(|problem| problem.entry == Some(number));
        let now = self.now();
        let found: Vec<KnownFinding> = here
            .map(|problem| KnownFinding {
                entry: number,
                kind: problem.kind.to_owned(),
                what: problem.what.clone(),
                by: by.name.clone(),
                why: why.clone(),
                at: now,
            })
            .collect();
        if found.is_empty() {
            return Err(ActError::not_found(format!(
                "audit verify finds nothing new wrong with entry {number}; the findings name the entries that they are about"
            )));
        }
        let what: Vec<&str> = found.iter().map(|known| known.what.as_str()).collect();
        let message = format!("{} took note of what is wrong with the journal: {}", by.name, what.join("; "));
        let events = vec![self.event(now, EventKind::System, Severity::Warning, None, &message)];
        let mut changes = entry(now, by, "audit ack");
        for known in &found {
            changes.add(&format!("{number}/{}", known.kind), known);
        }
        self.commit(with_events(changes, &events), "taking note of a finding").await?;
        self.tell(events);
        self.publish_now();
        Ok(found)
    }
}
