//! A diff as it is drawn: line numbers, signs, the words that differ, and the section in which a fold ends.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::diff_rows::{DiffRows, Row};
use crate::console::cx::Cx;
use crate::console::text;
use crate::console::theme::{self, Token};
use crate::device::sections::{Section, sections};
use crate::engine::diff::{DiffLine, LineKind};
use crate::engine::query::ConfigText;
use crate::model::clean_line;

/// The difference of two configurations, ready to be drawn row by row.
#[derive(Default)]
pub struct DiffView {
    /// Its rows.
    pub rows: DiffRows,
    sections: Vec<Section>,
    new_lines: Vec<String>,
}

/// What the lines of one row have in common.
struct Look<'a> {
    cx: &'a Cx,
    base: Style,
    /// Columns of the text that are scrolled away.
    left: usize,
    number_width: u16,
}

impl DiffView {
    /// The difference of two configurations, beside each other or below each other.
    pub fn new(old: &ConfigText, new: &ConfigText, beside: bool) -> Self {
        Self {
            rows: DiffRows::new(&old.text, &new.text, beside),
            sections: sections(&new.text, &new.sections()),
            new_lines: new.text.lines().map(|line| clean_line(line).into_owned()).collect(),
        }
    }

    /// Draws one row of [`DiffRows::rows`] on a line of the screen that has the look `base` already; `left` columns of
    /// its text are scrolled away.
    pub fn draw_row(&self, row: usize, area: Rect, left: usize, buf: &mut Buffer, cx: &Cx, base: Style) {
        let Some(row) = self.rows.rows.get(row) else { return };
        let look = Look { cx, base, left, number_width: self.number_width() };
        match *row {
            Row::Fold(from, to) => self.draw_fold(from, to, area, buf, &look),
            Row::One(line) => {
                let line = &self.rows.lines[line];
                let numbers = [line.old_no, line.new_no];
                let numbers = if area.width < 60 { &numbers[1..] } else { &numbers[..] };
                draw_line(line, numbers, area, buf, &look);
            }
            Row::Two(old, new) => {
                let half = area.width / 2;
                let left = Rect { width: half.saturating_sub(1), ..area };
                let right = Rect { x: area.x + half, width: area.width - half, ..area };
                let bar = cx.theme.glyph("│", "|");
                text::put(buf, right.x.saturating_sub(1), area.y, 1, bar, look.style(Token::Dim));
                for (line, area, is_old) in [(old, left, true), (new, right, false)] {
                    let Some(line) = line.map(|line| &self.rows.lines[line]) else { continue };
                    let number = if is_old { line.old_no } else { line.new_no };
                    draw_line(line, &[number], area, buf, &look);
                }
            }
        }
    }

    fn draw_fold(&self, from: usize, to: usize, area: Rect, buf: &mut Buffer, look: &Look<'_>) {
        let dots = look.cx.theme.glyph("⋯", "...");
        let mut text = format!("{dots} {} lines the same {dots}", to - from);
        if let Some(section) = self.rows.section_after(to, &self.sections)
            && let Some(heading) = self.new_lines.get(section.heading)
        {
            text.push_str(&format!(" {}", heading.trim()));
        }
        let x = area.x + look.number_width + 1;
        text::put(buf, x, area.y, area.right().saturating_sub(x), &text, look.style(Token::Section));
    }

    /// The columns of a line number.
    fn number_width(&self) -> u16 {
        let most = self.rows.lines.last().map_or(0, |line| line.old_no.max(line.new_no).unwrap_or(0));
        most.max(99).ilog10() as u16 + 1
    }
}

impl Look<'_> {
    fn style(&self, token: Token) -> Style {
        theme::over(self.base, self.cx.theme.style(token))
    }
}

fn draw_line(line: &DiffLine, numbers: &[Option<usize>], area: Rect, buf: &mut Buffer, look: &Look<'_>) {
    let wide = look.number_width;
    let mut x = area.x;
    for number in numbers {
        let number = number.map_or_else(String::new, |number| number.to_string());
        let room = wide.min(area.right().saturating_sub(x));
        text::put_right(buf, x, area.y, room, &number, look.style(Token::Dim));
        x += wide + 1;
    }
    let (sign, plain, word) = match line.kind {
        LineKind::Same => (" ", Token::Text, Token::Text),
        LineKind::Added => ("+", Token::Added, Token::AddedWord),
        LineKind::Removed => ("-", Token::Removed, Token::RemovedWord),
    };
    let room = area.right().saturating_sub(x).min(2);
    let x = text::put(buf, x, area.y, room, &format!("{sign} "), look.style(plain));
    let pieces: Vec<(Cow<'_, str>, Style)> = line
        .spans
        .iter()
        .map(|span| (clean_line(&span.text), look.style(if span.changed { word } else { plain })))
        .collect();
    let pieces = pieces.iter().map(|(text, style)| (text.as_ref(), *style));
    text::put_pieces(buf, (x, area.y), area.right().saturating_sub(x), look.left, pieces);
}
