//! Host keys: pinned at first contact, refused when changed, trusted again by a person.

use noctule::engine::Selection;
use noctule::engine::query::{Answer, Query};
use noctule::model::{EventKind, FailureKind, RunStatus};

use crate::engine_fixture::*;

const OLD: &str = "ssh-ed25519 AAAAold";
const NEW: &str = "ssh-ed25519 AAAAnew";

#[tokio::test]
async fn a_changed_key_is_refused_until_a_person_trusts_it() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), "", network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    let mut events = engine.subscribe();
    network.play("sw", [Script::Key(OLD), Script::Key(NEW), Script::Key(NEW), Script::Key(OLD)]);

    assert_eq!(back_up(&engine, &Selection::all()).await[0].status, RunStatus::Changed);
    while events.recv().await.unwrap().kind != EventKind::HostKeyPinned {}
    assert_eq!(engine.host_keys().unwrap()[0].1.keys, [OLD]);
    assert!(engine.trust_host_key(&ann(), "sw").await.is_err(), "nothing was refused yet");

    hand.move_by(1000);
    let refused = back_up(&engine, &Selection::all()).await.remove(0).error.unwrap();
    assert_eq!(refused.kind, FailureKind::HostKey);
    assert!(refused.message.contains("device trust sw"), "{refused}");
    while events.recv().await.unwrap().kind != EventKind::HostKeyChanged {}

    let device = engine.rows()[0].device.id;
    let Answer::HostKeys(known) =
        engine.query(&crate::engine_fixture::admin(), Query::HostKeys(device)).await
    else {
        panic!("no keys")
    };
    assert_eq!((known.len(), known[0].pinned.len(), known[0].refused.is_some()), (1, 1, true));
    engine.trust_host_key(&ann(), "sw").await.unwrap();
    let Answer::HostKeys(known) =
        engine.query(&crate::engine_fixture::admin(), Query::HostKeys(device)).await
    else {
        panic!("no keys")
    };
    assert!(known[0].refused.is_none());
    hand.move_by(1000);
    assert_eq!(back_up(&engine, &Selection::all()).await[0].status, RunStatus::Unchanged);
    hand.move_by(1000);
    let old_again = back_up(&engine, &Selection::all()).await.remove(0).error.unwrap();
    assert_eq!(old_again.kind, FailureKind::HostKey, "the old key is not trusted any more");
}

#[tokio::test]
async fn the_strict_policy_pins_nothing_by_itself() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let strict = "[ssh]\nhost_keys = \"strict\"\n";
    let engine = engine(folder.path(), strict, network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    let mut events = engine.subscribe();
    network.play("sw", [Script::Key(OLD)]);
    let refused = back_up(&engine, &Selection::all()).await.remove(0).error.unwrap();
    assert!(refused.message.contains("strict"), "{refused}");
    while events.recv().await.unwrap().kind != EventKind::System {}
    engine.trust_host_key(&ann(), "sw").await.unwrap();
    hand.move_by(1000);
    assert_eq!(back_up(&engine, &Selection::all()).await[0].status, RunStatus::Changed);
}

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMqXgRLKG73K+sIxs5oj3E2nhu/4FHxOcrmAd4Wv7ki7";
const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID4j6BYAOVlKM4lPZWThsTSLvXoAiNQsSstz7q7VnACd";

