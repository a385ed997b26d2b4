//! A terminal session as asciicast v2 (<https://docs.asciinema.org/manual/asciicast/v2/>): what the device sent and when.
//! What was typed is not kept: where it may be seen, the device has echoed it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::device::transport::Window;
use crate::model::Timestamp;

/// The most bytes of a device that are kept of one session.
const MOST: usize = 4 << 20;
/// The most events, so that a device that sends byte by byte takes no more than its share.
const MOST_EVENTS: usize = 200_000;
/// The most secrets that are looked for.
const MOST_SECRETS: usize = 64;
/// What stands for a secret.
const TOKEN: &str = "{secret}";

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
    events: Vec<(Duration, CastEvent)>,
    bytes: usize,
    full: bool,
    secrets: Vec<String>,
}

impl CastRecorder {
    /// For a session in this window, with secrets that must not be kept.
    pub fn new(window: Window, secrets: impl IntoIterator<Item = String>) -> Self {
        let mut recorder = Self { window, events: Vec::new(), bytes: 0, full: false, secrets: Vec::new() };
        secrets.into_iter().for_each(|secret| recorder.hide(secret));
        recorder
    }

    /// Another secret that must not be kept, wherever the device sends it back.
    pub fn hide(&mut self, secret: String) {
        if !secret.is_empty() && !self.secrets.contains(&secret) && self.secrets.len() < MOST_SECRETS {
            self.secrets.push(secret);
        }
    }

    /// The device sent `bytes`, `at` after the session began.
    pub fn output(&mut self, at: Duration, bytes: &[u8]) {
        if self.full {
            return;
        }
        if self.bytes + bytes.len() > MOST || self.events.len() >= MOST_EVENTS {
            self.full = true;
            let note = b"\r\n[the recording is full: the rest is not kept]\r\n".to_vec();
            self.events.push((at, CastEvent::Output(note)));
            return;
        }
        self.bytes += bytes.len();
        self.events.push((at, CastEvent::Output(bytes.to_vec())));
    }

    /// The window has another size.
    pub fn resize(&mut self, at: Duration, window: Window) {
        if !self.full && self.events.len() < MOST_EVENTS {
            self.events.push((at, CastEvent::Resize(window)));
        }
    }

    /// The asciicast, without the secrets.
    pub fn finish(mut self, began: Timestamp, title: &str) -> String {
        self.without_secrets();
        let head = json!({
            "version": 2,
            "width": self.window.columns,
            "height": self.window.rows,
            "timestamp": began.0.div_euclid(1000),
            "title": title,
        });
        let mut text = format!("{head}\n");
        let mut rest = Vec::new();
        for (at, event) in self.events {
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

    /// Replaces each secret, also where it came in several pieces: the piece that it began in gets the token.
    fn without_secrets(&mut self) {
        // the longest first: another may be a part of it
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let outputs = |event: &CastEvent| match event {
            CastEvent::Output(bytes) => bytes.clone(),
            CastEvent::Resize(_) => Vec::new(),
        };
        let all: Vec<u8> = self.events.iter().flat_map(|(_, event)| outputs(event)).collect();
        let mut at = 0;
        let mut skip_to = 0;
        for (_, event) in &mut self.events {
            let CastEvent::Output(bytes) = event else { continue };
            let mut clean = Vec::with_capacity(bytes.len());
            for _ in 0..bytes.len() {
                if at >= skip_to {
                    match self.secrets.iter().find(|secret| all[at..].starts_with(secret.as_bytes())) {
                        Some(secret) => {
                            clean.extend_from_slice(TOKEN.as_bytes());
                            skip_to = at + secret.len();
                        }
                        None => clean.push(all[at]),
                    }
                }
                at += 1;
            }
            *bytes = clean;
        }
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

    const WINDOW: Window = Window { columns: 80, rows: 24 };

    fn said(text: &str) -> String {
        let cast = Cast::read(text).unwrap();
        let bytes = cast.events.into_iter().filter_map(|(_, event)| match event {
            CastEvent::Output(bytes) => Some(bytes),
            CastEvent::Resize(_) => None,
        });
        String::from_utf8(bytes.collect::<Vec<_>>().concat()).unwrap()
    }

    #[test]
    fn a_secret_is_not_kept_however_it_was_cut() {
        let sent = b"x hunter22 hunter2 \xd0\xb6 y";
        for cut in 0..=sent.len() {
            let mut recorder = CastRecorder::new(WINDOW, ["hunter2".to_owned(), String::new()]);
            recorder.output(Duration::ZERO, &sent[..cut]);
            recorder.hide("hunter22".to_owned());
            recorder.resize(Duration::from_millis(1), WINDOW);
            recorder.output(Duration::from_millis(1500), &sent[cut..]);
            let text = recorder.finish(Timestamp(1_700_000_000_123), "core-1");
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
        let mut recorder = CastRecorder::new(WINDOW, []);
        for _ in 0..(2 * MOST / 8192) {
            recorder.output(Duration::ZERO, &[0xff; 8192]);
        }
        assert!(recorder.bytes <= MOST);
        assert!(said(&recorder.finish(Timestamp(0), "x")).ends_with("not kept]\r\n"));
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
