//! `identity run` end to end: agents on loopback addresses of their own, a store, the command, its answer.

use std::net::SocketAddr;
use std::sync::Arc;

use noctule::commands::Exit;
use noctule::device::snmp::{Oid, Value};
use noctule::engine::fields::{Change, Field};
use noctule::engine::{Engine, Selection};
use noctule::lab::snmp::{COMMUNITY, Entry, Objects, SnmpAgent, agents};
use noctule::model::{EventKind, Severity};
use serde_json::Value as Json;

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, NOON, Network, ann, engine, journal_bytes};

const QUICK: &str = "[snmp]\ntimeout = \"1s\"\nretries = 0\n";

fn any() -> SocketAddr {
    "127.62.0.1:0".parse().unwrap()
}

fn kind(driver: &str) -> Entry {
    agents().unwrap().into_iter().find(|agent| agent.driver == driver).unwrap()
}

async fn agent_of(entry: &Entry, name: &str) -> SnmpAgent {
    let objects = entry.objects(name, "rack 3", 0).unwrap();
    SnmpAgent::start(any(), COMMUNITY, objects).await.unwrap()
}

/// Adds a device whose agent that is.
pub async fn add_agent(engine: &Arc<Engine>, name: &str, agent: &SnmpAgent, more: &[Change]) {
    let mut changes = vec![
        Change::new(Field::SnmpCommunity, COMMUNITY),
        Change::new(Field::SnmpPort, agent.address().port().to_string()),
    ];
    changes.extend_from_slice(more);
    engine.add_device(&ann(), name, &agent.address().ip().to_string(), &changes).await.unwrap();
}

fn objects(lines: &[String]) -> Vec<Json> {
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_kind_of_the_lab_is_known_and_its_driver_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), QUICK, Network::new(), &Hand::new()).await;
    let kinds = agents().unwrap();
    let mut running = Vec::new();
    for entry in &kinds {
        let name = entry.driver.replace('_', "-");
        let agent = agent_of(entry, &name).await;
        add_agent(&engine, &name, &agent, &[Change::new(Field::Transport, "ssh")]).await;
        running.push(agent);
    }
    let (exit, told) = Shell::over(&engine).run("identity run --all --json").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let found = objects(&told.lines);
    assert_eq!(found.len(), kinds.len());
    let mut wrong = Vec::new();
    for entry in &kinds {
        let name = entry.driver.replace('_', "-");
        let is = found.iter().find(|one| one["device"] == name.as_str()).unwrap();
        let vendor = Some(entry.vendor.as_str()).filter(|vendor| *vendor != "-");
        let facts = [
            ("vendor", vendor),
            ("model", entry.model.as_deref()),
            ("version", entry.version.as_deref()),
            ("serial", entry.serial.as_deref()),
            ("sysname", Some(name.as_str())),
            ("location", Some("rack 3")),
            ("contact", Some("noc@example.net")),
            ("mac", Some("02:6e:6f:63:00:00")),
            ("error", None),
        ];
        for (fact, wanted) in facts {
            if is[fact].as_str() != wanted || (wanted.is_none() && !is[fact].is_null()) {
                wrong.push(format!("{name}: {fact} is {} and not {wanted:?}", is[fact]));
            }
        }
        assert_eq!(is["sysobjectid"], format!("1.3.6.1.4.1.{}", entry.object).as_str());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // families that share an agent cannot be told apart by it
    let same = [("ciena_saos10", None), ("hp_comware_1910", Some("hp_comware"))];
    for entry in &kinds {
        let driver = same.iter().find(|(kind, _)| *kind == entry.driver);
        let wanted = driver.map_or(Some(entry.driver.as_str()), |(_, driver)| *driver);
        let device = engine.device(&entry.driver.replace('_', "-")).unwrap();
        assert_eq!(device.driver.as_ref().map(|driver| driver.as_str()), wanted, "{}", entry.driver);
    }
}

