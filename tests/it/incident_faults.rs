//! What goes wrong beside a plain outage, through a whole engine: answers that are none, devices that move, clocks that
//! are set, a host that sleeps or sees nobody, planned work that ends.

use std::sync::Arc;
use std::time::Duration;

use noctule::engine::Engine;
use noctule::engine::fields::{Change, Field};
use noctule::engine::incident::NewMaintenance;
use noctule::engine::pulse::State;
use noctule::engine::snapshot::Snapshot;
use noctule::engine::{Actor, Clock};
use noctule::model::{Ending, EventKind, Scope};

use crate::engine_fixture::ann;
use crate::incidents::{BEHIND_CORE, TREE};
use crate::wire::{Shifted, Wire, hang, until, watching};

const HOUR: i64 = 3_600_000;
const ALL: &[&str] = &["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"];

/// How many probes of a device were decided, and how many of them were lost.
fn counted(now: &Snapshot, place: usize) -> (u32, u32) {
    now.pulse.rows[place].recent.loss()
}

/// Waits until every device has so many more probes that were decided.
async fn probed_on(engine: &Arc<Engine>, more: u32) -> Arc<Snapshot> {
    let before = engine.snapshot();
    until(engine, "each device was probed again", |now| {
        (0..before.pulse.rows.len()).all(|place| counted(now, place).0 >= counted(&before, place).0 + more)
    })
    .await
}

fn open(now: &Snapshot) -> Vec<&str> {
    now.incidents.iter().filter(|one| one.is_open()).map(|one| one.name.as_str()).collect()
}

