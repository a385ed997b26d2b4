//! What is kept of notifications: those that are not delivered yet, who was told of what, and how targets fare.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Event, EventKind, Severity, Timestamp};
use crate::store::Record;

/// A message that is not delivered yet: to one target, about one event or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Its number, counting up.
    pub id: u64,
    /// To whom: a target's name.
    pub target: String,
    /// By which rule, counting from 1 as in the file.
    pub rule: u32,
    /// When its first event came.
    pub created: Timestamp,
    /// When it is tried next.
    pub due: Timestamp,
    /// When it was to be sent first; what is not delivered a day after that is given up.
    pub wanted: Timestamp,
    /// Whether quiet hours hold it back.
    pub held: bool,
    /// What it tells, oldest first.
    pub items: Vec<Item>,
    /// How many more there were than are kept.
    pub more: u32,
    /// The loudest of them.
    pub severity: Severity,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last try failed.
    pub error: Option<String>,
    /// Whether it is not tried any more by itself.
    pub given_up: bool,
}

/// One thing that a message tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The event; a reminder's was made for it and has the number 0.
    pub event: Event,
    /// Which reminder it is, counting from 1; 0 where it is none.
    pub reminder: u32,
}

impl Record for Outgoing {
    const TABLE: &'static str = "outgoing";
    const VERSION: u8 = 1;
    type Key = u64;
}

/// A target knows of a trouble that goes on. Only such a target is told how it goes on and ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Of what: `incident/7`, `backup/core-1`.
    pub topic: String,
    /// Who.
    pub target: String,
    /// By which rule.
    pub rule: u32,
    /// The message that tells it, while that is not delivered.
    pub waits_in: Option<u64>,
    /// How loud it was.
    pub severity: Severity,
    /// How many reminders were sent.
    pub reminders: u32,
    /// When the next one is due; `None` where none is wanted, or the first message is not delivered.
    pub next_reminder: Option<Timestamp>,
    /// The time before the first reminder; each next one comes after twice as long.
    pub remind: Option<Duration>,
}

impl Told {
    /// What finds it.
    pub fn key(&self) -> String {
        key(&self.topic, &self.target)
    }
}

/// What finds who was told of what. No name of a target has a `/`.
pub fn key(topic: &str, target: &str) -> String {
    format!("{topic}/{target}")
}

impl Record for Told {
    const TABLE: &'static str = "told";
    const VERSION: u8 = 1;
    type Key = String;
}

/// How a target fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// When it took a message last.
    pub last_success: Option<Timestamp>,
    /// When a delivery failed last.
    pub last_failure: Option<Timestamp>,
    /// Why; kept after it works again.
    pub error: Option<String>,
    /// Since when none succeeded.
    pub failing_since: Option<Timestamp>,
    /// Before then nothing is tried, since it could not be reached.
    pub not_before: Option<Timestamp>,
}

impl Record for Health {
    const TABLE: &'static str = "notifytarget";
    const VERSION: u8 = 1;
    /// The target's name.
    type Key = String;
}

/// An event's part in a trouble that begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It begins.
    Begin,
    /// It goes on.
    Middle,
    /// It is over.
    End,
}

/// The trouble that an event is a part of, and which one.
pub fn topic(event: &Event) -> Option<(String, Part)> {
    let part = match event.kind {
        EventKind::IncidentOpened | EventKind::BackupFailed => Part::Begin,
        EventKind::IncidentNoted => Part::Middle,
        EventKind::IncidentClosed | EventKind::BackupRecovered => Part::End,
        _ => return None,
    };
    let topic = match (event.kind, event.incident, &event.device) {
        (EventKind::BackupFailed | EventKind::BackupRecovered, _, Some(device)) => format!("backup/{device}"),
        (EventKind::BackupFailed | EventKind::BackupRecovered, _, None) => return None,
        (_, Some(incident), _) => format!("incident/{incident}"),
        _ => return None,
    };
    Some((topic, part))
}
