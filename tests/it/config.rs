//! The configuration folder: `config check`, `config show`, `config example`, and a changed file under a running engine.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use noctule::commands::Exit;
use noctule::engine::{Engine, Options, Selection};
use noctule::model::{Event, EventKind, Severity};
use serde_json::Value;
use tokio::sync::broadcast::Receiver;

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, Network, Script, add, engine};

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[tokio::test]
async fn every_file_of_the_folder_is_checked_and_each_mistake_has_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let shell = Shell::closed(folder.path());
    let (exit, told) = shell.run("config check").await;
    assert_eq!((exit, told.lines.len()), (Exit::Done, 0), "{:?}", told.notes);
    assert!(told.notes[0].contains("the defaults hold"), "{:?}", told.notes);

    for (file, text) in [
        ("config.toml", "[backup]\nretries = 1\n"),
        ("notify.toml", ""),
        ("console.toml", "mouse = true\n"),
        ("keymap.toml", "[global]\n\"ctrl-q\" = \"quit\"\n"),
        ("themes/night.toml", "[good]\nbold = true\n"),
        ("identity/own.toml", "vendor = 'Own'\n[[rule]]\ntext = 'own'\n"),
    ] {
        write(&config.join(file), text);
    }
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(config.join("notify.toml"), private).unwrap();
    let (exit, told) = shell.run("config check").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.lines);
    assert_eq!(told.notes, ["6 files: nothing is wrong"]);

    let wrong = [
        ("config.toml", "[backup]\ndaily = \"25:00\"\nretries = 99\n", &[2, 3][..]),
        ("notify.toml", "\n[[rule]]\nto = [\"nobody\"]\n", &[3]),
        ("console.toml", "colour = 1\nmouse = 3\n", &[1, 2]),
        ("keymap.toml", "[nowhere]\nx = \"up\"\n[global]\n\"hyper-x\" = \"up\"\n", &[1, 4]),
        ("themes/night.toml", "[good]\nbold = true\n[gut]\nbold = true\n", &[3]),
        ("identity/own.toml", "vendor = 'Own'\n[[rule]]\ntext = '('\n", &[2]),
        ("drivers/acme_os/driver.toml", "id = 'acme_os'\nvendour = 'Acme'\n", &[2]),
    ];
    for (file, text, _) in wrong {
        write(&config.join(file), text);
    }
    let (exit, told) = shell.run("config check").await;
    assert_eq!(exit, Exit::Failed);
    let wanted: usize = wrong.iter().map(|(_, _, lines)| lines.len()).sum();
    assert_eq!(told.lines.len(), wanted, "{:#?}", told.lines);
    for (file, _, lines) in wrong {
        for line in lines {
            let begin = format!("{}:{line}: ", config.join(file).display());
            assert!(told.lines.iter().any(|told| told.starts_with(&begin)), "{begin} in {:#?}", told.lines);
        }
    }
    let (_, told) = shell.run("config check --json").await;
    let mistake: Value = serde_json::from_str(&told.lines[0]).unwrap();
    assert!(mistake["line"].is_u64() && mistake["file"].is_string(), "{mistake}");
}

#[tokio::test]
async fn one_file_is_checked_as_what_its_name_says() {
    let folder = tempfile::tempdir().unwrap();
    let shell = Shell::closed(folder.path());
    shell.file("/tmp/new/config.toml", "[backup]\nretries = 99\n");
    let (exit, told) = shell.run("config check /tmp/new/config.toml").await;
    assert_eq!(exit, Exit::Failed);
    assert_eq!(told.lines, ["/tmp/new/config.toml:2: 99 is out of range: 0 to 10"]);
    shell.file("notes.txt", "");
    let (exit, told) = shell.run("config check notes.txt").await;
    assert_eq!(exit, Exit::Usage);
    assert!(told.notes[0].contains("notify.toml"), "{:?}", told.notes);
    assert_eq!(shell.run("config check nowhere/config.toml").await.0, Exit::Failed);
}

