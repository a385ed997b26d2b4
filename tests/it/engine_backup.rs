//! Backup runs: what is stored, what is tried again, what is never done.

use std::sync::atomic::Ordering;

use noctule::engine::backup::{BackupOptions, RunReport};
use noctule::engine::fields::{Change, Field};
use noctule::engine::history::View;
use noctule::engine::query::RevisionRef;
use noctule::engine::snapshot::BackupState;
use noctule::engine::{Actor, Engine, Options, Selection};
use noctule::model::{EventKind, FailureKind, RevisionState, RunStatus};

use crate::engine_fixture::*;

const QUICK: &str = "[backup]\nretries = 2\nretry_wait = \"0s\"\n";

fn text(body: &str) -> String {
    format!("hostname sw\n{body}\nend\n")
}

fn state(engine: &Engine, name: &str) -> BackupState {
    engine.rows().into_iter().find(|row| row.device.name.as_str() == name).unwrap().state
}

fn events(engine: &Engine) -> Vec<EventKind> {
    engine.rows();
    let snapshot = engine.snapshot();
    let kinds = snapshot.events.iter().map(|event| event.kind);
    kinds.filter(|kind| *kind != EventKind::Inventory).collect()
}

async fn one(engine: &std::sync::Arc<Engine>) -> RunReport {
    back_up(engine, &Selection::names(["sw"])).await.remove(0)
}

#[tokio::test]
async fn changed_then_unchanged_then_changed() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), QUICK, network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    let device = engine.device("sw").unwrap();
    network.play(
        "sw",
        [Script::Read(text("vlan 1")), Script::Read(text("vlan 1")), Script::Read(text("vlan 2"))],
    );

    let first = one(&engine).await;
    assert_eq!((first.status, first.revision, first.bytes), (RunStatus::Changed, Some(1), 23));
    hand.move_by(1000);
    let second = one(&engine).await;
    assert_eq!((second.status, second.revision), (RunStatus::Unchanged, Some(1)));
    assert_eq!(second.sha256, first.sha256);
    hand.move_by(1000);
    let third = one(&engine).await;
    assert_eq!((third.status, third.revision), (RunStatus::Changed, Some(2)));

    let history = engine.history(device.id).await.unwrap();
    assert_eq!((history.revisions.len(), history.runs.len()), (2, 3));
    assert_eq!(history.revisions[1].last_seen.0, NOON + 1000);
    let before = engine.revision(&device, "-1").await.unwrap();
    assert_eq!(engine.text(&before, View::Exact).await.unwrap(), text("vlan 1").into_bytes());
    assert_eq!(state(&engine, "sw"), BackupState::Good);
}

#[tokio::test]
async fn noise_makes_no_revision_but_the_exact_text_is_the_newest() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), QUICK, network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    let device = engine.device("sw").unwrap();
    network.play("sw", [Script::Read(text("! 12:00")), Script::Read(text("! 12:01"))]);
    one(&engine).await;
    let first = engine.revision(&device, "newest").await.unwrap();
    hand.move_by(1000);
    assert_eq!(one(&engine).await.status, RunStatus::Unchanged);
    let newest = engine.revision(&device, "newest").await.unwrap();
    assert_eq!(newest.number, 1);
    assert_eq!(engine.text(&newest, View::Exact).await.unwrap(), text("! 12:01").into_bytes());
    engine.apply_retention(&ann()).await.unwrap();
    assert!(!engine.store().blobs().path(first.exact.id).exists(), "the text that nothing names is gone");
    let verified = engine.verify(&Selection::all()).await.unwrap();
    assert_eq!((verified.revisions, verified.damaged.len()), (1, 0));
}

#[tokio::test]
async fn a_changed_secret_is_seen_and_never_shown() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), QUICK, network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    let device = engine.device("sw").unwrap();
    network.play("sw", ["one", "two"].map(|s| Script::Read(text(&format!("enable secret fake-{s}")))));
    one(&engine).await;
    hand.move_by(1000);
    assert_eq!(one(&engine).await.status, RunStatus::Changed);
    let config = engine.config(RevisionRef { device: device.id, number: None }).await.unwrap();
    assert!(config.text.contains("<secret:") && !config.text.contains("fake-"), "{}", config.text);
}

