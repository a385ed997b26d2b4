//! What a message says: a subject, a text for people, a document for programs. All of it is clean, line by line.

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::model::{Ending, EventKind, Incident, IncidentId, Severity, Timestamp, clean_line};

use super::records::{Item, Outgoing};

/// The version of [`Document`], which stands in it.
const VERSION: u32 = 1;
/// The most devices behind a root that are named.
const MOST_NAMED: usize = 20;
/// The same in the document for programs.
const MOST_IN_JSON: usize = 200;
/// The most changes before an incident that are told.
const MOST_CHANGES: usize = 5;
/// The longest subject, in characters.
const LONGEST_SUBJECT: usize = 120;

/// A message, ready for any kind of target.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its number: the same at every try. 0 for a test.
    pub id: u64,
    /// When its first event came.
    pub created: Timestamp,
    /// One line.
    pub subject: String,
    /// The lines for people.
    pub lines: Vec<String>,
    /// The kinds of events in it, each once.
    pub kinds: Vec<&'static str>,
    /// The device that it is about, where it is about one.
    pub device: Option<String>,
    /// The incident that it is about, where it is about one.
    pub incident: Option<IncidentId>,
    /// How loud.
    pub severity: Severity,
    /// The document, as one line of JSON.
    pub json: String,
}

/// What a webhook gets and what a command reads: see docs/json.md.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    id: u64,
    test: bool,
    at: String,
    severity: Severity,
    subject: &'a str,
    text: String,
    events: Vec<EventObject<'a>>,
    more: u32,
}

#[derive(Serialize)]
struct EventObject<'a> {
    seq: u64,
    at: String,
    kind: EventKind,
    severity: Severity,
    device: Option<&'a str>,
    message: &'a str,
    reminder: u32,
    incident: Option<IncidentObject<'a>>,
}

#[derive(Serialize)]
struct IncidentObject<'a> {
    incident: u64,
    device: &'a str,
    since: String,
    opened: String,
    closed: Option<String>,
    ending: Option<String>,
    cause: &'a str,
    behind: Vec<&'a str>,
    behind_count: usize,
    most_behind: u32,
    times_down: u32,
    before: Vec<ChangeObject<'a>>,
    acknowledged_by: Option<&'a str>,
    assigned: Option<&'a str>,
}

#[derive(Serialize)]
struct ChangeObject<'a> {
    at: String,
    device: &'a str,
    what: &'a str,
}

/// Writes what an outgoing message says, with what is known of its incidents by now.
pub fn compose(outgoing: &Outgoing, incidents: &[Incident], now: Timestamp, zone: &TimeZone) -> Message {
    let find = |id: IncidentId| incidents.iter().find(|incident| incident.id == id);
    let mut lines = Vec::new();
    if outgoing.held {
        lines.push("Held back during the quiet hours:".to_owned());
    }
    let mut told: Vec<IncidentId> = Vec::new();
    let mut heads: Vec<(String, String)> = Vec::new();
    for item in &outgoing.items {
        match item.event.incident.and_then(find) {
            // an incident is one paragraph, however many of its events are here
            Some(incident) if told.contains(&incident.id) => {}
            Some(incident) => {
                told.push(incident.id);
                heads.push(head(incident, item));
                lines.extend(paragraph(incident, item, now, zone));
            }
            None => {
                let event = &item.event;
                let device = event.device.as_ref().map_or(String::new(), |device| format!("{device}: "));
                let (word, line) = (word(event.kind), format!("{device}{}", event.message));
                heads.push((word.to_owned(), line.clone()));
                lines.push(format!("{}  {word}  {line}", clock(event.at, zone)));
            }
        }
    }
    if outgoing.more > 0 {
        lines.push(format!("and {} more: `noctule event list`", outgoing.more));
    }
    let mut kinds: Vec<&'static str> = outgoing.items.iter().map(|item| kind(item.event.kind)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut devices: Vec<String> = outgoing
        .items
        .iter()
        .filter_map(|item| item.event.device.as_ref())
        .map(ToString::to_string)
        .collect();
    devices.dedup();
    finish(Draft {
        id: outgoing.id,
        test: false,
        created: outgoing.created,
        severity: outgoing.severity,
        subject: subject(&heads, outgoing.more),
        lines,
        kinds,
        device: if let [device] = &devices[..] { Some(device.clone()) } else { None },
        incident: if let [incident] = told[..] { Some(incident) } else { None },
        events: outgoing.items.iter().map(|item| object(item, item.event.incident.and_then(find))).collect(),
        more: outgoing.more,
    })
}

