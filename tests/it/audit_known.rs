//! The audit trail: whose entry it is, from where, and findings of a check that an admin has looked into.

use noctule::commands::Exit;
use noctule::engine::{Engine, Options, Person, Selection};
use noctule::model::Role;
use noctule::server::Hello;
use serde_json::Value;

use crate::attach_fixture::{Client, Served, hello};
use crate::command_fixture::Shell;
use crate::engine_fixture::*;

async fn rows(shell: &Shell, line: &str) -> Vec<Value> {
    let (_, told) = shell.run(&format!("{line} --json")).await;
    told.lines.iter().map(|line| serde_json::from_str(line).expect("an object")).collect()
}

#[tokio::test]
async fn a_finding_that_an_admin_took_note_of_is_told_and_no_failure_and_what_is_new_is() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let engine = engine(folder.path(), "", Network::new(), &hand).await;
    let shell = Shell::over(&engine);
    assert_eq!(shell.run("device add a 127.0.0.1").await.0, Exit::Done);
    hand.move_by(-600_000);
    assert_eq!(shell.run("device add b 127.0.0.1").await.0, Exit::Done);
    let found = &rows(&shell, "audit verify").await[0];
    let (number, kind) = (found["problems"][0]["entry"].as_u64().unwrap(), &found["problems"][0]["kind"]);
    assert_eq!(kind, "clock");
    assert_eq!(shell.run("audit verify").await.0, Exit::Failed);

    let ack = format!("audit ack {number}");
    assert_eq!(shell.run(&ack).await.0, Exit::Usage, "a reason is wanted");
    assert_eq!(shell.run("audit ack 1 --why x").await.0, Exit::Failed, "nothing is wrong there");
    assert_eq!(shell.run(&format!("{ack} --why 'the time server was wrong'")).await.0, Exit::Done);
    assert_eq!(shell.run(&format!("{ack} --why again")).await.0, Exit::Failed, "it is known");
    let (exit, told) = shell.run("audit verify").await;
    let said = told.lines.join(" ");
    assert_eq!(exit, Exit::Done, "{said}");
    assert!(
        said.contains("known  the clock was set back") && said.contains("ann took note of it: the time"),
        "{said}"
    );
    let acts = rows(&shell, "audit list --verb 'audit ack' --kind change").await;
    assert_eq!((acts.len(), &acts[0]["who"]), (1, &"ann".into()));
    assert_eq!(acts[0]["why"], "the time server was wrong");

    // another one is another one
    hand.move_by(-600_000);
    assert_eq!(shell.run("device add c 127.0.0.1").await.0, Exit::Done);
    let report = &rows(&shell, "audit verify").await[0];
    assert_eq!(
        (report["problems"].as_array().unwrap().len(), report["known"].as_array().unwrap().len()),
        (1, 1)
    );
    assert_eq!(shell.run("audit verify").await.0, Exit::Failed);
    let number = report["first_bad"].as_u64().unwrap();
    assert_eq!(shell.run(&format!("audit ack {number} --why 'the same'")).await.0, Exit::Done);
    engine.stop().await;
    drop((engine, shell));
    // also where no engine is there to ask
    let closed = Shell::closed(folder.path());
    let (exit, told) = closed.run("audit verify").await;
    assert_eq!(exit, Exit::Done, "{:?} {:?}", told.lines, told.notes);
    assert_eq!(told.lines.iter().filter(|line| line.starts_with("known")).count(), 2, "{:?}", told.lines);
    // and what somebody changes in the journal is found beside them
    let segment = folder.path().join("data/journal/00000001.log");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    assert_eq!(closed.run("audit verify").await.0, Exit::Failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_somebody_sat_is_kept_for_logins_and_for_every_change() {
    let own = noctule::server::account_name(nix::unistd::Uid::effective());
    let served = Served::start_with(&format!("[serve]\ntrusted = [{own:?}]\n")).await;
    let run = async |hello: &Hello| {
        let (told, code) = Client::welcome(&served.place, hello).await.run_out().await;
        assert_eq!(code, 0, "{told}");
        told
    };
    run(&hello(&format!("user add boss --account {own}"), None)).await;
    run(&hello("user add ann --key ann --role engineer", None)).await;
    let ann = Hello {
        speaks_for: Some("ann".into()),
        ssh: Some("192.0.2.7\x1b]0;x\x07\u{202e}".into()),
        tty: Some("/dev/pts/3".into()),
        zone: "Asia/Tashkent".into(),
        ..hello("device edit core-1 location=hall", None)
    };
    run(&ann).await;
    let listed = run(&hello("audit list --who ann --json", None)).await;
    let rows: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (kind, verb) in [("change", "device edit"), ("login", "login")] {
        let row = rows.iter().find(|row| row["kind"] == kind).unwrap_or_else(|| panic!("{kind}: {listed}"));
        assert!(row["verb"].as_str().unwrap().starts_with(verb), "{row}");
        let from = row["from"].as_str().unwrap();
        assert!(from.starts_with("pts/3 ssh 192.0.2.7") && !from.contains(['\x1b', '\u{202e}']), "{from:?}");
    }
    // what she types is in her zone; one that is none is the engine's
    let line = "maintenance add core-1 --for 1h --from '2026-12-01 02:00' --why x --json";
    let told = run(&Hello { words: shlex::split(line).unwrap(), ..ann.clone() }).await;
    assert!(told.contains("\"from\":\"2026-11-30T21:00:00Z\""), "{told}");
    for zone in ["../../etc/passwd", "\u{202e}", &"x/".repeat(10_000)] {
        let hello = Hello { words: vec!["device".into(), "list".into()], zone: zone.into(), ..ann.clone() };
        run(&hello).await;
    }
    served.assert_alive().await;
}

#[tokio::test]
async fn nobody_is_taken_for_the_program_itself() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), "", Network::new(), &Hand::new()).await;
    add(&engine, &["core-1"]).await;
    let mut shell = Shell::over(&engine);
    for (number, name) in ["engine", "schedule", "noctule", "Schedule"].into_iter().enumerate() {
        shell.person = Some(Person::fixed(name, Role::Admin));
        assert_eq!(shell.run(&format!("device edit core-1 location=room-{number}")).await.0, Exit::Done);
        let rows = rows(&shell, "audit list --limit 1 --verb 'device edit'").await;
        assert_eq!((&rows[0]["who"], &rows[0]["kind"]), (&format!("person:{name}").into(), &"change".into()));
        let (exit, told) = shell.run(&format!("user add {} --account 70001", name.to_lowercase())).await;
        assert_eq!(exit, Exit::Usage);
        assert!(told.notes.join(" ").contains("not a person's name"), "{:?}", told.notes);
    }
}

