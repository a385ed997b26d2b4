//! The state of a session: panes, what lies over them, and how a command line changes them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::action::{Dial, LineId, Outcome, Output, QueryId, Request, TerminalId};
use super::alarm::Alarm;
use super::chrome::crumb;
use super::command_line::{CommandLine, Entered, History};
use super::cx::Cx;
use super::dialog::{Dialog, Verdict};
use super::keymap::{Keymap, Meaning};
use super::pane::{Decl, Pane};
use super::term::{Code, Key, Mouse, MouseKind};
use super::widgets::menu::Choice;
use super::widgets::{LineInput, Menu};
use crate::engine::drafts::Draft;
use crate::engine::query::Answer;
use crate::engine::snapshot::{Snapshot, Versions};
use crate::engine::terminal::Said;
use crate::model::{Timestamp, clean_line};

/// The pane that a session begins with.
const FIRST: &str = "devices";
/// What a confirmed question about leaving does. No line that can be typed.
pub(super) const QUIT_NOW: &str = "\0quit";
/// The same, about leaving a pane.
pub(super) const BACK_NOW: &str = "\0back";
/// What keys do on a wall.
const ON_A_WALL: [&str; 9] =
    ["hold", "page-down", "page-up", "left", "right", "up", "down", "quit ask", "quit"];
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
    /// The terminal's bell shall ring.
    pub bell: bool,
    /// Who looks on.
    pub watched_by: Vec<String>,
    /// It hangs on a wall: only what turns pages or quits is done.
    pub wall: bool,
    pub(super) alarm: Alarm,
    pub(super) keymap: Arc<Keymap>,
    /// The panes of the view, the one on top last; never empty but while a view is made.
    pub(super) stack: Vec<Slot>,
    /// The views that are not shown, by the name of their lowest pane.
    pub(super) parked: BTreeMap<&'static str, Vec<Slot>>,
    pub(super) last: Option<&'static str>,
    pub(super) overlay: Overlay,
    /// Where the views' names stand in the title row: from, up to, which.
    pub(super) tabs: Vec<(u16, u16, &'static str)>,
    pub(super) flash: Option<Flash>,
    /// The keys of a chord that has begun.
    pub(super) chord: Vec<Key>,
    /// The newest picture, while an older one is held.
    pub(super) frozen: Option<Arc<Snapshot>>,
    history: History,
    /// The number of the next read or command line.
    pub(super) next: u64,
}

/// A pane and where it comes from.
pub(super) struct Slot {
    pub decl: &'static Decl,
    /// The line that opens it.
    pub line: String,
    pub pane: Box<dyn Pane>,
    pub asked: Option<QueryId>,
    pub terminal: Option<TerminalId>,
    pub seen: Versions,
}

/// What lies over the pane and has the keys.
pub(super) enum Overlay {
    None,
    Menu(Menu),
    Command(CommandLine),
    Filter { input: LineInput, before: String },
    Confirm(Dialog),
    Offer(Draft),
}

/// One sentence at the bottom.
pub(super) struct Flash {
    pub text: String,
    pub bad: bool,
    until: Timestamp,
}

impl Screen {
    /// A screen with the first pane.
    pub fn new(cx: Cx, keymap: Arc<Keymap>, mouse: bool, first: Option<&str>) -> Self {
        let mut screen = Self {
            cx,
            requests: Vec::new(),
            clipboard: None,
            redraw: false,
            mouse,
            bell: false,
            watched_by: Vec::new(),
            wall: false,
            alarm: Alarm::default(),
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
        screen.act(first.unwrap_or(FIRST), false);
        screen.flash = None;
        screen.look_for_news();
        // the first pane may need a read
        screen.after();
        screen
    }

    /// The name of the pane on top: the scope of its keys.
    pub(super) fn scope(&self) -> &'static str {
        self.stack.last().map_or("", |slot| slot.decl.name)
    }

    /// When the pane on top looks different by itself.
    pub fn pane_wakes_at(&self) -> Option<Timestamp> {
        self.stack.last()?.pane.wakes_at(&self.cx)
    }