#[tokio::test]
async fn the_settings_in_force_are_shown_with_where_they_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[backup]\n\nconcurrency = 60\n[snmp]\ncommunities = [\"n0t-shown\"]\n";
    let engine = engine(folder.path(), settings, Network::new(), &Hand::new()).await;
    let shell = Shell::over(&engine);
    let (exit, told) = shell.run("config show").await;
    assert_eq!(exit, Exit::Done);
    let row = |key: &str| told.lines.iter().find(|line| line.starts_with(key)).expect("a row").clone();
    assert!(
        row("backup.concurrency").ends_with("60     config.toml:3")
            || row("backup.concurrency").contains("config.toml:3")
    );
    assert!(row("backup.daily").contains("\"02:30\"") && row("backup.daily").ends_with("default"));
    assert!(!told.lines.iter().any(|line| line.contains("n0t-shown")), "{:#?}", told.lines);
    let (exit, told) = shell.run("config example").await;
    assert_eq!(exit, Exit::Done);
    write(&folder.path().join("elsewhere/config.toml"), &told.lines.join("\n"));
    shell.file("config.toml", &told.lines.join("\n"));
    assert_eq!(shell.run("config check config.toml").await.0, Exit::Done);
}

/// An engine that watches its file, and what happens to it.
struct Running {
    engine: Arc<Engine>,
    events: Receiver<Event>,
    file: PathBuf,
    network: Arc<Network>,
}

impl Running {
    async fn start(folder: &Path, settings: &str) -> Self {
        let file = folder.join("config/config.toml");
        write(&file, settings);
        let mut options = Options::new(folder.join("data"), folder.join("config"));
        options.pulse = false;
        options.clock = Hand::new().clock();
        let network = Network::new();
        let engine = Engine::start_with(options, Arc::clone(&network) as _).await.unwrap();
        Self { events: engine.subscribe(), engine, file, network }
    }

    /// Replaces the file as an editor does, and waits for what the engine says of it.
    async fn edit(&mut self, text: &str) -> Event {
        let fresh = self.file.with_extension("new");
        write(&fresh, text);
        std::fs::rename(fresh, &self.file).unwrap();
        self.told().await
    }

    /// What the engine says of its files next.
    async fn told(&mut self) -> Event {
        loop {
            let event = self.events.recv().await.unwrap();
            if event.kind == EventKind::System {
                return event;
            }
        }
    }
}

#[tokio::test]
async fn a_changed_file_is_taken_up_whole_and_a_wrong_one_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(folder.path(), "[backup]\ndaily = \"off\"\nconcurrency = 1\n").await;
    add(&running.engine, &["sw-1", "sw-2"]).await;
    let shell = Shell::over(&running.engine);

    let event = running
        .edit("[backup]\ndaily = \"off\"\nconcurrency = 2\nretries = 0\n[limits]\nidle = \"9s\"\n")
        .await;
    assert_eq!(event.severity, Severity::Info, "{event:?}");
    for part in ["backup.concurrency 1 → 2", "backup.retries 2 → 0", "limits.idle \"30s\" → \"9s\""] {
        assert!(event.message.contains(part), "{event:?}");
    }
    // two sessions at once, where one was the most
    for name in ["sw-1", "sw-2"] {
        running.network.play(name, [Script::Held(format!("hostname {name}\n"))]);
    }
    let job =
        running.engine.backup(&crate::engine_fixture::ann(), &Selection::all(), Default::default()).unwrap();
    running.network.open(2).await;
    running.network.release();
    crate::engine_fixture::reports(job).await;

    let event = running.edit("[backup]\ndaily = \"off\"\nretries = 3\nconcurency = 9\n").await;
    assert_eq!(event.severity, Severity::Error, "{event:?}");
    assert!(event.message.contains("config.toml:4: unknown field"), "{event:?}");
    assert_eq!(running.engine.settings().retries, 0, "nothing of it was taken");
    let (exit, told) = shell.run("doctor").await;
    assert_eq!(exit, Exit::Failed);
    assert!(told.lines.iter().any(|line| line.contains("config.toml:4: ")), "{:#?}", told.lines);
    let (_, told) = shell.run("config show").await;
    assert!(told.notes[0].contains("config.toml:4: "), "{:?}", told.notes);

    let event = running
        .edit("[backup]\ndaily = \"off\"\nretries = 4\nconcurrency = 1\n[pulse]\ntimeout = \"5s\"\n")
        .await;
    assert_eq!(event.severity, Severity::Info, "{event:?}");
    assert!(event.message.ends_with("in force after a restart of noctule: pulse.timeout"), "{event:?}");
    assert_eq!(running.engine.settings().retries, 4);
    let (_, told) = shell.run("doctor").await;
    assert!(told.lines.iter().any(|line| line.contains("pulse.timeout need a restart")), "{:#?}", told.lines);
    let (_, told) = shell.run("config show --json").await;
    let waiting: Vec<Value> = told.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let waiting: Vec<&Value> =
        waiting.iter().filter(|row| row["waits"] == true).map(|row| &row["key"]).collect();
    assert_eq!(waiting, ["pulse.timeout"]);
    running.engine.stop().await;
}