/// What `notify test` sends.
pub fn test(target: &str, by: &str, now: Timestamp, zone: &TimeZone) -> Message {
    let subject = format!("noctule: a test, asked for by {by}");
    let line = format!("{}  This is a test of the target {target}. Nothing is wrong.", clock(now, zone));
    finish(Draft {
        id: 0,
        test: true,
        created: now,
        severity: Severity::Info,
        subject,
        lines: vec![line],
        kinds: Vec::new(),
        device: None,
        incident: None,
        events: Vec::new(),
        more: 0,
    })
}

struct Draft<'a> {
    id: u64,
    test: bool,
    created: Timestamp,
    severity: Severity,
    subject: String,
    lines: Vec<String>,
    kinds: Vec<&'static str>,
    device: Option<String>,
    incident: Option<IncidentId>,
    events: Vec<EventObject<'a>>,
    more: u32,
}

fn finish(draft: Draft<'_>) -> Message {
    let mut subject = clean_line(&draft.subject).into_owned();
    if subject.chars().count() > LONGEST_SUBJECT {
        subject = subject.chars().take(LONGEST_SUBJECT - 1).chain(['…']).collect();
    }
    let lines: Vec<String> = draft.lines.iter().map(|line| clean_line(line).into_owned()).collect();
    let document = Document {
        version: VERSION,
        id: draft.id,
        test: draft.test,
        at: draft.created.rfc3339(),
        severity: draft.severity,
        subject: &subject,
        text: lines.join("\n"),
        events: draft.events,
        more: draft.more,
    };
    // plain data with text keys: it is never refused
    let json = serde_json::to_string(&document).unwrap_or_default();
    Message {
        id: draft.id,
        created: draft.created,
        lines,
        kinds: draft.kinds,
        device: draft.device,
        incident: draft.incident,
        severity: draft.severity,
        json,
        subject,
    }
}

/// `DOWN core-1, 143 behind it`; of several: `2 DOWN, 1 UP: core-1, core-2, edge-7`.
fn subject(heads: &[(String, String)], more: u32) -> String {
    match heads {
        [] => "noctule".to_owned(),
        [(word, what)] if more == 0 => format!("{word} {what}"),
        _ => {
            let mut counts: Vec<(&str, usize)> = Vec::new();
            for (word, _) in heads {
                match counts.iter_mut().find(|(known, _)| known == word) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((word, 1)),
                }
            }
            let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
            let names = |what: &str| what.split([',', ':', ' ']).next().unwrap_or_default().to_owned();
            let mut names: Vec<String> = heads.iter().map(|(_, what)| names(what)).collect();
            names.dedup();
            format!("{}: {}", counts.join(", "), names.join(", "))
        }
    }
}

/// The word and the rest of an incident's line.
fn head(incident: &Incident, item: &Item) -> (String, String) {
    let behind = match incident.behind.len() {
        0 => String::new(),
        count => format!(", {count} behind it"),
    };
    match (&incident.closed, &incident.ending) {
        (Some(closed), ending) => {
            let took = incident.lasts_in_words(*closed);
            match ending {
                Some(Ending::Recovered) | None => {
                    ("UP".to_owned(), format!("{} after {took}", incident.name))
                }
                Some(other) => ("CLOSED".to_owned(), format!("{}: {}", incident.name, ending_words(other))),
            }
        }
        (None, _) if item.reminder > 0 => ("STILL DOWN".to_owned(), format!("{}{behind}", incident.name)),
        (None, _) if item.event.kind == EventKind::IncidentNoted => {
            ("NOTED".to_owned(), format!("{}: {}", incident.name, item.event.message))
        }
        (None, _) => ("DOWN".to_owned(), format!("{}{behind}", incident.name)),
    }
}

