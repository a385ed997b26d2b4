//! `search`, `event`, `job`, `hostkey`, `doctor` and `store`, as a shell runs them.

use noctule::commands::Exit;
use noctule::model::Role;
use serde_json::Value;

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, Network, Script, add, engine};

const CONFIG: &str = "hostname sw\ninterface Vlan10\n ip address 10.20.0.1 255.255.255.0\n";

async fn backed_up(folder: &std::path::Path) -> Shell {
    let network = Network::new();
    let engine = engine(folder, "[backup]\nretries = 0\n", network.clone(), &Hand::new()).await;
    add(&engine, &["sw-1", "sw-2"]).await;
    for name in ["sw-1", "sw-2"] {
        network.play(name, [Script::Read(CONFIG.replace("sw", name))]);
    }
    let shell = Shell::over(&engine);
    assert_eq!(shell.run("backup run --all").await.0, Exit::Done);
    shell
}

#[tokio::test]
async fn a_search_names_device_line_and_section() {
    let folder = tempfile::tempdir().unwrap();
    let shell = backed_up(folder.path()).await;
    let (exit, told) = shell.run("search 10.20.0.1").await;
    assert_eq!(exit, Exit::Done);
    assert_eq!(
        told.lines[..3],
        ["sw-1 revision 1", "         interface Vlan10", "      3   ip address 10.20.0.1 255.255.255.0"]
    );
    assert!(told.notes[0].starts_with("2 hits, 2 texts searched"), "{:?}", told.notes);
    let (_, told) = shell.run("search --regex '^hostname sw-2' --json").await;
    let [hit] = &told.lines[..] else { panic!("{:?}", told.lines) };
    let hit: Value = serde_json::from_str(hit).unwrap();
    assert_eq!((&hit["device"], &hit["line"]), (&"sw-2".into(), &1.into()));
    let (exit, told) = shell.run("search --regex '('").await;
    assert_eq!(exit, Exit::Usage, "{:?}", told.notes);
}

#[tokio::test]
async fn events_are_listed_for_all_and_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let shell = backed_up(folder.path()).await;
    let (_, told) = shell.run("event list sw-2 --json").await;
    assert!(!told.lines.is_empty());
    for line in &told.lines {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["device"], "sw-2");
    }
    let (_, told) = shell.run("event list --limit 1").await;
    assert_eq!(told.lines.len(), 2, "a heading and one event: {:?}", told.lines);
}

#[tokio::test]
async fn the_store_is_verified_copied_and_brought_back() {
    let folder = tempfile::tempdir().unwrap();
    let shell = backed_up(folder.path()).await;
    let (exit, told) = shell.run("store verify").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.lines);
    let copy = folder.path().join("copy");
    let (exit, _) = shell.run(&format!("store backup --output '{}'", copy.display())).await;
    assert_eq!(exit, Exit::Done);
    for line in ["store rebuild".to_owned(), format!("store restore '{}'", copy.display())] {
        let (exit, told) = shell.run(&line).await;
        assert_eq!(exit, Exit::Failed);
        assert!(told.notes[0].contains("needs the store closed"), "{:?}", told.notes);
    }
    let other = tempfile::tempdir().unwrap();
    let closed = Shell::closed(other.path());
    let (exit, told) = closed.run(&format!("store restore '{}'", copy.display())).await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let (_, told) = closed.run("backup list sw-1 --json").await;
    assert_eq!(told.lines.len(), 1, "{:?} {:?}", told.lines, told.notes);
    let (exit, _) = closed.run("store rebuild").await;
    assert_eq!(exit, Exit::Done);
    assert_eq!(closed.run("doctor").await.0, Exit::Done);
}

#[tokio::test]
async fn what_needs_a_higher_role_is_refused_with_both_roles_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut shell = backed_up(folder.path()).await;
    shell.role = Role::Viewer;
    let (exit, told) = shell.run("device trust sw-1").await;
    assert_eq!(exit, Exit::Failed);
    assert_eq!(told.notes, ["noctule: device trust needs the role admin, ann has viewer"]);
    shell.role = Role::Admin;
    let (_, told) = shell.run("device trust sw-1").await;
    assert!(told.notes[0].contains("showed no host key that was refused"), "{:?}", told.notes);
    let (exit, told) = shell.run("job cancel 99").await;
    assert_eq!(exit, Exit::Failed);
    assert!(told.notes[0].contains("no job 99 is going on"), "{:?}", told.notes);
}
