//! What opens the store, as an admin meets it: key slots, passphrases that are asked for, and a store that stays shut.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use noctule::commands::Exit;
use noctule::engine::Engine;
use noctule::engine::fields::blank;
use noctule::model::{DeviceId, Role, Secret, Timestamp};
use noctule::store::{Entry, NewSlot, Store, Unlock};
use serde_json::Value;

use crate::command_fixture::{Shell, Told};
use crate::engine_fixture::{Hand, NOON, Network, add, engine};

const PASSPHRASE: &str = "not a real passphrase";

async fn done(shell: &Shell, line: &str) -> Told {
    let (exit, told) = shell.run(line).await;
    assert_eq!(exit, Exit::Done, "{line}: {:?}", told.notes);
    told
}

async fn refused(shell: &Shell, line: &str, why: &str) {
    let (exit, told) = shell.run(line).await;
    assert_ne!(exit, Exit::Done, "{line}");
    let said = told.notes.join("\n");
    assert!(said.contains(why), "{line}: {said}");
    assert!(!said.contains(PASSPHRASE), "{said}");
}

async fn shown(shell: &Shell) -> Value {
    serde_json::from_str(&done(shell, "vault show --json").await.lines[0]).unwrap()
}

/// Puts a passphrase in the place of the file.
async fn lock(engine: &Arc<Engine>) {
    let shell = Shell::over(engine);
    *shell.side.secret.lock().unwrap() = Some(PASSPHRASE);
    done(&shell, "vault add passphrase --reason 'the host is shared'").await;
    done(&shell, "vault remove 1 --reason 'the host is shared'").await;
}

