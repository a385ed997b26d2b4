//! A disk that is really full: a small file system of its own, where the test may mount one.

use std::path::Path;
use std::process::{Command, Stdio};

use noctule::engine::Selection;
use noctule::engine::history::View;
use noctule::model::{FailureKind, RunStatus};

use crate::engine_fixture::{Hand, Network, Script, add, back_up, engine};

/// A file system in memory, gone with this.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(folder: &'a Path) -> Option<Self> {
        run("mount", &["-t", "tmpfs", "-o", "size=4m", "tmpfs"], folder).then_some(Self(folder))
    }

    fn make_room(&self) {
        assert!(run("mount", &["-o", "remount,size=64m"], self.0));
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
    small.make_room();
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
