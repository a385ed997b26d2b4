//! From an event to a sink, through a whole engine.

use std::sync::Arc;
use std::time::Duration;

use super::http_sink::{HttpSink, Play};
use super::{Hand, MINUTE, SECRET, engine, happens, incident, incident_happens, over, write_settings};
use crate::engine::{Actor, Engine};
use crate::model::{EventKind, Severity};

const RULE: &str = "[[rule]]\nto = [\"hook\"]\ngroup_for = \"0s\"\n";

fn ann() -> Actor {
    Actor::new("ann", "a test", "a command line")
}

/// Waits until an event says this.
async fn says(engine: &Arc<Engine>, text: &str) {
    let told = |message: &str| message.contains(text);
    let seen = engine
        .watch()
        .wait_for(|picture| picture.events.iter().any(|event| told(&event.message)))
        .await
        .is_ok();
    assert!(seen);
}

/// Waits until nothing waits: that the last delivery was noted too.
async fn settled(engine: &Arc<Engine>) {
    while !engine.notifications().await.unwrap().waiting.is_empty() {
        tokio::task::yield_now().await;
    }
}

/// Whatever was ever shown or stored about notifications holds no secret.
fn no_secret_anywhere(engine: &Engine) {
    for event in engine.snapshot().events.iter() {
        assert!(!event.message.contains(SECRET), "{}", event.message);
    }
    for record in engine.store().journal(0).unwrap().map(|record| record.unwrap().unwrap()) {
        assert!(!format!("{record:?}").contains(SECRET), "{record:?}");
        for change in &record.changes {
            let value = change.value.as_deref().unwrap_or_default();
            assert!(!String::from_utf8_lossy(value).contains(SECRET), "{}", change.table);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_with_143_behind_it_and_its_end_are_two_messages() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let mut sink = HttpSink::start(vec![Play::ok()]).await;
    let engine = engine(folder.path(), &format!("{}{RULE}", sink.toml("hook")), &hand).await;
    let trouble = incident(7, "core-1", 143);
    incident_happens(&engine, &trouble, EventKind::IncidentOpened).await;
    let json = sink.next().await.json();
    assert_eq!(json["subject"], "DOWN core-1, 143 behind it");
    assert_eq!(json["events"][0]["incident"]["cause"], "no answer");
    hand.move_by(MINUTE);
    incident_happens(&engine, &over(&trouble, MINUTE), EventKind::IncidentClosed).await;
    let json = sink.next().await.json();
    assert_eq!(json["subject"], "UP core-1 after 1 min");
    // another one that nobody was told of: its end is none of theirs
    incident_happens(&engine, &over(&incident(8, "edge-1", 0), MINUTE), EventKind::IncidentClosed).await;
    happens(&engine, EventKind::System, Severity::Error, "", "the last one").await;
    assert_eq!(sink.next().await.json()["events"][0]["message"], "the last one");
    assert!(sink.now().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_hangs_holds_nobody_up() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let mut hanging = HttpSink::start(vec![Play::Hang]).await;
    let mut sink = HttpSink::start(vec![Play::ok()]).await;
    let toml = format!(
        "{}timeout = \"5m\"\n{}[[rule]]\nto = [\"slow\", \"hook\"]\ngroup_for = \"0s\"\n",
        hanging.toml("slow"),
        sink.toml("hook")
    );
    let engine = engine(folder.path(), &toml, &hand).await;
    for n in 1..=3 {
        happens(&engine, EventKind::System, Severity::Error, "", &format!("number {n}")).await;
        assert_eq!(sink.next().await.json()["events"][0]["message"], format!("number {n}"));
    }
    hanging.next().await;
    assert!(hanging.now().is_none(), "one delivery at a time");
    let view = engine.notifications().await.unwrap();
    assert_eq!(view.targets[0].waiting, 3);
    let begun = std::time::Instant::now();
    engine.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_delivered_waits_is_shown_survives_a_restart_and_comes() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let mut bad = HttpSink::start(vec![Play::Answer("500 Oops", format!("no {SECRET}"))]).await;
    let toml = format!("{}headers = {{ Authorization = \"{SECRET}\" }}\n{RULE}", bad.toml("hook"));
    let first = engine(folder.path(), &toml, &hand).await;
    happens(&first, EventKind::HostKeyChanged, Severity::Error, "core-1", "another key").await;
    bad.next().await;
    says(&first, "the target hook does not take notifications").await;
    assert!(bad.now().is_none(), "its own failure is not told to itself");
    let view = first.notifications().await.unwrap();
    let waiting = &view.waiting[0];
    assert_eq!((waiting.attempts, waiting.subject.as_str()), (1, "host-key-changed core-1: another key"));
    assert_eq!(waiting.error.as_deref(), Some("it answers 500 Internal Server Error: no …"));
    let findings = first.doctor().await.unwrap();
    assert!(findings.iter().any(|found| found.message.starts_with("hook does not take")), "{findings:?}");
    no_secret_anywhere(&first);
    first.stop().await;
    drop(first);
    drop(bad);

    let mut good = HttpSink::start(vec![Play::ok()]).await;
    hand.move_by(MINUTE);
    let second = engine(folder.path(), &format!("{}{RULE}", good.toml("hook")), &hand).await;
    assert_eq!(good.next().await.json()["events"][0]["message"], "another key");
    says(&second, "the target hook takes notifications again").await;
    assert!(second.notifications().await.unwrap().waiting.is_empty());
    assert!(good.now().is_none(), "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_the_engine_ended_is_told_by_the_next_and_nothing_twice() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let mut sink = HttpSink::start(vec![Play::ok()]).await;
    let toml = format!("{}{RULE}", sink.toml("hook"));
    let first = engine(folder.path(), &toml, &hand).await;
    happens(&first, EventKind::System, Severity::Error, "", "told").await;
    sink.next().await;
    settled(&first).await;
    first.stop().await;
    // the worker is gone, and something is stored still
    happens(&first, EventKind::System, Severity::Error, "", "in between").await;
    drop(first);
    let second = engine(folder.path(), &toml, &hand).await;
    assert_eq!(sink.next().await.json()["events"][0]["message"], "in between");
    settled(&second).await;
    second.stop().await;
    drop(second);
    hand.move_by(MINUTE * 120);
    let third = engine(folder.path(), &toml, &hand).await;
    happens(&third, EventKind::System, Severity::Error, "", "new").await;
    assert_eq!(sink.next().await.json()["events"][0]["message"], "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_tests_tries_again_and_throws_away_and_the_journal_knows_who() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let no = || Play::Answer("500 Oops", String::new());
    let mut sink = HttpSink::start(vec![Play::ok(), no(), no(), Play::ok(), no()]).await;
    let engine = engine(folder.path(), &format!("{}{RULE}", sink.toml("hook")), &hand).await;
    let tried = engine.notify_test(&ann(), "hook").await.unwrap();
    assert_eq!((tried.delivered, tried.answer.as_deref()), (true, Some("200 OK fine")));
    assert_eq!(sink.next().await.json()["test"], true);
    let unknown = engine.notify_test(&ann(), "hok").await.unwrap_err();
    assert!(unknown.message.contains("did you mean hook?"), "{unknown}");

    happens(&engine, EventKind::System, Severity::Error, "", "first").await;
    says(&engine, "does not take notifications").await;
    let tried = engine.notify_retry(&ann(), None).await.unwrap();
    assert!(tried.len() == 1 && !tried[0].delivered, "{tried:?}");
    let tried = engine.notify_retry(&ann(), tried[0].message).await.unwrap();
    assert!(tried[0].delivered, "{tried:?}");
    assert!(engine.notify_retry(&ann(), None).await.unwrap().is_empty());
    assert!(engine.notify_retry(&ann(), Some(99)).await.is_err());

    happens(&engine, EventKind::System, Severity::Error, "", "second").await;
    says(&engine, "takes notifications again").await;
    let id = loop {
        let view = engine.notifications().await.unwrap();
        if let Some(message) = view.waiting.iter().find(|message| message.attempts == 1) {
            break message.id;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(engine.notify_drop(&ann(), id).await.unwrap(), "hook");
    assert!(engine.notify_drop(&ann(), id).await.is_err());
    assert!(engine.notifications().await.unwrap().waiting.is_empty());
    let journal = engine.store().journal(0).unwrap().map(|record| record.unwrap().unwrap());
    let by_ann = journal.filter(|record| record.actor == "ann" && record.why == "a test").count();
    assert_eq!(by_ann, 4, "a test, two tries, one thrown away");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_is_read_anew_and_a_mistake_in_it_changes_nothing() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let mut sink = HttpSink::start(vec![Play::ok()]).await;
    let engine = engine(folder.path(), "", &hand).await;
    let config = folder.path().join("config");
    write_settings(&config, &format!("{}{RULE}", sink.toml("hook")));
    happens(&engine, EventKind::System, Severity::Error, "", "one").await;
    assert_eq!(sink.next().await.json()["events"][0]["message"], "one");
    write_settings(&config, &format!("{}token = \"{SECRET}\"\n", sink.toml("hook")));
    happens(&engine, EventKind::System, Severity::Error, "", "two").await;
    let told = sink.next().await.json();
    let told =
        told["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap().to_owned());
    let told: Vec<String> = told.collect();
    says(&engine, "notifications go on as before this mistake").await;
    assert!(told.contains(&"two".to_owned()) || sink.next().await.body.contains("two"), "{told:?}");
    let findings = engine.doctor().await.unwrap();
    let found = findings.iter().find(|found| found.topic == "notify").unwrap();
    assert!(found.message.contains("notify.toml:5: `token`"), "{found:?}");
    no_secret_anywhere(&engine);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_others_may_change_is_not_obeyed_and_one_that_they_may_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let sink = HttpSink::start(vec![Play::ok()]).await;
    let engine = engine(folder.path(), &format!("{}{RULE}", sink.toml("hook")), &hand).await;
    let file = folder.path().join("config/notify.toml");
    let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let findings = engine.doctor().await.unwrap();
    let found = findings.iter().find(|found| found.topic == "notify").unwrap();
    assert_eq!(
        (found.severity, found.advice.clone()),
        (Severity::Warning, format!("chmod go= {}", file.display()))
    );
    mode(0o666);
    let refused = engine.notify_test(&ann(), "hook").await.unwrap_err();
    assert!(refused.message.contains("other users may change it"), "{refused}");
}
