use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::model::{BlobRef, DeviceId, IdentityReading, Run, RunStatus};

fn run(device: u64, at: i64) -> (RunKey, Run) {
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
    (RunKey(run.device, run.at), run)
}

fn write_run(store: &Store, device: u64, at: i64) -> Result<u64, StoreError> {
    let (key, run) = run(device, at);
    store.commit_blocking(Entry::new(Timestamp(at), "schedule", "", "backup run").put(&key, &run))
}

fn open(folder: &Path) -> (Store, Vec<String>) {
    let (store, report) = Store::open(folder, Timestamp(7)).unwrap();
    (store, report.notes)
}

fn runs(store: &Store) -> usize {
    store.scan::<Run>(&[]).unwrap().len()
}

/// A closed store of ten runs, and a body of each kind.
fn filled(folder: &Path) -> (BlobRef, BlobRef) {
    let (store, notes) = open(folder);
    assert_eq!(notes, Vec::<String>::new());
    for at in 0..10 {
        write_run(&store, 1, at).unwrap();
    }
    let body = b"hostname core-1\n".repeat(200);
    (store.blobs().put_plain(&body).unwrap(), store.blobs().put_sealed(&body).unwrap())
}

#[test]
fn what_was_written_is_there_after_a_restart_in_order() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let (store, notes) = open(folder.path());
    assert_eq!(notes, Vec::<String>::new());
    assert_eq!(store.get::<Run>(&RunKey(DeviceId(1), Timestamp(4))).unwrap(), Some(run(1, 4).1));
    let newest: Vec<i64> =
        store.scan_last::<Run>(&DeviceId(1).encode(), 3).unwrap().iter().map(|(key, _)| key.1.0).collect();
    assert_eq!(newest, [9, 8, 7]);
    let (key, _) = run(1, 4);
    store.commit_blocking(Entry::new(Timestamp(9), "ann", "mistake", "x").delete::<Run>(&key)).unwrap();
    assert_eq!(runs(&store), 9);
    let last = store.journal(11).unwrap().next().unwrap().unwrap().unwrap();
    assert_eq!((last.seq, last.actor.as_str(), last.why.as_str()), (11, "ann", "mistake"));
}

#[test]
fn an_unchanged_run_costs_little() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let length = fs::metadata(journal::segment_path(folder.path(), 1)).unwrap().len();
    assert!(length / 10 < 160, "{} bytes an entry", length / 10);
}

#[test]
fn files_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    filled(&data);
    for path in [
        data.clone(),
        data.join("data.key"),
        data.join("journal"),
        journal::segment_path(&data, 1),
        data.join("objects"),
        data.join("index"),
    ] {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is {mode:o}", path.display());
    }
}

#[test]
fn a_second_owner_is_told_who_the_first_is() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, _) = open(folder.path());
    let refused = Store::open(folder.path(), Timestamp(0)).err().unwrap().to_string();
    let host = rustix::system::uname();
    let holder =
        format!("process {} on {} since 1970", std::process::id(), host.nodename().to_string_lossy());
    assert!(refused.contains(&holder), "{refused}");
}

#[test]
fn bodies_are_kept_once_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, sealed) = filled(folder.path());
    let (store, _) = open(folder.path());
    let body = store.blobs().get_plain(&plain).unwrap();
    assert_eq!(store.blobs().get_sealed(&sealed).unwrap(), body);
    assert_eq!(store.blobs().put_sealed(&body).unwrap(), sealed);
    let file = fs::read(store.blobs().path(sealed.id)).unwrap();
    assert!(!file.windows(8).any(|window| window == b"hostname"));
    for blob in [plain, sealed] {
        let path = store.blobs().path(blob.id);
        let good = fs::read(&path).unwrap();
        for at in (0..good.len()).step_by(3) {
            let mut bad = good.clone();
            bad[at] ^= 4;
            fs::write(&path, &bad).unwrap();
            let read =
                if blob == plain { store.blobs().get_plain(&blob) } else { store.blobs().get_sealed(&blob) };
            assert!(matches!(read, Err(StoreError::Damaged { .. })), "byte {at}");
        }
    }
}

#[test]
fn a_secret_opens_in_its_place_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let sealed = store.seal("device/17/password", &Secret::new("not-a-real-one"));
    assert_eq!(store.unseal("device/17/password", &sealed).unwrap().expose(), "not-a-real-one");
    assert!(store.unseal("device/18/password", &sealed).is_err());
    assert_ne!(store.seal("device/17/password", &Secret::new("not-a-real-one")), sealed);
    assert_eq!(store.fingerprinter().fingerprint("a"), store.fingerprinter().fingerprint("a"));
    assert_ne!(store.fingerprinter().fingerprint("a"), store.fingerprinter().fingerprint("b"));
}

