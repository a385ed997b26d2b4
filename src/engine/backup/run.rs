//! One device's part of a job: whether it may be tried, the attempts, the outcome.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::device::driver::CompiledDriver;
use crate::engine::actor::Actor;
use crate::engine::snapshot::Stage;
use crate::engine::start::Engine;
use crate::engine::trust::StoredTrust;
use crate::model::{Device, DeviceId, Failure, FailureKind, Run, RunStatus, Timestamp};

use super::job::{Wish, show};
use super::keep::Outcome;
use super::queue::cancelled;
use super::{BackupOptions, Broken, Call, Reading, RunReport};

/// One device's part of a job.
pub(super) struct DeviceRun {
    pub engine: Arc<Engine>,
    pub job: u64,
    pub place: usize,
    pub by: Actor,
    pub options: BackupOptions,
    pub end: watch::Receiver<bool>,
}

impl DeviceRun {
    /// Backs the device up; `permit` is the right to one session, missing when the job was cancelled before.
    pub async fn work(self, wish: Wish, permit: Option<OwnedSemaphorePermit>) -> Option<RunReport> {
        let engine = Arc::clone(&self.engine);
        let report = self.run(wish, permit).await?;
        engine.counters.runs.end(&report);
        Some(report)
    }

    async fn run(mut self, wish: Wish, permit: Option<OwnedSemaphorePermit>) -> Option<RunReport> {
        let (at, begun) = (self.engine.now(), Instant::now());
        let device = self.engine.present().device(wish.device)?;
        if let Some(why) = self.why_not(&device, wish) {
            return Some(self.skip(&device, at, why));
        }
        let Some(permit) = permit else {
            return Some(self.skip(
                &device,
                at,
                Failure::new(FailureKind::Cancelled, self.engine.queue.why_cancelled()),
            ));
        };
        let Some(session) = Session::begin(&self.engine, device.id) else {
            let why = "a session with this device is going on already; its own run will tell";
            return Some(self.skip(&device, at, Failure::new(FailureKind::Incomplete, why)));
        };
        let result = match self.driver_of(&device) {
            Ok(driver) => self.attempts(&device, driver, permit).await,
            Err(failure) => Err(failure.into()),
        };
        self.show(Stage::At("storing".to_owned()));
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let outcome = Outcome { device: Arc::clone(&device), at, millis, by: self.by.clone(), result };
        let kept = self.engine.keep(outcome).await;
        drop(session);
        self.show(Stage::Done(kept.status));
        Some(kept)
    }

    fn why_not(&self, device: &Device, wish: Wish) -> Option<Failure> {
        let no = |why: &str| Some(Failure::new(FailureKind::Incomplete, why));
        if device.deleted.is_some() {
            return no("the device was deleted");
        }
        if !device.is_managed() {
            return no("the device is an unmanaged asset; give it a transport to back it up");
        }
        if device.paused && !wish.by_name {
            return no("the device is paused; name it to back it up all the same");
        }
        if self.options.skip_done_today && self.engine.is_done_today(device.id) {
            return no("a run of this round has proven it already");
        }
        None
    }

    fn driver_of(&self, device: &Device) -> Result<Arc<CompiledDriver>, Failure> {
        let id = device.driver.as_ref().ok_or_else(|| no_driver(device))?;
        let gone = |problem: crate::device::driver::Problem| {
            Failure::new(FailureKind::Incomplete, problem.to_string())
        };
        self.engine.drivers().get(id).map_err(gone)
    }

