//! The pages of docs/ that are made from the program's own tables say what the tables say.

use std::path::Path;
use std::process::Command;

use noctule::commands::{Exit, man, manual};
use noctule::console::keys;
use noctule::engine::fields::{Change, Field};
use serde_json::Value;

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, Network, Script, add, engine};

#[test]
fn the_page_of_commands_is_that_of_the_table() {
    holds("docs/commands.md", &manual::commands());
}

#[test]
fn the_page_of_keys_is_that_of_the_tables() {
    holds("docs/keys.md", &keys::page());
}

#[test]
fn the_page_of_metrics_is_that_of_the_table() {
    holds("docs/metrics.md", &noctule::server::metrics::page());
}

#[test]
fn the_manual_page_is_that_of_the_table() {
    holds("assets/noctule.1", &man::page());
}

/// man-db asks groff for its warnings, mandoc has a check of its own; each where it is installed.
#[test]
fn the_manual_page_is_well_made() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/noctule.1");
    // of mandoc: what is below an error is style, such as a page without a date
    for (program, args) in [("man", &["--warnings", "-l"][..]), ("mandoc", &["-T", "lint", "-W", "error"])] {
        let run = Command::new(program)
            .args(args)
            .arg(&page)
            .env("MANPAGER", "cat")
            .env("LC_ALL", "C.UTF-8")
            .output();
        let Ok(run) = run else {
            eprintln!("skipped: {program} is not installed");
            continue;
        };
        let (said, told) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
        assert!(run.status.success() && told.is_empty(), "{program}: {told}{said}");
        assert!(program == "mandoc" || said.contains("device timeline"), "{said}");
    }
}

/// A page says what the program would write there; it is written anew where that is asked for.
fn holds(page: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    if std::env::var_os("NOCTULE_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, wanted).unwrap();
        return;
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stands == wanted, "{page} is stale; rewrite it: NOCTULE_WRITE_DOCS=1 cargo test --test it docs");
}

/// The fields that docs/json.md names in `…`.
fn documented() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_command_stands_on_the_page_of_answers() {
    let page = documented();
    let missing: Vec<&str> = noctule::commands::all()
        .map(|command| command.name)
        .filter(|name| !page.contains(&format!("`{name}")))
        .collect();
    assert!(missing.is_empty(), "docs/json.md does not name {missing:?}");
}

#[tokio::test]
async fn every_field_of_an_answer_is_on_the_page() {
    let (folder, network) = (tempfile::tempdir().unwrap(), Network::new());
    let engine = engine(folder.path(), "[backup]\nretries = 0\n", network.clone(), &Hand::new()).await;
    add(&engine, &["sw"]).await;
    let kinds = noctule::lab::snmp::agents().unwrap();
    let objects = kinds[0].objects("sw", "here", 0).unwrap();
    let community = noctule::lab::snmp::COMMUNITY;
    let address = "127.62.0.2:0".parse().unwrap();
    let agent = noctule::lab::snmp::SnmpAgent::start(address, community, objects).await.unwrap();
    crate::identity::add_agent(&engine, "agent", &agent, &[Change::new(Field::Transport, "")]).await;
    let shell = Shell::over(&engine);
    let page = documented();
    let texts = ["hostname sw\n one\n", "hostname sw\n two\n"];
    network.play("sw", texts.map(|text| Script::Read(text.to_owned())));
    for line in [
        "backup run sw",
        "backup run sw",
        "device list",
        "device edit sw group=core",
        "backup list sw",
        "backup show sw",
        "backup diff sw",
        "backup verify",
        "backup prune",
        "search hostname",
        "identity run agent",
        "identity list",
        "event list",
        "job list",
        "driver list",
        "driver test frr",
        "driver show frr",
        "store verify",
        "store backup",
        "doctor",
        "keys",
        "man",
        "config show",
        "config example",
        "completions zsh",
        // whatever this host permits: a connect that is refused is an answer too
        "pulse check sw --interval 0.1 --for 0.2",
    ] {
        let (exit, told) = shell.run(&format!("{line} --json")).await;
        assert_eq!(exit, Exit::Done, "{line}: {:?}", told.notes);
        assert!(!told.lines.is_empty(), "{line} answers with nothing");
        for answer in &told.lines {
            let answer: Value = serde_json::from_str(answer).unwrap();
            for field in answer.as_object().unwrap().keys() {
                assert!(page.contains(&format!("`{field}`")), "{line}: {field} is not in docs/json.md");
            }
        }
    }
}
