//! Reads identities, many at once: an agent has one question at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::device::identity;
use crate::device::snmp::Credentials;
use crate::engine::actor::Actor;
use crate::engine::start::Engine;
use crate::model::{Device, Failure, FailureKind, Identity};

use super::IdentityReport;
use super::access::{address_of, ways};

/// The devices in turn, as many at once as the settings say.
pub(super) async fn all(
    engine: Arc<Engine>,
    by: Actor,
    devices: Vec<Arc<Device>>,
    report: mpsc::UnboundedSender<IdentityReport>,
) {
    let agents = Arc::new(Semaphore::new(engine.settings.snmp.concurrency));
    let mut readings = JoinSet::new();
    for device in devices {
        let Ok(permit) = Arc::clone(&agents).acquire_owned().await else { return };
        let (engine, by, report) = (Arc::clone(&engine), by.clone(), report.clone());
        readings.spawn(async move {
            let done = one(&engine, &by, &device).await;
            drop(permit);
            // whoever asked may have gone away
            let _ = report.send(done);
        });
        while readings.try_join_next().is_some() {}
    }
    while readings.join_next().await.is_some() {}
}

async fn one(engine: &Arc<Engine>, by: &Actor, device: &Arc<Device>) -> IdentityReport {
    match read(engine, device).await {
        Ok((identity, way)) => match engine.keep_identity(by, device, identity, &way).await {
            Ok(report) => report,
            Err(error) => {
                IdentityReport::failed(&device.name, Failure::new(FailureKind::Storage, error.message))
            }
        },
        Err(failure) => IdentityReport::failed(&device.name, failure),
    }
}

/// Tries each way to ask until one is answered.
async fn read(engine: &Engine, device: &Device) -> Result<(Identity, Credentials), Failure> {
    let address = address_of(device).await?;
    let limits = engine.settings.snmp.limits;
    let ways = ways(engine, device)?;
    let mut failures: Vec<Failure> = Vec::new();
    for way in ways {
        let agent = engine.snmp.client(address, way.clone(), limits).await?;
        let reading = identity::read(&agent, engine.identity_rules(), device.id, engine.now());
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
