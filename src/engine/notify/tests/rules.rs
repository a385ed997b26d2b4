//! Rules, quiet hours, grouping, reminders and tries, on a clock that tests move.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::{MINUTE, NOON, incident, over};
use crate::engine::notify::desk::{Desk, Failed, Turn};
use crate::engine::notify::message::compose;
use crate::engine::notify::records::Outgoing;
use crate::engine::notify::route::View;
use crate::engine::notify::settings::NotifySettings;
use crate::engine::snapshot::DeviceRow;
use crate::model::{Acknowledgement, Ending, Event, EventKind, Incident, IncidentId, Severity, Timestamp};

const TARGETS: &str = "[[target]]\nname = \"noc\"\nkind = \"command\"\nrun = [\"/bin/true\"]\n[[target]]\nname = \"sms\"\nkind = \"command\"\nrun = [\"/bin/true\"]\n";

/// A desk, rules and a clock.
struct Night {
    desk: Desk,
    settings: NotifySettings,
    rows: Vec<DeviceRow>,
    incidents: Vec<Incident>,
    now: Timestamp,
    seq: u64,
}

impl Night {
    fn new(rules: &str) -> Self {
        let text = format!("{TARGETS}{rules}");
        let row = |(id, name, group): (u64, &str, &str)| {
            let id = crate::model::DeviceId(id);
            let mut device =
                crate::engine::fields::blank(id, name.parse().unwrap(), "127.0.0.1".parse().unwrap(), NOON);
            device.group = group.into();
            DeviceRow::never_backed_up(device.into())
        };
        Self {
            desk: Desk::default(),
            settings: NotifySettings::parse(&text, "notify.toml", Path::new("/")).unwrap(),
            rows: [(1, "core-1", "core"), (2, "acc-1", "campus/north"), (3, "edge-1", "edge")]
                .map(row)
                .into(),
            incidents: Vec::new(),
            now: NOON,
            seq: 0,
        }
    }

    fn pass(&mut self, time: Duration) -> &mut Self {
        self.now = self.now.after(time);
        self
    }

    fn event(
        &mut self,
        kind: EventKind,
        severity: Severity,
        device: &str,
        incident: Option<u64>,
    ) -> &mut Self {
        self.seq += 1;
        let event = Event {
            seq: self.seq,
            at: self.now,
            kind,
            severity,
            device: device.parse().ok(),
            message: "something happened".into(),
            incident: incident.map(IncidentId),
        };
        let view = View {
            settings: &self.settings,
            rows: self.rows.iter().map(|row| (&row.device.name, row)).collect::<HashMap<_, _>>(),
            incidents: &self.incidents,
            now: self.now,
            zone: TimeZone::UTC,
        };
        view.route(&mut self.desk, &event, None);
        self
    }

    fn opens(&mut self, incident: Incident) -> &mut Self {
        let (id, name) = (incident.id.0, incident.name.clone());
        self.incidents.retain(|known| known.id != incident.id);
        self.incidents.push(incident);
        self.event(EventKind::IncidentOpened, Severity::Error, name.as_str(), Some(id))
    }

    fn closes(&mut self, id: u64) -> &mut Self {
        let now = self.now;
        let known = self.incidents.iter_mut().find(|known| known.id.0 == id).unwrap();
        (known.closed, known.ending) = (Some(now), Some(Ending::Recovered));
        let name = known.name.clone();
        self.event(EventKind::IncidentClosed, Severity::Info, name.as_str(), Some(id))
    }

    fn remind(&mut self) {
        let view = View {
            settings: &self.settings,
            rows: HashMap::new(),
            incidents: &self.incidents,
            now: self.now,
            zone: TimeZone::UTC,
        };
        let incidents = self.incidents.clone();
        view.remind(&mut self.desk, |id| incidents.iter().find(|known| known.id == id).cloned());
    }

    /// Delivers what is due to a target: the subjects.
    fn deliver(&mut self, target: &str) -> Vec<String> {
        let due = self.desk.due(target, self.now);
        let sent: Vec<Outgoing> = due.iter().map(|id| self.desk.message(*id).unwrap().clone()).collect();
        for message in &sent {
            self.desk.delivered(message.id, message.items.len(), self.now);
        }
        sent.iter()
            .map(|message| compose(message, &self.incidents, self.now, &TimeZone::UTC).subject)
            .collect()
    }

    fn waiting(&self) -> Vec<&Outgoing> {
        self.desk.waiting().collect()
    }
}

