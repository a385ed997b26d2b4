//! A failed session, step by step: what was sent, what came, and what the driver made of it.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane};
use crate::console::text;
use crate::console::theme::{self, Token};
use crate::console::widgets::pager::shifted;
use crate::console::widgets::{Pager, notice};
use crate::device::explain::{Reading, Seen};
use crate::device::transcript::Step;
use crate::engine::driver_files::{self, Replay};
use crate::engine::query::{Answer, Query};
use crate::model::{DeviceId, clean_line};

inventory::submit! { Decl {
    name: "recording",
    aliases: &["rec"],
    title: "Recording",
    about: "Replay a failed session step by step",
    args: "DEVICE [RECORDING]",
    tab: None,
    reads: &[],
    keys: &[
        Bind::hint("n", "next-trouble", "Next trouble"),
        Bind::hint("D", "edit-driver", "Mend the driver"),
        Bind::hint("R", "again", "Run the driver again"),
        Bind::hint("S", "save-test", "Save as a test"),
        Bind::new("N", "previous-trouble", "Trouble before"),
        Bind::new("left", "up", "Step before"),
        Bind::new("right", "down", "Next step"),
        Bind::new("h", "up", "Step before"),
        Bind::new("l", "down", "Next step"),
        Bind::new("e", "edit", "All of it in your editor"),
        Bind::new(">", "shift-right", "Long lines to the right"),
        Bind::new("<", "shift-left", "Long lines to the left"),
        Bind::new("H", "history {device}", "History"),
    ],
    make: |args, cx| Ok(Box::new(Recording::new(args, cx)?)),
} }

/// From how many columns on the step that is selected stands beside the list.
const BESIDE_FROM: u16 = 140;

struct Recording {
    device: DeviceId,
    name: String,
    id: Option<u64>,
    asked: bool,
    /// A replay goes on in the engine.
    waits: bool,
    replay: Option<Replay>,
    failed: Option<String>,
    pager: Pager,
}

impl Recording {
    fn new(args: &[String], cx: &Cx) -> Result<Self, String> {
        let usage = || "recording needs a device: :recording core-1, :recording core-1 7".to_owned();
        let (name, id) = match args {
            [name] => (name, None),
            [name, id] => (name, Some(id.parse().map_err(|_| usage())?)),
            _ => return Err(usage()),
        };
        let device = cx.device_named(name).ok_or_else(|| format!("There is no device {name}"))?.device.id;
        Ok(Self {
            device,
            name: name.clone(),
            id,
            asked: false,
            waits: false,
            replay: None,
            failed: None,
            pager: Pager::default(),
        })
    }

    fn readings(&self) -> &[Reading] {
        self.replay.as_ref().map_or(&[], |replay| &replay.readings)
    }

    /// The last step at which something is wrong: where a session that failed has failed. That the device went away
    /// in the end is what comes of it.
    fn last_trouble(&self) -> Option<usize> {
        let trouble = |reading: &Reading| reading.seen.is_trouble();
        let cause = |reading: &Reading| trouble(reading) && reading.seen != Seen::Gone;
        self.readings().iter().rposition(cause).or_else(|| self.readings().iter().rposition(trouble))
    }

    fn jump(&mut self, forwards: bool) -> Outcome {
        let trouble = |at: &usize| self.readings()[*at].seen.is_trouble();
        let cursor = self.pager.cursor.min(self.readings().len());
        let found = if forwards {
            (cursor + 1..self.readings().len()).find(trouble)
        } else {
            (0..cursor).rev().find(trouble)
        };
        match found {
            Some(at) => {
                self.pager.cursor = at;
                Outcome::Done
            }
            None => Outcome::refused("No trouble there any more"),
        }
    }
}

impl Pane for Recording {
    fn subject(&self) -> String {
        match self.replay.as_ref().map(|replay| replay.id).or(self.id) {
            Some(id) => format!("{} {id}", self.name),
            None => self.name.clone(),
        }
    }

    fn status(&self, _cx: &Cx) -> String {
        match self.readings().len() {
            0 => String::new(),
            steps => format!("step {} of {steps}", self.pager.cursor + 1),
        }
    }

    fn wants(&mut self, _cx: &Cx) -> Option<Query> {
        if std::mem::replace(&mut self.asked, true) {
            return None;
        }
        self.waits = true;
        Some(Query::Replay { device: self.device, id: self.id, driver: None })
    }

    fn answer(&mut self, answer: Answer, _cx: &Cx) {
        self.waits = false;
        match answer {
            Answer::Replay(replay) => {
                let first = self.replay.is_none();
                (self.replay, self.failed) = (Some(replay), None);
                if first && let Some(at) = self.last_trouble() {
                    self.pager.cursor = at;
                }
            }
            Answer::Failed(why) => self.failed = Some(clean_line(&why).into_owned()),
            _ => {}
        }
    }

