//! The wallboard at a terminal: it outlives it, its keys do nothing but turn pages, and SIGTERM is its usual end.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::attach_terminal::{Engine, run, stored};
use crate::terminal::Terminal;
use crate::terminal_program::{NOCTULE, assert_nothing_left, left_in, noctule};

const PATIENCE: Duration = Duration::from_secs(120);

/// The folder of the one demo that runs in `home`.
fn demo_folder(home: &Path) -> PathBuf {
    home.join(left_in(home).pop().expect("the demo's folder"))
}

/// What was written to the journal, but for its first `from` bytes, as soon as it contains `text`.
fn journal_says(demo: &Path, from: usize, text: &str) -> usize {
    let path = demo.join("data/journal/00000001.log");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let bytes = fs::read(&path).unwrap_or_default();
        let new = bytes.get(from..).unwrap_or_default();
        if new.windows(text.len()).any(|window| window == text.as_bytes()) {
            return bytes.len();
        }
        assert!(Instant::now() < deadline, "the journal did not say {text:?} in time");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn a_window_that_closes_does_not_end_the_wallboard_and_the_watch_goes_on() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(noctule(home.path(), &["demo", "--wallboard", "--keep"]), 80, 24);
    terminal.wait_for("Groups");
    let demo = demo_folder(home.path());
    let before = journal_says(&demo, 0, "core-rtr-1");
    let program = Pid::from_raw(terminal.pid().cast_signed()).expect("a process");
    terminal.close_window();
    kill_process(program, Signal::HUP).expect("a living process");
    // the demo's own people cut and mend links: who sees that without a window?
    journal_says(&demo, before, "campus-fw-1 is down");
    test_kill_process(program).expect("a living process");
    kill_process(program, Signal::TERM).expect("a living process");
    assert!(terminal.exit_status().success(), "SIGTERM is its usual end");

    let mut list = std::process::Command::new(NOCTULE);
    list.arg("--data").arg(demo.join("data")).arg("--config").arg(demo.join("config"));
    let list = list.args(["incident", "list"]).output().expect("a list");
    assert!(String::from_utf8_lossy(&list.stdout).contains("campus-fw-1"), "{list:?}");
}

/// Waits until somebody is at a wallboard, or nobody.
fn wait_for_wallboard(folder: &Path, is_there: bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let list = run(folder, &["session", "list", "--json"]);
        if list.status.success()
            && String::from_utf8_lossy(&list.stdout).contains("\"wallboard\"") == is_there
        {
            return;
        }
        assert!(Instant::now() < deadline, "{list:?}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn an_attached_wallboard_that_loses_its_terminal_goes_on_and_ends_with_sigterm() {
    let folder = stored();
    let mut engine = Engine::start(folder.path());
    let home = folder.path().to_str().expect("a path");
    let folders = ["--data", &format!("{home}/data"), "--config", &format!("{home}/config"), "wallboard"];
    let mut command = noctule(folder.path(), &folders);
    command.env_remove("NOCTULE_SOCKET");
    let mut terminal = Terminal::start(command, 80, 24);
    wait_for_wallboard(folder.path(), true);
    let program = Pid::from_raw(terminal.pid().cast_signed()).expect("a process");
    terminal.close_window();
    kill_process(program, Signal::HUP).expect("a living process");
    // still there
    wait_for_wallboard(folder.path(), true);
    test_kill_process(program).expect("a living process");
    kill_process(program, Signal::TERM).expect("a living process");
    assert!(terminal.exit_status().success(), "SIGTERM is its usual end");
    wait_for_wallboard(folder.path(), false);
    assert!(engine.end(Signal::TERM).success());
}

#[test]
fn keys_on_the_wallboard_turn_pages_and_quit() {
    let home = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start(noctule(home.path(), &["demo", "--wallboard", "--cycle", "3600"]), 80, 24);
    terminal.wait_for("Groups");
    // neither another view, nor a command line, nor a menu, nor a shell
    terminal.type_keys(":devices\r1 2 / ? s y o f M \t\x1a");
    terminal.type_keys("\x1b[C");
    let screen = terminal.wait_until("the next page", |screen| !screen.contains("Groups"));
    assert!(!screen.contains("STATUS") && !screen.contains("What can be done here"), "{screen}");
    // who was held by a key above is let go by the same
    terminal.type_keys("\x1b[D");
    terminal.wait_for("Groups");
    terminal.resize(10, 3);
    terminal.resize(400, 110);
    terminal.wait_until("a large wallboard", |screen| screen.lines().any(|line| line.chars().count() > 200));
    terminal.type_keys("q");
    assert!(terminal.wait_for_end().success());
    assert_nothing_left(home.path());
}