const INCIDENTS: &str = "[[rule]]\non = [\"incident-opened\", \"incident-noted\", \"incident-closed\", \"backup-failed\", \"backup-recovered\"]\nto = [\"noc\"]\ngroup_for = \"10s\"\n";

#[test]
fn a_core_device_with_143_behind_it_is_one_message_and_its_end_another() {
    let mut night = Night::new(INCIDENTS);
    night.opens(incident(7, "core-1", 143));
    assert!(night.deliver("noc").is_empty(), "what comes within ten seconds belongs to it");
    assert_eq!(night.pass(Duration::from_secs(10)).deliver("noc"), ["DOWN core-1, 143 behind it"]);
    // backups of what is behind fail, and nobody needs to hear of it
    night.event(EventKind::BackupFailed, Severity::Warning, "acc-17", None);
    night.event(EventKind::BackupFailed, Severity::Warning, "core-1", None);
    assert!(night.pass(MINUTE).deliver("noc").is_empty());
    night.incidents[0].behind.clear();
    night.closes(7);
    assert_eq!(night.pass(MINUTE).deliver("noc"), ["UP core-1 after 1 min 10 s"]);
    assert!(night.waiting().is_empty());
    assert_eq!(night.desk.all_told().count(), 0);
}

#[test]
fn nobody_hears_of_an_end_who_did_not_hear_of_the_begin() {
    let mut night = Night::new(
        "[[rule]]\non = [\"incident-opened\"]\nto = [\"sms\"]\n[[rule]]\non = [\"incident-closed\", \"backup-recovered\"]\nseverity = \"info\"\nto = [\"noc\", \"sms\"]\n",
    );
    night.opens(incident(1, "core-1", 0)).pass(MINUTE);
    assert_eq!(night.deliver("sms"), ["DOWN core-1"]);
    night.closes(1).event(EventKind::BackupRecovered, Severity::Info, "core-1", None).pass(MINUTE);
    assert!(night.deliver("noc").is_empty());
    assert_eq!(night.deliver("sms"), ["UP core-1 after 1 min"]);
    // what ends a second time was told once
    night.event(EventKind::IncidentClosed, Severity::Error, "core-1", Some(1)).pass(MINUTE);
    assert!(night.deliver("sms").is_empty());
}

#[test]
fn what_is_over_before_it_was_told_is_one_message() {
    let mut night = Night::new(INCIDENTS);
    night.opens(incident(1, "core-1", 2)).pass(Duration::from_secs(8));
    night.closes(1).pass(MINUTE);
    assert_eq!(night.deliver("noc"), ["UP core-1 after 8 s"]);

    // and so it is where the first could not be delivered
    night.opens(incident(2, "core-1", 0)).pass(MINUTE);
    let id = night.desk.due("noc", night.now)[0];
    let failed = Failed { message: "no".into(), unreachable: true, retry_after: None };
    assert_eq!(night.desk.failed(id, &failed, night.now), Turn::Failing);
    night.closes(2).pass(MINUTE);
    assert_eq!(night.waiting().len(), 1);
    assert_eq!(night.deliver("noc").len(), 1);

    // unless somebody threw it away
    night.opens(incident(3, "core-1", 0)).pass(MINUTE);
    let id = night.desk.due("noc", night.now)[0];
    night.desk.drop_message(id);
    night.closes(3).pass(MINUTE);
    assert!(night.deliver("noc").is_empty() && night.waiting().is_empty());
}

#[test]
fn an_event_that_comes_while_its_message_is_under_way_is_not_lost() {
    let mut night = Night::new(INCIDENTS);
    night.opens(incident(1, "core-1", 0)).pass(MINUTE);
    let id = night.desk.due("noc", night.now)[0];
    let sent = night.desk.message(id).unwrap().items.len();
    night.closes(1);
    assert_eq!(night.desk.delivered(id, sent, night.now), Turn::None);
    assert_eq!(night.deliver("noc"), ["UP core-1 after 1 min"]);
}

