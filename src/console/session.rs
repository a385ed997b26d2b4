//! One operator's session: bytes from a terminal and snapshots go in, frames and requests come out.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::action::{LineId, Output, QueryId, Request, TerminalId};
use super::canvas;
use super::cx::Cx;
use super::gate::Gate;
use super::keymap::Keymap;
use super::mirror;
use super::screen::Screen;
use super::term::{Depth, Input, InputParser, Painter, sequence};
use super::theme::{self, Theme};
use crate::engine::drafts::Draft;
use crate::engine::query::Answer;
use crate::engine::snapshot::Snapshot;
use crate::engine::terminal::Said;
use crate::engine::watching::Picture;
use crate::model::{Rights, Role, Timestamp};

/// How long an Esc waits for what may follow it. A link over several hosts may tear a sequence apart.
const ESCAPE_WAIT: Duration = Duration::from_millis(60);
/// The most columns and rows of a screen: what is over stays empty. A terminal may say anything.
const LARGEST: (u16, u16) = (500, 200);

/// What the operator's terminal is and can.
#[derive(Clone, Debug)]
pub struct Caps {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// `TERM`.
    pub term: String,
    /// `COLORTERM`.
    pub colorterm: String,
    /// Whether `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// Whether the locale is UTF-8.
    pub unicode: bool,
}

/// What the operator wants.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A theme's name.
    pub theme: String,
    /// The text of a theme file of the operator's own, used in place of the named one.
    pub theme_file: Option<String>,
    /// The text of a keymap file.
    pub keymap_file: Option<String>,
    /// Whether the mouse belongs to the console.
    pub mouse: bool,
    /// What the operator may do.
    pub rights: Rights,
    /// The operator's time zone.
    pub zone: TimeZone,
    /// The line of the pane that it begins with; `None` is the device list.
    pub first: Option<String>,
    /// Whether it hangs on a wall: it shows that pane alone, and keys do nothing but turn its pages and quit.
    pub wall: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: theme::DEFAULT.into(),
            theme_file: None,
            keymap_file: None,
            mouse: true,
            rights: Role::Admin.into(),
            zone: TimeZone::UTC,
            first: None,
            wall: false,
        }
    }
}

/// A session.
pub struct Session {
    screen: Screen,
    parser: InputParser,
    painter: Painter,
    gate: Gate,
    area: Rect,
    /// Whether DEC mode 2026 is worth its bytes.
    sync: bool,
    /// Something may look different.
    dirty: bool,
    mouse_on: bool,
    escape_at: Option<Timestamp>,
    drawn_minute: i64,
    /// When the pane on top looks different by itself.
    pane_wakes: Option<Timestamp>,
    /// The last frame, where somebody looks on.
    mirrored: Option<Picture>,
}

impl Session {
    /// A session of which nothing is drawn yet. A bad theme or keymap file is said on the screen, and not used.
    pub fn new(caps: &Caps, settings: &Settings, snapshot: Arc<Snapshot>, now: Timestamp) -> Self {
        let (theme, theme_error) = theme_of(settings, caps);
        let (keymap, keymap_error) = match settings.keymap_file.as_deref().map(Keymap::patched) {
            Some(Err(fault)) => (Keymap::usual(), Some(fault.of("Keymap"))),
            Some(Ok(keymap)) => (Arc::new(keymap), None),
            None => (Keymap::usual(), None),
        };
        let cx = Cx {
            snapshot,
            now,
            theme,
            zone: settings.zone.clone(),
            rights: settings.rights.clone(),
            runs: Vec::new(),
        };
        let mut screen = Screen::new(cx, keymap, settings.mouse && !settings.wall, settings.first.as_deref());
        screen.wall = settings.wall;
        if let Some(error) = theme_error.or(keymap_error) {
            screen.complain(error);
        }
        let plain_terminal =
            ["", "dumb", "linux"].contains(&caps.term.as_str()) || caps.term.starts_with("vt");
        Self {
            screen,
            parser: InputParser::default(),
            painter: Painter::new(Depth::of(&caps.term, &caps.colorterm, caps.no_color), caps.unicode),
            gate: Gate::default(),
            area: area_of(caps.width, caps.height),
            sync: !plain_terminal,
            dirty: true,
            mouse_on: false,
            escape_at: None,
            drawn_minute: 0,
            pane_wakes: None,
            mirrored: None,
        }
    }

    /// The operator's time zone.
    pub fn zone(&self) -> TimeZone {
        self.screen.cx.zone.clone()
    }

    /// Takes bytes from the terminal. Says whether a person has sent any of them: the terminal's answers are nobody's.
    pub fn feed(&mut self, bytes: &[u8], now: Timestamp) -> bool {
        self.screen.cx.now = now;
        let inputs = self.parser.feed(bytes);
        let by_person = inputs.iter().any(|input| *input != Input::Answered);
        self.take(inputs);
        self.escape_at = self.parser.escape_pending().then(|| now.after(ESCAPE_WAIT));
        by_person
    }