#[tokio::test]
async fn what_is_not_proven_is_put_aside_and_replaces_nothing() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), QUICK, network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    let device = engine.device("sw").unwrap();
    let half = Script::Doubtful("hostname sw\n".to_owned());
    // each run reads what it doubts once more
    let halves = [half.clone(), half.clone(), half.clone(), half];
    let all = [Script::Read(text("vlan 1"))].into_iter().chain(halves).chain([Script::Read(text("vlan 1"))]);
    network.play("sw", all);
    one(&engine).await;
    hand.move_by(1000);
    let suspect = one(&engine).await;
    assert_eq!((suspect.status, suspect.revision), (RunStatus::Failed, Some(2)));
    assert_eq!(suspect.error.unwrap().kind, FailureKind::Truncated);
    assert_eq!(state(&engine, "sw"), BackupState::Suspect);
    hand.move_by(1000);
    // the same half again is not stored again
    assert_eq!(one(&engine).await.revision, Some(2));
    let history = engine.history(device.id).await.unwrap();
    assert_eq!(history.revisions.len(), 2);
    assert!(matches!(history.revisions[0].state, RevisionState::Quarantined { .. }));
    assert_eq!(engine.revision(&device, "newest").await.unwrap().number, 1);
    let (_, transcript) = engine.recording(device.id, history.runs[0].recording.unwrap()).await.unwrap();
    assert!(transcript.starts_with("noctule transcript 1"));

    hand.move_by(1000);
    assert_eq!(one(&engine).await.status, RunStatus::Unchanged);
    use EventKind::{BackupRecovered, ConfigChanged, Quarantined};
    engine.stop().await;
    assert_eq!(events(&engine), [BackupRecovered, Quarantined, ConfigChanged]);
}

#[tokio::test]
async fn what_is_doubted_is_read_once_more_and_kept_only_if_no_proof_comes() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), QUICK, network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    let half = || Script::Doubtful("hostname sw\n".to_owned());
    for (second, status, sessions) in [
        (Script::Read(text("vlan 1")), RunStatus::Changed, 2),
        (half(), RunStatus::Failed, 2),
        // the line breaks twice after the doubtful reading, which is still what there is to look at
        (Script::Fail(FailureKind::Timeout), RunStatus::Failed, 3),
    ] {
        hand.move_by(1000);
        network.play("sw", [half(), second]);
        let report = one(&engine).await;
        assert_eq!(report.status, status, "{report:?}");
        assert!(report.revision.is_some(), "{report:?}");
        assert_eq!(network.sessions.swap(0, Ordering::SeqCst), sessions);
    }
    hand.move_by(1000);
    network.play("sw", [half(), Script::Fail(FailureKind::HostKey)]);
    assert_eq!(
        one(&engine).await.error.unwrap().kind,
        FailureKind::HostKey,
        "not hidden by what came before"
    );
}

#[tokio::test]
async fn what_a_person_accepts_is_the_newest_good_one_and_read_again_it_is_silent() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), QUICK, network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    let device = engine.device("sw").unwrap();
    let half = |note: &str| Script::Doubtful(format!("hostname sw\n! {note}\n"));
    network.play("sw", [Script::Read(text("vlan 1"))]);
    one(&engine).await;
    hand.move_by(1000);
    network.play("sw", [half("noise")]);
    assert_eq!(one(&engine).await.revision, Some(2));

    let reasonless = Actor::new("ann", " ", "backup accept sw 2");
    assert!(engine.accept_revision(&reasonless, &device, "2").await.is_err());
    let error = engine.accept_revision(&ann(), &device, "1").await.unwrap_err();
    assert!(error.message.contains("good one already"), "{}", error.message);
    let why = Actor::new("ann", "the card is out", "backup accept sw 2");
    let accepted = engine.accept_revision(&why, &device, "2").await.unwrap();
    let RevisionState::Accepted(by) = &accepted.state else { panic!("{accepted:?}") };
    assert_eq!((by.by.as_str(), by.why.as_str()), ("ann", "the card is out"));
    assert_eq!(by.lacked, "the end marker is missing");
    assert_eq!(engine.revision(&device, "newest").await.unwrap(), accepted);
    assert_eq!(state(&engine, "sw"), BackupState::Good);
    let newest_event = engine.snapshot().events[0].message.clone();
    assert!(newest_event.contains("accepted by ann: the card is out"), "{newest_event}");

    // still not proven, but the same: with other noise, and to the byte
    for note in ["noise", "other noise"] {
        hand.move_by(1000);
        network.play("sw", [half(note)]);
        let report = one(&engine).await;
        assert_eq!((report.status, report.revision), (RunStatus::Unchanged, Some(2)), "{note}: {report:?}");
    }
    let newest = engine.revision(&device, "newest").await.unwrap();
    assert!(matches!(newest.state, RevisionState::Accepted(_)), "who answers for it is not forgotten");
    assert_eq!(engine.snapshot().events[0].message, newest_event, "silent");

    engine.stop().await;
    drop(engine);
    let engine = self::engine(folder.path(), QUICK, network.clone(), &hand).await;
    assert_eq!(engine.revision(&device, "newest").await.unwrap(), newest);
    let journal = engine.store().journal(0).unwrap();
    let entry = journal.map(|entry| entry.unwrap().unwrap()).find(|entry| entry.verb == "backup accept sw 2");
    assert!(
        entry.is_some_and(|entry| (entry.actor.as_str(), entry.why.as_str()) == ("ann", "the card is out"))
    );
}