#[tokio::test]
async fn slots_are_added_and_taken_away_for_a_reason_that_the_journal_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), "", Network::new(), &Hand::new()).await;
    let mut shell = Shell::over(&engine);
    let fresh = shown(&shell).await;
    assert_eq!(fresh["slots"][0]["kind"], "file");
    assert_eq!((&fresh["slots"][0]["slot"], &fresh["slots"][0]["opened"]), (&Value::Null, &true.into()));
    refused(&shell, "vault add passphrase --reason x", "nobody has said a passphrase").await;
    *shell.side.secret.lock().unwrap() = Some("too short");
    refused(&shell, "vault add passphrase --reason x", "12 to 1024 bytes").await;
    *shell.side.secret.lock().unwrap() = Some(PASSPHRASE);
    refused(&shell, "vault add passphrase", "--reason TEXT").await;
    refused(&shell, "vault remove 1 --reason x", "the last one").await;
    assert!(!folder.path().join("data/keyring").exists(), "nothing was changed until now");

    let told = done(&shell, "vault add passphrase --reason 'the host is shared'").await;
    assert_eq!(told.asked, ["new passphrase of the store", "the same again"]);
    assert_eq!(told.lines, ["slot 2 (passphrase) opens the store"]);
    done(&shell, "vault remove 1 --reason 'the host is shared'").await;
    refused(&shell, "vault remove 7 --reason x", "there is no slot 7").await;
    refused(&shell, "vault remove 2 --reason x", "the last one").await;
    shell.file("words", "another one of them\nand no more of it\n");
    done(&shell, "vault add passphrase --passphrase-from words --reason 'bob too'").await;
    let now = shown(&shell).await;
    let slots = now["slots"].as_array().unwrap();
    assert_eq!(slots.iter().map(|slot| slot["slot"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 3]);
    let keys = now["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2, "what a slot that is gone would open is not sealed by the same key: {now}");
    assert_eq!((&keys[0]["key"], &keys[1]["key"], &keys[0]["since"]), (&1.into(), &2.into(), &Value::Null));

    let trail = done(&shell, "audit list --json").await.lines.join("\n");
    assert!(trail.contains("a key slot (passphrase) is added: the host is shared"), "{trail}");
    assert!(trail.contains("key slot 1 is taken away: the host is shared"), "{trail}");
    let events = done(&shell, "event list").await.lines.join("\n");
    assert!(events.contains("key slot 1 (file) taken away by ann: the host is shared"), "{events}");
    assert!(!trail.contains(PASSPHRASE) && !events.contains(PASSPHRASE));

    for (role, may_show) in [(Role::Engineer, false), (Role::Auditor, true)] {
        shell.role = role;
        assert_eq!(shell.run("vault show").await.0 == Exit::Done, may_show);
        refused(&shell, "vault add file --reason x", "needs the role admin").await;
        refused(&shell, "vault remove 2 --reason x", "needs the role admin").await;
    }
    engine.stop().await;
}

#[tokio::test]
async fn the_doctor_says_how_the_key_is_kept_and_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), "", Network::new(), &Hand::new()).await;
    let shell = Shell::over(&engine);
    let keys = || async {
        let lines = shell.run("doctor --json").await.1.lines;
        let found = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found = found.filter(|found| found["topic"] == "keys");
        found.map(|found| found["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join("\n")
    };
    assert!(keys().await.contains("the file data.key, for its owner alone"));
    *shell.side.secret.lock().unwrap() = Some(PASSPHRASE);
    done(&shell, "vault add passphrase --reason x").await;
    assert!(keys().await.contains("no slot for a rescue"));
    let recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    refused(&shell, "vault add age age1nonsense --reason x", "no recipient of age").await;
    done(&shell, &format!("vault add age {recipient} --reason x")).await;
    assert_eq!(keys().await, "the store opens with file, passphrase, age");
    done(&shell, "vault remove 2 --reason x").await;
    done(&shell, "vault remove 3 --reason x").await;
    assert!(keys().await.contains("with the file data.key alone, which lies beside it"));
    engine.stop().await;
}

#[tokio::test]
async fn a_command_without_an_engine_asks_for_the_passphrase_three_times_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), "", Network::new(), &Hand::new()).await;
    add(&engine, &["sw-1"]).await;
    lock(&engine).await;
    let copy = folder.path().join("copy");
    done(&Shell::over(&engine), &format!("store backup --output '{}'", copy.display())).await;
    engine.stop().await;
    drop(engine);

    let shell = Shell::closed(folder.path());
    refused(&shell, "device list", "its passphrase (slot 2)").await;
    *shell.side.secret.lock().unwrap() = Some("not this one at all");
    let keyring = std::fs::read(folder.path().join("data/keyring")).unwrap();
    let (exit, told) = shell.run("device list").await;
    assert_eq!((exit, told.asked.len()), (Exit::Failed, 3), "{:?}", told.asked);
    assert!(told.notes[0].contains("this passphrase opens no slot"), "{:?}", told.notes);
    assert_eq!(std::fs::read(folder.path().join("data/keyring")).unwrap(), keyring);

    *shell.side.secret.lock().unwrap() = Some(PASSPHRASE);
    let told = done(&shell, "device list").await;
    assert!(told.lines.iter().any(|line| line.contains("sw-1")) && told.asked.len() == 1, "{:?}", told.asked);
    done(&shell, "store rebuild").await;
    // a copy opens with what it was made with, also over nothing
    let other = tempfile::tempdir().unwrap();
    let elsewhere = Shell::closed(other.path());
    refused(&elsewhere, &format!("store restore '{}'", copy.display()), "its passphrase (slot 2)").await;
    *elsewhere.side.secret.lock().unwrap() = Some(PASSPHRASE);
    done(&elsewhere, &format!("store restore '{}'", copy.display())).await;
    assert!(done(&elsewhere, "device list").await.lines.iter().any(|line| line.contains("sw-1")));
    // and is verified without any key
    assert_eq!(Shell::closed(folder.path()).run("audit verify").await.0, Exit::Done);
}

/// A store that a passphrase alone opens, and settings that send nothing anywhere.
fn locked(folder: &Path) {
    std::fs::create_dir_all(folder.join("config")).unwrap();
    std::fs::write(folder.join("config/config.toml"), "[pulse]\nwatch = false\n").unwrap();
    let (store, _) = Store::open(&folder.join("data"), Timestamp(NOON)).unwrap();
    let (id, address) = (DeviceId(1), "192.0.2.1".parse().unwrap());
    let device = blank(id, "core-1".parse().unwrap(), address, Timestamp(NOON));
    store.commit_blocking(Entry::new(Timestamp(NOON), "ann", "", "a test").put(&id, &device)).unwrap();
    store.add_slot(NewSlot::Passphrase(Secret::new(PASSPHRASE)), Timestamp(NOON)).unwrap();
    store.remove_slot(1, Timestamp(NOON)).unwrap();
}

