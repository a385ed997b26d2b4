//! A user of this machine with a password, for the time of a test.

use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

const PREFIX: &str = "noctule-test-";

/// The user; gone when this is.
pub struct Account {
    pub name: String,
    pub password: String,
}

impl Account {
    /// Makes it, which takes root.
    pub async fn make() -> Self {
        remove_stale();
        let number: u16 = rand::random();
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        let password = format!("pass-{:016x}", rand::random::<u64>());
        let added = Command::new("useradd").args(["-M", "-N", "-d", "/", "-s", "/bin/sh", &name]).status();
        assert!(added.await.unwrap().success());
        let account = Self { name, password };
        let mut chpasswd = Command::new("chpasswd").stdin(Stdio::piped()).spawn().unwrap();
        let line = format!("{}:{}\n", account.name, account.password);
        chpasswd.stdin.take().unwrap().write_all(line.as_bytes()).await.unwrap();
        assert!(chpasswd.wait().await.unwrap().success());
        account
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Takes away what test processes that were killed have left.
fn remove_stale() {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    for name in users.lines().filter_map(|line| line.split(':').next()) {
        let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            remove(name);
        }
    }
}

fn remove(name: &str) {
    // -f: a session of that user may be ending just now
    let _ =
        std::process::Command::new("userdel").args(["-f", name]).stderr(std::process::Stdio::null()).status();
}
