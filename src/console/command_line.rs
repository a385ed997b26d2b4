//! The `:` line: history, and completion of panes, commands and names.

use super::cx::Cx;
use super::pane;
use super::term::{Code, Key};
use super::theme::Theme;
use super::widgets::LineInput;
use crate::commands::complete::{self, Names};
use crate::commands::{self, Command, Kind};

/// Most lines remembered.
const MOST_REMEMBERED: usize = 200;

/// Most words offered for one place.
const MOST_OFFERED: usize = 50;

/// The words of the console itself that are worth typing.
const WORDS: [&str; 6] = ["filter", "sort", "theme", "mouse", "freeze", "quit"];

/// The line being typed.
#[derive(Clone, Debug, Default)]
pub struct CommandLine {
    /// The line.
    pub input: LineInput,
    recalled: Option<usize>,
    completing: Option<(Vec<String>, usize)>,
}

/// What a key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entered {
    /// It is still being typed.
    Open,
    /// It was given up.
    Closed,
    /// It shall run.
    Line(String),
}

/// The lines of this session, newest last.
#[derive(Clone, Debug, Default)]
pub struct History(Vec<String>);

impl History {
    /// Remembers a line, once.
    pub fn add(&mut self, line: &str) {
        self.0.retain(|known| known != line);
        self.0.push(line.to_owned());
        if self.0.len() > MOST_REMEMBERED {
            self.0.remove(0);
        }
    }
}

impl CommandLine {
    /// A line that is begun, to be gone on with.
    pub fn begun(line: &str) -> Self {
        Self { input: LineInput::new(line), ..Self::default() }
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key, history: &History, cx: &Cx) -> Entered {
        match key.code {
            Code::Esc => return Entered::Closed,
            Code::Char('c') if key.ctrl => return Entered::Closed,
            Code::Backspace if self.input.text().is_empty() => return Entered::Closed,
            Code::Enter => {
                let line = self.input.text().trim().to_owned();
                return if line.is_empty() { Entered::Closed } else { Entered::Line(line) };
            }
            Code::Up => self.recall(-1, history),
            Code::Down => self.recall(1, history),
            Code::Tab => self.complete(1, cx),
            Code::BackTab => self.complete(-1, cx),
            Code::Right if self.input.at_end() => self.complete(1, cx),
            _ => {
                self.input.key(key);
            }
        }
        if !matches!(key.code, Code::Tab | Code::BackTab) {
            self.completing = None;
        }
        Entered::Open
    }

    fn recall(&mut self, by: isize, history: &History) {
        let count = history.0.len();
        let at = self.recalled.unwrap_or(count).saturating_add_signed(by).min(count);
        self.recalled = Some(at);
        self.input = LineInput::new(history.0.get(at).map_or("", String::as_str));
    }

    fn complete(&mut self, by: isize, cx: &Cx) {
        let (lines, at) = match self.completing.take() {
            Some((lines, at)) => {
                let at = (at + lines.len()).saturating_add_signed(by) % lines.len();
                (lines, at)
            }
            None => (completions(self.input.text(), cx), 0),
        };
        if let Some(line) = lines.get(at) {
            self.input = LineInput::new(line);
            self.completing = Some((lines, at));
        }
    }

    /// What Tab would add, to be shown dim after the cursor.
    pub fn suggestion(&self, cx: &Cx) -> Option<String> {
        let typed = self.input.text();
        if typed.is_empty() || !self.input.at_end() {
            return None;
        }
        let first = completions(typed, cx).into_iter().next()?;
        first.strip_prefix(typed).filter(|rest| !rest.is_empty()).map(str::to_owned)
    }
}

/// Whole lines that begin with what was typed: names first, then what a name takes.
fn completions(typed: &str, cx: &Cx) -> Vec<String> {
    let (head, last) = typed.rsplit_once(' ').map_or(("", typed), |(head, last)| (head, last));
    let names = pane::all().map(|decl| decl.name).chain(WORDS);
    let names = names.chain(inventory::iter::<Command>.into_iter().map(|command| command.name));
    let mut lines: Vec<String> = names.filter(|name| name.starts_with(typed)).map(str::to_owned).collect();
    lines.sort();
    lines.dedup();
    if !head.is_empty() {
        let words = taken_after(head, last, cx);
        lines.extend(words.into_iter().take(MOST_OFFERED).map(|word| format!("{head} {word}")));
    }
    lines
}

