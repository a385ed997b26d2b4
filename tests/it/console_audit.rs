//! The audit trail for the screens: a made-up one, whole and damaged.

use noctule::engine::audit::{
    AuditDetail, AuditEntry, AuditKind, AuditPage, AuditReport, ChangedRecord, Problem, RunLink,
};
use noctule::engine::query::{Answer, Query};
use noctule::model::{RunStatus, Timestamp, clean_line};

use crate::console_fixture::{HOSTILE, NOW, Operator, State, World};

/// What the engine would answer.
pub fn answer(query: &Query, state: State) -> Option<Answer> {
    match query {
        Query::Audit(limit) => Some(Answer::Audit(page(state, *limit).into())),
        Query::AuditEntry(seq) => {
            Some(match page(state, 500).entries.into_iter().find(|one| one.seq == *seq) {
                Some(entry) => Answer::AuditEntry(detail(entry, state).into()),
                None => Answer::Failed(format!("there is no entry {seq}: the newest is 1207")),
            })
        }
        Query::AuditVerify => Some(Answer::AuditVerify(report(state).into())),
        _ => None,
    }
}

fn entry(seq: u64, minutes: i64, who: &str, kind: AuditKind, verb: &str) -> AuditEntry {
    AuditEntry {
        seq,
        at: Timestamp(NOW.0 - minutes * 60_000),
        hash: [seq as u8; 32],
        prev: [seq as u8 - 1; 32],
        who: who.into(),
        why: String::new(),
        verb: verb.into(),
        kind,
        from: String::new(),
        what: String::new(),
        devices: vec![],
        more_devices: 0,
        run: None,
        changes: 2,
        set_back: None,
    }
}

fn run(device: &str, status: RunStatus, revision: Option<u32>, recording: Option<u64>) -> Option<RunLink> {
    Some(RunLink { device: device.into(), status, revision, recording })
}

fn page(state: State, limit: usize) -> AuditPage {
    if state == State::Empty {
        return AuditPage::default();
    }
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut entries = vec![
        AuditEntry {
            from: "pts/3 ssh 192.0.2.7".into(),
            what: "a recording was shown".into(),
            devices: names(&["core-2"]),
            changes: 0,
            ..entry(1207, 2, "ann", AuditKind::Read, "recording show core-2")
        },
        AuditEntry {
            from: "pts/5".into(),
            what: "device rm needs the role engineer, bob has viewer".into(),
            changes: 0,
            ..entry(1206, 9, "bob", AuditKind::Refused, "device rm core-1")
        },
        AuditEntry {
            devices: names(&["core-1"]),
            run: run("core-1", RunStatus::Changed, Some(5), None),
            ..entry(1205, 12, "ann", AuditKind::Change, "backup run core-1 core-2")
        },
        AuditEntry {
            devices: names(&["core-2"]),
            run: run("core-2", RunStatus::Failed, None, Some(7)),
            ..entry(1204, 12, "ann", AuditKind::Change, "backup run core-1 core-2")
        },
        AuditEntry {
            from: "pts/3 ssh 192.0.2.7".into(),
            why: "before the move to the new building, as agreed with the customer on Monday".into(),
            changes: 0,
            ..entry(1203, 12, "ann", AuditKind::Began, "backup run core-1 core-2")
        },
        AuditEntry {
            devices: names(&["acc-n-101", "acc-n-102", "acc-n-103"]),
            more_devices: 9,
            changes: 13,
            ..entry(1202, 95, "ann", AuditKind::Change, "device import switches.csv")
        },
        AuditEntry {
            devices: names(&["edge-1"]),
            run: run("edge-1", RunStatus::Unchanged, Some(2), None),
            ..entry(1201, 1_700, "schedule", AuditKind::Engine, "backup run --all")
        },
    ];
    let mut damage = Vec::new();
    if matches!(state, State::Trouble | State::Hostile) {
        entries[1].set_back = Some(3_600);
        entries.remove(4);
        damage.push(
            "entry 1204 does not follow entry 1202 (/var/lib/noctule/journal/00000003.log at byte 8123)"
                .into(),
        );
    }
    if state == State::Hostile {
        for entry in &mut entries {
            let text = clean_line(HOSTILE).into_owned();
            (entry.who, entry.why, entry.from) = (text.clone(), text.clone(), text.clone());
            (entry.verb, entry.what) = (text.clone(), text);
        }
    }
    entries.truncate(limit);
    AuditPage { entries, more: true, newest: 1207, damage }
}

fn detail(entry: AuditEntry, state: State) -> AuditDetail {
    let record = |table: &str, key: &str, what: &str| {
        let what = if state == State::Hostile { clean_line(HOSTILE).into_owned() } else { what.to_owned() };
        ChangedRecord { table: table.into(), key: key.into(), what }
    };
    AuditDetail {
        changed: vec![
            record("run", "core-2 2026-11-24 11:48:00", "failed, recording 7: prompt: as the device says"),
            record("status", "core-2", "what is known of its backups"),
        ],
        leads: vec!["recording show core-2 7".into()],
        entry,
    }
}

fn report(state: State) -> AuditReport {
    let good = AuditReport {
        entries: 1207,
        last: 1207,
        stretches: vec![(1, 1207)],
        anchors: 96,
        anchored: Some(1201),
        ..AuditReport::default()
    };
    match state {
        State::Empty => AuditReport::default(),
        State::Trouble | State::Hostile => AuditReport {
            entries: 1206,
            stretches: vec![(1, 1202), (1204, 1207)],
            first_bad: Some(1203),
            problems: vec![
                Problem {
                    entry: Some(1203),
                    kind: "bytes",
                    what: "187 bytes are no entry: a wrong checksum (/var/lib/noctule/journal/00000003.log at byte 7936)".into(),
                },
                Problem { entry: Some(1203), kind: "order", what: "entry 1204 does not follow entry 1202".into() },
            ],
            ..good
        },
        _ => good,
    }
}

fn looks_at(state: State, line: &str, width: u16, height: u16) -> Operator {
    let mut operator = Operator::new(World::new(state, false), width, height);
    operator.command(line);
    operator
}

#[test]
fn an_entry_and_a_check_look_like_this() {
    for (width, height) in [(80, 24), (200, 60)] {
        let mut entry = String::new();
        let mut check = String::new();
        for state in [State::Empty, State::Normal, State::Trouble, State::Hostile] {
            entry += &format!(
                "── {state:?}\n{}\n",
                looks_at(state, "audit 1204", width, height).screen().trim_end()
            );
            let mut operator = looks_at(state, "audit", width, height);
            operator.press("V");
            check += &format!("── {state:?}\n{}\n", operator.screen().trim_end());
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("audit-entry-{width}x{height}"), entry);
            insta::assert_snapshot!(format!("audit-verify-{width}x{height}"), check);
        });
    }
}

#[test]
fn an_entry_is_opened_and_leads_to_what_the_device_said() {
    let mut operator = looks_at(State::Normal, "audit", 120, 30);
    operator.sees("recording show core-2").press("/kind:change fail<enter>").sees("1 of 7").press("<enter>");
    operator.sees("recording show core-2 7").press("<enter>").sees("Recording");
    operator.press("<esc><esc>").sees("1 of 7");
}

#[test]
fn refusals_are_told_apart_and_older_entries_are_asked_for() {
    let mut operator = looks_at(State::Normal, "audit", 120, 30);
    operator.press("X").sees("✖ refused").sees("1 of 7").press("<esc>O").sees("7 of 1207");
}
