use std::os::unix::fs::MetadataExt;

use super::*;
use crate::model::{DeviceId, Run, RunStatus};
use crate::store::{Entry, Record, RunKey, StoreError, verify};

fn write_run(store: &Store, device: u64, at: i64) {
    let run = Run {
        device: DeviceId(device),
        at: Timestamp(at),
        millis: 900,
        status: RunStatus::Unchanged,
        revision: Some(3),
        bytes: 40_000,
        failure: None,
        recording: None,
        by: "schedule".into(),
    };
    let key = RunKey(run.device, run.at);
    store.commit_blocking(Entry::new(Timestamp(at), "schedule", "", "backup run").put(&key, &run)).unwrap();
}

fn open(folder: &Path) -> Store {
    Store::open(folder, Timestamp(7)).unwrap().0
}

/// An open store of ten runs, and a body.
fn filled(folder: &Path) -> Store {
    let store = open(folder);
    (0..10).for_each(|at| write_run(&store, 1, at));
    store.blobs().put_sealed(&b"hostname core-1\n".repeat(200)).unwrap();
    store
}

fn runs(store: &Store) -> Vec<Run> {
    store.scan::<Run>(&[]).unwrap().into_iter().map(|(_, run)| run).collect()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push(path.clone());
        if path.is_dir() {
            found.extend(files_in(&path));
        }
    }
    found
}

fn object(folder: &Path) -> PathBuf {
    files_in(&folder.join("objects")).into_iter().find(|path| path.is_file()).expect("a body")
}

#[test]
fn a_copy_shares_what_never_changes_and_is_for_its_owner_alone() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let store = filled(&data);
    let copied = backup(&store, &place.path().join("copy"), Timestamp(50)).unwrap();
    assert_eq!((copied.entries, copied.damage.len()), (10, 0));
    let inode = |folder: &Path| fs::metadata(object(folder)).unwrap().ino();
    assert_eq!(inode(&data), inode(&copied.folder));
    for path in files_in(&copied.folder).iter().chain([&copied.folder]) {
        assert_eq!(fs::metadata(path).unwrap().mode() & 0o077, 0, "{}", path.display());
    }
    let names = |folder: &Path| -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&copied.folder), ["backup.json", "data.key", "format", "journal", "objects", "records"]);
    assert!(!unfinished_beside(&copied.folder));
}

fn unfinished_beside(copy: &Path) -> bool {
    shelf::unfinished(copy).exists()
}

#[test]
fn everything_comes_back_and_what_was_there_is_kept() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let store = filled(&data);
    let shelf = Shelf::new(data.join(FOLDER), store.id());
    let copied = backup_onto(&store, &shelf, Timestamp(1_000_000)).unwrap();
    let wanted = runs(&store);
    write_run(&store, 1, 500);
    drop(store);

    let restored = restore(&copied.folder, &data, Timestamp(11), false).unwrap();
    let before = restored.before.unwrap();
    assert!(before.join("data.key").exists());
    let store = open(&data);
    assert_eq!(runs(&store), wanted);
    assert_eq!(verify(&store).unwrap().findings, []);
    assert_eq!(shelf.kept().unwrap().len(), 1, "the copies are where they were");
    // the copy is not written to by the store that was made of it
    write_run(&store, 1, 600);
    drop(store);
    restore(&copied.folder, &data, Timestamp(12), false).unwrap();
    assert_eq!(runs(&open(&data)), wanted);
    assert_eq!(runs(&open(&before)).len(), 11);
}

#[test]
fn a_copy_made_while_writing_is_whole() {
    let place = tempfile::tempdir().unwrap();
    let (data, copy) = (place.path().join("data"), place.path().join("copy"));
    let store = filled(&data);
    let copied = std::thread::scope(|scope| {
        scope.spawn(|| (100..200).for_each(|at| write_run(&store, 2, at)));
        backup(&store, &copy, Timestamp(50)).unwrap()
    });
    drop(store);
    restore(&copy, &data, Timestamp(11), false).unwrap();
    let store = open(&data);
    assert_eq!(runs(&store).len() as u64, copied.entries);
    assert!(copied.entries >= 10);
    assert_eq!(verify(&store).unwrap().findings, []);
}

