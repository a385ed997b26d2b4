//! The console in tmux, the terminal that many of its people have around it.

use portable_pty::CommandBuilder;

use crate::terminal::Terminal;
use crate::terminal_program::{NOCTULE, assert_nothing_left, environment};

#[test]
fn the_console_lives_in_tmux_is_left_alone_and_come_back_to() {
    if !super::is_here("tmux", &["/usr/bin/tmux"], false) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("tmux.sock");
    let tmux = |args: &[&str]| {
        let mut command = CommandBuilder::new("/usr/bin/tmux");
        command.arg("-S");
        command.arg(&socket);
        command.args(["-f", "/dev/null"]);
        command.args(args);
        environment(&mut command, folder.path());
        command.env_remove("TMUX");
        command
    };
    let line = format!("{NOCTULE} demo; echo status $?; read -r end");
    let terminal = Terminal::start(tmux(&["new-session", &line]), 120, 40);
    terminal.wait_for("core-rtr-1");
    terminal.type_keys("/core-sw-1\r");
    terminal.wait_until("the filtered list", |screen| {
        screen.contains("core-sw-1") && !screen.contains("core-rtr-1")
    });
    terminal.resize(80, 24);
    terminal.wait_until("the list in a smaller window", |screen| screen.contains("core-sw-1"));
    // Ctrl-B d: tmux goes, the console stays
    terminal.type_keys("\x02d");
    assert!(terminal.wait_for_end().success());
    let terminal = Terminal::start(tmux(&["attach"]), 100, 30);
    terminal.wait_for("core-sw-1");
    terminal.type_keys(":quit\r");
    let screen = terminal.wait_for("status 0");
    assert!(!screen.contains("core-sw-1"), "the console's screen is left:\n{screen}");
    terminal.type_keys("\r");
    assert!(terminal.wait_for_end().success());
    assert_nothing_left(folder.path());
}