fn program(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_noctule"));
    command.args(["--data", "data", "--config", "config"]).args(words).current_dir(folder);
    command.env_remove("NOCTULE_SOCKET").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Ends with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_engine_without_a_person_says_what_it_needs_or_takes_it_from_a_pipe() {
    use std::io::{BufRead, BufReader};

    let folder = tempfile::tempdir().unwrap();
    locked(folder.path());
    // a session without a terminal, as systemd starts one
    let mut shut = Command::new("setsid");
    shut.args(["-w", env!("CARGO_BIN_EXE_noctule"), "--data", "data", "--config", "config", "serve"]);
    let shut = shut.current_dir(folder.path()).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&shut.stderr);
    assert_eq!(shut.status.code(), Some(1), "{said}");
    assert!(said.contains("locked") && said.contains("noctule serve --passphrase-stdin"), "{said}");

    let mut wrong =
        program(folder.path(), &["serve", "--passphrase-stdin"]).stdin(Stdio::piped()).spawn().unwrap();
    wrong.stdin.take().unwrap().write_all(b"not this one at all\n").unwrap();
    let wrong = wrong.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(
        !wrong.status.success() && said.contains("opens no slot") && !said.contains("not this one"),
        "{said}"
    );

    let mut serving = Serving(
        program(folder.path(), &["serve", "--passphrase-stdin"]).stdin(Stdio::piped()).spawn().unwrap(),
    );
    serving.0.stdin.take().unwrap().write_all(format!("{PASSPHRASE}\n").as_bytes()).unwrap();
    let mut first = String::new();
    BufReader::new(serving.0.stderr.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("listens on"), "{first}");
    for what in ["cmdline", "environ"] {
        let held = std::fs::read(format!("/proc/{}/{what}", serving.0.id()));
        // of a process that is not dumpable, root alone reads the environment
        let held = String::from_utf8_lossy(&held.unwrap_or_default()).into_owned();
        assert!(!held.contains(PASSPHRASE), "{what}");
    }
    let listed = program(folder.path(), &["vault", "show", "--json"]).output().unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(
        (&listed["slots"][0]["kind"], &listed["slots"][0]["opened"]),
        (&"passphrase".into(), &true.into())
    );
}

