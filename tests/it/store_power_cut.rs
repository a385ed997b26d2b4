//! The power goes in the middle of a backup run: what was acknowledged is on the disk, not only in the kernel's memory.
//!
//! `NOCTULE_POWER_CUTS=30 cargo test --release --test it store_power_cut -- --nocapture`, as root where loop devices are. The
//! store lies on an ext4 in a file. The engine is stopped at a moment of chance, the file is copied as it is, without
//! any sync, and the copy is mounted: what the file system had not been made to write is not in it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::store_crash::{Acknowledged, acknowledged_in, assert_kept, fill, start_writer};

const CUTS: &str = "NOCTULE_POWER_CUTS";

#[test]
fn no_acknowledged_backup_is_lost_when_the_power_goes() {
    let Ok(cuts) = std::env::var(CUTS) else { return };
    let cuts: u64 = cuts.parse().expect("a number");
    let folder = tempfile::tempdir().unwrap();
    let mut disk = folder.path().join("disk-0");
    std::fs::File::create(&disk).unwrap().set_len(512 << 20).unwrap();
    run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&disk));
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    let mut slowest = Duration::ZERO;
    let mut mounted = Mounted::new(&disk, &folder.path().join("mount"));
    fill(&mounted.0.join("data"));
    for round in 0..cuts {
        let before = acknowledged.len();
        let copy = folder.path().join(format!("disk-{}", round + 1));
        acknowledged.extend(back_up_until_cut(&mounted.0, round, &disk, &copy));
        drop(mounted);
        std::fs::remove_file(&disk).unwrap();
        disk = copy;
        mounted = Mounted::new(&disk, &folder.path().join("mount"));
        slowest = slowest.max(assert_kept(&mounted.0, &acknowledged, before, round));
    }
    let backups = acknowledged.len();
    assert!(backups as u64 > cuts, "only {backups} were acknowledged");
    println!(
        "{cuts} power cuts, {backups} acknowledged backups, none lost, the slowest opening took {slowest:?}"
    );
}

/// Runs an engine that backs up, takes a picture of its disk in the middle of it, and says what it had acknowledged.
fn back_up_until_cut(folder: &Path, round: u64, disk: &Path, copy: &Path) -> Vec<Acknowledged> {
    let mut writer = start_writer(folder, round);
    let wanted = usize::try_from(1 + (round * 7) % 11).unwrap();
    let lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut acknowledged = lines.filter_map(|line| acknowledged_in(&line));
    let mut seen: Vec<Acknowledged> = acknowledged.by_ref().take(wanted).collect();
    // somewhere in the middle of the next ones: the spread of the rounds is the point
    std::thread::sleep(Duration::from_micros(round * 337 % 20_000));
    let pid = Pid::from_child(&writer);
    kill_process(pid, Signal::STOP).unwrap();
    take_picture(disk, copy);
    writer.kill().unwrap();
    writer.wait().unwrap();
    // what it had said before it was stopped
    seen.extend(acknowledged);
    assert!(seen.len() >= wanted, "round {round}: the engine ended by itself");
    seen
}

/// Copies a disk at one moment: again where the kernel wrote to it meanwhile.
fn take_picture(disk: &Path, copy: &Path) {
    let began = Instant::now();
    loop {
        run(Command::new("cp").arg("--sparse=always").args([disk, copy]));
        if Command::new("cmp").arg("-s").args([disk, copy]).status().unwrap().success() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "the disk is never still");
    }
}

/// A file system in a file, mounted.
struct Mounted(PathBuf);

impl Mounted {
    fn new(disk: &Path, at: &Path) -> Self {
        std::fs::create_dir_all(at).unwrap();
        run(Command::new("mount").args(["-o", "loop"]).args([disk, at]));
        Self(at.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?} {status}");
}
