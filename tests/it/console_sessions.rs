//! The pane that shows who is in.

use std::sync::Arc;

use noctule::console::Settings;
use noctule::engine::sessions::Roster;
use noctule::model::{Role, Timestamp};

use crate::console_fixture::{HOSTILE, NOW, Operator, State, World};

/// Who is in at a made-up network.
pub fn sessions(state: State) -> Arc<[Roster]> {
    if state == State::Empty {
        return Arc::default();
    }
    let ago = |minutes: i64| Timestamp(NOW.0 - minutes * 60_000);
    let one = |number, person: &str, rights: &str, from: &str, line: &str, size, doing: &str| Roster {
        number,
        person: person.into(),
        rights: rights.into(),
        from: from.into(),
        uid: 1000,
        pid: Some(7),
        line: line.into(),
        since: ago(90 - number as i64),
        size,
        active: ago(number as i64 * 7),
        doing: doing.into(),
    };
    let mut all = vec![
        one(1, "alice", "admin", "pts/3 ssh 192.0.2.7", "console", Some((200, 60)), "Sessions"),
        one(2, "bob", "engineer", "pts/5 ssh 2001:db8::7", "console", Some((80, 24)), "Edit device core-1"),
        one(4, "wall", "viewer", "tty1", "wallboard", Some((400, 110)), "Wallboard"),
        one(9, "carol", "operator in group:campus", "", "backup run --all", None, "backup run --all"),
    ];
    if state == State::Trouble {
        all[1].active = ago(3_000);
    }
    if state == State::Hostile {
        // the engine cleans them; the pane does not rely on it
        all[1].person = HOSTILE.to_owned();
        all[2].from = HOSTILE.to_owned();
        (all[3].doing, all[3].rights) = (HOSTILE.to_owned(), HOSTILE.to_owned());
    }
    all.into()
}

#[test]
fn a_session_is_ended_with_a_reason_and_a_yes() {
    let mut operator = Operator::new(World::new(State::Normal, false), 120, 30);
    operator.command("sessions").sees("alice").sees("4 in").sees("Edit device core-1");
    operator
        .press("jX")
        .sees("End session 2 of bob")
        .press("goes home<enter>")
        .sees("Your reason: goes home");
    operator.press("y");
    assert_eq!(operator.line(), "session end 2 --reason 'goes home'");
}

#[test]
fn an_auditor_sees_who_is_in_and_ends_nobody() {
    let settings = Settings { rights: Role::Auditor.into(), ..Settings::default() };
    let mut operator = Operator::with(World::new(State::Normal, false), 120, 30, &settings);
    operator.command("sessions").sees("alice").press("jX").sees("needs the role admin");
    assert!(operator.lines.is_empty(), "{:?}", operator.lines);
}
