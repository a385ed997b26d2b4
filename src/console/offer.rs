//! Drafts: what is being written is handed over when the terminal goes away, and taken up again after a question.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::command_line::CommandLine;
use super::screen::{Overlay, Screen};
use super::term::{Code, Key};
use super::text;
use super::theme::{Theme, Token};
use super::widgets::frame;
use crate::commands;
use crate::engine::drafts::{Draft, DraftText};

impl Screen {
    /// What is being written and not entered or saved, without secrets.
    pub fn draft(&self) -> Draft {
        let line = match &self.overlay {
            // not decided: it stays what it was
            Overlay::Offer(draft) => return draft.clone(),
            Overlay::Command(line) if !commands::holds_secret(line.input.text()) => {
                line.input.text().to_owned()
            }
            _ => String::new(),
        };
        let slots = self.stack.iter().chain(self.parked.values().flatten());
        let texts: Vec<DraftText> = slots.filter_map(|slot| slot.pane.draft()).collect();
        Draft { line, texts }
    }

    /// Offers what was being written when the terminal went away.
    pub fn offer(&mut self, draft: Draft) {
        if !draft.is_empty() {
            self.overlay = Overlay::Offer(draft);
        }
    }

    pub(super) fn key_to_offer(&mut self, draft: Draft, key: Key) {
        match key.code {
            Code::Enter => self.take_up(draft),
            Code::Esc => self.inform("The draft is forgotten"),
            _ => self.overlay = Overlay::Offer(draft),
        }
    }

    fn take_up(&mut self, draft: Draft) {
        for DraftText { opens, base, text } in draft.texts {
            self.act(&opens, false);
            if let Some(slot) = self.stack.last_mut() {
                slot.pane.take_up(&base, &text);
            }
        }
        if !draft.line.is_empty() {
            self.overlay = Overlay::Command(CommandLine::begun(&draft.line));
        }
    }
}

/// Draws the question over the middle of `area`.
pub fn draw(draft: &Draft, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let mut what: Vec<String> = draft.texts.iter().map(|one| one.opens.clone()).collect();
    if !draft.line.is_empty() {
        what.push(format!("the line :{}", draft.line));
    }
    let question = format!("When your terminal went away you were writing: {}.", what.join(", "));
    let mut lines = text::wrap(&question, 56);
    lines.truncate(6);
    lines.extend([String::new(), "Enter takes it up, Esc forgets it".to_owned()]);
    let rows = u16::try_from(lines.len()).unwrap_or(8) + 4;
    let Some(inner) = frame(area, buf, theme, "A draft was kept", 64, rows) else { return };
    for (line, y) in lines.iter().zip(inner.y + 1..inner.bottom()) {
        text::put(buf, inner.x, y, inner.width, line, theme.style(Token::Dialog));
    }
}
