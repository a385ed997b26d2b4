//! What a device's history costs, and what it survives.

use std::path::Path;
use std::time::Duration;

use noctule::engine::{Actor, Selection};
use noctule::model::RunStatus::{Changed, Unchanged};

use crate::engine_fixture::{Hand, Network, Script, add, ann, back_up, engine, journal_bytes, reports};

fn bodies(folder: &Path) -> usize {
    let shelves = std::fs::read_dir(folder.join("data/objects")).unwrap();
    shelves.map(|shelf| std::fs::read_dir(shelf.unwrap().path()).unwrap().count()).sum()
}

fn text(vlan: u32) -> String {
    format!("hostname sw\n{}vlan {vlan}\nend\n", "interface x\n".repeat(3000))
}

#[tokio::test]
async fn an_unchanged_run_costs_a_small_record_and_a_text_that_comes_back_is_not_stored_again() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), "", network.clone(), &hand).await;
    add(&engine, &["sw"]).await;
    network.play("sw", [1, 2, 1, 1].map(|vlan| Script::Read(text(vlan))));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(back_up(&engine, &Selection::all()).await[0].status);
        hand.move_by(1000);
    }
    assert_eq!(statuses, [Changed, Changed, Changed], "a change back is a change");
    assert_eq!(bodies(folder.path()), 4, "two views of two texts");

    let before = journal_bytes(folder.path());
    for _ in 0..10 {
        assert_eq!(back_up(&engine, &Selection::all()).await[0].status, Unchanged);
        hand.move_by(1000);
    }
    let each = (journal_bytes(folder.path()) - before) / 10;
    assert!(each < 1000, "{each} bytes of journal for an unchanged run");
    assert_eq!(bodies(folder.path()), 4);
    let history = engine.history(engine.device("sw").unwrap().id).await.unwrap();
    assert_eq!(history.revisions[0].normal, history.revisions[2].normal);
}

#[tokio::test]
async fn a_device_that_is_brought_back_has_its_history() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let before = engine(folder.path(), "", network.clone(), &hand).await;
    add(&before, &["sw"]).await;
    network.play("sw", [Script::Read(text(1))]);
    back_up(&before, &Selection::all()).await;
    before.remove_devices(&ann(), &["sw".to_owned()]).await.unwrap();
    before.stop().await;
    drop(before);

    let engine = engine(folder.path(), "", network.clone(), &hand).await;
    let back = engine.restore_device(&Actor::new("bob", "", "device restore sw"), "sw").await.unwrap();
    let history = engine.history(back.id).await.unwrap();
    assert_eq!((history.revisions.len(), history.runs.len()), (1, 1));
    hand.move_by(1000);
    assert_eq!(back_up(&engine, &Selection::all()).await[0].status, Unchanged);
}

#[tokio::test]
async fn a_small_job_does_not_wait_for_the_whole_of_a_large_one() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), "[backup]\nconcurrency = 1\n", network.clone(), &hand).await;
    let many: Vec<String> = (0..20).map(|number| format!("many-{number:02}")).collect();
    let names: Vec<&str> = many.iter().map(String::as_str).chain(["one"]).collect();
    add(&engine, &names).await;
    for name in &names {
        let script = if *name < "many-02" || *name == "one" { Script::Read } else { Script::Held };
        network.play(name, [script(text(1))]);
    }
    let large = engine.backup(&ann(), &Selection::names(many), Default::default()).unwrap();
    let mut small = engine.backup(&ann(), &Selection::names(["one"]), Default::default()).unwrap();
    // the third device of the large job keeps the only session until it is released
    let first = tokio::time::timeout(Duration::from_secs(60), small.reports.recv()).await;
    assert_eq!(first.expect("the small job waits for the large one").unwrap().status, Changed);
    network.release();
    assert_eq!(reports(large).await.len(), 20);
}
