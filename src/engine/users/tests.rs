use std::sync::Arc;

use super::*;
use crate::engine::fields::blank;
use crate::engine::{Actor, Options};
use crate::model::{Account, Device, DeviceId, EventKind, Grant, Reach, Role};

async fn engine(folder: &std::path::Path) -> Arc<Engine> {
    let options =
        Options { schedule: false, pulse: false, ..Options::new(folder.join("data"), folder.join("config")) };
    Engine::start(options).await.unwrap()
}

/// Whoever has this uid; the folder's own is that of the process.
fn caller(uid: u32) -> Caller {
    Caller { uid, ..Caller::default() }
}

fn owner(folder: &std::path::Path) -> Caller {
    caller(admit::owner_of(&folder.join("data")).unwrap())
}

fn by(name: &str) -> Actor {
    Actor::new(name, "because", "")
}

fn new(name: &str, uid: u32, role: Role) -> NewUser {
    NewUser {
        name: name.into(),
        accounts: vec![uid.to_string()],
        grants: vec![Grant::everywhere(role)],
        ..NewUser::default()
    }
}

/// An engine whose first user is alice, with uid 70001 and a second admin, bob, with 70002.
async fn with_admins(folder: &std::path::Path) -> (Arc<Engine>, Person, Person) {
    let engine = engine(folder).await;
    let first = engine.admit(&owner(folder)).unwrap();
    engine.add_user(&by("me"), &first, new("alice", 70_001, Role::Admin)).await.unwrap();
    let alice = engine.admit(&caller(70_001)).unwrap();
    engine.add_user(&by("alice"), &alice, new("bob", 70_002, Role::Admin)).await.unwrap();
    let bob = engine.admit(&caller(70_002)).unwrap();
    (engine, alice, bob)
}

#[tokio::test]
async fn before_there_are_users_the_folder_is_its_owners_and_afterwards_the_users() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path()).await;
    let refused = engine.admit(&caller(70_001)).unwrap_err();
    assert!(refused.0.contains("there is no user yet"), "{refused}");
    let owner = owner(folder.path());
    let me = engine.admit(&owner).unwrap();
    assert!(me.rights.may(Role::Admin) && me.user.is_none());
    engine.add_user(&by("me"), &me, new("alice", 70_001, Role::Admin)).await.unwrap();
    // who was an admin because there was nobody else is no admin any more, in a session that goes on as well
    assert!(engine.readmit(&me).unwrap_err().0.contains("is no user"));
    let why = engine.add_user(&by("me"), &me, new("eve", 70_003, Role::Admin)).await.unwrap_err();
    assert!(why.message.contains("is no user"), "{why}");
    let alice = engine.admit(&caller(70_001)).unwrap();
    assert_eq!((alice.name.as_str(), alice.rights.may(Role::Admin)), ("alice", true));
    engine.stop().await;
}

#[tokio::test]
async fn the_first_user_has_the_account_that_asks_and_is_nothing_but_an_admin() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path()).await;
    let caller = owner(folder.path());
    let me = engine.admit(&caller).unwrap();
    let why = engine.add_user(&by("me"), &me, new("alice", 7, Role::Viewer)).await.unwrap_err();
    assert!(why.message.contains("the first user is an admin"), "{why}");
    let first = NewUser { name: "alice".into(), ..NewUser::default() };
    let user = engine.add_user(&by("me"), &me, first).await.unwrap();
    assert_eq!(user.accounts, [Account::Uid(caller.uid)]);
    assert_eq!(engine.readmit(&me).unwrap().name, "alice");
    engine.stop().await;
    drop(engine);
    // and so it is after a start
    let engine = self::engine(folder.path()).await;
    assert_eq!(engine.admit(&caller).unwrap().name, "alice");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_would_be_first_one_is() {
    for round in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path()).await;
        let me = engine.admit(&owner(folder.path())).unwrap();
        let start = Arc::new(tokio::sync::Barrier::new(4));
        let racers: Vec<_> = ["a", "b", "c", "d"]
            .into_iter()
            .map(|name| {
                let (engine, me, start) = (Arc::clone(&engine), me.clone(), Arc::clone(&start));
                let first = NewUser { name: name.into(), first: true, ..NewUser::default() };
                tokio::spawn(async move {
                    start.wait().await;
                    engine.add_user(&by("me"), &me, first).await
                })
            })
            .collect();
        let mut won = 0;
        for racer in racers {
            match racer.await.unwrap() {
                Ok(_) => won += 1,
                Err(why) => assert!(why.message.contains("somebody else was first"), "{why}"),
            }
        }
        assert_eq!((won, engine.users().len()), (1, 1), "round {round}");
        engine.stop().await;
    }
}

