//! Hands laid on the journal of a real engine, and the anchors that find them out.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use noctule::commands::Exit;
use noctule::engine::Actor;
use noctule::engine::snapshot::Snapshot;
use serde_json::Value;

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, Network, add, engine};

struct House {
    folder: tempfile::TempDir,
}

impl House {
    /// A store in which so many devices were added, and an anchor of its end where that is asked for.
    async fn with(devices: &[&str], anchored: bool) -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap() };
        house.work(devices, anchored).await;
        house
    }

    /// Opens the store, adds devices and closes it again.
    async fn work(&self, devices: &[&str], anchored: bool) {
        let settings = if anchored { self.settings() } else { String::new() };
        let engine = engine(self.folder.path(), &settings, Network::new(), &Hand::new()).await;
        add(&engine, devices).await;
        engine.stop().await;
        drop(engine);
    }

    fn settings(&self) -> String {
        format!("[audit]\nanchor_file = {:?}\n", self.anchors())
    }

    fn anchors(&self) -> PathBuf {
        self.folder.path().join("anchors")
    }

    fn segment(&self) -> PathBuf {
        self.folder.path().join("data/journal/00000001.log")
    }

    /// What `audit verify` says, without an engine.
    async fn verify(&self) -> (Exit, Value) {
        let shell = Shell::closed(self.folder.path());
        let (exit, told) = shell.run("audit verify --json").await;
        assert!(told.notes.is_empty(), "{:?}", told.notes);
        (exit, serde_json::from_str(&told.lines[0]).unwrap())
    }

    /// That it finds something of this kind.
    async fn is_found(&self, kind: &str) {
        let (exit, report) = self.verify().await;
        let kinds: Vec<&str> =
            report["problems"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert_eq!(exit, Exit::Failed, "{report}");
        assert!(kinds.contains(&kind), "{kind}: {report}");
    }
}

fn cut(path: &Path, by: usize) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() - by]).unwrap();
}

/// Where the last frame of a segment begins.
fn last_frame(path: &Path) -> usize {
    let bytes = fs::read(path).unwrap();
    bytes.windows(4).rposition(|window| window == b"nrec").unwrap()
}

#[tokio::test]
async fn a_whole_journal_is_whole_and_the_newest_anchor_vouches_for_it() {
    let house = House::with(&["a", "b", "c"], true).await;
    let (exit, report) = house.verify().await;
    assert_eq!(exit, Exit::Done, "{report}");
    assert_eq!((&report["entries"], &report["anchored"]), (&3.into(), &3.into()));
    house.work(&[], true).await;
    let lines = fs::read_to_string(house.anchors()).unwrap().lines().count();
    assert!(lines <= 2, "where nothing changed nothing is noted: {lines}");
    house.work(&["d"], true).await;
    let (_, report) = house.verify().await;
    assert_eq!((&report["anchored"], &report["stretches"]), (&4.into(), &serde_json::json!([[1, 4]])));
}

#[tokio::test]
async fn a_flipped_bit_is_found_also_where_the_store_does_not_open() {
    let house = House::with(&["a", "b", "c"], false).await;
    let mut bytes = fs::read(house.segment()).unwrap();
    let at = bytes.len() - 10;
    bytes[at] ^= 4;
    fs::write(house.segment(), bytes).unwrap();
    let (exit, report) = house.verify().await;
    assert_eq!((exit, &report["first_bad"]), (Exit::Failed, &3.into()), "{report}");
    assert_eq!(report["stretches"], serde_json::json!([[1, 2]]), "what is still proven");
    fs::remove_file(house.folder.path().join("data/format")).unwrap();
    assert_eq!(house.verify().await.0, Exit::Failed, "it can be asked all the same");
}

#[tokio::test]
async fn a_tail_that_was_cut_is_found_by_the_index_or_by_an_anchor() {
    let house = House::with(&["a", "b", "c"], true).await;
    let length = fs::read(house.segment()).unwrap().len();
    cut(&house.segment(), length - last_frame(&house.segment()));
    house.is_found("cut").await;
    // without the index nothing but the anchor knows
    fs::remove_dir_all(house.folder.path().join("data/index")).unwrap();
    house.is_found("anchor").await;
    fs::remove_file(house.anchors()).unwrap();
    house.is_found("anchors").await;
    fs::write(house.folder.path().join("config/config.toml"), "").unwrap();
    assert_eq!(house.verify().await.0, Exit::Done, "nobody can know");
}

