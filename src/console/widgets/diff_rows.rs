//! The rows of a diff: unified or side by side, long stretches that are the same folded.

use std::collections::BTreeSet;

use crate::device::sections::Section;
use crate::engine::diff::{self, CONTEXT, Diff, DiffLine, LineKind};

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// A line, by its place in [`DiffRows::lines`].
    One(usize),
    /// The old line and the new one beside it, where there are such.
    Two(Option<usize>, Option<usize>),
    /// Lines that are the same, folded: from, up to.
    Fold(usize, usize),
}

/// A diff laid out in rows.
#[derive(Clone, Debug, Default)]
pub struct DiffRows {
    /// Every line of both texts.
    pub lines: Vec<DiffLine>,
    /// The difference with little around each change: what is copied.
    pub narrow: Diff,
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// The rows at which places that differ begin.
    pub hunks: Vec<usize>,
    /// How many lines only the new text has.
    pub added: usize,
    /// How many lines only the old text has.
    pub removed: usize,
    /// Whether old and new stand beside each other.
    pub beside: bool,
    /// The stretches that were opened, by their first line.
    open: BTreeSet<usize>,
}

impl DiffRows {
    /// The difference of two texts.
    pub fn new(old: &str, new: &str, beside: bool) -> Self {
        // all lines are wanted, so that a fold can be opened
        let diff = diff::lines(old, new, usize::MAX / 4);
        let narrow = diff.narrowed(CONTEXT);
        let lines = diff.hunks.into_iter().flat_map(|hunk| hunk.lines).collect();
        let mut rows =
            Self { lines, narrow, added: diff.added, removed: diff.removed, beside, ..Self::default() };
        rows.lay_out();
        rows
    }

    /// Puts old and new beside each other, or below each other; returns the row that shows what `row` has shown.
    pub fn set_beside(&mut self, beside: bool, row: usize) -> usize {
        let line = self.line_at(row);
        self.beside = beside;
        self.lay_out();
        self.row_of(line)
    }

    /// Opens the fold at `row`, or closes the stretch around it. Says whether there was one.
    pub fn toggle(&mut self, row: usize) -> bool {
        let line = self.line_at(row);
        match self.rows.get(row) {
            Some(Row::Fold(from, _)) => _ = self.open.insert(*from),
            _ => match self.stretches().into_iter().find(|(from, to)| (*from..*to).contains(&line)) {
                Some((from, _)) if self.open.remove(&from) => {}
                _ => return false,
            },
        }
        self.lay_out();
        true
    }

    /// Opens every fold, or closes all where none is closed.
    pub fn toggle_all(&mut self, row: usize) -> usize {
        let line = self.line_at(row);
        let stretches = self.stretches();
        if stretches.iter().all(|(from, _)| self.open.contains(from)) {
            self.open.clear();
        } else {
            self.open = stretches.into_iter().map(|(from, _)| from).collect();
        }
        self.lay_out();
        self.row_of(line)
    }

    /// The number, from 1, of the place that differs in which, or after which, `row` lies; 0 before the first.
    pub fn hunk_at(&self, row: usize) -> usize {
        self.hunks.partition_point(|hunk| *hunk <= row)
    }

    /// The row at which the next place that differs begins.
    pub fn hunk_after(&self, row: usize) -> Option<usize> {
        self.hunks.get(self.hunk_at(row)).copied()
    }

    /// The row at which the place before begins.
    pub fn hunk_before(&self, row: usize) -> Option<usize> {
        self.hunks.iter().rev().find(|hunk| **hunk < row).copied()
    }

