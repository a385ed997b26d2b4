//! What the engine makes of a real OpenSSH server: `~/.ssh/config`, jump hosts, pinned host keys.

use std::path::Path;
use std::sync::Arc;

use noctule::engine::Engine;
use noctule::engine::fields::{Change, Field};
use noctule::model::{FailureKind, RunStatus};

use super::openssh::{OpenSsh, user};
use super::runs::{engine, one};
use crate::engine_fixture::ann;

/// A shell that looks like FRR's to the driver.
const SHELL: &str = r#"#!/bin/sh
while printf 'edge-1# ' && read -r line; do
  case $line in
  "show running-config") printf '!\nfrr version 8.4\nhostname edge-1\n!\nend\n' ;;
  exit) exit ;;
  esac
done
"#;

async fn device() -> OpenSsh {
    let ssh = OpenSsh::start("ForceCommand /bin/sh $SHELL_OF_TEST").await;
    std::fs::write(ssh.key().with_file_name("shell"), SHELL).unwrap();
    let config = ssh.key().with_file_name("sshd_config");
    let text = std::fs::read_to_string(&config).unwrap();
    let shell = ssh.key().with_file_name("shell");
    std::fs::write(config, text.replace("$SHELL_OF_TEST", shell.to_str().unwrap())).unwrap();
    ssh
}

async fn add(engine: &Arc<Engine>, address: &str, more: &[Change]) {
    let mut changes = vec![Change::new(Field::Transport, "ssh"), Change::new(Field::Driver, "frr")];
    changes.extend_from_slice(more);
    engine.add_device(&ann(), "edge-1", address, &changes).await.unwrap();
}

fn write_ssh_config(home: &Path, text: &str) {
    std::fs::create_dir_all(home.join(".ssh")).unwrap();
    let file = home.join(".ssh/config");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn the_way_through_a_jump_host_is_taken_from_the_users_ssh_config() {
    if !OpenSsh::is_here() {
        return;
    }
    let (device, gate) = (device().await, OpenSsh::start("AllowTcpForwarding yes").await);
    let home = tempfile::tempdir().unwrap();
    let (near, far) = (gate.server.address, device.server.address);
    let user = user().await;
    write_ssh_config(
        home.path(),
        &format!(
            "Host far-edge\n HostName {}\n Port {}\n User {user}\n IdentityFile {}\n ProxyJump gate\n\
             Host gate\n HostName {}\n Port {}\n User {user}\n IdentityFile {}\n",
            far.ip(),
            far.port(),
            device.key().display(),
            near.ip(),
            near.port(),
            gate.key().display(),
        ),
    );
    let engine = engine(home.path(), "").await;
    add(&engine, "far-edge", &[]).await;
    let report = one(&engine).await;
    assert_eq!(report.status, RunStatus::Changed, "{report:?}\n{}\n{}", gate.log(), device.log());
    assert!(gate.log().contains("Accepted publickey"), "{}", gate.log());
    let pinned: Vec<String> = engine.host_keys().unwrap().into_iter().map(|(place, _)| place).collect();
    assert!(pinned.contains(&near.to_string()) && pinned.contains(&far.to_string()), "{pinned:?}");

    // the jump host's key changes: it is refused, and trusted by the name of the device behind it
    gate.change_host_key("ed25519").await;
    let refused = one(&engine).await.error.unwrap();
    assert_eq!(refused.kind, FailureKind::HostKey, "{refused}");
    assert!(refused.message.contains(&near.to_string()), "{refused}");
    engine.trust_host_key(&ann(), "edge-1").await.unwrap();
    assert_eq!(one(&engine).await.status, RunStatus::Unchanged);
}

#[tokio::test]
async fn a_changed_host_key_is_refused_until_somebody_trusts_it() {
    if !OpenSsh::is_here() {
        return;
    }
    let ssh = device().await;
    let home = tempfile::tempdir().unwrap();
    let engine = engine(home.path(), "").await;
    let more = [
        Change::new(Field::Port, ssh.server.address.port().to_string()),
        Change::new(Field::Username, user().await),
        Change::new(Field::IdentityFile, ssh.key().to_str().unwrap()),
    ];
    add(&engine, &ssh.server.address.ip().to_string(), &more).await;
    let first = one(&engine).await;
    assert_eq!(first.status, RunStatus::Changed, "{first:?}\n{}", ssh.log());
    // a key of another algorithm is a changed key, too
    for kind in ["ed25519", "ecdsa"] {
        ssh.change_host_key(kind).await;
        let before = ssh.log().matches("Accepted publickey").count();
        let failure = one(&engine).await.error.unwrap();
        assert_eq!(failure.kind, FailureKind::HostKey, "{failure}");
        assert!(failure.message.contains("is not the pinned one: it shows SHA256:"), "{failure}");
        assert!(failure.message.contains("device trust edge-1"), "{failure}");
        assert_eq!(ssh.log().matches("Accepted publickey").count(), before, "it was logged in to");
        engine.trust_host_key(&ann(), "edge-1").await.unwrap();
        assert_eq!(one(&engine).await.status, RunStatus::Unchanged);
    }
}

#[tokio::test]
async fn a_strict_policy_asks_before_the_first_contact() {
    if !OpenSsh::is_here() {
        return;
    }
    let ssh = device().await;
    let home = tempfile::tempdir().unwrap();
    let engine = engine(home.path(), "[ssh]\nhost_keys = \"strict\"\n").await;
    let more = [
        Change::new(Field::Port, ssh.server.address.port().to_string()),
        Change::new(Field::Username, user().await),
        Change::new(Field::IdentityFile, ssh.key().to_str().unwrap()),
    ];
    add(&engine, &ssh.server.address.ip().to_string(), &more).await;
    let failure = one(&engine).await.error.unwrap();
    assert_eq!(failure.kind, FailureKind::HostKey, "{failure}");
    assert!(failure.message.contains("the policy is strict"), "{failure}");
    engine.trust_host_key(&ann(), "edge-1").await.unwrap();
    assert_eq!(one(&engine).await.status, RunStatus::Changed);
}
