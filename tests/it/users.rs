//! Users and roles as a person at a shell meets them: made from the command table, so that no command is forgotten.

use std::sync::Arc;

use noctule::commands::{Arg, Command, Count, Exit, Kind, Needs, all};
use noctule::engine::fields::{Change, Field};
use noctule::engine::query::{Answer, PastOf, Query, RevisionRef, SearchQuery};
use noctule::engine::users::{Caller, NewUser};
use noctule::engine::{Engine, Person, Selection};
use noctule::model::{Grant, Role, Timestamp};
use serde_json::Value;

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, Network, Script, add, admin, ann, back_up, engine};

/// A line of a command with something for each argument that must stand.
fn line(command: &Command) -> String {
    let word = |arg: &Arg| match arg.kind {
        Kind::Device | Kind::DeletedDevice => "a-1".to_owned(),
        Kind::Number(least, _) => least.to_string(),
        Kind::Choice(words) => words[0].to_owned(),
        Kind::Driver => "frr".to_owned(),
        Kind::Revision => "1".to_owned(),
        Kind::Duration | Kind::Seconds => "1s".to_owned(),
        Kind::Field => "group=x".to_owned(),
        Kind::Path => "-".to_owned(),
        _ => "core".to_owned(),
    };
    let mut line = command.name.to_owned();
    for arg in command.args.iter().filter(|arg| arg.count == Count::One) {
        if arg.is_flag() {
            line.push_str(&format!(" {} {}", arg.name, word(arg)));
        } else {
            line.push_str(&format!(" {}", word(arg)));
        }
    }
    line
}

/// Commands that a viewer may run and that wait for somebody, or look at this host: they are looked at elsewhere.
const LONG: [&str; 4] = ["lab", "pulse watch", "pulse check", "doctor"];

/// Two devices, one in group a and one in group b, each with a configuration.
async fn two_groups(folder: &std::path::Path) -> Arc<Engine> {
    let (network, hand) = (Network::new(), Hand::new());
    let engine = engine(folder, "[backup]\nretries = 0\n", network.clone(), &hand).await;
    add(&engine, &["a-1", "b-1"]).await;
    for (name, group) in [("a-1", "a"), ("b-1", "b")] {
        engine.edit_device(&ann(), name, &[Change::new(Field::Group, group)]).await.unwrap();
        network.play(name, [Script::Read(format!("hostname {name}\nvlan 10\n"))]);
    }
    back_up(&engine, &Selection::all()).await;
    engine
}

/// How many entries of the journal change something: that somebody was refused, or looked, changes nothing.
fn entries(engine: &Engine) -> usize {
    let entries = engine.store().journal(1).unwrap().map(|entry| entry.unwrap().unwrap());
    entries.filter(|entry| entry.changes.iter().any(|change| change.table != "audit")).count()
}

#[tokio::test]
async fn a_viewer_who_tries_every_command_changes_nothing_and_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let engine = two_groups(folder.path()).await;
    let before = entries(&engine);
    let mut shell = Shell::over(&engine);
    for role in [Role::Viewer, Role::Auditor] {
        shell.role = role;
        for command in all().filter(|command| !LONG.contains(&command.name)) {
            let line = line(command);
            let (exit, told) = shell.run(&line).await;
            let said = told.notes.join("\n");
            if !role.includes(command.role) {
                assert_eq!(exit, Exit::Failed, "{role}: {line}: {said}");
                assert!(said.contains(&format!("needs the role {}", command.role)), "{role}: {line}: {said}");
            }
            assert_eq!(entries(&engine), before, "{role} changed something with {line}: {said}");
        }
    }
}

#[tokio::test]
async fn each_role_runs_what_its_table_says_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let engine = two_groups(folder.path()).await;
    let mut shell = Shell::over(&engine);
    for role in Role::ALL {
        shell.role = role;
        for command in all().filter(|command| command.needs == Needs::Engine) {
            if role.includes(command.role) {
                // it would be let in: what it does then is its own tests' matter
                continue;
            }
            let (exit, told) = shell.run(&line(command)).await;
            assert_eq!(exit, Exit::Failed, "{role}: {}", command.name);
            assert!(
                told.notes.join(" ").contains("needs the role"),
                "{role}: {}: {:?}",
                command.name,
                told.notes
            );
        }
    }
}