#[tokio::test]
async fn what_the_device_is_proven_not_to_hold_any_more_is_not_accepted() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), QUICK, network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    let device = engine.device("sw").unwrap();
    for script in
        [Script::Read(text("vlan 1")), Script::Doubtful("hostname sw\n".into()), Script::Read(text("vlan 1"))]
    {
        network.play("sw", [script]);
        one(&engine).await;
        hand.move_by(1000);
    }
    let error = engine.accept_revision(&ann(), &device, "2").await.unwrap_err();
    assert!(error.message.contains("proven again after revision 2"), "{}", error.message);
    // one that a newer one has replaced becomes good, not the newest
    network.play("sw", [Script::Read(text("vlan 2"))]);
    one(&engine).await;
    engine.accept_revision(&ann(), &device, "2").await.unwrap();
    assert_eq!(engine.revision(&device, "newest").await.unwrap().number, 3);
    assert_eq!(engine.revision(&device, "-1").await.unwrap().number, 2);
}

#[tokio::test]
async fn a_passing_failure_is_tried_again_and_a_refused_password_never() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), QUICK, network.clone(), &hand).await;
    add(&engine, &["sw", "locked", "dead"]).await;
    network.play("sw", [Script::Fail(FailureKind::Timeout), Script::Read(text("vlan 1"))]);
    network.play("locked", [Script::Fail(FailureKind::Authentication)]);
    network.play("dead", [Script::Fail(FailureKind::Unreachable)]);

    assert_eq!(one(&engine).await.status, RunStatus::Changed);
    assert_eq!(network.sessions.swap(0, Ordering::SeqCst), 2);
    let locked = back_up(&engine, &Selection::names(["locked"])).await.remove(0);
    assert_eq!(locked.error.unwrap().kind, FailureKind::Authentication);
    assert_eq!(network.sessions.swap(0, Ordering::SeqCst), 1);
    let dead = back_up(&engine, &Selection::names(["dead"])).await.remove(0);
    assert_eq!(dead.error.unwrap().kind, FailureKind::Unreachable);
    assert_eq!(network.sessions.swap(0, Ordering::SeqCst), 3);
    assert_eq!(state(&engine, "dead"), BackupState::Failed);
}

