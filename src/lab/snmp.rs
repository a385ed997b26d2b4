//! Simulated SNMP agents, versions 1 and 2c, over real UDP: `inventory/agents.toml` has one for each kind of device.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use super::{Reach, ber};
use crate::device::snmp::{Oid, Value};

const AGENTS: &str = include_str!("../../inventory/agents.toml");

/// The community of simulated agents. Nothing real has it.
pub const COMMUNITY: &str = "lab-community";

/// The most bytes of an answer: what fits into one packet of Ethernet.
const LARGEST: usize = 1400;

const GET: u8 = 0xa0;
const GET_NEXT: u8 = 0xa1;
const RESPONSE: u8 = 0xa2;
const GET_BULK: u8 = 0xa5;
const NO_SUCH_INSTANCE: [u8; 2] = [0x81, 0];
const END_OF_VIEW: [u8; 2] = [0x82, 0];
const NO_SUCH_NAME: i64 = 2;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    agent: Vec<Entry>,
}

/// What an agent of `inventory/agents.toml` says, and what it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The driver of the kind.
    pub driver: String,
    /// sysDescr.
    pub descr: String,
    /// sysObjectID without `1.3.6.1.4.1.`.
    pub object: String,
    /// entPhysicalModelName and entPhysicalSerialNum of the chassis.
    #[serde(default)]
    pub chassis: Option<(String, String)>,
    /// Other objects.
    #[serde(default)]
    pub rows: BTreeMap<String, String>,
    /// Who made it.
    pub vendor: String,
    /// What it is.
    pub model: Option<String>,
    /// What it runs.
    pub version: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
}

/// The agents of `inventory/agents.toml`.
///
/// # Errors
/// What is wrong with the file.
pub fn agents() -> Result<Vec<Entry>, String> {
    toml::from_str::<File>(AGENTS).map(|file| file.agent).map_err(|error| error.to_string())
}

impl Entry {
    /// The objects of a device of this kind with that name and place. The `number` makes its serial number and its base
    /// address its own; of 0 the serial number is the file's.
    ///
    /// # Errors
    /// An identifier of the file is none.
    pub fn objects(&self, name: &str, location: &str, number: u16) -> Result<Objects, String> {
        let text = |text: &str| Value::Bytes(text.as_bytes().to_vec());
        let own = |value: &str| match &self.serial {
            Some(serial) if number > 0 && serial == value => {
                text(&format!("{}{number:03}", &value[..value.len().saturating_sub(3)]))
            }
            _ => text(value),
        };
        let [high, low] = number.to_be_bytes();
        let mac = [2, 0x6e, 0x6f, 0x63, high, low];
        let system = |number: u32| Oid::new(&[1, 3, 6, 1, 2, 1, 1, number, 0]);
        let mut objects = Objects::new();
        objects.insert(system(1), text(&self.descr));
        objects.insert(system(2), Value::Oid(format!("1.3.6.1.4.1.{}", self.object).parse()?));
        objects.insert(system(3), Value::Unsigned(8_640_000));
        objects.insert(system(4), text("noc@example.net"));
        objects.insert(system(5), text(name));
        objects.insert(system(6), text(location));
        objects.insert(Oid::new(&[1, 3, 6, 1, 2, 1, 17, 1, 1, 0]), Value::Bytes(mac.to_vec()));
        if let Some((model, serial)) = &self.chassis {
            let entity = |column: u32| Oid::new(&[1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1, column, 1]);
            objects.insert(entity(5), Value::Integer(3));
            objects.insert(entity(11), own(serial));
            objects.insert(entity(13), text(model));
        }
        for (oid, value) in &self.rows {
            objects.insert(oid.parse()?, own(value));
        }
        Ok(objects)
    }
}

/// What an agent knows.
pub type Objects = BTreeMap<Oid, Value>;

/// A simulated agent; it is up as long as this is.
pub struct SnmpAgent {
    address: SocketAddr,
    objects: Arc<Mutex<Objects>>,
    _serving: JoinSet<()>,
}

