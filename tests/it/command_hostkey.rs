//! `hostkey …`, as a shell runs it.

use noctule::commands::Exit;
use serde_json::Value;

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, Network, engine};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMqXgRLKG73K+sIxs5oj3E2nhu/4FHxOcrmAd4Wv7ki7";
const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID4j6BYAOVlKM4lPZWThsTSLvXoAiNQsSstz7q7VnACd";
const THIRD: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC59LAOpUHriZez1tTVohaUzk6ICnSQTlJlyZaGiWu/G";

#[tokio::test]
async fn the_keys_of_a_known_hosts_file_are_previewed_pinned_and_never_overwrite() {
    let folder = tempfile::tempdir().unwrap();
    let shell = Shell::over(&engine(folder.path(), "", Network::new(), &Hand::new()).await);
    for line in ["core-1 10.0.0.1 transport=ssh", "core-2 10.0.0.2 transport=ssh", "asset 10.0.0.3"] {
        assert_eq!(shell.run(&format!("device add {line}")).await.0, Exit::Done);
    }
    shell.file(
        "~/.ssh/known_hosts",
        &format!("10.0.0.1 {KEY}\n10.0.0.3 {KEY}\n@cert-authority * {OTHER}\nelsewhere {OTHER}\n"),
    );
    let (exit, told) = shell.run("hostkey import --dry-run").await;
    assert_eq!((exit, told.lines.len()), (Exit::Done, 1), "{:?} {:?}", told.lines, told.notes);
    assert!(
        told.lines[0].starts_with("pin      core-1  10.0.0.1:22  ssh-ed25519 SHA256:"),
        "{:?}",
        told.lines
    );
    assert!(told.notes[0].contains("line 3: noctule takes no host certificates"), "{:?}", told.notes);
    assert!(shell.run("hostkey list").await.1.lines.is_empty(), "nothing was pinned");

    let (_, told) = shell.run("hostkey import --json").await;
    let place: Value = serde_json::from_str(&told.lines[0]).unwrap();
    assert_eq!((&place["action"], &place["applied"]), (&"pin".into(), &true.into()));
    assert_eq!(shell.run("hostkey list --json").await.1.lines.len(), 1);

    shell.file("other", &format!("10.0.0.1 {OTHER}\n10.0.0.2 {THIRD}\n10.0.0.2 nonsense\n"));
    let (exit, told) = shell.run("hostkey import other").await;
    assert_eq!(exit, Exit::Failed);
    let actions: Vec<&str> = told.lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(actions, ["differs", "pin"]);
    assert!(told.notes[0].starts_with("other line 3: "), "{:?}", told.notes);
    assert!(told.notes.last().unwrap().contains("1 place pinned, 0 as they were, 1 differing"));

    shell.file("revoked", &format!("@revoked * {KEY}\n10.0.0.2 {THIRD}\n"));
    let (exit, told) = shell.run("hostkey import revoked").await;
    assert_eq!(exit, Exit::Failed);
    let actions: Vec<&str> = told.lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(actions, ["revoked", "same"]);
    let (exit, told) = shell.run("hostkey import nowhere").await;
    assert_eq!(exit, Exit::Usage, "{:?}", told.notes);
}
