//! Which pane is shown: views beside each other, panes on top of each other.

use super::cx::Cx;
use super::dialog::Dialog;
use super::pane::{self, Decl, Stake};
use super::screen::{BACK_NOW, Overlay, Screen, Slot};
use super::widgets::{Item, LineInput, Menu};

/// The most panes on top of each other.
const DEEPEST: usize = 20;

impl Screen {
    pub(super) fn show(&mut self, decl: &'static Decl, args: &[String]) {
        if decl.tab.is_some() && args.is_empty() {
            return self.switch(decl.name);
        }
        if self.stack.len() >= DEEPEST {
            return self.complain("Too many views on top of each other: Esc goes one level up");
        }
        match make(decl, args, &self.cx) {
            Ok(slot) => self.stack.push(slot),
            Err(why) => self.complain(why),
        }
    }

    /// Shows the view of this name as it was left; its lowest pane where it is shown already.
    pub(super) fn switch(&mut self, name: &'static str) {
        let current = self.stack.first().map(|slot| slot.decl.name);
        if current == Some(name) {
            let staked =
                self.stack.iter().skip(1).find_map(|slot| Some((slot.pane.at_stake()?, slot.pane.subject())));
            match staked {
                Some((Stake::Text, name)) => {
                    self.complain(format!("What was changed in {name} is not saved: ctrl-s saves"));
                }
                Some((Stake::Session, name)) => {
                    self.complain(format!("The session with {name} goes on: esc in its pane ends it"));
                }
                None => self.stack.truncate(1),
            }
            return;
        }
        let Some(decl) = pane::named(name) else { return };
        let next = match self.parked.remove(name) {
            Some(stack) => stack,
            None => match make(decl, &[], &self.cx) {
                Ok(slot) => vec![slot],
                Err(why) => return self.complain(why),
            },
        };
        let left = std::mem::replace(&mut self.stack, next);
        if let Some(current) = current {
            self.parked.insert(current, left);
            self.last = Some(current);
        }
    }

    pub(super) fn step(&mut self, by: isize) {
        let tabs: Vec<&'static str> =
            pane::all().filter(|decl| decl.tab.is_some()).map(|decl| decl.name).collect();
        let current = self.stack.first().map_or("", |slot| slot.decl.name);
        let at = tabs.iter().position(|name| *name == current).unwrap_or(0);
        let at = (at + tabs.len()).saturating_add_signed(by) % tabs.len().max(1);
        if let Some(name) = tabs.get(at) {
            self.switch(name);
        }
    }

    pub(super) fn back(&mut self) {
        let Some(slot) = self.stack.last().filter(|_| self.stack.len() > 1) else { return };
        match question_of([slot].into_iter()) {
            Some(question) => self.overlay = Overlay::Confirm(Dialog::yes_no(BACK_NOW, question)),
            None => drop(self.stack.pop()),
        }
    }

    pub(super) fn open_filter(&mut self) {
        match self.stack.last().and_then(|slot| slot.pane.filter()) {
            Some(text) => {
                let (input, before) = (LineInput::new(text), text.to_owned());
                self.overlay = Overlay::Filter { input, before };
            }
            None => self.complain("There is nothing to filter here"),
        }
    }

    pub(super) fn set_filter(&mut self, text: &str) {
        if let Some(slot) = self.stack.last_mut() {
            slot.pane.set_filter(text, &self.cx);
        }
    }

    pub(super) fn open_sort(&mut self) {
        let columns = self.stack.last().map(|slot| slot.pane.columns()).unwrap_or_default();
        if columns.is_empty() {
            return self.complain("There is nothing to sort here");
        }
        let items = columns.iter().map(|name| Item {
            key: String::new(),
            about: format!("By {name}; again to turn it round"),
            line: format!("sort {name}"),
            disabled: None,
        });
        self.overlay = Overlay::Menu(Menu::new("Sort", items.collect()));
    }

    /// The question before texts that are not saved are lost, and sessions with devices end.
    pub(super) fn at_stake(&self) -> Option<String> {
        question_of(self.stack.iter().chain(self.parked.values().flatten()))
    }
}

/// The question before these are closed; `None` where nothing is at stake.
fn question_of<'s>(slots: impl Iterator<Item = &'s Slot>) -> Option<String> {
    let (mut texts, mut sessions) = (Vec::new(), Vec::new());
    for slot in slots {
        match slot.pane.at_stake() {
            Some(Stake::Text) => texts.push(slot.pane.subject()),
            Some(Stake::Session) => sessions.push(slot.pane.subject()),
            None => {}
        }
    }
    let texts = (!texts.is_empty())
        .then(|| format!("What was changed in {} is not saved. Give it up?", texts.join(", ")));
    let sessions =
        (!sessions.is_empty()).then(|| format!("A session with {} goes on. End it?", sessions.join(", ")));
    let questions: Vec<String> = texts.into_iter().chain(sessions).collect();
    (!questions.is_empty()).then(|| questions.join(" "))
}

fn make(decl: &'static Decl, args: &[String], cx: &Cx) -> Result<Slot, String> {
    let mut pane = (decl.make)(args, cx)?;
    pane.update(cx);
    let words = std::iter::once(decl.name).chain(args.iter().map(String::as_str));
    let line = shlex::try_join(words).unwrap_or_else(|_| decl.name.to_owned());
    Ok(Slot { decl, line, pane, asked: None, terminal: None, seen: cx.snapshot.versions })
}
