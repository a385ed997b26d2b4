//! `kill -9` in the middle of a backup run: no backup that was acknowledged is lost, and the store opens every time.
//!
//! `NOCTULE_KILLS=500 cargo test --release --test it store_crash -- --nocapture` does it so often over a store with ten
//! thousand devices, and says how long the slowest opening took.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use noctule::engine::backup::BackupOptions;
use noctule::engine::fields::blank;
use noctule::engine::{Engine, Selection};
use noctule::model::{DeviceId, Revision, RunStatus, Timestamp};
use noctule::store::{Entry, Store};
use sha2::{Digest, Sha256};

use crate::engine_fixture::{Hand, Network, Script, add, ann, engine};

/// How often it is killed, where nobody says otherwise.
const ROUNDS: u64 = 200;
/// How often somebody wants it.
const KILLS: &str = "NOCTULE_KILLS";
/// How many devices there are then.
const DEVICES: u64 = 10_000;
const FOLDER: &str = "NOCTULE_TEST_CRASH_FOLDER";
const NAMES: [&str; 4] = ["sw-1", "sw-2", "sw-3", "sw-4"];

/// What was acknowledged: device, revision, checksum.
pub type Acknowledged = (u64, u32, String);

#[test]
fn no_acknowledged_backup_is_lost_by_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = std::env::var(KILLS).ok().map(|kills| kills.parse::<u64>().expect("a number"));
    if wanted.is_some() {
        fill(&folder.path().join("data"));
    }
    let rounds = wanted.unwrap_or(ROUNDS);
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        let before = acknowledged.len();
        acknowledged.extend(back_up_until_killed(folder.path(), round));
        slowest = slowest.max(assert_kept(folder.path(), &acknowledged, before, round));
    }
    assert!(acknowledged.len() as u64 > rounds, "only {} were acknowledged", acknowledged.len());
    let backups = acknowledged.len();
    println!(
        "{rounds} kills, {backups} acknowledged backups, none lost, the slowest opening took {slowest:?}"
    );
}

/// Opens the store in `folder`, and says how long that took. Everything that was acknowledged is in it, and the bodies of
/// what is new since `before` are whole.
pub fn assert_kept(folder: &Path, acknowledged: &[Acknowledged], before: usize, round: u64) -> Duration {
    let began = Instant::now();
    let (store, _) = Store::open(&folder.join("data"), Timestamp(0)).expect("the store opens");
    let took = began.elapsed();
    let revisions: HashMap<(u64, u32), Revision> = store
        .scan::<Revision>(&[])
        .unwrap()
        .into_iter()
        .map(|(key, revision)| ((key.0.0, key.1), revision))
        .collect();
    for (place, (device, number, sha256)) in acknowledged.iter().enumerate() {
        let revision = revisions
            .get(&(*device, *number))
            .unwrap_or_else(|| panic!("round {round}: revision {number} of device {device} is lost"));
        assert_eq!(&revision.sha256, sha256, "round {round}");
        if place >= before {
            let body = store.blobs().get_sealed(&revision.exact).expect("its body is whole");
            let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(&digest, sha256);
        }
    }
    took
}

/// A store with many devices that are not backed up.
pub fn fill(folder: &Path) {
    let (store, _) = Store::open(folder, Timestamp(0)).unwrap();
    let mut entry = Entry::new(Timestamp(0), "ann", "a test", "device import");
    for number in 1..=DEVICES {
        let (id, name) = (DeviceId(number), format!("device-{number}"));
        entry.add(&id, &blank(id, name.parse().unwrap(), "127.0.0.1".parse().unwrap(), Timestamp(0)));
    }
    store.commit_blocking(entry).unwrap();
}

/// Runs an engine that backs up, kills it after a few acknowledgements, and says what it acknowledged.
fn back_up_until_killed(folder: &Path, round: u64) -> Vec<Acknowledged> {
    let mut writer = start_writer(folder, round);
    let lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
    let wanted = usize::try_from(1 + (round * 7) % 11).unwrap();
    let mut seen = Vec::new();
    for line in lines {
        seen.extend(acknowledged_in(&line));
        if seen.len() >= wanted {
            // Somewhere in the middle of the next ones: the spread of the rounds is the point.
            std::thread::sleep(Duration::from_micros(round * 37 % 900));
            break;
        }
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert!(seen.len() >= wanted, "round {round}: the engine ended by itself");
    seen
}

/// Starts an engine that backs up until it is killed, and prints what it acknowledges.
pub fn start_writer(folder: &Path, round: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store_crash::writer", "--nocapture"])
        .env(FOLDER, format!("{round}:{}", folder.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What a line of it acknowledges.
pub fn acknowledged_in(line: &str) -> Option<Acknowledged> {
    let words: Vec<&str> = line.strip_prefix("acknowledged ")?.split(' ').collect();
    Some((words[0].parse().unwrap(), words[1].parse().unwrap(), words[2].to_owned()))
}

/// Not a test by itself: what the test above runs and kills.
#[test]
fn writer() {
    let Some(order) = std::env::var(FOLDER).ok() else { return };
    let (round, folder) = order.split_once(':').unwrap();
    println!();
    tokio::runtime::Runtime::new().unwrap().block_on(back_up_for_ever(round.parse().unwrap(), folder));
}

async fn back_up_for_ever(round: u64, folder: &str) {
    let (network, hand) = (Network::new(), Hand::new());
    hand.move_by(i64::try_from(round).unwrap() * 3_600_000);
    let engine = engine(Path::new(folder), "", network.clone(), &hand).await;
    if engine.device(NAMES[0]).is_err() {
        add(&engine, &NAMES).await;
    }
    for job in 0.. {
        for name in NAMES {
            let text = format!("hostname {name}\nround {round} job {job}\n{}end\n", "vlan 1\n".repeat(200));
            network.play(name, [Script::Read(text)]);
        }
        hand.move_by(1000);
        run_job(&engine).await;
    }
}

/// Says of each backup that it is done as soon as the job does.
async fn run_job(engine: &std::sync::Arc<Engine>) {
    let these = Selection::names(NAMES);
    let mut job = engine.backup(&ann(), &these, BackupOptions::default()).unwrap();
    while let Some(report) = job.reports.recv().await {
        assert_eq!(report.status, RunStatus::Changed, "{report:?}");
        let device = engine.device(report.device.as_str()).unwrap().id.0;
        let (number, sha256) = (report.revision.unwrap(), report.sha256.unwrap());
        println!("acknowledged {device} {number} {sha256}");
        std::io::stdout().flush().unwrap();
    }
}
