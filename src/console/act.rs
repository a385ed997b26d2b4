//! What a command line does: in a pane, in the console, or in the engine.

use std::sync::Arc;

use super::action::{LineId, Outcome, Request};
use super::command_line::{CommandLine, command_of};
use super::dialog::Dialog;
use super::pane;
use super::screen::{BACK_NOW, Overlay, QUIT_NOW, Screen};
use super::term::sequence;
use super::theme::Theme;
use crate::commands::{self, Command, Kind};
use crate::model::Danger;

impl Screen {
    /// Does what a command line says: the pane's own words first, then the console's, then panes' names; every other
    /// line is the engine's.
    pub fn act(&mut self, line: &str, typed: bool) {
        let line = match self.filled_in(line) {
            Ok(line) => line,
            Err(why) => return self.complain(why),
        };
        let (head, filter) = match line.split_once(" /") {
            Some((head, filter)) if pane::named(first_word(head)).is_some() => (head, Some(filter)),
            _ => (line.as_str(), None),
        };
        let Some(words) = shlex::split(head) else {
            return self.complain("A quote is not closed");
        };
        let borrowed: Vec<&str> = words.iter().map(String::as_str).collect();
        let outcome = match self.stack.last_mut() {
            Some(slot) if !typed || pane::named(&words[0]).is_none() => slot.pane.act(&borrowed, &self.cx),
            _ => Outcome::Unknown,
        };
        if outcome != Outcome::Unknown {
            return self.conclude(outcome, &line, typed);
        }
        if self.act_here(&borrowed) {
            return;
        }
        // `device` and `devices` are screens, `device add` is a command
        let is_command = commands::find(&words).is_some_and(|(_, rest)| words.len() - rest.len() > 1);
        if let Some(decl) = words.first().and_then(|name| pane::named(name)).filter(|_| !is_command) {
            self.show(decl, &words[1..]);
            if let Some(filter) = filter {
                self.set_filter(filter);
            }
            return;
        }
        self.ask_or_run(&line, &borrowed, typed);
    }

    pub(super) fn conclude(&mut self, outcome: Outcome, line: &str, typed: bool) {
        match outcome {
            Outcome::Done | Outcome::Unknown => {}
            Outcome::Refused(why) => self.complain(why),
            Outcome::Line(next) if next != line => self.act(&next, typed),
            Outcome::Line(_) => {}
            Outcome::Run { line, input } => self.run_with(&line, input),
            Outcome::Reason { line, question } => {
                let dialog = Dialog::reasoned(&line, question);
                self.ask_reason(&line, dialog);
            }
        }
    }

    /// Asks for a reason, where the operator's role may run the line that takes it.
    pub(super) fn ask_reason(&mut self, line: &str, dialog: Dialog) {
        match self.lacks_role(line) {
            Some(why) => self.refuse(line, why),
            None => self.overlay = Overlay::Confirm(dialog),
        }
    }

