//! A device's page through a real jump host.

use noctule::commands::Exit;
use noctule::engine::fields::{Change, Field};

use super::openssh::{OpenSsh, user};
use super::runs::engine;
use crate::command_fixture::Shell;
use crate::device_web::{get, page, while_open};
use crate::engine_fixture::ann;

#[tokio::test]
async fn a_page_behind_a_jump_host_comes_through_it_and_one_that_forbids_it_says_so() {
    if !OpenSsh::is_here() {
        return;
    }
    let mut port = 0;
    page(&mut port).await;
    for forbids in [false, true] {
        let gate =
            OpenSsh::start(if forbids { "AllowTcpForwarding no" } else { "AllowTcpForwarding yes" }).await;
        let home = tempfile::tempdir().unwrap();
        let engine = engine(home.path(), "").await;
        let changes = [
            Change::new(Field::Transport, "ssh"),
            Change::new(Field::ProxyJump, format!("{}@{}", user().await, gate.server.address)),
            Change::new(Field::IdentityFile, gate.key().to_str().unwrap()),
        ];
        engine.add_device(&ann(), "edge-1", "127.0.0.1", &changes).await.unwrap();
        let shell = Shell::over(&engine);
        let line = format!("device web edge-1 --http --port {port} --json");
        let (exit, told, answer) = while_open(&shell, &line, async |url| {
            let answer = get(&url).await.unwrap_or_default();
            while forbids && shell.side.told.lock().unwrap().notes.is_empty() {
                tokio::task::yield_now().await;
            }
            answer
        })
        .await;
        assert_eq!(exit, Exit::Done, "{:?}\n{}", told.notes, gate.log());
        assert!(told.lines[0].contains(r#""jumps":1"#), "{:?}", told.lines);
        assert_eq!(
            answer.ends_with("the page of edge-1"),
            !forbids,
            "{answer:?} {:?}\n{}",
            told.notes,
            gate.log()
        );
        assert_eq!(
            told.notes.concat().contains("the jump host could not connect"),
            forbids,
            "{:?}",
            told.notes
        );
        let pinned: Vec<String> = engine.host_keys().unwrap().into_iter().map(|(place, _)| place).collect();
        assert_eq!(pinned, [gate.server.address.to_string()]);
    }
}
