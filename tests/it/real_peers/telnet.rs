//! Telnet with software that negotiates for real: GNU telnetd, and the command line of FRRouting's own daemons.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use noctule::engine::Engine;
use noctule::engine::fields::{Change, Field};
use noctule::engine::history::View;
use noctule::model::{FailureKind, RunStatus};
use tempfile::TempDir;
use tokio::process::Command;

use super::frr::Frr;
use super::runs::{engine, one};
use super::super_server::SuperServer;
use crate::engine_fixture::ann;

const TELNETD: &str = "/usr/sbin/telnetd";

/// A switch that tells what the client negotiated, and has a byte in its configuration that Telnet must double.
const SWITCH: &str = r#"#!/bin/sh
stty -echo
printf 'User Access Verification\n\nUsername: '
read -r user; printf '%s\nPassword: ' "$user"; read -r password; echo
[ "$user/$password" = backup/not-a-secret ] || { echo '% Login invalid'; printf '\nUsername: '; read -r user; exit; }
stty echo
while printf 'edge-2#' && read -r line; do
  case $line in
  "show running-config")
    printf 'Building configuration...\n\nversion 15.2\nhostname edge-2\n'
    printf 'banner caf\377\n! terminal %s %s\n' "$TERM" "$(stty size)"
    i=0; while [ $i -lt 400 ]; do i=$((i+1)); printf 'interface Vlan%s\n description a vlan\n' $i; done
    printf 'end\n' ;;
  exit) exit ;;
  esac
done
"#;

struct Telnetd {
    server: SuperServer,
    _folder: TempDir,
}

impl Telnetd {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shell = folder.path().join("switch");
        std::fs::write(&shell, SWITCH).unwrap();
        std::fs::set_permissions(&shell, std::fs::Permissions::from_mode(0o755)).unwrap();
        let server = SuperServer::start(move || {
            let mut command = Command::new(TELNETD);
            command.arg("-h").arg("-E").arg(&shell);
            command
        });
        Self { server: server.await, _folder: folder }
    }
}

async fn engine_with(folder: &Path, server: &SuperServer, driver: &str, password: &str) -> Arc<Engine> {
    let engine = engine(folder, "").await;
    let changes = [
        Change::new(Field::Transport, "telnet"),
        Change::new(Field::Port, server.address.port().to_string()),
        Change::new(Field::Driver, driver),
        Change::new(Field::Username, "backup"),
        Change::new(Field::Password, password),
        Change::new(Field::EnablePassword, "not-a-secret-2"),
    ];
    let address = server.address.ip().to_string();
    engine.add_device(&ann(), "edge-2", &address, &changes).await.unwrap();
    engine
}

async fn exact(engine: &Arc<Engine>) -> String {
    let device = engine.device("edge-2").unwrap();
    let newest = engine.revision(&device, "newest").await.unwrap();
    String::from_utf8(engine.text(&newest, View::Exact).await.unwrap()).unwrap()
}

#[tokio::test]
async fn gnu_telnetd_negotiates_and_is_backed_up() {
    if !super::is_here("GNU telnetd", &[TELNETD], true) {
        return;
    }
    let (telnetd, folder) = (Telnetd::start().await, tempfile::tempdir().unwrap());
    let engine = engine_with(folder.path(), &telnetd.server, "cisco_ios", "not-a-secret").await;
    let report = one(&engine).await;
    assert_eq!(report.status, RunStatus::Changed, "{report:?}");
    let text = exact(&engine).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..4], ["version 15.2", "hostname edge-2", "banner cafÿ", "! terminal vt100 100 511"]);
    assert_eq!((lines.len(), lines[804]), (805, "end"));
    assert_eq!(one(&engine).await.status, RunStatus::Unchanged);
}

#[tokio::test]
async fn a_wrong_password_at_gnu_telnetd_is_an_authentication_failure() {
    if !super::is_here("GNU telnetd", &[TELNETD], true) {
        return;
    }
    let (telnetd, folder) = (Telnetd::start().await, tempfile::tempdir().unwrap());
    let engine = engine_with(folder.path(), &telnetd.server, "cisco_ios", "wrong-one").await;
    let failure = one(&engine).await.error.unwrap();
    assert_eq!(failure.kind, FailureKind::Authentication, "{failure}");
    assert!(failure.message.contains("Login invalid") && !failure.message.contains("wrong-one"), "{failure}");
}

#[tokio::test]
async fn frrs_own_telnet_is_logged_in_to_enabled_and_paged() {
    if !(Frr::is_here() & super::is_here("FRRouting's Telnet", &["/usr/bin/socat"], true)) {
        return;
    }
    let frr = Frr::start(None).await;
    let lists: Vec<String> = (1..300)
        .map(|n| format!("ip prefix-list LAB seq {n} permit 198.{}.{}.0/24", n / 256, n % 256))
        .collect();
    frr.configure(&["password not-a-secret", "enable password not-a-secret-2"]).await;
    frr.configure(&lists.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let server = frr.telnet().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(folder.path(), &server, "frr", "not-a-secret").await;
    let report = one(&engine).await;
    assert_eq!(report.status, RunStatus::Changed, "{report:?}");
    let text = exact(&engine).await;
    assert_eq!(text.lines().filter(|line| line.starts_with("ip prefix-list LAB")).count(), 299, "{text}");
    assert!(text.ends_with("end\n"), "{text}");

    let device = engine.device("edge-2").unwrap();
    let wrong = [Change::new(Field::Password, "wrong-one")];
    engine.edit_device(&ann(), device.name.as_str(), &wrong).await.unwrap();
    let failure = one(&engine).await.error.unwrap();
    assert_eq!(failure.kind, FailureKind::Authentication, "{failure}");
}