    /// What is in front, in words.
    pub fn in_front(&self) -> String {
        self.stack.last().map_or_else(String::new, crumb)
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
            Overlay::Offer(draft) => self.key_to_offer(draft, key),
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
                if self.does(&line) {
                    self.act(&line, false);
                }
            }
            Meaning::Nothing => {}
        }
        self.chord.clear();
    }

    /// Whether a line that stands behind a key is done here: on a wall only a few are.
    pub(super) fn does(&self, line: &str) -> bool {
        !self.wall || ON_A_WALL.contains(&line)
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
            Overlay::Confirm(_) | Overlay::Offer(_) => {}
        }
        self.after();
    }

    /// The mouse was used.
    pub fn mouse(&mut self, mouse: Mouse) {
        if self.wall || !matches!(self.overlay, Overlay::None) {
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
            // what is new is told of all the same
            return self.look_for_news();
        }
        let looks_different = self.is_seen_in(&snapshot);
        self.cx.snapshot = snapshot;
        let has_news = self.look_for_news();
        self.after();
        looks_different || has_news
    }

    /// Whether something that is drawn may differ between the picture that is shown and the `next`.
    fn is_seen_in(&self, next: &Snapshot) -> bool {
        let shown = &self.cx.snapshot;
        // what lies over a pane, or hangs on a wall, may be about anything
        let may_be_anything = self.wall || !matches!(self.overlay, Overlay::None);
        let in_pane = self.stack.last().is_none_or(|slot| slot.decl.is_moved(&slot.seen, &next.versions));
        let around = shown.totals != next.totals
            || shown.versions.incidents != next.versions.incidents
            || shown.next_backup != next.next_backup
            || shown.store_trouble != next.store_trouble
            || self.says_it_is_old();
        may_be_anything || in_pane || around
    }

    /// Rings for incidents that are new to this session, and says which. Whether there is one.
    fn look_for_news(&mut self) -> bool {
        let newest = Arc::clone(self.frozen.as_ref().unwrap_or(&self.cx.snapshot));
        let news = self.alarm.news(&newest);
        let Some(first) = news.first() else { return false };
        let behind = match first.behind.len() {
            0 => String::new(),
            count => format!(", {count} behind it"),
        };
        let others = match news.len() {
            1 => String::new(),
            count => format!("; {} more", count - 1),
        };
        let sentence = format!("Incident {}: {} is down{behind}{others}", first.id, first.name);
        self.bell |= !self.alarm.muted;
        // on a wall nobody presses the key that takes the sentence away
        if !self.wall {
            self.complain(sentence);
        }
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

    /// Whether a pane still wants the answer to this read.
    pub fn waits_for(&self, id: QueryId) -> bool {
        self.stack.iter().chain(self.parked.values().flatten()).any(|slot| slot.asked == Some(id))
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

    /// Something came of a terminal. Whether a pane that is seen looks different.
    pub fn terminal(&mut self, id: TerminalId, said: Said) -> bool {
        let top = self.stack.last().and_then(|slot| slot.terminal);
        let slots = self.stack.iter_mut().chain(self.parked.values_mut().flatten());
        match said {
            Said::Told(sentence) => {
                let name =
                    slots.into_iter().find(|slot| slot.terminal == Some(id)).map(|slot| slot.pane.subject());
                if let Some(name) = name {
                    self.complain(format!("{name}: {sentence}"));
                }
                return true;
            }
            said => {
                if let Some(slot) = slots.into_iter().find(|slot| slot.terminal == Some(id)) {
                    slot.pane.said(said);
                }
            }
        }
        self.dial();
        top == Some(id)
    }

    /// Whether a pane still has this terminal.
    pub fn has_terminal(&self, id: TerminalId) -> bool {
        self.stack.iter().chain(self.parked.values().flatten()).any(|slot| slot.terminal == Some(id))
    }

    /// Hands on what panes want of their terminals.
    pub fn dial(&mut self) {
        for slot in self.stack.iter_mut().chain(self.parked.values_mut().flatten()) {
            for dial in slot.pane.dials() {
                if let Dial::Open { .. } = dial {
                    slot.terminal = Some(TerminalId(self.next));
                    self.next += 1;
                }
                let Some(id) = slot.terminal else { continue };
                if dial == Dial::Close {
                    slot.terminal = None;
                }
                self.requests.push(Request::Terminal(id, dial));
            }
        }
    }

    /// After anything: panes see what moved, and ask for what they need.
    pub(super) fn after(&mut self) {
        self.dial();
        let Some((slot, below)) = self.stack.split_last_mut() else { return };
        below.iter_mut().chain(self.parked.values_mut().flatten()).for_each(|slot| slot.pane.covered());
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