#[test]
fn events_within_the_time_are_one_table() {
    let mut night = Night::new("[[rule]]\nto = [\"noc\"]\ngroup_for = \"30s\"\n");
    for device in ["core-1", "edge-1", "acc-1"] {
        night.event(EventKind::BackupFailed, Severity::Warning, device, None).pass(Duration::from_secs(9));
    }
    night.event(EventKind::ConfigChanged, Severity::Info, "core-1", None);
    let waiting = night.waiting();
    assert_eq!((waiting.len(), waiting[0].items.len()), (1, 3));
    let message = compose(waiting[0], &[], night.now, &TimeZone::UTC);
    assert_eq!(message.subject, "3 backup-failed: core-1, edge-1, acc-1");
    assert_eq!(message.lines[1], "12:00:09  backup-failed  edge-1: something happened");
    assert_eq!(message.lines.len(), 3);
    night.pass(Duration::from_secs(3));
    assert_eq!(night.deliver("noc").len(), 1);
    for _ in 0..1000 {
        night.event(EventKind::System, Severity::Error, "", None);
    }
    let waiting = night.waiting();
    assert_eq!((waiting.len(), waiting[0].items.len(), waiting[0].more), (1, 200, 800));
    let message = compose(waiting[0], &[], night.now, &TimeZone::UTC);
    assert!(message.lines.last().unwrap().starts_with("and 800 more"), "{:?}", message.lines.last());
}

#[test]
fn a_rule_means_its_kinds_its_severity_and_its_devices() {
    let mut night = Night::new(
        "[[rule]]\non = [\"host-key-changed\"]\nseverity = \"error\"\nto = [\"sms\"]\n[[rule]]\ngroup = \"campus\"\nto = [\"noc\"]\n[[rule]]\ndevices = [\"edge-1\"]\nto = [\"noc\", \"noc\"]\n[[rule]]\nfilter = \"name:edge\"\nto = [\"noc\"]\n",
    );
    for (kind, severity, device, noc, sms) in [
        (EventKind::HostKeyChanged, Severity::Error, "core-1", 0, 1),
        (EventKind::HostKeyChanged, Severity::Warning, "core-1", 0, 0),
        (EventKind::System, Severity::Error, "", 0, 0),
        (EventKind::Quarantined, Severity::Warning, "acc-1", 1, 0),
        (EventKind::Quarantined, Severity::Info, "acc-1", 0, 0),
        (EventKind::Quarantined, Severity::Error, "edge-1", 1, 0),
        (EventKind::Quarantined, Severity::Error, "nobody-knows-it", 0, 0),
    ] {
        night.event(kind, severity, device, None).pass(MINUTE);
        assert_eq!(
            (night.deliver("noc").len(), night.deliver("sms").len()),
            (noc, sms),
            "{kind:?} {severity:?} {device}"
        );
    }
    // the group behind a root is concerned by it
    night.opens(incident(1, "core-1", 3)).pass(MINUTE);
    assert_eq!(night.deliver("noc"), ["DOWN core-1, 3 behind it"]);
}

#[test]
fn quiet_hours_hold_back_what_is_not_loud_and_end_with_one_message() {
    let mut night = Night::new(
        "[[rule]]\nto = [\"noc\"]\nquiet = \"22:00-06:00\"\nquiet_except = \"error\"\ngroup_for = \"10s\"\n",
    );
    night.pass(Duration::from_secs(11 * 3600));
    night.event(EventKind::BackupFailed, Severity::Warning, "edge-1", None).pass(MINUTE * 60);
    night.event(EventKind::Quarantined, Severity::Warning, "acc-1", None);
    night.opens(incident(1, "core-1", 0)).pass(MINUTE);
    assert_eq!(night.deliver("noc"), ["DOWN core-1"], "an error is loud");
    night.closes(1).pass(MINUTE);
    assert_eq!(
        night.deliver("noc"),
        ["UP core-1 after 12 h 1 min"],
        "and so is its end, though it is no error"
    );
    let morning = Timestamp(NOON.0 + 18 * 3_600_000);
    night.now = Timestamp(morning.0 - 1);
    assert!(night.deliver("noc").is_empty());
    assert_eq!(night.waiting().len(), 1);
    assert!(night.waiting()[0].held);
    let digest = compose(night.waiting()[0], &[], night.now, &TimeZone::UTC);
    assert_eq!(digest.lines[0], "Held back during the quiet hours:");
    night.now = morning;
    assert_eq!(night.deliver("noc"), ["1 backup-failed, 1 quarantined: edge-1, acc-1"]);
}