    /// Nothing followed an Esc: it was the key. [`Self::frame`] sees to it by itself when its time has come.
    pub fn esc_timeout(&mut self) {
        self.escape_at = None;
        let inputs = self.parser.settle();
        self.take(inputs);
    }

    fn take(&mut self, inputs: Vec<Input>) {
        for input in inputs {
            match input {
                Input::Answered => {
                    self.gate.answered();
                    continue;
                }
                Input::Key(key) => self.screen.key(key),
                Input::Paste(text) => self.screen.paste(&text),
                Input::Mouse(mouse) => self.screen.mouse(mouse),
            }
            self.dirty = true;
        }
    }

    /// The terminal has another size.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.area = area_of(width, height);
        self.painter.forget();
        self.dirty = true;
    }

    /// The engine has another picture.
    pub fn notify(&mut self, snapshot: Arc<Snapshot>, now: Timestamp) {
        self.screen.cx.now = now;
        self.dirty |= self.screen.notify(snapshot);
    }

    /// What the operator may do from now on.
    pub fn may(&mut self, rights: Rights) {
        if self.screen.cx.rights != rights {
            self.screen.cx.rights = rights;
            // what cannot be done is not among the hints
            self.dirty = true;
        }
    }

    /// The answer to a [`Request::Query`].
    pub fn answer(&mut self, id: QueryId, answer: Answer) {
        self.screen.answer(id, answer);
        self.dirty = true;
    }

    /// Whether the answer to this read is still wanted.
    pub fn waits_for(&self, id: QueryId) -> bool {
        self.screen.waits_for(id)
    }

    /// Tells the operator what went wrong outside of the session.
    pub fn complain(&mut self, sentence: &str) {
        self.screen.complain(sentence);
        self.dirty = true;
    }

    /// What a line of [`Request::Run`] says.
    pub fn output(&mut self, id: LineId, output: Output) {
        self.screen.output(id, output);
        self.dirty = true;
    }

    /// What came of a [`Request::Terminal`].
    pub fn terminal(&mut self, id: TerminalId, said: Said) {
        self.dirty |= self.screen.terminal(id, said);
    }

    /// Whether a pane still has this terminal; what nobody has must be ended.
    pub fn has_terminal(&self, id: TerminalId) -> bool {
        self.screen.has_terminal(id)
    }

    /// What the session wants from the world since it was last asked.
    pub fn take_requests(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.screen.requests)
    }

    /// The bytes of the next frame, to be written at once; `None` where nothing visible has changed, or the terminal
    /// has not answered the last one yet.
    pub fn frame(&mut self, now: Timestamp) -> Option<Vec<u8>> {
        self.pass_time(now);
        let waits = self.dirty || self.screen.clipboard.is_some() || self.screen.bell;
        if !waits || !self.gate.is_open(now) {
            return None;
        }
        self.dirty = false;
        if std::mem::take(&mut self.screen.redraw) {
            self.painter.forget();
        }
        let mut buffer = canvas::take(self.area);
        let cursor = self.screen.draw(&mut buffer);
        if !self.screen.watched_by.is_empty() {
            self.mirrored = Some(mirror::picture(&buffer, cursor));
        }
        // a pane knows its window when it has been drawn
        self.screen.dial();
        let painted = self.painter.paint(&mut buffer, cursor);
        canvas::give_back(buffer);
        let mut out = String::with_capacity(painted.len() + 32);
        if self.sync && !painted.is_empty() {
            out.push_str(sequence::SYNC_BEGIN);
        }
        out.push_str(&painted);
        if self.screen.mouse != self.mouse_on {
            self.mouse_on = self.screen.mouse;
            out.push_str(if self.mouse_on { sequence::MOUSE_ON } else { sequence::MOUSE_OFF });
        }
        if self.sync && !painted.is_empty() {
            out.push_str(sequence::SYNC_END);
        }
        if let Some(text) = self.screen.clipboard.take() {
            out.push_str(&sequence::copy(&text));
        }
        if std::mem::take(&mut self.screen.bell) {
            out.push(sequence::BELL);
        }
        if out.is_empty() {
            return None;
        }
        out.push_str(sequence::ASK_ATTRIBUTES);
        self.gate.sent(now);
        Some(out.into_bytes())
    }

    /// What a person would see now, without a terminal: for screenshots and tests.
    pub fn draw(&mut self) -> (Buffer, Option<(u16, u16)>) {
        let mut buffer = Buffer::empty(self.area);
        let cursor = self.screen.draw(&mut buffer);
        (buffer, cursor)
    }

    /// What the operator is writing: to be kept where the terminal goes away.
    pub fn draft(&self) -> Draft {
        self.screen.draft()
    }

    /// Offers the operator what they were writing when their terminal went away.
    pub fn offer(&mut self, draft: Draft) {
        self.screen.offer(draft);
        self.dirty = true;
    }

    /// Who looks on from now on: the operator sees it, and [`Self::mirrored`] has what they see.
    pub fn watched_by(&mut self, watchers: Vec<String>) {
        self.screen.watched_by = watchers;
        self.dirty = true;
    }

    /// The last frame, once, where somebody looks on.
    pub fn mirrored(&mut self) -> Option<Picture> {
        self.mirrored.take()
    }

    /// What is in front, in words: for those who look who is in.
    pub fn doing(&self) -> String {
        self.screen.in_front()
    }

    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        (self.area.width, self.area.height)
    }

    /// When [`Self::frame`] wants to be called next, without input.
    pub fn wake_at(&self) -> Timestamp {
        let minute = Timestamp((self.drawn_minute + 1) * 60_000);
        let blocked = if self.dirty { self.gate.opens_at() } else { None };
        [self.escape_at, self.screen.flash_until(), self.screen.pane_wakes_at(), blocked]
            .into_iter()
            .flatten()
            .fold(minute, Ord::min)
    }

    /// Whether the terminal has yet to answer the last frame.
    pub fn awaits_answer(&self) -> bool {
        self.gate.opens_at().is_some()
    }

    /// Gives the terminal back as it was: to be written before a suspend, an editor, and at the end.
    pub fn leave(&mut self) -> Vec<u8> {
        self.painter.left();
        self.mouse_on = false;
        self.gate = Gate::default();
        sequence::LEAVE.into()
    }

    /// The terminal is the session's again, after [`Self::leave`].
    pub fn returned(&mut self, width: u16, height: u16) {
        self.resize(width, height);
    }

    /// What the operator's editor has made of the text of a [`Request::Edit`]; a pane that only shows one ignores it.
    pub fn edited(&mut self, text: &str) {
        self.screen.edited(text);
        self.dirty = true;
    }

    /// Does what is due by itself: what a pane wants to read anew is in [`Self::take_requests`] then.
    pub fn pass_time(&mut self, now: Timestamp) {
        self.screen.cx.now = now;
        if self.escape_at.is_some_and(|at| at <= now) {
            self.esc_timeout();
        }
        if self.screen.flash_until().is_some_and(|at| at <= now) {
            self.screen.unflash();
            self.dirty = true;
        }
        if self.pane_wakes.is_some_and(|at| at <= now) {
            self.screen.after();
            self.dirty = true;
        }
        self.pane_wakes = self.screen.pane_wakes_at();
        let minute = now.0.div_euclid(60_000);
        if minute != self.drawn_minute {
            // ages are shown in minutes
            self.drawn_minute = minute;
            self.dirty = true;
        }
    }
}

