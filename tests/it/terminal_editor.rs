//! The operator's own editor: it has the terminal, gives the text back or says why not, and leaves no file.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Signal, kill_process};

use crate::terminal::Terminal;
use crate::terminal_program::{
    NOCTULE, assert_nothing_left, assert_terminal_restored, child_of, environment, program_in_a_shell,
};

/// An editor that shows what it was given, takes a line typed at it for the location, and ends as the line says.
const EDITOR: &str = r#"#!/bin/sh
stty -g >"$HOME/in-the-editor"
stat -c %a "$2" "$(dirname "$2")" >"$HOME/rights"
printf 'editing with %s\n' "$1"
read -r line
case $line in
    fail) exit 3 ;;
    *) sed -i "s/^location =.*/location = $line/" "$2" ;;
esac
"#;

/// A console with one device, whose record is open in the editor pane; `editor` is what VISUAL says.
fn record_in_a_console(folder: &Path, editor: &str) -> Terminal {
    // nothing of a test leaves this host
    std::fs::create_dir_all(folder.join("config")).expect("a folder");
    std::fs::write(folder.join("config/config.toml"), "[pulse]\nwatch = false\n").expect("settings");
    let added = noctule_here(folder, &["device", "add", "core-1", "192.0.2.1", "location=Rack 1"]);
    assert!(added.status.success(), "{added:?}");
    let line = format!("{NOCTULE} --embedded --data \"$HOME/data\" --config \"$HOME/config\"");
    let mut command = program_in_a_shell(folder, &line);
    environment(&mut command, folder);
    command.env("VISUAL", editor);
    command.env("EDITOR", "false");
    let terminal = Terminal::start(command, 100, 30);
    terminal.wait_for("core-1");
    terminal.type_keys(":edit device core-1\r");
    terminal.wait_for("location = Rack 1");
    terminal
}

fn noctule_here(folder: &Path, args: &[&str]) -> std::process::Output {
    let mut command = Command::new(NOCTULE);
    command.args(["--data", "data", "--config", "config"]).args(args).current_dir(folder);
    command.output().expect("it runs")
}

/// The editor above, in a folder whose name has a space.
fn editor_in(folder: &Path) -> PathBuf {
    let path = folder.join("my editors/ed.sh");
    std::fs::create_dir(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, EDITOR).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("rights");
    path
}

fn quit(terminal: Terminal, folder: &Path) {
    terminal.type_keys("\x1b");
    terminal.wait_for("WHY");
    terminal.type_keys("q");
    terminal.wait_for("status 0");
    terminal.assert_given_back();
    terminal.wait_for_end();
    assert_terminal_restored(folder);
    assert_nothing_left(folder);
}

#[test]
fn the_editor_has_the_terminal_and_its_text_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let editor = format!("'{}' --wait", editor_in(folder.path()).display());
    let terminal = record_in_a_console(folder.path(), &editor);
    terminal.type_keys("\x0f");
    terminal.wait_for("editing with --wait");
    terminal.assert_given_back();
    terminal.type_keys("Rack 7\r");
    terminal.wait_until("the new text in the pane", |screen| {
        screen.contains("location = Rack 7") && screen.contains("changed")
    });
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("what the editor saw");
    assert_eq!(read("in-the-editor"), read("before"), "the terminal's modes in the editor");
    assert_eq!(read("rights"), "600\n700\n", "of the file and its folder");
    assert_nothing_left(folder.path());
    terminal.type_keys("\x13");
    terminal.wait_for("saved");
    quit(terminal, folder.path());
    let shown = noctule_here(folder.path(), &["device", "show", "core-1", "--json"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("Rack 7"), "{shown:?}");
}

#[test]
fn an_editor_that_fails_or_is_broken_off_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let editor = format!("'{}' --wait", editor_in(folder.path()).display());
    let terminal = record_in_a_console(folder.path(), &editor);
    for (count, typed, says) in [(1, "fail\r", "exit status: 3"), (2, "\x03", "signal: 2")] {
        terminal.type_keys("\x0f");
        terminal.wait_until("the editor", |screen| screen.matches("editing with").count() == count);
        terminal.type_keys(typed);
        terminal.wait_until("why, and the old text", |screen| {
            screen.contains(says) && screen.contains("location = Rack 1") && screen.contains("saved")
        });
        assert_nothing_left(folder.path());
    }
    quit(terminal, folder.path());
}

#[test]
fn an_editor_that_is_not_there_is_named() {
    for (editor, says) in [
        ("/nowhere/ed --wait", "Starting the editor /nowhere/ed: No such file"),
        ("'code", "VISUAL: a quote is not closed"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let terminal = record_in_a_console(folder.path(), editor);
        terminal.type_keys("\x0f");
        terminal.wait_until("why, and the text", |screen| {
            screen.contains(says) && screen.contains("location = Rack 1")
        });
        quit(terminal, folder.path());
    }
}

#[test]
fn a_signal_ends_the_editor_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let editor = format!("'{}' --wait", editor_in(folder.path()).display());
    let terminal = record_in_a_console(folder.path(), &editor);
    terminal.type_keys("\x0f");
    terminal.wait_for("editing with --wait");
    kill_process(child_of(terminal.pid()), Signal::TERM).expect("a signal");
    terminal.wait_for("status 143");
    terminal.assert_given_back();
    terminal.wait_for_end();
    assert_terminal_restored(folder.path());
    assert_nothing_left(folder.path());
}
