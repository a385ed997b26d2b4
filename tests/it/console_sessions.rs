//! The pane that shows who is in.

use std::sync::Arc;

use noctule::console::Settings;
use noctule::engine::Person;
use noctule::engine::sessions::{Roster, Sessions};
use noctule::engine::watching::{Picture, Watching};
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

/// Bob's screen is watched.
pub fn watching(state: State) -> Arc<Watching> {
    let all = Arc::new(Sessions::default());
    let name = if state == State::Hostile { HOSTILE } else { "bob" };
    let bob = Person::fixed(name, Role::Engineer);
    let of = Roster::new(&bob, 1000, None, "console", NOW).on(Some((100, 30)));
    let seat = all.begin(of, bob).unwrap();
    Arc::new(all.watch(seat.number(), "alice").unwrap())
}

/// What Bob sees: once, where he sees anything.
pub fn picture(state: State, seen: u64) -> Option<Arc<Picture>> {
    if state == State::Empty || seen > 0 {
        return None;
    }
    let world = World::new(if state == State::Trouble { State::Trouble } else { State::Normal }, false);
    let (width, height) = if state == State::Trouble { (100, 30) } else { (80, 20) };
    let mut operator = Operator::new(world, width, height);
    operator.session.watched_by(vec!["alice".into()]);
    operator.frame();
    operator.session.mirrored().map(|picture| Arc::new(Picture { number: 1, ..picture }))
}

#[test]
fn a_screen_that_is_larger_is_clipped_and_arrows_move_over_it() {
    let mut operator = Operator::new(World::new(State::Trouble, false), 80, 24);
    operator
        .command("watch bob")
        .sees("Watch bob")
        .sees("WHY")
        .sees("read-only bob 100x30")
        .sees("larger than there is room for");
    operator.press("<down><down><down><right><right><right><right><right><right>").sees("Help");
    operator.press("w").press("<esc>").sees("fails-auth");
    assert!(operator.lines.is_empty(), "{:?}", operator.lines);
}

#[test]
fn who_is_watched_sees_by_whom() {
    let mut operator = Operator::new(World::new(State::Normal, false), 80, 24);
    operator.session.watched_by(vec![HOSTILE.into(), "ann".into()]);
    operator.sees("watched by deny").sees("and 1 more");
    operator.session.watched_by(Vec::new());
    assert!(!operator.screen().contains("watched by"));
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

#[test]
fn who_is_watched_is_told_so_on_a_screen_without_room_too() {
    for (width, height) in [(39, 24), (80, 7), (20, 1)] {
        let mut operator = Operator::new(World::new(State::Normal, false), width, height);
        operator.session.watched_by(vec!["ann".into()]);
        operator.sees("watched by ann");
        operator.session.watched_by(Vec::new());
        assert!(!operator.screen().contains("watched by"), "{width}×{height}");
    }
}

#[test]
fn filters_and_a_reason_that_is_half_written_are_taken_up_again() {
    let mut operator = Operator::new(World::new(State::Trouble, false), 100, 30);
    operator
        .press("/fails<enter>")
        .command("sessions")
        .press("/edit<enter>X")
        .sees("End session 2")
        .press("goes h");
    let draft = operator.session.draft();
    let mut again = Operator::new(World::new(State::Trouble, false), 100, 30);
    again.session.offer(draft.clone());
    again.sees("reason \"goes h\" for session end 2").sees("the filter \"fails\" of");
    // it is not decided: it stays what it was
    assert_eq!(again.session.draft(), draft);
    again
        .press("<enter>")
        .sees("End session 2")
        .sees("goes h")
        .press("ome<enter>")
        .sees("Your reason: goes home")
        .press("y");
    assert_eq!(again.line(), "session end 2 --reason 'goes home'");
    again.sees("1 of 4").press("<esc><esc>").sees("/fails").sees("3 of 19");

    // who may not any more is asked for no reason
    let settings = Settings { rights: Role::Viewer.into(), ..Settings::default() };
    let mut viewer = Operator::with(World::new(State::Trouble, false), 100, 30, &settings);
    viewer.session.offer(draft);
    viewer.press("<enter>").sees("needs the role admin").press("x<enter>y");
    assert!(viewer.lines.is_empty(), "{:?}", viewer.lines);
}
