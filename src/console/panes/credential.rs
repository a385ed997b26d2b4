//! One credential: what it is for, to whom it is given in which order, and the devices that get it. Never what it holds.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::given;
use crate::console::list;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::text;
use crate::console::theme::{self, Token};
use crate::console::widgets::pager::shifted;
use crate::console::widgets::{Pager, notice, trouble};
use crate::engine::query::{Answer, Query};
use crate::engine::vault::CredentialPage;
use crate::model::{Role, clean_line};

inventory::submit! { Decl {
    name: "credential",
    aliases: &[],
    title: "Credential",
    about: "Show one credential, without its secrets, and the devices that get it",
    args: "CREDENTIAL",
    tab: None,
    reads: &[Topic::Events],
    keys: &[
        Bind::hint("enter", "open", "The device"),
        Bind::hint("A", "give", "Give it to devices"),
        Bind::hint("e", "change", "Change"),
        Bind::hint("u", "take", "Take this assignment away"),
        Bind::new("m", "move", "Look at this assignment before another one"),
        Bind::new("O", "assignments", "Who gets which credential, in order"),
        Bind::new("X", "remove", "Remove; asks for its name"),
        Bind::new("R", "again", "Read again"),
        Bind::new(">", "shift-right", "Long lines to the right"),
        Bind::new("<", "shift-left", "Long lines to the left"),
    ],
    make: |args, _cx| match args {
        [name] => Ok(Box::new(Page {
            name: name.clone(),
            page: None,
            failed: None,
            lines: Vec::new(),
            is_stale: true,
            waits: false,
            pager: Pager::default(),
        })),
        _ => Err("credential needs one credential: :credential core".into()),
    },
} }

/// The columns of the names at the left.
const NAMES: u16 = 18;

struct Page {
    name: String,
    page: Option<Arc<CredentialPage>>,
    failed: Option<String>,
    /// What is shown, made when it was read.
    lines: Vec<Line>,
    /// What was read may have changed since.
    is_stale: bool,
    /// An answer is on its way: another read would make it void.
    waits: bool,
    pager: Pager,
}

/// A line, and what keys on it act on.
struct Line {
    name: String,
    value: String,
    token: Token,
    of: Of,
}

#[derive(Clone, PartialEq, Eq)]
enum Of {
    Nothing,
    Assignment(u64),
    Device(String),
}

impl Line {
    fn new(name: impl Into<String>, value: impl Into<String>, token: Token) -> Self {
        Self { name: name.into(), value: value.into(), token, of: Of::Nothing }
    }

    fn head(text: impl Into<String>) -> Self {
        Self::new("", text, Token::Section)
    }
}

fn lines(page: &CredentialPage, cx: &Cx) -> Vec<Line> {
    let credential = &page.credential;
    let mut lines = vec![Line::head(given::title(credential))];
    lines.extend(given::facts(credential, cx).into_iter().map(|(name, value)| Line::new(name, value, Token::Text)));
    lines.push(Line::new("made", cx.full(credential.created), Token::Text));
    lines.push(Line::head("Given to, in the order in which it is looked at"));
    for one in &credential.assignments {
        let (place, devices) = (ordinal(one.place), given::count(one.devices));
        let value = format!("{place} in order, {devices}: {}", given::to_whom(one));
        let token = if one.devices == 0 { Token::Warn } else { Token::Text };
        let line = Line::new(format!("assignment {}", one.number), value, token);
        lines.push(Line { of: Of::Assignment(one.number), ..line });
    }
    if credential.assignments.is_empty() {
        lines.push(Line::new("", "nobody: A gives it to devices", Token::Warn));
    }
    lines.push(Line::head(given::get_it(page.devices.len())));
    for recipient in &page.devices {
        let by = format!("by assignment {}", recipient.assignment);
        let line = Line::new(recipient.device.as_str(), by, Token::Text);
        lines.push(Line { of: Of::Device(recipient.device.to_string()), ..line });
    }
    lines
}

/// `1st`, `12th`, `23rd`.
fn ordinal(number: usize) -> String {
    let end = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}

impl Page {
    fn selected(&self) -> &Of {
        self.lines.get(self.pager.cursor).map_or(&Of::Nothing, |line| &line.of)
    }

    /// What a word of its own keys means on the selected line.
    fn meant(&self, word: &str) -> Option<Result<String, String>> {
        let name = given::word(&self.name);
        let line = match (word, self.selected()) {
            ("open", Of::Device(device)) => format!("device {device}"),
            ("give", _) => format!("command credential assign {name}"),
            ("change", _) => format!("command credential edit {name}"),
            ("remove", _) => format!("credential remove {name}"),
            ("take", Of::Assignment(number)) => format!("credential unassign {number}"),
            ("move", Of::Assignment(number)) => format!("command credential move {number} --before"),
            ("take" | "move", _) => return Some(Err("no assignment is selected".to_owned())),
            ("open", _) => return Some(Err("no device is selected".to_owned())),
            _ => return None,
        };
        Some(if self.page.is_some() { Ok(line) } else { Err("there is no such credential".to_owned()) })
    }
}

