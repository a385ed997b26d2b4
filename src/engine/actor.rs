//! Who asks, and why: what every changing act leaves in the journal.

use crate::model::clean_line;

/// The person or worker behind an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The person's login name, or `schedule` for the engine's own work.
    pub name: String,
    /// Why, in the person's words; empty where none were given.
    pub why: String,
    /// The command line that asked, with secrets already taken out: `device edit core-1 group=core`.
    pub line: String,
    /// Where the person sits: `pts/3 ssh 192.0.2.7`; empty where that is not known.
    pub from: String,
}

impl Actor {
    /// An actor; control characters become visible ones, since all three are shown and journalled.
    pub fn new(name: &str, why: &str, line: &str) -> Self {
        let clean = |text: &str| clean_line(text).into_owned();
        Self { name: clean(name), why: clean(why), line: clean(line), from: String::new() }
    }

    /// The same, who sits there.
    #[must_use]
    pub fn at(self, from: &str) -> Self {
        Self { from: clean_line(from).into_owned(), ..self }
    }

    /// The daily schedule.
    pub fn schedule() -> Self {
        Self::new("schedule", "the daily backup", "backup run --all")
    }

    /// The engine, tidying up by itself; `line` says what it does.
    pub fn engine(line: &str) -> Self {
        Self::new("engine", "", line)
    }
}