#[test]
fn reminders_come_after_twice_as_long_each_time_until_somebody_takes_note() {
    let mut night = Night::new(
        "[[rule]]\nto = [\"noc\"]\nremind = \"10m\"\ngroup_for = \"0s\"\nquiet = \"13:30-13:40\"\n",
    );
    night.opens(incident(1, "core-1", 2));
    assert_eq!(night.deliver("noc").len(), 1);
    let mut reminded = Vec::new();
    for minute in 1..=180 {
        night.pass(MINUTE).remind();
        for subject in night.deliver("noc") {
            assert_eq!(subject, "STILL DOWN core-1, 2 behind it");
            reminded.push(minute);
        }
    }
    // the third would be due at 13:10 and the fourth at 14:30; the quiet hours lie between
    assert_eq!(reminded, [10, 30, 70, 150]);
    let note = Acknowledgement { by: "ann".into(), why: "on site".into(), at: night.now, until: None };
    night.incidents[0].acknowledged = Some(note);
    night.pass(MINUTE * 60 * 24).remind();
    assert!(night.deliver("noc").is_empty());
    night.closes(1);
    assert_eq!(night.deliver("noc").len(), 1);
    night.pass(MINUTE * 60 * 48).remind();
    assert!(night.deliver("noc").is_empty(), "it is over");
}

#[test]
fn a_reminder_waits_for_the_end_of_quiet_hours() {
    let mut night = Night::new(
        "[[rule]]\nto = [\"noc\"]\nremind = \"10m\"\ngroup_for = \"0s\"\nquiet = \"12:05-12:20\"\n",
    );
    night.opens(incident(1, "core-1", 0));
    assert_eq!(night.deliver("noc").len(), 1);
    let mut reminded = Vec::new();
    for minute in 1..=30 {
        night.pass(MINUTE).remind();
        reminded.extend(night.deliver("noc").iter().map(|_| minute));
    }
    assert_eq!(reminded, [20]);
}

#[test]
fn a_target_that_cannot_be_reached_is_tried_less_and_less_and_given_up_after_a_day() {
    let mut night = Night::new("[[rule]]\nto = [\"noc\", \"sms\"]\ngroup_for = \"0s\"\n");
    night.event(EventKind::System, Severity::Error, "", None);
    let failed = Failed { message: "refused".into(), unreachable: true, retry_after: None };
    let mut tries = Vec::new();
    let mut turns = Vec::new();
    let end = night.now.after(MINUTE * 60 * 26);
    while night.now < end {
        for id in night.desk.due("noc", night.now) {
            tries.push(NOON.age(night.now).as_secs());
            turns.push(night.desk.failed(id, &failed, night.now));
        }
        night.pass(Duration::from_secs(10));
    }
    assert_eq!(tries[..6], [0, 10, 70, 370, 1270, 3070]);
    assert_eq!((turns[0], turns.last()), (Turn::Failing, Some(&Turn::GivenUp)));
    assert!(turns[1..turns.len() - 1].iter().all(|turn| *turn == Turn::None), "{turns:?}");
    assert!((50..60).contains(&tries.len()), "{}", tries.len());
    let waiting: Vec<_> = night.desk.waiting().filter(|message| message.target == "noc").collect();
    assert!(waiting[0].given_up && waiting[0].error.as_deref() == Some("refused"));
    assert_eq!(night.deliver("sms").len(), 1, "nobody else waited for that");

    // what came meanwhile is one message more, and follows as soon as the target works
    for _ in 0..5 {
        night.event(EventKind::System, Severity::Error, "", None).pass(MINUTE);
    }
    assert_eq!(night.desk.waiting().filter(|message| message.target == "noc").count(), 2);
    let given_up = night.desk.waiting().find(|message| message.given_up).unwrap().id;
    night.desk.hurry(given_up, night.now);
    assert_eq!(night.desk.delivered(given_up, 1, night.now), Turn::Works);
    assert_eq!(night.deliver("noc"), ["5 system: something"]);
}

#[test]
fn a_message_that_is_refused_keeps_no_other_from_its_target() {
    let mut night = Night::new("[[rule]]\nto = [\"noc\"]\ngroup_for = \"0s\"\n");
    night.event(EventKind::System, Severity::Error, "", None).pass(Duration::from_secs(1));
    night.event(EventKind::Pulse, Severity::Error, "", None);
    let due = night.desk.due("noc", night.now);
    let failed = Failed { message: "too large".into(), unreachable: false, retry_after: Some(MINUTE * 10) };
    night.desk.failed(due[0], &failed, night.now);
    assert_eq!(night.desk.due("noc", night.now), [due[1]]);
    assert_eq!(night.desk.message(due[0]).unwrap().due, night.now.after(MINUTE * 10), "as the server asked");
}

