//! FRRouting: zebra and staticd in namespaces of their own, and vtysh in front of them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::super_server::SuperServer;

const VTYSH: &str = "/usr/bin/vtysh";

/// A router. Its daemons live in a process namespace whose first process ends when this goes, and when the test
/// process dies, for then its standard input ends; they see none of the machine's interfaces and routes.
pub struct Frr {
    folder: TempDir,
    namespace: Child,
}

const START: &str = r#"
set -eu
hostname edge-1
ip link set lo up
mkdir -p /var/tmp/frr
mount -t tmpfs tmpfs /var/tmp/frr
port=2601
for daemon in zebra staticd; do
  /usr/lib/frr/$daemon -d -A 127.0.0.1 -P $port --vty_socket "$1" -z "$1/zserv.api" -i "$1/$daemon.pid" -f "$1/$daemon.conf" >>"$1/log" 2>&1
  port=0
done
echo ready
exec cat
"#;

/// The shell of whoever logs in: vtysh, with the router's name where the machine's would stand.
const SHELL: &str = r#"#!/bin/sh
export VTYSH_HISTFILE=/dev/null @pager@
exec unshare --uts sh -c 'hostname edge-1 && exec /usr/bin/vtysh --vty_socket "$0" --config_dir "$0"' "@folder@"
"#;

impl Frr {
    /// Whether it can be started.
    pub fn is_here() -> bool {
        super::is_here("FRRouting", &[VTYSH, "/usr/lib/frr/zebra", "/usr/lib/frr/staticd"], true)
    }

    /// Starts it. Outputs longer than a screen go through `pager`, where there is one.
    pub async fn start(pager: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        for file in ["zebra.conf", "staticd.conf", "vtysh.conf"] {
            std::fs::write(path.join(file), "").unwrap();
        }
        let pager = pager.map(|pager| format!("VTYSH_PAGER={pager}")).unwrap_or_default();
        let shell = SHELL.replace("@pager@", &pager).replace("@folder@", path.to_str().unwrap());
        std::fs::write(path.join("shell"), shell).unwrap();
        std::fs::set_permissions(path.join("shell"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let owned = Command::new("chown").args(["-R", "frr:frr"]).arg(path).status();
        assert!(owned.await.unwrap().success());

        let mut namespace = Command::new("unshare")
            .args(["--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", START, "sh"])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(namespace.stdout.take().unwrap()).lines();
        let first = lines.next_line().await.unwrap();
        let log = std::fs::read_to_string(path.join("log")).unwrap_or_default();
        assert_eq!(first.as_deref(), Some("ready"), "{log}");
        Self { folder, namespace }
    }

    /// What an SSH server must run for whoever logs in.
    pub fn shell(&self) -> std::path::PathBuf {
        self.folder.path().join("shell")
    }

    /// zebra's own command line over Telnet, brought out of its namespace.
    pub async fn telnet(&self) -> SuperServer {
        let process = self.namespace.id().unwrap().to_string();
        SuperServer::start(move || {
            let mut command = Command::new("nsenter");
            command.args(["--net", "--target", &process, "socat", "STDIO", "TCP:127.0.0.1:2601"]);
            command
        })
        .await
    }

    /// Types lines at the top of the configuration mode.
    pub async fn configure(&self, lines: &[&str]) {
        let file = self.folder.path().join("typed.conf");
        std::fs::write(&file, format!("{}\n", lines.join("\n"))).unwrap();
        let output = self.vtysh().arg("-f").arg(&file).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn vtysh(&self) -> Command {
        let folder: &Path = self.folder.path();
        let mut command = Command::new("unshare");
        command
            .args(["--uts", "sh", "-c", "hostname edge-1 && exec \"$@\"", "sh", VTYSH])
            .arg("--vty_socket")
            .arg(folder)
            .arg("--config_dir")
            .arg(folder);
        command
    }
}
