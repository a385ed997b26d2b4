//! The one table: windowed, sortable, filterable, markable. Of 10 000 rows only the visible ones are drawn.

mod column;
mod draw;
mod marks;
mod rows;

use std::collections::HashSet;

use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::model::filter::{self, Filter};
pub use column::{Align, Column};
pub use rows::Rows;

/// The words by which an operator chooses a row.
const MOVES: [&str; 10] = [
    "up",
    "down",
    "page-up",
    "page-down",
    "half-up",
    "half-down",
    "bottom",
    "scroll-up",
    "scroll-down",
    "mark",
];

/// A table's state.
#[derive(Debug)]
pub struct Table {
    columns: &'static [Column],
    filter: Filter,
    /// By which column, and whether turned round.
    sort: Option<(usize, bool)>,
    /// The rows that pass the filter, in order.
    visible: Vec<usize>,
    /// The ids of `visible`.
    ids: Vec<u64>,
    cursor: usize,
    offset: usize,
    marks: HashSet<u64>,
    range_from: Option<u64>,
    /// The operator has moved the cursor: it belongs to its row from then on, and to the first row before.
    moved: bool,
    /// Rows that were seen at the last drawing: a page.
    page: usize,
    area: Rect,
    /// The widest cell of each column that was drawn since the filter was set.
    widest: Vec<u16>,
    heads: Vec<(u16, u16, usize)>,
}

impl Table {
    /// An empty table, in the order in which rows come unless `sort` names a column.
    pub fn new(columns: &'static [Column], sort: Option<&str>) -> Self {
        let sort = sort.and_then(|name| columns.iter().position(|column| column.name == name));
        Self {
            columns,
            filter: Filter::default(),
            sort: sort.map(|column| (column, false)),
            visible: Vec::new(),
            ids: Vec::new(),
            cursor: 0,
            offset: 0,
            marks: HashSet::new(),
            range_from: None,
            moved: false,
            page: 1,
            area: Rect::ZERO,
            widest: Vec::new(),
            heads: Vec::new(),
        }
    }

    /// Takes the rows anew: filters, sorts, keeps the selection on its row.
    pub fn update(&mut self, rows: &dyn Rows) {
        let selected = self.selected_id();
        self.visible = (0..rows.len()).filter(|&row| rows.is_there(row)).collect();
        if !self.filter.is_empty() {
            let mut matcher = filter::matcher();
            self.visible.retain(|&row| {
                self.filter.matches(self.columns.len(), |column| rows.cell(row, column), &mut matcher)
            });
        }
        if let Some((column, reverse)) = self.sort {
            self.visible.sort_by(|&a, &b| {
                let order = rows.order(a, b, column);
                (if reverse { order.reverse() } else { order }).then(a.cmp(&b))
            });
        }
        self.ids = self.visible.iter().map(|&row| rows.id(row)).collect();
        if !self.marks.is_empty() {
            let there: HashSet<u64> =
                (0..rows.len()).filter(|&row| rows.is_there(row)).map(|row| rows.id(row)).collect();
            self.marks.retain(|id| there.contains(id));
        }
        let kept = selected.filter(|_| self.moved);
        let kept = kept.and_then(|id| self.ids.iter().position(|other| *other == id));
        let before = self.cursor;
        self.move_to(kept.unwrap_or(self.cursor));
        // rows that went past the cursor took the window along: the first ones come back into sight
        if self.cursor != before && self.cursor < self.page {
            self.offset = 0;
        }
    }

    /// The selected row, as a number of [`Rows`].
    pub fn selected(&self) -> Option<usize> {
        self.visible.get(self.cursor).copied()
    }

    /// The selected row's id.
    pub fn selected_id(&self) -> Option<u64> {
        self.ids.get(self.cursor).copied()
    }

    /// Selects the row of this id, where it is visible.
    pub fn select(&mut self, id: u64) {
        if let Some(at) = self.ids.iter().position(|other| *other == id) {
            self.moved = true;
            self.move_to(at);
        }
    }

    /// How many rows pass the filter.
    pub fn count(&self) -> usize {
        self.visible.len()
    }

    /// The rows that pass the filter, in order.
    pub fn visible(&self) -> &[usize] {
        &self.visible
    }

