//! A recorded terminal, played back through the emulator that live ones are drawn by.

use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane};
use crate::console::text;
use crate::console::theme::Token;
use crate::console::widgets::{Emulator, notice};
use crate::engine::query::{Answer, Query};
use crate::engine::terminal::{Cast, CastEvent};
use crate::model::{DeviceId, Timestamp, clean_line};

inventory::submit! { Decl {
    name: "play",
    aliases: &[],
    title: "Play",
    about: "Play the recording of a terminal",
    args: "DEVICE [NUMBER]",
    tab: None,
    reads: &[],
    keys: &[
        Bind::hint("space", "pause", "Pause, or go on"),
        Bind::hint("left", "seek -5", "5 s back"),
        Bind::hint("right", "seek 5", "5 s on"),
        Bind::hint("+", "faster", "Faster"),
        Bind::new("_", "slower", "Slower"),
        Bind::new("h", "seek -5", "5 s back"),
        Bind::new("l", "seek 5", "5 s on"),
        Bind::new("g g", "top", "From the beginning"),
        Bind::new("G", "bottom", "To the end"),
    ],
    make: |args, cx| {
        let usage = || "play needs a device: :play core-1, :play core-1 7".to_owned();
        let (name, number) = match args {
            [name] => (name, None),
            [name, number] => (name, Some(number.parse().map_err(|_| usage())?)),
            _ => return Err(usage()),
        };
        let device = cx.device_named(name).ok_or_else(|| format!("There is no device {name}"))?.device.id;
        Ok(Box::new(Play {
            device,
            name: name.clone(),
            number,
            asked: false,
            film: None,
            failed: None,
            at: Duration::ZERO,
            moved: None,
            playing: true,
            speed: 1,
        }))
    },
} }

/// The fastest, in times of the real pace.
const FASTEST: u32 = 16;
/// The least time between two pictures.
const PACE: Duration = Duration::from_millis(50);

struct Play {
    device: DeviceId,
    name: String,
    number: Option<u64>,
    asked: bool,
    film: Option<Film>,
    failed: Option<String>,
    /// How far it is.
    at: Duration,
    /// When it was so far.
    moved: Option<Timestamp>,
    playing: bool,
    speed: u32,
}

/// A recording, and the screen after the events before `next`.
struct Film {
    cast: Arc<Cast>,
    next: usize,
    emulator: Emulator,
}

impl Film {
    fn new(cast: Arc<Cast>) -> Self {
        let emulator = Emulator::new(cast.window);
        Self { cast, next: 0, emulator }
    }

    /// Shows what the screen was at that moment.
    fn show(&mut self, at: Duration) {
        if self.next > 0 && self.cast.events[self.next - 1].0 > at {
            *self = Self::new(Arc::clone(&self.cast));
        }
        while let Some((_, event)) = self.cast.events.get(self.next).filter(|(when, _)| *when <= at) {
            match event {
                // what the recording asks of a terminal nobody answers
                CastEvent::Output(bytes) => drop(self.emulator.feed(bytes)),
                CastEvent::Resize(window) => self.emulator.resize(*window),
            }
            self.next += 1;
        }
    }
}

impl Play {
    fn length(&self) -> Duration {
        self.film.as_ref().map_or(Duration::ZERO, |film| film.cast.length())
    }

    /// Goes on to where it is at this moment.
    fn go_on(&mut self, now: Timestamp) {
        let passed = self.moved.replace(now).map_or(Duration::ZERO, |before| before.age(now));
        if self.playing && self.film.is_some() {
            self.at = self.at.saturating_add(passed.saturating_mul(self.speed)).min(self.length());
            self.playing = self.at < self.length();
        }
    }

    fn seek(&mut self, at: Duration) -> Outcome {
        self.at = at.min(self.length());
        Outcome::Done
    }
}

impl Pane for Play {
    fn subject(&self) -> String {
        match self.number {
            Some(number) => format!("{} {number}", self.name),
            None => self.name.clone(),
        }
    }

    fn status(&self, _cx: &Cx) -> String {
        if self.film.is_none() {
            return String::new();
        }
        let (at, of) = (self.at.as_secs(), self.length().as_secs());
        let pace = if self.playing { format!("{}x", self.speed) } else { "paused".to_owned() };
        format!("{}:{:02} of {}:{:02}  {pace}", at / 60, at % 60, of / 60, of % 60)
    }

    fn wants(&mut self, _cx: &Cx) -> Option<Query> {
        (!std::mem::replace(&mut self.asked, true)).then_some(Query::Terminal(self.device, self.number))
    }

    fn answer(&mut self, answer: Answer, cx: &Cx) {
        match answer {
            Answer::Terminal(number, cast) => {
                self.number = Some(number);
                self.film = Some(Film::new(cast));
                self.moved = Some(cx.now);
            }
            Answer::Failed(why) => self.failed = Some(clean_line(&why).into_owned()),
            _ => {}
        }
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        self.go_on(cx.now);
        match words {
            ["pause"] => {
                if !self.playing && self.at >= self.length() {
                    self.at = Duration::ZERO;
                }
                self.playing = !self.playing;
                Outcome::Done
            }
            ["seek", seconds] => match seconds.parse::<i64>() {
                Ok(seconds) => {
                    let step = Duration::from_secs(seconds.unsigned_abs());
                    let to = if seconds < 0 { self.at.saturating_sub(step) } else { self.at.saturating_add(step) };
                    self.seek(to)
                }
                Err(_) => Outcome::refused("seek takes seconds: seek -5"),
            },
            ["faster"] => {
                self.speed = (self.speed * 2).min(FASTEST);
                Outcome::Done
            }
            ["slower"] => {
                self.speed = (self.speed / 2).max(1);
                Outcome::Done
            }
            ["top"] => self.seek(Duration::ZERO),
            ["bottom"] => self.seek(Duration::MAX),
            _ => Outcome::Unknown,
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        self.go_on(cx.now);
        let at = self.at;
        let Some(film) = &mut self.film else {
            let sentence = self.failed.as_deref().unwrap_or("Reading the recording …");
            return notice(area, buf, &cx.theme, sentence);
        };
        film.show(at);
        film.emulator.draw(area, buf, &cx.theme);
        let window = film.cast.window;
        if area.width < window.columns || area.height < window.rows {
            let note = format!("recorded at {}x{}: part of it is not seen", window.columns, window.rows);
            let y = area.bottom().saturating_sub(1);
            text::put_right(buf, area.x, y, area.width, &note, cx.theme.style(Token::Warn));
        }
    }

    fn wakes_at(&self, cx: &Cx) -> Option<Timestamp> {
        let film = self.film.as_ref().filter(|_| self.playing)?;
        let next = film.cast.events.get(film.next).map_or(self.length(), |(at, _)| *at);
        let wait = next.saturating_sub(self.at) / self.speed.max(1);
        // the clock in the title row moves with it
        Some(cx.now.after(wait.clamp(PACE, Duration::from_secs(1))))
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        Some(self.name.clone())
    }
}
