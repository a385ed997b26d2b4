//! What an agent is asked: the system group, the chassis, a base address, and what the rules want to know.

use super::judge::{Question, Seen, is_meant};
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
/// The rows that are looked through first, and mostly are enough.
const FIRST_ENTITIES: usize = 60;
/// The most members of a stack that are asked for their model.
const MEMBERS: usize = 4;
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

/// The chassis of ENTITY-MIB; of a stack the first one that tells its model.
async fn read_chassis(agent: &dyn Agent, seen: &mut Seen) {
    let (indexes, is_certain) = chassis(agent).await;
    let mut found: Option<Entity> = None;
    for index in indexes {
        let entity = read_entity(agent, &index, is_certain).await;
        let tells_model = entity.model.is_some();
        if found.is_none() || tells_model {
            found = Some(entity);
        }
        if tells_model {
            break;
        }
    }
    let Some(entity) = found else { return };
    seen.entity_words = entity.words;
    seen.entity_model = entity.model;
    seen.entity_serial = entity.serial;
    seen.entity_version = entity.version;
}

#[derive(Default)]
struct Entity {
    words: Vec<String>,
    model: Option<String>,
    serial: Option<String>,
    version: Option<String>,
}

/// The rows that may be the chassis, and whether the agent says that they are.
async fn chassis(agent: &dyn Agent) -> (Vec<Vec<u32>>, bool) {
    let classes = column(5);
    let below = |root: &Oid, oid: &Oid| oid.below(root).map(<[u32]>::to_vec);
    let mut rows = agent.walk(&classes, FIRST_ENTITIES).await.unwrap_or_default();
    let is_there = |rows: &[(Oid, Value)]| rows.iter().any(|(_, value)| value.number() == Some(CHASSIS));
    if rows.len() == FIRST_ENTITIES && !is_there(&rows) {
        rows = agent.walk(&classes, ENTITIES).await.unwrap_or(rows);
    }
    for class in [CHASSIS, STACK] {
        let of_class = rows.iter().filter(|(_, value)| value.number() == Some(class));
        let indexes: Vec<Vec<u32>> =
            of_class.filter_map(|(oid, _)| below(&classes, oid)).take(MEMBERS).collect();
        if !indexes.is_empty() {
            return (indexes, true);
        }
    }
    // without a chassis, what has a model or a serial number and stands first is it
    for filled in [13, 11].map(column) {
        let rows = agent.walk(&filled, FIRST_ENTITIES).await.unwrap_or_default();
        let tells = |value: &Value| value.text().is_some_and(|text| is_meant(&text));
        if let Some((oid, _)) = rows.iter().find(|(_, value)| tells(value)) {
            return (below(&filled, oid).into_iter().collect(), false);
        }
    }
    (Vec::new(), false)
}

async fn read_entity(agent: &dyn Agent, index: &[u32], is_certain: bool) -> Entity {
    let wanted = [13, 11, 10, 2, 7].map(|number| column(number).with(index));
    let [model, serial, version, descr, name] = of(agent.get(&wanted).await.unwrap_or_default());
    let text = |value: Option<Value>| value.and_then(|value| value.text()).filter(|text| is_meant(text));
    Entity {
        words: [&descr, &name, &version].into_iter().cloned().filter_map(text).collect(),
        model: text(model),
        serial: text(serial),
        // the software of a part is not the device's
        version: text(version).filter(|_| is_certain),
    }
}

fn column(number: u32) -> Oid {
    Oid::new(&ENTITY).with(&[1, number])
}

/// The lowest address of the interfaces.
async fn interface_address(agent: &dyn Agent) -> Option<String> {
    let rows = agent.walk(&Oid::new(&INTERFACE_ADDRESS), INTERFACES).await.unwrap_or_default();
    rows.iter().filter_map(|(_, value)| value.mac()).min()
}
