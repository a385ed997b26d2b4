//! A person's terminal over real OpenSSH: through a jump host, with a window that reaches the device, and a lost way.

use noctule::device::transport::Window;
use noctule::engine::fields::{Change, Field};
use noctule::model::Role;

use super::openssh::{OpenSsh, user};
use super::runs::engine;
use crate::console_terminal::Seat;
use crate::engine_fixture::ann;

/// A shell that looks like FRR's to the driver, and says how large its window is.
const SHELL: &str = r#"#!/bin/sh
while printf 'edge-1# ' && read -r line; do
  case $line in
  size) stty size ;;
  exit) exit ;;
  esac
done
"#;

#[tokio::test]
async fn a_terminal_through_a_jump_host_tells_the_device_its_window_and_ends_with_the_jump_host() {
    if !OpenSsh::is_here() {
        return;
    }
    let (device, gate) = (OpenSsh::start("").await, OpenSsh::start("AllowTcpForwarding yes").await);
    let shell = device.key().with_file_name("shell");
    std::fs::write(&shell, SHELL).unwrap();
    let config = device.key().with_file_name("sshd_config");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("ForceCommand /bin/sh {}\n{text}", shell.display())).unwrap();
    // both hosts know the one key
    std::fs::copy(
        device.key().with_file_name("authorized_keys"),
        gate.key().with_file_name("authorized_keys"),
    )
    .unwrap();

    let home = tempfile::tempdir().unwrap();
    let engine = engine(home.path(), "").await;
    let (far, user) = (device.server.address, user().await);
    let changes = [
        Change::new(Field::Transport, "ssh"),
        Change::new(Field::Driver, "frr"),
        Change::new(Field::Port, far.port().to_string()),
        Change::new(Field::Username, user.clone()),
        Change::new(Field::ProxyJump, format!("{user}@{}", gate.server.address)),
        Change::new(Field::IdentityFile, device.key().to_str().unwrap()),
    ];
    engine.add_device(&ann(), "core-1", &far.ip().to_string(), &changes).await.unwrap();

    let mut seat = Seat::open(&engine, Role::Engineer);
    seat.sees("edge-1# ").await;
    seat.types("size\r");
    seat.sees("24 80").await;
    seat.resizes(Window { columns: 200, rows: 60 });
    seat.types("size\r");
    seat.sees("60 200").await;
    assert!(gate.log().contains("Accepted publickey"), "{}", gate.log());

    // the jump host goes away
    drop(gate);
    let why = seat.over().await;
    assert!(why.contains("closed the connection") || why.contains("the connection ended"), "{why}");
    let kept = engine.terminals(engine.device("core-1").unwrap().id).await.unwrap();
    assert_eq!(kept.len(), 1, "what was said before is kept");
    engine.stop().await;
}
