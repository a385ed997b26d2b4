//! The backup of a real router: FRRouting's vtysh behind OpenSSH.

use std::sync::Arc;

use noctule::engine::Engine;
use noctule::engine::diff::{self, DiffLine, LineKind};
use noctule::engine::fields::{Change, Field};
use noctule::engine::query::{Answer, Query, RevisionRef};
use noctule::model::RunStatus;

use super::frr::Frr;
use super::openssh::{OpenSsh, user};
use super::runs::{engine, one};
use crate::engine_fixture::ann;

/// The lines by which the second revision of the only device differs from the first.
async fn difference(engine: &Arc<Engine>) -> (Vec<String>, Vec<String>) {
    let device = engine.device("edge-1").unwrap().id;
    let which = |number| RevisionRef { device, number: Some(number) };
    let Answer::Pair(old, new) =
        engine.query(&crate::engine_fixture::admin(), Query::Pair(which(1), which(2))).await
    else {
        panic!("no texts")
    };
    let hunks = diff::lines(&old.text, &new.text, diff::CONTEXT).hunks;
    let of = |kind| {
        let lines = hunks.iter().flat_map(|hunk| &hunk.lines);
        lines.filter(|line| line.kind == kind).map(DiffLine::text).collect()
    };
    (of(LineKind::Removed), of(LineKind::Added))
}

#[tokio::test]
async fn frr_behind_openssh_is_backed_up_changed_and_diffed() {
    back_up_change_and_diff(None).await;
}

#[tokio::test]
async fn frr_that_pages_by_more_is_too() {
    back_up_change_and_diff(Some("more")).await;
}

#[tokio::test]
async fn frr_that_pages_by_less_is_too() {
    back_up_change_and_diff(Some("less")).await;
}

async fn back_up_change_and_diff(pager: Option<&str>) {
    if !(OpenSsh::is_here() & Frr::is_here()) {
        return;
    }
    let frr = Frr::start(pager).await;
    let routes: Vec<String> = (0..150).map(|n| format!("ip route 198.51.100.{n}/32 192.0.2.1")).collect();
    frr.configure(&routes.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let ssh = OpenSsh::start(&format!("ForceCommand {}", frr.shell().display())).await;

    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), "").await;
    let changes = [
        Change::new(Field::Transport, "ssh"),
        Change::new(Field::Port, ssh.server.address.port().to_string()),
        Change::new(Field::Driver, "frr"),
        Change::new(Field::Username, user().await),
        Change::new(Field::IdentityFile, ssh.key().to_str().unwrap()),
    ];
    let address = ssh.server.address.ip().to_string();
    engine.add_device(&ann(), "edge-1", &address, &changes).await.unwrap();
    let first = one(&engine).await;
    assert_eq!((first.status, first.revision), (RunStatus::Changed, Some(1)), "{first:?}\n{}", ssh.log());
    assert_eq!(one(&engine).await.status, RunStatus::Unchanged);

    frr.configure(&["no ip route 198.51.100.7/32 192.0.2.1", "ip route 203.0.113.0/24 192.0.2.9"]).await;
    let second = one(&engine).await;
    assert_eq!((second.status, second.revision), (RunStatus::Changed, Some(2)), "{second:?}");
    assert_eq!(
        difference(&engine).await,
        (
            vec!["ip route 198.51.100.7/32 192.0.2.1".to_owned()],
            vec!["ip route 203.0.113.0/24 192.0.2.9".to_owned()]
        )
    );
    let third = one(&engine).await;
    assert_eq!((third.status, third.revision), (RunStatus::Unchanged, Some(2)), "{third:?}");
}