    /// Tries until it works, the failure is a lasting one, or the retries are used up. What came without proof is read
    /// once more, and kept for the case that no proof comes then. Between two attempts the right to a session goes
    /// back, so that a dead device holds up nobody.
    async fn attempts(
        &mut self,
        device: &Arc<Device>,
        driver: Arc<CompiledDriver>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Reading, Broken> {
        let mut permit = Some(permit);
        let mut attempt = 1;
        let mut doubtful = None;
        loop {
            let ended = self.attempt(device, driver.clone()).await;
            let passing = match &ended {
                Ok(reading) => doubtful.is_none() && reading.doubt.is_some(),
                Err(broken) => broken.failure.kind.is_passing(),
            };
            let ended = match (ended, doubtful.take()) {
                // what came before tells more than a line that broke; but not more than a changed host key
                (Err(broken), Some(before)) if passing || broken.failure.kind == FailureKind::Cancelled => {
                    Ok(before)
                }
                (ended, _) => ended,
            };
            if !passing || attempt > self.engine.settings().retries {
                return ended;
            }
            permit.take();
            attempt += 1;
            self.show(Stage::Retrying(attempt));
            let again = async {
                tokio::time::sleep(wait_before(attempt, self.engine.settings().retry_wait)).await;
                Arc::clone(&self.engine.queue.sessions).acquire_owned().await.ok()
            };
            permit = tokio::select! {
                biased;
                () = cancelled(&mut self.end) => return ended,
                permit = again => permit,
            };
            doubtful = ended.ok();
        }
    }

    async fn attempt(
        &mut self,
        device: &Arc<Device>,
        driver: Arc<CompiledDriver>,
    ) -> Result<Reading, Broken> {
        self.show(Stage::At("connect".to_owned()));
        let login = self
            .engine
            .login(device)
            .map_err(|error| Broken::from(Failure::new(FailureKind::Storage, error.message)))?;
        let device = &Arc::new(Device { username: login.username, ..device.as_ref().clone() });
        let (engine, job, place) = (Arc::downgrade(&self.engine), self.job, self.place);
        let call = Call {
            device: Arc::clone(device),
            driver,
            passwords: login.passwords,
            limits: self.engine.settings().limits,
            trust: Arc::new(StoredTrust::new(&self.engine, Arc::clone(device))),
            usual_lines: self.engine.present().status(device.id).newest.as_ref().map(|newest| newest.lines),
            progress: Arc::new(move |step| {
                if let Some(engine) = engine.upgrade() {
                    show(&engine, job, place, Stage::At(step.to_owned()));
                }
            }),
        };
        // in a task of its own: a panic in one session is that device's failure, not the job's
        let reader = Arc::clone(&self.engine.reader);
        let mut session = JoinSet::new();
        session.spawn(async move { reader.read(call).await });
        let limit = self.engine.settings().limits.whole;
        let ended = tokio::select! {
            biased;
            () = cancelled(&mut self.end) => {
                let why = format!("the session was broken off: {}", self.engine.queue.why_cancelled());
                Err(Failure::new(FailureKind::Cancelled, why).into())
            }
            // the session bounds itself; this is the belt to its braces
            () = tokio::time::sleep(limit + Duration::from_secs(5)) => Err(overdue(limit).into()),
            ended = session.join_next() => match ended {
                Some(Ok(ended)) => ended,
                _ => Err(broke_down().into()),
            },
        };
        session.shutdown().await;
        ended
    }

    fn skip(&self, device: &Device, at: Timestamp, why: Failure) -> RunReport {
        self.show(Stage::Done(RunStatus::Skipped));
        let run = Run {
            device: device.id,
            at,
            millis: 0,
            status: RunStatus::Skipped,
            revision: None,
            bytes: 0,
            failure: Some(why),
            recording: None,
            by: self.by.name.clone(),
        };
        RunReport::new(device.name.clone(), device.driver.clone(), &run, None)
    }

    fn show(&self, stage: Stage) {
        show(&self.engine, self.job, self.place, stage);
    }
}

/// The wait before an attempt: the second after `first`, each next one twice as long, at most five minutes.
fn wait_before(attempt: u32, first: Duration) -> Duration {
    first.saturating_mul(1 << attempt.saturating_sub(2).min(10)).min(Duration::from_secs(300))
}

fn no_driver(device: &Device) -> Failure {
    Failure::new(
        FailureKind::Incomplete,
        format!(
            "{0} has no driver; give it one: `device edit {0} driver=ID`, `driver list` shows them",
            device.name
        ),
    )
}

fn overdue(limit: Duration) -> Failure {
    Failure::new(FailureKind::Timeout, format!("the whole session took longer than {} s", limit.as_secs()))
}

fn broke_down() -> Failure {
    let message =
        "the session broke down inside noctule; please report it, with what `device show` says of the device";
    Failure::new(FailureKind::Internal, message)
}

/// One session per device: taken at the beginning, given back by whatever ends it.
struct Session {
    engine: Arc<Engine>,
    device: DeviceId,
}

impl Session {
    fn begin(engine: &Arc<Engine>, device: DeviceId) -> Option<Self> {
        let begun = engine.present().begin_session(device, engine.now());
        begun.then(|| Self { engine: Arc::clone(engine), device })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let now = self.engine.now();
        self.engine.present().end_session(self.device, now);
        self.engine.publisher.ring();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_five_minutes() {
        let waits: Vec<u64> =
            [2, 3, 4, 40].map(|attempt| wait_before(attempt, Duration::from_secs(5)).as_secs()).into();
        assert_eq!(waits, [5, 10, 20, 300]);
    }
}