#[tokio::test]
async fn a_device_that_was_replaced_or_updated_is_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), QUICK, Network::new(), &Hand::new()).await;
    let agent = agent_of(&kind("cisco_ios"), "sw-1").await;
    add_agent(&engine, "sw-1", &agent, &[]).await;
    let shell = Shell::over(&engine);
    let mut events = engine.subscribe();

    let (_, told) = shell.run("identity run sw-1 --json").await;
    assert_eq!(objects(&told.lines)[0]["changes"], serde_json::json!([]));
    assert!(events.try_recv().is_err(), "the first identity is no change");

    let text = |text: &str| Value::Bytes(text.as_bytes().to_vec());
    agent.set(Oid::new(&[1, 3, 6, 1, 2, 1, 1, 6, 0]), text("rack 4"));
    shell.run("identity run sw-1").await;
    let event = events.recv().await.unwrap();
    assert_eq!((event.kind, event.severity), (EventKind::IdentityChanged, Severity::Info));
    assert_eq!(event.message, "location rack 3 → rack 4");

    agent.set("1.3.6.1.2.1.47.1.1.1.1.11.1".parse().unwrap(), text("FOC0000B002"));
    let (_, told) = shell.run("identity run sw-1").await;
    let event = events.recv().await.unwrap();
    assert_eq!(event.severity, Severity::Warning);
    assert_eq!(event.message, "replaced: serial FOC0000A001 → FOC0000B002");
    assert!(told.lines.iter().any(|line| line.contains("FOC0000A001 → FOC0000B002")), "{:?}", told.lines);

    let (_, told) = shell.run("identity list --json").await;
    assert_eq!(objects(&told.lines)[0]["serial"], "FOC0000B002");
}

#[tokio::test]
async fn a_device_that_says_what_it_said_costs_no_journal_and_shows_when_it_was_read_last() {
    const DAY: i64 = 86_400_000;
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let engine_again = || engine(folder.path(), QUICK, Network::new(), &hand);
    let last_read = async |engine: &Arc<Engine>| {
        let everything = Selection { all: true, ..Selection::default() };
        let known = engine.identities(&everything).await.unwrap();
        let identity = known[0].identity.clone().unwrap();
        (identity.at.0 - NOON, identity.uptime)
    };
    // as the daily look does: that a person asks is an act, and journalled as one
    let uptime_read = async |engine: &Arc<Engine>| {
        let mut reading = engine.identify(&ann(), &Selection::all()).unwrap();
        reading.reports.recv().await.unwrap().uptime
    };
    let agent = agent_of(&kind("cisco_ios"), "sw-1").await;
    let run_for = |seconds: u64| {
        agent.set("1.3.6.1.2.1.1.3.0".parse().unwrap(), Value::Unsigned(seconds * 100));
        agent.set("1.3.6.1.6.3.10.2.1.3.0".parse().unwrap(), Value::Unsigned(seconds));
    };
    let engine = engine_again().await;
    add_agent(&engine, "sw-1", &agent, &[]).await;
    run_for(1000);
    assert_eq!(uptime_read(&engine).await, Some(1000));
    let before = journal_bytes(folder.path());

    hand.move_by(DAY);
    run_for(87_400);
    assert_eq!(uptime_read(&engine).await, Some(87_400));
    assert_eq!(journal_bytes(folder.path()), before);
    assert_eq!(last_read(&engine).await, (DAY, Some(87_400)));
    engine.stop().await;
    drop(engine);
    let engine = engine_again().await;
    assert_eq!(last_read(&engine).await, (DAY, Some(87_400)), "a restart forgets no reading");

    hand.move_by(DAY);
    run_for(60);
    agent.set("1.3.6.1.2.1.1.6.0".parse().unwrap(), Value::Bytes(b"rack 4".to_vec()));
    assert_eq!(uptime_read(&engine).await, Some(60));
    assert!(journal_bytes(folder.path()) > before, "a change is kept for good");
    assert_eq!(last_read(&engine).await, (2 * DAY, Some(60)));
}

