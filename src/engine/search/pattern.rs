//! What is looked for: text or a regular expression, compiled once, bounded in size.

use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};

use crate::engine::error::ActError;

use super::text::{Place, places};

/// The most memory that a compiled pattern, or its search cache, may take, in bytes.
const LARGEST: usize = 4 << 20;
/// The longest pattern, in bytes.
const LONGEST: usize = 1000;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    /// Of ASCII text whose case does not matter: a whole text is ruled out faster in lower case than by `regex`.
    lower: Option<Finder<'static>>,
}

impl Pattern {
    /// Text is taken as it stands; upper and lower case differ only where the text has an upper-case letter. A
    /// regular expression follows the `regex` crate and says for itself: `(?i)vlan`.
    ///
    /// # Errors
    /// When it is empty, too long, or not a regular expression; the sentence points at the place.
    pub fn new(pattern: &str, regex: bool) -> Result<Self, ActError> {
        if pattern.is_empty() {
            return Err(ActError::usage("the pattern is empty; say what to look for"));
        }
        if pattern.len() > LONGEST {
            return Err(ActError::usage(format!("the pattern is longer than {LONGEST} bytes")));
        }
        let ignore_case = !regex && !pattern.chars().any(char::is_uppercase);
        let source = if regex { pattern.to_owned() } else { regex::escape(pattern) };
        let regex = RegexBuilder::new(&source)
            .case_insensitive(ignore_case)
            .multi_line(true)
            .size_limit(LARGEST)
            .dfa_size_limit(LARGEST)
            .build()
            .map_err(|error| {
                let what = error.to_string();
                let last = what.lines().next_back().unwrap_or(&what);
                ActError::usage(format!("{pattern:?} is not a regular expression: {last}"))
            })?;
        let lower = (ignore_case && pattern.is_ascii()).then(|| Finder::new(pattern).into_owned());
        Ok(Self { regex, lower })
    }

    /// Whether `text` may have a match; `scratch` is room for it. Beyond ASCII, letters have more than two cases.
    fn may_match(&self, text: &[u8], scratch: &mut Vec<u8>) -> bool {
        let Some(lower) = self.lower.as_ref().filter(|_| text.is_ascii()) else { return true };
        scratch.clear();
        scratch.extend_from_slice(text);
        scratch.make_ascii_lowercase();
        lower.find(scratch).is_some()
    }

    /// The lines of `text` that match, the first `most` of them.
    pub(super) fn places<'a>(&self, text: &'a [u8], most: usize, scratch: &mut Vec<u8>) -> Vec<Place<'a>> {
        if self.may_match(text, scratch) { places(&self.regex, text, most) } else { Vec::new() }
    }
}
