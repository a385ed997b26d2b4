//! The one table: windowed, sortable, filterable, markable. Of 10 000 rows only the visible ones are drawn.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::text;
use crate::console::theme::{self, Theme, Token};
use crate::model::filter::{self, Filter};

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
/// Columns between two cells.
const GAP: u16 = 2;

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name, lower case: the head, `sort name`, `name:core`.
    pub name: &'static str,
    /// The columns it takes; what is over goes to those that grow.
    pub width: u16,
    /// It takes its part of what is over.
    pub grow: bool,
    /// What is dropped first where the screen is narrow: the highest. 0 is never dropped.
    pub priority: u8,
    /// Where its text stands.
    pub align: Align,
}

/// Where a cell's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

impl Column {
    /// A column of words.
    pub const fn new(name: &'static str, width: u16, priority: u8) -> Self {
        Self { name, width, grow: false, priority, align: Align::Left }
    }

    /// The same, taking what is over.
    pub const fn grow(mut self) -> Self {
        self.grow = true;
        self
    }

    /// The same, for numbers.
    pub const fn right(mut self) -> Self {
        self.align = Align::Right;
        self
    }
}

/// Where a table's rows come from.
pub trait Rows {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What stays the same when rows come, go and move: keeps the selection and the marks.
    fn id(&self, row: usize) -> u64;

    /// A cell's text, clean.
    fn cell(&self, row: usize, column: usize) -> Cow<'_, str>;

    /// A cell's look.
    fn token(&self, _row: usize, _column: usize) -> Token {
        Token::Text
    }

