//! What the pulse heard, from probes on a simulated wire to the reports.

use noctule::commands::Exit;
use noctule::engine::Clock;
use noctule::engine::series::Sample;
use noctule::model::Timestamp;
use serde_json::Value;

use crate::command_fixture::Shell;
use crate::wire::{Wire, hang, until, watching};

fn objects(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_heard_is_kept_and_an_outage_is_in_the_report() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    hang(&engine, &[("core-1", "10.0.0.1", ""), ("acc-1", "10.0.0.2", "core-1")]).await;
    until(&engine, "both up", |now| now.pulse.totals.up == 2).await;
    wire.silence(&["10.0.0.2"]);
    until(&engine, "one down", |now| now.pulse.totals.down == 1).await;
    wire.mend(&["10.0.0.2"]);
    until(&engine, "both up again", |now| now.pulse.totals.up == 2 && now.pulse.totals.down == 0).await;
    let acc = engine.device("acc-1").unwrap().id;
    until(&engine, "its losses are decided", |now| {
        now.pulse.row(acc).is_some_and(|row| row.recent.loss().1 >= 3)
    })
    .await;
    let series = engine.series().unwrap();
    tokio::task::spawn_blocking(move || series.flush()).await.unwrap();

    let shell = Shell::over(&engine);
    let (exit, told) = shell.run("pulse history acc-1 --hours 1 --rows 3 --json").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let rows = objects(&told.lines);
    assert_eq!(rows.len(), 4);
    let all = &rows[3];
    assert!(all["sent"].as_u64().unwrap() > all["lost"].as_u64().unwrap());
    assert!(all["lost"].as_u64().unwrap() >= 3, "{all}");
    let median = all["rtt_ms"]["median"].as_f64().unwrap();
    assert!((median / 0.2 - 1.0).abs() < 0.011, "{median}");

    let (_, told) = shell.run("report availability --days 1 --outages --json").await;
    let rows = objects(&told.lines);
    let names: Vec<_> = rows.iter().map(|row| row["device"].as_str()).collect();
    assert_eq!(names, [Some("acc-1"), Some("core-1"), None]);
    let (acc, core) = (&rows[0], &rows[1]);
    assert_eq!((acc["outages"].as_u64(), core["outages"].as_u64()), (Some(1), Some(0)));
    assert!(acc["down_seconds"].as_f64().unwrap() > 0.5, "{acc}");
    assert!(acc["availability_percent"].as_f64().unwrap() < 100.0);
    assert_eq!(core["availability_percent"].as_f64(), Some(100.0));
    assert_eq!(acc["outage_list"].as_array().unwrap().len(), 1);
    assert!(acc["unknown_seconds"].as_f64().unwrap() > 86_000.0, "nobody watched before");
    assert_eq!((rows[2]["devices"].as_u64(), rows[2]["known"].as_u64()), (Some(2), Some(2)));

    let (_, told) = shell.run("report availability").await;
    assert!(
        told.lines.iter().any(|line| line.starts_with("core-1") && line.contains("100 %")),
        "{:?}",
        told.lines
    );
    let (_, told) = shell.run("pulse history acc-1 --hours 1").await;
    assert!(told.lines.iter().any(|line| line.contains('▁')), "{:?}", told.lines);
    let (exit, told) = shell.run("store verify").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.lines);

    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_holds_the_samples_and_a_restored_store_has_them() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    hang(&engine, &[("core-1", "10.0.0.1", "")]).await;
    let device = engine.device("core-1").unwrap().id;
    let then = Timestamp(engine.now().0 - 7_200_000);
    let series = engine.series().unwrap();
    let samples: Vec<Sample> =
        (0..100).map(|n| Sample { device, at: Timestamp(then.0 + n * 1000), rtt: None }).collect();
    series.add(&samples);
    tokio::task::spawn_blocking(move || series.flush()).await.unwrap();
    let copy = folder.path().join("copy");
    let (exit, told) = Shell::over(&engine).run(&format!("store backup --output {}", copy.display())).await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    engine.stop().await;
    drop(engine);

    let copied = folder.path().join("other");
    std::fs::create_dir(&copied).unwrap();
    std::fs::rename(&copy, copied.join("data")).unwrap();
    let engine = watching(&copied, &wire, &[], Clock::system()).await;
    let points = engine.series().unwrap().read(device, then, Timestamp(then.0 + 3_600_000), 1).unwrap();
    assert_eq!((points[0].sent, points[0].lost), (100, 100));
    engine.stop().await;
}

#[tokio::test]
async fn a_period_that_makes_no_sense_is_said() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    hang(&engine, &[("core-1", "10.0.0.1", "")]).await;
    let shell = Shell::over(&engine);
    for (flags, says) in [
        ("--from yesterday", "no moment"),
        ("--from 2026-01-01 --days 3", "say one of them"),
        ("--from 2999-01-01", "no length"),
        ("--days 0", "whole number"),
    ] {
        let (exit, told) = shell.run(&format!("report availability {flags}")).await;
        assert_eq!(exit, Exit::Usage, "{flags}");
        assert!(told.notes.iter().any(|note| note.contains(says)), "{flags}: {:?}", told.notes);
    }
    engine.stop().await;
}
