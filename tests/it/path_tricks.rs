//! Files that are not what their names say, and names that are made to harm: the real program reads and writes them.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use noctule::engine::Selection;

use crate::engine_fixture::{Hand, Network, Script, add, back_up, engine};
use crate::terminal_program::NOCTULE;

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(NOCTULE)
        .args(["--data", "data", "--config", "config", "--embedded"])
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// A command that fails, in words without a control character.
fn refused(folder: &Path, args: &[&str]) -> String {
    let run = run(folder, args);
    let said = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code().map(|code| code > 0), Some(true), "{args:?}: {said}");
    assert!(!said.chars().any(|c| c != '\n' && noctule::model::is_hostile(c)), "{args:?}: {said:?}");
    said
}

#[test]
fn an_import_reads_no_pipe_no_device_and_no_huge_file_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe.csv"), rustix::fs::Mode::RWXU).unwrap();
    std::fs::File::create(at("sparse.csv")).unwrap().set_len(1 << 40).unwrap();
    std::fs::create_dir(at("folder.csv")).unwrap();
    symlink("loop.csv", at("loop.csv")).unwrap();
    std::fs::write(at("\u{1b}[31m\u{202e}.csv"), "name,address\nx,y z\n").unwrap();
    symlink("/dev/zero", at("zero.csv")).unwrap();
    symlink("/dev/null", at("null.csv")).unwrap();
    let long = format!("{}.csv", "x".repeat(300));
    for (name, says) in [
        ("pipe.csv", ""),
        ("sparse.csv", "larger than"),
        ("folder.csv", "it is a folder"),
        ("loop.csv", "cannot read"),
        ("zero.csv", "larger than"),
        ("null.csv", ""),
        ("/etc/../etc/shadow-of-nobody.csv", "cannot read"),
        ("\u{1b}[31m\u{202e}.csv", ""),
        (&long, "cannot read"),
    ] {
        let said = refused(folder.path(), &["device", "import", name]);
        assert!(said.contains(says), "{name:?}: {said}");
    }
    let listed = run(folder.path(), &["device", "list"]);
    assert!(listed.stdout.is_empty(), "{listed:?}");
}

#[tokio::test]
async fn an_export_writes_into_its_folder_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (network, hand) = (Network::new(), Hand::new());
    let engine = engine(folder.path(), "", network.clone(), &hand).await;
    add(&engine, &["a-1", "b-1", "c-1", "d-1"]).await;
    for name in ["a-1", "b-1", "c-1", "d-1"] {
        network.play(name, [Script::Read(format!("hostname {name}\n"))]);
    }
    back_up(&engine, &Selection::all()).await;
    let names = ["..", "../x", "/etc/x", "a/b", "a\u{0}b", "\u{1b}[31m", ""];
    for name in names {
        let refused = engine.add_device(&crate::engine_fixture::ann(), name, "127.0.0.1", &[]).await;
        assert!(!refused.unwrap_err().message.chars().any(noctule::model::is_hostile), "{name:?}");
    }
    engine.stop().await;
    drop(engine);

    let (out, precious) = (folder.path().join("out"), folder.path().join("precious"));
    std::fs::create_dir(&out).unwrap();
    std::fs::write(&precious, "precious").unwrap();
    let found = run(folder.path(), &["backup", "export", "out", "--all"]);
    assert!(found.status.success(), "{found:?}");
    let mut written: Vec<_> = std::fs::read_dir(&out).unwrap().map(|file| file.unwrap().path()).collect();
    written.sort();
    assert_eq!(written.len(), 4, "{written:?}");
    // somebody plants a link, a pipe and a folder where the files will be
    for file in &written[..3] {
        std::fs::remove_file(file).unwrap();
    }
    symlink(&precious, &written[0]).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &written[1], rustix::fs::Mode::RWXU).unwrap();
    std::fs::create_dir(&written[2]).unwrap();
    let said = refused(folder.path(), &["backup", "export", "out", "--all"]);
    assert_eq!(said.matches("no plain file").count(), 3, "{said}");
    assert_eq!(std::fs::read(&precious).unwrap(), b"precious");
    assert!(std::fs::read_to_string(&written[3]).unwrap().contains("hostname d-1"));
    for place in ["/dev/null", "precious", "\u{1b}[31m/\u{0}"] {
        if !place.contains('\0') {
            refused(folder.path(), &["backup", "export", place, "--all"]);
        }
    }
}

#[test]
fn recordings_are_asked_for_by_number_and_saved_under_plain_names() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &["device", "add", "a-1", "127.0.0.1"]).status.success());
    for name in ["../../x", "/tmp/x", "..", "a/b", "\u{1b}[31m", "", &"x".repeat(300)] {
        refused(folder.path(), &["recording", "save", "a-1", "1", "--as", name]);
    }
    for which in ["../../etc/passwd", "/etc/passwd", "..", "\u{1b}]0;x\u{7}", "99999999999999999999"] {
        refused(folder.path(), &["recording", "show", "a-1", which]);
    }
}