#[test]
fn a_clock_that_was_set_back_keeps_nothing_waiting_for_years() {
    let mut night = Night::new("[[rule]]\nto = [\"noc\"]\ngroup_for = \"10s\"\nremind = \"1h\"\n");
    night.opens(incident(1, "core-1", 0));
    night.now = Timestamp(0);
    assert_eq!(night.deliver("noc").len(), 1);
}

#[test]
fn however_much_happens_little_waits() {
    let mut night = Night::new("[[rule]]\nto = [\"noc\"]\ngroup_for = \"0s\"\n");
    for _ in 0..1000 {
        night.event(EventKind::System, Severity::Error, "", None).pass(Duration::from_secs(1));
    }
    let waiting = night.waiting();
    assert_eq!(waiting.len(), 200);
    assert_eq!(waiting.last().unwrap().items.len() + waiting.last().unwrap().more as usize, 801);
}

#[test]
fn a_message_tells_all_that_is_known_and_nothing_that_harms() {
    let mut night = Night::new(INCIDENTS);
    let mut trouble = incident(7, "core-1", 25);
    trouble.cause = "host unreachable, says \u{1b}[31m10.0.0.1\r\nBcc: x".into();
    trouble.times_down = 3;
    trouble.assigned = Some("ben".into());
    night.opens(trouble.clone());
    let message = compose(night.waiting()[0], &night.incidents, NOON.after(MINUTE), &TimeZone::UTC);
    let text = message.lines.join("\n");
    for says in [
        "DOWN core-1, 25 behind it",
        "incident 7, since 2026-11-24 12:00:00 UTC (1 min)",
        "cause: host unreachable, says ␛[31m10.0.0.1␍␊Bcc: x",
        "it went down 3 times",
        "acc-20 and 5 more",
        "shortly before: 12:00:00 core-1: the configuration changed: revision 7",
        "ben looks after it",
    ] {
        assert!(text.contains(says), "{says} is not in:\n{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    let object = &json["events"][0]["incident"];
    assert_eq!((&object["incident"], &object["behind_count"]), (&7.into(), &25.into()));
    assert_eq!(json["text"], text);
    let closed = over(&trouble, MINUTE * 90);
    let message = compose(night.waiting()[0], &[closed], NOON.after(MINUTE * 90), &TimeZone::UTC);
    assert_eq!(message.subject, "UP core-1 after 1 h 30 min");
    let mut merged = over(&trouble, MINUTE);
    merged.ending = Some(Ending::PartOf(IncidentId(9)));
    let message = compose(night.waiting()[0], &[merged], NOON.after(MINUTE), &TimeZone::UTC);
    assert_eq!(message.subject, "CLOSED core-1: is part of incident 9 now", "that is no recovery");
}

#[test]
fn an_event_that_is_told_after_a_later_one_is_looked_at_once() {
    let mut desk = Desk::default();
    desk.begin_after(3);
    let first_times = [5, 5, 4, 4, 6, 8, 3].map(|seq| desk.see(seq));
    assert_eq!(first_times, [true, false, true, false, true, true, false]);
    assert_eq!(desk.mark().0, "6 1 8");
    let mut desk = Desk::new(Vec::new(), Vec::new(), Vec::new(), Some(desk.mark()));
    assert_eq!((desk.seen(), desk.see(8)), (Some(6), false));
    desk.close_gaps(7);
    assert_eq!((desk.seen(), desk.see(7), desk.see(8), desk.see(9)), (Some(8), false, false, true));
}

#[test]
fn that_a_device_goes_up_and_down_is_told_only_where_that_is_asked_for() {
    let mut night = Night::new(
        "[[rule]]\nto = [\"noc\"]\ngroup_for = \"0s\"\n[[rule]]\non = [\"incident-noted\"]\nto = [\"sms\", \"noc\"]\ngroup_for = \"0s\"\ngroup = \"edge\"\n",
    );
    night.opens(incident(1, "core-1", 0)).opens(incident(2, "edge-1", 0));
    assert_eq!(night.deliver("noc").len(), 2);
    for _ in 0..5 {
        night.event(EventKind::IncidentNoted, Severity::Warning, "core-1", Some(1));
    }
    assert!(night.deliver("noc").is_empty());
    night.event(EventKind::IncidentNoted, Severity::Info, "edge-1", Some(2));
    assert_eq!(night.deliver("noc"), ["NOTED edge-1: something happened"]);
    assert!(night.deliver("sms").is_empty(), "it knows nothing of it");
}
