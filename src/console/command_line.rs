//! The `:` line: history, and completion of panes, commands and names.

use super::cx::Cx;
use super::pane;
use super::term::{Code, Key};
use super::widgets::LineInput;
use crate::commands;

/// Most lines remembered.
const MOST_REMEMBERED: usize = 200;

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

/// Whole lines that begin with what was typed.
fn completions(typed: &str, cx: &Cx) -> Vec<String> {
    let (head, last) = typed.rsplit_once(' ').map_or(("", typed), |(head, last)| (head, last));
    let mut lines = Vec::new();
    let names = pane::all().map(|decl| decl.name).chain(WORDS);
    let commands = inventory::iter::<commands::Command>.into_iter().map(|command| command.name);
    lines.extend(names.chain(commands).filter(|name| name.starts_with(typed)).map(str::to_owned));
    lines.sort();
    lines.dedup();
    if !head.is_empty() {
        let rows = &cx.snapshot.devices;
        let first = rows.partition_point(|row| row.device.name.as_str() < last);
        let devices = rows[first..]
            .iter()
            .take_while(|row| row.device.name.as_str().starts_with(last))
            .filter(|row| row.device.deleted.is_none())
            .map(|row| format!("{head} {}", row.device.name));
        lines.extend(devices.take(50));
    }
    lines
}
