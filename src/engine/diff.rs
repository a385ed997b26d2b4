//! The difference of two texts, by line and inside a line: what the diff viewer draws and `backup diff` prints.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use similar::{Algorithm, ChangeTag, DiffTag, TextDiff};

use crate::device::normal::ROTATING;

/// Unchanged lines shown around a change.
pub const CONTEXT: usize = 3;

/// The longest pair of lines whose words are compared, in bytes: beyond it the whole line counts as changed.
const LONGEST_LINE: usize = 4096;
/// How long the lines may be compared before a coarser, still correct, difference is taken.
const PATIENCE: Duration = Duration::from_millis(400);

/// How many secrets of a normalised text are written anew at each look: whether they changed cannot be seen.
pub fn unseen_secrets(text: &str) -> usize {
    text.matches(ROTATING).count()
}

/// A sentence about such secrets; `None` where there are none.
pub fn unseen_note(text: &str) -> Option<String> {
    match unseen_secrets(text) {
        0 => None,
        1 => Some("1 secret is encrypted anew at each look: its change cannot be seen".to_owned()),
        many => Some(format!("{many} secrets are encrypted anew at each look: their changes cannot be seen")),
    }
}

/// The difference of two texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// The places that differ, in order, with the lines around them.
    pub hunks: Vec<Hunk>,
    /// Lines that only the new text has.
    pub added: usize,
    /// Lines that only the old text has.
    pub removed: usize,
}

/// A place that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// The first line in the old text, counting from 1; 0 where it has none.
    pub old_start: usize,
    /// How many lines of the old text.
    pub old_lines: usize,
    /// The first line in the new text, counting from 1; 0 where it has none.
    pub new_start: usize,
    /// How many lines of the new text.
    pub new_lines: usize,
    /// The lines.
    pub lines: Vec<DiffLine>,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// In both texts.
    Same,
    /// Only in the old text.
    Removed,
    /// Only in the new text.
    Added,
}

/// One line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// What it is.
    pub kind: LineKind,
    /// Its number in the old text, counting from 1.
    pub old_no: Option<usize>,
    /// Its number in the new text, counting from 1.
    pub new_no: Option<usize>,
    /// Its text in pieces, without the line end; put together they are the line.
    pub spans: Vec<Span>,
}

impl DiffLine {
    /// The whole line.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its text.
    pub text: String,
    /// Whether these words are what differs from the line's counterpart.
    pub changed: bool,
}

/// Compares two texts by line, and changed lines by word. `context` unchanged lines stand around each change.
pub fn lines(old: &str, new: &str, context: usize) -> Diff {
    let deadline = Instant::now() + PATIENCE;
    let (old, new) = (ended(old), ended(new));
    // line ends stay on: the crate loses empty lines at the end of a replaced block otherwise
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Myers)
        .deadline(deadline)
        .diff_slices(&old_lines, &new_lines);
    let mut out = Diff::default();
    for group in diff.grouped_ops(context) {
        let mut lines = Vec::new();
        for op in &group {
            let too_long = |line: &&str| line.len() > LONGEST_LINE;
            let whole_lines_only = op.tag() != DiffTag::Replace
                || old_lines[op.old_range()].iter().any(too_long)
                || new_lines[op.new_range()].iter().any(too_long);
            if whole_lines_only {
                lines.extend(diff.iter_changes(op).map(|change| DiffLine {
                    kind: kind_of(change.tag()),
                    old_no: change.old_index().map(|index| index + 1),
                    new_no: change.new_index().map(|index| index + 1),
                    spans: joined(&[(false, change.value())]),
                }));
            } else {
                let by_word = diff.iter_inline_changes_deadline(op, Some(deadline));
                lines.extend(by_word.map(|change| DiffLine {
                    kind: kind_of(change.tag()),
                    old_no: change.old_index().map(|index| index + 1),
                    new_no: change.new_index().map(|index| index + 1),
                    spans: joined(change.values()),
                }));
            }
        }
        out.added += lines.iter().filter(|line| line.kind == LineKind::Added).count();
        out.removed += lines.iter().filter(|line| line.kind == LineKind::Removed).count();
        out.hunks.push(hunk_of(lines));
    }
    out
}

impl Diff {
    /// The same difference with at most `context` unchanged lines around each change.
    pub fn narrowed(&self, context: usize) -> Self {
        let lines: Vec<&DiffLine> = self.hunks.iter().flat_map(|hunk| &hunk.lines).collect();
        let mut near = vec![false; lines.len()];
        for (at, _) in lines.iter().enumerate().filter(|(_, line)| line.kind != LineKind::Same) {
            near[at.saturating_sub(context)..lines.len().min(at.saturating_add(context + 1))].fill(true);
        }
        let mut hunks = Vec::new();
        let mut hunk: Vec<DiffLine> = Vec::new();
        for (line, near) in lines.into_iter().zip(near) {
            match near {
                true => hunk.push(line.clone()),
                false if hunk.is_empty() => {}
                false => hunks.push(hunk_of(std::mem::take(&mut hunk))),
            }
        }
        hunks.extend((!hunk.is_empty()).then(|| hunk_of(hunk)));
        Self { hunks, ..*self }
    }
}

/// The difference as `diff -u` prints it; empty where the texts are the same.
pub fn unified(diff: &Diff, old_name: &str, new_name: &str) -> String {
    if diff.hunks.is_empty() {
        return String::new();
    }
    let mut out = format!("--- {old_name}\n+++ {new_name}\n");
    for hunk in &diff.hunks {
        let _ = writeln!(
            out,
            "@@ -{},{} +{},{} @@",
            hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines
        );
        for line in &hunk.lines {
            out.push(match line.kind {
                LineKind::Same => ' ',
                LineKind::Removed => '-',
                LineKind::Added => '+',
            });
            line.spans.iter().for_each(|span| out.push_str(&span.text));
            out.push('\n');
        }
    }
    out
}

