//! What an agent is asked: the system group, the chassis, a base address, and what the rules want to know.

use super::judge::{Question, Seen};
use super::rules::Rules;
use crate::device::snmp::{Agent, Oid, Value};
use crate::model::{DeviceId, Failure, Identity, Timestamp};

/// SNMPv2-MIB system: sysDescr, sysObjectID, sysUpTime, sysContact, sysName, sysLocation.
const SYSTEM: [u32; 7] = [1, 3, 6, 1, 2, 1, 1];
/// SNMP-FRAMEWORK-MIB snmpEngineTime, in seconds: does not wrap after 497 days.
const ENGINE_TIME: [u32; 11] = [1, 3, 6, 1, 6, 3, 10, 2, 1, 3, 0];
/// HOST-RESOURCES-MIB hrSystemUptime, in hundredths: the host's, not the agent's.
const HOST_UPTIME: [u32; 10] = [1, 3, 6, 1, 2, 1, 25, 1, 1, 0];
/// BRIDGE-MIB dot1dBaseBridgeAddress.
const BRIDGE_ADDRESS: [u32; 10] = [1, 3, 6, 1, 2, 1, 17, 1, 1, 0];
/// LLDP-MIB lldpLocChassisId.
const LLDP_CHASSIS: [u32; 10] = [1, 0, 8802, 1, 1, 2, 1, 3, 2, 0];
/// IF-MIB ifPhysAddress.
const INTERFACE_ADDRESS: [u32; 10] = [1, 3, 6, 1, 2, 1, 2, 2, 1, 6];
/// ENTITY-MIB entPhysicalEntry; its columns: class 5, software 10, serial 11, model 13.
const ENTITY: [u32; 10] = [1, 3, 6, 1, 2, 1, 47, 1, 1, 1];
/// The most rows of ENTITY-MIB that are looked through for the chassis: it stands before what it holds.
const ENTITIES: usize = 400;
/// The most interfaces that are looked through for an address.
const INTERFACES: usize = 64;
/// PhysicalClass.
const CHASSIS: u64 = 3;
const STACK: u64 = 11;

/// Reads who a device is.
///
/// # Errors
/// When the agent does not answer the first question. What it does not tell afterwards stays unknown.
pub async fn read(
    agent: &dyn Agent,
    rules: &Rules,
    device: DeviceId,
    at: Timestamp,
) -> Result<Identity, Failure> {
    let system = |number: u32| Oid::new(&SYSTEM).with(&[number, 0]);
    let [descr, object, uptime, contact, name, location] =
        of(agent.get(&[1, 2, 3, 4, 5, 6].map(system)).await?);
    let text = |value: &Option<Value>| value.as_ref().and_then(Value::text);
    let mut seen = Seen {
        object: object.as_ref().and_then(Value::oid).filter(|oid| !oid.numbers().is_empty()).cloned(),
        descr: text(&descr),
        name: text(&name),
        ..Seen::default()
    };
    // an agent that stumbles over what comes now has said who it is all the same
    let [engine, host, bridge, lldp] = read_answers(agent, rules, &mut seen).await;
    read_chassis(agent, &mut seen).await;
    let uptime = uptime_of(uptime, engine, host);
    let mac = match [bridge, lldp].iter().flatten().find_map(Value::mac) {
        Some(mac) => Some(mac),
        None => interface_address(agent).await,
    };
    let found = rules.judge(&seen);
    Ok(Identity {
        device,
        at,
        vendor: found.vendor,
        model: found.model,
        os: found.os,
        version: found.version,
        serial: found.serial,
        sysname: seen.name,
        location: text(&location),
        contact: text(&contact),
        mac,
        sysobjectid: seen.object.map(|oid| oid.to_string()),
        sysdescr: seen.descr,
        uptime,
        driver: found.driver,
    })
}

fn of<const N: usize>(values: Vec<Option<Value>>) -> [Option<Value>; N] {
    let mut values = values.into_iter();
    std::array::from_fn(|_| values.next().flatten())
}

/// What every device is asked beside what the rules want to know.
const USUAL: [&[u32]; 4] = [&ENGINE_TIME, &HOST_UPTIME, &BRIDGE_ADDRESS, &LLDP_CHASSIS];

/// Asks what the rules want to know, and the usual in the same question: an answer may take long.
async fn read_answers(agent: &dyn Agent, rules: &Rules, seen: &mut Seen) -> [Option<Value>; 4] {
    let (columns, instances): (Vec<Question>, Vec<Question>) =
        rules.questions(seen).into_iter().partition(|question| question.is_column);
    let mut oids: Vec<Oid> = instances.iter().map(|question| question.oid.clone()).collect();
    let wanted = oids.len();
    oids.extend(USUAL.map(Oid::new));
    let mut values = match agent.get(&oids).await {
        Ok(values) => values,
        Err(_) => agent.get(&oids[..wanted]).await.unwrap_or_default(),
    };
    let usual = if values.len() > wanted { values.split_off(wanted) } else { Vec::new() };
    for (question, value) in instances.into_iter().zip(values) {
        if let Some(text) = value.and_then(|value| value.text()) {
            seen.answers.insert(question, text);
        }
    }
    for question in columns {
        let rows = agent.walk(&question.oid, 8).await.unwrap_or_default();
        if let Some(text) = rows.into_iter().find_map(|(_, value)| value.text()) {
            seen.answers.insert(question, text);
        }
    }
    of(usual)
}

/// The longest of what the agent, its engine and its host say, in seconds.
fn uptime_of(agents: Option<Value>, engine: Option<Value>, host: Option<Value>) -> Option<u64> {
    let number = |value: Option<Value>| value.and_then(|value| value.number());
    let hundredths = [agents, host].map(number).into_iter().flatten().max().map(|ticks| ticks / 100);
    // some engines count in another unit: nothing runs for seventy years
    hundredths.max(number(engine).filter(|seconds| *seconds < u64::from(u32::MAX) / 2))
}

/// The chassis of ENTITY-MIB; of a stack the first one.
async fn read_chassis(agent: &dyn Agent, seen: &mut Seen) {
    let column = |number: u32| Oid::new(&ENTITY).with(&[1, number]);
    let classes = column(5);
    let rows = agent.walk(&classes, ENTITIES).await.unwrap_or_default();
    let of_class = |class: u64| {
        let found = rows.iter().find(|(_, value)| value.number() == Some(class));
        found.and_then(|(oid, _)| oid.below(&classes).map(<[u32]>::to_vec))
    };
    let index = match of_class(CHASSIS).or_else(|| of_class(STACK)) {
        Some(index) => index,
        // an agent without classes has one entity
        None if rows.is_empty() => vec![1],
        None => return,
    };
    let wanted = [13, 11, 10].map(|number| column(number).with(&index));
    let [model, serial, version] = of(agent.get(&wanted).await.unwrap_or_default());
    let text = |value: Option<Value>| value.and_then(|value| value.text());
    seen.entity_model = text(model);
    seen.entity_serial = text(serial);
    seen.entity_version = text(version);
}

/// The lowest address of the interfaces.
async fn interface_address(agent: &dyn Agent) -> Option<String> {
    let rows = agent.walk(&Oid::new(&INTERFACE_ADDRESS), INTERFACES).await.unwrap_or_default();
    rows.iter().filter_map(|(_, value)| value.mac()).min()
}