#[tokio::test]
async fn nobody_grants_themselves_anything_and_an_admin_is_always_left() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, alice, bob) = with_admins(folder.path()).await;
    let approver = Grant::everywhere(Role::Approver);
    let why = engine.grant_role(&by("alice"), &alice, "alice", None, approver.clone()).await.unwrap_err();
    assert!(why.message.contains("nobody grants a role for themselves"), "{why}");
    let key = UserChange { add_keys: vec!["laptop".into()], ..UserChange::default() };
    assert!(engine.edit_user(&by("alice"), &alice, "alice", None, key).await.is_err());
    engine.grant_role(&by("bob"), &bob, "alice", None, approver).await.unwrap();
    // one of the two may go, the other may not, in none of the ways there are
    engine.enable_user(&by("alice"), &alice, "bob", None, false).await.unwrap();
    let admin = Grant::everywhere(Role::Admin);
    for why in [
        engine.enable_user(&by("alice"), &alice, "alice", None, false).await.unwrap_err(),
        engine.remove_user(&by("alice"), &alice, "alice", None).await.unwrap_err(),
        engine.revoke_role(&by("alice"), &alice, "alice", None, &admin).await.unwrap_err(),
    ] {
        assert!(why.message.contains("the last admin"), "{why}");
    }
    // who is disabled does nothing more
    assert!(engine.admit(&caller(70_002)).unwrap_err().0.contains("disabled"));
    let why = engine.enable_user(&by("bob"), &bob, "bob", None, true).await.unwrap_err();
    assert!(why.message.contains("disabled"), "{why}");
    engine.stop().await;
}

#[tokio::test]
async fn whoever_changes_a_user_that_was_changed_meanwhile_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, alice, bob) = with_admins(folder.path()).await;
    let eve = engine.add_user(&by("alice"), &alice, new("eve", 70_003, Role::Viewer)).await.unwrap();
    let seen = Some(eve.revision);
    let name = |name: &str| UserChange { full_name: Some(name.into()), ..UserChange::default() };
    engine.edit_user(&by("alice"), &alice, "eve", seen, name("Eve One")).await.unwrap();
    let why = engine.edit_user(&by("bob"), &bob, "eve", seen, name("Eve Two")).await.unwrap_err();
    assert!(why.message.contains("was changed meanwhile"), "{why}");
    assert_eq!(engine.user("eve").unwrap().full_name, "Eve One");
    let why = engine
        .grant_role(&by("bob"), &bob, "eve", seen, Grant::everywhere(Role::Operator))
        .await
        .unwrap_err();
    assert!(why.message.contains("was changed meanwhile"), "{why}");
    engine.stop().await;
}

#[tokio::test]
async fn an_account_is_one_user_and_users_and_the_audit_lie_at_no_site() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, alice, _) = with_admins(folder.path()).await;
    let why = engine.add_user(&by("alice"), &alice, new("eve", 70_002, Role::Viewer)).await.unwrap_err();
    assert!(why.message.contains("the account 70002 is bob already"), "{why}");
    let scoped = Grant { role: Role::Admin, reach: Reach::Group("campus".into()) };
    let why = engine.grant_role(&by("alice"), &alice, "bob", None, scoped).await.unwrap_err();
    assert!(why.message.contains("whole network"), "{why}");
    let too_many =
        NewUser { keys: (0..33).map(|n| format!("k{n}")).collect(), ..new("eve", 7, Role::Viewer) };
    assert!(engine.add_user(&by("alice"), &alice, too_many).await.is_err());
    // a removed user's name, account and keys are free, and the number is not
    let bob = engine.user("bob").unwrap().id;
    engine.remove_user(&by("alice"), &alice, "bob", None).await.unwrap();
    let again = engine.add_user(&by("alice"), &alice, new("bob", 70_002, Role::Viewer)).await.unwrap();
    assert!(again.id > bob);
    engine.stop().await;
}