fn area_of(width: u16, height: u16) -> Rect {
    Rect::new(0, 0, width.clamp(1, LARGEST.0), height.clamp(1, LARGEST.1))
}

fn theme_of(settings: &Settings, caps: &Caps) -> (Theme, Option<String>) {
    let own = settings.theme_file.as_deref();
    let wanted = match own {
        _ if caps.no_color => Theme::named("mono", caps.unicode),
        Some(text) => Theme::parse(&settings.theme, text, caps.unicode)
            .map_err(|fault| fault.of(&format!("Theme {}", settings.theme))),
        None => Theme::named(&settings.theme, caps.unicode),
    };
    wanted.map_or_else(
        |error| {
            let default = Theme::named(theme::DEFAULT, caps.unicode);
            (default.unwrap_or_else(|_| Theme::plain(caps.unicode)), Some(error))
        },
        |theme| (theme, None),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::snapshot::Versions;

    const CAPS: fn() -> Caps = || Caps {
        width: 80,
        height: 24,
        term: "xterm".into(),
        colorterm: String::new(),
        no_color: false,
        unicode: true,
    };

    #[test]
    fn what_is_not_shown_draws_nothing_anew() {
        let picture = Snapshot { at: Timestamp(1), ..Snapshot::default() };
        let mut session =
            Session::new(&CAPS(), &Settings::default(), Arc::new(picture.clone()), Timestamp(1));
        session.frame(Timestamp(1));
        let mut is_drawn = |versions: Versions| {
            session.dirty = false;
            session.notify(Arc::new(Snapshot { versions, ..picture.clone() }), Timestamp(1));
            session.dirty
        };
        // the device list shows no single probe
        let probed = Versions { pulse: 1, ..Versions::default() };
        assert!(!is_drawn(probed));
        let answered = Versions { answers: 1, ..probed };
        assert!(is_drawn(answered));
        assert!(!is_drawn(answered), "it was drawn");
        // the title row counts them on every screen
        assert!(is_drawn(Versions { incidents: 1, ..answered }));
    }

    #[test]
    fn other_rights_are_seen() {
        let mut session = Session::new(&CAPS(), &Settings::default(), Arc::default(), Timestamp(1));
        session.frame(Timestamp(1));
        session.may(Role::Admin.into());
        assert!(!session.dirty, "they are the same");
        session.may(Role::Viewer.into());
        assert!(session.dirty);
    }
}
