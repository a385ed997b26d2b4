//! A terminal session as asciicast v2 (<https://docs.asciinema.org/manual/asciicast/v2/>): what the device sent and when.
//! What was typed is not kept: where it may be seen, the device has echoed it.

use std::time::Duration;

use serde_json::{Value, json};

use super::redact::redact;
use crate::device::secrets::SecretFinder;
use crate::device::transport::Window;
use crate::model::Timestamp;

/// The most bytes of a device that are kept of one session.
const MOST: usize = 4 << 20;
/// The most events, so that a device that sends byte by byte takes no more than its share.
const MOST_EVENTS: usize = 200_000;
/// The most secrets that are known beforehand.
const MOST_SECRETS: usize = 2_000;

/// An event of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CastEvent {
    /// The device sent this.
    Output(Vec<u8>),
    /// The window has this size from now on.
    Resize(Window),
}

/// A session as it is played back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cast {
    /// The window at the beginning.
    pub window: Window,
    /// The events, and how long after the beginning.
    pub events: Vec<(Duration, CastEvent)>,
}

/// Records a session.
pub struct CastRecorder {
    window: Window,
    times: Vec<Duration>,
    events: Vec<CastEvent>,
    bytes: usize,
    full_at: Option<Duration>,
    secrets: Vec<Vec<u8>>,
}

impl CastRecorder {
    /// For a session in this window.
    pub fn new(window: Window) -> Self {
        Self { window, times: Vec::new(), events: Vec::new(), bytes: 0, full_at: None, secrets: Vec::new() }
    }

    /// A secret that must not be kept, wherever the device sends it back: its bytes, as the device writes it.
    pub fn hide(&mut self, secret: impl Into<Vec<u8>>) {
        let secret = secret.into();
        if !secret.is_empty() && !self.secrets.contains(&secret) && self.secrets.len() < MOST_SECRETS {
            self.secrets.push(secret);
        }
    }

    /// The device sent `bytes`, `at` after the session began.
    pub fn output(&mut self, at: Duration, bytes: &[u8]) {
        if self.full_at.is_some() {
            return;
        }
        if self.bytes + bytes.len() > MOST || self.events.len() >= MOST_EVENTS {
            self.full_at = Some(at);
            return;
        }
        self.bytes += bytes.len();
        self.push(at, CastEvent::Output(bytes.to_vec()));
    }

    /// The window has another size.
    pub fn resize(&mut self, at: Duration, window: Window) {
        if self.full_at.is_none() && self.events.len() < MOST_EVENTS {
            self.push(at, CastEvent::Resize(window));
        }
    }

    fn push(&mut self, at: Duration, event: CastEvent) {
        self.times.push(at);
        self.events.push(event);
    }

    /// The asciicast, without those secrets and without what `finder` finds.
    pub fn finish(mut self, began: Timestamp, title: &str, finder: SecretFinder) -> String {
        let redacted = redact(&mut self.events, self.window, finder, &self.secrets, self.full_at.is_some());
        let last = self.times.last().copied().unwrap_or_default();
        if redacted.is_err() {
            self.note(last, "the rest is not kept: too much would have to be searched for secrets");
        } else if let Some(at) = self.full_at {
            self.note(at, "the recording is full: the rest is not kept");
        }
        self.write(began, title)
    }

    fn note(&mut self, at: Duration, what: &str) {
        self.push(at, CastEvent::Output(format!("\r\n[{what}]\r\n").into_bytes()));
    }

    fn write(self, began: Timestamp, title: &str) -> String {
        let head = json!({
            "version": 2,
            "width": self.window.columns,
            "height": self.window.rows,
            "timestamp": began.0.div_euclid(1000),
            "title": title,
        });
        let mut text = format!("{head}\n");
        let mut rest = Vec::new();
        for (at, event) in self.times.into_iter().zip(self.events) {
            let (code, data) = match event {
                CastEvent::Output(bytes) => {
                    rest.extend(bytes);
                    // a character that the network cut goes with its other half
                    let whole = whole_characters(&rest);
                    let after = rest.split_off(whole);
                    let data = String::from_utf8_lossy(&rest).into_owned();
                    rest = after;
                    ("o", data)
                }
                CastEvent::Resize(window) => ("r", format!("{}x{}", window.columns, window.rows)),
            };
            if !data.is_empty() {
                let millis = u32::try_from(at.as_millis()).unwrap_or(u32::MAX);
                text.push_str(&json!([f64::from(millis) / 1000.0, code, data]).to_string());
                text.push('\n');
            }
        }
        text
    }
}