    /// Which row comes first in a column's order; by their texts, where nothing else is said.
    fn order(&self, a: usize, b: usize, column: usize) -> Ordering {
        self.cell(a, column).cmp(&self.cell(b, column))
    }
}

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
            heads: Vec::new(),
        }
    }

    /// Takes the rows anew: filters, sorts, keeps the selection on its row.
    pub fn update(&mut self, rows: &dyn Rows) {
        let selected = self.selected_id();
        let mut matcher = filter::matcher();
        self.visible = (0..rows.len())
            .filter(|&row| {
                self.filter.matches(self.columns.len(), |column| rows.cell(row, column), &mut matcher)
            })
            .collect();
        if let Some((column, reverse)) = self.sort {
            self.visible.sort_by(|&a, &b| {
                let order = rows.order(a, b, column);
                (if reverse { order.reverse() } else { order }).then(a.cmp(&b))
            });
        }
        self.ids = self.visible.iter().map(|&row| rows.id(row)).collect();
        if !self.marks.is_empty() {
            let there: HashSet<u64> = (0..rows.len()).map(|row| rows.id(row)).collect();
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

    /// The ids of the marked rows, the range that is being marked included; in no order.
    pub fn marked(&self) -> HashSet<u64> {
        let mut marked = self.marks.clone();
        marked.extend(self.range().map(|range| &self.ids[range]).into_iter().flatten());
        marked
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

    fn mark(&mut self) {
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

    fn mark_range(&mut self) {
        match self.range_from {
            Some(_) => self.mark(),
            None => self.range_from = self.selected_id(),
        }
    }

    fn mark_all(&mut self) {
        if self.ids.iter().all(|id| self.marks.contains(id)) {
            self.marks.clear();
        } else {
            self.marks.extend(&self.ids);
        }
    }

    fn range(&self) -> Option<std::ops::RangeInclusive<usize>> {
        let from = self.range_from?;
        let from = self.ids.iter().position(|id| *id == from)?;
        Some(from.min(self.cursor)..=from.max(self.cursor))
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

    /// A press of the left button: on a head it sorts, on a row it selects, on the selected row it opens.
    pub fn click(&mut self, x: u16, y: u16, rows: &dyn Rows) -> Outcome {
        if !self.area.contains((x, y).into()) {
            return Outcome::Unknown;
        }
        if y == self.area.y {
            let head = self.heads.iter().find(|(from, to, _)| (*from..*to).contains(&x));
            let Some(name) = head.map(|(_, _, column)| self.columns[*column].name) else {
                return Outcome::Done;
            };
            return self.sort_by(name, rows);
        }
        let at = self.offset + usize::from(y - self.area.y - 1);
        if at >= self.count() {
            return Outcome::Done;
        }
        self.moved = true;
        if at == self.cursor {
            return Outcome::Line("open".into());
        }
        self.move_to(at);
        Outcome::Done
    }

    /// Draws the head and the rows that fit; `empty` is said where there are none.
    pub fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx, rows: &dyn Rows, empty: &str) {
        let area = area.intersection(buf.area);
        self.area = area;
        self.page = usize::from(area.height.saturating_sub(1)).max(1);
        if area.is_empty() {
            return;
        }
        let most = self.count().saturating_sub(self.page);
        let least = (self.cursor + 1).saturating_sub(self.page);
        self.offset = self.offset.clamp(least, self.cursor.max(least)).min(most);
        let layout = self.layout(area.width);
        self.draw_head(area, buf, cx, &layout);
        if self.visible.is_empty() {
            let why = if self.filter.is_empty() { empty } else { "Nothing passes the filter: Esc clears it" };
            for (line, y) in
                text::wrap(why, usize::from(area.width.saturating_sub(2))).iter().zip(area.y + 2..)
            {
                if y < area.bottom() {
                    text::put(buf, area.x + 1, y, area.width, line, cx.theme.style(Token::Dim));
                }
            }
            return;
        }
        let range = self.range();
        for (at, y) in (self.offset..self.count()).zip(area.y + 1..area.bottom()) {
            let marked =
                self.marks.contains(&self.ids[at]) || range.as_ref().is_some_and(|r| r.contains(&at));
            let base = row_style(&cx.theme, at == self.cursor, marked);
            let line = Rect { y, height: 1, ..area };
            buf.set_style(line, base);
            let glyph = if marked { cx.theme.glyph("▌", "*") } else { " " };
            text::put(buf, area.x, y, 1, glyph, base);
            for &(x, width, column) in &layout {
                let cell = rows.cell(self.visible[at], column);
                let look = cx.theme.style(rows.token(self.visible[at], column));
                let style = match at == self.cursor {
                    true => Style { bg: base.bg.or(look.bg), ..theme::over(base, look) },
                    false => base.patch(look),
                };
                match self.columns[column].align {
                    Align::Left => _ = text::put(buf, area.x + x, y, width, &cell, style),
                    Align::Right => text::put_right(buf, area.x + x, y, width, &cell, style),
                }
            }
        }
    }

    fn draw_head(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx, layout: &[(u16, u16, usize)]) {
        self.heads.clear();
        let style = cx.theme.style(Token::Header);
        for &(x, width, index) in layout {
            let column = self.columns[index];
            let mut head = column.name.to_uppercase();
            if let Some((sorted, reverse)) = self.sort
                && sorted == index
            {
                let arrow = if reverse { cx.theme.glyph("↓", "v") } else { cx.theme.glyph("↑", "^") };
                head.push_str(arrow);
            }
            match column.align {
                Align::Left => _ = text::put(buf, area.x + x, area.y, width, &head, style),
                Align::Right => text::put_right(buf, area.x + x, area.y, width, &head, style),
            }
            self.heads.push((area.x + x, area.x + x + width, index));
        }
    }

    /// Where each column that fits stands: from, width, column. The first cell of a row is the mark.
    fn layout(&self, width: u16) -> Vec<(u16, u16, usize)> {
        let mut kept: Vec<usize> = (0..self.columns.len()).collect();
        let needed = |kept: &[usize]| -> u16 {
            kept.iter().map(|&column| self.columns[column].width.saturating_add(GAP)).sum::<u16>()
        };
        while needed(&kept) > width + 1 {
            let dropped = kept.iter().copied().enumerate().max_by_key(|(_, c)| self.columns[*c].priority);
            match dropped {
                Some((at, column)) if self.columns[column].priority > 0 => _ = kept.remove(at),
                _ => break,
            }
        }
        let mut over = (width + 1).saturating_sub(needed(&kept));
        let mut growing = kept.iter().filter(|&&column| self.columns[column].grow).count() as u16;
        let mut layout = Vec::with_capacity(kept.len());
        let mut x = 1;
        for column in kept {
            let mut columns = self.columns[column].width;
            if self.columns[column].grow && growing > 0 {
                let part = over / growing;
                columns += part;
                over -= part;
                growing -= 1;
            }
            let columns = columns.min(width.saturating_sub(x));
            if columns > 0 {
                layout.push((x, columns, column));
            }
            x = x.saturating_add(columns + GAP);
        }
        layout
    }
}

fn row_style(theme: &Theme, selected: bool, marked: bool) -> Style {
    let mut style = Style::new();
    if marked {
        style = style.patch(theme.style(Token::Marked));
    }
    if selected {
        style = style.patch(theme.style(Token::Selected));
    }
    style
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn columns_go_by_priority_and_grow_into_what_is_over() {
        let table = Table::new(COLUMNS, None);
        assert_eq!(table.layout(80).len(), 3);
        let names = |width| table.layout(width).iter().map(|(_, _, column)| *column).collect::<Vec<_>>();
        assert_eq!(names(30), [0, 2]);
        assert_eq!(names(12), [0]);
        let (x, width, _) = table.layout(80)[2];
        assert_eq!(x + width, 80);
        assert!(table.layout(1).is_empty());
    }
}
