//! Backups: the jobs that people and the schedule ask for, and what each of their devices did.

mod checked_host;
mod job;
mod keep;
mod network;
mod queue;
mod reader;
mod route;
mod run;
mod told;
mod transports;

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::mpsc;

use crate::model::{DeviceName, DriverId, Failure, Revision, Run, RunStatus};

pub use checked_host::CheckedHost;
pub(super) use job::Wish;
pub use network::{Connect, Network, WireFuture};
pub(super) use queue::{Queue, cancelled};
pub use reader::{Broken, Call, Reader, Reading, ReadingFuture, TerminalFuture, WayFuture};
pub use transports::Transports;

use super::actor::Actor;
use super::error::ActError;
use super::selection::Selection;
use super::start::Engine;

/// How a backup job is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct BackupOptions {
    /// Leave out devices that a run of the present round (since the schedule's time of day) has proven already.
    pub skip_done_today: bool,
}

/// A job that was begun.
#[derive(Debug)]
pub struct JobHandle {
    /// Its number, for [`Engine::cancel_job`].
    pub id: u64,
    /// How many devices it is about.
    pub devices: usize,
    /// A report as each device ends; closed when all have. Dropping it does not stop the job.
    pub reports: mpsc::UnboundedReceiver<RunReport>,
}

/// What one device's run did. The field names are those of `backup run --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunReport {
    /// Which device.
    pub device: DeviceName,
    /// Its driver.
    pub driver: Option<DriverId>,
    /// How it ended.
    pub status: RunStatus,
    /// The revision that was stored, confirmed or quarantined.
    pub revision: Option<u32>,
    /// Bytes of configuration that came.
    pub bytes: u64,
    /// SHA-256 of the exact text, in hex.
    pub sha256: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// Why it failed or was skipped.
    pub error: Option<Failure>,
}

impl RunReport {
    fn new(device: DeviceName, driver: Option<DriverId>, run: &Run, revision: Option<&Revision>) -> Self {
        Self {
            device,
            driver,
            status: run.status,
            revision: run.revision,
            bytes: run.bytes,
            sha256: revision.map(|revision| revision.sha256.clone()),
            seconds: run.millis as f64 / 1000.0,
            error: run.failure.clone(),
        }
    }
}

impl Engine {
    /// Backs up the devices that `selection` means, as a job of its own.
    ///
    /// # Errors
    /// When a name is unknown, nothing was asked for, or no device is meant.
    pub fn backup(
        self: &Arc<Self>,
        by: &Actor,
        selection: &Selection,
        options: BackupOptions,
    ) -> Result<JobHandle, ActError> {
        let devices = self.select(selection)?;
        if devices.is_empty() {
            return Err(ActError::not_found("no device matches; `device list` shows what there is"));
        }
        let wishes = devices
            .into_iter()
            .map(|device| job::Wish {
                by_name: selection.names.iter().any(|name| name == device.name.as_str()),
                device: device.id,
            })
            .collect();
        Ok(self.begin_job(by, wishes, options))
    }

    /// Ends a job: what is at work is broken off, what waits is skipped.
    ///
    /// # Errors
    /// When no job of that number is going on.
    pub fn cancel_job(&self, id: u64) -> Result<(), ActError> {
        if self.queue.cancel(id) {
            Ok(())
        } else {
            Err(ActError::not_found(format!("no job {id} is going on")))
        }
    }
}