#[tokio::test]
async fn what_no_rule_knows_waits_in_the_queue_with_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), QUICK, Network::new(), &Hand::new()).await;
    let stranger = Entry { object: "999999.1".into(), descr: "Zorblax 9000 rev 7".into(), ..kind("frr") };
    let agent = agent_of(&stranger, "odd").await;
    add_agent(&engine, "odd", &agent, &[]).await;
    let shell = Shell::over(&engine);
    let (exit, told) = shell.run("identity run odd --json").await;
    let found = objects(&told.lines);
    assert_eq!(exit, Exit::Done);
    for fact in ["vendor", "model", "os", "version", "serial", "error"] {
        assert!(found[0][fact].is_null(), "{fact}: {}", found[0][fact]);
    }
    let (_, told) = shell.run("identity unknown --json").await;
    assert_eq!(objects(&told.lines)[0]["sysdescr"], "Zorblax 9000 rev 7");

    // a rule of one's own makes it known
    let rules = engine.config_dir().join("identity");
    std::fs::create_dir_all(&rules).unwrap();
    let rule = "vendor = 'Zorblax'\n[[rule]]\nobject = ['999999']\nfacts = ['Zorblax (?P<model>\\d+) rev (?P<version>\\S+)']\n";
    std::fs::write(rules.join("zorblax.toml"), rule).unwrap();
    let again = noctule::device::identity::Rules::load(Some(&rules));
    let seen = noctule::device::identity::Seen {
        object: Some("1.3.6.1.4.1.999999.1".parse().unwrap()),
        descr: Some("Zorblax 9000 rev 7".into()),
        ..Default::default()
    };
    let known = again.judge(&seen);
    assert_eq!((known.vendor.as_deref(), known.model.as_deref()), (Some("Zorblax"), Some("9000")));
}

#[tokio::test]
async fn the_rules_that_the_readme_shows_know_its_devices() {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("## Adding identity rules").expect("the section");
    let (_, block) = section.split_once("```toml\n").expect("an example");
    let (rules, _) = block.split_once("```").expect("its end");
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), QUICK, Network::new(), &Hand::new()).await;
    let own = engine.config_dir().join("identity");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("zorblax.toml"), rules).unwrap();

    let text = |text: &str| Value::Bytes(text.as_bytes().to_vec());
    let metro = Entry {
        object: "99999.7.4".into(),
        descr: "Zorblax 9000 Metro Switch rev 7.1".into(),
        ..kind("frr")
    };
    let metro = agent_of(&metro, "metro").await;
    metro.set("1.3.6.1.4.1.99999.2.1.0".parse().unwrap(), text("SN:Z0001"));
    let quiet = Entry { object: "99999.7.4".into(), descr: "Metro".into(), ..kind("frr") };
    let quiet = agent_of(&quiet, "quiet").await;
    // net-snmp's own number
    let linux = Entry { object: "8072.3.2.10".into(), descr: "Linux box 6.1".into(), ..kind("frr") };
    let linux = agent_of(&linux, "linux").await;
    linux.set("1.3.6.1.4.1.99999.5.1.0".parse().unwrap(), text("ZX-12"));
    for (name, agent) in [("metro", &metro), ("quiet", &quiet), ("linux", &linux)] {
        add_agent(&engine, name, agent, &[]).await;
    }
    let (exit, told) = Shell::over(&engine).run("identity run --all --json").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.lines);
    let found = objects(&told.lines);
    let of = |name: &str| found.iter().find(|one| one["device"] == name).unwrap();
    let expected = [
        ("metro", ["Zorblax", "9000", "ZorbOS", "7.1", "Z0001"].map(Json::from)),
        ("quiet", [Json::from("Zorblax"), Json::Null, Json::from("ZorbOS"), Json::Null, Json::Null]),
    ];
    for (name, facts) in expected {
        let is = ["vendor", "model", "os", "version", "serial"].map(|fact| of(name)[fact].clone());
        assert_eq!(is, facts, "{name}");
    }
    assert_eq!((&of("linux")["vendor"], &of("linux")["model"]), (&"Zorblax".into(), &"ZX-12".into()));
    let findings = engine.doctor().await.unwrap();
    let rules: Vec<_> = findings.iter().filter(|found| found.topic == "identity").collect();
    assert!(rules.len() == 1 && rules[0].severity == Severity::Info, "{rules:?}");
}

#[tokio::test]
async fn communities_of_the_settings_are_tried_and_the_one_that_works_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!("{QUICK}communities = [\"wrong-one\", \"{COMMUNITY}\"]\n");
    let engine = engine(folder.path(), &settings, Network::new(), &Hand::new()).await;
    let agent = agent_of(&kind("mikrotik_routeros"), "r-1").await;
    let port = Change::new(Field::SnmpPort, agent.address().port().to_string());
    engine.add_device(&ann(), "r-1", &agent.address().ip().to_string(), &[port]).await.unwrap();
    let shell = Shell::over(&engine);
    let (exit, told) = shell.run("identity run r-1 --json").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.lines);
    assert_eq!(objects(&told.lines)[0]["vendor"], "MikroTik");
    let device = engine.device("r-1").unwrap();
    assert!(device.snmp.community.is_some());
    assert_eq!(Field::SnmpVersion.read(&device), "2c");
    let everything = format!("{told:?}", told = told.lines) + &format!("{device:?}");
    assert!(!everything.contains(COMMUNITY));
}

