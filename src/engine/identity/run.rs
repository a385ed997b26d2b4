//! Reads identities, many at once: an agent has one question at a time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::device::identity;
use crate::device::snmp::Credentials;
use crate::engine::actor::Actor;
use crate::engine::start::Engine;
use crate::model::{Device, DeviceId, Failure, FailureKind, Identity};

use super::IdentityReport;
use super::access::{address_of, ways};

/// The most devices that are asked at once where one address answers for many: a proxy, or a simulator.
const BEHIND_ONE: usize = 4;

/// Of those that are asked at once in the first round, one in so many is in the second.
const SECOND_ROUND: usize = 4;

/// How many are asked at each address just now.
#[derive(Default)]
struct Doors(Mutex<HashMap<SocketAddr, Arc<Semaphore>>>);

impl Doors {
    fn of(&self, address: SocketAddr) -> Arc<Semaphore> {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(doors.entry(address).or_insert_with(|| Arc::new(Semaphore::new(BEHIND_ONE))))
    }
}

/// The devices in turn, `at_once` of them. Whoever kept silent while others answered is asked once
/// more behind them all, by fewer at once: a burst may have been too much for an agent, or for the way to it.
pub(super) async fn all(
    engine: Arc<Engine>,
    by: Actor,
    devices: Vec<Arc<Device>>,
    at_once: usize,
    report: mpsc::UnboundedSender<IdentityReport>,
) {
    let round = Arc::new(Round { engine, by, report, doors: Doors::default() });
    let count = devices.len();
    let silent = round.ask(devices, at_once).await;
    if silent.len() == count {
        return round.tell(silent).await;
    }
    let again = silent.into_iter().map(|one| one.device).collect();
    let silent = round.ask(again, at_once.div_ceil(SECOND_ROUND)).await;
    round.tell(silent).await;
}

/// What the readings of one run share.
struct Round {
    engine: Arc<Engine>,
    by: Actor,
    report: mpsc::UnboundedSender<IdentityReport>,
    doors: Doors,
}

/// A device whose agent said nothing, and the words for that.
struct Silent {
    device: Arc<Device>,
    failure: Failure,
}

impl Round {
    /// Reads these, `at_once` of them, and reports all but those that kept silent.
    async fn ask(self: &Arc<Self>, devices: Vec<Arc<Device>>, at_once: usize) -> Vec<Silent> {
        let agents = Arc::new(Semaphore::new(at_once));
        let mut readings = JoinSet::new();
        let mut silent = Vec::new();
        for device in devices {
            let Ok(permit) = Arc::clone(&agents).acquire_owned().await else { break };
            let round = Arc::clone(self);
            readings.spawn(async move {
                let done = round.one(device).await;
                drop(permit);
                done
            });
            while let Some(done) = readings.try_join_next() {
                silent.extend(done.ok().flatten());
            }
        }
        while let Some(done) = readings.join_next().await {
            silent.extend(done.ok().flatten());
        }
        silent
    }

    async fn one(&self, device: Arc<Device>) -> Option<Silent> {
        let report = match read(&self.engine, &self.doors, &device).await {
            Ok((identity, way)) => {
                let kept = self.engine.keep_identity(&self.by, &device, identity, &way).await;
                kept.unwrap_or_else(|error| {
                    IdentityReport::failed(&device.name, Failure::new(FailureKind::Storage, error.message))
                })
            }
            Err(failure) if failure.kind == FailureKind::Timeout => return Some(Silent { device, failure }),
            Err(failure) => {
                self.tell_failure(&device, failure).await;
                return None;
            }
        };
        // whoever asked may have gone away
        let _ = self.report.send(report);
        None
    }

    /// Stores and reports that these are as they are; together, since each waits for the disk.
    async fn tell(self: &Arc<Self>, silent: Vec<Silent>) {
        let mut telling = JoinSet::new();
        for Silent { device, failure } in silent {
            let round = Arc::clone(self);
            telling.spawn(async move { round.tell_failure(&device, failure).await });
        }
        while telling.join_next().await.is_some() {}
    }

    async fn tell_failure(&self, device: &Arc<Device>, failure: Failure) {
        // a store that does not take it says so elsewhere; the reason of the failure tells more
        let _ = self.engine.keep_failure(&self.by, device, &failure).await;
        let _ = self.report.send(IdentityReport::failed(&device.name, failure));
    }
}

/// Tries each way to ask until one is answered.
async fn read(engine: &Engine, doors: &Doors, device: &Device) -> Result<(Identity, Credentials), Failure> {
    let address = address_of(device).await?;
    let ways = ways(engine, device)?;
    let _door = doors.of(address).acquire_owned().await;
    read_at(engine, address, ways, device.id).await
}

/// The same for an address that need not be a device's.
pub(in crate::engine) async fn read_at(
    engine: &Engine,
    address: SocketAddr,
    ways: Vec<Credentials>,
    device: DeviceId,
) -> Result<(Identity, Credentials), Failure> {
    let limits = engine.settings().snmp.limits;
    let mut failures: Vec<Failure> = Vec::new();
    for way in ways {
        let agent = engine.snmp.client(address, way.clone(), limits).await?;
        let reading = identity::read(&agent, engine.identity_rules(), device, engine.now());
        // the client bounds itself; this is the belt to its braces
        let ended = tokio::time::timeout(limits.whole + Duration::from_secs(5), reading).await;
        match ended.unwrap_or_else(|_| Err(overdue(limits.whole))) {
            Ok(identity) => return Ok((identity, way)),
            Err(failure) => failures.push(failure),
        }
    }
    // a refusal says more than a silence
    failures.sort_by_key(|failure| failure.kind == FailureKind::Timeout);
    let tried = failures.len();
    let mut failure = failures.into_iter().next().unwrap_or_else(|| overdue(limits.whole));
    if tried > 1 {
        failure.message = format!("{tried} ways to ask were tried; one of them: {}", failure.message);
    }
    Err(failure)
}

fn overdue(limit: Duration) -> Failure {
    Failure::new(FailureKind::Timeout, format!("reading the identity took longer than {} s", limit.as_secs()))
}
