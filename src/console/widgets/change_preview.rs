//! What a revision changed, beside whatever names the revision: for screens that have the room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{DiffView, notice};
use crate::console::cx::Cx;
use crate::console::text;
use crate::console::theme::Token;
use crate::engine::query::{Answer, ConfigText, Query, RevisionRef};
use crate::model::{DeviceId, Revision, clean_line};

/// From how many columns on there is room for it.
const ROOM_FROM: u16 = 160;

/// A revision beside the good one before it. It only shows: the diff pane is where one reads on.
#[derive(Default)]
pub struct ChangePreview {
    /// Whether the last drawing had room for it.
    pub fits: bool,
    asked: Option<Pair>,
    shown: Shown,
}

/// A revision, and the good one before it.
type Pair = (u32, Option<u32>);

#[derive(Default)]
enum Shown {
    #[default]
    Nothing,
    Failed(String),
    First(ConfigText),
    Change(Box<(ConfigText, ConfigText, DiffView)>),
}

impl ChangePreview {
    /// The part of `area` for the screen itself, and the one for the preview, if there is room for one.
    pub fn split(&mut self, area: Rect) -> (Rect, Option<Rect>) {
        self.fits = area.width >= ROOM_FROM;
        if !self.fits {
            return (area, None);
        }
        let left = area.width * 47 / 100;
        let right = Rect { x: area.x + left + 1, width: area.width - left - 1, ..area };
        (Rect { width: left, ..area }, Some(right))
    }

    /// The read that it needs to show what revision `number` changed; `revisions` come newest first.
    pub fn wants(&mut self, device: DeviceId, number: Option<u32>, revisions: &[Revision]) -> Option<Query> {
        let number = number.filter(|_| self.fits)?;
        let pair = (number, good_before(revisions, number));
        if self.asked == Some(pair) {
            return None;
        }
        self.asked = Some(pair);
        let which = |number| RevisionRef { device, number: Some(number) };
        Some(match pair {
            (new, Some(old)) => Query::Pair(which(old), which(new)),
            (only, None) => Query::Config(which(only)),
        })
    }

    /// Its read was made void by another one: it has to ask again.
    pub fn forget(&mut self) {
        self.asked = None;
    }

    /// Takes the answer to [`Self::wants`].
    pub fn answer(&mut self, answer: Answer) {
        self.shown = match answer {
            Answer::Pair(old, new) => {
                let view = DiffView::new(&old, &new, false);
                Shown::Change(Box::new((old, new, view)))
            }
            Answer::Config(text) => Shown::First(text),
            Answer::Failed(why) => Shown::Failed(clean_line(&why).into_owned()),
            _ => return,
        };
    }

    /// Draws what revision `number` changed, with a rule to its left; where there is no revision, `why` there is none.
    pub fn draw(&self, number: Option<u32>, why: &str, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let rule = cx.theme.glyph("│", "|");
        for y in area.top()..area.bottom() {
            text::put(buf, area.x.saturating_sub(1), y, 1, rule, cx.theme.style(Token::Dim));
        }
        let area = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
        match &self.shown {
            _ if number.is_none() => notice(area, buf, &cx.theme, why),
            Shown::Failed(why) => notice(area, buf, &cx.theme, why),
            Shown::First(text) if is(text, number) => draw_first(text, area, buf, cx),
            Shown::Change(change) if is(&change.1, number) => draw_change(change, area, buf, cx),
            _ => notice(area, buf, &cx.theme, "Reading what changed …"),
        }
    }
}

fn is(text: &ConfigText, number: Option<u32>) -> bool {
    Some(text.revision.number) == number
}

/// The newest good revision that is older than `number`; `revisions` come newest first.
fn good_before(revisions: &[Revision], number: u32) -> Option<u32> {
    let good = revisions.iter().filter(|revision| revision.state.is_good());
    good.map(|revision| revision.number).find(|before| *before < number)
}

fn draw_first(text: &ConfigText, area: Rect, buf: &mut Buffer, cx: &Cx) {
    let head = format!("#{}, the first: {} lines", text.revision.number, text.text.lines().count());
    text::put(buf, area.x, area.y, area.width, &head, cx.theme.style(Token::Section));
    for (line, y) in text.text.lines().zip(area.y + 1..area.bottom()) {
        text::put(buf, area.x, y, area.width, &clean_line(line), cx.theme.style(Token::Text));
    }
}

fn draw_change(change: &(ConfigText, ConfigText, DiffView), area: Rect, buf: &mut Buffer, cx: &Cx) {
    let (old, new, view) = change;
    let (rows, from, to) = (&view.rows, old.revision.number, new.revision.number);
    let head = match rows.rows.is_empty() {
        true => format!("#{from} and #{to} read the same: only noise differs"),
        false => format!("#{from} to #{to}: +{} -{}, {} places", rows.added, rows.removed, rows.hunks.len()),
    };
    text::put(buf, area.x, area.y, area.width, &head, cx.theme.style(Token::Section));
    let first = rows.hunks.first().map_or(0, |row| row.saturating_sub(4));
    for (row, y) in (first..rows.rows.len()).zip(area.y + 1..area.bottom()) {
        view.draw_row(row, Rect { y, height: 1, ..area }, 0, buf, cx, Style::new());
    }
}