/// All that is known of an incident.
fn paragraph(incident: &Incident, item: &Item, now: Timestamp, zone: &TimeZone) -> Vec<String> {
    let (word, what) = head(incident, item);
    let mut lines = vec![format!("{word} {what}")];
    lines.push(format!(
        "  incident {}, since {}{}",
        incident.id,
        date(incident.since, zone),
        match incident.closed {
            Some(closed) => format!(" until {} ({})", date(closed, zone), incident.lasts_in_words(closed)),
            None => format!(" ({})", incident.lasts_in_words(now)),
        }
    ));
    if !incident.cause.is_empty() {
        lines.push(format!("  cause: {}", incident.cause));
    }
    if incident.times_down > 1 {
        lines.push(format!("  it went down {} times", incident.times_down));
    }
    if !incident.behind.is_empty() {
        let named: Vec<&str> = incident.behind.iter().take(MOST_NAMED).map(|name| name.as_str()).collect();
        let over = incident.behind.len().saturating_sub(MOST_NAMED);
        let over = if over > 0 { format!(" and {over} more") } else { String::new() };
        lines.push(format!("  behind it: {}{over}", named.join(", ")));
    }
    for change in incident.before.iter().take(MOST_CHANGES) {
        lines.push(format!(
            "  shortly before: {} {}: {}",
            clock(change.at, zone),
            change.device,
            change.what
        ));
    }
    if let Some(note) = &incident.acknowledged {
        lines.push(format!("  {} took note: {}", note.by, note.why));
    }
    if let Some(assigned) = &incident.assigned {
        lines.push(format!("  {assigned} looks after it"));
    }
    if let Some(comment) = incident.comments.last() {
        lines.push(format!("  {}: {}", comment.by, comment.text));
    }
    lines
}

fn ending_words(ending: &Ending) -> String {
    match ending {
        Ending::Recovered => "answers again".to_owned(),
        Ending::PartOf(other) => format!("is part of incident {other} now"),
        Ending::Unwatched => "is not watched any more".to_owned(),
        Ending::Closed { by, why } => format!("closed by {by}: {why}"),
    }
}

fn object<'a>(item: &'a Item, incident: Option<&'a Incident>) -> EventObject<'a> {
    let event = &item.event;
    EventObject {
        seq: event.seq,
        at: event.at.rfc3339(),
        kind: event.kind,
        severity: event.severity,
        device: event.device.as_ref().map(|device| device.as_str()),
        message: &event.message,
        reminder: item.reminder,
        incident: incident.map(|incident| IncidentObject {
            incident: incident.id.0,
            device: incident.name.as_str(),
            since: incident.since.rfc3339(),
            opened: incident.opened.rfc3339(),
            closed: incident.closed.map(Timestamp::rfc3339),
            ending: incident.ending.as_ref().map(ending_words),
            cause: &incident.cause,
            behind: incident.behind.iter().take(MOST_IN_JSON).map(|name| name.as_str()).collect(),
            behind_count: incident.behind.len(),
            most_behind: incident.most_behind,
            times_down: incident.times_down,
            before: incident
                .before
                .iter()
                .map(|change| ChangeObject {
                    at: change.at.rfc3339(),
                    device: change.device.as_str(),
                    what: &change.what,
                })
                .collect(),
            acknowledged_by: incident.acknowledged.as_ref().map(|note| note.by.as_str()),
            assigned: incident.assigned.as_deref(),
        }),
    }
}

fn clock(at: Timestamp, zone: &TimeZone) -> String {
    format(at, "%H:%M:%S", zone)
}

fn date(at: Timestamp, zone: &TimeZone) -> String {
    format(at, "%Y-%m-%d %H:%M:%S %Z", zone)
}

fn format(at: Timestamp, format: &str, zone: &TimeZone) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| "unknown".to_owned(), |at| at.to_zoned(zone.clone()).strftime(format).to_string())
}

/// A kind for people.
fn word(kind: EventKind) -> &'static str {
    match kind {
        EventKind::IncidentOpened => "DOWN",
        EventKind::IncidentClosed => "UP",
        other => self::kind(other),
    }
}

/// A kind as JSON has it.
pub fn kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::ConfigChanged => "config-changed",
        EventKind::BackupFailed => "backup-failed",
        EventKind::BackupRecovered => "backup-recovered",
        EventKind::Quarantined => "quarantined",
        EventKind::HostKeyPinned => "host-key-pinned",
        EventKind::HostKeyChanged => "host-key-changed",
        EventKind::Inventory => "inventory",
        EventKind::System => "system",
        EventKind::IdentityChanged => "identity-changed",
        EventKind::IncidentOpened => "incident-opened",
        EventKind::IncidentNoted => "incident-noted",
        EventKind::IncidentClosed => "incident-closed",
        EventKind::Maintenance => "maintenance",
        EventKind::Pulse => "pulse",
        EventKind::Notification => "notification",
        EventKind::Users => "users",
    }
}
