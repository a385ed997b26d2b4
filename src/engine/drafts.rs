//! What an operator was writing when their terminal went away: kept in memory for a while, offered when they come again.
//!
//! Nothing of it is stored, and no secret is in it: whoever hands it over leaves those out. Nothing is kept of a session that
//! an admin ended: that may be done to get out what is being written there, or because whoever sits there is not its owner,
//! and then it must not wait for the next one who comes with that account.

use std::collections::HashMap;
use std::time::Duration;

use super::start::{Engine, lock};
use super::users::Person;
use crate::model::Timestamp;

/// How long a draft is kept.
const KEPT: Duration = Duration::from_secs(600);
/// The most people whose drafts are kept.
const MOST_PEOPLE: usize = 250;
/// The most texts of one draft, and the most bytes of all of them.
const MOST_TEXTS: usize = 8;
/// The most filters of one draft.
const MOST_FILTERS: usize = 16;
/// See [`MOST_TEXTS`].
const MOST_BYTES: usize = 2 << 20;

/// What somebody was writing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The command line that was not entered yet; empty for none.
    pub line: String,
    /// Texts that were not saved.
    pub texts: Vec<DraftText>,
    /// The reason that was asked for before an act.
    pub reason: Option<DraftReason>,
    /// The screens that were filtered, the one in front last.
    pub filters: Vec<DraftFilter>,
}

/// A reason that was being written. What it is for has not been done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftReason {
    /// The command line, whose last word is the flag that takes it.
    pub line: String,
    /// What the person was asked.
    pub question: String,
    /// The reason as it was left.
    pub text: String,
}

/// A screen, and what it was filtered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftFilter {
    /// The console's line that opens it: `devices`.
    pub opens: String,
    /// The filter as it was left.
    pub filter: String,
}

/// A text that was not saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftText {
    /// The console's line that opens what it was written in: `edit device core-1`.
    pub opens: String,
    /// The text as it was stored when it was begun.
    pub base: String,
    /// The text as it was left.
    pub text: String,
}

impl Draft {
    /// Whether nothing was being written.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty() && self.texts.is_empty() && self.reason.is_none() && self.filters.is_empty()
    }

    fn bytes(&self) -> usize {
        let texts = self.texts.iter().map(|one| one.opens.len() + one.base.len() + one.text.len());
        let reason = self.reason.iter().map(|one| one.line.len() + one.question.len() + one.text.len());
        let filters = self.filters.iter().map(|one| one.opens.len() + one.filter.len());
        self.line.len() + texts.chain(reason).chain(filters).sum::<usize>()
    }
}

/// The drafts of everybody, by their name.
#[derive(Default)]
pub(super) struct Drafts(HashMap<String, (Timestamp, Draft)>);

impl Drafts {
    fn forget_old(&mut self, now: Timestamp) {
        self.0.retain(|_, (at, _)| *at <= now && at.age(now) < KEPT);
    }

    fn keep(&mut self, person: &str, mut draft: Draft, now: Timestamp) {
        self.forget_old(now);
        draft.texts.truncate(MOST_TEXTS);
        draft.filters.drain(..draft.filters.len().saturating_sub(MOST_FILTERS));
        while draft.bytes() > MOST_BYTES && draft.texts.pop().is_some() {}
        let has_room = self.0.len() < MOST_PEOPLE || self.0.contains_key(person);
        if has_room && !draft.is_empty() && draft.bytes() <= MOST_BYTES {
            self.0.insert(person.to_owned(), (now, draft));
        }
    }

    fn take(&mut self, person: &str, now: Timestamp) -> Option<Draft> {
        self.forget_old(now);
        self.0.remove(person).map(|(_, draft)| draft)
    }
}

impl Engine {
    /// Keeps what a person was writing, in the place of what they wrote before, for ten minutes.
    pub fn keep_draft(&self, person: &Person, draft: Draft) {
        lock(&self.drafts).keep(&person.name, draft, self.now());
    }

    /// Forgets what is kept for a person.
    pub fn forget_draft(&self, person: &Person) {
        self.take_draft(person);
    }

    /// What is kept for a person. It is theirs then, and kept no more.
    pub fn take_draft(&self, person: &Person) -> Option<Draft> {
        lock(&self.drafts).take(&person.name, self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Draft {
        Draft { line: text.into(), ..Draft::default() }
    }

    #[test]
    fn a_draft_is_kept_ten_minutes_for_its_person_once() {
        let mut drafts = Drafts::default();
        drafts.keep("ann", line("backup run core-1"), Timestamp(0));
        assert_eq!(drafts.take("bob", Timestamp(1)), None);
        assert_eq!(drafts.take("ann", Timestamp(599_999)), Some(line("backup run core-1")));
        assert_eq!(drafts.take("ann", Timestamp(599_999)), None);
        drafts.keep("ann", line("x"), Timestamp(0));
        assert_eq!(drafts.take("ann", Timestamp(600_000)), None);
    }

    #[test]
    fn room_is_bounded() {
        let mut drafts = Drafts::default();
        for number in 0..1_000 {
            drafts.keep(&format!("p{number}"), line("x"), Timestamp(0));
        }
        assert_eq!(drafts.0.len(), MOST_PEOPLE);
        let text = DraftText { opens: "edit".into(), base: String::new(), text: "x".repeat(MOST_BYTES / 2) };
        drafts.keep("p1", Draft { texts: vec![text; 50], ..line("y") }, Timestamp(0));
        assert_eq!(drafts.take("p1", Timestamp(0)).map(|draft| draft.texts.len()), Some(1));
    }
}