#[tokio::test]
async fn a_secret_in_a_file_of_its_own_is_taken_up_when_that_file_alone_changes() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("config/noc.secret");
    write(&secret, "first-s3cr3t\n");
    let settings = "[backup]\ndaily = \"off\"\n[[snmp.user]]\nuser = \"noc\"\nauth = \"sha\"\n\
        auth_password_file = \"noc.secret\"\n";
    let mut running = Running::start(folder.path(), settings).await;
    let password = |running: &Running| {
        let settings = running.engine.settings();
        settings.snmp.users[0].auth.as_ref().map(|(_, password)| password.expose().to_owned())
    };
    assert_eq!(password(&running).as_deref(), Some("first-s3cr3t"));
    write(&secret, "second-s3cr3t\n");
    let event = running.told().await;
    assert_eq!(event.severity, Severity::Info, "{event:?}");
    assert!(event.message.contains("snmp.user") && !event.message.contains("s3cr3t"), "{event:?}");
    assert_eq!(password(&running).as_deref(), Some("second-s3cr3t"));
    // where it is shown, it is the file that is named
    let (_, told) = Shell::over(&running.engine).run("config show --json").await;
    let row = told.lines.iter().find(|line| line.contains("snmp.user")).unwrap();
    assert!(row.contains("auth_password_file = \\\"noc.secret") && !row.contains("auth_password ="), "{row}");
    // one that is gone is a mistake, and the engine goes on with what it knows
    std::fs::remove_file(&secret).unwrap();
    let event = running.told().await;
    assert!(event.severity == Severity::Error && event.message.contains("noc.secret"), "{event:?}");
    assert_eq!(password(&running).as_deref(), Some("second-s3cr3t"));
    running.engine.stop().await;
}

#[tokio::test]
async fn fewer_sessions_at_once_hold_from_the_next_one_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(folder.path(), "[backup]\ndaily = \"off\"\nconcurrency = 50\n").await;
    let names = ["a", "b", "c", "d", "e"];
    add(&running.engine, &names).await;
    running.edit("[backup]\ndaily = \"off\"\nconcurrency = 2\n").await;
    names.iter().for_each(|name| running.network.play(name, [Script::Read(format!("hostname {name}\n"))]));
    crate::engine_fixture::back_up(&running.engine, &Selection::all()).await;
    let most = running.network.most_at_once.load(std::sync::atomic::Ordering::SeqCst);
    assert!((1..=2).contains(&most), "{most} at once");
    running.engine.stop().await;
}
