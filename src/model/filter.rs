//! The language of `/` and `--filter`: words that must all hold.
//!
//! * `text` stands in any column, without regard to case;
//! * `column:text` stands in that column;
//! * `~text` is in a column fuzzily: its letters in order;
//! * `!` before any of these turns it round;
//! * `"two words"` keep their space.

use std::borrow::Cow;

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// A filter as it was typed, ready to match.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

#[derive(Clone, Debug)]
struct Term {
    inverse: bool,
    column: Option<usize>,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    /// Lower case.
    Contains(String),
    Fuzzy(Atom),
}

impl Filter {
    /// Reads `text` for a table of these columns. A word before `:` that is no column is looked for as it stands,
    /// so that addresses and times need no quotes.
    pub fn new(text: &str, columns: &[&str]) -> Self {
        let terms = words(text).iter().filter_map(|word| Term::new(word, columns)).collect();
        Self { text: text.to_owned(), terms }
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a row passes, of which `cell` gives the text of a column.
    pub fn matches<'a>(
        &self,
        columns: usize,
        cell: impl Fn(usize) -> Cow<'a, str>,
        matcher: &mut Matcher,
    ) -> bool {
        self.terms.iter().all(|term| {
            let found = match term.column {
                Some(column) => term.holds(&cell(column), matcher),
                None => (0..columns).any(|column| term.holds(&cell(column), matcher)),
            };
            found != term.inverse
        })
    }
}

/// What [`Filter::matches`] needs for `~`: large, so one for many rows.
pub fn matcher() -> Matcher {
    Matcher::new(Config::DEFAULT)
}

impl Term {
    fn new(word: &str, columns: &[&str]) -> Option<Self> {
        let (inverse, word) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
        let named = word.split_once(':').and_then(|(name, rest)| {
            let column = columns.iter().position(|column| column.eq_ignore_ascii_case(name))?;
            Some((column, rest))
        });
        let (column, word) = named.map_or((None, word), |(column, rest)| (Some(column), rest));
        if word.is_empty() {
            return None;
        }
        let test = match word.strip_prefix('~') {
            Some(rest) if !rest.is_empty() => Test::Fuzzy(Atom::new(
                rest,
                CaseMatching::Ignore,
                Normalization::Smart,
                AtomKind::Fuzzy,
                false,
            )),
            _ => Test::Contains(word.to_lowercase()),
        };
        Some(Self { inverse, column, test })
    }

    fn holds(&self, text: &str, matcher: &mut Matcher) -> bool {
        match &self.test {
            Test::Contains(wanted) if text.is_ascii() && wanted.is_ascii() => {
                contains_ignoring_case(text.as_bytes(), wanted.as_bytes())
            }
            Test::Contains(wanted) => text.to_lowercase().contains(wanted.as_str()),
            Test::Fuzzy(atom) => atom.score(Utf32Str::new(text, &mut Vec::new()), matcher).is_some(),
        }
    }
}

fn contains_ignoring_case(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window.eq_ignore_ascii_case(wanted))
}

/// Splits at spaces outside quotes; a quote that is not closed reaches to the end.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => {
                if let Some(word) = words.last_mut() {
                    word.push(c);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 3] = ["name", "address", "why"];

    fn passes(filter: &str, row: [&str; 3]) -> bool {
        let cell = |column: usize| Cow::Owned(row[column].to_owned());
        Filter::new(filter, &COLUMNS).matches(3, cell, &mut matcher())
    }

    #[test]
    fn every_form_of_a_term() {
        let row = ["Core-1", "2001:db8::1", "password refused"];
        for yes in
            ["", "core", "core refused", "name:core", "!edge", "!name:edge", "~cr1", "name:~c1", "2001:db8"]
        {
            assert!(passes(yes, row), "{yes}");
        }
        for no in ["edge", "core edge", "address:core", "!core", "!~cr1", "~1roc", "why:timeout"] {
            assert!(!passes(no, row), "{no}");
        }
        assert!(passes("\"password refused\"", row));
        assert!(!passes("\"refused password\"", row));
    }

    #[test]
    fn what_is_only_begun_does_not_hide_everything() {
        let row = ["core", "", ""];
        for begun in ["!", "~", "name:", "!name:", "\"", " "] {
            assert!(passes(begun, row) || begun == "~", "{begun}");
        }
    }

    #[test]
    fn letters_beyond_ascii_ignore_case_too() {
        assert!(passes("КОРЕНЬ", ["корень-1", "", ""]));
    }
}
