//! What every pane may look at.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::action::{LineId, Output};
use super::theme::Theme;
use crate::engine::snapshot::{DeviceRow, Snapshot};
use crate::model::{DeviceId, Rights, Timestamp, clean_line};

/// Most lines kept of one command's output.
const MOST_LINES: usize = 10_000;
/// Most commands whose output is kept.
const MOST_RUNS: usize = 50;

/// The present, as one operator's session sees it.
#[derive(Debug)]
pub struct Cx {
    /// The engine's picture.
    pub snapshot: Arc<Snapshot>,
    /// The time.
    pub now: Timestamp,
    /// Colours and glyphs.
    pub theme: Theme,
    /// The operator's time zone.
    pub zone: TimeZone,
    /// What the operator may do.
    pub rights: Rights,
    /// Command lines that this session started, oldest first.
    pub runs: Vec<CommandRun>,
}

/// A command line that this session started, and what it said.
#[derive(Debug)]
pub struct CommandRun {
    /// Its number.
    pub id: LineId,
    /// The line.
    pub line: String,
    /// When it was started.
    pub at: Timestamp,
    /// Its output, each line clean.
    pub lines: Vec<String>,
    /// How it ended, once it has.
    pub exit: Option<u8>,
    /// Whether it was typed, so that its output is waited for.
    pub typed: bool,
}

impl Cx {
    /// The device of this number.
    pub fn device(&self, id: DeviceId) -> Option<&DeviceRow> {
        self.snapshot.devices.by_id(id)
    }

    /// The device of this name that is not deleted.
    pub fn device_named(&self, name: &str) -> Option<&DeviceRow> {
        let rows = &self.snapshot.devices;
        // sorted by name
        let first = rows.partition_point(|row| row.device.name.as_str() < name);
        rows[first..]
            .iter()
            .take_while(|row| row.device.name.as_str() == name)
            .find(|row| row.device.deleted.is_none())
    }

    /// A moment in the operator's time zone, to the second.
    pub fn date(&self, at: Timestamp) -> String {
        self.format(at, "%Y-%m-%d %H:%M:%S")
    }

    /// The same with the zone's name: where a moment is told in full, to somebody who may sit in another zone.
    pub fn full(&self, at: Timestamp) -> String {
        self.format(at, "%Y-%m-%d %H:%M:%S %Z")
    }

    /// The same, hours and minutes alone.
    pub fn clock(&self, at: Timestamp) -> String {
        self.format(at, "%H:%M")
    }

    /// The same in at most 11 columns: the time of today, the day of this year, the date of years before.
    pub fn when(&self, at: Timestamp) -> String {
        let part = |format: &str, other: Timestamp| self.format(other, format);
        if part("%F", at) == part("%F", self.now) {
            self.format(at, "%H:%M:%S")
        } else if part("%Y", at) == part("%Y", self.now) {
            self.format(at, "%m-%d %H:%M")
        } else {
            self.format(at, "%F")
        }
    }

    /// The same in a strftime `format`.
    pub fn format(&self, at: Timestamp, format: &str) -> String {
        jiff::Timestamp::from_millisecond(at.0).map_or_else(
            |_| "unknown".to_owned(),
            |at| at.to_zoned(self.zone.clone()).strftime(format).to_string(),
        )
    }

    /// How long ago, in whole minutes or more, so that it stands still while nothing happens: `<1m`, `5m`, `3h`, `12d`, `2y`; `-` for never.
    pub fn age(&self, at: Option<Timestamp>) -> String {
        let Some(at) = at else { return "-".to_owned() };
        match at.age(self.now).as_secs() {
            0..60 => "<1m".to_owned(),
            seconds @ 60..3600 => format!("{}m", seconds / 60),
            seconds @ 3600..172_800 => format!("{}h", seconds / 3600),
            seconds @ 172_800..63_072_000 => format!("{}d", seconds / 86_400),
            seconds => format!("{}y", seconds / 31_536_000),
        }
    }

    /// Notes a command line that starts now.
    pub fn started(&mut self, id: LineId, line: String, typed: bool) {
        if self.runs.len() >= MOST_RUNS {
            self.runs.remove(0);
        }
        self.runs.push(CommandRun { id, line, at: self.now, lines: Vec::new(), exit: None, typed });
    }

    /// Notes what a command line said.
    pub fn said(&mut self, id: LineId, output: Output) -> Option<&CommandRun> {
        let run = self.runs.iter_mut().find(|run| run.id == id)?;
        match output {
            Output::Line(line) if run.lines.len() < MOST_LINES => {
                run.lines.push(clean_line(&line).into_owned());
            }
            Output::Line(_) => {}
            Output::Exit(code) => run.exit = Some(code),
        }
        Some(run)
    }
}
