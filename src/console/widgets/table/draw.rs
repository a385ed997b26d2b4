//! The head and the rows that fit, and what a press of a button on them means.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::column::{Align, layout};
use super::{Rows, Table};
use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::text;
use crate::console::theme::{self, Theme, Token};

impl Table {
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
        // each cell's text is made once
        let seen = self.offset..(self.offset + self.page).min(self.count());
        let texts: Vec<Vec<Cow<'_, str>>> = self.visible[seen]
            .iter()
            .map(|row| (0..self.columns.len()).map(|column| rows.cell(*row, column)).collect())
            .collect();
        self.measure(&texts);
        let layout = layout(self.columns, area.width, &self.widest);
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
        for ((at, texts), y) in (self.offset..).zip(&texts).zip(area.y + 1..area.bottom()) {
            let marked =
                self.marks.contains(&self.ids[at]) || range.as_ref().is_some_and(|r| r.contains(&at));
            let base = row_style(&cx.theme, at == self.cursor, marked);
            let line = Rect { y, height: 1, ..area };
            buf.set_style(line, base);
            let glyph = if marked { cx.theme.glyph("▌", "*") } else { " " };
            text::put(buf, area.x, y, 1, glyph, base);
            for &(x, width, column) in &layout {
                let cell = &texts[column];
                let look = cx.theme.style(rows.token(self.visible[at], column));
                let style = match at == self.cursor {
                    true => Style { bg: base.bg.or(look.bg), ..theme::over(base, look) },
                    false => base.patch(look),
                };
                match self.columns[column].align {
                    Align::Left => _ = text::put(buf, area.x + x, y, width, cell, style),
                    Align::Right => text::put_right(buf, area.x + x, y, width, cell, style),
                }
            }
        }
    }

    /// Keeps the widest cell of each column among the rows that were drawn: it grows and never shrinks, so that columns
    /// stand still.
    fn measure(&mut self, texts: &[Vec<Cow<'_, str>>]) {
        self.widest.resize(self.columns.len(), 0);
        for row in texts {
            for (cell, widest) in row.iter().zip(&mut self.widest) {
                let wide = u16::try_from(text::width(cell)).unwrap_or(u16::MAX);
                *widest = wide.max(*widest);
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