#[tokio::test]
async fn a_key_is_believed_only_of_an_account_that_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, alice, _) = with_admins(folder.path()).await;
    let eve = NewUser { keys: vec!["eve-laptop".into()], ..new("eve", 70_003, Role::Viewer) };
    engine.add_user(&by("alice"), &alice, eve).await.unwrap();
    let asks = |key: &str, trusted| Caller { asks_as: Some(key.into()), trusted, ..caller(70_009) };
    assert!(engine.admit(&asks("eve-laptop", false)).unwrap_err().0.contains("does not trust"));
    assert_eq!(engine.admit(&asks("eve-laptop", true)).unwrap().name, "eve");
    let hostile = format!("\u{1b}[31m{}", "x".repeat(10_000));
    let why = engine.admit(&asks(&hostile, true)).unwrap_err().0;
    assert!(why.len() < 400 && !why.contains('\u{1b}'), "{why}");
    engine.stop().await;
}

#[tokio::test]
async fn whoever_comes_or_is_refused_is_written_down_and_a_flood_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, ..) = with_admins(folder.path()).await;
    let from =
        Origin { ssh: Some("192.0.2.7\u{1b}[2J".into()), tty: Some("/dev/pts/3".into()), pid: Some(7) };
    engine.log_in(&Caller { from, over_socket: true, ..caller(70_001) }).await.unwrap();
    for _ in 0..100 {
        engine.log_in(&caller(70_666)).await.unwrap_err();
    }
    let logins = engine.logins();
    assert_eq!(logins.len(), 11, "ten refusals a minute are written down");
    let last = logins.last().unwrap();
    assert_eq!((last.user.as_deref(), last.method.as_str(), last.pid), (Some("alice"), "socket", Some(7)));
    assert!(!last.ssh.as_ref().unwrap().contains('\u{1b}'));
    assert!(logins[0].refused.as_ref().unwrap().contains("is no user"));
    assert!(engine.last_logins().contains_key("alice"));
    engine.stop().await;
    drop(engine);
    let engine = self::engine(folder.path()).await;
    assert_eq!(engine.logins().len(), 11);
    engine.stop().await;
}

#[tokio::test]
async fn the_owner_of_the_folder_has_a_way_back_in_that_everybody_sees() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, ..) = with_admins(folder.path()).await;
    let owner = owner(folder.path());
    let why = engine.recover_user(&by("eve"), &caller(70_666), "eve").await.unwrap_err();
    assert!(why.message.contains("does not own the data folder"), "{why}");
    let why = engine.recover_user(&Actor::new("me", "", ""), &owner, "alice").await.unwrap_err();
    assert!(why.message.contains("--why"), "{why}");
    engine.recover_user(&by("me"), &owner, "alice").await.unwrap();
    assert!(engine.admit(&owner).unwrap().rights.may(Role::Admin));
    let event = engine.snapshot().events[0].clone();
    assert_eq!((event.kind, event.severity), (EventKind::Users, crate::model::Severity::Error));
    assert!(event.message.contains("with the store closed"), "{}", event.message);
    engine.stop().await;
}

#[test]
fn a_reach_ends_where_a_name_does() {
    let device = |group: &str, location: &str| Device {
        group: group.into(),
        location: location.into(),
        ..blank(DeviceId(1), "sw".parse().unwrap(), "127.0.0.1".parse().unwrap(), Timestamp(0))
    };
    let holds = |reach: &str, device: &Device| reach.parse::<Reach>().unwrap().holds(device);
    for (reach, group, location, held) in [
        ("all", "", "", true),
        ("group:campus", "campus", "", true),
        ("group:campus/", "campus/north", "", true),
        ("group:campus", "campus2", "", false),
        ("group:campus/north", "campus", "", false),
        ("site:Hill", "", "Hill, room 3", true),
        ("site:Hill", "", "Hillside", false),
        ("site:Hill", "Hill", "", false),
    ] {
        assert_eq!(holds(reach, &device(group, location)), held, "{reach} {group} {location}");
    }
    for bad in ["", "group:", "group:/", "site: ", "room:1", "group:a\u{202e}", "ALL"] {
        assert!(bad.parse::<Reach>().is_err(), "{bad:?}");
    }
}

#[test]
fn an_act_says_where_its_person_sits() {
    let from = Origin { ssh: Some("192.0.2.7".into()), tty: Some("/dev/pts/3\x1b[2J".into()), pid: Some(1) };
    let person = Person::of_account(Caller { from, ..caller(70_001) }, false);
    let actor = person.actor("curious", "device list");
    assert_eq!(actor.from, "pts/3␛[2J ssh 192.0.2.7");
    assert_eq!(Person::fixed("demo", Role::Viewer).actor("", "console").from, "");
}
