//! The state of a session: panes, what lies over them, and how a command line changes them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::action::{LineId, Outcome, Output, QueryId, Request};
use super::command_line::{CommandLine, Entered, History, command_of};
use super::cx::Cx;
use super::dialog::{Dialog, Verdict};
use super::keymap::{Keymap, Meaning};
use super::pane::{self, Decl, Pane};
use super::term::{Code, Key, Mouse, MouseKind};
use super::theme::Theme;
use super::widgets::menu::Choice;
use super::widgets::{Item, LineInput, Menu};
use crate::engine::query::Answer;
use crate::engine::snapshot::Snapshot;
use crate::model::{Danger, Timestamp, clean_line};

/// The pane that a session begins with.
const FIRST: &str = "devices";
/// The most panes on top of each other.
const DEEPEST: usize = 20;
/// What a confirmed question about leaving does. No line that can be typed.
const QUIT_NOW: &str = "\0quit";
/// The same, about leaving a pane.
const BACK_NOW: &str = "\0back";
/// How long good news stays.
const FLASH: Duration = Duration::from_secs(6);

/// The state of a session.
pub struct Screen {
    /// What panes look at.
    pub cx: Cx,
    /// What the session wants from the world.
    pub requests: Vec<Request>,
    /// Text on its way to the operator's clipboard.
    pub clipboard: Option<String>,
    /// The terminal's content shall be drawn anew.
    pub redraw: bool,
    /// Whether the mouse belongs to the console.
    pub mouse: bool,
    pub(super) keymap: Keymap,
    /// The panes of the view, the one on top last; never empty but while a view is made.
    pub(super) stack: Vec<Slot>,
    /// The views that are not shown, by the name of their lowest pane.
    parked: BTreeMap<&'static str, Vec<Slot>>,
    last: Option<&'static str>,
    pub(super) overlay: Overlay,
    /// Where the views' names stand in the title row: from, up to, which.
    pub(super) tabs: Vec<(u16, u16, &'static str)>,
    pub(super) flash: Option<Flash>,
    /// The keys of a chord that has begun.
    pub(super) chord: Vec<Key>,
    /// The newest picture, while an older one is held.
    pub(super) frozen: Option<Arc<Snapshot>>,
    history: History,
    next: u64,
}

/// A pane and where it comes from.
pub(super) struct Slot {
    pub decl: &'static Decl,
    pub pane: Box<dyn Pane>,
    asked: Option<QueryId>,
    seen: crate::engine::snapshot::Versions,
}

/// What lies over the pane and has the keys.
pub(super) enum Overlay {
    None,
    Menu(Menu),
    Command(CommandLine),
    Filter { input: LineInput, before: String },
    Confirm(Dialog),
}

/// One sentence at the bottom.
pub(super) struct Flash {
    pub text: String,
    pub bad: bool,
    until: Timestamp,
}

impl Screen {
    /// A screen with the first pane.
    pub fn new(cx: Cx, keymap: Keymap, mouse: bool) -> Self {
        let mut screen = Self {
            cx,
            requests: Vec::new(),
            clipboard: None,
            redraw: false,
            mouse,
            keymap,
            stack: Vec::new(),
            parked: BTreeMap::new(),
            last: None,
            overlay: Overlay::None,
            tabs: Vec::new(),
            flash: None,
            chord: Vec::new(),
            frozen: None,
            history: History::default(),
            next: 1,
        };
        screen.act(FIRST, false);
        screen.flash = None;
        screen
    }

    /// The name of the pane on top: the scope of its keys.
    pub(super) fn scope(&self) -> &'static str {
        self.stack.last().map_or("", |slot| slot.decl.name)
    }

    // ---- what comes in

    /// A key was pressed.
    pub fn key(&mut self, key: Key) {
        if self.flash.as_ref().is_some_and(|flash| flash.bad) {
            self.flash = None;
        }
        match std::mem::replace(&mut self.overlay, Overlay::None) {
            Overlay::None => self.key_to_pane(key),
            Overlay::Menu(menu) => self.key_to_menu(menu, key),
            Overlay::Command(line) => self.key_to_command_line(line, key),
            Overlay::Filter { input, before } => self.key_to_filter(input, before, key),
            Overlay::Confirm(dialog) => self.key_to_dialog(dialog, key),
        }
        self.after();
    }

