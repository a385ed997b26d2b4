//! Reads identities, many at once: an agent has one question at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::device::identity::{self, Rules};
use crate::device::snmp::Credentials;
use crate::engine::actor::Actor;
use crate::engine::start::Engine;
use crate::model::{Device, DeviceId, Failure, FailureKind, Identity};

use super::IdentityReport;
use super::access::{address_of, ways};
use super::rounds::{Doors, Silent, in_two_rounds, these};

/// The devices in turn, `at_once` of them.
pub(super) async fn all(
    engine: Arc<Engine>,
    by: Actor,
    devices: Vec<Arc<Device>>,
    at_once: usize,
    report: mpsc::UnboundedSender<IdentityReport>,
) {
    let how = How::new(&engine);
    let run = Arc::new(Run { engine, by, report, how });
    let ask = |device| {
        let run = Arc::clone(&run);
        async move { run.one(device).await }
    };
    let silent = in_two_rounds(these(devices), at_once, ask).await;
    run.tell(silent).await;
}

/// What the readings of one run share.
struct Run {
    engine: Arc<Engine>,
    by: Actor,
    report: mpsc::UnboundedSender<IdentityReport>,
    how: How,
}

impl Run {
    async fn one(&self, device: Arc<Device>) -> Option<Silent<Arc<Device>>> {
        let report = match read(&self.engine, &self.how, &device).await {
            Ok((identity, way)) => {
                let kept = self.engine.keep_identity(&self.by, &device, identity, &way).await;
                kept.unwrap_or_else(|error| {
                    IdentityReport::failed(&device.name, Failure::new(FailureKind::Storage, error.message))
                })
            }
            Err(failure) if failure.kind == FailureKind::Timeout => {
                return Some(Silent { one: device, failure });
            }
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
    async fn tell(self: &Arc<Self>, silent: Vec<Silent<Arc<Device>>>) {
        let mut telling = JoinSet::new();
        for Silent { one: device, failure } in silent {
            let run = Arc::clone(self);
            telling.spawn(async move { run.tell_failure(&device, failure).await });
        }
        while telling.join_next().await.is_some() {}
    }

    async fn tell_failure(&self, device: &Arc<Device>, failure: Failure) {
        // a store that does not take it says so elsewhere; the reason of the failure tells more
        let _ = self.engine.keep_failure(&self.by, device, &failure).await;
        let _ = self.report.send(IdentityReport::failed(&device.name, failure));
    }
}

/// What the readings of one run have in common, whoever is asked.
pub(in crate::engine) struct How {
    doors: Doors,
    rules: Rules,
}

impl How {
    pub fn new(engine: &Engine) -> Self {
        Self { doors: Doors::default(), rules: engine.identity_rules() }
    }
}

/// Tries each way to ask until one is answered.
async fn read(engine: &Engine, how: &How, device: &Device) -> Result<(Identity, Credentials), Failure> {
    let address = address_of(device).await?;
    let ways = ways(engine, device)?;
    read_at(engine, how, address, ways, device.id).await
}

/// The same for an address that need not be a device's.
pub(in crate::engine) async fn read_at(
    engine: &Engine,
    how: &How,
    address: SocketAddr,
    ways: Vec<Credentials>,
    device: DeviceId,
) -> Result<(Identity, Credentials), Failure> {
    let _door = how.doors.enter(address).await;
    let limits = engine.settings().snmp.limits;
    let mut failures: Vec<Failure> = Vec::new();
    for way in ways {
        let agent = engine.snmp.client(address, way.clone(), limits).await?;
        let reading = identity::read(&agent, &how.rules, device, engine.now());
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
