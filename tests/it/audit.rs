//! `audit`, as a shell runs it: what was done is there, what was refused and read too, and nothing secret.

use noctule::commands::Exit;
use noctule::engine::audit::{AuditFilter, AuditKind};
use noctule::engine::{Actor, Selection};
use noctule::model::{FailureKind, Role, Timestamp, is_hostile};
use noctule::store::{Entry, Store};
use serde_json::Value;

use crate::command_fixture::{Shell, Told};
use crate::console_fixture::HOSTILE;
use crate::engine_fixture::{Hand, NOON, Network, Script, add, back_up, engine};

/// A shell over an engine with two devices: `sw-1` has a revision, `sw-2` a recording.
async fn worked(folder: &std::path::Path, hand: &Hand) -> Shell {
    let network = Network::new();
    let engine = engine(folder, "[backup]\nretries = 0\n", network.clone(), hand).await;
    add(&engine, &["sw-1", "sw-2"]).await;
    network.play("sw-1", [Script::Read("hostname sw-1\nsecret hunter2\nend\n".into())]);
    network.play("sw-2", [Script::Recorded(FailureKind::Prompt, "noctule transcript 1\n---\nhunter3\n")]);
    hand.move_by(60_000);
    Shell::over(&engine)
}

fn objects(told: &Told) -> Vec<Value> {
    told.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn listed(shell: &Shell, filter: &str) -> Vec<Value> {
    let (exit, told) = shell.run(&format!("audit list --json {filter}")).await;
    assert_eq!(exit, Exit::Done, "{filter}: {:?}", told.notes);
    objects(&told)
}

fn verbs(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["verb"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_run_is_named_before_it_begins_and_leads_to_what_the_device_said() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let shell = worked(folder.path(), &hand).await;
    shell.run("backup run --all --why 'before the move'").await;
    let entries = listed(&shell, "--verb 'backup run'").await;
    assert_eq!(entries.len(), 3, "{entries:?}");
    let began = &entries[2];
    assert_eq!((&began["kind"], &began["why"]), (&"began".into(), &"before the move".into()));
    let good = entries.iter().find(|entry| entry["run"]["device"] == "sw-1").unwrap();
    let broken = entries.iter().find(|entry| entry["run"]["device"] == "sw-2").unwrap();
    assert_eq!((&good["run"]["status"], &good["run"]["revision"]), (&"changed".into(), &1.into()));
    assert_eq!((&broken["run"]["status"], &broken["run"]["recording"]), (&"failed".into(), &1.into()));
    let (_, told) = shell.run(&format!("audit show {}", broken["entry"])).await;
    let text = told.lines.join("\n");
    assert!(text.contains("see       recording show sw-2 1"), "{text}");
    assert!(text.contains("changed   run sw-2"), "{text}");
    let (_, told) = shell.run(&format!("audit show {} --json", good["entry"])).await;
    assert_eq!(objects(&told)[0]["leads"], serde_json::json!(["backup show sw-1 1"]));
}

#[tokio::test]
async fn what_changed_is_told_in_words_and_no_secret_is() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let shell = worked(folder.path(), &hand).await;
    *shell.side.secret.lock().unwrap() = Some("hunter4");
    let (exit, told) = shell.run("device edit sw-1 group=core --password").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let entry = listed(&shell, "--verb 'device edit' --limit 1").await.remove(0);
    let (_, told) = shell.run(&format!("audit show {}", entry["entry"])).await;
    let text = told.lines.join("\n");
    assert!(text.contains("changed   device sw-1: password: another one; group: (empty) → core"), "{text}");
    let (exit, told) = shell.run("audit export --output all.jsonl").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let (bytes, private) = &told.written["all.jsonl"];
    assert!(private);
    let file = String::from_utf8(bytes.clone()).unwrap();
    for secret in ["hunter", "not-a-real-password", "Sealed"] {
        assert!(!file.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn what_is_refused_and_what_is_read_of_secrets_is_journalled_and_other_reads_are_not() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let mut shell = worked(folder.path(), &hand).await;
    shell.run("backup run --all").await;
    let before = listed(&shell, "").await.len();
    for line in
        ["backup show sw-1", "backup list", "audit list", "recording list sw-2", "doctor", "search vlan"]
    {
        shell.run(line).await;
    }
    assert_eq!(listed(&shell, "").await.len(), before, "reads that are no secrets");
    for line in
        ["backup show sw-1 --view exact", "recording show sw-2", "backup export out --all --view exact"]
    {
        assert_eq!(shell.run(line).await.0, Exit::Done, "{line}");
    }
    let reads = listed(&shell, "--kind read").await;
    assert_eq!(
        verbs(&reads),
        ["backup export out --all --view exact", "recording show sw-2", "backup show sw-1 --view exact"]
    );
    assert_eq!((&reads[1]["who"], &reads[1]["devices"]), (&"ann".into(), &serde_json::json!(["sw-2"])));
    shell.role = Role::Viewer;
    for line in ["device rm sw-1", "backup show sw-1 --view exact", "recording show sw-2 --why curious"] {
        assert_eq!(shell.run(line).await.0, Exit::Failed, "{line}");
    }
    shell.role = Role::Admin;
    let refused = listed(&shell, "--kind refused").await;
    assert_eq!(verbs(&refused), ["recording show sw-2", "backup show sw-1 --view exact", "device rm sw-1"]);
    assert_eq!(refused[0]["why"], "curious");
    assert!(refused[2]["what"].as_str().unwrap().contains("needs the role engineer"), "{refused:?}");
}

#[tokio::test]
async fn entries_are_found_by_who_verb_device_time_kind_and_text() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let shell = worked(folder.path(), &hand).await;
    hand.move_by(3_600_000);
    shell.run("device edit sw-2 location=attic --why 'the flood'").await;
    for (filter, count) in [
        ("", 3),
        ("--who ann", 3),
        ("--who bob", 0),
        ("--verb 'device edit'", 1),
        ("--verb edit", 0),
        ("--device sw-2", 2),
        ("--device sw-1", 1),
        ("--since 30m", 1),
        ("--until 2026-11-24T12:30:00Z", 2),
        ("--kind change", 3),
        ("--kind engine", 0),
        ("--text FLOOD", 1),
        ("--before 2", 1),
        ("--limit 2", 2),
    ] {
        let found = listed(&shell, filter).await;
        assert_eq!(found.len(), count, "{filter}: {found:?}");
    }
    let (_, told) = shell.run("audit list --limit 2").await;
    assert!(told.notes[0].contains("audit list --before 2"), "{:?}", told.notes);
    for (line, says) in [
        ("audit list --since yesterday", "no moment"),
        ("audit list --kind odd", "none of change"),
        ("audit list --device nobody", "nobody"),
        ("audit show 99", "there is no entry 99"),
    ] {
        let (_, told) = shell.run(line).await;
        assert!(told.notes.concat().contains(says), "{line}: {:?}", told.notes);
    }
}

#[tokio::test]
async fn an_export_is_a_chain_whose_sum_the_journal_holds() {
    use sha2::{Digest, Sha256};
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let shell = worked(folder.path(), &hand).await;
    shell.run("backup run --all").await;
    let (exit, told) = shell.run("audit export --output all.jsonl --json").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let bytes = &told.written["all.jsonl"].0;
    let lines: Vec<Value> = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    for pair in lines.windows(2) {
        assert_eq!(pair[0]["hash"], pair[1]["prev"]);
        assert_eq!(pair[0]["seq"].as_u64().unwrap() + 1, pair[1]["seq"].as_u64().unwrap());
    }
    assert_eq!(lines[0]["seq"], 1);
    let sum: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(objects(&told)[0]["sha256"], sum.as_str());
    let newest = listed(&shell, "--limit 1").await.remove(0);
    assert!(newest["what"].as_str().unwrap().contains(&sum), "{newest}");
    assert_eq!(newest["prev"], lines.last().unwrap()["hash"]);
}

#[tokio::test]
async fn a_clock_that_ran_backwards_is_flagged_and_its_entry_kept() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let shell = worked(folder.path(), &hand).await;
    hand.move_by(-7_200_000);
    shell.run("device edit sw-1 group=core").await;
    let entries = listed(&shell, "").await;
    assert!(entries[0]["set_back"].as_u64().unwrap() >= 7_000, "{entries:?}");
    assert!(entries[1]["set_back"].is_null());
    let (_, told) = shell.run("audit list --limit 1").await;
    assert!(told.lines[1].contains("[clock set back"), "{:?}", told.lines);
    let (exit, told) = shell.run("audit verify --json").await;
    assert_eq!(exit, Exit::Failed);
    let report = objects(&told).remove(0);
    assert_eq!((&report["problems"][0]["kind"], &report["first_bad"]), (&"clock".into(), &3.into()));
    assert_eq!(report["stretches"], serde_json::json!([[1, 3]]), "the chain is whole");
    assert_eq!(shell.run("audit verify --from 4").await.0, Exit::Done, "that was looked into");
}

#[tokio::test]
async fn hostile_text_is_harmless_in_lists_entries_and_exports() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let network = Network::new();
    let engine = engine(folder.path(), "", network, &hand).await;
    let mallory = Actor::new(HOSTILE, HOSTILE, HOSTILE).at(HOSTILE);
    engine.add_device(&mallory, "sw", "127.0.0.1", &[]).await.unwrap();
    engine.note_refused(&mallory, HOSTILE).await.unwrap();
    let shell = Shell::over(&engine);
    for line in
        ["audit list", "audit list --json", "audit show 1", "audit show 2 --json", "audit export --output f"]
    {
        let (exit, told) = shell.run(line).await;
        assert_eq!(exit, Exit::Done, "{line}");
        let file = told.written.get("f").map(|(bytes, _)| String::from_utf8(bytes.clone()).unwrap());
        let texts = told
            .lines
            .iter()
            .cloned()
            .chain(file.into_iter().flat_map(|file| file.lines().map(str::to_owned).collect::<Vec<_>>()));
        for text in texts {
            assert!(!text.chars().any(is_hostile), "{line}: {text:?}");
        }
    }
}