fn told(now: &Snapshot, kind: EventKind) -> usize {
    now.events.iter().filter(|event| event.kind == kind).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_three_times_counts_once() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    wire.double("10.0.0.1");
    hang(&engine, &TREE[..1]).await;
    let now = until(&engine, "four answers", |now| {
        now.pulse.rows.first().is_some_and(|row| row.recent.loss().0 >= 4)
    })
    .await;
    let (decided, lost) = counted(&now, 0);
    assert!(decided <= wire.asked("10.0.0.1") && lost == 0, "{decided} of {}", wire.asked("10.0.0.1"));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_from_another_address_brings_nobody_back() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    hang(&engine, &TREE[..3]).await;
    until(&engine, "all up", |now| now.pulse.totals.up == 3).await;
    // the address of another device that is watched is no better than any other
    wire.replace("10.0.0.3", "10.0.0.2");
    let now = until(&engine, "an incident", |now| open(now) == ["dist-1"]).await;
    assert_eq!((now.pulse.totals.up, now.pulse.totals.down), (2, 1));
    assert_eq!(counted(&now, 1).1, 0, "nor is it a fault of that one");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_moves_is_down_until_its_record_says_where_it_is() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    hang(&engine, &TREE[..2]).await;
    until(&engine, "all up", |now| now.pulse.totals.up == 2).await;
    wire.silence(&["10.0.0.2"]);
    until(&engine, "an incident", |now| open(now) == ["core-1"]).await;
    assert_eq!(wire.asked("10.0.0.77"), 0);
    engine.edit_device(&ann(), "core-1", &[Change::new(Field::Address, "10.0.0.77")]).await.unwrap();
    let now =
        until(&engine, "it is over, and it is up", |now| open(now).is_empty() && now.pulse.totals.up == 2)
            .await;
    assert_eq!(now.incidents[0].ending, Some(Ending::Recovered));
    let row = &now.pulse.rows[1];
    assert_eq!(row.address, Some("10.0.0.77".parse().unwrap()));
    assert_eq!(row.recent.loss().1, 0, "what was lost at the old address is not the new one's");
    let before = wire.asked("10.0.0.2");
    probed_on(&engine, 2).await;
    assert_eq!(wire.asked("10.0.0.2"), before, "nobody asks there any more");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_with_one_address_are_both_as_it_is_and_the_doctor_names_them() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    hang(
        &engine,
        &[("edge-1", "10.0.0.1", ""), ("old-1", "10.0.0.2", "edge-1"), ("new-1", "10.0.0.2", "edge-1")],
    )
    .await;
    let now = until(&engine, "all up", |now| now.pulse.totals.up == 3).await;
    assert!((0..3).all(|place| counted(&now, place).1 == 0), "each has answers of its own");
    let findings = engine.doctor().await.unwrap();
    let found = findings.iter().find(|found| found.message.contains("10.0.0.2")).unwrap();
    assert_eq!(found.message, "new-1 and old-1 have one address, 10.0.0.2: they are up and down together");
    wire.silence(&["10.0.0.2"]);
    let now = until(&engine, "both are down", |now| now.pulse.totals.down == 2 && open(now).len() == 2).await;
    assert_eq!(now.pulse.rows[0].state, State::Up);
    wire.mend(&["10.0.0.2"]);
    until(&engine, "both are back", |now| now.pulse.totals.up == 3 && open(now).is_empty()).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_makes_no_incident_and_hides_none() {
    let (folder, wire, clock) = (tempfile::tempdir().unwrap(), Wire::default(), Shifted::default());
    let engine = watching(folder.path(), &wire, &[], clock.clock()).await;
    hang(&engine, TREE).await;
    until(&engine, "all up", |now| now.pulse.totals.up == 6).await;
    for jump in [8 * HOUR, -16 * HOUR] {
        clock.move_by(jump);
        let now = probed_on(&engine, 2).await;
        assert_eq!((now.pulse.totals.up, now.incidents.len()), (6, 0), "after {jump}");
        let age = now.pulse.rows[0].last_reply.unwrap().age(engine.now());
        assert!(age < Duration::from_secs(30), "{age:?} after {jump}");
    }

    wire.silence(BEHIND_CORE);
    let now = until(&engine, "one with three behind", |now| {
        now.incidents.first().is_some_and(|incident| incident.behind.len() == 3)
    })
    .await;
    assert_eq!((now.incidents.len(), open(&now)), (1, vec!["core-1"]));
    wire.mend(BEHIND_CORE);
    until(&engine, "all are back", |now| now.pulse.totals.up == 6 && open(now).is_empty()).await;
    // what hangs on one that has just come back has half a minute to do so too, and not an hour and a half
    clock.move_by(-HOUR);
    probed_on(&engine, 1).await;
    wire.silence(&["10.0.0.4"]);
    let now = until(&engine, "the next trouble", |now| open(now) == ["acc-1"]).await;
    assert_eq!(now.incidents.len(), 2);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_changes_no_length() {
    let (folder, wire, clock) = (tempfile::tempdir().unwrap(), Wire::default(), Shifted::default());
    let engine = watching(folder.path(), &wire, &[], clock.clock()).await;
    hang(&engine, TREE).await;
    until(&engine, "all up", |now| now.pulse.totals.up == 6).await;
    for jump in [-16 * HOUR, 8 * HOUR] {
        let begun = std::time::Instant::now();
        wire.silence(BEHIND_CORE);
        until(&engine, "it is down", |now| open(now) == ["core-1"]).await;
        clock.move_by(jump);
        probed_on(&engine, 1).await;
        wire.mend(BEHIND_CORE);
        let now = until(&engine, "it is over", |now| open(now).is_empty()).await;
        let over = now.incidents.iter().max_by_key(|incident| incident.id).unwrap();
        let lasted = over.lasts(engine.now()).unwrap();
        assert!(
            !lasted.is_zero() && lasted <= begun.elapsed() + Duration::from_secs(10),
            "{lasted:?} after {jump}"
        );
        until(&engine, "all are back", |now| now.pulse.totals.up == 6).await;
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_sleeps_wakes_without_a_storm() {
    let (folder, wire, clock) = (tempfile::tempdir().unwrap(), Wire::default(), Shifted::default());
    let engine = watching(folder.path(), &wire, &["10.0.9.1"], clock.clock()).await;
    hang(&engine, TREE).await;
    until(&engine, "all up", |now| now.pulse.totals.up == 6 && now.pulse.canary_heard.is_some()).await;
    let before = wire.asked("10.0.0.1");
    wire.suspend(Duration::from_millis(3500));
    let now = until(&engine, "it has slept", |_| wire.has_slept()).await;
    clock.move_by(8 * HOUR);
    assert_eq!((now.pulse.totals.up, now.pulse.cut_off), (6, None), "{:?}", now.pulse.totals);
    let now = probed_on(&engine, 3).await;
    assert_eq!((now.pulse.totals.up, now.incidents.len(), told(&now, EventKind::Pulse)), (6, 0, 0));
    assert!((0..6).all(|place| counted(&now, place).1 == 0), "what was under way says nothing");
    assert!(wire.asked("10.0.0.1") - before < 8, "what was missed is not made up for");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_sees_nobody_from_its_start_on_knows_nothing() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    wire.silence(ALL);
    wire.silence(&["10.0.9.1", "10.0.9.2"]);
    let engine = watching(folder.path(), &wire, &["10.0.9.1", "10.0.9.2"], Clock::system()).await;
    hang(&engine, TREE).await;
    until(&engine, "cut off", |now| now.pulse.cut_off.is_some()).await;
    let now = probed_on(&engine, 5).await;
    assert_eq!((now.pulse.totals.unknown, now.incidents.len()), (6, 0), "{:?}", now.pulse.totals);

    // the canaries may be dead; one device that answers is enough to know that the others do not
    wire.mend(&["10.0.0.1"]);
    let now = until(&engine, "one with three behind, and one", |now| {
        now.pulse.cut_off.is_none() && open(now) == ["core-1", "olt-1"] || open(now) == ["olt-1", "core-1"]
    })
    .await;
    assert_eq!(now.incidents.len(), 2);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn planned_work_on_a_subtree_ends_without_a_storm() {
    let (folder, wire, clock) = (tempfile::tempdir().unwrap(), Wire::default(), Shifted::default());
    let engine = watching(folder.path(), &wire, &[], clock.clock()).await;
    hang(&engine, TREE).await;
    until(&engine, "all up", |now| now.pulse.totals.up == 6).await;
    let by = Actor::new("ann", "new line cards", "maintenance add");
    let length = Duration::from_secs(3600);
    let subtree = NewMaintenance { scope: Scope::Subtree("core-1".parse().unwrap()), from: None, length };
    let window = engine.add_maintenance(&by, subtree).await.unwrap();
    until(&engine, "four in planned work", |now| now.pulse.totals.planned == 4).await;
    wire.silence(BEHIND_CORE);
    until(&engine, "they are down", |now| now.pulse.totals.down == 4).await;
    let now = probed_on(&engine, 2).await;
    assert!(now.incidents.is_empty(), "{:?}", now.incidents);

    engine.end_maintenance(&by, window.id).await.unwrap();
    until(&engine, "it is over", |now| now.pulse.totals.planned == 0).await;
    let now = probed_on(&engine, 2).await;
    assert!(now.incidents.is_empty(), "they have a while to come back: {:?}", now.incidents);
    wire.mend(&["10.0.0.2"]);
    until(&engine, "the first is back", |now| now.pulse.totals.down == 3).await;
    let now = probed_on(&engine, 2).await;
    assert!(now.incidents.is_empty(), "{:?}", now.incidents);
    clock.move_by(31_000);
    let now = until(&engine, "what did not come back is one trouble", |now| {
        now.incidents.first().is_some_and(|incident| incident.behind.len() == 2)
    })
    .await;
    assert_eq!((now.incidents.len(), open(&now)), (1, vec!["dist-1"]), "{:?}", now.incidents);
    wire.mend(BEHIND_CORE);
    until(&engine, "all up", |now| now.pulse.totals.up == 6 && open(now).is_empty()).await;
    engine.stop().await;
}
