//! `kill -9` in the middle of writing: nothing that was acknowledged is lost, and the store opens every time.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use noctule::model::{BlobRef, DeviceId, Evidence, Revision, RevisionState, Timestamp};
use noctule::store::{Entry, RevisionKey, Store};

const ROUNDS: u32 = 200;
const FOLDER: &str = "NOCTULE_TEST_CRASH_FOLDER";

#[test]
fn no_acknowledged_revision_is_lost_by_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        acknowledged = write_until_killed(folder.path(), acknowledged, round);
        let (store, _) = Store::open(folder.path(), Timestamp(0)).expect("the store opens");
        let revisions = store.scan::<Revision>(&[]).unwrap();
        let newest = revisions.last().map_or(0, |(key, _)| key.1);
        assert!(newest >= acknowledged, "round {round}: {acknowledged} acknowledged, {newest} there");
        for (key, revision) in revisions.iter().rev().take(30) {
            let body =
                store.blobs().get_sealed(&revision.exact).expect("the body of a named revision is whole");
            assert_eq!(body, configuration(key.1));
        }
        acknowledged = newest;
    }
    assert!(acknowledged > ROUNDS, "the writer wrote only {acknowledged}");
}

/// Runs a writer, kills it after a few acknowledgements, and says which was the last.
fn write_until_killed(folder: &Path, from: u32, round: u32) -> u32 {
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store_crash::writer", "--nocapture"])
        .env(FOLDER, format!("{from}:{}", folder.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut last = from;
    let lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
    let wanted = 1 + (round * 7) % 23;
    for number in lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok()) {
        last = number;
        if last >= from + wanted {
            // Somewhere in the middle of the next writes: the spread of the rounds is the point.
            std::thread::sleep(Duration::from_micros(u64::from(round * 37 % 900)));
            break;
        }
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    last
}

/// Not a test by itself: what the test above runs and kills.
#[test]
fn writer() {
    let Some(order) = std::env::var(FOLDER).ok() else { return };
    let (from, folder) = order.split_once(':').unwrap();
    let (store, _) = Store::open(Path::new(folder), Timestamp(0)).unwrap();
    println!();
    for number in from.parse::<u32>().unwrap() + 1.. {
        let body = configuration(number);
        let exact = store.blobs().put_sealed(&body).unwrap();
        let revision = revision(number, exact);
        let key = RevisionKey(revision.device, number);
        store
            .commit_blocking(Entry::new(Timestamp(0), "schedule", "", "backup run").put(&key, &revision))
            .unwrap();
        println!("acknowledged {number}");
    }
}

fn configuration(number: u32) -> Vec<u8> {
    format!("hostname core-{number}\n").repeat(100).into_bytes()
}

fn revision(number: u32, body: BlobRef) -> Revision {
    Revision {
        device: DeviceId(1),
        number,
        at: Timestamp(0),
        last_seen: Timestamp(0),
        exact: body,
        normal: body,
        sha256: String::new(),
        lines: 100,
        evidence: Evidence::default(),
        state: RevisionState::Good,
    }
}