#[tokio::test]
async fn a_device_without_credentials_and_one_that_keeps_silent_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), QUICK, Network::new(), &Hand::new()).await;
    let agent = agent_of(&kind("cisco_ios"), "sw-1").await;
    add_agent(&engine, "sw-1", &agent, &[Change::new(Field::SnmpCommunity, "another-one")]).await;
    engine.add_device(&ann(), "bare", "127.62.0.9", &[]).await.unwrap();
    let (exit, told) = Shell::over(&engine).run("identity run --all --json").await;
    assert_eq!(exit, Exit::Failed);
    let found = objects(&told.lines);
    let error = |name: &str| &found.iter().find(|one| one["device"] == name).unwrap()["error"];
    assert_eq!(error("bare")["kind"], "incomplete");
    assert!(error("bare")["message"].as_str().unwrap().contains("--snmp-community"));
    assert_eq!(error("sw-1")["kind"], "timeout");
    assert!(error("sw-1")["message"].as_str().unwrap().contains("the community is wrong"));
    assert!(!told.lines.concat().contains("another-one"));

    // they wait in the queue with the reason, until they are read
    let (_, told) = Shell::over(&engine).run("identity unknown --json").await;
    let queue = objects(&told.lines);
    assert_eq!((queue.len(), &queue[0]["device"]), (2, &"bare".into()));
    assert_eq!(
        (&queue[0]["error"]["kind"], &queue[1]["error"]["kind"]),
        (&"incomplete".into(), &"timeout".into())
    );
    assert!(queue[1]["at"].is_null() && queue[1]["failing_since"].is_string());
    let right = Change::new(Field::SnmpCommunity, COMMUNITY);
    engine.edit_device(&ann(), "sw-1", &[right]).await.unwrap();
    let (exit, _) = Shell::over(&engine).run("identity run sw-1").await;
    assert_eq!(exit, Exit::Done);
    let (_, told) = Shell::over(&engine).run("identity unknown --json").await;
    assert_eq!(objects(&told.lines).len(), 1);
    let (exit, _) = Shell::over(&engine).run("identity run nobody").await;
    assert_eq!(exit, Exit::Failed);
    let (exit, _) = Shell::over(&engine).run("identity run").await;
    assert_eq!(exit, Exit::Usage);
}

#[tokio::test]
async fn an_inventory_brings_credentials_and_parents() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), QUICK, Network::new(), &Hand::new()).await;
    let agent = agent_of(&kind("cisco_ios"), "sw-1").await;
    let shell = Shell::over(&engine);
    let (ip, port) = (agent.address().ip(), agent.address().port());
    let header = "name,address,snmp_version,snmp_community,snmp_port,snmp_user,snmp_auth,snmp_auth_password,snmp_priv,snmp_priv_password,parent";
    let good = format!(
        "{header}\nsw-1,{ip},2c,{COMMUNITY},{port},,,,,,r-1\nr-1,127.62.0.8,3,,,noc,SHA-256,auth-password,AES128,priv-password,\n"
    );
    shell.file("good.csv", &good);
    let (exit, told) = shell.run("device import good.csv --json").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.lines);
    let (_, told) = shell.run("device show sw-1 --json").await;
    let device = &objects(&told.lines)[0];
    assert_eq!(device["parent"], "r-1");
    assert_eq!(device["has_snmp_community"], true);
    let (_, told) = shell.run("device show r-1 --json").await;
    let device = &objects(&told.lines)[0];
    assert_eq!((&device["snmp_auth"], &device["snmp_priv"]), (&"sha256".into(), &"aes".into()));
    let (exit, _) = shell.run("identity run sw-1").await;
    assert_eq!(exit, Exit::Done);

    // a parent follows its new name, and must be there
    shell.run("device edit r-1 name=r-9").await;
    assert_eq!(engine.device("sw-1").unwrap().parent.as_ref().unwrap().as_str(), "r-9");
    shell.file(
        "bad.csv",
        "name,address,parent,snmp_auth_password\na,10.0.0.1,nobody,\nb,10.0.0.2,,short\nc,10.0.0.3,c,\n",
    );
    let (exit, told) = shell.run("device import bad.csv --json").await;
    assert_eq!(exit, Exit::Failed);
    let reasons: Vec<String> =
        objects(&told.lines).iter().map(|line| line["reason"].as_str().unwrap_or("").to_owned()).collect();
    assert!(reasons[0].contains("no device nobody"), "{reasons:?}");
    assert!(reasons[1].contains("8 characters"), "{reasons:?}");
    assert!(reasons[2].contains("itself"), "{reasons:?}");
}