async fn scoped(engine: &Arc<Engine>, role: Role) -> Person {
    let first = NewUser { name: "alice".into(), accounts: vec!["70001".into()], ..NewUser::default() };
    engine.add_user(&ann(), &admin(), first).await.unwrap();
    let grant = Grant { role, reach: "group:a".parse().unwrap() };
    let user = NewUser {
        name: "carol".into(),
        accounts: vec!["70002".into()],
        grants: vec![grant],
        ..NewUser::default()
    };
    engine.add_user(&ann(), &admin(), user).await.unwrap();
    engine.admit(&Caller { uid: 70_002, ..Caller::default() }).unwrap()
}

#[tokio::test]
async fn whoever_has_a_group_alone_meets_nothing_of_another_in_any_command() {
    let folder = tempfile::tempdir().unwrap();
    let engine = two_groups(folder.path()).await;
    let mut shell = Shell::over(&engine);
    let carol = scoped(&engine, Role::Engineer).await;
    shell.person = Some(carol);
    for command in all().filter(|command| !LONG.contains(&command.name)) {
        for json in ["", " --json"] {
            let line = line(command);
            let wide = if command.args.iter().any(|arg| arg.name == "--all") { " --all" } else { "" };
            for line in [format!("{line}{json}"), format!("{line}{wide}{json}"), line.replace("a-1", "b-1")] {
                let (_, told) = shell.run(&line).await;
                let lines = told.lines.join("\n").replace(&line, "");
                let files: Vec<&String> = told.written.keys().collect();
                assert!(!lines.contains("b-1"), "{line} tells of b-1: {lines}");
                assert!(!files.iter().any(|name| name.contains("b-1")), "{line} writes {files:?}");
                for (bytes, _) in told.written.values() {
                    assert!(!String::from_utf8_lossy(bytes).contains("b-1"), "{line} writes of b-1");
                }
                let bytes = String::from_utf8_lossy(&told.bytes);
                assert!(!bytes.contains("b-1"), "{line} hands out b-1: {bytes}");
            }
        }
    }
    // and it works for what is theirs
    for line in ["device list", "backup show a-1", "search vlan", "event list", "backup list"] {
        let (exit, told) = shell.run(line).await;
        assert_eq!(exit, Exit::Done, "{line}: {:?}", told.notes);
        let said = told.lines.join("\n") + &String::from_utf8_lossy(&told.bytes);
        assert!(said.contains("a-1"), "{line}: {said}");
    }
    for line in
        ["backup show b-1", "backup run b-1", "backup accept b-1 1", "device show b-1", "device show c-9"]
    {
        let (exit, told) = shell.run(line).await;
        assert_ne!(exit, Exit::Done, "{line}");
        assert!(!told.notes.is_empty(), "{line} is refused without a word");
    }
    // one of no such name is refused as one of another's
    let (_, other) = shell.run("device show b-1").await;
    let (_, none) = shell.run("device show c-9").await;
    assert_eq!(other.notes[0].replace("b-1", "c-9"), none.notes[0]);
}

#[tokio::test]
async fn a_picture_and_the_reads_of_a_screen_are_narrowed_too() {
    let folder = tempfile::tempdir().unwrap();
    let engine = two_groups(folder.path()).await;
    let other = engine.device("b-1").unwrap().id;
    let own = engine.device("a-1").unwrap().id;
    let carol = scoped(&engine, Role::Viewer).await;
    let picture = engine.snapshot_for(&carol);
    assert_eq!(picture.devices.len(), 1);
    assert_eq!(picture.totals.managed, 1);
    assert!(!format!("{picture:?}").contains("b-1"), "{picture:?}");
    assert!(!picture.events.is_empty() && !picture.jobs.is_empty());
    let newest = |device| RevisionRef { device, number: None };
    let search = SearchQuery { pattern: "vlan".into(), regex: false, history: false, limit: 10 };
    for query in [
        Query::History(other),
        Query::Config(newest(other)),
        Query::Pair(newest(own), newest(other)),
        Query::HostKeys(other),
        Query::PulseHistory(PastOf { device: other, from: Timestamp(0), until: Timestamp(1), points: 1 }),
        Query::Notifications,
        Query::Identities,
        Query::Search(search),
    ] {
        let shown = format!("{:?}", engine.query(&carol, query.clone()).await);
        assert!(!shown.contains("b-1"), "{query:?}: {shown}");
    }
    let answer = engine.query(&carol, Query::Config(newest(own))).await;
    assert!(matches!(answer, Answer::Config(_)), "{answer:?}");
}

