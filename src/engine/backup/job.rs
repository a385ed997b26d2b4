//! A job: its devices in turn, as many at once as the queue allows.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::engine::actor::Actor;
use crate::engine::snapshot::Stage;
use crate::engine::start::Engine;
use crate::model::DeviceId;

use super::queue::cancelled;
use super::run::DeviceRun;
use super::{BackupOptions, JobHandle, RunReport};

/// A device that somebody wants backed up.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Wish {
    /// Which.
    pub device: DeviceId,
    /// Whether it was named, not only part of a group: then it is tried even where it is paused.
    pub by_name: bool,
}

impl Engine {
    /// Begins a job over these devices.
    pub(in crate::engine) fn begin_job(
        self: &Arc<Self>,
        by: &Actor,
        wishes: Vec<Wish>,
        options: BackupOptions,
    ) -> JobHandle {
        let ids: Vec<DeviceId> = wishes.iter().map(|wish| wish.device).collect();
        let line = if by.line.is_empty() { "backup run".to_owned() } else { by.line.clone() };
        let id = self.present().begin_job(line, by.name.clone(), self.now(), &ids);
        let end = self.queue.enter(id);
        let (report, reports) = mpsc::unbounded_channel();
        tokio::spawn(work(Arc::clone(self), id, by.clone(), wishes, options, end, report));
        self.publish_now();
        JobHandle { id, devices: ids.len(), reports }
    }
}

async fn work(
    engine: Arc<Engine>,
    job: u64,
    by: Actor,
    wishes: Vec<Wish>,
    options: BackupOptions,
    mut end: watch::Receiver<bool>,
    report: mpsc::UnboundedSender<RunReport>,
) {
    // Cancelled by whatever ends this task, so that the job never stays open.
    let _leave = Leave { engine: Arc::clone(&engine), job };
    let mut sessions = JoinSet::new();
    for (place, wish) in wishes.into_iter().enumerate() {
        let permit = tokio::select! {
            biased;
            () = cancelled(&mut end) => None,
            permit = Arc::clone(&engine.queue.sessions).acquire_owned() => permit.ok(),
        };
        let run =
            DeviceRun { engine: Arc::clone(&engine), job, place, by: by.clone(), options, end: end.clone() };
        let report = report.clone();
        sessions.spawn(async move {
            if let Some(done) = run.work(wish, permit).await {
                // whoever asked may have gone away
                let _ = report.send(done);
            }
        });
        while sessions.try_join_next().is_some() {}
    }
    while sessions.join_next().await.is_some() {}
}

struct Leave {
    engine: Arc<Engine>,
    job: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let now = self.engine.now();
        self.engine.present().end_job(self.job, now);
        self.engine.queue.leave(self.job);
        self.engine.publisher.ring();
    }
}

/// Shows how far a device's part is.
pub(super) fn show(engine: &Engine, job: u64, place: usize, stage: Stage) {
    engine.present().set_stage(job, place, stage);
    engine.publisher.ring();
}
