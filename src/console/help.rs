//! What can be done on a screen, and why something cannot be done now.

use super::command_line::command_of;
use super::pane;
use super::screen::Screen;
use super::widgets::{Item, Menu};

impl Screen {
    /// Everything that can be done on this screen, as the tables say it.
    pub(super) fn help(&self) -> Menu {
        let mut items: Vec<Item> = Vec::new();
        for bound in self.keymap.bindings(self.scope()) {
            match items.iter_mut().find(|item| item.line == bound.line) {
                Some(item) => item.key = format!("{} {}", item.key, bound.keys()),
                None => items.push(Item {
                    key: bound.keys(),
                    about: bound.about.clone(),
                    line: bound.line.clone(),
                    disabled: self.disabled(&bound.line),
                }),
            }
        }
        for decl in pane::all() {
            items.push(Item {
                key: format!(":{}", decl.name),
                about: decl.about.into(),
                line: match decl.needs_args() {
                    true => format!("command {}", decl.name),
                    false => decl.name.into(),
                },
                disabled: None,
            });
        }
        Menu::new("What can be done here", items)
    }

    /// Why a line cannot be run now.
    pub(super) fn disabled(&self, line: &str) -> Option<String> {
        let pane = self.stack.last().map(|slot| &slot.pane)?;
        if let Some(why) = pane.disabled(line, &self.cx) {
            return Some(why);
        }
        if let Err(why) = self.filled_in(line) {
            return Some(why);
        }
        let words: Vec<&str> = line.split(' ').collect();
        // a line that is only begun would be refused in the end
        let begun = if words.first() == Some(&"command") { &words[1..] } else { &words[..] };
        if let Some(command) = command_of(begun)
            && !self.cx.rights.may(command.role)
        {
            return Some(format!("needs the role {}", command.role));
        }
        match words[..] {
            ["filter"] if pane.filter().is_none() => Some("nothing to filter here".into()),
            ["sort"] if pane.columns().is_empty() => Some("nothing to sort here".into()),
            ["copy" | "edit"] if pane.copy(&self.cx).is_none() => Some("nothing to copy here".into()),
            ["quit"] if self.stack.len() > 1 => Some("only at the top".into()),
            ["last"] if self.last.is_none() => Some("no view before this one".into()),
            ["tab", number]
                if !pane::all().any(|decl| decl.tab.is_some() && decl.tab == number.parse().ok()) =>
            {
                Some("no such view".into())
            }
            _ => None,
        }
    }
}
