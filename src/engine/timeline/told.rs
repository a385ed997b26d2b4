//! Entries of a timeline, made of what is kept.

use super::{Behind, Kind, TimelineEntry};
use crate::engine::pulse::{PulseRow, State};
use crate::engine::series::{Standing, Stretch};
use crate::model::{
    Device, Ending, Event, EventKind, Incident, Maintenance, Revision, RevisionState, Run, RunStatus,
    Severity, Timestamp, length,
};

/// An event and the record that it tells of carry the same text and moment, give or take this many milliseconds.
const SAME: u64 = 10_000;
/// The pulse's picture and the log of states tell of the same change, give or take this many milliseconds.
const SAME_CHANGE: u64 = 120_000;

/// What is said of a device that fell silent.
const DOWN: &str = "does not answer";

fn entry(at: Timestamp, kind: Kind, severity: Severity, what: impl Into<String>) -> TimelineEntry {
    TimelineEntry { at, kind, severity, what: what.into(), by: None, behind: None }
}

impl TimelineEntry {
    fn by(mut self, by: &str) -> Self {
        self.by = Some(by.to_owned()).filter(|by| !by.is_empty());
        self
    }

    fn about(mut self, behind: Behind) -> Self {
        self.behind = Some(behind);
        self
    }
}

/// Revisions, and runs that stored none.
pub(super) fn backups(revisions: &[Revision], runs: &[Run]) -> Vec<TimelineEntry> {
    let mut entries: Vec<TimelineEntry> = Vec::new();
    for revision in revisions {
        let number = revision.number;
        let run = runs.iter().find(|run| run.revision == Some(number) && run.status != RunStatus::Unchanged);
        let by = run.map_or("", |run| run.by.as_str());
        let say = |at, severity, what: String| {
            entry(at, Kind::Config, severity, what).about(Behind::Revision(number))
        };
        let put_aside = |lacked: &str| {
            say(revision.at, Severity::Warning, format!("revision {number} was put aside: {lacked}"))
        };
        match &revision.state {
            RevisionState::Good => {
                let what = match number {
                    1 => format!("the first configuration is stored: {} lines", revision.lines),
                    _ => format!("the configuration changed: revision {number}, {} lines", revision.lines),
                };
                entries.push(say(revision.at, Severity::Info, what).by(by));
            }
            RevisionState::Quarantined { reason } => entries.push(put_aside(reason).by(by)),
            RevisionState::Accepted(accepted) => {
                entries.push(put_aside(&accepted.lacked).by(by));
                let what = format!("revision {number} was accepted as it is: {}", accepted.why);
                entries.push(say(accepted.at, Severity::Info, what).by(&accepted.by));
            }
        }
    }
    let stored = |run: &Run| {
        let number = run.revision.filter(|_| run.status != RunStatus::Unchanged);
        number.is_some_and(|number| revisions.iter().any(|revision| revision.number == number))
    };
    entries.extend(runs.iter().filter(|run| !stored(run)).map(backup));
    entries
}

fn backup(run: &Run) -> TimelineEntry {
    let why = run.failure.as_ref().map(|failure| failure.to_string()).unwrap_or_default();
    let (severity, what) = match run.status {
        RunStatus::Failed => (Severity::Warning, format!("backup failed: {why}")),
        RunStatus::Skipped => (Severity::Info, format!("backup skipped: {why}")),
        RunStatus::Unchanged => (Severity::Info, "backup: the configuration is the same".to_owned()),
        // its revision is forgotten
        RunStatus::Changed => (Severity::Info, "backup: the configuration changed".to_owned()),
    };
    let told = entry(run.at, Kind::Backup, severity, what).by(&run.by);
    match (run.recording, run.revision) {
        (Some(recording), _) => told.about(Behind::Recording(recording)),
        (None, Some(number)) if run.status == RunStatus::Unchanged => told.about(Behind::Revision(number)),
        _ => told,
    }
}