impl SnmpAgent {
    /// Starts an agent; port 0 takes a free one. It listens when this returns.
    ///
    /// # Errors
    /// The address is taken or not there.
    pub async fn start(address: SocketAddr, community: &str, objects: Objects) -> io::Result<Self> {
        Self::start_behind(address, community, objects, Arc::new(|_| true)).await
    }

    /// The same, where `reach` says whether it can be reached: it is silent while it cannot.
    ///
    /// # Errors
    /// As [`SnmpAgent::start`].
    pub async fn start_behind(
        address: SocketAddr,
        community: &str,
        objects: Objects,
        reach: Reach,
    ) -> io::Result<Self> {
        Self::start_slow(address, community, objects, reach, Duration::ZERO).await
    }

    /// The same, where each answer takes so long; others are answered meanwhile.
    ///
    /// # Errors
    /// As [`SnmpAgent::start`].
    pub async fn start_slow(
        address: SocketAddr,
        community: &str,
        objects: Objects,
        reach: Reach,
        delay: Duration,
    ) -> io::Result<Self> {
        let socket = Arc::new(UdpSocket::bind(address).await?);
        let address = socket.local_addr()?;
        let objects = Arc::new(Mutex::new(objects));
        let mut serving = JoinSet::new();
        serving.spawn(serve(socket, community.as_bytes().to_vec(), Arc::clone(&objects), reach, delay));
        Ok(Self { address, objects, _serving: serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes an object.
    pub fn set(&self, oid: Oid, value: Value) {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).insert(oid, value);
    }
}

async fn serve(
    socket: Arc<UdpSocket>,
    community: Vec<u8>,
    objects: Arc<Mutex<Objects>>,
    reach: Reach,
    delay: Duration,
) {
    let own = socket.local_addr().map(|address| address.ip());
    let mut bytes = vec![0; 65_536];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut bytes).await else { continue };
        if own.as_ref().is_ok_and(|own| !reach(*own)) {
            continue;
        }
        let answer = {
            let objects = objects.lock().unwrap_or_else(PoisonError::into_inner);
            answer(&bytes[..length], &community, &objects)
        };
        let Some(answer) = answer else { continue };
        if delay.is_zero() {
            let _ = socket.send_to(&answer, from).await;
            continue;
        }
        let socket = Arc::clone(&socket);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let _ = socket.send_to(&answer, from).await;
        });
    }
}

/// A question, taken apart.
struct Question {
    version: i64,
    id: i64,
    kind: u8,
    /// Non-repeaters and repetitions of a bulk question.
    numbers: (i64, i64),
    oids: Vec<Oid>,
}

/// What is answered to a packet; nothing to what is no question, or comes with another community.
fn answer(packet: &[u8], community: &[u8], objects: &Objects) -> Option<Vec<u8>> {
    let question = read(packet, community)?;
    let mut status = (0, 0);
    let mut bound: Vec<Vec<u8>> = Vec::new();
    match question.kind {
        GET => {
            for (place, oid) in question.oids.iter().enumerate() {
                let value = match objects.get(oid) {
                    Some(value) => ber::value(value),
                    None if question.version == 0 => {
                        status = (NO_SUCH_NAME, place as i64 + 1);
                        vec![ber::NULL, 0]
                    }
                    None => NO_SUCH_INSTANCE.to_vec(),
                };
                bound.push(bind(oid, &value));
            }
        }
        GET_NEXT => {
            for (place, oid) in question.oids.iter().enumerate() {
                match next(objects, oid) {
                    Some((next, value)) => bound.push(bind(next, &ber::value(value))),
                    None if question.version == 0 => {
                        status = (NO_SUCH_NAME, place as i64 + 1);
                        bound.push(bind(oid, &[ber::NULL, 0]));
                    }
                    None => bound.push(bind(oid, &END_OF_VIEW)),
                }
            }
        }
        GET_BULK if question.version == 1 => bound = bulk(&question, objects),
        _ => return None,
    }
    let body = [
        ber::number(ber::INTEGER, question.id),
        ber::number(ber::INTEGER, status.0),
        ber::number(ber::INTEGER, status.1),
        ber::element(ber::SEQUENCE, &bound.concat()),
    ];
    let message = [
        ber::number(ber::INTEGER, question.version),
        ber::element(ber::OCTETS, community),
        ber::element(RESPONSE, &body.concat()),
    ];
    Some(ber::element(ber::SEQUENCE, &message.concat()))
}

