//! An account that several people share (`--as`): whoever comes by one key gets at neither its files nor a shell, so that
//! they cannot become another of its people.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::terminal::Terminal;
use crate::terminal_program::{NOCTULE, environment, program_in_a_shell};

const FOLDERS: &str = "--data \"$HOME/data\" --config \"$HOME/config\"";

fn noctule(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut command = Command::new(NOCTULE);
    command.args(["--data", "data", "--config", "config"]).args(args).current_dir(folder);
    command.env("HOME", folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    // one that does not read has said why
    let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
    child.wait_with_output().expect("its end")
}

/// An engine that trusts this account to say who it is, with an admin of the account and one by a key; ended with what is
/// returned.
fn engine(folder: &Path) -> Option<Engine> {
    let id = Command::new("id").arg("-un").output().ok().filter(|id| id.status.success());
    let Some(id) = id else {
        eprintln!("skipped: id cannot name this user");
        return None;
    };
    let account = String::from_utf8_lossy(&id.stdout).trim().to_owned();
    std::fs::create_dir(folder.join("config")).expect("a folder");
    let settings = format!("[pulse]\nwatch = false\n[serve]\ntrusted = [{account:?}]\n");
    std::fs::write(folder.join("config/config.toml"), settings).expect("settings");
    for line in [
        &["user", "add", "ann", "--account", account.as_str()][..],
        &["user", "add", "carol", "--key", "carol-laptop", "--role", "admin"],
        &["device", "add", "core-1", "192.0.2.1", "location=Rack 1"],
    ] {
        let run = noctule(folder, line, "");
        assert!(run.status.success(), "{run:?}");
    }
    let mut command = Command::new(NOCTULE);
    command.args(["--data", "data", "--config", "config", "serve"]).current_dir(folder);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
    let mut words = std::io::BufReader::new(child.stderr.take().expect("its words"));
    let mut said = String::new();
    std::io::BufRead::read_line(&mut words, &mut said).expect("a line");
    assert!(said.contains("listens on"), "{said}");
    // what it says later is nobody's
    std::thread::spawn(move || std::io::copy(&mut words, &mut std::io::sink()));
    Some(Engine(child))
}

struct Engine(std::process::Child);

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_command_reads_and_writes_no_file_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(_engine) = engine(folder.path()) else { return };
    let table = "name,address\nedge-1,192.0.2.2\n";
    std::fs::write(folder.path().join("devices.csv"), table).expect("a table");
    let by_key = |line: &[&str], input: &str| {
        noctule(folder.path(), &[&["--as", "carol-laptop"], line].concat(), input)
    };
    for line in [&["audit", "export", "--output", "stolen"][..], &["device", "import", "devices.csv"]] {
        let run = by_key(line, "");
        assert!(!run.status.success(), "{run:?}");
        assert!(String::from_utf8_lossy(&run.stderr).contains("this account is shared"), "{run:?}");
    }
    assert!(!folder.path().join("stolen").exists());
    // what comes in and goes out by itself is carol's own
    let run = by_key(&["device", "import", "-"], table);
    assert!(run.status.success() && String::from_utf8_lossy(&run.stdout).contains("1 added"), "{run:?}");
    // whoever the account is has its files
    let run = noctule(folder.path(), &["audit", "export", "--output", "own"], "");
    assert!(run.status.success() && folder.path().join("own").exists(), "{run:?}");
}

#[test]
fn a_console_opens_no_editor_and_writes_no_file_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(_engine) = engine(folder.path()) else { return };
    let mut command = program_in_a_shell(folder.path(), &format!("{NOCTULE} {FOLDERS} --as carol-laptop"));
    environment(&mut command, folder.path());
    // whatever an editor is, this is to be seen
    command.env("VISUAL", format!("touch {}", folder.path().join("ran").display()));
    let terminal = Terminal::start(command, 100, 30);
    terminal.wait_for("core-1");
    terminal.type_keys(":audit export --output stolen\r");
    terminal.wait_for("this account is shared");
    terminal.type_keys(":edit device core-1\r");
    terminal.wait_for("location = Rack 1");
    terminal.type_keys("\x0f");
    terminal.wait_for("opening an editor");
    for left in ["stolen", "ran"] {
        assert!(!folder.path().join(left).exists(), "{left}");
    }
}