/// An incident at the device, or one that it lay behind.
pub(super) fn incident(incident: &Incident, device: &Device) -> Vec<TimelineEntry> {
    let (id, at_root) = (incident.id, incident.root == device.id);
    let say =
        |at, severity, what: String| entry(at, Kind::Incident, severity, what).about(Behind::Incident(id.0));
    let begin = match at_root {
        true => {
            let behind = match incident.most_behind {
                0 => String::new(),
                count => format!(", {count} behind it"),
            };
            let times = match incident.times_down {
                0 | 1 => String::new(),
                times => format!(", {times} times down"),
            };
            format!("incident {id} begins{behind}{times}: {}", incident.cause)
        }
        false => {
            let way = match incident.has_had_behind(device.id, &device.name) {
                true => "which this lay behind",
                // of an old one
                false => "which this hangs on now",
            };
            format!("incident {id} begins at {}, {way}: {}", incident.name, incident.cause)
        }
    };
    let mut entries = vec![say(incident.opened, Severity::Error, begin)];
    if let Some(note) = &incident.acknowledged {
        let what = format!("incident {id} acknowledged: {}", note.why);
        entries.push(say(note.at, Severity::Info, what).by(&note.by));
    }
    for comment in &incident.comments {
        let what = format!("incident {id}, comment: {}", comment.text);
        entries.push(say(comment.at, Severity::Info, what).by(&comment.by));
    }
    if let Some(closed) = incident.closed {
        let lasted = incident.lasts_in_words(closed);
        let told = |what: String| say(closed, Severity::Info, what);
        entries.push(match &incident.ending {
            Some(Ending::PartOf(other)) => told(format!("incident {id} is part of incident {other} now")),
            Some(Ending::Unwatched) => told(format!("incident {id} is over: not watched any more")),
            Some(Ending::Closed { by, why }) => {
                told(format!("incident {id} closed after {lasted}: {why}")).by(by)
            }
            Some(Ending::Recovered) | None => told(format!("incident {id} is over after {lasted}")),
        });
    }
    entries
}

/// Planned work that covers the device: that it was announced, has begun, is over.
pub(super) fn planned(window: &Maintenance, now: Timestamp) -> Vec<TimelineEntry> {
    let id = window.id;
    let say = |at, what: String| {
        entry(at, Kind::Maintenance, Severity::Info, what).about(Behind::Maintenance(id.0))
    };
    let moment = |at: Timestamp| at.local_as("%m-%d %H:%M");
    let (scope, why) = (&window.scope, &window.why);
    let mut entries = Vec::new();
    // of what begins at once one entry is enough
    if window.announced < window.from {
        let (from, until) = (moment(window.from), moment(window.until));
        let when = if window.is_called_off() { from } else { format!("{from} to {until}") };
        let what = format!("planned work {id} announced on {scope}, {when}: {why}");
        entries.push(say(window.announced, what).by(&window.by));
    }
    if window.from <= now && !window.is_called_off() {
        entries.push(say(window.from, format!("planned work {id} begins on {scope}: {why}")).by(&window.by));
    }
    if window.until <= now {
        let (what, by) = match &window.ended_by {
            Some(by) if window.is_called_off() => ("called off", by.as_str()),
            Some(by) => ("ended early", by.as_str()),
            None => ("over", ""),
        };
        entries.push(say(window.until, format!("planned work {id} is {what}")).by(by));
    }
    entries
}

/// What is known of an outage's length.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Exactly,
    /// Nobody watched to its end.
    AtMost,
    /// It had begun before the first moment that is told of.
    AtLeast,
    Not,
}

/// When it stopped answering, and when it answered again; `from` is the first moment that is told of.
pub(super) fn pulse(stretches: &[Stretch], from: Timestamp) -> Vec<TimelineEntry> {
    let mut entries = Vec::new();
    let mut down: Option<(Timestamp, Known)> = None;
    for stretch in stretches {
        match (stretch.standing, down) {
            (Standing::Down, None) if stretch.from <= from => down = Some((stretch.from, Known::AtLeast)),
            (Standing::Down, None) => {
                let (severity, what) = match stretch.planned {
                    true => (Severity::Info, "does not answer, in planned work"),
                    false => (Severity::Warning, DOWN),
                };
                entries.push(entry(stretch.from, Kind::Pulse, severity, what));
                down = Some((stretch.from, Known::Exactly));
            }
            (Standing::Up, Some((since, known))) => {
                let lasted = length(since.age(stretch.from));
                let what = match known {
                    Known::Exactly => format!("answers again after {lasted}"),
                    Known::AtLeast => format!("answers again after more than {lasted}"),
                    Known::AtMost => {
                        format!("answers; it was down for {lasted} at most: in between nobody watched")
                    }
                    Known::Not => "answers; nobody knows since when: in between nobody watched".to_owned(),
                };
                entries.push(entry(stretch.from, Kind::Pulse, Severity::Info, what));
                down = None;
            }
            (Standing::Unknown, Some((since, Known::Exactly))) => down = Some((since, Known::AtMost)),
            (Standing::Unknown, Some((since, Known::AtLeast))) => down = Some((since, Known::Not)),
            (Standing::Down | Standing::Unknown, Some(_)) | (Standing::Up | Standing::Unknown, None) => {}
        }
    }
    entries
}

