//! A disk that is really full: a small file system of its own, where the test may mount one.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;

use noctule::commands::Exit;
use noctule::engine::Selection;
use noctule::engine::history::View;
use noctule::model::{FailureKind, RunStatus};

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, Network, Script, add, ann, back_up, engine};

/// A file system in memory, gone with this.
pub struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    pub fn mount(folder: &'a Path) -> Option<Self> {
        run("mount", &["-t", "tmpfs", "-o", "size=4m", "tmpfs"], folder).then_some(Self(folder))
    }

    pub fn make_room(&self, megabytes: u32) {
        assert!(run("mount", &["-o", &format!("remount,size={megabytes}m")], self.0));
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        run("umount", &["-l"], self.0);
    }
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).arg(folder).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Text that does not compress.
fn configuration(number: u64) -> String {
    let mut state = number + 1;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("line {state:016x}\n")
    });
    words.take(3_000).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_full_disk_and_work_goes_on_when_there_is_room() {
    let outer = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(outer.path()) else {
        println!("skipped: this user may not mount a small file system to fill");
        return;
    };
    let (network, hand) = (Network::new(), Hand::new());
    let names = ["a", "b", "c"];
    let mut acknowledged = Vec::new();
    {
        let engine = engine(outer.path(), "[backup]\nretries = 0\n", network.clone(), &hand).await;
        add(&engine, &names).await;
        let mut failures = Vec::new();
        for round in 0..60 {
            for (place, name) in names.iter().enumerate() {
                network.play(name, [Script::Read(configuration(round * 10 + place as u64))]);
            }
            hand.move_by(1000);
            for report in back_up(&engine, &Selection::all()).await {
                match report.status {
                    RunStatus::Changed => acknowledged.push((report.device, report.revision, report.sha256)),
                    _ => failures.push(report.error.unwrap()),
                }
            }
            if failures.len() >= 6 {
                break;
            }
        }
        assert!(failures.len() >= 6, "the disk was never full");
        for failure in &failures {
            assert_eq!(failure.kind, FailureKind::Storage, "{failure}");
        }
        assert!(failures[0].message.contains("No space left"), "{}", failures[0]);
        engine.stop().await;
    }
    assert!(!acknowledged.is_empty());
    small.make_room(64);
    let engine = engine(outer.path(), "", network.clone(), &hand).await;
    for (name, number, sha256) in &acknowledged {
        let device = engine.device(name.as_str()).unwrap();
        let revision = engine.revision(&device, &number.unwrap().to_string()).await.unwrap();
        assert_eq!(Some(&revision.sha256), sha256.as_ref());
        engine.text(&revision, View::Exact).await.unwrap();
    }
    hand.move_by(1000);
    names.iter().for_each(|name| network.play(name, [Script::Read("hostname again\nend\n".into())]));
    let reports = back_up(&engine, &Selection::all()).await;
    assert!(reports.iter().all(|report| report.status == RunStatus::Changed), "{reports:?}");
    engine.stop().await;
    drop(engine);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_engine_goes_on_by_itself_when_a_full_disk_has_room_again() {
    let outer = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(outer.path()) else {
        println!("skipped: this user may not mount a small file system to fill");
        return;
    };
    let (network, hand) = (Network::new(), Hand::new());
    let engine = engine(outer.path(), "[backup]\nretries = 0\n", network.clone(), &hand).await;
    add(&engine, &["a"]).await;
    // until the last block is taken, also by the index, which writes behind the answers
    let filler = outer.path().join("filler");
    let mut refused = Vec::new();
    for number in 0..5_000 {
        fill(&filler);
        let name = format!("asset-{number}");
        match engine.add_device(&ann(), &name, "127.0.0.1", &[]).await {
            Ok(_) => {}
            Err(error) => refused.push((name, error.message)),
        }
        if refused.len() >= 20 {
            break;
        }
    }
    assert!(refused.len() >= 20, "the disk was never full");
    for (name, why) in &refused {
        assert!(why.contains("No space left"), "{why}");
        assert!(engine.device(name).is_err(), "{name} was refused");
    }
    assert!(
        engine.snapshot().store_trouble.is_some()
            || engine
                .doctor()
                .await
                .unwrap()
                .iter()
                .any(|found| { found.topic == "store" && found.message.contains("No space left") })
    );

    small.make_room(64);
    network.play("a", [Script::Read(configuration(1))]);
    let reports = back_up(&engine, &Selection::all()).await;
    let report = reports.iter().find(|report| report.device.as_str() == "a").unwrap();
    assert_eq!(report.status, RunStatus::Changed, "{report:?}");
    engine.add_device(&ann(), "after", "127.0.0.1", &[]).await.unwrap();
    let found = engine.doctor().await.unwrap();
    assert!(found.iter().all(|found| found.topic != "store" || found.advice.is_empty()), "{found:?}");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_journalled_is_refused_before_it_touches_a_device_or_tells_a_secret() {
    let outer = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(outer.path()) else {
        println!("skipped: this user may not mount a small file system to fill");
        return;
    };
    let (network, hand) = (Network::new(), Hand::new());
    let engine = engine(outer.path(), "[backup]\nretries = 0\n", network.clone(), &hand).await;
    add(&engine, &["a", "b"]).await;
    network.play("a", [Script::Read("hostname a\nsecret hunter2\nend\n".into())]);
    network.play("b", [Script::Fail(FailureKind::Prompt)]);
    back_up(&engine, &Selection::all()).await;
    let sessions = network.sessions.load(Ordering::SeqCst);
    let shell = Shell::over(&engine);
    shell.file("secrets", "password=hunter2\n");
    assert_eq!(shell.run("credential add lab --secrets-from secrets").await.0, Exit::Done);
    let filler = outer.path().join("filler");
    let (mut refused, mut number) = (0, 0);
    while refused < 20 {
        fill(&filler);
        number += 1;
        let added = engine.add_device(&ann(), &format!("asset-{number}"), "127.0.0.1", &[]).await;
        refused += usize::from(added.is_err());
    }
    let copy = outer.path().join("copy");
    for line in [
        "backup run --all",
        "identity run --all",
        "device edit a group=core",
        "device rm a",
        "credential reveal lab --reason test",
        "device edit b location=x --revision 1",
        "backup show a --view exact",
        "backup export /tmp/nowhere --all --view exact",
        "recording show b",
        "recording save b",
        "driver new mine",
        "audit export --output /tmp/nowhere",
        &format!("store backup --output {}", copy.display()),
    ] {
        fill(&filler);
        let (exit, told) = shell.run(line).await;
        assert_eq!(exit, Exit::Failed, "{line}: {:?} {:?}", told.lines, told.notes);
        // the index may fail first: it writes behind the answers
        let says = told.notes.concat();
        assert!(says.contains("No space left") || says.contains("being opened again"), "{line}: {says}");
        assert!(told.bytes.is_empty() && told.written.is_empty(), "{line}");
        assert!(!format!("{:?}", told.lines).contains("hunter2"), "{line}: {:?}", told.lines);
        assert!(!says.contains("hunter2"), "{line}: {says}");
    }
    assert_eq!(network.sessions.load(Ordering::SeqCst), sessions, "a device was touched");
    assert!(!copy.exists() && !engine.drivers_dir().join("mine").exists());
    // the trail itself is still read
    assert_eq!(shell.run("audit list").await.0, Exit::Done);
    small.make_room(64);
    assert_eq!(shell.run("backup run a").await.0, Exit::Done);
    assert_eq!(shell.run("audit verify").await.0, Exit::Done);
    engine.stop().await;
}

/// Takes what room there is left.
fn fill(filler: &Path) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(filler).unwrap();
    for size in [1 << 16, 1 << 12] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
}