#[tokio::test]
async fn a_hundred_thousand_entries_are_listed_page_by_page() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let data = folder.path().join("data");
    {
        let (store, _) = Store::open(&data, Timestamp(NOON)).unwrap();
        let mut commits = tokio::task::JoinSet::new();
        for number in 0..100_000 {
            let (store, entry) =
                (store.clone(), Entry::new(Timestamp(NOON), "ann", "", format!("line {number}")));
            commits.spawn(async move { store.commit(entry).await.unwrap() });
        }
        commits.join_all().await;
    }
    let engine = engine(folder.path(), "", Network::new(), &hand).await;
    let page = engine.audit_list(AuditFilter::default(), 500).await.unwrap();
    assert_eq!((page.newest, page.entries.len(), page.more), (100_000, 500, true));
    assert_eq!(page.entries[499].verb, "line 99500");
    let oldest = AuditFilter { text: Some("line 12".into()), before: Some(100), ..AuditFilter::default() };
    let page = engine.audit_list(oldest, 500).await.unwrap();
    assert_eq!((page.entries.len(), page.more), (1, false));
    let none = AuditFilter { kind: Some(AuditKind::Refused), ..AuditFilter::default() };
    assert!(engine.audit_list(none, 500).await.unwrap().entries.is_empty());
    assert_eq!(engine.audit_verify(None, 0).await.unwrap().stretches, [(1, 100_000)]);
}

#[tokio::test]
async fn what_began_by_hand_and_what_the_engine_did_are_told_apart() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let network = Network::new();
    let engine = engine(folder.path(), "[backup]\nretries = 0\n", network.clone(), &hand).await;
    add(&engine, &["sw-1"]).await;
    network.play("sw-1", [Script::Read("end\n".into())]);
    let handle = engine
        .backup(
            &Actor::schedule("the daily backup", "backup run --all"),
            &Selection::all(),
            Default::default(),
        )
        .unwrap();
    crate::engine_fixture::reports(handle).await;
    back_up(&engine, &Selection::all()).await;
    let shell = Shell::over(&engine);
    assert_eq!(listed(&shell, "--kind engine").await.len(), 1);
    assert_eq!(listed(&shell, "--who schedule").await.len(), 1);
}