    /// The innermost section of the new text that the first line after a fold lies in.
    pub fn section_after<'a>(&self, fold_end: usize, sections: &'a [Section]) -> Option<&'a Section> {
        let line = self.lines.get(fold_end..)?.iter().find_map(|line| line.new_no)? - 1;
        sections.iter().rev().find(|section| section.heading < line && line < section.end)
    }

    fn lay_out(&mut self) {
        let mut rows = Vec::new();
        let mut hunks = Vec::new();
        let mut at = 0;
        let mut folds = self.stretches();
        folds.retain(|(from, _)| !self.open.contains(from));
        let mut folds = folds.into_iter().peekable();
        while at < self.lines.len() {
            if let Some((from, to)) = folds.next_if(|(from, _)| *from == at) {
                rows.push(Row::Fold(from, to));
                at = to;
                continue;
            }
            if self.lines[at].kind == LineKind::Same {
                rows.push(if self.beside { Row::Two(Some(at), Some(at)) } else { Row::One(at) });
                at += 1;
                continue;
            }
            hunks.push(rows.len());
            let end = self.changed_until(at);
            if self.beside {
                let lines = &self.lines;
                let mut old = (at..end).filter(|line| lines[*line].kind == LineKind::Removed);
                let mut new = (at..end).filter(|line| lines[*line].kind == LineKind::Added);
                loop {
                    match (old.next(), new.next()) {
                        (None, None) => break,
                        (old, new) => rows.push(Row::Two(old, new)),
                    }
                }
            } else {
                rows.extend((at..end).map(Row::One));
            }
            at = end;
        }
        (self.rows, self.hunks) = (rows, hunks);
    }

    fn changed_until(&self, from: usize) -> usize {
        let same = self.lines[from..].iter().position(|line| line.kind == LineKind::Same);
        same.map_or(self.lines.len(), |count| from + count)
    }

    /// Stretches that are the same and worth folding, without the lines of context around what differs.
    fn stretches(&self) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.lines.len() {
            let end = match self.lines[at].kind {
                LineKind::Same => {
                    let same = self.lines[at..].iter().position(|line| line.kind != LineKind::Same);
                    same.map_or(self.lines.len(), |count| at + count)
                }
                _ => self.changed_until(at),
            };
            if self.lines[at].kind == LineKind::Same {
                let from = if at == 0 { 0 } else { at + CONTEXT };
                let to = if end == self.lines.len() { end } else { end.saturating_sub(CONTEXT) };
                if to > from + 1 {
                    found.push((from, to));
                }
            }
            at = end;
        }
        found
    }

    fn line_at(&self, row: usize) -> usize {
        match self.rows.get(row) {
            Some(
                Row::One(line) | Row::Fold(line, _) | Row::Two(Some(line), _) | Row::Two(None, Some(line)),
            ) => *line,
            _ => 0,
        }
    }

    fn row_of(&self, line: usize) -> usize {
        let shows = |row: &Row| match row {
            Row::One(one) => *one == line,
            Row::Two(old, new) => *old == Some(line) || *new == Some(line),
            Row::Fold(from, to) => (*from..*to).contains(&line),
        };
        self.rows.iter().position(shows).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> DiffRows {
        let old: String = (1..=60).map(|n| format!("line {n}\n")).collect();
        let new =
            old.replace("line 20\n", "line twenty\n").replace("line 40\n", "").replace("line 41\n", "x\ny\n");
        DiffRows::new(&old, &new, false)
    }

    #[test]
    fn long_stretches_fold_and_open_again() {
        let mut diff = rows();
        assert_eq!(diff.rows[0], Row::Fold(0, 16));
        assert_eq!(diff.hunks.len(), 2);
        assert!(diff.toggle(0));
        assert_eq!(diff.rows[0], Row::One(0));
        assert!(diff.toggle(5));
        assert_eq!(diff.rows[0], Row::Fold(0, 16));
        assert!(!diff.toggle(2), "context around a change does not fold");
        diff.toggle_all(0);
        assert!(diff.rows.iter().all(|row| matches!(row, Row::One(_))));
        diff.toggle_all(0);
        assert_eq!(diff.rows[0], Row::Fold(0, 16));
    }

    #[test]
    fn old_and_new_stand_beside_each_other() {
        let mut diff = rows();
        let row = diff.hunk_after(0).expect("a hunk");
        let row = diff.set_beside(true, row);
        let Row::Two(Some(old), Some(new)) = diff.rows[row] else { panic!("{:?}", diff.rows[row]) };
        assert_eq!(
            (diff.lines[old].text(), diff.lines[new].text()),
            ("line 20".into(), "line twenty".into())
        );
        assert_eq!((diff.added, diff.removed), (3, 3));
    }

    #[test]
    fn hunks_are_found_from_anywhere() {
        let diff = rows();
        let (first, second) = (diff.hunks[0], diff.hunks[1]);
        assert_eq!((diff.hunk_after(0), diff.hunk_after(first)), (Some(first), Some(second)));
        assert_eq!((diff.hunk_before(second), diff.hunk_before(first)), (Some(first), None));
        assert_eq!((diff.hunk_at(0), diff.hunk_at(second + 1), diff.hunk_after(second)), (0, 2, None));
    }

    #[test]
    fn texts_without_a_difference_have_no_rows() {
        assert!(DiffRows::new("a\n", "a\n", false).rows.is_empty());
        assert!(!DiffRows::default().toggle(3));
    }
}