    fn act(&mut self, words: &[&str], _cx: &Cx) -> Outcome {
        let shown = self.replay.as_ref().map(|replay| (replay.driver.clone(), replay.id));
        match (words, shown) {
            (["next-trouble"], _) => self.jump(true),
            (["previous-trouble"], _) => self.jump(false),
            (["again"], _) => {
                self.asked = false;
                Outcome::Done
            }
            (["edit-driver"], Some((driver, id))) => {
                Outcome::Line(format!("edit driver {driver} --recording {} {id}", self.name))
            }
            (["save-test"], Some((_, id))) => Outcome::Line(format!("recording save {} {id}", self.name)),
            (["edit-driver" | "save-test"], None) => Outcome::refused("No recording is shown"),
            (["shift-left"], _) => self.pager.act(&["left"], 0),
            (["shift-right"], _) => self.pager.act(&["right"], 0),
            _ => self.pager.act(words, self.readings().len()),
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let Some(replay) = &self.replay else {
            let sentence = self.failed.as_deref().unwrap_or("Reading the recording …");
            return notice(area, buf, &cx.theme, sentence);
        };
        let head = format!("{}  {}, driver {}", cx.date(replay.at), replay.about, replay.driver);
        text::put(buf, area.x + 1, area.y, area.width.saturating_sub(1), &head, cx.theme.style(Token::Dim));
        let (verdict, token) = match &self.failed {
            _ if self.waits => ("Running the driver on the recording …".to_owned(), Token::Running),
            Some(why) => (format!("The driver has a mistake: {why}"), Token::Bad),
            None => words(&replay.outcome),
        };
        let verdict = text::wrap(&clean_line(&verdict), usize::from(area.width.saturating_sub(2)));
        let mut y = area.y + 1;
        for line in verdict.iter().take(3) {
            text::put(buf, area.x + 1, y, area.width.saturating_sub(1), line, cx.theme.style(token));
            y += 1;
        }
        let body = Rect { y, height: area.bottom().saturating_sub(y), ..area };
        if self.readings().is_empty() {
            return notice(body, buf, &cx.theme, "Nothing was said in this session.");
        }
        let (list, detail) = if area.width >= BESIDE_FROM {
            let half = body.width / 2;
            (Rect { width: half - 1, ..body }, Rect { x: body.x + half, width: body.width - half, ..body })
        } else {
            let below = (body.height / 2).min(10);
            let list = Rect { height: body.height - below, ..body };
            (list, Rect { y: list.bottom(), height: below, ..body })
        };
        let window = self.pager.window(self.readings().len(), list);
        for (at, y) in window.zip(list.y..) {
            let base = if at == self.pager.cursor { cx.theme.style(Token::Selected) } else { Style::new() };
            draw_step(&self.readings()[at], Rect { y, height: 1, ..list }, buf, cx, base);
        }
        self.draw_detail(detail, buf, cx);
    }

    fn click(&mut self, _x: u16, y: u16, _cx: &Cx) -> Outcome {
        self.pager.click(y)
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        Some(self.name.clone())
    }

    fn copy(&self, _cx: &Cx) -> Option<String> {
        let step = |reading: &Reading| match &reading.step {
            Step::Device(bytes) => format!("{:>7} < {}", seconds(reading.at), raw_lines(bytes).join("\n          ")),
            step => format!("{:>7} > {}", seconds(reading.at), sent_or_came(step)),
        };
        let lines: Vec<String> = self.readings().iter().map(step).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn disabled(&self, line: &str, _cx: &Cx) -> Option<String> {
        let nothing = self.replay.is_none() && matches!(line, "edit-driver" | "save-test");
        nothing.then(|| "no recording is shown".to_owned())
    }
}

impl Recording {
    /// What the step that is selected brought, byte by byte visible, and what the driver made of it.
    fn draw_detail(&self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let Some(reading) = self.readings().get(self.pager.cursor) else { return };
        let style = |token| cx.theme.style(token);
        let rule = cx.theme.glyph("─", "-").repeat(usize::from(area.width));
        if area.height == 0 {
            return;
        }
        text::put(buf, area.x, area.y, area.width, &rule, style(Token::Dim));
        let token = if reading.seen.is_trouble() { Token::Bad } else { Token::Section };
        let title = format!(" line {}: {} ", reading.line, clean_line(&reading.seen.words()));
        text::put(buf, area.x + 1, area.y, area.width.saturating_sub(1), &title, style(token));
        let mut lines: Vec<(String, Token)> = match &reading.step {
            Step::Device(bytes) => raw_lines(bytes).into_iter().map(|line| (line, Token::Text)).collect(),
            step => vec![(sent_or_came(step).into_owned(), Token::Text)],
        };
        let is_device = matches!(reading.step, Step::Device(_));
        let foot: Vec<(String, Token)> = if is_device {
            let last = if reading.last_line.trim().is_empty() {
                "last line: empty".to_owned()
            } else {
                format!("last line: {}", clean_line(&reading.last_line))
            };
            vec![(last, token)]
        } else {
            Vec::new()
        };
        // the end of what came is what the driver decides by
        let room = usize::from(area.height - 1).saturating_sub(foot.len());
        let skip = lines.len().saturating_sub(room);
        if skip > 0 && room > 0 {
            lines.drain(..skip);
            lines[0] = (format!("{} {} lines above", cx.theme.glyph("⋯", "..."), skip + 1), Token::Dim);
        }
        for ((line, token), y) in lines.iter().chain(&foot).zip(area.y + 1..area.bottom()) {
            let shown = shifted(line, self.pager.left);
            text::put(buf, area.x + 2, y, area.width.saturating_sub(2), shown, style(*token));
        }
    }
}

/// One line per step: when, which way, what, and what the driver makes of it.
fn draw_step(reading: &Reading, area: Rect, buf: &mut Buffer, cx: &Cx, base: Style) {
    buf.set_style(area, base);
    let style = |token| theme::over(base, cx.theme.style(token));
    let (arrow, token) = match reading.step {
        Step::Device(_) => (cx.theme.glyph("◀", "<"), Token::Text),
        Step::Line { .. } | Step::Keys(_) => (cx.theme.glyph("▶", ">"), Token::Key),
        Step::Wait(_) => (cx.theme.glyph("·", "-"), Token::Dim),
        Step::Hang | Step::Close => (cx.theme.glyph("✖", "x"), Token::Bad),
    };
    text::put_right(buf, area.x, area.y, 8.min(area.width), &seconds(reading.at), style(Token::Dim));
    let half = area.width.saturating_sub(12) / 2;
    text::put(buf, area.x + 10, area.y, 1, arrow, style(token));
    text::put(buf, area.x + 12, area.y, half, &sent_or_came(&reading.step), style(token));
    let x = area.x + 12 + half + 1;
    if !matches!(reading.step, Step::Device(_)) {
        return;
    }
    let token = if reading.seen.is_trouble() { Token::Bad } else { Token::Dim };
    let glyph = if reading.seen.is_trouble() { cx.theme.glyph("✖ ", "x ") } else { "" };
    let words = format!("{glyph}{}", clean_line(&reading.seen.words()));
    text::put(buf, x, area.y, area.right().saturating_sub(x), &words, style(token));
}

/// A step in one line; of what the device sent, the last line that says something.
fn sent_or_came(step: &Step) -> Cow<'_, str> {
    match step {
        Step::Device(bytes) => {
            let lines = raw_lines(bytes);
            let last = lines.iter().rev().find(|line| !line.trim_end_matches(['␍', '␊', ' ']).is_empty());
            let last = last.or(lines.last()).cloned().unwrap_or_default();
            match lines.len() {
                0 | 1 => last.into(),
                count => format!("{count} lines … {last}").into(),
            }
        }
        Step::Line { text, hidden: true } => format!("{} (hidden)", clean_line(text)).into(),
        Step::Line { text, .. } if text.is_empty() => "(an empty line)".into(),
        Step::Line { text, .. } => clean_line(text),
        Step::Keys(bytes) => {
            let keys = raw_lines(bytes).concat();
            if keys.trim().is_empty() { "(a space)".into() } else { format!("{keys} (keys)").into() }
        }
        Step::Wait(millis) => format!("silence of {}", seconds(*millis)).into(),
        Step::Hang => "the device says nothing any more".into(),
        Step::Close => "the device closes the connection".into(),
    }
}

/// The lines of raw bytes, with every control byte visible.
fn raw_lines(bytes: &[u8]) -> Vec<String> {
    let visible = |line: &[u8]| clean_line(&String::from_utf8_lossy(line)).into_owned();
    bytes.split_inclusive(|byte| *byte == b'\n').map(visible).collect()
}

fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1_000, millis % 1_000 / 100)
}

/// What comes of a session with the driver as it is now.
pub fn words(outcome: &driver_files::Outcome) -> (String, Token) {
    use driver_files::Outcome;
    let token = match outcome {
        Outcome::Configuration { doubt: None, .. } | Outcome::GoesOn(_) => Token::Good,
        Outcome::Configuration { .. } | Outcome::Differs { .. } => Token::Warn,
        Outcome::Failed(_) => Token::Bad,
    };
    (outcome.to_string(), token)
}
