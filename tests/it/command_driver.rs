//! `driver …` and `recording …`, as a shell runs them.

use std::os::unix::fs::PermissionsExt;

use noctule::commands::Exit;
use noctule::model::{FailureKind, Role};
use serde_json::Value;

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, Network, Script, add, engine};

/// A switch whose prompt the driver does not know.
const RECORDING: &str = "noctule transcript 1\ndriver: cisco_ios\ntransport: ssh\nabout: sw-1\n\
                         expect: failure prompt\necho: off\n---\n<. Welcome\n< <sw-1>\n> \n<.\n< <sw-1>\n";

#[tokio::test]
async fn drivers_are_listed_shown_and_proven_without_an_engine() {
    let folder = tempfile::tempdir().unwrap();
    let shell = Shell::closed(folder.path());
    let (exit, told) = shell.run("driver list").await;
    assert_eq!(exit, Exit::Done);
    assert!(told.lines.iter().any(|line| line.starts_with("cisco_ios ") && line.contains(" embedded ")));
    let (_, told) = shell.run("driver show cisco_ios").await;
    assert!(String::from_utf8(told.bytes).unwrap().contains("id = \"cisco_ios\""));
    let (exit, told) = shell.run("driver test cisco_ios").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.lines);
    assert!(told.lines.contains(&"cisco_ios normal ok".to_owned()), "{:?}", told.lines);
    assert!(told.lines.iter().all(|line| line.ends_with(" ok")));

    let (exit, told) = shell.run("driver test nothing_os").await;
    assert_eq!(exit, Exit::Failed);
    assert!(told.notes[0].contains("there is no driver nothing_os"), "{:?}", told.notes);
}

#[tokio::test]
async fn a_broken_driver_of_ones_own_fails_with_its_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("config/drivers/acme_os");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("driver.toml"), "id = \"acme_os\"\nvendor = \n").unwrap();
    let shell = Shell::closed(folder.path());
    let (exit, told) = shell.run("driver test acme_os").await;
    assert_eq!((exit, told.lines.len()), (Exit::Failed, 1), "{:?}", told.lines);
    assert!(told.lines[0].contains("acme_os/driver.toml:2: "), "{:?}", told.lines);
    let (_, told) = shell.run("driver list --json").await;
    let drivers = told.lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mine = drivers.into_iter().find(|driver| driver["driver"] == "acme_os").unwrap();
    assert_eq!(mine["own"], true);
    assert!(mine["problem"].as_str().unwrap().contains("driver.toml:2"));
}

#[tokio::test]
async fn a_new_driver_passes_its_example_and_is_begun_once() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let mut shell = Shell::over(&engine(folder.path(), "", Network::new(), &hand).await);
    shell.role = Role::Viewer;
    assert_eq!(shell.run("driver new acme_os").await.0, Exit::Failed, "a viewer writes nothing");
    shell.role = Role::Engineer;
    let (exit, told) = shell.run("driver new acme_os --recording 1").await;
    assert!(exit == Exit::Usage && told.notes[0].contains("--from DEVICE"), "{:?}", told.notes);
    let (exit, told) = shell.run("driver new acme_os").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let (_, told) = shell.run("driver test acme_os").await;
    assert!(told.lines.contains(&"acme_os normal ok".to_owned()), "{:?}", told.lines);
    for id in ["acme_os", "cisco_ios"] {
        let (exit, told) = shell.run(&format!("driver new {id}")).await;
        assert_eq!(exit, Exit::Failed);
        assert!(told.notes[0].contains("already"), "{:?}", told.notes);
    }
    let (_, told) = shell.run("event list").await;
    assert!(told.lines.iter().any(|line| line.contains("driver acme_os begun by ann")), "{:?}", told.lines);
}

