//! `backup …` and `lab`, as a shell runs them.

use std::sync::Arc;

use noctule::commands::Exit;
use noctule::model::{FailureKind, Role};
use serde_json::Value;

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, Network, Script, add, engine};

fn config(description: &str) -> Script {
    Script::Read(format!("hostname sw\n! noise\nenable secret hunter2\n description {description}\n"))
}

async fn shell(folder: &std::path::Path, network: &Arc<Network>, devices: &[&str]) -> Shell {
    let engine = engine(folder, "[backup]\nretries = 0\n", network.clone(), &Hand::new()).await;
    add(&engine, devices).await;
    Shell::over(&engine)
}

fn objects(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_run_says_of_each_device_how_it_ended() {
    let (folder, network) = (tempfile::tempdir().unwrap(), Network::new());
    let shell = shell(folder.path(), &network, &["good", "bad"]).await;
    network.play("good", [config("one")]);
    network.play("bad", [Script::Fail(FailureKind::Authentication)]);
    let (exit, told) = shell.run("backup run --all --json").await;
    assert_eq!(exit, Exit::Failed);
    for object in objects(&told.lines) {
        let mut keys: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["bytes", "device", "driver", "error", "revision", "seconds", "sha256", "status"]);
        if object["device"] == "bad" {
            assert_eq!(
                (&object["status"], &object["error"]["kind"]),
                (&"failed".into(), &"authentication".into())
            );
        } else {
            assert_eq!((&object["status"], &object["revision"]), (&"changed".into(), &1.into()));
        }
    }
    let (exit, told) = shell.run("backup run good").await;
    assert_eq!(exit, Exit::Done);
    assert!(told.lines[0].starts_with("good") && told.lines[0].contains("unchanged"), "{:?}", told.lines);
    assert_eq!(told.notes, ["1 device: 0 changed, 1 unchanged, 0 failed, 0 skipped"]);
    for (line, exit, part) in [
        ("backup run", Exit::Usage, "say which devices"),
        ("backup run goof", Exit::Failed, "did you mean good?"),
        ("backup run --all --concurrency 0", Exit::Usage, "from 1 to 5000"),
        ("backup run --tag nothing", Exit::Failed, "no device matches"),
    ] {
        let (got, told) = shell.run(line).await;
        assert_eq!(got, exit, "{line}");
        assert!(told.notes.concat().contains(part), "{line}: {:?}", told.notes);
    }
}

#[tokio::test]
async fn ctrl_c_ends_a_run() {
    let (folder, network) = (tempfile::tempdir().unwrap(), Network::new());
    let shell = shell(folder.path(), &network, &["slow"]).await;
    network.play("slow", [Script::Held("never\n".into())]);
    let interrupt = async {
        network.open(1).await;
        shell.interrupt();
    };
    let ((exit, told), ()) = tokio::join!(shell.run("backup run slow --json"), interrupt);
    assert_eq!((exit, exit.code()), (Exit::INTERRUPTED, 130));
    assert_eq!(objects(&told.lines)[0]["error"]["kind"], "cancelled");
}

#[tokio::test]
async fn ctrl_c_after_the_last_device_changes_nothing() {
    let (folder, network) = (tempfile::tempdir().unwrap(), Network::new());
    let shell = shell(folder.path(), &network, &["good", "bad"]).await;
    // whether the end of the job or the interruption is seen first is chance
    for round in 0..16 {
        network.play("good", [config("one")]);
        network.play("bad", [Script::Fail(FailureKind::Authentication)]);
        for (device, exit) in [("good", Exit::Done), ("bad", Exit::Failed)] {
            shell.interrupt_at(&format!("{device} "));
            let (got, told) = shell.run(&format!("backup run {device}")).await;
            assert_eq!(got, exit, "round {round}: {:?}", told.lines);
        }
    }
}

