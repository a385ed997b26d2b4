//! Flipped bits and cut ends in every file of a store: found, mended or refused, never silent.

use std::fs;
use std::path::{Path, PathBuf};

use noctule::engine::Selection;
use noctule::model::{Device, Event, FailureKind, Revision, Run, Timestamp};
use noctule::store::{HostKey, Recording, Setting, Store, StoreError, verify};
use proptest::prelude::*;

use crate::engine_fixture::{Hand, Network, Script, add, back_up, engine};

/// The files of a closed store, and what was in it.
struct Good {
    files: Vec<(PathBuf, Vec<u8>)>,
    contents: String,
}

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Flip(usize, u8),
    Cut(usize),
}

fn good() -> Good {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let (network, hand) = (Network::new(), Hand::new());
        let text = |vlan: u32| Script::Read(format!("hostname sw\nvlan {vlan}\nsecret fake-{vlan}\nend\n"));
        network.play("one", [text(1), text(2), text(3)]);
        network.play("two", [text(1), Script::Fail(FailureKind::Rejected)]);
        network.play("three", [Script::Key("ssh-ed25519 AAAAone")]);
        let engine = engine(folder.path(), "", network, &hand).await;
        add(&engine, &["one", "two", "three"]).await;
        for _ in 0..3 {
            hand.move_by(1000);
            back_up(&engine, &Selection::all()).await;
        }
        engine.stop().await;
    });
    // The engine's last handle goes with its workers.
    drop(runtime);
    let data = folder.path().join("data");
    let (store, report) = Store::open(&data, Timestamp(0)).unwrap();
    assert_eq!(report.notes, Vec::<String>::new());
    let contents = contents(&store).unwrap();
    assert!(
        !store.scan::<HostKey>(&[]).unwrap().is_empty() && !store.scan::<Recording>(&[]).unwrap().is_empty()
    );
    assert!(verify(&store).unwrap().findings.is_empty());
    drop(store);
    let mut files = Vec::new();
    walk(&data, &data, &mut files);
    Good { files, contents }
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, files);
        } else {
            files.push((path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap()));
        }
    }
    files.sort();
}

/// Every record of every kind.
fn contents(store: &Store) -> Result<String, StoreError> {
    Ok(format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}",
        store.scan::<Device>(&[])?,
        store.scan::<Revision>(&[])?,
        store.scan::<Run>(&[])?,
        store.scan::<Recording>(&[])?,
        store.scan::<Event>(&[])?,
        store.scan::<HostKey>(&[])?,
        store.scan::<Setting>(&[])?,
    ))
}

fn harmed(bytes: &[u8], harm: Harm) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match harm {
        Harm::Flip(at, bit) => bytes[at] ^= 1 << bit,
        Harm::Cut(keep) => bytes.truncate(keep),
    }
    bytes
}

/// Whether the store may be as good as before without a word: the index is only ever a copy and has unused room, the
/// lock's text is written anew. In a plain body zstd ignores the unused bit of its frame header (RFC 8878, 3.1.1.1.1):
/// the body is the same with and without it.
fn may_be_silent(file: &Path, harm: Harm) -> bool {
    let unused_bit = file.starts_with("objects") && matches!(harm, Harm::Flip(8, 4));
    unused_bit || file.starts_with("index") || file == Path::new("owner.lock")
}

fn try_one(good: &Good, file: usize, harm: Harm) {
    let folder = tempfile::tempdir().unwrap();
    let (harmed_path, _) = &good.files[file];
    for (place, (path, bytes)) in good.files.iter().enumerate() {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bytes = if place == file { harmed(bytes, harm) } else { bytes.clone() };
        fs::write(path, bytes).unwrap();
    }
    let what = format!("{} {harm:?}", harmed_path.display());
    let (store, report) = match Store::open(folder.path(), Timestamp(0)) {
        Ok(opened) => opened,
        Err(refused) => {
            let sentence = refused.to_string();
            assert!(sentence.contains(&folder.path().display().to_string()), "{what}: {sentence}");
            assert!(
                !harmed_path.starts_with("index"),
                "{what}: the index is rebuilt, not refused: {sentence}"
            );
            return;
        }
    };
    let found = verify(&store).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(contents(&store).unwrap(), good.contents, "{what}: {:?}", report.notes);
    let said = !report.notes.is_empty() || !found.findings.is_empty();
    assert!(said || may_be_silent(harmed_path, harm), "{what}: nobody was told");
}

#[test]
fn damage_in_any_file_is_found_mended_or_refused() {
    let good = good();
    let names: Vec<String> = good.files.iter().map(|(path, _)| path.display().to_string()).collect();
    for kind in ["journal/", "objects/", "index/", "data.key", "format", "owner.lock"] {
        assert!(names.iter().any(|name| name.starts_with(kind)), "{kind} of {names:?}");
    }
    for (file, (_, bytes)) in good.files.iter().enumerate().filter(|(_, (_, bytes))| !bytes.is_empty()) {
        let last = bytes.len() - 1;
        let harms = [
            Harm::Flip(0, 0),
            Harm::Flip(last / 3, 4),
            Harm::Flip(last, 1),
            Harm::Flip(8.min(last), 5),
            Harm::Cut(0),
            Harm::Cut(bytes.len() / 2),
            Harm::Cut(last),
        ];
        harms.into_iter().for_each(|harm| try_one(&good, file, harm));
    }
}

#[test]
fn damage_at_any_place_is_found_mended_or_refused() {
    let good = good();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    });
    let any = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..8u8, any::<bool>());
    runner
        .run(&any, |(file, at, bit, cut)| {
            let file = file.index(good.files.len());
            let length = good.files[file].1.len();
            if length > 0 {
                let at = at.index(length);
                try_one(&good, file, if cut { Harm::Cut(at) } else { Harm::Flip(at, bit) });
            }
            Ok(())
        })
        .unwrap();
}