    fn key_to_pane(&mut self, key: Key) {
        if self.chord.is_empty()
            && let Some(slot) = self.stack.last_mut()
            && let Some(outcome) = slot.pane.key(key, &self.cx)
        {
            return self.conclude(outcome, "", false);
        }
        self.chord.push(key);
        match self.keymap.meaning(self.scope(), &self.chord) {
            Meaning::Begun => return,
            Meaning::Line(line) => {
                self.chord.clear();
                self.act(&line, false);
            }
            Meaning::Nothing => {}
        }
        self.chord.clear();
    }

    fn key_to_menu(&mut self, mut menu: Menu, key: Key) {
        match menu.key(key) {
            Choice::Open => self.overlay = Overlay::Menu(menu),
            Choice::Closed => {}
            Choice::Line(line) => self.act(&line, false),
            Choice::Disabled(why) => {
                self.overlay = Overlay::Menu(menu);
                self.complain(why);
            }
        }
    }

    fn key_to_command_line(&mut self, mut line: CommandLine, key: Key) {
        match line.key(key, &self.history, &self.cx) {
            Entered::Open => self.overlay = Overlay::Command(line),
            Entered::Closed => {}
            Entered::Line(line) => {
                self.history.add(&line);
                self.act(&line, true);
            }
        }
    }

    fn key_to_filter(&mut self, mut input: LineInput, before: String, key: Key) {
        match key.code {
            Code::Enter => return,
            Code::Esc => return self.set_filter(&before),
            Code::Up | Code::Down | Code::PageUp | Code::PageDown => {
                // the list moves while the filter is typed
                self.key_to_pane(key);
            }
            _ => {
                input.key(key);
                self.set_filter(input.text());
            }
        }
        self.overlay = Overlay::Filter { input, before };
    }

    fn key_to_dialog(&mut self, mut dialog: Dialog, key: Key) {
        match dialog.key(key) {
            Verdict::Open => self.overlay = Overlay::Confirm(dialog),
            Verdict::No => self.inform("Cancelled: nothing was done"),
            Verdict::Yes => self.confirmed(&dialog.line),
        }
    }

    /// Text was pasted: it is typed, and runs nothing.
    pub fn paste(&mut self, text: &str) {
        match &mut self.overlay {
            Overlay::None => {
                if let Some(slot) = self.stack.last_mut() {
                    slot.pane.paste(text);
                }
            }
            Overlay::Menu(menu) => menu.paste(text.trim()),
            Overlay::Command(line) => line.input.insert(text.trim()),
            Overlay::Filter { input, .. } => {
                input.insert(text.trim());
                let text = input.text().to_owned();
                self.set_filter(&text);
            }
            Overlay::Confirm(_) => {}
        }
        self.after();
    }

    /// The mouse was used.
    pub fn mouse(&mut self, mouse: Mouse) {
        if !matches!(self.overlay, Overlay::None) {
            return;
        }
        match mouse.kind {
            MouseKind::WheelUp => self.act("scroll-up", false),
            MouseKind::WheelDown => self.act("scroll-down", false),
            MouseKind::Press if mouse.y == 0 => {
                let tab = self.tabs.iter().find(|(from, to, _)| (*from..*to).contains(&mouse.x));
                if let Some((.., name)) = tab {
                    self.switch(name);
                }
            }
            MouseKind::Press => {
                if let Some(slot) = self.stack.last_mut() {
                    let outcome = slot.pane.click(mouse.x, mouse.y, &self.cx);
                    if outcome != Outcome::Unknown {
                        self.conclude(outcome, "", false);
                    }
                }
            }
        }
        self.after();
    }

    /// The engine has another picture. Says whether it may look different.
    pub fn notify(&mut self, snapshot: Arc<Snapshot>) -> bool {
        if self.frozen.is_some() {
            self.frozen = Some(snapshot);
            return false;
        }
        self.cx.snapshot = snapshot;
        self.after();
        true
    }