#[test]
fn a_lost_key_is_said_and_never_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let key = folder.path().join("data.key");
    for damage in [None, Some("short")] {
        match damage {
            None => fs::remove_file(&key).unwrap(),
            Some(text) => fs::write(&key, text).unwrap(),
        }
        let refused = Store::open(folder.path(), Timestamp(0)).err().unwrap();
        assert!(matches!(refused, StoreError::Key { .. }), "{refused}");
    }
}

#[test]
fn a_torn_end_is_cut_and_said_and_writing_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let segment = journal::segment_path(folder.path(), 1);
    let whole = fs::read(&segment).unwrap();
    fs::remove_dir_all(index::folder_of(folder.path())).unwrap();
    for cut in [1, 13, 60] {
        fs::write(&segment, &whole[..whole.len() - cut]).unwrap();
        let (store, notes) = open(folder.path());
        assert_eq!(runs(&store), 9);
        assert!(notes.iter().any(|note| note.contains("the end of the journal is cut off")), "{notes:?}");
        drop(store);
        fs::remove_dir_all(index::folder_of(folder.path())).unwrap();
    }
    let (store, _) = open(folder.path());
    assert_eq!(write_run(&store, 1, 99).unwrap(), 10);
    drop(store);
    let (store, notes) = open(folder.path());
    assert_eq!((runs(&store), notes), (10, vec![]));
}

#[test]
fn a_flipped_bit_anywhere_in_the_journal_is_found() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let segment = journal::segment_path(folder.path(), 1);
    let whole = fs::read(&segment).unwrap();
    for at in (0..whole.len()).step_by(7) {
        let mut bad = whole.clone();
        bad[at] ^= 1;
        fs::write(&segment, &bad).unwrap();
        let damage =
            journal::scan(folder.path(), 0).unwrap().filter(|found| matches!(found, Ok(Err(_)))).count();
        assert!(damage > 0, "byte {at}");
    }
}

#[test]
fn entries_behind_a_damaged_stretch_are_saved_and_the_loss_is_said() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let segment = journal::segment_path(folder.path(), 1);
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let (store, _) = open(folder.path());
    let report = verify(&store).unwrap();
    assert_eq!(runs(&store), 10, "the index still has them all");
    assert!(report.findings.iter().any(|finding| finding.what.contains("the journal is damaged")));
    drop(store);
    let report = rebuild(folder.path(), Timestamp(8)).unwrap();
    let (store, _) = open(folder.path());
    assert_eq!(runs(&store), 9);
    assert!(report.notes.iter().any(|note| note.contains("the journal is damaged")), "{report:?}");
}

#[test]
fn a_damaged_index_is_moved_aside_and_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let index = index::folder_of(folder.path());
    let files: Vec<PathBuf> = fs::read_dir(&index)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    assert!(files.iter().any(|path| path.ends_with("db")), "{files:?}");
    let good: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    for (file, bytes) in files.iter().zip(&good) {
        for at in (0..bytes.len().min(4096)).step_by(61) {
            restore_index(&files, &good, &index);
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            fs::write(file, &bad).unwrap();
            let (store, _) = open(folder.path());
            assert_eq!(runs(&store), 10, "{} byte {at}", file.display());
        }
        for keep in [0, bytes.len() / 2, bytes.len().saturating_sub(100)] {
            restore_index(&files, &good, &index);
            fs::write(file, &bytes[..keep]).unwrap();
            let (store, _) = open(folder.path());
            assert_eq!(runs(&store), 10, "{} cut to {keep}", file.display());
        }
    }
    fs::remove_dir_all(&index).unwrap();
    assert_eq!(runs(&open(folder.path()).0), 10);
}

#[test]
fn a_record_that_sled_lost_is_brought_back_before_anybody_reads_the_past() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let path = index::folder_of(folder.path());
    {
        let tree = sled::open(&path).unwrap();
        let lost = tree.scan_prefix(b"run\0").keys().next().unwrap().unwrap();
        tree.remove(lost).unwrap();
        tree.insert(b"run\0invented", &[0; 8]).unwrap();
    }
    let (store, notes) = open(folder.path());
    assert_eq!((runs(&store), notes), (10, Vec::new()));
    let notes = store.late_notes().unwrap().unwrap().blocking_recv().unwrap();
    assert!(notes.iter().any(|note| note.contains("rebuilt from the journal")), "{notes:?}");
    write_run(&store, 1, 77).unwrap();
    drop(store);
    let (store, notes) = open(folder.path());
    assert_eq!((runs(&store), notes), (11, Vec::new()));
    assert!(store.late_notes().unwrap().unwrap().blocking_recv().unwrap().is_empty());
}

