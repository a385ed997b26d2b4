//! What is seen of a network with faults, over real sockets. Each scene has a network of its own: 10.70.N.0/24 and
//! fd70:0:0:N::/64.

use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use noctule::commands::Exit;
use noctule::device::icmp::Probers;
use noctule::engine::pulse::State;
use noctule::engine::snapshot::Snapshot;
use noctule::engine::{Clock, Engine};
use noctule::model::{Ending, EventKind};
use serde_json::Value;

use super::fleet::{Fleet, Manner, v4, v6};
use super::is_inside;
use crate::command_fixture::Shell;
use crate::wire::{hang, until, watching_by};

/// An engine over this host's real sockets.
async fn watching(folder: &Path, canaries: &[IpAddr]) -> Arc<Engine> {
    let canaries: Vec<String> = canaries.iter().map(ToString::to_string).collect();
    let canaries: Vec<&str> = canaries.iter().map(String::as_str).collect();
    watching_by(folder, Probers::default(), &canaries, Clock::system()).await
}

async fn add(engine: &Arc<Engine>, devices: &[(&str, IpAddr, &str)]) {
    for (name, address, parent) in devices {
        hang(engine, &[(name, &address.to_string(), parent)]).await;
    }
}

fn told(now: &Snapshot, kind: EventKind) -> usize {
    now.events.iter().filter(|event| event.kind == kind).count()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in a network namespace"]
async fn delay_loss_copies_and_strangers_are_measured_and_counted() {
    if !is_inside() {
        return;
    }
    let (folder, fleet) = (tempfile::tempdir().unwrap(), Fleet::start(1));
    let engine = crate::engine_fixture::engine(
        folder.path(),
        "",
        crate::engine_fixture::Network::new(),
        &crate::engine_fixture::Hand::new(),
    )
    .await;
    let devices = [
        ("near", v4(1, 1), ""),
        ("near6", v6(1, 1), ""),
        ("far", v4(1, 2), ""),
        ("far6", v6(1, 2), ""),
        ("lossy", v4(1, 3), ""),
        ("lossy6", v6(1, 3), ""),
        ("copied", v4(1, 4), ""),
        ("copied6", v6(1, 4), ""),
        ("strange", v4(1, 5), ""),
        ("strange6", v6(1, 5), ""),
    ];
    add(&engine, &devices).await;
    let far =
        Manner { delay: Duration::from_millis(80), jitter: Duration::from_millis(20), ..Manner::default() };
    fleet.tell(&[v4(1, 2), v6(1, 2)], far);
    fleet.tell(&[v4(1, 3), v6(1, 3)], Manner { loses: 4, ..Manner::default() });
    fleet.tell(&[v4(1, 4), v6(1, 4)], Manner { copies: 2, ..Manner::default() });
    fleet.tell(&[v4(1, 5)], Manner { stranger: Some(v4(1, 99)), ..Manner::default() });
    fleet.tell(&[v6(1, 5)], Manner { stranger: Some(v6(1, 99)), ..Manner::default() });

    let (exit, told) = Shell::over(&engine).run("pulse check --all --interval 0.1 --for 2 --json").await;
    assert_eq!(exit, Exit::Failed, "two never answered: {:?}", told.notes);
    let objects: Vec<Value> = told.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (summary, counted) = objects.split_last().unwrap();
    let of = |name: &str| counted.iter().find(|one| one["device"] == name).unwrap();
    for (name, received) in [("near", 20), ("far", 20), ("lossy", 15), ("copied", 20), ("strange", 0)] {
        for name in [name.to_owned(), format!("{name}6")] {
            let one = of(&name);
            let counts = ["sent", "received", "lost"].map(|field| one[field].as_u64().unwrap());
            assert_eq!(counts, [20, received, 20 - received], "{one}");
        }
    }
    for name in ["far", "far6"] {
        let [min, avg] = ["min", "avg"].map(|field| of(name)["rtt_ms"][field].as_f64().unwrap());
        assert!((80.0..100.0).contains(&min) && (84.0..140.0).contains(&avg), "{}", of(name));
    }
    let near = of("near")["rtt_ms"]["min"].as_f64().unwrap();
    assert!(near < 40.0, "{}", of("near"));
    assert_eq!((&summary["method"], &summary["duplicates"]), (&"raw".into(), &80.into()), "{summary}");
    assert_eq!((&summary["other_address"], &summary["forged"]), (&40.into(), &0.into()), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in a network namespace"]
async fn a_router_that_takes_others_with_it_is_one_incident_with_its_length() {
    if !is_inside() {
        return;
    }
    let (folder, fleet) = (tempfile::tempdir().unwrap(), Fleet::start(2));
    let behind: Vec<IpAddr> = (11..=16).map(|host| v4(2, host)).chain([v6(2, 17)]).collect();
    let far =
        Manner { delay: Duration::from_millis(40), jitter: Duration::from_millis(10), ..Manner::default() };
    fleet.tell(&behind, far);
    let engine = watching(folder.path(), &[]).await;
    add(&engine, &[("edge", v4(2, 1), ""), ("router", v4(2, 2), "edge"), ("beside", v4(2, 3), "edge")]).await;
    for (number, address) in behind.iter().enumerate() {
        add(&engine, &[(&format!("acc-{number}"), *address, "router")]).await;
    }
    let before = until(&engine, "all up", |now| now.pulse.totals.up == 10).await;
    let rtt = before.pulse.rows.last().unwrap().recent.newest().unwrap();
    assert!((40..200).contains(&rtt.as_millis()), "{rtt:?}");

    fleet.silence(&behind);
    fleet.silence(&[v4(2, 2)]);
    let cut = until(&engine, "one with seven behind", |now| {
        now.incidents.first().is_some_and(|incident| incident.behind.len() == 7)
    })
    .await;
    assert_eq!((cut.incidents.len(), cut.incidents[0].name.as_str()), (1, "router"), "{:?}", cut.incidents);
    until(&engine, "all of them are down", |now| now.pulse.totals.down == 8).await;

    fleet.tell(&behind, far);
    fleet.mend(&[v4(2, 2)]);
    let mended = until(&engine, "it is over, and all are up", |now| {
        now.incidents.iter().all(|incident| !incident.is_open()) && now.pulse.totals.up == 10
    })
    .await;
    let over = &mended.incidents[0];
    assert_eq!((mended.incidents.len(), over.ending.clone()), (1, Some(Ending::Recovered)));
    let took = over.since.age(over.closed.unwrap());
    assert!((Duration::from_secs(1)..Duration::from_secs(60)).contains(&took), "{took:?}");
    assert_eq!((told(&mended, EventKind::IncidentOpened), told(&mended, EventKind::IncidentClosed)), (1, 1));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in a network namespace"]
async fn what_goes_up_and_down_has_the_badge_and_is_shown_as_it_is() {
    if !is_inside() {
        return;
    }
    let (folder, fleet) = (tempfile::tempdir().unwrap(), Fleet::start(3));
    let engine = watching(folder.path(), &[]).await;
    add(&engine, &[("steady", v4(3, 1), ""), ("flapper", v6(3, 2), "steady")]).await;
    until(&engine, "both up", |now| now.pulse.totals.up == 2).await;
    for round in 1..=3 {
        fleet.silence(&[v6(3, 2)]);
        let down = until(&engine, "down", |now| now.pulse.totals.down == 1).await;
        assert!(!down.pulse.rows[1].flapping, "round {round}");
        fleet.mend(&[v6(3, 2)]);
        until(&engine, "up again, whatever it did before", |now| now.pulse.totals.up == 2).await;
    }
    let badge = until(&engine, "the badge", |now| now.pulse.totals.flapping == 1).await;
    assert_eq!((badge.pulse.rows[1].state, badge.pulse.rows[0].flapping), (State::Up, false));

    fleet.silence(&[v6(3, 2)]);
    until(&engine, "an incident of one that flaps", |now| {
        now.pulse.totals.flapping == 1 && now.incidents.first().is_some_and(|incident| incident.is_open())
    })
    .await;
    fleet.mend(&[v6(3, 2)]);
    let back = until(&engine, "it is told that it answers again, for now", |now| {
        now.pulse.rows[1].state == State::Up
            && now.events.iter().any(|event| event.message.contains("answers again, for now"))
    })
    .await;
    assert!(back.incidents[0].is_open(), "one that goes up and down all the time ends when there is peace");
    engine.stop().await;
}

/// A host whose canaries are silent as everybody else is: cut off, and nobody's incident.
async fn is_frozen(engine: &Arc<Engine>) {
    let cut = until(engine, "cut off", |now| now.pulse.cut_off.is_some()).await;
    let since = cut.pulse.cut_off.unwrap();
    let later = until(engine, "a while later", |now| {
        now.pulse.at.is_some_and(|at| since.age(at) >= Duration::from_secs(4))
    })
    .await;
    assert_eq!(
        (later.pulse.cut_off.is_some(), later.pulse.totals.down),
        (true, 0),
        "{:?}",
        later.pulse.totals
    );
    assert!(later.incidents.is_empty(), "{:?}", later.incidents);
}

async fn sees_again(engine: &Arc<Engine>, devices: u32) {
    let now = until(engine, "it sees again, and all are up", |now| {
        now.pulse.cut_off.is_none() && now.pulse.totals.up == devices
    })
    .await;
    assert!(now.incidents.is_empty(), "{:?}", now.incidents);
    assert_eq!(told(&now, EventKind::Pulse), 2, "once each: {:?}", now.events);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in a network namespace"]
async fn an_outage_of_everything_is_this_hosts_own() {
    if !is_inside() {
        return;
    }
    let (folder, fleet) = (tempfile::tempdir().unwrap(), Fleet::start(4));
    let canaries = [v4(4, 250), v6(4, 251)];
    let engine = watching(folder.path(), &canaries).await;
    let devices = [("edge", v4(4, 1), ""), ("core", v4(4, 2), "edge"), ("acc", v6(4, 3), "core")];
    add(&engine, &devices).await;
    until(&engine, "all up, and both canaries heard for a while", |now| {
        now.pulse.totals.up == 3 && now.pulse.canary_heard.is_some() && now.pulse.rows[0].recent.loss().0 >= 4
    })
    .await;
    let all: Vec<IpAddr> = devices.iter().map(|(_, address, _)| *address).chain(canaries).collect();
    fleet.silence(&all);
    is_frozen(&engine).await;
    fleet.mend(&all);
    sees_again(&engine, 3).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in a network namespace"]
async fn a_route_that_is_gone_is_this_hosts_own_trouble_too() {
    if !is_inside() {
        return;
    }
    let (folder, _fleet) = (tempfile::tempdir().unwrap(), Fleet::start(5));
    let engine = watching(folder.path(), &[v4(5, 250)]).await;
    add(&engine, &[("edge", v4(5, 1), ""), ("core", v4(5, 2), "edge")]).await;
    until(&engine, "all up, and the canary heard", |now| {
        now.pulse.totals.up == 2 && now.pulse.canary_heard.is_some()
    })
    .await;
    route("del");
    is_frozen(&engine).await;
    route("add");
    sees_again(&engine, 2).await;
    engine.stop().await;
}

/// The way out of this host to the network of the last scene.
fn route(verb: &str) {
    let words = format!("route {verb} local 10.70.5.0/24 dev lo src 10.71.0.1");
    assert!(Command::new("ip").args(words.split(' ')).status().unwrap().success());
}
