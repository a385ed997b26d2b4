//! Incidents, from probes on a simulated wire to what the console and the event log show.

use noctule::engine::pulse::State;
use noctule::engine::{Actor, Clock};
use noctule::model::{Ending, EventKind};

use crate::engine_fixture::ann;
use crate::wire::{Wire, hang, until, watching};

pub const TREE: &[(&str, &str, &str)] = &[
    ("edge-1", "10.0.0.1", ""),
    ("core-1", "10.0.0.2", "edge-1"),
    ("dist-1", "10.0.0.3", "core-1"),
    ("acc-1", "10.0.0.4", "dist-1"),
    ("acc-2", "10.0.0.5", "dist-1"),
    ("olt-1", "10.0.0.6", "edge-1"),
];

pub const BEHIND_CORE: &[&str] = &["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"];

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_is_one_incident_with_what_lies_behind_and_ends_when_the_root_answers() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    hang(&engine, TREE).await;
    until(&engine, "all up", |now| now.pulse.totals.up == 6).await;

    wire.silence(BEHIND_CORE);
    let now = until(&engine, "an incident with three behind", |now| {
        now.incidents.first().is_some_and(|incident| incident.behind.len() == 3)
    })
    .await;
    let incident = &now.incidents[0];
    assert_eq!((now.incidents.len(), incident.name.as_str()), (1, "core-1"));
    assert_eq!(
        incident.behind.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        ["acc-1", "acc-2", "dist-1"]
    );
    assert!(incident.since <= incident.opened && incident.cause.contains("answer"), "{incident:?}");
    assert!(!incident.before.is_empty(), "core-1 was added a moment ago");

    let by = Actor::new("ann", "on my way", "incident ack 1");
    engine.acknowledge_incident(&by, incident.id, None).await.unwrap();
    assert!(engine.snapshot().incidents[0].is_acknowledged(engine.now()));
    // who comes second is told who was first, and takes their place only by their name
    let bob = Actor::new("bob", "mine", "incident ack 1");
    let late = engine.acknowledge_incident(&bob, incident.id, None).await.unwrap_err();
    assert!(
        late.message.contains("ann has taken note of it at") && late.message.contains("on my way"),
        "{late}"
    );
    assert!(engine.acknowledge_incident_of(&bob, incident.id, None, Some("carol")).await.is_err());
    engine.acknowledge_incident_of(&bob, incident.id, None, Some("ann")).await.unwrap();
    assert_eq!(engine.snapshot().incidents[0].acknowledged.as_ref().unwrap().by, "bob");
    let (one, other) = tokio::join!(
        engine.assign_incident(&by, incident.id, Some("ann")),
        engine.assign_incident(&bob, incident.id, Some("bob"))
    );
    let assigned = engine.snapshot().incidents[0].assigned.clone().unwrap();
    let late = [one, other].into_iter().find_map(Result::err).unwrap();
    assert!(late.message.contains(&format!("{assigned} looks after it")), "{late}");
    let refused = engine.close_incident(&by, incident.id).await.unwrap_err();
    assert!(refused.message.contains("still down"), "{refused}");

    wire.mend(BEHIND_CORE);
    let now = until(&engine, "it is over, and all are up", |now| {
        now.incidents.iter().all(|incident| !incident.is_open()) && now.pulse.totals.up == 6
    })
    .await;
    let over = &now.incidents[0];
    assert_eq!((now.incidents.len(), over.ending.clone()), (1, Some(Ending::Recovered)));
    assert_eq!(over.most_behind, 3);
    let told: Vec<_> =
        now.events.iter().filter(|event| event.incident.is_some()).map(|event| event.kind).collect();
    let noted = EventKind::IncidentNoted;
    assert_eq!(told, [EventKind::IncidentClosed, noted, noted, noted, EventKind::IncidentOpened]);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_incident_survives_a_restart_and_ends_after_it() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    hang(&engine, &TREE[..3]).await;
    until(&engine, "all up", |now| now.pulse.totals.up == 3).await;
    wire.silence(&["10.0.0.2", "10.0.0.3"]);
    until(&engine, "an incident", |now| now.incidents.first().is_some_and(|one| one.behind.len() == 1)).await;
    engine.stop().await;
    drop(engine);

    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    assert_eq!(engine.snapshot().incidents.len(), 1);
    until(&engine, "it is still down", |now| now.pulse.totals.down == 2).await;
    wire.mend(&["10.0.0.2", "10.0.0.3"]);
    let now = until(&engine, "over", |now| now.incidents.iter().all(|one| !one.is_open())).await;
    assert_eq!(now.incidents.len(), 1, "no second one: {:?}", now.incidents);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_paused_or_deleted_has_no_incident() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &[], Clock::system()).await;
    hang(&engine, &TREE[..2]).await;
    hang(&engine, &[("gone-1", "10.0.0.9", "")]).await;
    wire.silence(&["10.0.0.2", "10.0.0.9"]);
    until(&engine, "two incidents", |now| now.incidents.len() == 2).await;
    let pause = [noctule::engine::fields::Change::new(noctule::engine::fields::Field::Paused, "yes")];
    engine.edit_device(&ann(), "core-1", &pause).await.unwrap();
    engine.remove_devices(&ann(), &["gone-1".to_owned()]).await.unwrap();
    let now = until(&engine, "none", |now| now.incidents.iter().all(|one| !one.is_open())).await;
    assert!(now.incidents.iter().all(|one| one.ending == Some(Ending::Unwatched)));
    assert_eq!(now.pulse.rows.len(), 2);
    assert_eq!((now.pulse.totals.paused, now.pulse.rows[0].state), (1, State::Up));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_this_host_is_cut_off_nobody_is_down() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let engine = watching(folder.path(), &wire, &["10.0.9.1", "10.0.9.2"], Clock::system()).await;
    hang(&engine, TREE).await;
    until(&engine, "all up", |now| now.pulse.totals.up == 6).await;
    let all = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"];
    let canaries = ["10.0.9.1", "10.0.9.2"];
    // the canaries were heard before: they are trusted
    until(&engine, "a while later", |now| now.pulse.rows[0].recent.loss().0 >= 4).await;
    wire.silence(&canaries);
    wire.silence(&all);
    let cut = until(&engine, "cut off", |now| now.pulse.cut_off.is_some()).await;
    assert_eq!(cut.incidents.len(), 0);
    let later = until(&engine, "a while later", |now| {
        now.pulse.at.zip(now.pulse.cut_off).is_some_and(|(at, since)| since.age(at).as_secs() >= 5)
    })
    .await;
    assert_eq!((later.incidents.len(), later.pulse.totals.down), (0, 0), "states stand as they were");
    wire.mend(&all);
    wire.mend(&canaries);
    let now =
        until(&engine, "it sees again", |now| now.pulse.cut_off.is_none() && now.pulse.totals.up == 6).await;
    assert_eq!(now.incidents.len(), 0);
    let told = now.events.iter().filter(|event| event.kind == EventKind::Pulse).count();
    assert_eq!(told, 2, "once each: {:?}", now.events);
    engine.stop().await;
}
