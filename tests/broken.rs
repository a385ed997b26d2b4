//! A console that breaks down, on a real terminal: the program with a pane and a command that panic. A crate of its
//! own, so that no other test meets them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "it breaks down on purpose")]

#[path = "it/terminal.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod terminal;
#[path = "it/terminal_program.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod terminal_program;

use std::ffi::OsString;
use std::path::Path;

use noctule::client::panics;
use noctule::client::signals::Signals;
use noctule::client::terminal::attach;
use noctule::commands::{Command, Needs};
use noctule::console::action::Outcome;
use noctule::console::cx::Cx;
use noctule::console::pane::{Decl, Pane};
use noctule::console::term::sequence::{ENTER, MOUSE_ON};
use noctule::model::{Danger, Role};
use noctule::server::{FromClient, ToClient, link};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use terminal::Terminal;
use terminal_program::{assert_nothing_left, assert_terminal_restored, program_in_a_shell};

/// Which program the copy of this test shall be.
const WHICH: &str = "NOCTULE_TEST_PROGRAM";

inventory::submit! { Decl {
    name: "broken",
    aliases: &[],
    title: "Broken",
    about: "Break down",
    args: "",
    tab: None,
    reads: &[],
    keys: &[],
    make: |_, _| Ok(Box::new(Broken)),
} }

struct Broken;

impl Pane for Broken {
    fn act(&mut self, _words: &[&str], _cx: &Cx) -> Outcome {
        Outcome::Unknown
    }

    fn draw(&mut self, _area: Rect, _buf: &mut Buffer, _cx: &Cx) {
        panic!("the pane\x1b[2J broke");
    }
}

inventory::submit! { Command {
    name: "broken command",
    aliases: &[],
    about: "Break down",
    args: &[],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |_| Box::pin(async { panic!("the command broke") }),
} }

/// This test binary on a terminal, as the program that `which` says.
fn start(folder: &Path, which: &str) -> Terminal {
    let binary = std::env::current_exe().expect("this binary");
    let line = format!("'{}' --exact program --nocapture --test-threads=1", binary.display());
    let mut command = program_in_a_shell(folder, &line);
    command.env(WHICH, which);
    Terminal::start(command, 160, 40)
}

/// A console of the engine that `home` has; what its shell notes lies in the folder `name` there.
fn attached(home: &Path, name: &str) -> Terminal {
    let own = home.join(name);
    std::fs::create_dir(&own).expect("a folder");
    let binary = std::env::current_exe().expect("this binary");
    let line = format!("'{}' --exact program --nocapture --test-threads=1", binary.display());
    let mut command = program_in_a_shell(&own, &line);
    command.env(WHICH, "attached");
    command.env("HOME", home);
    command.env_remove("NOCTULE_SOCKET");
    Terminal::start(command, 160, 40)
}

fn assert_all_given_back(terminal: Terminal, folder: &Path) {
    terminal.assert_given_back();
    terminal.wait_for_end();
    assert_terminal_restored(folder);
    assert_nothing_left(folder);
}

#[test]
fn a_panic_in_a_session_gives_the_terminal_back_and_is_said_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = start(folder.path(), "console");
    terminal.wait_for("No devices yet");
    terminal.type_keys(":broken\r");
    let screen = terminal.wait_for("status 1");
    assert_eq!(screen.matches("a part of noctule broke down").count(), 1, "{screen}");
    assert!(screen.contains("tests/broken.rs") && screen.contains("the pane"), "{screen}");
    assert!(screen.contains("what is stored is safe"), "{screen}");
    assert_all_given_back(terminal, folder.path());
}

/// The engine of several people, in a process of its own; ended with the test.
struct Engine(std::process::Child, std::sync::mpsc::Receiver<String>);