#[tokio::test]
async fn version_1_is_read_where_it_is_all_that_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), QUICK, Network::new(), &Hand::new()).await;
    let mut objects_of = kind("hp_procurve").objects("sw-1", "attic", 0).unwrap();
    // an agent that knows nothing of names and places
    objects_of.retain(|oid, _| oid.numbers() != [1, 3, 6, 1, 2, 1, 1, 6, 0]);
    let agent = SnmpAgent::start(any(), COMMUNITY, Objects::from_iter(objects_of)).await.unwrap();
    add_agent(&engine, "sw-1", &agent, &[Change::new(Field::SnmpVersion, "1")]).await;
    let (exit, told) = Shell::over(&engine).run("identity run sw-1 --json").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.lines);
    let found = objects(&told.lines);
    assert_eq!(found[0]["serial"], "CN00000004");
    assert!(found[0]["location"].is_null());
}

#[tokio::test]
async fn rules_that_were_edited_hold_at_the_next_reading_and_a_mistake_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), QUICK, Network::new(), &Hand::new()).await;
    let stranger = Entry { object: "999999.1".into(), descr: "Zorblax 9000".into(), ..kind("frr") };
    let agent = agent_of(&stranger, "odd").await;
    add_agent(&engine, "odd", &agent, &[]).await;
    let mut events = engine.subscribe();
    let vendor = async || {
        let (_, told) = Shell::over(&engine).run("identity run odd --json").await;
        objects(&told.lines)[0]["vendor"].clone()
    };
    assert_eq!(vendor().await, Json::Null);
    let rules = folder.path().join("config/identity");
    std::fs::create_dir(&rules).unwrap();
    let file = rules.join("zorblax.toml");
    std::fs::write(&file, "vendor = 'Zorblax'\n[[rule]]\nobject = ['999999']\n").unwrap();
    assert_eq!(vendor().await, "Zorblax");
    assert!(events.try_recv().is_err());
    std::fs::write(&file, "vendor = 'Zorblax'\n[[rule]]\nobjects = ['999999']\n").unwrap();
    assert_eq!(vendor().await, "Zorblax", "what it said before holds");
    let event = events.recv().await.unwrap();
    assert_eq!((event.kind, event.severity), (EventKind::System, Severity::Warning));
    assert!(event.message.starts_with("identity/zorblax.toml:3: unknown field"), "{}", event.message);
    assert_eq!(vendor().await, "Zorblax");
    assert!(events.try_recv().is_err(), "it is told once");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(vendor().await, Json::Null);
}

#[tokio::test]
async fn an_agent_that_was_silent_while_others_answered_is_asked_once_more() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), QUICK, Network::new(), &Hand::new()).await;
    let entry = kind("cisco_ios");
    let (was_asked, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let is_open = Arc::new(AtomicBool::new(false));
    let door = Arc::clone(&is_open);
    let reach = Arc::new(move |_| {
        was_asked.send(()).unwrap();
        door.load(Ordering::SeqCst)
    });
    let objects_of = |name: &str| entry.objects(name, "rack 3", 0).unwrap();
    let shy = SnmpAgent::start_behind(any(), COMMUNITY, objects_of("shy"), reach).await.unwrap();
    let quick = agent_of(&entry, "quick").await;
    let version = [Change::new(Field::SnmpVersion, "2c")];
    add_agent(&engine, "shy", &shy, &version).await;
    add_agent(&engine, "quick", &quick, &version).await;
    let everything = Selection { all: true, ..Selection::default() };
    let mut reading = engine.identify(&ann(), &everything).unwrap();
    asked.recv().await.unwrap();
    let first = reading.reports.recv().await.unwrap();
    assert_eq!((first.device.as_str(), first.error), ("quick", None));
    is_open.store(true, Ordering::SeqCst);
    let second = reading.reports.recv().await.unwrap();
    assert_eq!((second.device.as_str(), second.error), ("shy", None));
    assert_eq!(second.sysname.as_deref(), Some("shy"));
    assert!(reading.reports.recv().await.is_none());
}