/// What the pulse sees now, where the log does not tell it yet.
pub(super) fn just_now(row: &PulseRow, known: &[TimelineEntry]) -> Option<TimelineEntry> {
    let since = row.since?;
    let newest = known.last();
    let is_told = newest.is_some_and(|told| told.at >= since || told.at.0.abs_diff(since.0) < SAME_CHANGE);
    match row.state {
        State::Down if !is_told => Some(entry(since, Kind::Pulse, Severity::Warning, DOWN)),
        _ => None,
    }
}

/// An event that no record tells of.
pub(super) fn event(event: &Event, incidents: &[Incident]) -> Option<TimelineEntry> {
    let kind = match event.kind {
        EventKind::BackupRecovered => Kind::Backup,
        EventKind::HostKeyPinned | EventKind::HostKeyChanged => Kind::HostKey,
        EventKind::Inventory => Kind::Record,
        EventKind::IdentityChanged => Kind::Identity,
        EventKind::IncidentNoted if is_in_record(event, incidents) => return None,
        EventKind::IncidentNoted => Kind::Incident,
        EventKind::System | EventKind::Pulse | EventKind::Notification | EventKind::Users => Kind::Other,
        // revisions, runs, incidents and planned work are told of themselves
        EventKind::ConfigChanged
        | EventKind::Quarantined
        | EventKind::BackupFailed
        | EventKind::IncidentOpened
        | EventKind::IncidentClosed
        | EventKind::Maintenance => return None,
    };
    let told = entry(event.at, kind, event.severity, &event.message);
    Some(match event.incident {
        Some(id) => told.about(Behind::Incident(id.0)),
        None => told,
    })
}

/// Whether what was noted stands in the incident: an acknowledgement, a comment.
fn is_in_record(event: &Event, incidents: &[Incident]) -> bool {
    let Some(incident) = incidents.iter().find(|incident| Some(incident.id) == event.incident) else {
        return false;
    };
    let comments = incident.comments.iter().map(|comment| (comment.at, &comment.text));
    let mut noted = comments.chain(incident.acknowledged.as_ref().map(|note| (note.at, &note.why)));
    noted.any(|(at, text)| at.0.abs_diff(event.at.0) < SAME && event.message.ends_with(text.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(from: i64, until: i64, standing: Standing, planned: bool) -> Stretch {
        Stretch { from: Timestamp(from * 1000), until: Timestamp(until * 1000), standing, planned }
    }

    fn told(stretches: &[Stretch]) -> Vec<(i64, String)> {
        pulse(stretches, Timestamp(0)).into_iter().map(|entry| (entry.at.0 / 1000, entry.what)).collect()
    }

    #[test]
    fn an_outage_is_told_at_its_begin_and_with_its_length_at_its_end() {
        use Standing::{Down, Unknown, Up};
        let stretches = [
            stretch(0, 10, Unknown, false),
            stretch(10, 100, Up, false),
            stretch(100, 150, Down, false),
            stretch(150, 160, Down, true),
            stretch(160, 200, Up, false),
            // begun again: nothing has happened to the device
            stretch(200, 210, Unknown, false),
            stretch(210, 300, Up, false),
            stretch(300, 310, Down, true),
        ];
        let planned = "does not answer, in planned work".to_owned();
        let answers = "answers again after 1 min".to_owned();
        assert_eq!(told(&stretches), [(100, "does not answer".into()), (160, answers), (300, planned)]);
    }

    #[test]
    fn an_outage_that_nobody_watched_to_its_end_has_no_invented_length() {
        use Standing::{Down, Unknown, Up};
        let end = |first: i64, unwatched: bool| {
            let between = if unwatched { Unknown } else { Down };
            let stretches = [
                stretch(first, 60, Down, false),
                stretch(60, 610, between, false),
                stretch(610, 700, Up, false),
            ];
            let told = told(&stretches);
            (told.len(), told.last().unwrap().1.clone())
        };
        let (begun, what) = end(10, true);
        assert!(begun == 2 && what.contains("10 min at most: in between nobody watched"), "{what}");
        assert_eq!(end(0, false), (1, "answers again after more than 10 min 10 s".into()));
        assert!(end(0, true).1.contains("nobody knows since when"));
        assert_eq!(told(&[stretch(0, 60, Unknown, false)]), []);
    }
}