    /// A read was answered.
    pub fn answer(&mut self, id: QueryId, answer: Answer) {
        let slots = self.stack.iter_mut().chain(self.parked.values_mut().flatten());
        for slot in slots {
            if slot.asked == Some(id) {
                slot.asked = None;
                slot.pane.answer(answer, &self.cx);
                break;
            }
        }
        self.after();
    }

    /// The operator's editor has closed, and this is what the text is now.
    pub fn edited(&mut self, text: &str) {
        if let Some(slot) = self.stack.last_mut() {
            slot.pane.edited(text);
        }
    }

    /// A command line said something.
    pub fn output(&mut self, id: LineId, output: Output) {
        let Some(run) = self.cx.said(id, output) else { return };
        let Some(code) = run.exit else { return };
        let last = run.lines.iter().rev().find(|line| !line.trim().is_empty());
        let mut sentence = last.cloned().unwrap_or_else(|| run.line.clone());
        if run.typed && run.lines.len() > 1 {
            let line = format!("output {}", id.0);
            self.act(&line, false);
        } else if run.lines.len() > 1 {
            sentence.push_str(&format!(" (o shows all {} lines)", run.lines.len()));
        }
        match code {
            0 => self.inform(sentence),
            _ => self.complain(sentence),
        }
        self.after();
    }

    /// After anything: panes see what moved, and ask for what they need.
    fn after(&mut self) {
        let Some(slot) = self.stack.last_mut() else { return };
        if slot.decl.is_moved(&slot.seen, &self.cx.snapshot.versions) {
            slot.seen = self.cx.snapshot.versions;
            slot.pane.update(&self.cx);
        }
        if let Some(query) = slot.pane.wants(&self.cx) {
            let id = QueryId(self.next);
            self.next += 1;
            slot.asked = Some(id);
            self.requests.push(Request::Query(id, query));
        }
    }

