//! A made-up timeline, for the console's fixture; and what a person does with one.

use std::sync::Arc;

use noctule::engine::query::Query;
use noctule::engine::timeline::{Behind, Kind, Timeline, TimelineEntry, TimelineOf};
use noctule::model::{Severity, Timestamp};

use crate::console_fixture::{HOSTILE, NOW, Operator, State, World};

/// What the engine would answer: an entry of every kind over some days, more where more days are asked for.
pub fn timeline(of: &TimelineOf, state: State) -> Arc<Timeline> {
    let entry = |minutes: i64, kind, severity, what: &str, by: Option<&str>, behind| TimelineEntry {
        at: Timestamp(NOW.0 - minutes * 60_000),
        kind,
        severity,
        what: if state == State::Hostile {
            noctule::model::clean_line(HOSTILE).into_owned()
        } else {
            what.into()
        },
        by: by.map(str::to_owned),
        behind,
    };
    use Severity::{Error, Info, Warning};
    let mut entries = vec![
        entry(
            60,
            Kind::Backup,
            Info,
            "backup: the configuration is the same",
            Some("schedule"),
            Some(Behind::Revision(5)),
        ),
        entry(
            500,
            Kind::Config,
            Info,
            "the configuration changed: revision 5, 75 lines",
            Some("schedule"),
            Some(Behind::Revision(5)),
        ),
        entry(520, Kind::Record, Info, "core-1: location, group changed by ann", None, None),
        entry(1_900, Kind::Identity, Warning, "core-1: replaced: serial FOC1 → FOC2", None, None),
        entry(
            6_000,
            Kind::Config,
            Info,
            "the first configuration is stored: 71 lines",
            Some("ann"),
            Some(Behind::Revision(1)),
        ),
        entry(30_000, Kind::HostKey, Info, "core-1: the host key SHA256:q0Kl8ZrKZ6Q1 was pinned", None, None),
    ];
    if matches!(state, State::Trouble | State::Hostile) {
        let failed = "backup failed: authentication: the device refused the password of user backup";
        entries.extend([
            entry(
                3,
                Kind::Incident,
                Info,
                "incident 7 acknowledged: power cut in the street",
                Some("bob"),
                Some(Behind::Incident(7)),
            ),
            entry(
                4,
                Kind::Incident,
                Error,
                "incident 7 begins, 3 behind it: no answer",
                None,
                Some(Behind::Incident(7)),
            ),
            entry(5, Kind::Pulse, Warning, "does not answer", None, None),
            entry(30, Kind::Backup, Warning, failed, Some("schedule"), Some(Behind::Recording(7))),
            entry(
                200,
                Kind::Maintenance,
                Info,
                "planned work 4 is ended early",
                Some("carol"),
                Some(Behind::Maintenance(4)),
            ),
            entry(290, Kind::Pulse, Info, "answers again after 7 min 12 s", None, None),
            entry(297, Kind::Pulse, Info, "does not answer, in planned work", None, None),
            entry(
                400,
                Kind::Maintenance,
                Info,
                "planned work 4 begins on group campus: new power supply",
                Some("alice"),
                Some(Behind::Maintenance(4)),
            ),
        ]);
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    entries.retain(|entry| of.from <= entry.at && state != State::Empty);
    Arc::new(Timeline { entries, more: false })
}

fn trouble(line: &str) -> Operator {
    let mut operator = Operator::new(World::new(State::Trouble, false), 80, 24);
    operator.command(line);
    operator
}

#[test]
fn each_entry_opens_what_is_behind_it() {
    let mut operator = trouble("device core-1");
    operator.press("T").sees("Timeline core-1").sees("13 in 14 days").sees("Tue 2026-11-24");
    operator.press("<enter>").sees("Incident 7").press("<esc>");
    for (filter, opened) in [
        ("password", "Recording core-1 7"),
        ("revision 5", "Diff core-1 #3-#5"),
        ("first", "Config core-1 #1"),
        ("kind:pulse", "Pulse of core-1"),
        ("kind:identity", "Device core-1"),
        ("kind:maintenance", "Planned work"),
    ] {
        operator.press("/").press(filter).press("<enter><enter>").sees(opened).press("<esc><esc>");
    }
}

#[test]
fn kinds_take_turns_and_older_things_are_read_when_asked_for() {
    let mut operator = trouble("timeline core-1");
    operator.press("t").sees("config · 2 of 13").sees_not("does not answer");
    operator.press("t").sees("backup · 2 of 13").press("T").sees("does not answer");
    operator.command("kind identity").sees("1 of 13").press("/nothing<enter>").sees("Nothing of that kind");
    operator.press("<esc>").sees_not("the host key").press("G").sees("older: O or enter");
    operator.press("<enter>").sees("in 60 days").press("G").sees("the host key SHA256");
    operator.press("OOO").sees("in 3650 days").press("O").sees("This is all that is known");
    operator.command("sort at").sees("one order");
    operator.press("ggjy").sees("Copied 1 line");
}

#[test]
fn a_timeline_that_is_read_says_so_and_one_that_cannot_be_says_why() {
    let mut operator = trouble("timeline core-1");
    operator.press("<esc>");
    operator.session.feed(b":timeline core-2\r", NOW);
    operator.sees("Reading the timeline");
    operator.serve();
    operator.sees("does not answer");
    operator.command("timeline").sees("timeline needs");
    operator.command("timeline nobody").sees("There is no device nobody");
    let of = TimelineOf { device: noctule::model::DeviceId(1), from: NOW, until: None, most: 1 };
    assert_eq!(Query::Timeline(of).role(), noctule::model::Role::Viewer);
}
