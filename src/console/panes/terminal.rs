//! A session of the operator's own with a device: keys go to it, what it sends is drawn here and nowhere else.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::{Dial, Outcome};
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Stake};
use crate::console::term::{Code, Key};
use crate::console::text;
use crate::console::theme::Token;
use crate::console::widgets::{Emulator, frame};
use crate::device::transport::Window;
use crate::engine::terminal::{ROLE, Said, Typed};
use crate::model::clean_line;

inventory::submit! { Decl {
    name: "terminal",
    aliases: &["ssh", "telnet"],
    title: "Terminal",
    about: "Open a session with a device, over SSH or Telnet as its record says",
    args: "DEVICE",
    tab: None,
    reads: &[],
    keys: &[
        Bind::hint("ctrl-]", "hold", "Keys to the console; and to the device again"),
        Bind::hint("enter", "open", "Type again"),
        Bind::hint("pgup", "page-up", "A page back"),
        Bind::hint("n", "find-up", "Further up"),
        Bind::hint("E", "enable-password", "Type the stored enable password"),
        Bind::hint("R", "again", "Connect anew"),
        Bind::new("N", "find-down", "Further down"),
        Bind::new("pgdn", "page-down", "A page on"),
        Bind::new("shift-pgup", "page-up", "A page back, also while you type"),
        Bind::new("shift-pgdn", "page-down", "A page on, also while you type"),
        Bind::new("p", "play {device}", "Play the newest recording"),
    ],
    make: |args, cx| {
        let [name] = args else { return Err("terminal needs one device: :terminal core-1".into()) };
        if cx.device_named(name).is_none() {
            return Err(format!("There is no device {name}"));
        }
        if !cx.rights.may(ROLE) {
            return Err(format!("A terminal needs the role {ROLE}, and yours is {}", cx.rights));
        }
        Ok(Box::new(Terminal::new(name)))
    },
} }

/// The most lines of a paste that are shown before it is sent.
const SHOWN: usize = 12;

/// The most lines of why a session is over.
const MOST_FOOT: usize = 4;

struct Terminal {
    name: String,
    state: State,
    /// The keys are the console's, not the device's.
    held: bool,
    emulator: Option<Emulator>,
    dials: Vec<Dial>,
    filter: String,
    /// A paste of several lines that waits for a yes.
    paste: Option<String>,
}

/// How the session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Open,
    Closed(String),
}

impl Terminal {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            state: State::Connecting,
            held: false,
            emulator: None,
            dials: Vec::new(),
            filter: String::new(),
            paste: None,
        }
    }

    /// Whether keys go to the device.
    fn is_live(&self) -> bool {
        !self.held && self.is_on()
    }

    /// Whether there is a session, or will be.
    fn is_on(&self) -> bool {
        matches!(self.state, State::Connecting | State::Open)
    }

    fn send(&mut self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.dials.push(Dial::Type(Typed::Bytes(bytes)));
        }
    }

    fn answer_paste(&mut self, key: Key) {
        match key.code {
            Code::Char('y' | 'Y') => {
                let text = self.paste.take().unwrap_or_default();
                let bytes = self.emulator.as_ref().map(|emulator| emulator.pasted(&text));
                self.send(bytes.unwrap_or_default());
            }
            Code::Esc | Code::Char('n' | 'N') => self.paste = None,
            _ => {}
        }
    }

    fn scroll(&mut self, lines: isize) -> Outcome {
        if let Some(emulator) = &mut self.emulator {
            emulator.scroll_to(emulator.above().saturating_add_signed(lines));
        }
        Outcome::Done
    }

    fn page(&self) -> isize {
        self.emulator.as_ref().map_or(1, |emulator| emulator.window().rows) as isize
    }

    fn find(&mut self, upwards: bool) -> Outcome {
        match &mut self.emulator {
            Some(_) if self.filter.is_empty() => Outcome::refused("/ looks for a text first"),
            Some(emulator) => match emulator.find(upwards) {
                true => Outcome::Done,
                false => Outcome::refused(format!("{} is not there any more", self.filter)),
            },
            None => Outcome::refused(format!("{} is not there any more", self.filter)),
        }
    }

    /// What stands below the device's screen, line by line: how the connection is, where there is none.
    fn foot(&self, width: u16) -> (Vec<String>, Token) {
        match &self.state {
            State::Open => (Vec::new(), Token::Text),
            State::Connecting => (vec![format!("Connecting to {} …", self.name)], Token::Running),
            State::Closed(why) => {
                let sentence = format!("{why} (R connects anew, esc leaves)");
                let mut lines = text::wrap(&sentence, usize::from(width.saturating_sub(2)));
                lines.truncate(MOST_FOOT);
                (lines, Token::Warn)
            }
        }
    }

    fn draw_paste(&self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let Some(text) = &self.paste else { return };
        let lines: Vec<&str> = text.lines().collect();
        let rows = u16::try_from(lines.len().min(SHOWN)).unwrap_or(0) + 4;
        let title = format!("Paste {} lines to {}?", lines.len(), self.name);
        let Some(inner) = frame(area, buf, &cx.theme, &title, area.width.saturating_sub(4).min(90), rows) else {
            return;
        };
        let room = usize::from(inner.height.saturating_sub(2)).min(SHOWN);
        for (line, y) in lines.iter().take(room).zip(inner.y..) {
            text::put(buf, inner.x, y, inner.width, &clean_line(line), cx.theme.style(Token::Text));
        }
        let y = inner.bottom().saturating_sub(1);
        let hidden = lines.len().saturating_sub(room);
        let more = if hidden > 0 { format!("{hidden} more lines   ") } else { String::new() };
        text::put(buf, inner.x, y, inner.width, &format!("{more}y Send   n Do not"), cx.theme.style(Token::Key));
    }
}

