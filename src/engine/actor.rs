//! Who asks, and why: what every changing act leaves in the journal.

use crate::model::{OWN_NAMES, clean_line};

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
    /// A person. Control characters become visible ones, since all three texts are shown and journalled; a name that the
    /// program has for itself is marked as a person's.
    pub fn new(name: &str, why: &str, line: &str) -> Self {
        Self::named(&of_a_person(&clean_line(name)), why, line)
    }

    fn named(name: &str, why: &str, line: &str) -> Self {
        let clean = |text: &str| clean_line(text).into_owned();
        Self { name: name.to_owned(), why: clean(why), line: clean(line), from: String::new() }
    }

    /// The same, who sits there.
    #[must_use]
    pub fn at(self, from: &str) -> Self {
        Self { from: clean_line(from).into_owned(), ..self }
    }

    /// The same, for another reason.
    #[must_use]
    pub fn because(self, why: &str) -> Self {
        Self { why: clean_line(why).into_owned(), ..self }
    }

    /// The engine's own work by the clock; `why` names the setting that wants it.
    pub fn schedule(why: &str, line: &str) -> Self {
        Self::named("schedule", why, line)
    }

    /// The engine, tidying up by itself; `line` says what it does.
    pub fn engine(line: &str) -> Self {
        Self::named("engine", "", line)
    }

    /// Whether a name in the journal is the program's own.
    pub fn is_program(name: &str) -> bool {
        OWN_NAMES.contains(&name)
    }
}

/// How a person is called in the journal. An account of the host, or a user of an older noctule, may have a name that the
/// program has for itself; no person's name begins with the mark otherwise, since `:` stands in no account and no user.
fn of_a_person(name: &str) -> String {
    let plain = name.trim().to_lowercase();
    match OWN_NAMES.contains(&plain.as_str()) {
        true => format!("person:{name}"),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_person_is_called_what_the_program_is_called() {
        for name in ["engine", "schedule", "noctule", "Engine", " schedule ", "NOCTULE"] {
            let person = Actor::new(name, "", "");
            assert!(!Actor::is_program(&person.name) && person.name.starts_with("person:"), "{person:?}");
        }
        assert_eq!(Actor::new("ann", "", "").name, "ann");
        for own in [Actor::engine("x"), Actor::schedule("y", "z")] {
            assert!(Actor::is_program(&own.name));
            assert_eq!(own.clone().because("because").name, own.name);
        }
    }
}