impl Engine {
    fn start(folder: &Path) -> Self {
        let mut command = std::process::Command::new(std::env::current_exe().expect("this binary"));
        command.args(["--exact", "program", "--nocapture", "--test-threads=1"]);
        command.env(WHICH, "engine").env("HOME", folder).env("TMPDIR", folder).env_remove("NOCTULE_SOCKET");
        let mut child = command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("it starts");
        let words = std::io::BufReader::new(child.stderr.take().expect("its words"));
        let (say, said) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            std::io::BufRead::lines(words).map_while(Result::ok).for_each(|line| drop(say.send(line)));
        });
        let engine = Self(child, said);
        engine.wait_for("listens on");
        engine
    }

    /// Waits until it says so.
    fn wait_for(&self, text: &str) -> String {
        loop {
            let line = self.1.recv_timeout(std::time::Duration::from_secs(120)).expect("a line in time");
            if line.contains(text) {
                return line;
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_panic_in_one_of_several_sessions_ends_that_one_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut engine = Engine::start(folder.path());
    let [first, second] = ["first", "second"].map(|name| attached(folder.path(), name));
    first.wait_for("No devices yet");
    second.wait_for("No devices yet");
    first.type_keys(":broken\r");
    let screen = first.wait_for("status 1");
    assert!(screen.contains("the session broke down; what is stored is safe"), "{screen}");
    first.assert_given_back();
    first.wait_for_end();
    assert_terminal_restored(&folder.path().join("first"));
    let said = engine.wait_for("broke down: session");
    assert!(said.contains("this is a fault of noctule"), "{said}");
    // the other works on, with the same engine, and so does who comes now
    second.type_keys("?");
    second.close_help();
    second.type_keys(":device add new-1 192.0.2.1\r");
    second.wait_for("new-1");
    let third = attached(folder.path(), "third");
    third.wait_for("new-1");
    second.type_keys(":broken command\r");
    second.wait_for("the command broke down");
    third.type_keys(":device add new-2 192.0.2.2\r");
    for terminal in [&second, &third] {
        terminal.wait_for("new-2");
    }
    for terminal in [second, third] {
        terminal.type_keys(":quit\r");
        terminal.wait_for("status 0");
        terminal.wait_for_end();
    }
    assert!(engine.0.try_wait().expect("its state").is_none(), "the engine lives");
}

#[test]
fn a_panic_in_a_command_leaves_the_console_open_and_is_said_at_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = start(folder.path(), "console");
    terminal.wait_for("No devices yet");
    terminal.type_keys(":broken command\r");
    let screen = terminal.wait_for("the command broke down");
    assert!(!screen.contains("a part of noctule"), "nothing is written over the screen:\n{screen}");
    terminal.type_keys("?");
    terminal.wait_for("Search all configurations");
    terminal.close_help();
    terminal.type_keys(":quit\r");
    let screen = terminal.wait_for("status 0");
    assert_eq!(screen.matches("a part of noctule broke down").count(), 1, "{screen}");
    assert_all_given_back(terminal, folder.path());
}

#[test]
fn a_panic_in_the_client_gives_the_terminal_back_and_is_said_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = start(folder.path(), "client");
    terminal.wait_for("a session");
    terminal.type_keys("x");
    let screen = terminal.wait_for("status 1");
    assert_eq!(screen.matches("a part of noctule broke down").count(), 1, "{screen}");
    assert!(screen.contains("the client broke") && !screen.contains("a session"), "{screen}");
    assert_all_given_back(terminal, folder.path());
}

/// Not a test by itself: what the tests above run on a terminal.
#[test]
fn program() {
    let Ok(which) = std::env::var(WHICH) else { return };
    std::process::exit(match which.as_str() {
        "client" => i32::from(panics::kept_in(break_the_client).is_none()),
        "engine" => run(&["serve"]),
        "attached" => run(&[]),
        // in one process: what breaks down here must not be another one
        _ => run(&["--embedded"]),
    });
}

/// The program, with these words behind its folders.
fn run(words: &[&str]) -> i32 {
    let home = std::env::var("HOME").expect("a home");
    let (data, config) = (format!("{home}/data"), format!("{home}/config"));
    let folders = ["--data", &data, "--config", &config];
    noctule::client::run(folders.into_iter().chain(words.iter().copied()).map(OsString::from)).code().into()
}

/// A client on the terminal, in whose thread something panics when a key is pressed.
fn break_the_client() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut signals = Signals::take().expect("signals");
        let (client, mut server) = link();
        let screen = format!("{ENTER}{MOUSE_ON}a session");
        server.tell.send(ToClient::Screen(screen.into_bytes())).await.expect("a client");
        let panics = async {
            match server.heard.recv().await {
                Some(FromClient::Input(_)) => panic!("the client broke"),
                other => other,
            }
        };
        tokio::select! {
            ended = attach(client, &mut signals) => eprintln!("it ended by itself: {ended:?}"),
            heard = panics => eprintln!("no key was pressed: {heard:?}"),
        }
    });
}
