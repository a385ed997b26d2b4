//! The real program on a terminal: the demo is opened, walked through, resized, stopped, killed, and leaves nothing.

use std::path::Path;
use std::process::{Command, Stdio};

use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};

use crate::terminal::Terminal;

const NOCTULE: &str = env!("CARGO_BIN_EXE_noctule");

fn environment(command: &mut CommandBuilder, folder: &Path) {
    command.env("TMPDIR", folder);
    command.env("HOME", folder);
    command.env("TERM", "xterm-256color");
    command.env("LC_ALL", "C.UTF-8");
    for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "NO_COLOR", "VISUAL", "EDITOR"] {
        command.env_remove(name);
    }
}

/// `noctule` on a terminal, its temporary files in `folder`.
fn noctule(folder: &Path, args: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(NOCTULE);
    command.args(args);
    environment(&mut command, folder);
    command
}

/// A shell that says what the terminal is like before and after `noctule`.
fn in_a_shell(folder: &Path, args: &str) -> CommandBuilder {
    let mut command = CommandBuilder::new("sh");
    let line = format!(
        "stty -g >'{0}/before'; {NOCTULE} {args}; status=$?; stty -g >'{0}/after'; echo \"status $status\"",
        folder.display()
    );
    command.args(["-c", &line]);
    environment(&mut command, folder);
    command
}

fn assert_terminal_restored(folder: &Path) {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("what stty said");
    assert_eq!(read("before"), read("after"), "the terminal's modes");
}

fn assert_nothing_left(folder: &Path) {
    let left: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter(|name| name.starts_with("noctule"))
        .collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// The process that `shell` waits for.
fn child_of(shell: u32) -> Pid {
    let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).expect("children");
    let first = children.split_whitespace().next().expect("a child");
    Pid::from_raw(first.parse().expect("a number")).expect("a process")
}

#[test]
fn the_demo_is_opened_walked_through_and_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start(in_a_shell(folder.path(), "demo"), 120, 40);
    terminal.wait_for("core-rtr-1");
    terminal.wait_until("a device that is backed up", |screen| {
        screen.lines().any(|line| line.contains("core-sw-1") && line.contains("good"))
    });
    terminal.type_keys("/core-sw-1\r");
    terminal.wait_until("the filtered list", |screen| {
        screen.contains("core-sw-1") && !screen.contains("core-rtr-1")
    });
    terminal.type_keys("c");
    terminal.wait_for("hostname");
    terminal.type_keys(":history core-sw-1\r");
    terminal.wait_for("EVIDENCE");
    // the view's lowest pane, where quitting is not a slip
    terminal.type_keys("1");
    terminal.wait_until("the list alone", |screen| !screen.contains("EVIDENCE"));
    terminal.type_keys(":quit\r");
    let screen = terminal.wait_for("status 0");
    assert!(!screen.contains("core-sw-1"), "the console's screen is left:\n{screen}");
    assert!(terminal.wait_for_end().success());
    assert_terminal_restored(folder.path());
    assert_nothing_left(folder.path());
}

#[test]
fn it_lives_in_every_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start(noctule(folder.path(), &["demo"]), 80, 24);
    terminal.wait_for("core-rtr-1");
    for (columns, rows) in [(1, 1), (20, 5), (500, 200), (2, 60), (200, 2), (80, 24)].repeat(3) {
        terminal.resize(columns, rows);
    }
    terminal.resize(500, 200);
    terminal.wait_until("all 36 devices", |screen| {
        screen.contains("vpn-asa-1") && screen.contains("acc-clinic-1")
    });
    terminal.type_keys(":quit\r");
    assert!(terminal.wait_for_end().success());
    assert_nothing_left(folder.path());
}

#[test]
fn signals_give_the_terminal_back_and_leave_nothing() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let folder = tempfile::tempdir().expect("a folder");
        let terminal = Terminal::start(in_a_shell(folder.path(), "demo"), 80, 24);
        terminal.wait_for("core-rtr-1");
        kill_process(child_of(terminal.pid()), signal).expect("a signal");
        let screen = terminal.wait_for("status 1");
        assert!(!screen.contains("core-rtr-1"), "{signal:?} leaves the screen:\n{screen}");
        terminal.wait_for_end();
        assert_terminal_restored(folder.path());
        assert_nothing_left(folder.path());
    }
}

#[test]
fn ctrl_z_stops_it_and_fg_brings_it_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut shell = CommandBuilder::new("sh");
    shell.args(["-i"]);
    environment(&mut shell, folder.path());
    shell.env("PS1", "ready> ");
    let terminal = Terminal::start(shell, 80, 24);
    terminal.wait_for("ready> ");
    terminal.type_keys(&format!("{NOCTULE} demo\r"));
    terminal.wait_for("core-rtr-1");
    terminal.type_keys("\x1a");
    terminal.wait_until("the shell", |screen| screen.contains("ready> ") && screen.contains("Stopped"));
    terminal.type_keys("fg\r");
    terminal.wait_for("core-rtr-1");
    terminal.type_keys(":quit\r");
    terminal
        .wait_until("the shell again", |screen| !screen.contains("core-rtr-1") && screen.contains("ready> "));
    terminal.type_keys("exit\r");
    terminal.wait_for_end();
    assert_nothing_left(folder.path());
}

#[test]
fn without_a_terminal_it_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    for word in ["demo", "console"] {
        let run = Command::new(NOCTULE)
            .args(["--data", "d", "--config", "c", word])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{said}");
        assert!(said.contains("needs a terminal"), "{said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0, "nothing was made");
}
