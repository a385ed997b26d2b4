//! Marked rows: one by one, a range, all that pass the filter.

use std::collections::HashSet;

use super::Table;

impl Table {
    /// The ids of the marked rows, the range that is being marked included; in no order.
    pub fn marked(&self) -> HashSet<u64> {
        let mut marked = self.marks.clone();
        marked.extend(self.range().map(|range| &self.ids[range]).into_iter().flatten());
        marked
    }

    /// Whether any row is marked.
    pub fn has_marked(&self) -> bool {
        !self.marks.is_empty() || self.range().is_some()
    }

    pub(super) fn mark(&mut self) {
        if let Some(range) = self.range() {
            self.range_from = None;
            let ids = self.ids[range].to_vec();
            self.marks.extend(ids);
        } else if let Some(id) = self.selected_id() {
            if !self.marks.remove(&id) {
                self.marks.insert(id);
            }
            self.move_to(self.cursor + 1);
        }
    }

    pub(super) fn mark_range(&mut self) {
        match self.range_from {
            Some(_) => self.mark(),
            None => self.range_from = self.selected_id(),
        }
    }

    pub(super) fn mark_all(&mut self) {
        if self.ids.iter().all(|id| self.marks.contains(id)) {
            self.marks.clear();
        } else {
            self.marks.extend(&self.ids);
        }
    }

    pub(super) fn range(&self) -> Option<std::ops::RangeInclusive<usize>> {
        let from = self.range_from?;
        let from = self.ids.iter().position(|id| *id == from)?;
        Some(from.min(self.cursor)..=from.max(self.cursor))
    }
}
