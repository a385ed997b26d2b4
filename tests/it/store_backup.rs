//! Copies of the store: taken while it is written to, by itself once a day, killed in the middle, and brought back.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use noctule::commands::Exit;
use noctule::engine::backup::BackupOptions;
use noctule::engine::{Engine, Options, Selection};
use noctule::model::{Device, Event, Identity, Incident, Revision, Run, Severity, Timestamp};
use noctule::store::backup::{FOLDER, Shelf, backup_onto, restore};
use noctule::store::{Entry, Recording, Setting, Store, verify};

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, Network, Script, add, ann, back_up, engine};
use crate::full_disk::Small;

const DAY: i64 = 86_400_000;
const CRASH: &str = "NOCTULE_TEST_COPY_FOLDER";

/// Everything that a store holds, as text.
fn everything(store: &Store) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    macro_rules! table {
        ($($record:ty),*) => {$(
            for (key, record) in store.scan::<$record>(&[]).unwrap() {
                all.insert(format!("{} {:?}", stringify!($record), noctule::store::Key::encode(&key)), format!("{record:?}"));
            }
        )*};
    }
    table!(Device, Revision, Run, Event, Identity, Incident, Recording, Setting);
    for (key, revision) in store.scan::<Revision>(&[]).unwrap() {
        let body = store.blobs().get_sealed(&revision.exact).unwrap();
        all.insert(format!("body {key:?}"), String::from_utf8(body).unwrap());
    }
    all
}

