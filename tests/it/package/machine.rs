//! A server under a real systemd: installed, used by two people over OpenSSH, killed, upgraded, restored, purged.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The longest that it may take, on a machine with other work.
const PATIENCE: Duration = Duration::from_secs(300);
/// What says that the host forbids what the machine needs.
const SKIPPED: i32 = 77;

/// Ended with the test, and all that runs in it.
struct Machine(Child);

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Machine {
    fn wait_for_end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.0.try_wait().expect("its status") {
                return status.code();
            }
            if Instant::now() > deadline {
                return None;
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

/// Takes away the control groups of a machine that has ended.
fn remove_groups(folder: &Path) {
    let line = "mount -t cgroup2 cgroup2 \"$1/groups\" && cd \"$1/groups\" \
                && find \"noctule$(basename \"$1\")\" -depth -type d -exec rmdir {} \\;";
    // what is left of it harms nobody
    let _ = Command::new("unshare").args(["--mount", "sh", "-c", line, "sh"]).arg(folder).output();
}

#[test]
fn a_server_from_its_package_to_its_end() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: only root can boot a machine in namespaces");
    }
    if !Path::new("/lib/systemd/systemd").exists() {
        return eprintln!("skipped: the package systemd is missing");
    }
    let folder = tempfile::tempdir().expect("a folder");
    if super::build(folder.path()).is_none() {
        return;
    }
    for name in ["root", "groups"] {
        fs::create_dir(folder.path().join(name)).expect("a folder");
    }
    fs::write(folder.path().join("steps.sh"), include_str!("steps.sh")).expect("the steps");
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child=KILL", "--mount", "--net", "--uts", "--ipc"]);
    command.args(["sh", "-c", include_str!("boot.sh"), "sh"]).arg(folder.path());
    let booted = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut machine = match booted {
        Ok(child) => Machine(child),
        Err(error) => return eprintln!("skipped: unshare: {error}"),
    };
    let (mut out, mut err) = (machine.0.stdout.take(), machine.0.stderr.take());
    let console = std::thread::spawn(move || {
        let mut text = String::new();
        if let Some(out) = &mut out {
            let _ = out.read_to_string(&mut text);
        }
        text
    });
    let faults = std::thread::spawn(move || {
        let mut text = String::new();
        if let Some(err) = &mut err {
            let _ = err.read_to_string(&mut text);
        }
        text
    });
    let ended = machine.wait_for_end();
    drop(machine);
    remove_groups(folder.path());
    let console = console.join().expect("its words") + &faults.join().expect("its words");
    let said = fs::read_to_string(folder.path().join("said")).unwrap_or_default();
    if ended == Some(SKIPPED) {
        return eprintln!("{console}");
    }
    assert!(said.trim_end().ends_with("THE END"), "{console}\nended with {ended:?}; the steps:\n{said}");
    said.lines().filter(|line| line.starts_with("skipped")).for_each(|line| eprintln!("{line}"));
}
