//! Signals, a window that closes, a demo that is killed: the terminal is given back, and nothing stays.

use std::os::unix::fs::symlink;

use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};

use crate::terminal::Terminal;
use crate::terminal_program::{
    NOCTULE, assert_nothing_left, assert_terminal_restored, child_of, environment, in_a_shell, left_in,
    noctule, program_in_a_shell,
};

#[test]
fn signals_give_the_terminal_back_and_leave_nothing() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let folder = tempfile::tempdir().expect("a folder");
        let terminal = Terminal::start(in_a_shell(folder.path(), "demo"), 80, 24);
        terminal.wait_for("core-rtr-1");
        kill_process(child_of(terminal.pid()), signal).expect("a signal");
        let screen = terminal.wait_for(&format!("status {}", 128 + signal.as_raw()));
        assert!(!screen.contains("core-rtr-1"), "{signal:?} leaves the screen:\n{screen}");
        terminal.assert_given_back();
        terminal.wait_for_end();
        assert_terminal_restored(folder.path());
        assert_nothing_left(folder.path());
    }
}

#[test]
fn ctrl_z_and_sigtstp_stop_it_and_fg_brings_it_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut shell = CommandBuilder::new("sh");
    shell.args(["-i"]);
    environment(&mut shell, folder.path());
    shell.env("PS1", "ready> ");
    let terminal = Terminal::start(shell, 80, 24);
    terminal.wait_for("ready> ");
    terminal.type_keys(&format!("stty -g >$HOME/before; {NOCTULE} demo\r"));
    terminal.wait_for("core-rtr-1");
    let program = child_of(terminal.pid());
    for (count, stop) in [(1, None), (2, Some(Signal::TSTP))] {
        match stop {
            None => terminal.type_keys("\x1a"),
            Some(signal) => kill_process(program, signal).expect("a signal"),
        }
        terminal.wait_until("the shell", |screen| {
            screen.matches("Stopped").count() == count && screen.trim_end().ends_with("ready>")
        });
        terminal.assert_given_back();
        terminal.type_keys("stty -g >$HOME/after; fg\r");
        terminal.wait_for("core-rtr-1");
        assert_terminal_restored(folder.path());
    }
    terminal.type_keys(":quit\r");
    terminal.wait_until("the shell again", |screen| screen.trim_end().ends_with("ready>"));
    terminal.type_keys("exit\r");
    terminal.wait_for_end();
    assert_nothing_left(folder.path());
}

#[test]
fn after_sigstop_and_sigcont_the_screen_is_drawn_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start(noctule(folder.path(), &["demo"]), 80, 24);
    terminal.wait_for("core-rtr-1");
    let before = terminal.bytes().len();
    let program = Pid::from_raw(terminal.pid().cast_signed()).expect("a process");
    for signal in [Signal::STOP, Signal::CONT] {
        kill_process(program, signal).expect("a signal");
    }
    // all that a shell may have changed meanwhile
    terminal.wait_for_bytes(before, "\x1b[?1049h");
    terminal.type_keys("?");
    terminal.wait_for("Search all configurations");
    terminal.close_help();
    terminal.type_keys(":quit\r");
    assert!(terminal.wait_for_end().success());
}

#[test]
fn a_window_that_closes_ends_it_and_leaves_nothing() {
    // a program that ignores SIGHUP still notices that its terminal is gone
    for line in ["exec \"$0\" demo", "trap '' HUP; exec \"$0\" demo"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut shell = CommandBuilder::new("sh");
        shell.args(["-c", line, NOCTULE]);
        environment(&mut shell, folder.path());
        let terminal = Terminal::start(shell, 80, 24);
        terminal.wait_for("core-rtr-1");
        assert_eq!(left_in(folder.path()).len(), 1, "the demo's folder");
        assert_eq!(terminal.close().exit_code(), 129, "{line}");
        assert_nothing_left(folder.path());
    }
}

#[test]
fn the_folder_of_a_killed_demo_goes_with_the_next_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = || {
        let terminal = Terminal::start(noctule(folder.path(), &["demo"]), 80, 24);
        terminal.wait_for("core-rtr-1");
        terminal
    };
    let killed = start();
    let left = left_in(folder.path());
    let program = Pid::from_raw(killed.pid().cast_signed()).expect("a process");
    kill_process(program, Signal::KILL).expect("a signal");
    killed.wait_for_end();
    assert_eq!(left_in(folder.path()), left, "nobody could remove it");

    let precious = folder.path().join("precious");
    std::fs::create_dir(&precious).expect("a folder");
    std::fs::write(precious.join("demo.lock"), "").expect("a file");
    symlink(&precious, folder.path().join("noctule-demo-0123456789abcdef")).expect("a link");

    let living = start();
    let now = left_in(folder.path());
    assert!(!now.contains(&left[0]), "{now:?}");
    assert_eq!(now.len(), 2, "the link, and the living one: {now:?}");
    let third = start();
    assert_eq!(left_in(folder.path()).len(), 3, "the living one is left alone");
    for terminal in [living, third] {
        terminal.type_keys(":quit\r");
        assert!(terminal.wait_for_end().success());
    }
    assert!(precious.join("demo.lock").exists());
    assert_eq!(left_in(folder.path()), ["noctule-demo-0123456789abcdef"]);
}

#[test]
fn a_signal_while_the_demo_starts_ends_it_too() {
    let folder = tempfile::tempdir().expect("a folder");
    // the signal is sent to the shell's child as soon as its folder is there
    let line = format!(
        "exec 3<&0; {NOCTULE} demo <&3 & program=$!; until ls -d \"$HOME\"/noctule-demo-*/demo.lock 2>/dev/null >&2; do :; done; \
         kill -TERM $program; wait $program"
    );
    let terminal = Terminal::start(program_in_a_shell(folder.path(), &line), 80, 24);
    terminal.wait_for("status 143");
    terminal.assert_given_back();
    terminal.wait_for_end();
    assert_nothing_left(folder.path());
}
