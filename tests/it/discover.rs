//! `discover` end to end: agents and silent addresses of loopback, an inventory that has some of them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use noctule::commands::Exit;
use noctule::device::icmp::{Method, open_with};
use noctule::device::snmp::{Oid, Value};
use noctule::engine::Engine;
use noctule::lab::snmp::{COMMUNITY, Entry, SnmpAgent, agents};
use serde_json::Value as Json;

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, Network, ann, engine};

/// A few agents of one network, all at the same UDP port.
struct Campus {
    port: u16,
    agents: Vec<SnmpAgent>,
}

impl Campus {
    async fn new() -> Self {
        let first = Self::agent("127.64.0.1:0", "hp_procurve", "attic.example.net", 1).await;
        let port = first.address().port();
        let mut agents = vec![first];
        for (address, kind, name, number) in [
            ("127.64.0.2", "cisco_ios", "core-1", 2),
            // the same device at another address
            ("127.64.0.3", "cisco_ios", "core-1", 2),
            // another one of the same name
            ("127.64.0.4", "cisco_ios", "core-1", 3),
            ("127.64.0.5", "mikrotik_routeros", "\u{1b}[31m=cmd|x!A1", 4),
        ] {
            agents.push(Self::agent(&format!("{address}:{port}"), kind, name, number).await);
        }
        Self { port, agents }
    }

    async fn agent(address: &str, kind: &str, name: &str, number: u16) -> SnmpAgent {
        let address: SocketAddr = address.parse().unwrap();
        let entry: Entry = agents().unwrap().into_iter().find(|agent| agent.driver == kind).unwrap();
        let objects = entry.objects(name, "=rack", number).unwrap();
        SnmpAgent::start(address, COMMUNITY, objects).await.unwrap()
    }
}

/// Loopback answers every echo request, where the host permits one.
fn is_permitted() -> bool {
    let permitted = [Method::Raw, Method::Ping].into_iter().any(|method| open_with(method).is_ok());
    if !permitted {
        eprintln!("\nSKIPPED: neither raw nor ping sockets are permitted");
    }
    permitted
}

async fn campus_engine(folder: &Path) -> Arc<Engine> {
    let settings =
        format!("[snmp]\ncommunities = [\"wrong\", \"{COMMUNITY}\"]\ntimeout = \"1s\"\nretries = 0\n");
    engine(folder, &settings, Network::new(), &Hand::new()).await
}

fn objects(lines: &[String]) -> Vec<Json> {
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_network_is_probed_identified_and_imported() {
    if !is_permitted() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let engine = campus_engine(folder.path()).await;
    let campus = Campus::new().await;
    engine.add_device(&ann(), "old", "127.64.0.7", &[]).await.unwrap();
    let shell = Shell::over(&engine);
    let line = format!("discover 127.64.0.1-127.64.0.7 --snmp-port {}", campus.port);

    let (exit, told) = shell.run(&format!("{line} --json")).await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let found = objects(&told.lines);
    let (summary, devices) = found.split_last().unwrap();
    assert_eq!((&summary["probed"], &summary["known"]), (&6.into(), &1.into()));
    assert_eq!((&summary["answering"], &summary["devices"]), (&6.into(), &5.into()), "{summary}");
    assert_eq!((&summary["identified"], &summary["new"]), (&4.into(), &5.into()));
    let names: Vec<&str> = devices.iter().map(|device| device["name"].as_str().unwrap()).collect();
    assert_eq!(names[..3], ["attic", "core-1", "core-1-2"]);
    assert_eq!(names[4], "127.64.0.6", "one that says nothing");
    assert_eq!(devices[1]["also"], serde_json::json!(["127.64.0.3"]));
    assert_eq!(devices[1]["driver"], "cisco_ios");
    assert_eq!(devices[1]["vendor"], "Cisco");
    assert!(devices[4]["vendor"].is_null());
    assert_eq!(devices[4]["error"]["kind"], "timeout");
    assert!(!told.lines.concat().contains('\u{1b}'));
    assert!(engine.device("core-1").is_err(), "nothing was imported yet");

    let (exit, told) = shell.run(&format!("{line} --output new.csv")).await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let file = String::from_utf8(told.written["new.csv"].0.clone()).unwrap();
    assert!(!file.contains(COMMUNITY) && file.contains("'=rack"), "{file}");
    shell.file("new.csv", &file);
    let (exit, told) = shell.run("device import new.csv --dry-run --json").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.lines);
    assert!(objects(&told.lines).iter().all(|line| line["action"] == "add"), "{:?}", told.lines);

    let (exit, told) = shell.run(&format!("{line} --import --group campus --transport ssh")).await;
    assert_eq!(exit, Exit::Done, "{:?} {:?}", told.lines, told.notes);
    let core = engine.device("core-1").unwrap();
    assert_eq!((core.group.as_str(), core.driver.as_ref().unwrap().as_str()), ("campus", "cisco_ios"));
    assert_eq!(core.location, "=rack");
    let (_, told) = shell.run("identity list core-1 --json").await;
    assert_eq!(objects(&told.lines)[0]["vendor"], "Cisco");

    // everything is known now, but for the address that is another one of core-1's
    let (exit, told) = shell.run(&format!("{line} --json --import")).await;
    assert_eq!(exit, Exit::Done);
    let found = objects(&told.lines);
    assert_eq!((&found[0]["device"], &found[0]["name"]), (&"core-1".into(), &Json::Null), "{found:?}");
    assert_eq!((found.len(), &found[1]["known"], &found[1]["new"]), (2, &6.into(), &0.into()));
    drop(campus.agents);
}