#[tokio::test]
async fn no_more_sessions_than_allowed_and_one_per_device() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let settings = format!("{QUICK}concurrency = 3\n");
    let engine = engine(folder.path(), &settings, network.clone(), &hand).await;
    let names: Vec<String> = (0..20).map(|n| format!("sw-{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    add(&engine, &names).await;
    for name in &names {
        network.play(name, [Script::Held(text("vlan 1"))]);
    }
    let all = engine.backup(&ann(), &Selection::all(), BackupOptions::default()).unwrap();
    network.open(3).await;
    assert_eq!(network.sessions.load(Ordering::SeqCst), 3);
    // a second job for a device at work skips it, once it gets its turn
    let again = engine.backup(&ann(), &Selection::names(["sw-00"]), BackupOptions::default()).unwrap();
    network.release();
    let done = reports(all).await;
    assert!(done.iter().all(|report| report.status == RunStatus::Changed), "{done:?}");
    reports(again).await;
    assert_eq!(network.most_at_once.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_device_at_work_is_skipped_by_another_job() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), QUICK, network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    network.play("sw", [Script::Held(text("vlan 1"))]);
    let first = engine.backup(&ann(), &Selection::all(), BackupOptions::default()).unwrap();
    network.open(1).await;
    assert_eq!(state(&engine, "sw"), BackupState::Running);
    assert_eq!(one(&engine).await.status, RunStatus::Skipped);
    network.release();
    assert_eq!(reports(first).await[0].status, RunStatus::Changed);
}

#[tokio::test]
async fn a_cancelled_job_ends_and_says_so() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let settings = format!("{QUICK}concurrency = 1\n");
    let engine = engine(folder.path(), &settings, network.clone(), &hand).await;
    add(&engine, &["a", "b"]).await;
    network.play("a", [Script::Held(text("vlan 1"))]);
    network.play("b", [Script::Held(text("vlan 1"))]);
    let job = engine.backup(&ann(), &Selection::all(), BackupOptions::default()).unwrap();
    network.open(1).await;
    engine.cancel_job(job.id).unwrap();
    let id = job.id;
    let done = reports(job).await;
    assert_eq!(done.iter().map(|r| r.status).collect::<Vec<_>>(), [RunStatus::Failed, RunStatus::Skipped]);
    assert!(done.iter().all(|r| r.error.as_ref().unwrap().kind == FailureKind::Cancelled));
    assert!(engine.cancel_job(id).is_err());
    assert_eq!(network.at_once.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn stopping_breaks_off_sessions_and_the_store_opens_again_with_the_old_revision() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let running = engine(folder.path(), QUICK, network.clone(), &hand).await;
    add(&running, &["sw"]).await;
    network.play("sw", [Script::Read(text("vlan 1")), Script::Held(text("vlan 2"))]);
    one(&running).await;
    hand.move_by(1000);
    let job = running.backup(&ann(), &Selection::all(), BackupOptions::default()).unwrap();
    network.open(1).await;
    running.stop().await;
    assert_eq!(reports(job).await[0].error.as_ref().unwrap().kind, FailureKind::Cancelled);
    drop(running);

    let again = engine(folder.path(), QUICK, network.clone(), &hand).await;
    let device = again.device("sw").unwrap();
    assert_eq!(again.revision(&device, "newest").await.unwrap().number, 1);
    assert_eq!(state(&again, "sw"), BackupState::Failed);
    let history = again.history(device.id).await.unwrap();
    assert_eq!((history.revisions.len(), history.runs.len()), (1, 2));
}

#[tokio::test]
async fn what_cannot_or_need_not_be_backed_up_is_skipped_with_a_reason() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), QUICK, network.clone(), &hand).await;
    add(&engine, &["done", "paused"]).await;
    engine.add_device(&ann(), "asset", "127.0.0.1", &[]).await.unwrap();
    let ssh = [Change::new(Field::Transport, "ssh")];
    engine.add_device(&ann(), "no-driver", "127.0.0.1", &ssh).await.unwrap();
    engine.edit_device(&ann(), "paused", &[Change::new(Field::Paused, "yes")]).await.unwrap();
    network.play("done", [Script::Read(text("vlan 1"))]);
    network.play("paused", [Script::Read(text("vlan 1"))]);
    back_up(&engine, &Selection::names(["done"])).await;
    hand.move_by(1000);

    let options = BackupOptions { skip_done_today: true };
    let done = reports(engine.backup(&ann(), &Selection::all(), options).unwrap()).await;
    let statuses: Vec<_> = done.iter().map(|report| (report.device.as_str(), report.status)).collect();
    use RunStatus::{Changed, Failed, Skipped};
    assert_eq!(statuses, [("asset", Skipped), ("done", Skipped), ("no-driver", Failed), ("paused", Skipped)]);
    assert!(done.iter().all(|report| report.error.is_some()));
    // naming it is asking for it
    assert_eq!(back_up(&engine, &Selection::names(["paused"])).await[0].status, Changed);
}

#[tokio::test]
async fn only_the_newest_recordings_are_kept() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let settings = format!("{QUICK}[retention]\nrecordings = 3\n");
    let engine = engine(folder.path(), &settings, network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    let device = engine.device("sw").unwrap();
    network.play("sw", [Script::Fail(FailureKind::Prompt)]);
    for _ in 0..5 {
        one(&engine).await;
        hand.move_by(1000);
    }
    let kept: Vec<u64> = engine.recordings(device.id).await.unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(kept, [5, 4, 3]);
    assert!(engine.recording(device.id, 1).await.is_err());
    engine.stop().await;
    assert_eq!(events(&engine), [EventKind::BackupFailed], "the same failure is one event");
}

#[tokio::test]
async fn the_report_has_the_documented_shape() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), QUICK, network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    network.play("sw", [Script::Fail(FailureKind::HostKey)]);
    let json = serde_json::to_value(one(&engine).await).unwrap();
    let mut fields: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["bytes", "device", "driver", "error", "revision", "seconds", "sha256", "status"]);
    assert_eq!(json["status"], "failed");
    assert_eq!(json["error"]["kind"], "host-key");
    assert_eq!(json["revision"], serde_json::Value::Null);
}

