//! The patterns of the rules.

use std::sync::OnceLock;

use regex::{Captures, Regex, RegexBuilder};

use super::schema::Fact;

/// The most bytes of a pattern's own cache for the fast way: it is held against short texts now and then.
const SMALL: usize = 1 << 10;

/// A pattern, compiled when a text is first held against it: there are nine hundred, each takes some 70 kB, and a
/// network has devices of a few makers.
pub(super) struct Pattern {
    text: String,
    /// Nothing where it is no pattern, which its check has told.
    compiled: OnceLock<Option<Regex>>,
}

/// What a pattern is for, and so which groups it must have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Groups {
    /// To fit or not.
    Any,
    /// Its first group is the fact.
    First,
    /// Its groups have the names of facts.
    Facts,
}

impl Pattern {
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), compiled: OnceLock::new() }
    }

    /// Whether it is a pattern with such groups; the reason why not.
    pub fn check(&self, groups: Groups) -> Result<(), String> {
        let text = &self.text;
        let pattern = compile(text).map_err(|error| {
            let error = error.to_string();
            format!("the pattern {text:?}: {}", error.lines().last().unwrap_or_default())
        })?;
        match groups {
            Groups::Any => Ok(()),
            Groups::First if pattern.captures_len() == 1 => {
                Err(format!("the pattern {text:?} has no group (…): what is in the first one is the fact"))
            }
            Groups::First => Ok(()),
            Groups::Facts => are_facts(&pattern).map_err(|what| format!("the pattern {text:?}{what}")),
        }
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.compiled().is_some_and(|pattern| pattern.is_match(text))
    }

    pub fn captures<'a>(&self, text: &'a str) -> Option<Captures<'a>> {
        self.compiled()?.captures(text)
    }

    fn compiled(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| compile(&self.text).ok()).as_ref()
    }
}

fn compile(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).dfa_size_limit(SMALL).build()
}

/// Whether the groups of the pattern have the names of facts.
fn are_facts(pattern: &Regex) -> Result<(), String> {
    let mut names = pattern.capture_names().flatten().peekable();
    if names.peek().is_none() {
        return Err(" has no group (?P<model>…) or of another fact's name".to_owned());
    }
    let known = Fact::ALL.map(Fact::group);
    match names.find(|name| !known.contains(name)) {
        Some(name) => Err(format!(": {name} is no fact: {} are", known.join(", "))),
        None => Ok(()),
    }
}
