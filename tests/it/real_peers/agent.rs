//! An ssh-agent.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// An agent; it ends with this.
pub struct Agent {
    folder: TempDir,
    _process: Child,
}

impl Agent {
    /// Starts one that holds no key.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new("/usr/bin/ssh-agent")
            .args(["-D", "-a"])
            .arg(folder.path().join("socket"))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // it says where it listens once it does
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(said.next_line().await.unwrap().unwrap().contains("SSH_AUTH_SOCK"));
        Self { folder, _process: process }
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Gives it a key; `passphrase` opens the file.
    pub async fn add(&self, key: &Path, passphrase: &str) {
        let answer = self.folder.path().join("askpass");
        std::fs::write(&answer, format!("#!/bin/sh\necho '{passphrase}'\n")).unwrap();
        std::fs::set_permissions(&answer, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let added = Command::new("/usr/bin/ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", self.socket())
            .env("SSH_ASKPASS", &answer)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .stdin(Stdio::null())
            .status();
        assert!(added.await.unwrap().success());
    }
}