    /// The words of the console itself. Says whether this is one.
    fn act_here(&mut self, words: &[&str]) -> bool {
        match words {
            [] => {}
            ["back"] => self.back(),
            ["last"] => match self.last {
                Some(name) => self.switch(name),
                None => self.complain("There is no view before this one"),
            },
            ["next"] => self.step(1),
            ["previous"] => self.step(-1),
            ["tab", number] => {
                let wanted = number.parse().ok();
                match pane::all().find(|decl| decl.tab.is_some() && decl.tab == wanted) {
                    Some(decl) => self.switch(decl.name),
                    None => self.complain(format!("There is no view {number}")),
                }
            }
            ["filter"] => self.open_filter(),
            ["filter", words @ ..] => self.set_filter(&words.join(" ")),
            ["command"] => self.overlay = Overlay::Command(CommandLine::default()),
            ["command", words @ ..] => {
                // what would be refused in the end is not begun
                if let Some(why) = self.lacks_role(&words.join(" ")) {
                    self.complain(why);
                    return true;
                }
                self.overlay = Overlay::Command(CommandLine::begun(&format!("{} ", words.join(" "))));
            }
            ["help"] => self.overlay = Overlay::Menu(self.help()),
            ["sort"] => self.open_sort(),
            ["copy"] => self.copy(),
            ["edit"] => self.edit(),
            ["freeze"] => self.freeze(),
            ["theme", name] => self.set_theme(name),
            ["mouse", on @ ("on" | "off")] => self.mouse = *on == "on",
            ["mute"] => {
                self.alarm.muted = !self.alarm.muted;
                self.inform(match self.alarm.muted {
                    true => "The bell is silent",
                    false => "The bell rings for new incidents",
                });
            }
            ["redraw"] => self.redraw = true,
            ["suspend"] => self.requests.push(Request::Suspend),
            ["quit", "ask"] => {
                let question = self.at_stake();
                let question = question
                    .unwrap_or_else(|| "Leave the console? Work that is going on goes on.".to_owned());
                self.overlay = Overlay::Confirm(Dialog::yes_no(QUIT_NOW, question));
            }
            ["quit"] if self.stack.len() > 1 => self.complain("q quits at the top: Esc goes one level up"),
            ["quit"] => match self.at_stake() {
                Some(question) => self.overlay = Overlay::Confirm(Dialog::yes_no(QUIT_NOW, question)),
                None => self.requests.push(Request::Quit),
            },
            // movement that a pane has no use for
            ["up" | "down" | "left" | "right" | "top" | "bottom" | "open" | "scroll-up" | "scroll-down"]
            | ["page-up" | "page-down" | "half-up" | "half-down"] => {}
            ["mark", ..] => self.complain("There is nothing to mark here"),
            _ => return false,
        }
        true
    }

    /// The line with `{device}` and `{devices}` filled in.
    pub(super) fn filled_in(&self, line: &str) -> Result<String, String> {
        let pane = self.stack.last().map(|slot| &slot.pane);
        let missing = || "No device is selected".to_owned();
        let mut line = line.to_owned();
        if line.contains("{devices}") {
            let names = pane.map(|pane| pane.devices(&self.cx)).unwrap_or_default();
            if names.is_empty() {
                return Err(missing());
            }
            line = line.replace("{devices}", &names.join(" "));
        }
        if line.contains("{device}") {
            let name = pane.and_then(|pane| pane.device(&self.cx)).ok_or_else(missing)?;
            line = line.replace("{device}", &name);
        }
        Ok(line)
    }

    /// An act was confirmed.
    pub(super) fn confirmed(&mut self, line: &str) {
        match line {
            QUIT_NOW => self.requests.push(Request::Quit),
            BACK_NOW => drop(self.stack.pop()),
            _ => self.run(line, None, false),
        }
    }

    fn ask_or_run(&mut self, line: &str, words: &[&str], typed: bool) {
        let command = command_of(words);
        if let Some(why) = self.lacks_role(line) {
            return self.refuse(line, why);
        }
        let targets = command.map_or_else(Vec::new, |command| targets(command, words));
        let what = match &targets[..] {
            few @ ([] | [_] | [_, _] | [_, _, _]) => few.join(", "),
            many => format!("{}, {} and {} more", many[0], many[1], many.len() - 2),
        };
        match command.map_or(Danger::None, |command| command.danger) {
            Danger::None => self.run(line, None, typed),
            Danger::Ask => {
                let about = command.map_or("", |command| command.about);
                self.overlay = Overlay::Confirm(Dialog::yes_no(line, format!("{about}: {what}?")));
            }
            Danger::Type => {
                let about = command.map_or("", |command| command.about);
                let word = match &targets[..] {
                    [] => "yes".to_owned(),
                    [one] => (*one).to_owned(),
                    many => format!("{} devices", many.len()),
                };
                let question = format!("{about}: {what}. This cannot be taken back.");
                self.overlay = Overlay::Confirm(Dialog::typed(line, question, word));
            }
        }
    }

