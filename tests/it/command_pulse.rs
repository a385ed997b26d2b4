//! `pulse list`, `pulse watch`, `incident …` and `maintenance …`, over a simulated wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use noctule::commands::Exit;
use noctule::engine::Clock;
use noctule::model::{Role, Timestamp};
use serde_json::Value;

use crate::command_fixture::Shell;
use crate::wire::{Wire, hang, until, watching};

const TREE: &[(&str, &str, &str)] =
    &[("core-1", "10.0.0.1", ""), ("acc-1", "10.0.0.2", "core-1"), ("acc-2", "10.0.0.3", "core-1")];

const ALL: &[&str] = &["10.0.0.1", "10.0.0.2", "10.0.0.3"];

async fn json(shell: &Shell, line: &str) -> Vec<Value> {
    let (exit, told) = shell.run(&format!("{line} --json")).await;
    assert_eq!(exit, Exit::Done, "{line}: {:?}", told.notes);
    told.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_listed_acknowledged_commented_and_shown() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    let shell = Shell::over(&engine);
    hang(&engine, TREE).await;
    until(&engine, "all up", |now| now.pulse.totals.up == 3).await;
    wire.silence(ALL);
    until(&engine, "one incident", |now| now.incidents.first().is_some_and(|one| one.behind.len() == 2))
        .await;

    let listed = json(&shell, "incident list --open").await;
    assert_eq!((listed.len(), &listed[0]["device"]), (1, &Value::from("core-1")));
    assert_eq!(listed[0]["behind"], serde_json::json!(["acc-1", "acc-2"]));
    assert_eq!(listed[0]["subscribers"], Value::Null, "nobody knows");

    let down = json(&shell, "pulse list --down").await;
    assert_eq!(down.len(), 3);
    assert_eq!((&down[0]["device"], &down[0]["behind"]), (&"acc-1".into(), &"core-1".into()));

    let (exit, told) = shell.run("incident ack 1").await;
    assert_eq!(exit, Exit::Usage, "without a reason");
    assert!(told.notes[0].contains("--why"), "{:?}", told.notes);
    let acknowledged = json(&shell, "incident ack 1 --for 2h --why 'power cut in the street'").await;
    assert_eq!(acknowledged[0]["acknowledged"]["why"], "power cut in the street");
    assert_ne!(acknowledged[0]["acknowledged"]["until"], Value::Null);
    let assigned = json(&shell, "incident assign 1").await;
    assert_eq!(assigned[0]["assigned"], "ann");
    let commented = json(&shell, "incident comment 1 the provider says 'two hours'\u{202e}").await;
    assert_eq!(commented[0]["comments"].as_array().unwrap().len(), 1);
    assert!(!commented[0]["comments"][0]["text"].as_str().unwrap().contains('\u{202e}'));
    let (exit, told) = shell.run("incident close 1 --why tired").await;
    assert_eq!(exit, Exit::Failed);
    assert!(told.notes[0].contains("still down"), "{:?}", told.notes);
    assert_eq!(shell.run("incident show 9").await.0, Exit::Failed);

    wire.mend(ALL);
    until(&engine, "over", |now| now.incidents.iter().all(|one| !one.is_open())).await;
    let shown = json(&shell, "incident show 1").await;
    assert_eq!((&shown[0]["ending"], &shown[0]["most_behind"]), (&"recovered".into(), &2.into()));
    let (exit, told) = shell.run("incident ack 1 --why late").await;
    assert_eq!(exit, Exit::Failed);
    assert!(told.notes[0].contains("is over"), "{:?}", told.notes);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_reads_and_changes_nothing() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    hang(&engine, &TREE[..1]).await;
    let mut shell = Shell::over(&engine);
    shell.role = Role::Viewer;
    for line in ["incident list", "pulse list", "maintenance list --all"] {
        assert_eq!(shell.run(line).await.0, Exit::Done, "{line}");
    }
    for line in [
        "incident ack 1 --why x",
        "incident assign 1",
        "incident comment 1 x",
        "incident close 1 --why x",
        "maintenance add core-1 --for 1h --why x",
        "maintenance end 1",
        "pulse pause core-1",
    ] {
        let (exit, told) = shell.run(line).await;
        assert_eq!(exit, Exit::Failed, "{line}");
        assert!(told.notes[0].contains("needs the role operator"), "{line}: {:?}", told.notes);
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn planned_work_has_no_incident_and_its_end_no_storm() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let ahead = Arc::new(AtomicI64::new(0));
    let hand = Arc::clone(&ahead);
    let clock = Clock::from_fn(move || Timestamp(Timestamp::now().0 + hand.load(Ordering::SeqCst)));
    let engine = watching(folder.path(), &wire, &[], clock).await;
    let shell = Shell::over(&engine);
    hang(&engine, TREE).await;
    until(&engine, "all up", |now| now.pulse.totals.up == 3).await;
    assert_eq!(shell.run("maintenance add core-1 --behind --for 1h").await.0, Exit::Usage, "no reason");
    let added = json(&shell, "maintenance add core-1 --behind --for 1h --why 'new power supply'").await;
    assert_eq!((&added[0]["state"], &added[0]["behind"]), (&"on".into(), &true.into()));
    until(&engine, "all are in planned work", |now| now.pulse.totals.planned == 3).await;
    wire.silence(ALL);
    let now = until(&engine, "all are down", |now| now.pulse.totals.down == 3).await;
    assert_eq!(now.incidents.len(), 0);

    // its end, with all of them still down: they have a while, and then there is one incident
    assert_eq!(json(&shell, "maintenance end 1").await[0]["ended_by"], "ann");
    until(&engine, "the work is over", |now| now.pulse.totals.planned == 0).await;
    ahead.store(31_000, Ordering::SeqCst);
    let now = until(&engine, "one incident", |now| !now.incidents.is_empty()).await;
    assert_eq!(now.incidents.len(), 1);
    assert_eq!(now.incidents[0].name.as_str(), "core-1");
    let opened = now.events.iter().filter(|event| event.incident.is_some()).count();
    assert_eq!(opened, 1, "one word about it");
    assert_eq!(shell.run("maintenance end 1").await.0, Exit::Failed, "it is over");
    assert_eq!(json(&shell, "maintenance list --all").await.len(), 1);
    assert_eq!(json(&shell, "maintenance list").await.len(), 0);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_tells_changes_and_incidents_and_ends_with_what_is_down() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    let shell = Shell::over(&engine);
    hang(&engine, TREE).await;
    until(&engine, "all up", |now| now.pulse.totals.up == 3).await;
    shell.interrupt_at("{\"kind\":\"event\"");
    wire.silence(ALL);
    let (exit, told) = shell.run("pulse watch --json").await;
    assert_eq!(exit, Exit::Failed, "something is down");
    let told: Vec<Value> = told.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let event = told.iter().find(|one| one["kind"] == "event").unwrap();
    assert_eq!((&event["event"], &event["device"]), (&"incident-opened".into(), &"core-1".into()));
    assert!(told.iter().any(|one| one["kind"] == "state" && one["to"] == "down"));
    engine.stop().await;
}