impl Pane for Terminal {
    fn subject(&self) -> String {
        self.name.clone()
    }

    fn status(&self, _cx: &Cx) -> String {
        let above = self.emulator.as_ref().map_or(0, Emulator::above);
        match &self.state {
            State::Connecting => "ctrl-] leaves".to_owned(),
            State::Open if above > 0 => format!("{above} lines up"),
            State::Open if self.held => "keys are the console's".to_owned(),
            State::Open => "ctrl-] leaves".to_owned(),
            State::Closed(_) => "closed".to_owned(),
        }
    }

    fn act(&mut self, words: &[&str], _cx: &Cx) -> Outcome {
        let page = self.page();
        match words {
            ["hold" | "open"] if self.held => {
                self.held = false;
                self.scroll(isize::MIN);
                Outcome::Done
            }
            ["hold"] => {
                self.held = true;
                Outcome::Done
            }
            ["open"] => Outcome::Done,
            ["enable-password"] if self.state == State::Open => {
                self.dials.push(Dial::Type(Typed::EnablePassword));
                self.held = false;
                self.scroll(isize::MIN)
            }
            ["enable-password"] => Outcome::refused("There is no session in which it could be typed"),
            ["again"] if self.state == State::Open => Outcome::refused("The connection stands"),
            ["again"] => {
                // the next drawing opens a session with the window of then
                self.emulator = None;
                (self.state, self.held) = (State::Connecting, false);
                Outcome::Done
            }
            ["find-up"] => self.find(true),
            ["find-down"] => self.find(false),
            ["up"] => self.scroll(1),
            ["down"] => self.scroll(-1),
            ["scroll-up"] => self.scroll(3),
            ["scroll-down"] => self.scroll(-3),
            ["page-up"] => self.scroll(page),
            ["page-down"] => self.scroll(-page),
            ["half-up"] => self.scroll(page / 2),
            ["half-down"] => self.scroll(-page / 2),
            ["top"] => self.scroll(isize::MAX),
            ["bottom"] => self.scroll(isize::MIN),
            _ => Outcome::Unknown,
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if area.is_empty() {
            return;
        }
        let (foot, token) = self.foot(area.width);
        let rows = u16::try_from(foot.len()).unwrap_or(0).min(area.height);
        let body = Rect { height: area.height - rows, ..area };
        // a line that tells of the connection must not change the device's window
        let window = Window { columns: area.width, rows: area.height };
        match &mut self.emulator {
            Some(emulator) if emulator.window() != window => {
                emulator.resize(window);
                if matches!(self.state, State::Connecting | State::Open) {
                    self.dials.push(Dial::Type(Typed::Resize(window)));
                }
            }
            Some(_) => {}
            None => {
                self.emulator = Some(Emulator::new(window));
                self.dials.push(Dial::Open { device: self.name.clone(), window });
            }
        }
        if let Some(emulator) = &mut self.emulator {
            emulator.draw(body, buf, &cx.theme);
        }
        for (sentence, y) in foot.iter().zip(body.bottom()..area.bottom()) {
            text::fill(buf, Rect { y, height: 1, ..area }, cx.theme.style(Token::Text));
            text::put(buf, area.x + 1, y, area.width.saturating_sub(1), sentence, cx.theme.style(token));
        }
        self.draw_paste(area, buf, cx);
    }

    fn dials(&mut self) -> Vec<Dial> {
        std::mem::take(&mut self.dials)
    }

    fn said(&mut self, said: Said) {
        match said {
            Said::Open => self.state = State::Open,
            Said::Bytes(bytes) => {
                let answer = self.emulator.as_mut().map(|emulator| emulator.feed(&bytes));
                self.send(answer.unwrap_or_default());
            }
            // the screen says it
            Said::Told(_) => {}
            Said::Closed(why) => {
                self.state = State::Closed(clean_line(&why).into_owned());
                (self.held, self.paste) = (true, None);
                self.dials.push(Dial::Close);
            }
        }
    }

    fn key(&mut self, key: Key, _cx: &Cx) -> Option<Outcome> {
        if self.paste.is_some() {
            self.answer_paste(key);
            return Some(Outcome::Done);
        }
        let leaves = key.ctrl && key.code == Code::Char(']');
        if !self.is_live() || leaves {
            return None;
        }
        let page = self.page();
        match key.code {
            Code::ShiftPageUp => return Some(self.scroll(page)),
            Code::ShiftPageDown => return Some(self.scroll(-page)),
            _ => {}
        }
        // who types sees what they type
        self.scroll(isize::MIN);
        let bytes = self.emulator.as_ref().map(|emulator| emulator.encode(key));
        self.send(bytes.unwrap_or_default());
        Some(Outcome::Done)
    }

    fn at_stake(&self) -> Option<Stake> {
        self.is_on().then_some(Stake::Session)
    }

    fn takes_text(&self) -> bool {
        self.is_live()
    }

    fn paste(&mut self, text: &str) {
        if !self.is_live() || self.paste.is_some() {
            return;
        }
        if text.contains(['\r', '\n']) {
            // a line end runs what stands before it: a person sees it first
            self.paste = Some(text.replace("\r\n", "\n").replace('\r', "\n"));
        } else {
            let bytes = self.emulator.as_ref().map(|emulator| emulator.pasted(text));
            self.send(bytes.unwrap_or_default());
        }
    }

    fn cursor(&self) -> Option<(u16, u16)> {
        if !self.is_live() || self.paste.is_some() {
            return None;
        }
        self.emulator.as_ref().and_then(Emulator::cursor)
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        Some(self.name.clone())
    }

    fn filter(&self) -> Option<&str> {
        Some(&self.filter)
    }

    fn set_filter(&mut self, text: &str, _cx: &Cx) {
        text.clone_into(&mut self.filter);
        if let Some(emulator) = &mut self.emulator {
            emulator.mark(Some(text));
            emulator.scroll_to(0);
            if !text.is_empty() {
                emulator.find(true);
            }
        }
    }

    fn disabled(&self, line: &str, _cx: &Cx) -> Option<String> {
        let live = self.is_live();
        match line {
            "hold" => None,
            "enable-password" if self.state != State::Open => Some("there is no session".into()),
            "again" if matches!(self.state, State::Closed(_)) => None,
            "again" => Some("the connection stands".into()),
            "find-up" | "find-down" if self.filter.is_empty() => Some("/ looks for a text first".into()),
            _ => live.then(|| "the keys are the device's: ctrl-] first".into()),
        }
    }
}
