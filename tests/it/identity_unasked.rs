//! Identities that are read without anybody asking for it: of a new device, and of one that comes back.

use std::net::SocketAddr;

use noctule::device::snmp::Value;
use noctule::engine::fields::{Change, Field};
use noctule::engine::{Engine, Options, Selection};
use noctule::lab::snmp::{COMMUNITY, SnmpAgent, agents};
use noctule::model::{EventKind, Severity};

use crate::engine_fixture::{Network, ann};
use crate::identity::add_agent;
use crate::wire::{Wire, until};

const SETTINGS: &str = "[backup]\ndaily = \"off\"\n[pulse]\ninterval = \"1s\"\nmisses = 3\nsilence = \"0s\"\ncanaries = []\n\
                        [snmp]\nspread = \"0s\"\nafter_outage = \"0s\"\ntimeout = \"1s\"\nretries = 0\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_new_device_is_asked_and_one_that_was_replaced_is_an_event_by_itself() {
    let (folder, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let config = folder.path().join("config");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("config.toml"), SETTINGS).unwrap();
    let options = Options {
        schedule: false,
        identify: true,
        probers: wire.probers(),
        ..Options::new(folder.path().join("data"), config)
    };
    let engine = Engine::start_with(options, Network::new()).await.unwrap();

    let kind = agents().unwrap().into_iter().find(|agent| agent.driver == "cisco_ios").unwrap();
    let objects = kind.objects("sw-1", "rack 3", 0).unwrap();
    let any: SocketAddr = "127.62.3.1:0".parse().unwrap();
    let agent = SnmpAgent::start(any, COMMUNITY, objects).await.unwrap();
    // whom nobody can ask is not asked
    engine.add_device(&ann(), "patch-panel", "127.62.3.9", &[]).await.unwrap();
    add_agent(&engine, "sw-1", &agent, &[Change::new(Field::Location, "the cellar")]).await;
    until(&engine, "both are up, and one is read", |now| {
        now.pulse.totals.up == 2 && now.versions.identities > 0
    })
    .await;
    let all = Selection { all: true, ..Selection::default() };
    let known = engine.identities(&all).await.unwrap();
    assert!(known[0].identity.is_none() && known[0].failure.is_none(), "{:?}", known[0]);
    assert_eq!(known[1].identity.as_ref().unwrap().serial.as_deref(), Some("FOC0000A001"));

    let mut events = engine.subscribe();
    wire.silence(&["127.62.3.1"]);
    until(&engine, "it is down", |now| now.pulse.totals.down == 1).await;
    agent.set("1.3.6.1.2.1.47.1.1.1.1.11.1".parse().unwrap(), Value::Bytes(b"FOC0000B002".to_vec()));
    wire.mend(&["127.62.3.1"]);
    let told = async {
        loop {
            let event = events.recv().await.unwrap();
            if event.kind == EventKind::IdentityChanged {
                return event;
            }
        }
    };
    let event = tokio::time::timeout(std::time::Duration::from_secs(60), told).await.expect("an event");
    assert_eq!(event.severity, Severity::Warning);
    assert_eq!(event.message, "replaced: serial FOC0000A001 → FOC0000B002");
    engine.stop().await;
}
