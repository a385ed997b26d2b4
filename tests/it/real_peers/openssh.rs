//! An OpenSSH server, with host keys and a configuration of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;

use super::super_server::SuperServer;

const SSHD: &str = "/usr/sbin/sshd";

/// A server that lets the user who runs the tests in with [`OpenSsh::key`].
pub struct OpenSsh {
    pub server: SuperServer,
    folder: TempDir,
}

impl OpenSsh {
    /// Whether it can be started: only root may give a terminal to whoever logs in.
    pub fn is_here() -> bool {
        super::is_here("OpenSSH", &[SSHD, "/usr/bin/ssh-keygen", "/usr/bin/ssh-agent"], true)
    }

    /// Starts it; `config` are lines of `sshd_config`, which win over its own.
    pub async fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (file, kind) in [("host_ed25519", "ed25519"), ("user_ed25519", "ed25519")] {
            make_key(&folder.path().join(file), kind, "").await;
        }
        std::fs::copy(folder.path().join("user_ed25519.pub"), folder.path().join("authorized_keys")).unwrap();
        let own = format!(
            "HostKey {0}/host_ed25519\nAuthorizedKeysFile {0}/authorized_keys\nPidFile none\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
             PrintMotd no\nPrintLastLog no\n",
            folder.path().display()
        );
        let file = folder.path().join("sshd_config");
        std::fs::write(&file, format!("{config}\n{own}")).unwrap();
        // it separates its privileges in there
        std::fs::create_dir_all("/run/sshd").unwrap();
        let log = folder.path().join("sshd.log");
        let server = SuperServer::start(move || {
            let log = std::fs::File::options().create(true).append(true).open(&log).unwrap();
            let mut command = Command::new(SSHD);
            command.args(["-i", "-e", "-f"]).arg(&file).stderr(Stdio::from(log));
            command
        });
        Self { server: server.await, folder }
    }

    /// The private key of the user.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("user_ed25519")
    }

    /// Lets the user in with this key too, to run this and nothing else.
    pub fn let_in(&self, key: &Path, command: &str) {
        let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        let file = std::fs::File::options().append(true).open(self.folder.path().join("authorized_keys"));
        writeln!(file.unwrap(), "restrict,pty,command={command:?} {}", public.trim()).unwrap();
    }

    /// Its host key, replaced by one of another kind or of the same.
    pub async fn change_host_key(&self, kind: &str) {
        let file = self.folder.path().join("host_ed25519");
        std::fs::remove_file(&file).unwrap();
        std::fs::remove_file(file.with_extension("pub")).unwrap();
        make_key(&file, kind, "").await;
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("sshd.log")).unwrap_or_default()
    }
}

/// Makes a key pair.
pub async fn make_key(file: &Path, kind: &str, passphrase: &str) {
    let made = Command::new("/usr/bin/ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-C", "noctule-test", "-f"])
        .arg(file)
        .status();
    assert!(made.await.unwrap().success());
}

/// The user who runs the tests.
pub async fn user() -> String {
    let output = Command::new("id").arg("-un").output().await.unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
