//! Which pane is shown: views beside each other, panes on top of each other.

use super::cx::Cx;
use super::dialog::Dialog;
use super::pane::{self, Decl};
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
            match self.stack.iter().skip(1).find(|slot| slot.pane.unsaved()) {
                Some(slot) => {
                    let why =
                        format!("What was changed in {} is not saved: ctrl-s saves", slot.pane.subject());
                    self.complain(why);
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
        if slot.pane.unsaved() {
            let question = format!("What was changed in {} is not saved. Give it up?", slot.pane.subject());
            self.overlay = Overlay::Confirm(Dialog::yes_no(BACK_NOW, question));
        } else {
            self.stack.pop();
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

    /// The question before texts that are not saved are lost.
    pub(super) fn unsaved(&self) -> Option<String> {
        let slots = self.stack.iter().chain(self.parked.values().flatten());
        let names: Vec<String> =
            slots.filter(|slot| slot.pane.unsaved()).map(|slot| slot.pane.subject()).collect();
        (!names.is_empty())
            .then(|| format!("What was changed in {} is not saved. Give it up?", names.join(", ")))
    }
}

fn make(decl: &'static Decl, args: &[String], cx: &Cx) -> Result<Slot, String> {
    let mut pane = (decl.make)(args, cx)?;
    pane.update(cx);
    let words = std::iter::once(decl.name).chain(args.iter().map(String::as_str));
    let line = shlex::try_join(words).unwrap_or_else(|_| decl.name.to_owned());
    Ok(Slot { decl, line, pane, asked: None, terminal: None, seen: cx.snapshot.versions })
}