#[tokio::test]
async fn what_is_revoked_or_disabled_holds_for_the_next_command() {
    let folder = tempfile::tempdir().unwrap();
    let engine = two_groups(folder.path()).await;
    let mut shell = Shell::over(&engine);
    shell.person = Some(scoped(&engine, Role::Operator).await);
    assert_eq!(shell.run("device list").await.0, Exit::Done);
    let admins = Shell::over(&engine);
    for (line, refused) in [
        ("role revoke carol operator --within group:a", "has no role"),
        ("user disable carol", "is disabled"),
    ] {
        let (exit, told) = admins.run(line).await;
        assert_eq!(exit, Exit::Done, "{:?}", told.notes);
        let (exit, told) = shell.run("device list").await;
        assert_eq!(exit, Exit::Failed);
        assert!(told.notes.join(" ").contains(refused), "{:?}", told.notes);
    }
}

#[tokio::test]
async fn users_are_made_shown_changed_and_listed_for_people_and_programs() {
    let folder = tempfile::tempdir().unwrap();
    let engine = two_groups(folder.path()).await;
    let shell = Shell::over(&engine);
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    for (line, part) in [
        (
            "user add alice --account 70001 --full-name 'Alice A.' --key alice-laptop",
            "\"role\":\"admin\",\"within\":\"all\"",
        ),
        ("user add bob --account 70002 --role operator", "\"revision\":1"),
        ("role grant bob engineer --within 'site:Hill 3'", "\"within\":\"site:Hill 3\""),
        ("user edit bob --key bob-laptop --account bobby --no-account 70002", "\"accounts\":[\"bobby\"]"),
        ("user edit bob --full-name Bob --revision 3", "\"full_name\":\"Bob\""),
        ("role revoke bob operator", "\"grants\":[{"),
        ("user disable bob", "\"enabled\":false"),
        ("user enable bob", "\"enabled\":true"),
        ("user show bob", "\"user\":\"bob\""),
        ("user list", "\"user\":\"alice\""),
        ("role list", "\"within\":\"site:Hill 3\""),
        ("user remove bob", "\"enabled\":false"),
    ] {
        let (exit, told) = shell.run(&format!("{line} --json --why test")).await;
        assert_eq!(exit, Exit::Done, "{line}: {:?}", told.notes);
        assert!(told.lines.join("\n").contains(part), "{line}: {:?}", told.lines);
        for answer in &told.lines {
            let answer: Value = serde_json::from_str(answer).unwrap();
            for field in answer.as_object().unwrap().keys() {
                assert!(page.contains(&format!("`{field}`")), "{line}: {field} is not in docs/json.md");
            }
        }
    }
    engine.log_in(&Caller { uid: 70_001, ..Caller::default() }).await.unwrap();
    engine.log_in(&Caller { uid: 70_009, ..Caller::default() }).await.unwrap_err();
    let (exit, told) = shell.run("login list --json").await;
    assert_eq!((exit, told.lines.len()), (Exit::Done, 2));
    let refused: Value = serde_json::from_str(&told.lines[0]).unwrap();
    assert!(refused["refused"].as_str().unwrap().contains("is no user"));
    for field in refused.as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{field}`")), "{field} is not in docs/json.md");
    }
    let (_, told) = shell.run("login list --refused").await;
    assert_eq!(told.lines.len(), 2, "{:?}", told.lines);
    let (_, told) = shell.run("user show alice").await;
    assert!(told.lines.iter().any(|line| line.starts_with("roles       admin")), "{:?}", told.lines);
    assert!(engine.snapshot().events.iter().any(|event| event.message.contains("user bob removed by ann")));
}

#[tokio::test]
async fn a_hostile_name_is_refused_in_words_that_are_clean() {
    let folder = tempfile::tempdir().unwrap();
    let engine = two_groups(folder.path()).await;
    let shell = Shell::over(&engine);
    let marks = format!("a{}", "\u{301}".repeat(10_000));
    let long = "x".repeat(100_000);
    for name in ["", "..", "\u{1b}[31mx", "a\u{202e}b", "root", "engine", &marks, &long] {
        for line in [
            format!("user add '{name}'"),
            format!("user add eve --account 7 --full-name '{name}{name}\u{1b}'"),
            format!("user add eve --account '{name} '"),
            format!("user add eve --account 7 --key '{name} '"),
            format!("role grant '{name}' viewer --within 'group:{name}\u{202e}'"),
        ] {
            let (exit, told) = shell.run(&line).await;
            assert_ne!(exit, Exit::Done, "{:?}", &line[..line.len().min(60)]);
            let said = told.notes.join("\n");
            assert!(said.chars().count() < 1_000, "{} characters", said.chars().count());
            assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said:?}");
        }
    }
    assert!(!engine.has_users());
}