#[test]
fn a_damaged_copy_takes_nobodys_place_unless_a_person_says_so() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let store = filled(&data);
    let copied = backup(&store, &place.path().join("copy"), Timestamp(50)).unwrap();
    drop(store);
    let segment = journal::segment_path(&copied.folder, 1);
    let whole = fs::read(&segment).unwrap();
    // a flipped bit, and an end that is missing
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [flipped, whole[..whole.len() - 40].to_vec()] {
        fs::write(&segment, damaged).unwrap();
        let refused = restore(&copied.folder, &data, Timestamp(60), false).unwrap_err();
        assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
        assert_eq!(runs(&open(&data)).len(), 10, "nothing was touched");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2, "and nothing is left over");
    }
    let restored = restore(&copied.folder, &data, Timestamp(60), true).unwrap();
    assert!(!restored.report.findings.is_empty());
    assert_eq!(runs(&open(&data)).len(), 9);
    let none = restore(place.path(), &data, Timestamp(61), false).unwrap_err().to_string();
    assert!(none.contains("no copy of a store"), "{none}");
}

#[test]
fn a_store_in_use_is_not_replaced() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let store = filled(&data);
    let copied = backup(&store, &place.path().join("copy"), Timestamp(50)).unwrap();
    let refused = restore(&copied.folder, &data, Timestamp(60), false).unwrap_err();
    assert!(matches!(refused, StoreError::InUse { .. }), "{refused}");
    assert!(backup(&store, &copied.folder, Timestamp(51)).is_err(), "a copy is not overwritten");
}

#[test]
fn a_shelf_keeps_the_newest_of_its_own_and_forgets_what_never_became_whole() {
    let place = tempfile::tempdir().unwrap();
    let (shelf_folder, data) = (place.path().join("shelf"), place.path().join("data"));
    let store = filled(&data);
    let shelf = Shelf::new(shelf_folder.clone(), store.id());
    let others = Shelf::new(shelf_folder.clone(), "0a0b0c0d");
    fs::create_dir_all(others.path(Timestamp(0))).unwrap();
    fs::create_dir_all(shelf::unfinished(&shelf.path(Timestamp(1))).join("journal")).unwrap();
    for second in 1..=4 {
        backup_onto(&store, &shelf, Timestamp(second * 1000)).unwrap();
    }
    assert!(!unfinished_beside(&shelf.path(Timestamp(1))));
    shelf.prune(2).unwrap();
    let kept: Vec<Timestamp> = shelf.kept().unwrap().iter().map(|kept| kept.at).collect();
    assert_eq!(kept, [Timestamp(3000), Timestamp(4000)]);
    assert_eq!(others.kept().unwrap().len(), 1);
    let gone = fs::read_dir(&shelf_folder).unwrap().count();
    assert_eq!(gone, 3, "nothing else is left there");
}

/// Two layouts of one table, as two versions of noctule have them.
#[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
struct Old(u64);

#[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
struct New(u64, String);

impl Record for Old {
    const TABLE: &'static str = "thing";
    const VERSION: u8 = 1;
    type Key = u64;
}

impl Record for New {
    const TABLE: &'static str = "thing";
    const VERSION: u8 = 2;
    type Key = u64;

    fn upgrade(_: u8, bytes: &[u8]) -> Result<Self, String> {
        let Old(number) = postcard::from_bytes(bytes).map_err(|error| error.to_string())?;
        Ok(Self(number, String::new()))
    }
}

fn put<R: Record<Key = u64>>(store: &Store, key: u64, record: &R) {
    store.commit_blocking(Entry::new(Timestamp(key as i64), "ann", "", "thing").put(&key, record)).unwrap();
}

#[test]
fn before_records_get_a_newer_layout_the_store_is_copied() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    put(&open(&data), 1, &Old(11));
    let store = open(&data);
    assert_eq!(store.get::<New>(&1).unwrap(), Some(New(11, String::new())), "reading changes nothing");
    assert!(!data.join(FOLDER).exists());
    put(&store, 2, &New(22, "new".into()));
    put(&store, 3, &New(33, "new".into()));
    drop(store);

    let copies =
        files_in(&data.join(FOLDER)).into_iter().filter(|path| path.parent() == Some(&data.join(FOLDER)));
    let copies: Vec<PathBuf> = copies.collect();
    assert_eq!(copies, [data.join(FOLDER).join("before-thing-2-2")], "one, before the first");
    restore(&copies[0], &data, Timestamp(9), false).unwrap();
    let store = open(&data);
    assert_eq!(store.scan::<Old>(&[]).unwrap(), [(1, Old(11))], "an older noctule reads it");
    assert!(store.scan::<New>(&[]).unwrap().len() == 1);
}

#[test]
fn a_store_of_which_nobody_noted_the_layouts_is_copied_once() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    put(&open(&data), 1, &New(1, String::new()));
    fs::remove_file(data.join("records")).unwrap();
    let store = open(&data);
    put(&store, 2, &New(2, String::new()));
    put(&store, 3, &New(3, String::new()));
    assert_eq!(fs::read_dir(data.join(FOLDER)).unwrap().count(), 1);
    assert!(fs::read_to_string(data.join("records")).unwrap().starts_with("thing 2\nchecksum "));
}
