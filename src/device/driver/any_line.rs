//! Which lines of a text one of many patterns may match, found in one pass over the text. Most lines of a configuration
//! are matched by none, and to ask each pattern of each line costs far more than all else that is done with them.

use regex::{Regex, RegexBuilder};

/// What makes a pattern tell the begin or the end of a line from that of a text, or its group end where it does not
/// seem to: `\A`, `\z`, and the flags m, R and x.
const OF_THE_TEXT: &str = r"\\[Az]|\(\?[a-zA-Z-]*[mRx]";

/// The most memory that the patterns may take together, in bytes.
const LIMIT: usize = 16 << 20;

/// Patterns for single lines, as one for a whole text.
pub enum AnyLine {
    /// There are no patterns.
    No,
    /// Lines outside its matches are matched by none of the patterns.
    Whole(Box<Regex>),
    /// They cannot be joined: each line must be looked at.
    Each,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// Whole lines, with their ends, that none of the patterns matches: ASCII without carriage returns.
    Quiet(&'t str),
    /// A line, without its end, that one of the patterns may match.
    Line(&'t str),
}

impl AnyLine {
    /// Joins patterns that were compiled before, each for a line.
    pub fn new<'p>(patterns: impl Iterator<Item = &'p String> + Clone) -> Self {
        if patterns.clone().next().is_none() {
            return Self::No;
        }
        let of_the_text = Regex::new(OF_THE_TEXT);
        if of_the_text.map_or(true, |told| patterns.clone().any(|pattern| told.is_match(pattern))) {
            return Self::Each;
        }
        let joined: Vec<String> = patterns.map(|pattern| format!("(?:{pattern})")).collect();
        match RegexBuilder::new(&joined.join("|")).multi_line(true).size_limit(LIMIT).build() {
            Ok(whole) => Self::Whole(Box::new(whole)),
            // two patterns may name a group alike
            Err(_) => Self::Each,
        }
    }

    /// Calls `take` with every line of `text`, in order.
    pub fn walk<'t>(&self, text: &'t str, mut take: impl FnMut(Piece<'t>)) {
        let mut rest = text;
        while !rest.is_empty() {
            let (run, behind) = rest.split_at(simple_run(rest));
            self.walk_simple(run, &mut take);
            let (line, behind) = behind.split_at(behind.find('\n').map_or(behind.len(), |end| end + 1));
            line.lines().for_each(|line| take(Piece::Line(line)));
            rest = behind;
        }
    }

    fn walk_simple<'t>(&self, run: &'t str, take: &mut impl FnMut(Piece<'t>)) {
        let whole = match self {
            Self::Each => return run.lines().for_each(|line| take(Piece::Line(line))),
            Self::No => None,
            Self::Whole(whole) => Some(whole),
        };
        let mut at = 0;
        while at < run.len() {
            // A match may reach over several lines, and any of them may be the one that is meant.
            let found = whole.and_then(|whole| whole.find_at(run, at));
            let from = found
                .map_or(run.len(), |found| run[at..found.start()].rfind('\n').map_or(at, |end| at + end + 1));
            if from > at {
                take(Piece::Quiet(&run[at..from]));
            }
            let Some(found) = found else { return };
            let end = found.end();
            at = run[end..].find('\n').map_or(run.len(), |more| end + more + 1);
            run[from..at].lines().for_each(|line| take(Piece::Line(line)));
        }
    }
}

/// How many bytes of whole lines at the beginning are ASCII without carriage returns. What else there is has to be looked
/// at line by line: there a character may be longer than a byte, and a line may end otherwise.
fn simple_run(text: &str) -> usize {
    let odd = |byte: u8| !byte.is_ascii() || byte == b'\r';
    // in pieces, without a branch for each byte
    let pieces = text.as_bytes().chunks(256);
    let simple = pieces.take_while(|piece| !piece.iter().fold(false, |any, &byte| any | odd(byte)));
    let simple: usize = simple.map(<[u8]>::len).sum();
    match text.as_bytes()[simple..].iter().position(|&byte| odd(byte)) {
        None => text.len(),
        Some(place) => {
            text.as_bytes()[..simple + place].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_line(patterns: &[&str]) -> AnyLine {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        AnyLine::new(patterns.iter())
    }

    fn pieces<'t>(patterns: &[&str], text: &'t str) -> Vec<Piece<'t>> {
        let mut pieces = Vec::new();
        any_line(patterns).walk(text, |piece| pieces.push(piece));
        pieces
    }

    #[test]
    fn what_no_pattern_matches_comes_in_one_piece() {
        let text = "a\nb\nsecret x\nc\nd";
        let found = pieces(&["^secret", "z$"], text);
        assert_eq!(found, [Piece::Quiet("a\nb\n"), Piece::Line("secret x"), Piece::Quiet("c\nd")]);
        assert_eq!(pieces(&[], text), [Piece::Quiet(text)]);
        assert_eq!(pieces(&["^secret"], ""), []);
    }

    #[test]
    fn lines_that_a_text_is_not_simple_in_are_looked_at() {
        let found = pieces(&["x$"], "a\nx\r\né\nb\nx\n");
        assert_eq!(
            found,
            [Piece::Quiet("a\n"), Piece::Line("x"), Piece::Line("é"), Piece::Quiet("b\n"), Piece::Line("x")]
        );
    }

    #[test]
    fn patterns_that_mean_the_text_are_asked_of_each_line() {
        for pattern in [r"\Aa", r"a\z", "(?m)a", "(?-m:^a)", "(?x) a # b"] {
            assert!(matches!(any_line(&[pattern]), AnyLine::Each), "{pattern}");
        }
        assert!(matches!(any_line(&["(?P<n>a)", "(?P<n>b)"]), AnyLine::Each));
        assert!(matches!(any_line(&["(?i)a", "(?:b)", "(?P<name>c)"]), AnyLine::Whole(_)));
    }

    proptest! {
        /// No line that one of the patterns matches is among the quiet ones, and every line comes once, in order.
        #[test]
        fn no_match_is_missed(text in "([ab #é\r]{0,4}\n?){0,12}") {
            let patterns = [r"^\s*a b", "b$", r"^#\s?", r"a[^#]+a", "^$", r"\ba\b"];
            for patterns in [&patterns[..], &patterns[..1], &patterns[1..2], &patterns[3..4], &patterns[4..5]] {
                let each: Vec<Regex> = patterns.iter().map(|pattern| Regex::new(pattern).unwrap()).collect();
                let mut lines = Vec::new();
                for piece in pieces(patterns, &text) {
                    match piece {
                        Piece::Line(line) => lines.push(line),
                        Piece::Quiet(run) => {
                            for line in run.lines() {
                                prop_assert!(!each.iter().any(|one| one.is_match(line)), "{line:?} of {text:?}");
                                lines.push(line);
                            }
                        }
                    }
                }
                prop_assert_eq!(lines, text.lines().collect::<Vec<_>>());
            }
        }
    }
}