#[tokio::test]
async fn a_failed_session_is_listed_replayed_and_saved_as_a_test() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), "", network.clone(), &hand).await;
    add(&engine, &["sw-1"]).await;
    let mut shell = Shell::over(&engine);
    let (exit, told) = shell.run("recording list sw-1").await;
    assert!(exit == Exit::Done && told.lines.is_empty() && told.notes[0].contains("no recording is kept"));
    network.play("sw-1", [Script::Recorded(FailureKind::Prompt, RECORDING)]);
    shell.run("backup run sw-1").await;

    let (_, told) = shell.run("recording list sw-1 --json").await;
    let listed: Value = serde_json::from_str(&told.lines[0]).unwrap();
    let seen = (&listed["recording"], &listed["driver"], &listed["ended"]);
    assert_eq!(seen, (&1.into(), &"cisco_ios".into(), &"prompt".into()));
    let (_, told) = shell.run("recording show sw-1 1").await;
    assert!(told.lines.contains(&"< <sw-1>".to_owned()), "{:?}", told.lines);
    shell.role = Role::Viewer;
    assert_eq!(shell.run("recording show sw-1").await.0, Exit::Failed, "screens hold secrets");
    let (exit, told) = shell.run("driver replay sw-1").await;
    assert_eq!(exit, Exit::Failed);
    assert!(told.lines[0].contains("With this driver it fails: "), "{:?}", told.lines);

    shell.role = Role::Engineer;
    let (exit, told) = shell.run("recording save sw-1 1 --as ../x").await;
    assert!(exit == Exit::Usage && told.notes[0].contains("names no test"), "{:?}", told.notes);
    let (exit, told) = shell.run("recording save sw-1 1 --as normal").await;
    assert!(exit == Exit::Failed && told.notes[0].contains("--as STEM"), "{:?}", told.notes);
    let (exit, told) = shell.run("recording save sw-1 1").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    assert!(told.notes.iter().any(|note| note.contains("copied into your drivers folder")));
    let own = engine.drivers_dir().join("cisco_ios");
    let saved = own.join("transcripts/recorded-sw-1-1.transcript");
    assert_eq!(saved.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let (exit, told) = shell.run("driver test cisco_ios").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.lines);
    assert!(told.lines.contains(&"cisco_ios recorded-sw-1-1 ok".to_owned()), "{:?}", told.lines);

    // the driver is mended: the session goes on, and what must come of the test is no longer what comes of it
    let text = std::fs::read_to_string(own.join("driver.toml")).unwrap();
    shell.file("mended.toml", &text.replacen("user = '^(", "user = '^<(", 1));
    assert_eq!(shell.run("driver save cisco_ios mended.toml").await.0, Exit::Done);
    let (exit, told) = shell.run("driver replay sw-1 --recording 1 --json").await;
    let replayed: Value = serde_json::from_str(&told.lines[0]).unwrap();
    assert_eq!((exit, &replayed["good"]), (Exit::Done, &true.into()), "{replayed}");
    let (exit, told) = shell.run("driver test cisco_ios").await;
    assert_eq!(exit, Exit::Failed);
    let failed = told.lines.iter().any(|line| line.starts_with("cisco_ios recorded-sw-1-1 FAILED: "));
    assert!(failed, "{:?}", told.lines);
    let (exit, told) = shell.run("recording save sw-1").await;
    assert_eq!(exit, Exit::Done, "the same recording takes its place again: {:?}", told.notes);
    assert!(told.notes.iter().any(|note| note.starts_with("driver test cisco_ios fails until")));
}

#[tokio::test]
async fn a_recording_is_what_a_new_driver_begins_with() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), "", network.clone(), &hand).await;
    add(&engine, &["sw-1"]).await;
    let shell = Shell::over(&engine);
    assert_eq!(shell.run("driver new acme_os --from sw-1").await.0, Exit::Failed, "nothing is recorded yet");
    assert!(!engine.drivers_dir().join("acme_os").exists());
    network.play("sw-1", [Script::Recorded(FailureKind::Prompt, RECORDING)]);
    shell.run("backup run sw-1").await;
    let (exit, told) = shell.run("driver new acme_os --from sw-1").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let recorded = engine.drivers_dir().join("acme_os/transcripts/recorded.transcript");
    assert!(std::fs::read_to_string(recorded).unwrap().contains("driver: acme_os\n"));
    let (_, told) = shell.run("driver test acme_os").await;
    assert!(told.lines.iter().any(|line| line.starts_with("acme_os recorded ")), "{:?}", told.lines);
}
