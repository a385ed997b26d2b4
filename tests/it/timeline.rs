//! A device's timeline, from what the engine keeps to what the shell says.

use noctule::commands::Exit;
use noctule::engine::Clock;
use serde_json::Value;

use crate::command_fixture::Shell;
use crate::wire::{Wire, hang, until, watching};

async fn told(shell: &Shell, line: &str) -> Vec<Value> {
    let (exit, told) = shell.run(line).await;
    assert_eq!(exit, Exit::Done, "{line}: {:?}", told.notes);
    told.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_to_a_device_is_told_side_by_side() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    hang(&engine, &[("core-1", "10.0.0.1", ""), ("acc-1", "10.0.0.2", "core-1")]).await;
    until(&engine, "both up", |now| now.pulse.totals.up == 2).await;
    wire.silence(&["10.0.0.1", "10.0.0.2"]);
    until(&engine, "one incident", |now| now.incidents.first().is_some_and(|one| one.behind.len() == 1))
        .await;
    let shell = Shell::over(&engine);
    let (exit, said) = shell.run("incident ack 1 --why \"power cut\"").await;
    assert_eq!(exit, Exit::Done, "{:?}", said.notes);
    shell.run("incident comment 1 \"on the way\"").await;
    shell.run("incident assign 1 carol").await;
    shell.run("device edit core-1 location=cellar").await;

    let open = told(&shell, "device timeline core-1 --json").await;
    assert!(open.iter().any(|entry| entry["what"] == "does not answer"), "before the log has it: {open:?}");
    wire.mend(&["10.0.0.1", "10.0.0.2"]);
    until(&engine, "over", |now| now.incidents.iter().all(|one| !one.is_open())).await;
    shell.run("maintenance add core-1 --behind --for 1h --why \"new power supply\"").await;
    shell.run("maintenance end 1").await;
    let series = engine.series().unwrap();
    tokio::task::spawn_blocking(move || series.flush()).await.unwrap();

    let entries = told(&shell, "device timeline core-1 --json").await;
    let what = |kind: &str| -> Vec<&str> {
        let of_kind = entries.iter().rev().filter(|entry| entry["kind"] == kind);
        of_kind.map(|entry| entry["what"].as_str().unwrap()).collect()
    };
    let pulse = what("pulse");
    assert_eq!((pulse.len(), pulse[0]), (2, "does not answer"), "{pulse:?}");
    assert!(pulse[1].starts_with("answers again after "), "{pulse:?}");
    let incident = what("incident");
    assert_eq!(incident.len(), 5, "begin, note, comment, who has it, end: {incident:?}");
    assert!(incident[0].starts_with("incident 1 begins, 1 behind it"), "{incident:?}");
    for what in ["incident 1 acknowledged: power cut", "incident 1, comment: on the way"] {
        assert!(incident[1..4].contains(&what), "{incident:?}");
    }
    assert!(incident[1..4].iter().any(|what| what.contains("carol looks after it")), "{incident:?}");
    assert!(incident[4].starts_with("incident 1 is over after "), "{incident:?}");
    assert_eq!(what("maintenance").len(), 2, "{:?}", what("maintenance"));
    assert_eq!(what("maintenance")[1], "planned work 1 is ended early");
    assert!(what("record").iter().any(|what| what.contains("location changed by")), "{:?}", what("record"));
    let at: Vec<&str> = entries.iter().map(|entry| entry["at"].as_str().unwrap()).collect();
    assert!(at.windows(2).all(|pair| pair[0] >= pair[1]), "the newest first: {at:?}");
    let comment = entries.iter().find(|entry| entry["what"] == "incident 1, comment: on the way").unwrap();
    assert_eq!((comment["incident"].as_u64(), comment["revision"].as_u64()), (Some(1), None));
    assert!(comment["by"].as_str().is_some_and(|by| !by.is_empty()));

    // that which only lay behind it has the incident and the work too
    let behind = told(&shell, "device timeline acc-1 --kind incident --kind maintenance --json").await;
    let lies = "incident 1 begins at core-1, which this lay behind: no answer";
    assert!(behind.iter().any(|entry| entry["what"] == lies), "{behind:?}");
    assert!(behind.iter().any(|entry| entry["kind"] == "maintenance"), "{behind:?}");
    assert!(behind.iter().all(|entry| entry["kind"] != "pulse"), "{behind:?}");

    // who lay behind it is kept: wherever that hangs by now, and nobody who came later is
    assert_eq!(shell.run("device edit acc-1 parent= name=acc-one").await.0, Exit::Done);
    hang(&engine, &[("acc-2", "10.0.0.3", "core-1")]).await;
    let moved = told(&shell, "device timeline acc-one --kind incident --json").await;
    assert!(moved.iter().any(|entry| entry["what"] == lies), "{moved:?}");
    assert_eq!(told(&shell, "device timeline acc-2 --kind incident --json").await, Vec::<Value>::new());
    assert_eq!(
        told(&shell, "incident show 1 --json").await[0]["been_behind"],
        serde_json::json!(["acc-one"])
    );
    let (_, said) = shell.run("incident show 1").await;
    assert!(said.lines.iter().any(|line| line.contains("1 lay behind it: acc-one")), "{:?}", said.lines);

    let (_, said) = shell.run("device timeline core-1 --kind pulse --limit 1").await;
    assert!(said.lines.iter().any(|line| line.contains("answers again")), "{:?}", said.lines);
    for (line, says) in [
        ("device timeline nobody", "nobody"),
        ("device timeline core-1 --kind odd", "none of config"),
        ("device timeline core-1 --since 1d --days 3", "say one of them"),
    ] {
        let (exit, said) = shell.run(line).await;
        assert!(exit != Exit::Done && said.notes.iter().any(|note| note.contains(says)), "{:?}", said.notes);
    }
    engine.stop().await;
}