/// The command of the table that a line begins with.
pub(super) fn command_of(words: &[&str]) -> Option<&'static Command> {
    commands::find(words).map(|(command, _)| command)
}

/// The words that may stand after `head` and begin with `last`.
fn taken_after(head: &str, last: &str, cx: &Cx) -> Vec<String> {
    let words: Vec<&str> = head.split(' ').collect();
    let before = words.last().copied().unwrap_or_default();
    let begun = |words: &[&str]| {
        words.iter().filter(|word| word.starts_with(last)).map(|word| (*word).to_owned()).collect()
    };
    match words[..] {
        ["theme"] => return begun(&Theme::names()),
        ["mouse"] => return begun(&["on", "off"]),
        ["edit"] => return begun(&["driver", "device"]),
        ["edit", "driver"] => return offered(&Kind::Driver, last, cx),
        ["edit", "device"] => return offered(&Kind::Device, last, cx),
        _ => {}
    }
    let Some(command) = command_of(&words) else {
        let takes_device =
            words.len() == 1 && pane::named(words[0]).is_some_and(|decl| decl.args.starts_with("DEVICE"));
        let takes_other = before == "--with";
        return if takes_device || takes_other { offered(&Kind::Device, last, cx) } else { Vec::new() };
    };
    let offers = complete::after(command, &words, last, names(cx));
    offers.words.into_iter().map(|offer| offer.word).collect()
}

/// What a word of this kind can be.
fn offered(kind: &Kind, last: &str, cx: &Cx) -> Vec<String> {
    names(cx).of(kind, last)
}

fn names(cx: &Cx) -> Names<'_> {
    Names { rows: &cx.snapshot.devices, drivers: &[] }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::fields::blank;
    use crate::engine::snapshot::{DeviceRow, Snapshot};
    use crate::model::{DeviceId, Role, Timestamp};

    fn cx() -> Cx {
        let row = |(id, name): (u64, &str)| {
            let name = name.parse().expect("a name");
            let mut device = blank(DeviceId(id), name, "10.0.0.1".parse().expect("one"), Timestamp(0));
            device.group = "campus/north".into();
            DeviceRow::never_backed_up(Arc::new(device))
        };
        let devices = [(1, "core-1"), (2, "core-2"), (3, "edge-1")].map(row);
        let snapshot = Snapshot { devices: devices.into_iter().collect(), ..Snapshot::default() };
        Cx {
            snapshot: Arc::new(snapshot),
            now: Timestamp(0),
            theme: Theme::plain(true),
            zone: jiff::tz::TimeZone::UTC,
            rights: Role::Admin.into(),
            runs: Vec::new(),
        }
    }

    #[test]
    fn names_and_what_they_take_are_completed() {
        let cx = cx();
        assert!(completions("dev", &cx).contains(&"devices".to_owned()));
        assert_eq!(completions("diff core", &cx), ["diff core-1", "diff core-2"]);
        assert_eq!(completions("diff core-1 --with e", &cx), ["diff core-1 --with edge-1"]);
        assert!(completions("driver sa", &cx).contains(&"driver save".to_owned()));
        assert!(completions("filter core", &cx).is_empty());
        assert_eq!(completions("theme hi", &cx), ["theme high-contrast"]);
        assert_eq!(completions("edit device e", &cx), ["edit device edge-1"]);
    }

    #[test]
    fn every_kind_of_word_is_offered() {
        let cx = cx();
        assert_eq!(offered(&Kind::Group, "campus", &cx), ["campus/north"]);
        assert_eq!(offered(&Kind::Choice(&["normal", "exact"]), "n", &cx), ["normal"]);
        assert_eq!(offered(&Kind::Field, "asset", &cx), ["asset_tag="]);
        assert!(offered(&Kind::DeletedDevice, "", &cx).is_empty());
    }

    #[test]
    fn tab_goes_through_them_and_history_comes_back() {
        let (cx, mut history) = (cx(), History::default());
        history.add("backup run core-1");
        let mut line = CommandLine::default();
        let press = |line: &mut CommandLine, key: &str| line.key(key.parse().expect("a key"), &history, &cx);
        for key in ["c", "o", "n", "f", "i", "g", "space", "c", "o"] {
            press(&mut line, key);
        }
        press(&mut line, "tab");
        press(&mut line, "tab");
        assert_eq!(line.input.text(), "config core-2");
        press(&mut line, "up");
        assert_eq!(press(&mut line, "enter"), Entered::Line("backup run core-1".into()));
    }
}
