//! What systemd is given, and what it gives: the units are right, a socket that it opened is used, it is told how it goes.

use std::os::fd::AsFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::terminal_program::NOCTULE;

/// The most exposure that `systemd-analyze security` may find, in tenths: what it finds is what raw ICMP sockets and the
/// network need.
const EXPOSURE: &str = "20";

/// The units in a folder, with the program where this test has it.
fn units() -> tempfile::TempDir {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["noctule.service", "noctule.socket"] {
        let unit = std::fs::read_to_string(assets.join(name)).expect("a unit");
        let unit = unit.replace("/usr/bin/noctule", NOCTULE).replace("Documentation=man:noctule(1)\n", "");
        std::fs::write(folder.path().join(name), unit).expect("a unit");
    }
    folder
}

#[test]
fn the_unit_lets_its_service_do_little() {
    let folder = units();
    let run = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE])
        .arg(folder.path().join("noctule.service"))
        .output();
    match run {
        Err(error) => eprintln!("skipped: systemd-analyze: {error}"),
        // before systemd 250
        Ok(run) if String::from_utf8_lossy(&run.stderr).contains("unrecognized option") => {
            eprintln!("skipped: this systemd-analyze looks at no unit that is not installed");
        }
        Ok(run) => assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout)),
    }
}

#[test]
fn the_units_are_right() {
    let folder = units();
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no"]);
    verify.args(["noctule.service", "noctule.socket"].map(|name| folder.path().join(name)));
    match verify.output() {
        Ok(run) => {
            let said = String::from_utf8_lossy(&run.stderr);
            let ours: Vec<&str> = said.lines().filter(|line| line.contains("noctule")).collect();
            assert!(run.status.success() && ours.is_empty(), "{said}");
        }
        Err(error) => eprintln!("skipped: systemd-analyze: {error}"),
    }
}

#[test]
fn a_socket_that_was_handed_over_is_used_and_readiness_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("given.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let manager = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
    // as systemd does it: descriptor 3, and the number of the process that it is for
    let line = format!("exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec '{NOCTULE}' \"$@\"");
    let mut command = Command::new("sh");
    command
        .args(["-c", &line, "sh", "--data", "data", "--config", "config", "serve"])
        .current_dir(folder.path());
    command.env("NOTIFY_SOCKET", folder.path().join("notify")).env("WATCHDOG_USEC", "200000");
    command.stdin(listener.as_fd().try_clone_to_owned().expect("a copy")).stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    let said = || {
        let mut said = [0; 100];
        manager.set_read_timeout(Some(std::time::Duration::from_secs(120))).expect("a limit");
        let count = manager.recv(&mut said).expect("word from the engine");
        String::from_utf8_lossy(&said[..count]).into_owned()
    };
    assert_eq!([said(), said(), said()], ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
    let listed = Command::new(NOCTULE)
        .args(["--data", "data", "--config", "config", "--socket", "given.sock", "doctor"])
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    assert!(String::from_utf8_lossy(&listed.stdout).contains("store"), "{listed:?}");
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
    while said() != "STOPPING=1" {}
    assert!(child.wait().expect("its end").success());
    assert!(socket.exists(), "it is systemd's");
}