/// The text with a line end after every line, so that its presence at the very end makes no difference.
fn ended(text: &str) -> Cow<'_, str> {
    if text.is_empty() || text.ends_with('\n') {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{text}\n"))
    }
}

fn kind_of(tag: ChangeTag) -> LineKind {
    match tag {
        ChangeTag::Equal => LineKind::Same,
        ChangeTag::Delete => LineKind::Removed,
        ChangeTag::Insert => LineKind::Added,
    }
}

/// Neighbouring words of one kind become one piece; the line end goes.
fn joined(words: &[(bool, &str)]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (changed, word) in words {
        let word = word.trim_end_matches('\n');
        match spans.last_mut() {
            Some(last) if last.changed == *changed => last.text.push_str(word),
            _ if word.is_empty() => {}
            _ => spans.push(Span { text: word.to_owned(), changed: *changed }),
        }
    }
    spans
}

fn hunk_of(lines: Vec<DiffLine>) -> Hunk {
    Hunk {
        old_start: lines.iter().find_map(|line| line.old_no).unwrap_or(0),
        old_lines: lines.iter().filter(|line| line.old_no.is_some()).count(),
        new_start: lines.iter().find_map(|line| line.new_no).unwrap_or(0),
        new_lines: lines.iter().filter(|line| line.new_no.is_some()).count(),
        lines,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_whose_change_cannot_be_seen_are_counted_and_the_others_are_not() {
        assert_eq!(unseen_note("set password ENC <secret:1f3a9c20>\n"), None);
        assert_eq!(
            unseen_note("set psk <secret>\n").unwrap(),
            "1 secret is encrypted anew at each look: its change cannot be seen"
        );
        assert!(unseen_note("a <secret>\nb <secret> <secret>\n").unwrap().starts_with("3 secrets "));
    }

    #[test]
    fn same_texts_have_no_hunks() {
        assert_eq!(lines("a\nb\n", "a\nb\n", CONTEXT), Diff::default());
        assert_eq!(lines("", "", CONTEXT), Diff::default());
        assert_eq!(unified(&Diff::default(), "a", "b"), "");
    }

    #[test]
    fn a_changed_word_is_told_from_the_rest_of_its_line() {
        let diff = lines("vlan 10\n name office\nend\n", "vlan 10\n name guests\nend\n", CONTEXT);
        let changed: Vec<&str> = diff.hunks[0]
            .lines
            .iter()
            .flat_map(|line| &line.spans)
            .filter(|span| span.changed)
            .map(|span| span.text.as_str())
            .collect();
        assert_eq!(changed, ["office", "guests"]);
        assert_eq!((diff.added, diff.removed), (1, 1));
    }

    #[test]
    fn far_changes_are_hunks_of_their_own_with_true_numbers() {
        let old: String = (1..=100).map(|n| format!("line {n}\n")).collect();
        let new =
            old.replace("line 10\n", "line ten\n").replace("line 90\n", "line 90\nline 90 and a half\n");
        let diff = lines(&old, &new, CONTEXT);
        let starts: Vec<_> =
            diff.hunks.iter().map(|hunk| (hunk.old_start, hunk.old_lines, hunk.new_lines)).collect();
        assert_eq!(starts, [(7, 7, 7), (88, 6, 7)]);
        let text = unified(&diff, "core-1 12", "core-1 13");
        assert!(text.starts_with("--- core-1 12\n+++ core-1 13\n@@ -7,7 +7,7 @@\n line 7\n"), "{text}");
    }

    #[test]
    fn everything_added_and_a_carriage_return_inside_a_line() {
        let diff = lines("", "a\rb\n", CONTEXT);
        assert_eq!(diff.hunks[0].lines.len(), 1);
        assert_eq!((diff.hunks[0].old_start, diff.added), (0, 1));
    }

    #[test]
    fn two_large_texts_without_anything_in_common_end_in_time() {
        let old: String = (0..100_000).map(|n| format!("a {n}\n")).collect();
        let new: String = (0..100_000).map(|n| format!("b {n}\n")).collect();
        let begun = Instant::now();
        let diff = lines(&old, &new, CONTEXT);
        assert_eq!((diff.added, diff.removed), (100_000, 100_000));
        // generous: an unoptimised build on a busy machine
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }

    proptest::proptest! {
        #[test]
        fn a_diff_with_all_context_narrows_to_the_one_with_little(
            old in proptest::collection::vec("[ab]{0,2}", 0..40),
            new in proptest::collection::vec("[ab]{0,2}", 0..40),
        ) {
            let text = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let (old, new) = (text(&old), text(&new));
            let whole = lines(&old, &new, usize::MAX / 4);
            proptest::prop_assert_eq!(whole.narrowed(CONTEXT), lines(&old, &new, CONTEXT));
        }

        #[test]
        fn a_diff_with_all_context_holds_both_texts(
            old in proptest::collection::vec("[ab ]{0,3}", 0..20),
            new in proptest::collection::vec("[ab ]{0,3}", 0..20),
        ) {
            let text = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let (old_text, new_text) = (text(&old), text(&new));
            let diff = lines(&old_text, &new_text, usize::MAX / 4);
            let side = |unwanted: LineKind| diff.hunks.iter().flat_map(|hunk| &hunk.lines)
                .filter(|line| line.kind != unwanted).map(DiffLine::text).collect::<Vec<_>>();
            if old != new {
                proptest::prop_assert_eq!(side(LineKind::Added), old);
                proptest::prop_assert_eq!(side(LineKind::Removed), new);
            }
        }
    }
}