/// What a backup comes to where known_hosts says this and the device shows [`KEY`].
async fn contact(settings: &str, known_hosts: &str) -> (Result<RunStatus, String>, Vec<String>) {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let file = folder.path().join("known_hosts");
    std::fs::write(&file, known_hosts).unwrap();
    network.known_hosts.lock().unwrap().push(file);
    let engine = engine(folder.path(), settings, network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    let mut events = engine.subscribe();
    network.play("sw", [Script::Key(KEY)]);
    let report = back_up(&engine, &Selection::all()).await.remove(0);
    let outcome = report.error.map_or(Ok(report.status), |failure| Err(failure.message));
    if outcome.is_ok() {
        // the pin is stored aside
        while events.recv().await.unwrap().kind != EventKind::HostKeyPinned {}
    }
    let pinned = engine.host_keys().unwrap().into_iter().flat_map(|(_, pinned)| pinned.keys).collect();
    (outcome, pinned)
}

#[tokio::test]
async fn known_hosts_files_are_a_second_source_at_first_contact() {
    let strict = "[ssh]\nhost_keys = \"strict\"\n";
    for policy in ["", strict] {
        let (known, pinned) = contact(policy, &format!("127.0.0.1 {OTHER}\n127.0.0.1 {KEY}\n")).await;
        assert_eq!((known, pinned), (Ok(RunStatus::Changed), vec![KEY.to_owned()]), "one that is known");

        let (changed, pinned) = contact(policy, &format!("# ours\n127.0.0.* {OTHER}\n")).await;
        let changed = changed.unwrap_err();
        assert!(changed.contains("known_hosts line 2") && changed.contains("device trust sw"), "{changed}");
        assert!(pinned.is_empty());

        let (revoked, pinned) = contact(policy, &format!("127.0.0.1 {KEY}\n@revoked * {KEY}\n")).await;
        let revoked = revoked.unwrap_err();
        assert!(revoked.contains("revoked by") && revoked.contains("line 2"), "{revoked}");
        assert!(pinned.is_empty());
    }
    let (unknown, _) = contact("", &format!("elsewhere {OTHER}\n")).await;
    assert_eq!(unknown, Ok(RunStatus::Changed));
    let (unknown, _) = contact(strict, &format!("elsewhere {OTHER}\n")).await;
    assert!(unknown.unwrap_err().contains("`hostkey import FILE`"));
}

#[tokio::test]
async fn a_key_that_is_revoked_later_is_refused_and_cannot_be_trusted_again() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let file = folder.path().join("known_hosts");
    network.known_hosts.lock().unwrap().push(file.clone());
    let engine = engine(folder.path(), "", network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    let mut events = engine.subscribe();
    network.play("sw", [Script::Key(KEY)]);
    assert!(back_up(&engine, &Selection::all()).await[0].error.is_none());
    while events.recv().await.unwrap().kind != EventKind::HostKeyPinned {}
    std::fs::write(&file, format!("@revoked * {KEY}\n")).unwrap();
    hand.move_by(1000);
    let refused = back_up(&engine, &Selection::all()).await.remove(0).error.unwrap();
    assert_eq!(refused.kind, FailureKind::HostKey);
    assert!(engine.trust_host_key(&ann(), "sw").await.is_err(), "a revoked key is not one to trust");
}

#[tokio::test]
async fn the_doctor_finds_nothing_wrong_with_a_fresh_engine_and_much_with_a_spoiled_one() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), "", network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    let severities = |findings: &[noctule::engine::doctor::Finding], topic: &str| {
        findings.iter().filter(|f| f.topic == topic).map(|f| f.severity).collect::<Vec<_>>()
    };
    use noctule::model::Severity::{Error, Info, Warning};
    let findings = engine.doctor().await.unwrap();
    for topic in ["store", "drivers", "permissions", "clock", "settings", "devices"] {
        assert_eq!(severities(&findings, topic), [Info], "{findings:?}");
    }
    std::fs::write(folder.path().join("config/config.toml"), "[backup]\ndaily = \"noon\"\n").unwrap();
    let ssh = [noctule::engine::fields::Change::new(noctule::engine::fields::Field::Transport, "ssh")];
    engine.add_device(&ann(), "no-driver", "127.0.0.2", &ssh).await.unwrap();
    let findings = engine.doctor().await.unwrap();
    assert_eq!(severities(&findings, "settings"), [Error]);
    assert_eq!(severities(&findings, "devices"), [Warning]);
    let advice = findings.iter().find(|f| f.topic == "devices").map(|f| f.advice.as_str());
    assert_eq!(advice, Some("device edit no-driver driver=ID"));
}
