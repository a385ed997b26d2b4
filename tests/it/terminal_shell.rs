//! Commands at a terminal without a full screen: what is refused, and what Ctrl-C does.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};

use portable_pty::CommandBuilder;

use crate::terminal::Terminal;
use crate::terminal_program::{
    NOCTULE, assert_terminal_restored, environment, in_a_shell, program_in_a_shell,
};

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
        assert!(said.contains("needs a terminal") && said.contains("ssh -t"), "{said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0, "nothing was made");
}

#[test]
fn output_into_a_file_is_no_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start(in_a_shell(folder.path(), "demo >\"$HOME/file\""), 200, 24);
    let screen = terminal.wait_for("status 2");
    assert!(screen.contains("needs a terminal on standard input and output"), "{screen}");
    terminal.wait_for_end();
    assert_eq!(std::fs::read(folder.path().join("file")).expect("the file"), b"");
}

#[test]
fn a_terminal_that_can_show_no_screen_is_refused_with_advice() {
    for (term, says) in
        [(Some("dumb"), "TERM is \"dumb\""), (Some(""), "TERM is not set"), (None, "TERM is not set")]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = CommandBuilder::new(NOCTULE);
        command.args(["demo"]);
        environment(&mut command, folder.path());
        match term {
            Some(term) => command.env("TERM", term),
            None => command.env_remove("TERM"),
        }
        let terminal = Terminal::start(command, 200, 24);
        let screen = terminal.wait_for("without one");
        assert!(screen.contains(says) && screen.contains("TERM=xterm-256color noctule demo"), "{screen}");
        assert!(!terminal.bytes().contains(&0x1b), "no sequence is sent to it");
        assert_eq!(terminal.wait_for_end().exit_code(), 2);
    }
}

#[test]
fn ctrl_c_at_a_secret_question_brings_the_echo_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = "--data \"$HOME/data\" --config \"$HOME/config\" device add core-1 192.0.2.1 --password";
    let terminal = Terminal::start(in_a_shell(folder.path(), line), 100, 24);
    terminal.wait_for("password: ");
    terminal.type_keys("not-a-real-one\x03");
    let screen = terminal.wait_for("status 130");
    assert!(!screen.contains("not-a-real-one"), "{screen}");
    terminal.wait_for_end();
    assert_terminal_restored(folder.path());
    let listed = noctule_in(folder.path(), &["device", "list", "--json"]);
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "", "nothing was added");
}

#[test]
fn ctrl_c_in_a_backup_run_keeps_what_was_done_and_exits_with_130() {
    let folder = tempfile::tempdir().expect("a folder");
    let lab = Lab::start(folder.path());
    // a device that takes the connection and never says a word
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = format!("port={}", silent.local_addr().expect("an address").port());
    for args in [
        &["device", "import", "lab.csv"][..],
        &["device", "add", "silent", "127.0.0.1", &port, "transport=telnet", "driver=cisco_ios"],
    ] {
        let done = noctule_in(folder.path(), args);
        assert!(done.status.success(), "{done:?}");
    }
    let line = format!("{NOCTULE} --data \"$HOME/data\" --config \"$HOME/config\" backup run --all");
    let terminal = Terminal::start(program_in_a_shell(folder.path(), &line), 160, 24);
    terminal.wait_until("a device that is done", |screen| {
        screen.lines().any(|line| line.contains("changed") && line.contains("revision 1"))
    });
    terminal.type_keys("\x03");
    let screen = terminal.wait_for("status 130");
    assert!(screen.contains("2 devices: 1 changed, 0 unchanged, 1 failed"), "{screen}");
    terminal.wait_for_end();
    drop(lab);
    let listed = noctule_in(folder.path(), &["backup", "list", "--json"]);
    let listed = String::from_utf8_lossy(&listed.stdout);
    assert!(listed.lines().count() == 1 && listed.contains("\"revision\":1"), "{listed}");
}

fn noctule_in(folder: &std::path::Path, args: &[&str]) -> Output {
    let mut command = Command::new(NOCTULE);
    command.args(["--data", "data", "--config", "config"]).args(args).current_dir(folder);
    command.stdin(Stdio::null()).output().expect("it runs")
}

/// One simulated device, in `lab.csv`.
struct Lab(Child);

impl Lab {
    fn start(folder: &std::path::Path) -> Self {
        let mut command = Command::new(NOCTULE);
        command.args(["lab", "--devices", "1", "--inventory", "lab.csv"]).current_dir(folder);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let mut said = String::new();
        let told = child.stderr.take().expect("its words");
        BufReader::new(told).read_line(&mut said).expect("a line");
        assert!(said.contains("listen"), "{said}");
        Self(child)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