fn copies(folder: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = found.collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_it_comes_back_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::new();
    let hand = Hand::new();
    let engine = engine(folder.path(), "[backup]\nretries = 0\n", network.clone(), &hand).await;
    add(&engine, &["sw-1", "sw-2"]).await;
    let fail = Script::Recorded(noctule::model::FailureKind::Timeout, "noctule transcript 1\n---\n");
    network.play(
        "sw-1",
        [Script::Read("hostname sw-1\n one\n".into()), Script::Read("hostname sw-1\n two\n".into())],
    );
    network.play("sw-2", [Script::Read("hostname sw-2\n".into()), fail]);
    for _ in 0..2 {
        hand.move_by(1000);
        back_up(&engine, &Selection::all()).await;
    }
    let shell = Shell::over(&engine);
    let (exit, told) = shell.run("store backup --json --why 'before the move'").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let answer: serde_json::Value = serde_json::from_str(&told.lines[0]).unwrap();
    let copy = PathBuf::from(answer["folder"].as_str().unwrap());
    assert_eq!(copy.parent(), Some(&*folder.path().join("data").join(FOLDER)));
    let (_, told) = shell.run("event list --limit 1").await;
    assert!(told.lines[1].contains("the store was copied to"), "{:?}", told.lines);
    engine.stop().await;
    drop((engine, shell));

    let data = folder.path().join("data");
    let before = everything(&Store::open(&data, Timestamp(0)).unwrap().0);
    assert!(before.keys().any(|key| key.starts_with("Recording")));
    std::fs::remove_dir_all(data.join("objects")).unwrap();
    let closed = Shell::closed(folder.path());
    assert_eq!(closed.run("store verify").await.0, Exit::Failed);
    let (exit, told) = closed.run(&format!("store restore '{}'", copy.display())).await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let mut after = everything(&Store::open(&data, Timestamp(0)).unwrap().0);
    // what tells that it was copied came after the copy
    let told: Vec<String> = before.keys().filter(|key| !after.contains_key(*key)).cloned().collect();
    assert!(told.len() == 1 && told[0].starts_with("Event"), "{told:?}");
    after.insert(told[0].clone(), before[&told[0]].clone());
    assert_eq!(after, before);
    assert!(copy.exists(), "the copy is where it was");
    assert_eq!(closed.run("store verify").await.0, Exit::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_taken_while_backups_write_holds_all_that_was_acknowledged_before() {
    let folder = tempfile::tempdir().unwrap();
    let (network, hand) = (Network::new(), Hand::new());
    let engine = engine(folder.path(), "", network.clone(), &hand).await;
    let names = ["sw-1", "sw-2", "sw-3"];
    add(&engine, &names).await;
    let mut taken: Vec<(PathBuf, Vec<(u64, u32)>)> = Vec::new();
    let mut acknowledged: Vec<(u64, u32)> = Vec::new();
    for round in 0..6 {
        for name in names {
            network.play(name, [Script::Read(format!("hostname {name}\n round {round}\n"))]);
        }
        hand.move_by(1000);
        let known = acknowledged.clone();
        let mut job = engine.backup(&ann(), &Selection::all(), BackupOptions::default()).unwrap();
        let by = ann();
        let copying = engine.copy_store(&by, Some(folder.path().join(format!("copy-{round}"))));
        let running = async {
            while let Some(report) = job.reports.recv().await {
                let device = engine.device(report.device.as_str()).unwrap().id.0;
                acknowledged.push((device, report.revision.unwrap()));
            }
        };
        let (copied, ()) = tokio::join!(copying, running);
        taken.push((copied.unwrap().folder, known));
    }
    engine.stop().await;
    for (place, (copy, known)) in taken.iter().enumerate() {
        let back = folder.path().join(format!("back-{place}"));
        let restored = restore(copy, &back, Timestamp(1), false).unwrap();
        assert!(restored.before.is_none());
        let (store, _) = Store::open(&back, Timestamp(2)).unwrap();
        let has: Vec<(u64, u32)> =
            store.scan::<Revision>(&[]).unwrap().iter().map(|(key, _)| (key.0.0, key.1)).collect();
        assert!(known.iter().all(|one| has.contains(one)), "{known:?} in {has:?}");
        assert_eq!(everything(&store).keys().filter(|key| key.starts_with("body")).count(), has.len());
    }
}

/// An engine whose worker copies the store by itself.
async fn by_itself(folder: &Path, settings: &str, hand: &Hand) -> Arc<Engine> {
    std::fs::create_dir_all(folder.join("config")).unwrap();
    std::fs::write(folder.join("config/config.toml"), format!("[backup]\ndaily = \"off\"\n{settings}"))
        .unwrap();
    let mut options = Options::new(folder.join("data"), folder.join("config"));
    options.pulse = false;
    options.clock = hand.clock();
    loop {
        match Engine::start_with(options.clone(), Network::new()).await {
            // a worker of the engine before may hold it for a moment longer
            Err(error) if error.to_string().contains("is in use by") => tokio::task::yield_now().await,
            started => return started.unwrap(),
        }
    }
}

/// Waits for an event that says this, whether it came already or comes.
async fn told(engine: &Arc<Engine>, wanted: &str) -> Event {
    let mut watch = engine.watch();
    loop {
        let found =
            watch.borrow_and_update().events.iter().find(|event| event.message.contains(wanted)).cloned();
        if let Some(event) = found {
            return event;
        }
        watch.changed().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_a_day_it_is_copied_by_itself_and_so_many_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = folder.path().join("elsewhere");
    let settings = format!("[store]\nbackup_keep = 2\nbackup_to = \"{}\"\n", shelf.display());
    let hand = Hand::new();
    let engine = by_itself(folder.path(), &settings, &hand).await;
    add(&engine, &["sw-1"]).await;
    let findings = engine.doctor().await.unwrap();
    assert!(findings.iter().any(|found| found.topic == "copies" && found.message.contains("no copy")));
    engine.stop().await;
    drop(engine);
    assert!(!shelf.exists(), "a store that was made today is not copied before tomorrow");
    for day in 1..=4 {
        hand.move_by(DAY);
        let engine = by_itself(folder.path(), &settings, &hand).await;
        let moment = Timestamp(engine.now().0).rfc3339().replace(':', "-");
        let event = told(&engine, &moment).await;
        assert_eq!(event.severity, Severity::Info, "{event:?}");
        // the old ones go after that is told
        while copies(&shelf).len() > 2.min(day) {
            tokio::task::yield_now().await;
        }
        engine.stop().await;
        drop(engine);
        // the same day, nothing is due
        let again = by_itself(folder.path(), &settings, &hand).await;
        assert!(
            again.doctor().await.unwrap().iter().any(|f| f.topic == "copies" && f.severity == Severity::Info)
        );
        again.stop().await;
        drop(again);
        assert_eq!(copies(&shelf).len(), 2.min(day));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_harms_nothing() {
    let outer = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(outer.path()) else {
        println!("skipped: this user may not mount a small file system to fill");
        return;
    };
    let hand = Hand::new();
    let engine = by_itself(outer.path(), "", &hand).await;
    add(&engine, &["sw-1"]).await;
    engine.stop().await;
    drop(engine);
    hand.move_by(DAY);
    let engine = by_itself(outer.path(), "", &hand).await;
    let event = told(&engine, "the store could not be copied").await;
    assert!(event.severity == Severity::Error && event.message.contains("64 MB must be left"), "{event:?}");
    let shell = Shell::over(&engine);
    let (exit, told) = shell.run("store backup").await;
    assert_eq!(exit, Exit::Failed);
    assert!(told.notes[0].contains("64 MB must be left"), "{:?}", told.notes);
    let (_, told) = shell.run("doctor").await;
    assert!(
        told.lines.iter().any(|line| line.contains("ERROR") && line.contains("copies")),
        "{:#?}",
        told.lines
    );
    assert_eq!(
        copies(&outer.path().join("data").join(FOLDER)),
        Vec::<PathBuf>::new(),
        "nothing is left of it"
    );
    add(&engine, &["sw-2"]).await;
    small.make_room(256);
    assert_eq!(shell.run("store backup").await.0, Exit::Done);
    engine.stop().await;
}

/// `kill -9` somewhere in a copy: those that were told of are whole, the others are none.
#[test]
fn a_copy_that_is_killed_is_none_and_the_store_has_everything() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for round in 0..8 {
        let (entries, copies_told) = copy_until_killed(folder.path(), round);
        let (store, _) = Store::open(&data, Timestamp(0)).unwrap();
        assert_eq!(verify(&store).unwrap().findings, []);
        assert!(
            store.scan::<Setting>(&[]).unwrap().len() >= entries,
            "round {round}: an acknowledged entry is lost"
        );
        let shelf = Shelf::new(data.join(FOLDER), store.id());
        drop(store);
        let kept = shelf.kept().unwrap();
        for (moment, entries) in &copies_told {
            assert!(kept.iter().any(|kept| kept.at == *moment), "round {round}: a copy is lost");
            let kept = kept.iter().find(|kept| kept.at == *moment).unwrap();
            let back = folder.path().join(format!("back-{round}-{}", moment.0));
            restore(&kept.path, &back, Timestamp(1), false).expect("a copy that has its name is whole");
            let (store, _) = Store::open(&back, Timestamp(2)).unwrap();
            assert!(store.scan::<Setting>(&[]).unwrap().len() >= *entries);
        }
        for kept in kept.iter().filter(|kept| !copies_told.iter().any(|(moment, _)| *moment == kept.at)) {
            let back = folder.path().join(format!("untold-{round}-{}", kept.at.0));
            restore(&kept.path, &back, Timestamp(1), false)
                .expect("also where nobody was told of it any more");
            std::fs::remove_dir_all(&kept.path).unwrap();
        }
        for kept in kept {
            let _ = std::fs::remove_dir_all(kept.path);
        }
    }
}

/// Runs a store that is written to and copied, and kills it in the middle; how many entries it acknowledged, and each copy
/// with the entries that were acknowledged before it began.
fn copy_until_killed(folder: &Path, round: u64) -> (usize, Vec<(Timestamp, usize)>) {
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store_backup::writer", "--nocapture"])
        .env(CRASH, format!("{round}:{}", folder.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
    let (mut entries, mut told) = (0, Vec::new());
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["entries", count] => entries = count.parse().unwrap(),
            ["copied", moment, count] => {
                told.push((Timestamp(moment.parse().unwrap()), count.parse().unwrap()))
            }
            _ => {}
        }
        if told.len() == 2 {
            // somewhere in the middle of the next one: the spread of the rounds is the point
            std::thread::sleep(Duration::from_micros(round * 977 % 20_000));
            break;
        }
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert_eq!(told.len(), 2, "round {round}: it ended by itself");
    (entries, told)
}

/// Not a test by itself: what the test above runs and kills.
#[test]
fn writer() {
    let Some(order) = std::env::var(CRASH).ok() else { return };
    let (round, folder) = order.split_once(':').unwrap();
    println!();
    let data = Path::new(folder).join("data");
    let (store, _) = Store::open(&data, Timestamp(0)).unwrap();
    let round: i64 = round.parse().unwrap();
    let shelf = Shelf::new(data.join(FOLDER), store.id());
    let entries = std::sync::atomic::AtomicUsize::new(store.scan::<Setting>(&[]).unwrap().len());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                let key = format!("{round} {number}");
                let entry = Entry::new(Timestamp(number), "ann", "", "x").put(&key, &Setting(key.clone()));
                store.commit_blocking(entry).unwrap();
                if number % 10 == 0 {
                    store.blobs().put_sealed(key.as_bytes()).unwrap();
                }
                let count = entries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
                println!("entries {count}");
            }
        });
        for number in 1.. {
            let before = entries.load(std::sync::atomic::Ordering::SeqCst);
            let moment = Timestamp((round * 1000 + number) * 1000);
            backup_onto(&store, &shelf, moment).unwrap();
            println!("copied {} {before}", moment.0);
            std::io::stdout().flush().unwrap();
        }
    });
}

#[test]
fn a_copy_is_named_after_its_store_and_its_moment() {
    let shelf = Shelf::new(PathBuf::from("x"), "0a0b0c0d");
    let path = shelf.path(Timestamp(1_795_521_600_000));
    assert_eq!(path, Path::new("x/noctule-0a0b0c0d-2026-11-24T12-00-00Z"));
}