#[tokio::test]
async fn what_was_stored_is_listed_shown_compared_exported_and_checked() {
    let (folder, network) = (tempfile::tempdir().unwrap(), Network::new());
    let mut shell = shell(folder.path(), &network, &["sw", "twin"]).await;
    network.play("sw", [config("one"), config("two")]);
    network.play("twin", [config("one")]);
    shell.run("backup run --all").await;
    shell.run("backup run sw").await;

    let list = objects(&shell.run("backup list sw --json").await.1.lines);
    assert_eq!(list.iter().map(|one| one["revision"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(shell.run("backup list").await.1.lines.len(), 3, "a heading and two rows");

    let shown = String::from_utf8(shell.run("backup show sw").await.1.bytes).unwrap();
    assert!(shown.contains("description two") && !shown.contains("noise") && !shown.contains("hunter2"));
    let exact = String::from_utf8(shell.run("backup show sw -1 --view exact").await.1.bytes).unwrap();
    assert!(exact.contains("secret hunter2") && exact.contains("description one"));

    let (exit, told) = shell.run("backup diff sw").await;
    let diff = String::from_utf8(told.bytes).unwrap();
    assert_eq!(exit, Exit::Done);
    assert!(diff.contains("\n- description one\n+ description two\n"), "{diff}");
    assert!(shell.run("backup diff sw 1 --with twin").await.1.notes[0].ends_with("are the same"));
    let diff = &objects(&shell.run("backup diff sw 2 1 --json --context 0").await.1.lines)[0];
    assert_eq!((&diff["added"], &diff["hunks"][0]["lines"][1]["kind"]), (&1.into(), &"added".into()));
    let (exit, told) = shell.run("backup diff twin").await;
    assert_eq!(exit, Exit::Failed);
    assert!(told.notes[0].contains("goes back further"), "{:?}", told.notes);

    let (_, told) = shell.run("backup export out/ --view exact twin").await;
    assert_eq!(told.written.len(), 1);
    let (bytes, private) = &told.written["out/twin.cfg"];
    assert!(*private && bytes.ends_with(b"description one\n"));
    assert!(!shell.run("backup export out").await.1.written["out/sw.cfg"].1);

    assert_eq!(
        shell.run("backup verify").await.1.lines[0].split(',').next(),
        Some("3 of 3 revisions are whole")
    );
    assert_eq!(shell.run("backup prune --json").await.1.lines, [r#"{"devices":0,"revisions":0}"#]);

    shell.role = Role::Viewer;
    for line in ["backup show sw --view exact", "backup export out --view exact"] {
        let (exit, told) = shell.run(line).await;
        assert_eq!(exit, Exit::Failed);
        assert!(
            told.notes[0].contains("need the role engineer") && told.bytes.is_empty(),
            "{:?}",
            told.notes
        );
        assert!(told.written.is_empty());
    }
}

#[tokio::test]
async fn a_quarantined_revision_is_accepted_with_a_reason_by_who_may() {
    let (folder, network) = (tempfile::tempdir().unwrap(), Network::new());
    let mut shell = shell(folder.path(), &network, &["sw"]).await;
    network.play("sw", [Script::Doubtful("hostname sw\n".into())]);
    shell.run("backup run sw").await;
    let line = "backup accept sw 1 --reason 'the line card was taken out'";
    shell.role = Role::Operator;
    let (exit, told) = shell.run(line).await;
    assert_eq!(exit, Exit::Failed);
    assert!(told.notes[0].contains("needs the role engineer"), "{:?}", told.notes);
    shell.role = Role::Engineer;
    let (exit, told) = shell.run("backup accept sw 1").await;
    assert_eq!(exit, Exit::Usage);
    assert!(told.notes[0].contains("--reason"), "{:?}", told.notes);
    let (exit, told) = shell.run(&format!("{line} --json")).await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let accepted = &objects(&told.lines)[0];
    assert_eq!((&accepted["by"], &accepted["newest"]), (&"ann".into(), &true.into()));
    let listed = &objects(&shell.run("backup list sw --json").await.1.lines)[0];
    assert_eq!(
        (&listed["state"], &listed["accepted"]["why"], &listed["reason"]),
        (&"good".into(), &"the line card was taken out".into(), &"the end marker is missing".into())
    );
    assert_eq!(shell.run("backup run sw").await.0, Exit::Done, "the same text is not doubted again");
    assert!(shell.run(line).await.1.notes[0].contains("good one already"));
}

#[tokio::test]
async fn a_lab_is_imported_and_backed_up_over_real_ssh_and_telnet() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Shell::closed(folder.path().join("lab"));
    let line = "lab --devices 3 --driver cisco_ios --driver frr --size 9000 --inventory lab.csv";
    let client = async {
        let csv = String::from_utf8(lab.written("lab.csv").await).unwrap();
        assert_eq!(csv.lines().count(), 4);
        let shell = Shell::closed(folder.path());
        shell.file("lab.csv", &csv);
        assert_eq!(shell.run("device import lab.csv").await.0, Exit::Done);
        let (exit, told) = shell.run("backup run --all --json --concurrency 2").await;
        lab.interrupt();
        assert_eq!(exit, Exit::Done, "{:?}", told.lines);
        for object in objects(&told.lines) {
            assert!(object["bytes"].as_u64().unwrap() >= 8000, "{object}");
        }
    };
    let serving = lab.run(line);
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => panic!("the lab ended with {:?}", ended.1.notes),
        () = client => {}
    }
    assert_eq!(serving.await.0, Exit::Done);
    let (exit, told) = lab.run("lab --driver cisco_io").await;
    assert_eq!(exit, Exit::Usage);
    assert!(told.notes[0].contains("there is no driver"), "{:?}", told.notes);
}
