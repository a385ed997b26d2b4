//! Drafts: what is being written is handed over when the terminal goes away, and taken up again after a question.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::command_line::CommandLine;
use super::dialog::Dialog;
use super::screen::{Overlay, Screen, Slot};
use super::term::{Code, Key};
use super::text;
use super::theme::{Theme, Token};
use super::widgets::frame;
use crate::commands;
use crate::engine::drafts::{Draft, DraftFilter, DraftReason, DraftText};

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
        let reason = match &self.overlay {
            Overlay::Confirm(dialog) => {
                dialog.reason().filter(|(_, text)| !text.is_empty()).map(|(question, text)| DraftReason {
                    line: dialog.line.clone(),
                    question: question.to_owned(),
                    text: text.to_owned(),
                })
            }
            _ => None,
        };
        // those in front last: they are in front again when all are opened in this order
        let slots = || self.parked.values().flatten().chain(&self.stack);
        let texts: Vec<DraftText> = slots().filter_map(|slot| slot.pane.draft()).collect();
        let filter = |slot: &Slot| {
            let filter = slot.pane.filter().filter(|filter| !filter.is_empty())?.to_owned();
            // a session with a device is not opened because its pane was searched
            slot.terminal.is_none().then(|| DraftFilter { opens: slot.line.clone(), filter })
        };
        Draft { line, texts, reason, filters: slots().filter_map(filter).collect() }
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
        for DraftFilter { opens, filter } in draft.filters {
            self.act(&opens, false);
            if self.stack.last().is_some_and(|slot| slot.line == opens) {
                self.set_filter(&filter);
            }
        }
        for DraftText { opens, base, text } in draft.texts {
            self.act(&opens, false);
            if let Some(slot) = self.stack.last_mut() {
                slot.pane.take_up(&base, &text);
            }
        }
        if let Some(DraftReason { line, question, text }) = draft.reason {
            self.ask_reason(&line, Dialog::reason_begun(&line, question, &text));
        }
        if !draft.line.is_empty() {
            self.overlay = Overlay::Command(CommandLine::begun(&draft.line));
        }
    }
}

/// The line of an act without the flag that waits for its reason.
fn act_of(line: &str) -> &str {
    line.rsplit_once(" --").map_or(line, |(act, _)| act)
}

/// Draws the question over the middle of `area`.
pub fn draw(draft: &Draft, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let mut what: Vec<String> = draft.texts.iter().map(|one| one.opens.clone()).collect();
    what.extend(
        draft.reason.iter().map(|one| format!("the reason {:?} for {}", one.text, act_of(&one.line))),
    );
    what.extend(draft.filters.iter().map(|one| format!("the filter {:?} of {}", one.filter, one.opens)));
    if !draft.line.is_empty() {
        what.push(format!("the line :{}", draft.line));
    }
    let question = format!("Your terminal went away in the middle of this: {}.", what.join(", "));
    let mut lines = text::wrap(&question, 56);
    lines.truncate(6);
    lines.extend([String::new(), "Enter takes it up, Esc forgets it".to_owned()]);
    let rows = u16::try_from(lines.len()).unwrap_or(8) + 4;
    let Some(inner) = frame(area, buf, theme, "A draft was kept", 64, rows) else { return };
    for (line, y) in lines.iter().zip(inner.y + 1..inner.bottom()) {
        text::put(buf, inner.x, y, inner.width, line, theme.style(Token::Dialog));
    }
}