#[tokio::test]
async fn two_that_tell_no_serial_number_are_two() {
    if !is_permitted() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let engine = campus_engine(folder.path()).await;
    let text = |text: &str| Value::Bytes(text.as_bytes().to_vec());
    let system = |number: u32| Oid::new(&[1, 3, 6, 1, 2, 1, 1, number, 0]);
    let objects_of = || [(system(1), text("Acme")), (system(5), text("router"))].into_iter().collect();
    let first = SnmpAgent::start("127.64.1.1:0".parse().unwrap(), COMMUNITY, objects_of()).await.unwrap();
    let port = first.address().port();
    let second = format!("127.64.1.2:{port}").parse().unwrap();
    let _second = SnmpAgent::start(second, COMMUNITY, objects_of()).await.unwrap();
    let line = format!("discover 127.64.1.1 127.64.1.2 --snmp-port {port} --json");
    let (exit, told) = Shell::over(&engine).run(&line).await;
    assert_eq!(exit, Exit::Done);
    let found = objects(&told.lines);
    assert_eq!((&found[0]["name"], &found[1]["name"]), (&"router".into(), &"router-2".into()), "{found:?}");
}

#[tokio::test]
async fn without_anything_to_try_it_says_so_once_and_ctrl_c_shows_what_was_found() {
    if !is_permitted() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), "", Network::new(), &Hand::new()).await;
    let shell = Shell::over(&engine);
    let (exit, told) = shell.run("discover 127.64.2.1-127.64.2.3").await;
    assert_eq!(exit, Exit::Done);
    let said = told.notes.iter().filter(|note| note.contains("[snmp] in config.toml")).count();
    assert_eq!(said, 1, "{:?}", told.notes);
    assert!(told.notes.concat().contains("3 of 3 addresses answer"), "{:?}", told.notes);
    shell.interrupt();
    let (exit, told) = shell.run("discover 127.64.3.0/24 --json").await;
    assert_eq!(exit, Exit::Failed);
    assert_eq!(objects(&told.lines).last().unwrap()["interrupted"], true);
    let (exit, told) = shell.run("discover 127.64.3.0/24 --json --import").await;
    assert_eq!(exit, Exit::Failed);
    assert_eq!(objects(&told.lines).last().unwrap()["imported"], 0);
}

#[tokio::test]
async fn the_vault_is_tried_with_what_it_gives_to_a_pattern_and_the_record_keeps_no_copy() {
    if !is_permitted() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let engine =
        engine(folder.path(), "[snmp]\ntimeout = \"1s\"\nretries = 0\n", Network::new(), &Hand::new()).await;
    let agent = Campus::agent("127.64.4.1:0", "cisco_ios", "core-1", 2).await;
    let line = format!("discover 127.64.4.1 --snmp-port {} --json", agent.address().port());
    let shell = Shell::over(&engine);
    shell.file("secret", &format!("community={COMMUNITY}\n"));
    engine.add_device(&ann(), "other", "127.64.4.9", &[]).await.unwrap();
    for line in [
        "credential add wide --kind community --secrets-from secret",
        "credential assign wide --device other",
    ] {
        assert_eq!(shell.run(line).await.0, Exit::Done, "{line}");
    }
    // what is for one device is shown to no stranger
    let (_, told) = shell.run(&line).await;
    assert!(objects(&told.lines)[0]["vendor"].is_null(), "{:?}", told.lines);
    assert_eq!(shell.run("credential assign wide --match 'core-*'").await.0, Exit::Done);
    let (exit, told) = shell.run(&format!("{line} --import")).await;
    assert_eq!((exit, &objects(&told.lines)[0]["vendor"]), (Exit::Done, &"Cisco".into()), "{:?}", told.notes);
    assert!(!told.notes.concat().contains(COMMUNITY) && !told.lines.concat().contains(COMMUNITY));
    let device = engine.device("core-1").unwrap();
    assert!(
        device.snmp.community.is_none(),
        "the vault has it, and whoever changes it there means this device too"
    );
}

#[tokio::test]
async fn ipv6_is_probed_and_a_place_that_is_too_long_hinders_nobody() {
    if !is_permitted() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let engine = campus_engine(folder.path()).await;
    let text = |text: &str| Value::Bytes(text.as_bytes().to_vec());
    let system = |number: u32| Oid::new(&[1, 3, 6, 1, 2, 1, 1, number, 0]);
    let objects_of = [(system(1), text("Acme")), (system(6), text(&"x".repeat(900)))].into_iter().collect();
    let Ok(agent) = SnmpAgent::start("[::1]:0".parse().unwrap(), COMMUNITY, objects_of).await else { return };
    let line = format!("discover ::1 --snmp-port {} --json --import", agent.address().port());
    let (exit, told) = Shell::over(&engine).run(&line).await;
    assert_eq!(exit, Exit::Done, "{:?} {:?}", told.lines, told.notes);
    assert_eq!(engine.device("v6---1").unwrap().location.len(), 200);
}

#[tokio::test]
async fn what_is_no_range_or_too_much_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let engine = campus_engine(folder.path()).await;
    for (line, says) in [
        ("discover", "name what to discover"),
        ("discover core-1", "no range of addresses"),
        ("discover 127.0.0.0/8", "at most 65536"),
        ("discover ::/64", "at most 65536"),
        ("discover 127.0.0.0/17 127.1.0.0/17 127.2.0.0/24", "at most 65536"),
    ] {
        let (exit, told) = Shell::over(&engine).run(line).await;
        assert_eq!(exit, Exit::Usage, "{line}");
        assert!(told.notes.concat().contains(says), "{line}: {:?}", told.notes);
    }
}