/// How many bytes there are before a character at the end that is not whole yet.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let needs = match bytes[at] {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => 1,
        };
        return if needs > back { at } else { bytes.len() };
    }
    bytes.len()
}

impl Cast {
    /// Reads an asciicast v2.
    ///
    /// # Errors
    /// The line that is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let head: Value = serde_json::from_str(lines.next().unwrap_or_default())
            .map_err(|error| format!("line 1 is no head of an asciicast: {error}"))?;
        let side = |name: &str| head[name].as_u64().and_then(|side| u16::try_from(side).ok());
        let (Some(columns), Some(rows), Some(2)) = (side("width"), side("height"), head["version"].as_u64())
        else {
            return Err("line 1 is no head of an asciicast of version 2".into());
        };
        let mut events = Vec::new();
        for (line, number) in lines.zip(2..).take(MOST_EVENTS * 2) {
            let wrong = |why: &str| format!("line {number} is no event: {why}");
            let (at, code, data): (f64, String, String) =
                serde_json::from_str(line).map_err(|error| wrong(&error.to_string()))?;
            let at = Duration::try_from_secs_f64(at).map_err(|error| wrong(&error.to_string()))?;
            match code.as_str() {
                "o" => events.push((at, CastEvent::Output(data.into_bytes()))),
                "r" => {
                    let window = data.split_once('x').and_then(|(columns, rows)| {
                        Some(Window { columns: columns.parse().ok()?, rows: rows.parse().ok()? })
                    });
                    events.push((at, CastEvent::Resize(window.ok_or_else(|| wrong("no size"))?)));
                }
                _ => {}
            }
        }
        Ok(Self { window: Window { columns, rows }, events })
    }

    /// From the first event to the last.
    pub fn length(&self) -> Duration {
        self.events.last().map_or(Duration::ZERO, |(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::driver::Drivers;

    const WINDOW: Window = Window { columns: 80, rows: 24 };

    fn said(text: &str) -> String {
        let cast = Cast::read(text).unwrap();
        let bytes = cast.events.into_iter().filter_map(|(_, event)| match event {
            CastEvent::Output(bytes) => Some(bytes),
            CastEvent::Resize(_) => None,
        });
        String::from_utf8(bytes.collect::<Vec<_>>().concat()).unwrap()
    }

    fn finder() -> SecretFinder {
        SecretFinder::new(Drivers::embedded().get(&"cisco_ios".parse().unwrap()).unwrap())
    }

    #[test]
    fn a_secret_is_not_kept_however_it_was_cut() {
        let sent = b"x hunter22 hunter2 \xd0\xb6 y";
        for cut in 0..=sent.len() {
            let mut recorder = CastRecorder::new(WINDOW);
            ["hunter2", ""].into_iter().for_each(|secret| recorder.hide(secret));
            recorder.output(Duration::ZERO, &sent[..cut]);
            recorder.hide("hunter22");
            recorder.resize(Duration::from_millis(1), WINDOW);
            recorder.output(Duration::from_millis(1500), &sent[cut..]);
            let text = recorder.finish(Timestamp(1_700_000_000_123), "core-1", finder());
            assert!(!text.contains("hunter"), "{text}");
            assert_eq!(said(&text), "x {secret} {secret} ж y", "cut at {cut}");
            assert!(
                text.starts_with("{\"height\":24") && text.contains("\"timestamp\":1700000000"),
                "{text}"
            );
        }
    }

    #[test]
    fn an_endless_session_fills_the_recording_and_no_more() {
        let mut recorder = CastRecorder::new(WINDOW);
        for _ in 0..(2 * MOST / 8192) {
            recorder.output(Duration::ZERO, &[0xff; 8192]);
        }
        assert!(recorder.bytes <= MOST);
        assert!(said(&recorder.finish(Timestamp(0), "x", finder())).ends_with("not kept]\r\n"));
    }

    #[test]
    fn what_is_no_asciicast_is_refused_with_its_line() {
        for (text, part) in [
            ("", "line 1"),
            ("{\"version\":1,\"width\":80,\"height\":24}", "version 2"),
            ("{\"version\":2,\"width\":80,\"height\":24}\n[-1,\"o\",\"\"]", "line 2"),
            ("{\"version\":2,\"width\":80,\"height\":24}\n[1,\"r\",\"80\"]", "line 2"),
        ] {
            let error = Cast::read(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