#[test]
fn a_console_that_starts_an_engine_asks_for_the_passphrase_and_hands_it_over() {
    use crate::terminal::Terminal;
    use crate::terminal_program::{assert_terminal_restored, in_a_shell};

    let folder = tempfile::tempdir().unwrap();
    locked(folder.path());
    let unlock = Unlock::default().with_passphrase(&folder.path().join("data"), &Secret::new(PASSPHRASE));
    drop(Store::open_with(&folder.path().join("data"), &unlock.unwrap(), Timestamp(NOON)).unwrap());
    let start = |flags: &str| {
        let line = format!("{flags} --data \"$HOME/data\" --config \"$HOME/config\"");
        let mut command = in_a_shell(folder.path(), &line);
        command.env_remove("NOCTULE_SOCKET");
        Terminal::start(command, 120, 30)
    };
    for flags in ["--embedded", ""] {
        let terminal = start(flags);
        terminal.wait_for("passphrase of the store");
        terminal.type_keys("not this one at all\r");
        let screen = terminal.wait_for("that is not it; the passphrase (2 more)");
        assert!(!screen.contains("not this one"), "{screen}");
        terminal.type_keys(&format!("{PASSPHRASE}\r"));
        let screen = terminal.wait_for("core-1");
        assert!(!screen.contains(PASSPHRASE), "{screen}");
        if flags.is_empty() {
            let lock = std::fs::read_to_string(folder.path().join("data/owner.lock")).unwrap();
            let engine: i32 = lock.split_whitespace().nth(1).unwrap().parse().unwrap();
            let words = std::fs::read(format!("/proc/{engine}/cmdline")).unwrap();
            let words = String::from_utf8_lossy(&words).into_owned();
            let log = std::fs::read_to_string(folder.path().join("data/engine.log")).unwrap();
            assert!(words.contains("--passphrase-stdin"), "{words}");
            assert!(!words.contains(PASSPHRASE) && !log.contains(PASSPHRASE), "{log}");
            // the next one is let in without a word
            let second = start("");
            assert!(!second.wait_for("core-1").contains("passphrase"));
            second.type_keys(":quit\r");
            second.wait_for("status 0");
            second.wait_for_end();
            terminal.type_keys(":quit\r");
            terminal.wait_for("status 0");
            let engine = rustix::process::Pid::from_raw(engine).unwrap();
            rustix::process::kill_process(engine, rustix::process::Signal::KILL).unwrap();
        } else {
            terminal.type_keys(":quit\r");
            terminal.wait_for("status 0");
        }
        terminal.wait_for_end();
        assert_terminal_restored(folder.path());
    }
    // Ctrl-C at the question leaves the terminal as it was
    let terminal = start("--embedded");
    terminal.wait_for("passphrase of the store");
    terminal.type_keys("\x03");
    terminal.wait_for("status 130");
    terminal.wait_for_end();
    assert_terminal_restored(folder.path());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_says_how_far_it_is_and_leaves_nothing_live_to_the_old_key() {
    use crate::engine_fixture::{Script, back_up};
    use noctule::engine::Selection;
    use noctule::engine::fields::{Change, Field};

    let folder = tempfile::tempdir().unwrap();
    let network = Network::new();
    let hand = Hand::new();
    let engine = engine(folder.path(), "[backup]\nretries = 0\n", network.clone(), &hand).await;
    add(&engine, &["sw-1", "sw-2"]).await;
    let by = crate::engine_fixture::ann();
    let changes = [Change::new(Field::EnablePassword, "not-a-real-one")];
    engine.edit_device(&by, "sw-1", &changes).await.unwrap();
    for name in ["sw-1", "sw-2"] {
        network.play(name, [Script::Read(format!("hostname {name}\n"))]);
    }
    hand.move_by(1000);
    back_up(&engine, &Selection::all()).await;
    let shell = Shell::over(&engine);
    let copy = folder.path().join("copy");
    done(&shell, &format!("store backup --output '{}'", copy.display())).await;
    refused(&shell, "vault rotate", "--reason TEXT").await;

    let told = done(&shell, "vault rotate --reason 'ann has left' --json").await;
    let rotated: Value = serde_json::from_str(&told.lines[0]).unwrap();
    assert_eq!((&rotated["key"], &rotated["bodies"], &rotated["damaged"]), (&2.into(), &2.into(), &0.into()));
    assert!(told.notes.iter().any(|note| note == "sealing anew: 0 of 2 devices"), "{:?}", told.notes);
    assert!(told.notes.iter().any(|note| note == "checking: 0 of 2 texts"), "{:?}", told.notes);
    let shown: Value =
        serde_json::from_str(&done(&shell, "vault show --bodies --json").await.lines[0]).unwrap();
    let keys = shown["keys"].as_array().unwrap();
    assert_eq!((&keys[0]["records"], &keys[0]["bodies"]), (&0.into(), &0.into()), "{shown}");
    assert_eq!((&keys[1]["records"], &keys[1]["bodies"]), (&rotated["records"], &2.into()), "{shown}");
    assert!(keys[0]["retired"].is_string() && keys[1]["retired"].is_null());
    assert_eq!(shown["rotating_since"], Value::Null);
    // who looks at the trail is not told that passwords are others
    let trail = done(&shell, "audit list --json").await.lines;
    let trail: Vec<Value> = trail.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let all: Vec<String> = trail.iter().map(Value::to_string).collect();
    assert!(all.iter().any(|entry| entry.contains("the store's key is rotated: ann has left")), "{all:?}");
    for entry in &trail {
        let shown = done(&shell, &format!("audit show {}", entry["entry"])).await.lines.join("\n");
        assert!(!shown.contains("another one"), "{shown}");
    }
    let (exit, told) = shell.run("backup verify --all").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    engine.stop().await;
    drop((engine, shell));

    // the copy of before has its own key, and opens everything
    let other = tempfile::tempdir().unwrap();
    let closed = Shell::closed(other.path());
    done(&closed, &format!("store restore '{}'", copy.display())).await;
    let (exit, told) = closed.run("backup verify --all").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    // and what it shares with the store is what it was
    let shown: Value =
        serde_json::from_str(&done(&closed, "vault show --bodies --json").await.lines[0]).unwrap();
    assert_eq!((shown["keys"].as_array().unwrap().len(), &shown["keys"][0]["bodies"]), (1, &2.into()));
}