/// Makes the index refuse the next entry.
fn break_index(store: &Store) {
    store.0.index.tree().unwrap().insert(b"\0mark", b"no mark at all").unwrap();
}

/// The index cannot be opened again until what this returns is called.
fn take_journal_away(folder: &Path) -> impl FnOnce() + use<> {
    let (journal, away) = (folder.join("journal"), folder.join("away"));
    fs::rename(&journal, &away).unwrap();
    fs::write(&journal, "no folder").unwrap();
    move || {
        fs::remove_file(&journal).unwrap();
        fs::rename(&away, &journal).unwrap();
    }
}

/// It is told a moment after the answer.
fn wait_for(store: &Store, what: impl FnMut(&Health) -> bool) {
    let mut health = store.health();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(health.wait_for(what)).unwrap();
}

#[test]
fn an_index_that_fails_is_opened_again_and_the_entry_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let (store, _) = open(folder.path());
    let mut notes = store.late_notes().unwrap().unwrap();
    assert!(notes.blocking_recv().unwrap().is_empty());
    break_index(&store);
    assert_eq!(write_run(&store, 1, 50).unwrap(), 11);
    assert_eq!(runs(&store), 11);
    let told = notes.blocking_recv().unwrap();
    assert!(told[0].contains("the index was opened again, since it failed"), "{told:?}");
    assert_eq!(*store.health().borrow(), None);
    assert_eq!(write_run(&store, 1, 51).unwrap(), 12);
    drop(store);
    let (store, notes) = open(folder.path());
    assert_eq!((runs(&store), notes), (12, Vec::new()));
    assert!(verify(&store).unwrap().findings.is_empty());
}

#[test]
fn every_write_is_refused_with_the_first_reason_until_the_index_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let (store, _) = open(folder.path());
    assert_eq!(runs(&store), 10, "the past is checked");
    break_index(&store);
    let bring_back = take_journal_away(folder.path());
    for at in [50, 51, 52] {
        let refused = write_run(&store, 1, at).unwrap_err().to_string();
        for said in ["its index failed", "the mark's checksum is wrong", "cannot make", "tries again"] {
            assert!(refused.contains(said), "{said}: {refused}");
        }
        wait_for(&store, |health| health.as_deref() == Some(refused.as_str()));
    }
    bring_back();
    write_run(&store, 1, 53).unwrap();
    wait_for(&store, Option::is_none);
    let at: Vec<i64> = store.scan_last::<Run>(&[], 2).unwrap().iter().map(|(key, _)| key.1.0).collect();
    assert_eq!(
        at,
        [53, 50],
        "what was in the journal when the index failed is there, what came later is not"
    );
}

#[test]
fn only_the_newest_two_damaged_indexes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    for name in ["1000", "999", "2000-1", "2000", "not-a-time"] {
        fs::create_dir(folder.path().join(format!("index.damaged-{name}"))).unwrap();
    }
    let (store, notes) = open(folder.path());
    assert!(notes.iter().all(|note| note.contains("was removed")), "{notes:?}");
    assert_eq!(notes.len(), 2);
    let kept: Vec<_> = store.kept_aside().unwrap();
    let kept: Vec<_> = kept.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(kept, ["index.damaged-2000", "index.damaged-2000-1"]);
    assert!(folder.path().join("index.damaged-not-a-time").exists(), "that one is not the store's");
}

#[test]
fn what_the_check_has_read_is_given_once_and_never_after_a_write() {
    let folder = tempfile::tempdir().unwrap();
    let setting = |text: &str| Setting(text.to_owned());
    let put = |store: &Store, key: &str, text: &str| {
        let entry = Entry::new(Timestamp(0), "ann", "", "test").put(&key.to_owned(), &setting(text));
        store.commit_blocking(entry).unwrap();
    };
    let all = |store: &Store| -> Vec<String> {
        store
            .scan::<Setting>(&[])
            .unwrap()
            .into_iter()
            .map(|(key, value)| format!("{key}={}", value.0))
            .collect()
    };
    {
        let (store, _) = open(folder.path());
        put(&store, "a", "1");
        put(&store, "b", "1");
    }
    let (store, _) = open(folder.path());
    assert_eq!(all(&store), ["a=1", "b=1"]);
    assert_eq!(all(&store), ["a=1", "b=1"]);
    drop(store);
    let (store, _) = open(folder.path());
    put(&store, "b", "2");
    assert_eq!(all(&store), ["a=1", "b=2"]);
    drop(store);
    let (store, _) = open(folder.path());
    let last: Vec<String> =
        store.scan_last::<Setting>(&[], 1).unwrap().into_iter().map(|(key, _)| key).collect();
    assert_eq!(last, ["b"]);
}