    fn run(&mut self, line: &str, input: Option<String>, typed: bool) {
        let id = LineId(self.next);
        self.next += 1;
        self.cx.started(id, line.to_owned(), typed);
        self.requests.push(Request::Run { id, line: line.to_owned(), input });
        self.inform(format!("Started: {line}"));
    }

    /// Runs a line of the command table with a text. The pane that holds the text has asked already.
    fn run_with(&mut self, line: &str, input: String) {
        match self.lacks_role(line) {
            Some(why) => self.refuse(line, why),
            None => self.run(line, Some(input), false),
        }
    }

    /// Tells the operator that a line is not for their role, and the journal that they asked for it.
    fn refuse(&mut self, line: &str, why: String) {
        self.requests.push(Request::Refused { line: line.to_owned() });
        self.complain(why);
    }

    /// Why the operator's role may not run a line of the command table.
    fn lacks_role(&self, line: &str) -> Option<String> {
        let words: Vec<&str> = line.split(' ').collect();
        let command = command_of(&words).filter(|command| !self.cx.rights.may(command.role))?;
        Some(format!("{} needs the role {}, and yours is {}", command.name, command.role, self.cx.rights))
    }

    pub(super) fn copy(&mut self) {
        match self.stack.last().and_then(|slot| slot.pane.copy(&self.cx)) {
            Some(text) => {
                let lines = text.lines().count();
                let cut = text.len() > sequence::MOST_COPIED;
                self.clipboard = Some(text);
                let note = if cut { ", cut at the 75 kB that terminals take" } else { "" };
                self.inform(format!("Copied {lines} {}{note}", if lines == 1 { "line" } else { "lines" }));
            }
            None => self.complain("There is nothing to copy here"),
        }
    }

    fn edit(&mut self) {
        let Some(slot) = self.stack.last() else { return };
        match slot.pane.copy(&self.cx) {
            Some(text) => {
                let subject = slot.pane.subject();
                let name = if subject.is_empty() { slot.decl.name.to_owned() } else { subject };
                self.requests.push(Request::Edit { name: format!("{name}.txt"), text });
            }
            None => self.complain("There is nothing to open in an editor here"),
        }
    }

    fn freeze(&mut self) {
        match self.frozen.take() {
            Some(newest) => {
                self.cx.snapshot = newest;
                self.inform("The picture moves again");
            }
            None => self.frozen = Some(Arc::clone(&self.cx.snapshot)),
        }
    }

    fn set_theme(&mut self, name: &str) {
        match Theme::named(name, self.cx.theme.unicode) {
            Ok(theme) => self.cx.theme = theme,
            Err(why) => self.complain(why),
        }
    }
}

fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

/// The words of a line that say what it acts on: no flags, and nothing that belongs to one.
fn targets<'a>(command: &Command, words: &[&'a str]) -> Vec<&'a str> {
    let takes_value = |word: &str| {
        let own = command.args.iter().find(|arg| arg.name == word);
        word == "--why" || own.is_some_and(|arg| arg.is_flag() && !matches!(arg.kind, Kind::Switch))
    };
    let mut words = words.iter().copied().skip(command.name.split(' ').count());
    let mut targets = Vec::new();
    while let Some(word) = words.next() {
        if takes_value(word) {
            words.next();
        } else if !word.starts_with('-') {
            targets.push(word);
        }
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_about_is_what_a_line_acts_on_and_no_value_of_a_flag() {
        for (line, is) in [
            ("role revoke bob engineer --within=group:core --revision 3", &["bob", "engineer"][..]),
            ("backup run --all --why nothing core-1", &["core-1"]),
            ("credential remove core", &["core"]),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            let command = command_of(&words).expect("a command");
            assert_eq!(targets(command, &words), is, "{line}");
        }
    }
}
