//! What stands around a pane: the title row above, the hint row below, and what lies over it.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::offer;
use super::pane;
use super::screen::{Overlay, Screen, Slot};
use super::text;
use super::theme::{Token, state};
use super::wall::head;
use super::widgets::notice;
use crate::engine::snapshot::BackupState;
use crate::model::clean_line;

/// From what age on the picture may be wrong: the engine shows a new one every minute.
const STALE: Duration = Duration::from_secs(180);
/// The most actions in the hint row.
const MOST_HINTS: usize = 6;
/// The actions of the pane's own among them.
const OWN_HINTS: usize = 4;

/// The letters of a view's name where there is no room for more.
const SHORTEST: usize = 3;
/// Pieces of this rank and above give way to the views' names.
const SPARE: u8 = 4;

/// A piece at the right of the title row.
struct Part {
    text: String,
    token: Token,
    /// Which goes first where there is no room: the highest.
    dropped: u8,
}

/// A pane's title, and what it is about.
pub(super) fn crumb(slot: &Slot) -> String {
    let subject = slot.pane.subject();
    if subject.is_empty() { slot.decl.title.to_owned() } else { format!("{} {subject}", slot.decl.title) }
}

impl Screen {
    /// Draws the whole screen and returns where the cursor blinks.
    pub fn draw(&mut self, buf: &mut Buffer) -> Option<(u16, u16)> {
        let area = buf.area;
        let plain = self.cx.theme.style(Token::Text);
        for cell in &mut buf.content {
            cell.set_style(plain);
        }
        if area.width < 40 || area.height < 8 {
            self.draw_too_small(area, buf);
            return None;
        }
        self.draw_title(Rect { height: 1, ..area }, buf);
        let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
        let mut cursor = None;
        if let Some(slot) = self.stack.last_mut() {
            slot.pane.draw(body, buf, &self.cx);
            cursor = slot.pane.cursor();
        }
        let bottom = Rect { y: area.bottom() - 1, height: 1, ..area };
        match &mut self.overlay {
            Overlay::None => self.draw_bottom(bottom, buf),
            Overlay::Menu(menu) => {
                cursor = menu.draw(body, buf, &self.cx.theme);
                self.draw_bottom(bottom, buf);
            }
            Overlay::Confirm(dialog) => cursor = dialog.draw(body, buf, &self.cx.theme),
            Overlay::Offer(draft) => offer::draw(draft, body, buf, &self.cx.theme),
            Overlay::Command(line) => {
                let style = self.cx.theme.style(Token::Text);
                let at = line.input.draw(buf, (bottom.x, bottom.y), bottom.width, ":", style);
                if let Some(rest) = line.suggestion(&self.cx) {
                    let left = bottom.right() - at.0;
                    text::put(buf, at.0, at.1, left, &rest, self.cx.theme.style(Token::Dim));
                }
                cursor = Some(at);
            }
            Overlay::Filter { input, .. } => {
                let style = self.cx.theme.style(Token::Text);
                let at = input.draw(buf, (bottom.x, bottom.y), bottom.width, "/", style);
                // the language, while there is nothing but a column's name to learn it from
                let columns = self.stack.last().map(|slot| slot.pane.columns()).unwrap_or_default();
                if let Some(column) = columns.first().filter(|_| input.text().is_empty()) {
                    let words = format!("  word  !not  ~fuzzy  {column}:word");
                    let room = bottom.right().saturating_sub(at.0);
                    text::put(buf, at.0, at.1, room, &words, self.cx.theme.style(Token::Dim));
                }
                cursor = Some(at);
            }
        }
        cursor
    }