/// RFC 3416, 4.2.3.
fn bulk(question: &Question, objects: &Objects) -> Vec<Vec<u8>> {
    let once = usize::try_from(question.numbers.0).unwrap_or(0).min(question.oids.len());
    let (once, repeated) = question.oids.split_at(once);
    let mut bound: Vec<Vec<u8>> = Vec::new();
    let mut step = |oid: &Oid| {
        let (oid, value) = match next(objects, oid) {
            Some((next, value)) => (next.clone(), ber::value(value)),
            None => (oid.clone(), END_OF_VIEW.to_vec()),
        };
        bound.push(bind(&oid, &value));
        (oid, bound.iter().map(Vec::len).sum::<usize>())
    };
    once.iter().for_each(|oid| drop(step(oid)));
    let mut last = repeated.to_vec();
    for _ in 0..question.numbers.1.clamp(0, 100) {
        for oid in &mut last {
            let (next, size) = step(oid);
            *oid = next;
            if size > LARGEST {
                return bound;
            }
        }
    }
    bound
}

fn read(packet: &[u8], community: &[u8]) -> Option<Question> {
    let mut message = ber::Reader(ber::Reader(packet).expect(ber::SEQUENCE)?);
    let version = message.integer().filter(|version| (0..=1).contains(version))?;
    message.expect(ber::OCTETS).filter(|theirs| *theirs == community)?;
    let (kind, body) = message.next()?;
    let mut body = ber::Reader(body);
    let (id, numbers) = (body.integer()?, (body.integer()?, body.integer()?));
    let mut list = ber::Reader(body.expect(ber::SEQUENCE)?);
    let mut oids = Vec::new();
    while let Some((ber::SEQUENCE, pair)) = list.next() {
        oids.push(ber::object_of(ber::Reader(pair).expect(ber::OBJECT)?));
    }
    Some(Question { version, id, kind, numbers, oids })
}

fn bind(oid: &Oid, value: &[u8]) -> Vec<u8> {
    ber::element(ber::SEQUENCE, &[&ber::object(oid), value].concat())
}

fn next<'a>(objects: &'a Objects, oid: &Oid) -> Option<(&'a Oid, &'a Value)> {
    objects.range((Bound::Excluded(oid), Bound::Unbounded)).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_identifiers_come_back() {
        for number in [0, 1, -1, 127, 128, -128, -129, 65_535, i64::from(i32::MIN)] {
            let bytes = ber::number(ber::INTEGER, number);
            assert_eq!(ber::Reader(&bytes).integer(), Some(number));
        }
        for text in ["1.3.6.1.4.1.9.1.1208", "1.0.8802.1.1.2.1.3.2.0", "1.3.4294967295"] {
            let oid: Oid = text.parse().unwrap();
            let bytes = ber::object(&oid);
            assert_eq!(ber::object_of(ber::Reader(&bytes).expect(ber::OBJECT).unwrap()), oid);
        }
        assert_eq!(ber::element(4, &[7; 300])[..4], [4, 0x82, 1, 44]);
    }

    #[test]
    fn there_is_an_agent_for_every_driver() {
        let agents = agents().unwrap();
        for driver in crate::device::driver::Drivers::embedded().ids() {
            assert!(agents.iter().any(|agent| agent.driver == driver.as_str()), "none for {driver}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_packet_makes_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            answer(&bytes, b"x", &Objects::new());
            answer(&ber::element(ber::SEQUENCE, &bytes), b"x", &Objects::new());
        }
    }
}
