//! Finding a text in lines: every place, without regard to case unless an upper case letter is typed.

use std::ops::Range;

use ratatui::style::Style;
use regex::{Regex, RegexBuilder};

/// What is looked for, and the lines that have it.
#[derive(Clone, Debug, Default)]
pub struct Find {
    text: String,
    pattern: Option<Regex>,
    lines: Vec<usize>,
}

impl Find {
    /// Looks for `text`, as it stands; nothing where it is empty.
    pub fn new(text: &str) -> Self {
        let exact_case = text.chars().any(char::is_uppercase);
        let pattern = RegexBuilder::new(&regex::escape(text)).case_insensitive(!exact_case).build().ok();
        Self { text: text.to_owned(), pattern: pattern.filter(|_| !text.is_empty()), lines: Vec::new() }
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Notes which lines have it.
    pub fn search(&mut self, lines: &[String]) {
        self.lines.clear();
        if let Some(pattern) = &self.pattern {
            self.lines.extend((0..lines.len()).filter(|line| pattern.is_match(&lines[*line])));
        }
    }

    /// How many lines have it.
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// Which of the lines that have it, from 1, is the last one up to `line`; 0 before the first.
    pub fn at_or_before(&self, line: usize) -> usize {
        self.lines.partition_point(|found| *found <= line)
    }

    /// The first line that has it from `line` on; from the beginning where there is none.
    pub fn from(&self, line: usize) -> Option<usize> {
        let after = self.lines.partition_point(|found| *found < line);
        self.lines.get(after).or_else(|| self.lines.first()).copied()
    }

    /// The next line that has it after `line`, or before it; round the end.
    pub fn next(&self, line: usize, forwards: bool) -> Option<usize> {
        if forwards {
            return self.from(line + 1);
        }
        let before = self.lines.partition_point(|found| *found < line);
        self.lines[..before].last().or_else(|| self.lines.last()).copied()
    }

    /// The line in pieces: what was found in one style, the rest in the other.
    pub fn pieces<'a>(&self, line: &'a str, plain: Style, found: Style) -> Vec<(&'a str, Style)> {
        let ranges = self.pattern.iter().flat_map(|pattern| pattern.find_iter(line)).map(|m| m.range());
        pieces(line, ranges, plain, found)
    }
}

/// The line in pieces: these ranges, in order, in one style, the rest in the other.
pub fn pieces(
    line: &str,
    ranges: impl IntoIterator<Item = Range<usize>>,
    plain: Style,
    found: Style,
) -> Vec<(&str, Style)> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for range in ranges {
        pieces.push((&line[at..range.start], plain));
        pieces.push((&line[range.clone()], plain.patch(found)));
        at = range.end;
    }
    pieces.push((&line[at..], plain));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Find {
        let lines = ["vlan 10", " name Office", "vlan 20", "!"].map(str::to_owned);
        let mut find = Find::new(text);
        find.search(&lines);
        find
    }

    #[test]
    fn goes_round_in_both_directions() {
        let find = found("vlan");
        assert_eq!((find.count(), find.from(1), find.from(3)), (2, Some(2), Some(0)));
        assert_eq!(
            (find.next(0, true), find.next(2, true), find.next(0, false)),
            (Some(2), Some(0), Some(2))
        );
        assert_eq!((find.at_or_before(0), find.at_or_before(3)), (1, 2));
    }

    #[test]
    fn case_matters_once_it_is_typed_and_nothing_is_a_pattern() {
        assert_eq!((found("office").count(), found("Office").count(), found("oFFICE").count()), (1, 1, 0));
        assert_eq!((found(".").count(), found("").count(), found("").next(0, true)), (0, 0, None));
    }

    #[test]
    fn what_was_found_is_a_piece_of_its_own() {
        let (plain, match_) = (Style::new(), Style::new().bold());
        let find = found("an");
        assert_eq!(find.pieces("vlan x", plain, match_), [("vl", plain), ("an", match_), (" x", plain)]);
    }
}