fn restore_index(files: &[PathBuf], good: &[Vec<u8>], index: &Path) {
    let _ = fs::remove_dir_all(index);
    fs::create_dir_all(index).unwrap();
    for (path, bytes) in files.iter().zip(good) {
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn a_missing_journal_under_a_full_index_is_refused_until_a_person_decides() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    fs::remove_file(journal::segment_path(folder.path(), 1)).unwrap();
    let refused = Store::open(folder.path(), Timestamp(0)).err().unwrap().to_string();
    assert!(refused.contains("before entry 10"), "{refused}");
    rebuild(folder.path(), Timestamp(0)).unwrap();
    assert_eq!(runs(&open(folder.path()).0), 0);
}

#[test]
fn an_index_that_failed_comes_back_though_nobody_writes() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let (store, _) = open(folder.path());
    assert_eq!(runs(&store), 10, "the past is checked");
    break_index(&store);
    let bring_back = take_journal_away(folder.path());
    write_run(&store, 1, 50).unwrap_err();
    let told = store.scan::<Run>(&[]).unwrap_err().to_string();
    assert!(told.contains("is being opened again"), "{told}");
    wait_for(&store, Option::is_some);
    bring_back();
    wait_for(&store, Option::is_none);
    assert_eq!(
        store.scan::<Run>(&[]).unwrap().len(),
        11,
        "with the entry that was refused when the index failed"
    );
}

#[test]
fn what_is_remembered_outlives_a_restart_and_costs_no_entry_but_goes_with_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let (key, reading) = (DeviceId(1), IdentityReading { at: Timestamp(9), uptime: Some(70) });
    let journal = || fs::metadata(journal::segment_path(folder.path(), 1)).unwrap().len();
    {
        let (store, _) = open(folder.path());
        write_run(&store, 1, 1).unwrap();
        let before = journal();
        store.remember(&key, &reading).unwrap();
        assert_eq!(journal(), before);
        assert_eq!(verify(&store).unwrap().findings, [], "it is no part of the tables");
    }
    {
        let (store, notes) = open(folder.path());
        assert_eq!(notes, Vec::<String>::new());
        assert_eq!(store.remembered::<IdentityReading>(&key).unwrap(), Some(reading));
        assert_eq!(store.remembered::<IdentityReading>(&DeviceId(2)).unwrap(), None);
    }
    rebuild(folder.path(), Timestamp(8)).unwrap();
    let (store, _) = open(folder.path());
    assert_eq!(store.remembered::<IdentityReading>(&key).unwrap(), None);
    assert_eq!(runs(&store), 1);
}

#[test]
fn of_two_who_expect_the_same_record_one_is_taken_and_the_other_told() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let setting = |text: String| Setting(text);
    let key = "counter".to_owned();
    let mut there: Option<Setting> = None;
    for round in 0..300 {
        let outcomes: Vec<Result<u64, StoreError>> = std::thread::scope(|scope| {
            let writers = ["ann", "bob"].map(|who| {
                let (store, key, there) = (&store, &key, &there);
                scope.spawn(move || {
                    let mut entry = Entry::new(Timestamp(round), who, "", "set")
                        .put(key, &setting(format!("{who} {round}")));
                    entry.expect(key, there.as_ref());
                    store.commit_blocking(entry)
                })
            });
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let taken = outcomes.iter().position(Result::is_ok).unwrap();
        assert!(matches!(outcomes[1 - taken], Err(StoreError::Moved { table: "setting" })), "{outcomes:?}");
        there = store.get(&key).unwrap();
        assert_eq!(there, Some(setting(format!("{} {round}", ["ann", "bob"][taken]))));
    }
    assert_eq!(store.head().seq, 300, "who was refused left nothing in the journal");
    let mut none = Entry::new(Timestamp(1), "eve", "", "set").put(&key, &setting("eve".into()));
    none.expect::<Setting>(&key, None);
    assert!(store.commit_blocking(none).is_err() && store.health().borrow().is_none());
}
