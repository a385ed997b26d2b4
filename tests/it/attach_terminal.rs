//! The real program at a terminal, attached to an engine of its own process: it starts one, survives its end, and leaves.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::attach_fixture::Served;
use crate::terminal::Terminal;
use crate::terminal_program::{
    NOCTULE, assert_terminal_restored, child_of, in_a_shell, noctule, program_in_a_shell,
};

const FOLDERS: [&str; 4] = ["--data", "data", "--config", "config"];
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder with a device, and settings that send nothing anywhere.
pub fn stored() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("config")).expect("a folder");
    std::fs::write(folder.path().join("config/config.toml"), "[pulse]\nwatch = false\n").expect("settings");
    let added = run(folder.path(), &["device", "add", "core-1", "192.0.2.1"]);
    assert!(added.status.success(), "{added:?}");
    folder
}

pub fn program(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(NOCTULE);
    command.args(FOLDERS).args(args).current_dir(folder).env_remove("NOCTULE_SOCKET").stdin(Stdio::null());
    command
}

pub fn run(folder: &Path, args: &[&str]) -> Output {
    program(folder, args).output().expect("it runs")
}

/// `noctule serve`, ended with the test.
pub struct Engine(Child);

impl Engine {
    pub fn start(folder: &Path) -> Self {
        let mut child = program(folder, &["serve"]).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut words = BufReader::new(child.stderr.take().expect("its words"));
        let mut said = String::new();
        words.read_line(&mut said).expect("a line");
        assert!(said.contains("listens on data/engine.sock"), "{said}");
        // what it says later is nobody's
        std::thread::spawn(move || std::io::copy(&mut words, &mut std::io::sink()));
        Self(child)
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().cast_signed()).expect("a process")
    }

    pub fn end(&mut self, signal: Signal) -> std::process::ExitStatus {
        kill_process(self.pid(), signal).expect("a signal");
        self.0.wait().expect("its end")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The engine that a console has started, as the store's lock names it; ended with the test.
struct Started(Pid);

/// Who has the store.
fn holder(folder: &Path) -> Pid {
    let holder = std::fs::read_to_string(folder.join("data/owner.lock")).expect("a lock");
    let number = holder.split_whitespace().nth(1).expect("a number").parse().expect("a number");
    Pid::from_raw(number).expect("a process")
}

/// Whether it has not ended; one that has may stay a while as a zombie, where what adopts orphans is slow.
fn is_running(process: Pid) -> bool {
    let stat =
        std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

impl Started {
    fn find(folder: &Path) -> Self {
        Self(holder(folder))
    }

    fn wait_for_end(&self) {
        let deadline = Instant::now() + PATIENCE;
        while is_running(self.0) {
            assert!(Instant::now() < deadline, "it did not end");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
    }
}

pub fn console(folder: &Path) -> Terminal {
    let mut command = in_a_shell(folder, "--data \"$HOME/data\" --config \"$HOME/config\"");
    command.env_remove("NOCTULE_SOCKET");
    Terminal::start(command, 100, 30)
}

pub fn quit(terminal: Terminal, folder: &Path) {
    terminal.type_keys(":quit\r");
    terminal.wait_for("status 0");
    terminal.assert_given_back();
    terminal.wait_for_end();
    assert_terminal_restored(folder);
}

#[test]
fn a_console_starts_an_engine_which_outlives_it_and_serves_the_next() {
    let folder = stored();
    // two at once: one engine
    let (first, second) = (console(folder.path()), console(folder.path()));
    first.wait_for("core-1");
    second.wait_for("core-1");
    let engine = Started::find(folder.path());
    let added = run(folder.path(), &["device", "add", "edge-1", "192.0.2.2"]);
    assert!(added.status.success(), "{added:?}");
    first.wait_for("edge-1");
    second.wait_for("edge-1");
    quit(first, folder.path());
    quit(second, folder.path());
    test_kill_process(engine.0).expect("it lives");
    let home = folder.path().to_str().expect("a path");
    let mut third =
        noctule(folder.path(), &["--data", &format!("{home}/data"), "--config", &format!("{home}/config")]);
    third.env_remove("NOCTULE_SOCKET");
    let third = Terminal::start(third, 100, 30);
    third.wait_for("edge-1");
    assert_eq!(holder(folder.path()), engine.0, "the same one");
    // a window that closes ends its session alone
    assert_eq!(third.close().exit_code(), 129);
    let refused = run(folder.path(), &["store", "rebuild"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    let log = || std::fs::read_to_string(folder.path().join("data/engine.log")).expect("a log");
    assert!(said.contains("is in use by process"), "{refused:?} {}", log());
    kill_process(engine.0, Signal::TERM).expect("a signal");
    engine.wait_for_end();
    assert!(!folder.path().join("data/engine.sock").exists());
    assert!(log().contains("stops: it was told to (SIGTERM)"), "{}", log());
}

#[test]
fn a_console_waits_for_an_engine_that_was_killed_or_stopped() {
    let folder = stored();
    let mut engine = Engine::start(folder.path());
    let terminal = console(folder.path());
    terminal.wait_for("core-1");
    for (signal, says) in [(Signal::KILL, "the engine has gone"), (Signal::TERM, "the engine stops")] {
        let status = engine.end(signal);
        assert_eq!(status.success(), signal == Signal::TERM, "{status}");
        terminal.wait_until("a calm line", |screen| {
            screen.contains(says) && screen.contains("waiting for it to come back") && !screen.contains("WHY")
        });
        terminal.assert_given_back();
        engine = Engine::start(folder.path());
        terminal.wait_until("the console", |screen| screen.contains("core-1") && screen.contains("WHY"));
    }
    quit(terminal, folder.path());
    // one that waits is left by Ctrl-C
    let terminal = console(folder.path());
    terminal.wait_for("core-1");
    engine.end(Signal::KILL);
    terminal.wait_for("waiting for it");
    terminal.type_keys("\x03");
    terminal.wait_for("status 130");
    terminal.wait_for_end();
    assert_terminal_restored(folder.path());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_is_killed_leaves_nothing_in_the_engine() {
    let served = Served::start().await;
    let folder = served.folder.path().to_owned();
    let terminal = tokio::task::spawn_blocking(move || {
        let terminal = console(&folder);
        terminal.wait_for("core-1");
        kill_process(child_of(terminal.pid()), Signal::KILL).expect("a signal");
        terminal
    });
    let terminal = terminal.await.expect("a terminal");
    served.empty().await;
    served.assert_alive().await;
    drop(terminal);
}

#[test]
fn a_script_hears_the_same_as_without_an_engine() {
    let folder = stored();
    let lines: [(&[&str], i32); 5] = [
        (&["device", "list", "--json"], 0),
        (&["device", "show", "nobody"], 1),
        (&["device", "list", "--nonsense"], 2),
        (&["keys", "--json"], 0),
        (&["device", "export", "out.csv"], 0),
    ];
    let alone: Vec<Output> = lines.iter().map(|(args, _)| run(folder.path(), args)).collect();
    std::fs::remove_file(folder.path().join("out.csv")).expect("a file");
    let _engine = Engine::start(folder.path());
    for ((args, code), alone) in lines.iter().zip(&alone) {
        let served = run(folder.path(), args);
        assert_eq!(served.status.code(), Some(*code), "{served:?}");
        assert_eq!(served.stdout, alone.stdout, "{args:?}");
        assert_eq!(served.stderr, alone.stderr, "{args:?}");
    }
    assert!(folder.path().join("out.csv").exists(), "the client writes it where it stands");
    std::fs::write(folder.path().join("in.csv"), "name,address\nnew-1,192.0.2.5\n").expect("a file");
    let imported = run(folder.path(), &["device", "import", "in.csv"]);
    assert!(imported.status.success(), "{imported:?}");
    let offered = run(folder.path(), &["complete", "--", "device", "show", "new"]);
    assert!(String::from_utf8_lossy(&offered.stdout).starts_with("new-1"), "{offered:?}");
    // by its socket alone, from where no store is
    let verified = Command::new(NOCTULE)
        .args([
            "--data",
            "elsewhere",
            "--config",
            "config",
            "--socket",
            "data/engine.sock",
            "audit",
            "verify",
        ])
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    assert!(String::from_utf8_lossy(&verified.stdout).contains("whole entries"), "{verified:?}");
    // from a pipe, into a pipe that closes
    let line = format!(
        "printf 'name,address\\npiped-1,192.0.2.6\\n' | {NOCTULE} --data data --config config device import - && \
         {NOCTULE} --data data --config config device list --json | head -n 1"
    );
    let piped =
        Command::new("bash").args(["-o", "pipefail", "-c", &line]).current_dir(folder.path()).output();
    let piped = piped.expect("it runs");
    assert!(piped.status.success(), "{piped:?}");
    assert!(String::from_utf8_lossy(&piped.stdout).contains("\"device\":\"core-1\""), "{piped:?}");
}

#[test]
fn questions_and_ctrl_c_of_a_command_in_the_engine() {
    let folder = stored();
    let _engine = Engine::start(folder.path());
    let line = "--data \"$HOME/data\" --config \"$HOME/config\" device add new-1 192.0.2.3 --password";
    let terminal = Terminal::start(in_a_shell(folder.path(), line), 100, 24);
    terminal.wait_for("password: ");
    terminal.type_keys("not-a-real-one\x03");
    let screen = terminal.wait_for("status 130");
    assert!(!screen.contains("not-a-real-one"), "{screen}");
    terminal.wait_for_end();
    assert_terminal_restored(folder.path());
    let terminal = Terminal::start(in_a_shell(folder.path(), line), 100, 24);
    terminal.wait_for("password: ");
    terminal.type_keys("not-a-real-one\r");
    let screen = terminal.wait_for("status 0");
    assert!(!screen.contains("not-a-real-one"), "{screen}");
    terminal.wait_for_end();
    let listed = run(folder.path(), &["device", "show", "new-1", "--json"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("\"has_password\":true"), "{listed:?}");
}

#[test]
fn the_engine_that_is_not_wanted_any_more_ends() {
    let folder = stored();
    let mut child = program(folder.path(), &["serve", "--until-idle", "0s"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    assert!(child.wait().expect("its end").success());
    assert!(!folder.path().join("data/engine.sock").exists());
}

#[test]
fn embedded_and_read_only_are_as_said() {
    let folder = stored();
    let _engine = Engine::start(folder.path());
    let embedded = run(folder.path(), &["--embedded", "device", "list"]);
    // the flags of the program stand before the command
    assert_eq!(embedded.status.code(), Some(1), "{embedded:?}");
    assert!(String::from_utf8_lossy(&embedded.stderr).contains("is in use by process"), "{embedded:?}");
    let read_only = run(folder.path(), &["--read-only", "device", "edit", "core-1", "location=x"]);
    assert!(String::from_utf8_lossy(&read_only.stderr).contains("needs the role"), "{read_only:?}");
    let mut shell = program_in_a_shell(
        folder.path(),
        &format!("{NOCTULE} --read-only --data \"$HOME/data\" --config \"$HOME/config\""),
    );
    shell.env_remove("NOCTULE_SOCKET");
    let terminal = Terminal::start(shell, 100, 30);
    terminal.wait_for("core-1");
    terminal.type_keys(":device edit core-1 location=x\r");
    terminal.wait_for("needs the role");
    quit(terminal, folder.path());
}
