//! `noctule` as a person starts it at a terminal, and what it must leave behind: nothing.

use std::path::Path;

use portable_pty::CommandBuilder;
use rustix::process::Pid;

pub const NOCTULE: &str = env!("CARGO_BIN_EXE_noctule");

/// What every program of these tests has in its environment; its home and temporary files are in `folder`.
pub fn environment(command: &mut CommandBuilder, folder: &Path) {
    command.env("TMPDIR", folder);
    command.env("HOME", folder);
    command.env("TERM", "xterm-256color");
    command.env("LC_ALL", "C.UTF-8");
    for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "NO_COLOR", "COLORTERM", "VISUAL", "EDITOR"] {
        command.env_remove(name);
    }
}

/// `noctule` on a terminal.
pub fn noctule(folder: &Path, args: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(NOCTULE);
    command.args(args);
    environment(&mut command, folder);
    command
}

/// `noctule` in a shell that says what the terminal is like before and after, and the exit status: `status 0`.
pub fn in_a_shell(folder: &Path, args: &str) -> CommandBuilder {
    program_in_a_shell(folder, &format!("{NOCTULE} {args}"))
}

/// The same for any command line. Ctrl-C does not end the shell.
pub fn program_in_a_shell(folder: &Path, line: &str) -> CommandBuilder {
    let mut command = CommandBuilder::new("sh");
    let line = format!(
        "trap : INT; stty -g >'{0}/before'; {line}; status=$?; stty -g >'{0}/after'; echo \"status $status\"",
        folder.display()
    );
    command.args(["-c", &line]);
    environment(&mut command, folder);
    command
}

pub fn assert_terminal_restored(folder: &Path) {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("what stty said");
    assert_eq!(read("before"), read("after"), "the terminal's modes");
}

/// What `noctule` has left in its folder for temporary files.
pub fn left_in(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .expect("the folder")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter(|name| name.starts_with("noctule"))
        .collect()
}

pub fn assert_nothing_left(folder: &Path) {
    let left = left_in(folder);
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// The process that `shell` waits for.
pub fn child_of(shell: u32) -> Pid {
    let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).expect("children");
    let first = children.split_whitespace().next().expect("a child");
    Pid::from_raw(first.parse().expect("a number")).expect("a process")
}
