//! The README's first command as it stands there, in a terminal: type, read the screen, quit. Needs a release build,
//! and so runs only where `.ci/run` asks for it.

use std::path::Path;
use std::process::Command;

use portable_pty::CommandBuilder;

use crate::terminal::Terminal;

#[test]
fn the_first_command_opens_the_demo() {
    if std::env::var_os("NOCTULE_README").is_none() {
        println!("skipped: NOCTULE_README is not set");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let told = Command::new(root.join(".ci/readme-command")).arg("1").output().expect(".ci/readme-command");
    let line = String::from_utf8(told.stdout).expect("a command in UTF-8");
    assert!(line.contains("demo"), "README's first command opens the demo: {line:?}");
    let mut command = CommandBuilder::new("bash");
    command.args(["-c", line.trim()]);
    command.cwd(root);
    // what cargo tells a test would make it build some crates anew
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_") && name != "CARGO_HOME" {
            command.env_remove(name);
        }
    }
    command.env("TERM", "xterm-256color");
    command.env("LC_ALL", "C.UTF-8");
    let terminal = Terminal::start(command, 120, 40);
    terminal.wait_until("a device that is backed up", |screen| {
        screen.lines().any(|line| line.contains("core-") && line.contains("good"))
    });
    terminal.type_keys("/core-sw\r");
    terminal.wait_until("the filtered list", |screen| {
        screen.contains("core-sw-1") && !screen.contains("core-rtr-1")
    });
    terminal.type_keys(":quit\r");
    assert!(terminal.wait_for_end().success());
}
