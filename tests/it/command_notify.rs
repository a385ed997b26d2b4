//! `notify …`, as a shell runs it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use noctule::commands::Exit;
use noctule::engine::{Engine, Options, Selection};
use noctule::model::{FailureKind, Role};
use serde_json::Value;

use crate::command_fixture::Shell;
use crate::engine_fixture::{Network, Script, add, back_up};

/// An engine that tells of a failed backup, by a program that fails until it is let succeed.
async fn engine(folder: &Path) -> Arc<Engine> {
    let config = folder.join("config");
    std::fs::create_dir_all(&config).unwrap();
    let page = folder.join("page");
    std::fs::write(
        &page,
        format!("#!/bin/sh\ntest -e {}/works || {{ echo no modem; exit 3; }}\n", folder.display()),
    )
    .unwrap();
    std::fs::set_permissions(&page, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(config.join("config.toml"), "[backup]\ndaily = \"off\"\nretries = 0\n[pulse]\n").unwrap();
    let notify = config.join("notify.toml");
    let text = format!(
        "[[target]]\nname = \"page\"\nkind = \"command\"\nrun = [\"{}\"]\n[[target]]\nname = \"chat\"\nkind = \"telegram\"\nchat = \"@noc\"\ntoken = \"123456:not-a-real-token\"\n[[rule]]\non = [\"backup-failed\"]\ndevices = [\"core-1\"]\nto = [\"page\"]\ngroup_for = \"0s\"\n",
        page.display()
    );
    std::fs::write(&notify, text).unwrap();
    std::fs::set_permissions(&notify, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut options = Options::new(folder.join("data"), config);
    options.pulse = false;
    let network = Network::new();
    network.play("core-1", [Script::Fail(FailureKind::Prompt)]);
    let engine = Engine::start_with(options, network).await.unwrap();
    add(&engine, &["core-1"]).await;
    engine
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undelivered_notification_is_listed_tried_again_and_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path()).await;
    let shell = Shell::over(&engine);
    let (exit, told) = shell.run("notify list").await;
    assert_eq!(exit, Exit::Done);
    assert!(told.lines[1].starts_with("page    command   untried"), "{:?}", told.lines);
    assert!(
        told.lines.iter().any(|line| line.contains("chat @noc at https://api.telegram.org")),
        "{:?}",
        told.lines
    );
    assert!(!format!("{:?}", told.lines).contains("not-a-real-token"));
    assert_eq!(told.notes, ["nothing waits to be delivered"]);

    let (exit, told) = shell.run("notify test page").await;
    assert_eq!(exit, Exit::Failed);
    assert!(
        told.lines[0].contains("was not delivered") && told.lines[0].contains("exit status: 3: no modem")
    );

    back_up(&engine, &Selection::all()).await;
    let waiting = loop {
        let (_, told) = shell.run("notify list --json").await;
        let mut objects = told.lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found = objects.rfind(|object| object["message"].is_u64() && object["attempts"] != 0);
        if let Some(waiting) = found {
            assert_documented(&told.lines);
            break waiting;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(waiting["subject"], "backup-failed core-1: prompt: as the script says");
    let id = &waiting["message"];

    let (exit, told) = shell.run(&format!("notify retry {id} --json")).await;
    assert_eq!(exit, Exit::Failed);
    assert_documented(&told.lines);
    std::fs::write(folder.path().join("works"), "").unwrap();
    let (exit, told) = shell.run("notify retry").await;
    assert_eq!(
        (exit, told.notes.as_slice()),
        (Exit::Done, &["1 of 1 notification delivered".to_owned()][..])
    );
    let (exit, told) = shell.run(&format!("notify drop {id}")).await;
    assert_eq!(exit, Exit::Failed);
    assert!(told.notes[0].contains("no notification 1 waits"), "{:?}", told.notes);
    assert_eq!(shell.run("notify test page").await.0, Exit::Done);
    let (exit, told) = shell.run("notify test pge").await;
    assert!(exit == Exit::Failed && told.notes[0].contains("did you mean page?"), "{:?}", told.notes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_the_file_is_a_failure_with_its_line_and_a_viewer_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path()).await;
    let mut shell = Shell::over(&engine);
    shell.role = Role::Viewer;
    for line in ["notify test page", "notify retry", "notify drop 1"] {
        let (exit, told) = shell.run(line).await;
        assert!(
            exit == Exit::Failed && told.notes[0].contains("needs the role operator"),
            "{:?}",
            told.notes
        );
    }
    let file = folder.path().join("config/notify.toml");
    std::fs::write(&file, "[[target]]\nname = \"page\"\nkind = \"pigeon\"\n").unwrap();
    let (exit, told) = shell.run("notify list").await;
    assert_eq!(exit, Exit::Failed);
    assert!(told.notes.iter().any(|note| note.contains("notify.toml:3: ")), "{:?}", told.notes);
}

fn assert_documented(lines: &[String]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md");
    let page = std::fs::read_to_string(path).unwrap();
    assert!(!lines.is_empty());
    for line in lines {
        let object: Value = serde_json::from_str(line).unwrap();
        for field in object.as_object().unwrap().keys() {
            assert!(page.contains(&format!("`{field}`")), "{field} is not in docs/json.md");
        }
    }
}

#[test]
fn the_keys_of_the_pane_are_these_commands() {
    use crate::console_fixture::{Operator, State, World};
    let mut operator = Operator::new(World::new(State::Trouble, false), 80, 24);
    operator.command("notifications").sees("4 not delivered");
    operator.press("t");
    assert_eq!(operator.line(), "notify test noc");
    operator.says(&["noc: a test was delivered: 250 queued"], 0).press("jj");
    operator.press("r");
    assert_eq!(operator.line(), "notify retry", "on a target: all that failed");
    operator.sees("connecting to hooks.example.net port 443: no answer within 5s");
    operator.press("x").sees("This is a target");
    operator.press("j").press("r");
    assert_eq!(operator.line(), "notify retry 3");
    operator.press("x").sees("that is not delivered yet: 3?");
    assert_eq!(operator.line(), "notify retry 3", "not before a person has said yes");
    operator.press("y");
    assert_eq!(operator.line(), "notify drop 3");
}