impl Pane for Page {
    fn subject(&self) -> String {
        clean_line(&self.name).into_owned()
    }

    fn status(&self, _cx: &Cx) -> String {
        self.page.as_ref().map_or_else(String::new, |page| given::count(page.devices.len()))
    }

    fn update(&mut self, _cx: &Cx) {
        self.is_stale = true;
    }

    fn wants(&mut self, cx: &Cx) -> Option<Query> {
        let query = Query::Credential(self.name.clone());
        // what was refused is refused again, and each time that is journalled
        let is_refused = self.failed.is_some() && !cx.rights.may(query.role());
        if self.waits || is_refused || !std::mem::take(&mut self.is_stale) {
            return None;
        }
        self.waits = true;
        Some(query)
    }

    fn answer(&mut self, answer: Answer, cx: &Cx) {
        self.waits = false;
        match answer {
            Answer::Credential(page) => {
                let selected = self.selected().clone();
                self.lines = lines(&page, cx);
                let kept = self.lines.iter().position(|line| line.of == selected);
                if let Some(at) = kept.filter(|_| selected != Of::Nothing) {
                    self.pager.cursor = at;
                }
                (self.page, self.failed) = (Some(page), None);
            }
            Answer::Failed(why) => {
                (self.page, self.lines) = (None, Vec::new());
                self.failed = Some(clean_line(&why).into_owned());
            }
            _ => {}
        }
    }

    fn act(&mut self, words: &[&str], _cx: &Cx) -> Outcome {
        match (words, words.first().and_then(|word| self.meant(word))) {
            (["again"], _) => {
                (self.is_stale, self.failed) = (true, None);
                Outcome::Done
            }
            (["shift-left"], _) => self.pager.act(&["left"], 0),
            (["shift-right"], _) => self.pager.act(&["right"], 0),
            (["open"], Some(Err(_))) => Outcome::Done,
            (_, Some(Ok(line))) => Outcome::Line(line),
            (_, Some(Err(why))) => Outcome::Refused(why),
            (_, None) => self.pager.act(words, self.lines.len()),
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let Some(page) = &self.page else {
            return match &self.failed {
                Some(why) => trouble(area, buf, &cx.theme, why),
                None => notice(area, buf, &cx.theme, "Reading the credential …"),
            };
        };
        let area = list::draw_head(given::doubt(page.doubt.as_deref(), cx), area, buf, cx);
        let names = NAMES.min(area.width / 3);
        for (at, y) in self.pager.window(self.lines.len(), area).zip(area.y..) {
            let line = &self.lines[at];
            let base = if at == self.pager.cursor { cx.theme.style(Token::Selected) } else { Default::default() };
            buf.set_style(Rect { y, height: 1, ..area }, base);
            let style = |token| theme::over(base, cx.theme.style(token));
            let (x, room) = (area.x + 1, area.width.saturating_sub(1));
            if line.name.is_empty() {
                let look = if line.token == Token::Section { style(line.token).bold() } else { style(line.token) };
                text::put(buf, x, y, room, shifted(&line.value, self.pager.left), look);
                continue;
            }
            // a device's name may be longer than the column: what belongs to it stands behind it
            let wide = u16::try_from(text::width(&line.name)).unwrap_or(room).saturating_add(2).max(names);
            text::put(buf, x, y, room, &line.name, style(Token::Dim));
            let room = room.saturating_sub(wide);
            text::put(buf, x + wide.min(area.width), y, room, shifted(&line.value, self.pager.left), style(line.token));
        }
    }

    fn click(&mut self, _x: u16, y: u16, _cx: &Cx) -> Outcome {
        self.pager.click(y)
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        match self.selected() {
            Of::Device(name) => Some(name.clone()),
            _ => None,
        }
    }

    fn copy(&self, _cx: &Cx) -> Option<String> {
        let lines: Vec<String> =
            self.lines.iter().map(|line| format!("{}\t{}", line.name, line.value)).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn disabled(&self, line: &str, cx: &Cx) -> Option<String> {
        match self.meant(line)? {
            Err(why) => Some(why),
            Ok(_) if line != "open" && !cx.rights.may(Role::Admin) => Some(format!("needs the role {}", Role::Admin)),
            Ok(_) => None,
        }
    }
}