    // ---- what a command line does

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
        // `device` is a page, `device add` a command
        let is_command = command_of(&borrowed).is_some_and(|command| command.name.contains(' '));
        if let Some(decl) = words.first().and_then(|name| pane::named(name)).filter(|_| !is_command) {
            self.show(decl, &words[1..]);
            if let Some(filter) = filter {
                self.set_filter(filter);
            }
            return;
        }
        self.ask_or_run(&line, &borrowed, typed);
    }

    fn conclude(&mut self, outcome: Outcome, line: &str, typed: bool) {
        match outcome {
            Outcome::Done | Outcome::Unknown => {}
            Outcome::Refused(why) => self.complain(why),
            Outcome::Line(next) if next != line => self.act(&next, typed),
            Outcome::Line(_) => {}
            Outcome::Run { line, input } => self.run_with(&line, input),
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
                self.overlay = Overlay::Command(CommandLine::begun(&format!("{} ", words.join(" "))));
            }
            ["help"] => self.overlay = Overlay::Menu(self.help()),
            ["sort"] => self.open_sort(),
            ["copy"] => self.copy(),
            ["edit"] => self.edit(),
            ["freeze"] => self.freeze(),
            ["theme", name] => self.set_theme(name),
            ["mouse", on @ ("on" | "off")] => self.mouse = *on == "on",
            ["redraw"] => self.redraw = true,
            ["suspend"] => self.requests.push(Request::Suspend),
            ["quit", "ask"] => {
                let question = self.unsaved();
                let question = question
                    .unwrap_or_else(|| "Leave the console? Work that is going on goes on.".to_owned());
                self.overlay = Overlay::Confirm(Dialog::yes_no(QUIT_NOW, question));
            }
            ["quit"] if self.stack.len() > 1 => self.complain("q quits at the top: Esc goes one level up"),
            ["quit"] => match self.unsaved() {
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
    fn filled_in(&self, line: &str) -> Result<String, String> {
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
    fn confirmed(&mut self, line: &str) {
        match line {
            QUIT_NOW => self.requests.push(Request::Quit),
            BACK_NOW => drop(self.stack.pop()),
            _ => self.run(line, None, false),
        }
    }

    /// The question before texts that are not saved are lost.
    fn unsaved(&self) -> Option<String> {
        let slots = self.stack.iter().chain(self.parked.values().flatten());
        let names: Vec<String> =
            slots.filter(|slot| slot.pane.unsaved()).map(|slot| slot.pane.subject()).collect();
        (!names.is_empty())
            .then(|| format!("What was changed in {} is not saved. Give it up?", names.join(", ")))
    }

    fn ask_or_run(&mut self, line: &str, words: &[&str], typed: bool) {
        let command = command_of(words);
        if let Some(command) = command
            && command.role > self.cx.role
        {
            return self.complain(format!("{} needs the role {:?}", command.name, command.role));
        }
        let targets: Vec<&str> = command.map_or_else(Vec::new, |command| {
            let skip = command.name.split(' ').count();
            words.iter().skip(skip).copied().filter(|word| !word.starts_with('-')).collect()
        });
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
        let words: Vec<&str> = line.split(' ').collect();
        match command_of(&words).filter(|command| command.role > self.cx.role) {
            Some(command) => self.complain(format!("{} needs the role {}", command.name, command.role)),
            None => self.run(line, Some(input), false),
        }
    }

    // ---- views

    fn show(&mut self, decl: &'static Decl, args: &[String]) {
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
    fn switch(&mut self, name: &'static str) {
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

    fn step(&mut self, by: isize) {
        let tabs: Vec<&'static str> =
            pane::all().filter(|decl| decl.tab.is_some()).map(|decl| decl.name).collect();
        let current = self.stack.first().map_or("", |slot| slot.decl.name);
        let at = tabs.iter().position(|name| *name == current).unwrap_or(0);
        let at = (at + tabs.len()).saturating_add_signed(by) % tabs.len().max(1);
        if let Some(name) = tabs.get(at) {
            self.switch(name);
        }
    }

    fn back(&mut self) {
        let Some(slot) = self.stack.last().filter(|_| self.stack.len() > 1) else { return };
        if slot.pane.unsaved() {
            let question = format!("What was changed in {} is not saved. Give it up?", slot.pane.subject());
            self.overlay = Overlay::Confirm(Dialog::yes_no(BACK_NOW, question));
        } else {
            self.stack.pop();
        }
    }

    fn open_filter(&mut self) {
        match self.stack.last().and_then(|slot| slot.pane.filter()) {
            Some(text) => {
                let (input, before) = (LineInput::new(text), text.to_owned());
                self.overlay = Overlay::Filter { input, before };
            }
            None => self.complain("There is nothing to filter here"),
        }
    }

    fn set_filter(&mut self, text: &str) {
        if let Some(slot) = self.stack.last_mut() {
            slot.pane.set_filter(text, &self.cx);
        }
    }

    fn open_sort(&mut self) {
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

    /// Everything that can be done on this screen, as the tables say it.
    fn help(&self) -> Menu {
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
        if let Some(command) = command_of(&words)
            && command.role > self.cx.role
        {
            return Some(format!("needs the role {:?}", command.role));
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

    fn copy(&mut self) {
        match self.stack.last().and_then(|slot| slot.pane.copy(&self.cx)) {
            Some(text) => {
                let lines = text.lines().count();
                let cut = text.len() > super::term::sequence::MOST_COPIED;
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

    // ---- the flash row

    /// Shows a sentence for a while.
    pub fn inform(&mut self, text: impl AsRef<str>) {
        self.say(text.as_ref(), false);
    }

    /// Shows a sentence until a key is pressed.
    pub fn complain(&mut self, text: impl AsRef<str>) {
        self.say(text.as_ref(), true);
    }

    fn say(&mut self, text: &str, bad: bool) {
        let text = clean_line(text).into_owned();
        self.flash = Some(Flash { text, bad, until: self.cx.now.after(FLASH) });
    }

    /// When the flash row goes by itself.
    pub fn flash_until(&self) -> Option<Timestamp> {
        self.flash.as_ref().filter(|flash| !flash.bad).map(|flash| flash.until)
    }

    /// The flash row goes.
    pub fn unflash(&mut self) {
        self.flash = None;
    }
}

fn make(decl: &'static Decl, args: &[String], cx: &Cx) -> Result<Slot, String> {
    let mut pane = (decl.make)(args, cx)?;
    pane.update(cx);
    Ok(Slot { decl, pane, asked: None, seen: cx.snapshot.versions })
}

fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}