#[tokio::test]
async fn what_the_schedule_begins_is_in_the_journal_before_with_the_setting_that_wants_it() {
    let (folder, hand, network) = (tempfile::tempdir().unwrap(), Hand::new(), Network::new());
    let first =
        engine(folder.path(), "[backup]\ndaily = \"00:00\"\njitter = \"0s\"\n", network.clone(), &hand).await;
    add(&first, &["sw-1"]).await;
    network.play("sw-1", [Script::Read("end\n".into())]);
    first.stop().await;
    drop(first);
    let mut options = Options::new(folder.path().join("data"), folder.path().join("config"));
    options.pulse = false;
    options.clock = hand.clock();
    let engine = Engine::start_with(options, network).await.unwrap();
    engine.watch().wait_for(|picture| picture.totals.good == 1).await.unwrap();
    let shell = Shell::over(&engine);
    let rows = rows(&shell, "audit list --who schedule").await;
    let began = rows.iter().position(|row| row["kind"] == "began").expect("that it begins");
    let ran = rows.iter().position(|row| !row["run"].is_null()).expect("that it ran");
    assert!(ran < began, "the newest is first");
    assert_eq!(
        (&rows[began]["why"], &rows[began]["what"]),
        (&"backup.daily is 00:00".into(), &"1 device is due".into())
    );
    assert!(back_up_by_hand(&engine).await);
    engine.stop().await;
}

/// A person's own backup goes on as before.
async fn back_up_by_hand(engine: &std::sync::Arc<Engine>) -> bool {
    back_up(engine, &Selection::all()).await.len() == 1
}