#[tokio::test]
async fn a_journal_that_was_made_anew_is_found_by_an_anchor_kept_elsewhere() {
    let house = House::with(&["a", "b", "c"], true).await;
    let kept = fs::read(house.anchors()).unwrap();
    let forged = House::with(&["a", "evil", "c"], false).await;
    for part in ["journal", "index"] {
        let to = house.folder.path().join("data").join(part);
        fs::remove_dir_all(&to).unwrap();
        fs::rename(forged.folder.path().join("data").join(part), &to).unwrap();
    }
    house.is_found("anchor").await;
    // the forger takes the file of anchors away too, but not the one on another host
    fs::write(house.folder.path().join("config/config.toml"), "").unwrap();
    let shell = Shell::closed(house.folder.path());
    assert_eq!(shell.run("audit verify").await.0, Exit::Done);
    shell.file("syslog", &String::from_utf8(kept).unwrap());
    let (exit, told) = shell.run("audit verify --anchors syslog").await;
    assert_eq!(exit, Exit::Failed);
    assert!(told.lines[0].contains("not the one that was anchored"), "{:?}", told.lines);
    shell.file("nothing", "nothing\n");
    assert_eq!(shell.run("audit verify --anchors nothing").await.0, Exit::Failed);
}

#[tokio::test]
async fn a_store_that_was_put_back_whole_is_found_open_and_closed() {
    let house = House::with(&["a", "b"], true).await;
    let (data, copy) = (house.folder.path().join("data"), house.folder.path().join("copy"));
    let copied = |from: &Path, to: &Path| {
        let copying = std::process::Command::new("cp").arg("-r").arg(from).arg(to).status();
        assert!(copying.unwrap().success());
    };
    copied(&data, &copy);
    house.work(&["c"], true).await;
    fs::remove_dir_all(&data).unwrap();
    copied(&copy, &data);
    house.is_found("anchor").await;
    let engine = engine(house.folder.path(), &house.settings(), Network::new(), &Hand::new()).await;
    let report = engine.audit_verify(None, 0).await.unwrap();
    assert_eq!((report.first_bad, report.problems[0].kind), (Some(3), "anchor"), "{report:?}");
    engine.anchor().await;
    let found = engine.doctor().await.unwrap();
    let found = found.iter().find(|one| one.topic == "audit").unwrap();
    assert!(found.message.contains("which this journal does not hold"), "{found:?}");
    engine.stop().await;
}

#[tokio::test]
async fn a_running_engine_knows_its_own_end() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), "", Network::new(), &Hand::new()).await;
    add(&engine, &["a", "b", "c"]).await;
    let segment = folder.path().join("data/journal/00000001.log");
    assert_eq!(engine.audit_verify(None, 0).await.unwrap().problems, []);
    let good = fs::read(&segment).unwrap();
    cut(&segment, good.len() - last_frame(&segment));
    let report = engine.audit_verify(None, 0).await.unwrap();
    assert_eq!((report.first_bad, report.problems[0].kind), (Some(3), "cut"));
    let page = engine.audit_list(Default::default(), 10).await.unwrap();
    assert_eq!((page.entries.len(), page.damage.len()), (2, 1), "{:?}", page.damage);
    fs::remove_file(&segment).unwrap();
    let report = engine.audit_verify(None, 0).await.unwrap();
    assert_eq!((report.entries, report.problems[0].kind), (0, "cut"));
    assert!(!engine.audit_list(Default::default(), 10).await.unwrap().damage.is_empty());
    fs::write(&segment, good).unwrap();
    assert_eq!(engine.audit_verify(None, 0).await.unwrap().problems, []);
    engine.stop().await;
}

#[tokio::test]
async fn anchoring_that_fails_is_an_event_and_a_finding_and_ends_when_it_is_mended() {
    let house = House { folder: tempfile::tempdir().unwrap() };
    fs::write(house.folder.path().join("real"), "").unwrap();
    std::os::unix::fs::symlink(house.folder.path().join("real"), house.anchors()).unwrap();
    let engine = engine(house.folder.path(), &house.settings(), Network::new(), &Hand::new()).await;
    add(&engine, &["a"]).await;
    let mut pictures = engine.watch();
    engine.anchor().await;
    engine.anchor().await;
    let told = |picture: &Arc<Snapshot>| {
        picture.events.iter().filter(|event| event.message.contains("not anchored")).count()
    };
    let picture = pictures.wait_for(|picture| told(picture) > 0).await.unwrap();
    assert_eq!(told(&picture), 1, "it is told once: {:?}", picture.events);
    drop(picture);
    let finding = |found: Vec<noctule::engine::doctor::Finding>| {
        found.into_iter().find(|one| one.topic == "audit").unwrap()
    };
    let bad = finding(engine.doctor().await.unwrap());
    assert!(bad.message.contains("symlink") && !bad.advice.is_empty(), "{bad:?}");
    fs::remove_file(house.anchors()).unwrap();
    engine.anchor().await;
    let good = finding(engine.doctor().await.unwrap());
    assert!(good.advice.is_empty(), "{good:?}");
    assert!(fs::read_to_string(house.anchors()).unwrap().contains("noctule audit seq="));
    assert_eq!(fs::read(house.folder.path().join("real")).unwrap(), b"");
    engine.note_refused(&Actor::new("ann", "", "x"), "no").await.unwrap();
    engine.stop().await;
    let (_, report) = house.verify().await;
    assert_eq!(report["anchored"], report["last"], "the end is noted when the engine stops");
}