    /// The columns' names.
    pub fn names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|column| column.name).collect()
    }

    /// The filter as it was typed.
    pub fn filter(&self) -> &str {
        self.filter.text()
    }

    /// Puts a filter in force.
    pub fn set_filter(&mut self, text: &str, rows: &dyn Rows) {
        self.filter = Filter::new(text, &self.names());
        self.widest.clear();
        self.update(rows);
    }

    /// `12 of 400 · 3 marked`.
    pub fn status(&self, all: usize) -> String {
        let marked = self.marked().len();
        let mut status =
            if self.filter.is_empty() { format!("{all}") } else { format!("{} of {all}", self.count()) };
        if marked > 0 {
            status.push_str(&format!(" · {marked} marked"));
        }
        status
    }

    /// Does what moves, marks and sorts; everything else is [`Outcome::Unknown`].
    pub fn act(&mut self, words: &[&str], rows: &dyn Rows) -> Outcome {
        let page = self.page.max(1);
        let last = self.count().saturating_sub(1);
        self.moved |= MOVES.contains(&words.first().copied().unwrap_or_default());
        match words {
            ["up"] => self.move_to(self.cursor.saturating_sub(1)),
            ["down"] => self.move_to(self.cursor + 1),
            ["page-up"] => self.move_to(self.cursor.saturating_sub(page)),
            ["page-down"] => self.move_to(self.cursor + page),
            ["half-up"] => self.move_to(self.cursor.saturating_sub(page.div_ceil(2))),
            ["half-down"] => self.move_to(self.cursor + page.div_ceil(2)),
            ["top"] => {
                self.moved = false;
                self.move_to(0);
            }
            ["bottom"] => self.move_to(last),
            ["scroll-up"] => self.scroll(-3),
            ["scroll-down"] => self.scroll(3),
            ["mark"] => self.mark(),
            ["mark", "range"] => self.mark_range(),
            ["mark", "all"] => self.mark_all(),
            ["back"] if self.range_from.is_some() => self.range_from = None,
            ["back"] if !self.marks.is_empty() => self.marks.clear(),
            ["back"] if !self.filter.is_empty() => self.set_filter("", rows),
            ["sort", name] => return self.sort_by(name, rows),
            _ => return Outcome::Unknown,
        }
        Outcome::Done
    }

    fn sort_by(&mut self, name: &str, rows: &dyn Rows) -> Outcome {
        let Some(column) = self.columns.iter().position(|column| column.name == name) else {
            return Outcome::refused(format!("No column {name}: there are {}", self.names().join(", ")));
        };
        let again = self.sort == Some((column, false));
        self.sort = Some((column, again));
        self.update(rows);
        Outcome::Done
    }

    fn move_to(&mut self, to: usize) {
        self.cursor = to.min(self.count().saturating_sub(1));
    }

    fn scroll(&mut self, by: isize) {
        let most = self.count().saturating_sub(self.page);
        self.offset = self.offset.saturating_add_signed(by).min(most);
        let last = (self.offset + self.page).saturating_sub(1);
        self.move_to(self.cursor.clamp(self.offset, last.max(self.offset)));
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    const COLUMNS: &[Column] =
        &[Column::new("name", 10, 0), Column::new("site", 8, 2), Column::new("why", 10, 1).grow()];

    struct Few(Vec<(u64, &'static str)>);

    impl Rows for Few {
        fn len(&self) -> usize {
            self.0.len()
        }

        fn id(&self, row: usize) -> u64 {
            self.0[row].0
        }

        fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
            Cow::Borrowed(if column == 0 { self.0[row].1 } else { "" })
        }
    }

    fn three() -> Few {
        Few(vec![(1, "core"), (2, "edge"), (3, "access")])
    }

    fn table(rows: &Few) -> Table {
        let mut table = Table::new(COLUMNS, None);
        table.update(rows);
        table
    }

    #[test]
    fn the_selection_stays_on_its_row_when_rows_move() {
        let mut rows = three();
        let mut table = table(&rows);
        table.act(&["down"], &rows);
        assert_eq!(table.selected_id(), Some(2));
        rows.0.insert(0, (9, "new"));
        table.update(&rows);
        assert_eq!(table.selected_id(), Some(2));
        table.act(&["sort", "name"], &rows);
        assert_eq!((table.selected_id(), table.selected()), (Some(2), Some(2)));
        rows.0.clear();
        table.update(&rows);
        assert_eq!(table.selected(), None);
    }

    #[test]
    fn a_cursor_that_nobody_has_moved_stays_on_the_first_row() {
        let mut rows = three();
        let mut table = table(&rows);
        rows.0.insert(0, (9, "worse"));
        table.update(&rows);
        assert_eq!(table.selected_id(), Some(9));
        table.act(&["down"], &rows);
        rows.0.insert(0, (10, "worst"));
        table.update(&rows);
        assert_eq!(table.selected_id(), Some(1));
        table.act(&["top"], &rows);
        assert_eq!(table.selected_id(), Some(10));
    }

    #[test]
    fn marks_are_kept_by_row_and_taken_back_level_by_level() {
        let rows = three();
        let mut table = table(&rows);
        table.act(&["mark"], &rows);
        table.act(&["mark", "range"], &rows);
        table.act(&["bottom"], &rows);
        assert_eq!(table.marked().len(), 3);
        assert_eq!(table.act(&["back"], &rows), Outcome::Done);
        assert_eq!(table.marked().len(), 1);
        table.set_filter("edge", &rows);
        assert_eq!(table.status(3), "1 of 3 · 1 marked");
        table.act(&["back"], &rows);
        table.act(&["back"], &rows);
        assert_eq!(table.status(3), "3");
        assert_eq!(table.act(&["back"], &rows), Outcome::Unknown);
    }

    #[test]
    fn sorting_twice_turns_round() {
        let rows = three();
        let mut table = table(&rows);
        table.act(&["sort", "name"], &rows);
        assert_eq!(table.visible(), [2, 0, 1]);
        table.act(&["sort", "name"], &rows);
        assert_eq!(table.visible(), [1, 0, 2]);
        assert!(matches!(table.act(&["sort", "nothing"], &rows), Outcome::Refused(_)));
    }
}
