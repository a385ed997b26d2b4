//! Search and export over several devices.

use noctule::engine::history::View;
use noctule::engine::query::SearchQuery;
use noctule::engine::{ActErrorKind, Selection};
use noctule::model::Within;

use crate::engine_fixture::*;

fn query(pattern: &str, history: bool, limit: usize) -> SearchQuery {
    SearchQuery { pattern: pattern.to_owned(), regex: false, history, limit }
}

#[tokio::test]
async fn a_search_finds_every_device_and_the_past_only_when_asked() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), "", network.clone(), &hand).await;
    add(&engine, &["b", "a", "c"]).await;
    let same = "vlan 10\n name office\nend\n".to_owned();
    network.play("a", [Script::Read(same.clone())]);
    network.play("b", [Script::Read(same)]);
    network.play("c", [Script::Read("vlan 10\n name guests\n".into()), Script::Read("vlan 11\n".into())]);
    back_up(&engine, &Selection::all()).await;
    hand.move_by(1000);
    back_up(&engine, &Selection::all()).await;

    let found = engine.search(query("vlan 10", false, 100), Within::everything()).await.unwrap();
    let places: Vec<_> = found.hits.iter().map(|hit| (hit.name.as_ref(), hit.revision, hit.line)).collect();
    assert_eq!(places, [("a", 1, 1), ("b", 1, 1)]);
    assert_eq!((found.texts, found.more), (3, false));

    let found = engine.search(query("vlan 10", true, 100), Within::everything()).await.unwrap();
    assert_eq!(found.hits.last().map(|hit| (hit.name.as_ref(), hit.revision)), Some(("c", 1)));
    let found = engine.search(query("vlan", true, 2), Within::everything()).await.unwrap();
    assert!(found.more && found.hits.len() == 2);
    let refused = engine.search(query("", false, 1), Within::everything()).await.unwrap_err();
    assert_eq!(refused.kind, ActErrorKind::Usage);
}

#[tokio::test]
async fn an_export_has_a_file_per_device_that_has_a_configuration() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), "", network.clone(), &hand).await;
    add(&engine, &["a", "b", "never"]).await;
    network.play("a", [Script::Read("! noise\nenable secret fake-a\n".into())]);
    network.play("b", [Script::Read("vlan 1\n".into())]);
    back_up(&engine, &Selection::names(["a", "b"])).await;

    for (view, first) in
        [(View::Exact, "! noise\nenable secret fake-a\n"), (View::Normal, "enable secret <secret:")]
    {
        let mut files = engine.export(&Selection::all(), view).unwrap();
        let mut names = Vec::new();
        while let Some(file) = files.recv().await {
            let file = file.unwrap();
            if names.is_empty() {
                assert!(String::from_utf8_lossy(&file.bytes).starts_with(first));
            }
            names.push(file.name);
        }
        assert_eq!(names, ["a.cfg", "b.cfg"]);
    }
}

#[tokio::test]
async fn a_damaged_body_is_found_and_named() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), "", network.clone(), &hand).await;
    add(&engine, &["a", "b"]).await;
    for name in ["a", "b"] {
        network.play(name, [Script::Read(format!("hostname {name}\n"))]);
    }
    back_up(&engine, &Selection::all()).await;
    let device = engine.device("b").unwrap();
    let revision = engine.revision(&device, "newest").await.unwrap();
    let path = engine.store().blobs().path(revision.exact.id);
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let verified = engine.verify(&Selection::all()).await.unwrap();
    assert_eq!(verified.revisions, 2);
    assert_eq!(
        verified.damaged.iter().map(|d| (d.device.as_str(), d.revision)).collect::<Vec<_>>(),
        [("b", 1)]
    );
}