#[tokio::test]
async fn retention_forgets_by_count_and_never_the_newest_good_one() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let settings = format!("{QUICK}[retention]\nrevisions = 2\n");
    let engine = engine(folder.path(), &settings, network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    let device = engine.device("sw").unwrap();
    let good = (1..=3).map(|n| Script::Read(text(&format!("vlan {n}"))));
    // each is read twice
    let half = (2..8).map(|n| Script::Doubtful(format!("hostname {}\n", n / 2)));
    network.play("sw", good.chain(half));
    for _ in 0..6 {
        one(&engine).await;
        hand.move_by(1000);
    }
    let forgotten = engine.apply_retention(&ann()).await.unwrap();
    assert_eq!(forgotten.revisions, 3);
    let history = engine.history(device.id).await.unwrap();
    let left: Vec<u32> = history.revisions.iter().map(|revision| revision.number).collect();
    assert_eq!(left, [6, 5, 3]);
    let verified = engine.verify(&Selection::all()).await.unwrap();
    assert_eq!((verified.revisions, verified.damaged.len()), (3, 0));
    // numbers are never used again
    network.play("sw", [Script::Read(text("vlan 9"))]);
    assert_eq!(one(&engine).await.revision, Some(7));
}

#[tokio::test]
async fn a_panic_in_one_session_is_that_devices_failure() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), QUICK, network.clone(), &hand).await;
    add(&engine, &["a", "b"]).await;
    network.play("a", [Script::Panic]);
    network.play("b", [Script::Read(text("vlan 1"))]);
    let done = back_up(&engine, &Selection::all()).await;
    assert_eq!(done[0].error.as_ref().unwrap().kind, FailureKind::Internal);
    assert_eq!(done[1].status, RunStatus::Changed);
}

#[tokio::test]
async fn the_schedule_backs_up_what_is_overdue_at_the_start_and_only_once() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let settings = "[backup]\ndaily = \"00:00\"\njitter = \"0s\"\n";
    let before = engine(folder.path(), settings, network.clone(), &hand).await;
    add(&before, &["sw"]).await;
    network.play("sw", [Script::Read(text("vlan 1"))]);
    assert_eq!(before.next_backup(), None, "this engine was told to leave the schedule alone");
    before.stop().await;
    drop(before);

    let mut options = Options::new(folder.path().join("data"), folder.path().join("config"));
    options.clock = hand.clock();
    options.pulse = false;
    let engine = Engine::start_with(options, network.clone()).await.unwrap();
    let mut pictures = engine.watch();
    let done = pictures.wait_for(|now| now.devices.iter().any(|row| row.state == BackupState::Good));
    let snapshot = done.await.unwrap().clone();
    assert_eq!(snapshot.jobs[0].by, "schedule");
    assert!(engine.next_backup().unwrap() > engine.now());
    assert_eq!(network.sessions.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn after_the_schedules_job_was_cancelled_the_next_backup_is_the_next_rounds() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let settings = "[backup]\ndaily = \"00:00\"\njitter = \"0s\"\n";
    let before = engine(folder.path(), settings, network.clone(), &hand).await;
    add(&before, &["sw"]).await;
    network.play("sw", [Script::Held(text("vlan 1"))]);
    before.stop().await;
    drop(before);

    let mut options = Options::new(folder.path().join("data"), folder.path().join("config"));
    options.clock = hand.clock();
    options.pulse = false;
    let engine = Engine::start_with(options, network.clone()).await.unwrap();
    network.open(1).await;
    let job = engine.snapshot().jobs.first().map_or(1, |job| job.id);
    engine.cancel_job(job).unwrap();
    let mut pictures = engine.watch();
    let ended = pictures.wait_for(|now| now.jobs.iter().any(|job| job.ended.is_some()));
    let shown = ended.await.unwrap().next_backup.unwrap();
    assert!(shown > engine.now(), "{shown:?} is not ahead of {:?}", engine.now());
    assert_eq!(engine.next_backup(), Some(shown));
}

#[tokio::test]
async fn a_damaged_body_is_stored_anew_by_the_next_backup_though_nothing_changed() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), QUICK, network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    network.play("sw", [Script::Read(text("secret fake-one"))]);
    let first = back_up(&engine, &Selection::all()).await;
    assert_eq!(first[0].status, RunStatus::Changed);
    let newest = engine.rows()[0].newest.clone().unwrap();
    for body in [newest.exact.id, newest.normal.id] {
        let path = engine.store().blobs().path(body);
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let damaged = engine.verify(&Selection::all()).await.unwrap().damaged;
        assert_eq!(damaged.iter().map(|damaged| damaged.revision).collect::<Vec<_>>(), [newest.number]);

        hand.move_by(1000);
        let again = back_up(&engine, &Selection::all()).await;
        assert_eq!(again[0].status, RunStatus::Unchanged);
        assert_eq!(again[0].revision, Some(newest.number));
        assert_eq!(engine.verify(&Selection::all()).await.unwrap().damaged, []);
    }
}