    /// On a screen without room. Who is watched is told so all the same.
    fn draw_too_small(&self, area: Rect, buf: &mut Buffer) {
        let mut rest = area;
        if let Some(watched) = self.watched() {
            let lines = text::wrap(&watched, usize::from(area.width));
            for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
                text::put(buf, area.x, y, area.width, line, self.cx.theme.style(Token::Warn));
            }
            let rows = u16::try_from(lines.len()).unwrap_or(area.height).min(area.height);
            rest = Rect { y: area.y + rows, height: area.height - rows, ..area };
        }
        notice(rest, buf, &self.cx.theme, "noctule needs 40×8 or more");
    }

    fn draw_title(&mut self, area: Rect, buf: &mut Buffer) {
        let style = self.cx.theme.style(Token::Title);
        buf.set_style(area, style);
        if self.wall {
            return self.draw_wall_title(area, buf, style);
        }
        let columns = usize::from(area.width);
        let crumb = self.stack.last().map_or(0, |slot| text::width(&crumb(slot)));
        let mut parts = self.totals();
        // the view itself comes first, then what the pane says, then the network
        let wide = |parts: &[Part]| parts.iter().map(|part| text::width(&part.text) + 2).sum::<usize>();
        let needed: usize =
            parts.iter().filter(|part| part.dropped < SPARE).map(|part| text::width(&part.text) + 2).sum();
        let tabs = self.tabs_wide(SHORTEST);
        let left = match self.stack.len() == 1 && tabs + needed <= columns {
            true => tabs,
            false => crumb.min(columns / 2) + 2,
        };
        while left + wide(&parts) > columns {
            let least = parts.iter().enumerate().max_by_key(|(_, part)| part.dropped);
            let Some((at, _)) = least else { break };
            parts.remove(at);
        }
        let mut right = area.right().saturating_sub(1);
        for part in parts.iter().rev() {
            let wide = u16::try_from(text::width(&part.text)).unwrap_or(0);
            right = right.saturating_sub(wide);
            let style = style.patch(self.cx.theme.style(part.token));
            text::put(buf, right, area.y, wide, &part.text, style);
            right = right.saturating_sub(2);
        }
        let room = right.saturating_sub(area.x + 1);
        self.tabs.clear();
        if self.stack.len() == 1 && self.draw_tabs(Rect { x: area.x + 1, width: room, ..area }, buf) {
            return;
        }
        let left = self.crumbs(usize::from(room));
        text::put(buf, area.x + 1, area.y, room, &left, style.bold());
    }

    /// On a wall: the moment that the picture is of. The clock would look alive when nothing else is.
    fn draw_wall_title(&self, area: Rect, buf: &mut Buffer, style: Style) {
        text::put(buf, area.x + 1, area.y, area.width - 1, "noctule", style.bold());
        let mut at = format!("as of {}", self.cx.clock(head::as_of(&self.cx)));
        if let Some(watched) = self.watched() {
            at = format!("{watched}  {at}");
        }
        text::put_right(buf, area.x, area.y, area.width - 1, &at, style);
    }

    /// The views with their number keys, where there is room for all of them. Says whether there is.
    fn draw_tabs(&mut self, area: Rect, buf: &mut Buffer) -> bool {
        let room = usize::from(area.width) + 2;
        let Some(most) = [usize::MAX, 4, SHORTEST].into_iter().find(|most| self.tabs_wide(*most) <= room)
        else {
            return false;
        };
        let current = self.scope();
        let tabs: Vec<_> = pane::all().filter_map(|decl| Some((decl.tab?, decl))).collect();
        let title = self.cx.theme.style(Token::Title);
        let mut x = area.x;
        for (number, decl) in tabs {
            let (key, name) = if decl.name == current {
                (title.patch(self.cx.theme.style(Token::Key)), title.bold())
            } else {
                let dim = title.patch(self.cx.theme.style(Token::Dim));
                (dim, dim)
            };
            let from = x;
            x = text::put(buf, x, area.y, area.right().saturating_sub(x), &format!("{number} "), key);
            let shown: String = match decl.name == current {
                true => decl.title.to_owned(),
                false => decl.title.chars().take(most).collect(),
            };
            x = text::put(buf, x, area.y, area.right().saturating_sub(x), &shown, name);
            self.tabs.push((from, x, decl.name));
            x += 2;
        }
        true
    }

    /// The columns of the views' names where those that are not open are cut to `most` letters.
    fn tabs_wide(&self, most: usize) -> usize {
        let current = self.scope();
        let letters = |decl: &pane::Decl| match text::width(decl.title) {
            wide if decl.name == current => wide,
            wide => wide.min(most),
        };
        pane::all().filter(|decl| decl.tab.is_some()).map(|decl| letters(decl) + 4).sum()
    }

    /// The panes from the lowest to the one on top; where there is no room, the lower ones go.
    fn crumbs(&self, columns: usize) -> String {
        let separator = self.cx.theme.glyph(" › ", " > ");
        let crumbs: Vec<String> = self.stack.iter().map(crumb).collect();
        for first in 0..crumbs.len() {
            let more = if first > 0 { self.cx.theme.glyph("…", "..") } else { "" };
            let shown = crumbs[first..].join(separator);
            let line = if first > 0 { format!("{more}{separator}{shown}") } else { shown };
            if text::width(&line) <= columns {
                return line;
            }
        }
        crumbs.into_iter().next_back().unwrap_or_default()
    }

    /// What the title row says at the right: the pane's own count, the network's health, the age of a picture that is
    /// not fresh.
    fn totals(&self) -> Vec<Part> {
        let totals = self.cx.snapshot.totals;
        let mut parts = Vec::new();
        let mut add = |text: String, token, dropped| parts.push(Part { text, token, dropped });
        if let Some(watched) = self.watched() {
            add(watched, Token::Warn, 0);
        }
        if let Some(slot) = self.stack.last() {
            if let Some(filter) = slot.pane.filter().filter(|filter| !filter.is_empty()) {
                add(format!("/{}", text::fit(filter, 24)), Token::Marked, 1);
            }
            add(slot.pane.status(&self.cx), Token::Title, 0);
        }
        let unknown = self
            .cx
            .snapshot
            .incidents
            .iter()
            .filter(|one| one.is_open() && !one.is_acknowledged(self.cx.now));
        match unknown.count() {
            0 => {}
            1 => add("1 incident".to_owned(), Token::Bad, 2),
            count => add(format!("{count} incidents"), Token::Bad, 2),
        }
        for (count, of, dropped) in [
            (totals.failed, BackupState::Failed, 3),
            (totals.suspect, BackupState::Suspect, 4),
            (totals.late, BackupState::Late, 5),
            (totals.never, BackupState::Never, 6),
            (totals.running, BackupState::Running, 7),
            (totals.good, BackupState::Good, 8),
        ] {
            if count > 0 {
                add(format!("{}{count}", self.cx.theme.state_glyph(of)), state(of).1, dropped);
            }
        }
        let at = self.cx.snapshot.at;
        match self.frozen {
            Some(_) => add(format!("frozen {}", self.cx.clock(at)), Token::Marked, 0),
            None if self.says_it_is_old() => add(format!("{} old", self.cx.age(Some(at))), Token::Warn, 0),
            None => {}
        }
        parts.retain(|part| !part.text.is_empty());
        parts
    }

    /// Whether the title row says how old the picture is.
    pub(super) fn says_it_is_old(&self) -> bool {
        self.cx.snapshot.at.age(self.cx.now) >= STALE
    }

    /// Who looks over the operator's shoulder, in words.
    fn watched(&self) -> Option<String> {
        let first = self.watched_by.first()?;
        let others = match self.watched_by.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        Some(format!("watched by {}{others}", text::fit(&clean_line(first), 20)))
    }

    fn draw_bottom(&self, area: Rect, buf: &mut Buffer) {
        if let Some(flash) = &self.flash {
            let token = if flash.bad { Token::Bad } else { Token::Good };
            let glyph = match flash.bad {
                true => self.cx.theme.glyph("✖ ", "x "),
                false => self.cx.theme.glyph("● ", "+ "),
            };
            let style = self.cx.theme.style(token);
            text::put(buf, area.x + 1, area.y, area.width - 1, &format!("{glyph}{}", flash.text), style);
            return;
        }
        let mut x = area.x + 1;
        if !self.chord.is_empty() && !self.wall {
            let keys: Vec<String> = self.chord.iter().map(ToString::to_string).collect();
            text::put(
                buf,
                x,
                area.y,
                area.width,
                &format!("{} …", keys.join(" ")),
                self.cx.theme.style(Token::Key),
            );
            return;
        }
        let scope = self.scope();
        let typing = self.stack.last().is_some_and(|slot| slot.pane.takes_text());
        let own = self.stack.last().map_or(0, |slot| slot.decl.keys.iter().filter(|key| key.hint).count());
        let mut hints: Vec<_> = self
            .keymap
            .bindings(scope)
            .filter(|bound| bound.hint && self.does(&bound.line) && !(typing && bound.is_typed()))
            .filter(|bound| self.disabled(&bound.line).is_none())
            .collect();
        let spare = hints.len().saturating_sub(MOST_HINTS).min(own.saturating_sub(OWN_HINTS));
        hints.drain(own.saturating_sub(spare).min(hints.len())..own.min(hints.len()));
        for bound in hints.iter().take(MOST_HINTS) {
            let room = area.right().saturating_sub(x);
            let keys = bound.keys();
            // what stands after a semicolon is for the help
            let about = bound.about.split(';').next().unwrap_or_default();
            if usize::from(room) < text::width(&keys) + text::width(about) + 2 {
                break;
            }
            x = text::put(buf, x, area.y, room, &keys, self.cx.theme.style(Token::Key)) + 1;
            x = text::put(buf, x, area.y, area.right() - x, about, self.cx.theme.style(Token::Dim)) + 3;
        }
    }
}
