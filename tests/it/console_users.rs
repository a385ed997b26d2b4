//! The users pane, and what a console lets a viewer do: made from the tables, so that no key is forgotten.

use std::collections::HashSet;
use std::sync::Arc;

use noctule::console::Settings;
use noctule::console::keymap::{GLOBAL, Keymap};
use noctule::console::pane;
use noctule::engine::users::UserView;
use noctule::model::{Grant, Login, LoginMethod, Reach, Rights, Role, Timestamp, User, UserId};

use crate::console_fixture::{HOSTILE, NOW, Operator, State, World};
use crate::screens;

/// The users of a made-up network.
pub fn users(state: State) -> Arc<[UserView]> {
    let grant = |role, reach: &str| Grant { role, reach: reach.parse().unwrap() };
    if state == State::Empty {
        return Arc::default();
    }
    let admin = vec![Grant::everywhere(Role::Admin)];
    let several = vec![Grant::everywhere(Role::Viewer), grant(Role::Engineer, "group:campus/north")];
    let mut users = [
        user(1, "alice", "Alice Archer", admin, Some(30)),
        user(2, "bob", "", several, Some(7_000)),
        user(3, "carol", "Carol Câmara", vec![grant(Role::Installer, "site:Hill, room 3")], None),
    ];
    if state == State::Trouble {
        Arc::make_mut(&mut users[1].user).enabled = false;
        Arc::make_mut(&mut users[2].user).grants.clear();
    }
    if state == State::Hostile {
        // what the store would not take, and a record that was damaged may hold
        let user = Arc::make_mut(&mut users[1].user);
        user.full_name = format!("{HOSTILE}{}", "e\u{301}".repeat(10_000));
        user.keys = vec![HOSTILE.to_owned()];
        user.grants.push(Grant { role: Role::Viewer, reach: Reach::Group(HOSTILE.to_owned()) });
        let last = users[1].last.as_mut().unwrap();
        (last.ssh, last.tty) = (Some(HOSTILE.to_owned()), Some(HOSTILE.to_owned()));
    }
    users.into()
}

fn user(id: u64, name: &str, full_name: &str, grants: Vec<Grant>, minutes: Option<i64>) -> UserView {
    let ago = |minutes: i64| Timestamp(NOW.0 - minutes * 60_000);
    let user = User {
        id: UserId(id),
        name: name.parse().unwrap(),
        full_name: full_name.into(),
        accounts: vec![name.parse().unwrap()],
        keys: vec![format!("{name}-laptop")],
        grants,
        enabled: true,
        revision: 3,
        created: ago(90_000),
        updated: ago(40_000),
        removed: None,
    };
    let last = minutes.map(|minutes| Login {
        seq: id,
        at: ago(minutes),
        uid: 1000,
        account: Some(name.into()),
        asked_as: None,
        user: Some(name.into()),
        method: LoginMethod::Socket,
        ssh: Some("192.0.2.7".into()),
        tty: Some("/dev/pts/3".into()),
        pid: Some(7),
        refused: None,
        left_out: 0,
    });
    UserView { user: Arc::new(user), last }
}

#[test]
fn a_key_on_a_user_is_a_line_that_says_which_revision_was_seen() {
    let mut operator = Operator::new(World::new(State::Normal, false), 120, 30);
    operator.command("users").sees("alice").sees("3 of 3 enabled").sees("came in last");
    operator.press("jDy");
    assert_eq!(operator.line(), "user disable bob");
    operator.press("jr").sees("Take a role").press("y");
    assert_eq!(operator.line(), "role revoke carol installer --within='site:Hill, room 3' --revision 3");
    operator.press("g").sees("role grant carol --revision 3");
}

#[test]
fn a_viewer_who_presses_every_key_on_every_screen_runs_nothing_that_is_not_for_viewers() {
    let settings = Settings { rights: Role::Viewer.into(), ..Settings::default() };
    let keymap = Keymap::default();
    let mut pressed = 0;
    for decl in pane::all() {
        let mut on_this = 0;
        for bound in keymap.own(decl.name).iter().chain(keymap.own(GLOBAL)) {
            let world = World::new(State::Trouble, decl.needs_args());
            let mut operator = Operator::with(world, 80, 24, &settings);
            operator.command(&screens::line(decl, State::Trouble));
            let keys: String = bound.keys().split(' ').map(named).collect();
            // and whatever it asks is answered with yes, or with the line that it begins
            for answer in ["", "y", "<enter>", "why<enter>"] {
                operator.press(&keys).press(answer);
            }
            for (_, line, _) in &operator.lines {
                let words = shlex::split(line).unwrap();
                let found = noctule::commands::find(&words)
                    .is_none_or(|(command, _)| Role::Viewer.includes(command.role));
                assert!(found, "{} on {} ran {line}", bound.keys(), decl.name);
            }
            on_this += 1;
        }
        assert!(on_this >= keymap.own(GLOBAL).len() + decl.keys.len(), "{}: {on_this} keys", decl.name);
        pressed += on_this;
    }
    assert!(pressed > 500, "{pressed} keys");
}

/// A key as the fixture presses it.
fn named(key: &str) -> String {
    if key.chars().count() == 1 { key.to_owned() } else { format!("<{key}>") }
}

#[test]
fn a_picture_of_a_group_names_no_device_outside_it() {
    for state in [State::Normal, State::Trouble, State::Many, State::Hostile] {
        let whole = World::new(state, false).snapshot;
        let groups: std::collections::BTreeSet<_> = whole
            .devices
            .iter()
            .map(|row| row.device.group.clone())
            .filter(|group| !group.is_empty())
            .collect();
        assert!(!groups.is_empty(), "{state:?} has no group");
        for group in groups {
            let grant = Grant { role: Role::Viewer, reach: Reach::Group(group.clone()) };
            let within = Rights::new(vec![grant]).within(Role::Viewer);
            let part = whole.within(&within);
            let ids: HashSet<_> = part.devices.iter().map(|row| row.device.id).collect();
            let names: HashSet<_> = part.devices.iter().map(|row| row.device.name.clone()).collect();
            assert!(part.devices.iter().all(|row| within.holds(&row.device)), "{group}");
            // all of them say the same where they are hostile
            let is_part = ids.len() < whole.devices.len() || state == State::Hostile;
            assert!(!ids.is_empty() && is_part, "{group}");
            assert!(part.pulse.rows.iter().all(|row| ids.contains(&row.device)));
            assert!(part.jobs.iter().flat_map(|job| job.tasks.iter()).all(|task| ids.contains(&task.device)));
            assert!(part.events.iter().all(|event| names.contains(event.device.as_ref().unwrap())));
            for incident in part.incidents.iter() {
                assert!(ids.contains(&incident.root));
                assert!(incident.behind.iter().all(|name| names.contains(name)));
                assert!(incident.before.iter().all(|change| names.contains(&change.device)));
                assert!(incident.been_behind.iter().flat_map(|set| set.iter()).all(|id| ids.contains(&id)));
            }
            let counted = part.totals.managed + part.totals.unmanaged;
            assert!(counted as usize <= ids.len(), "{group}: {:?}", part.totals);
        }
    }
}
