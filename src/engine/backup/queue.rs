//! Who may open a session now, and who must end: the sessions' semaphore and the jobs' cancel switches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{Semaphore, watch};

use crate::engine::start::lock;

/// The most runs stored at once: enough to keep the disk busy, few enough to cost little memory.
const STORING: usize = 16;

/// Shared by all jobs.
pub(in crate::engine) struct Queue {
    /// A permit per session at once; fair, so that two jobs take turns.
    pub sessions: Arc<Semaphore>,
    /// A permit per run that is being stored: each holds a thread while the disk works.
    pub storing: Semaphore,
    jobs: Mutex<Jobs>,
    open: watch::Sender<usize>,
}

#[derive(Default)]
struct Jobs {
    switches: HashMap<u64, watch::Sender<bool>>,
    stopping: bool,
}

impl Queue {
    /// At most `sessions` at once.
    pub fn new(sessions: usize) -> Self {
        let sessions = Arc::new(Semaphore::new(sessions.clamp(1, Semaphore::MAX_PERMITS)));
        Self {
            sessions,
            storing: Semaphore::new(STORING),
            jobs: Mutex::default(),
            open: watch::Sender::new(0),
        }
    }

    /// Enters a job; what it gets turns true when the job must end.
    pub fn enter(&self, job: u64) -> watch::Receiver<bool> {
        let mut jobs = lock(&self.jobs);
        let switch = watch::Sender::new(jobs.stopping);
        let end = switch.subscribe();
        jobs.switches.insert(job, switch);
        self.open.send_replace(jobs.switches.len());
        end
    }

    /// The job is over.
    pub fn leave(&self, job: u64) {
        let mut jobs = lock(&self.jobs);
        jobs.switches.remove(&job);
        self.open.send_replace(jobs.switches.len());
    }

    /// Ends a job. False when there is none of that number.
    pub fn cancel(&self, job: u64) -> bool {
        lock(&self.jobs).switches.get(&job).map(|switch| switch.send_replace(true)).is_some()
    }

    /// Ends every job, now and from now on.
    pub fn stop(&self) {
        let mut jobs = lock(&self.jobs);
        jobs.stopping = true;
        for switch in jobs.switches.values() {
            switch.send_replace(true);
        }
    }

    /// Waits until no job is open.
    pub async fn idle(&self) {
        // the sender lives in self, so this cannot fail
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }
}

/// Waits until the job must end.
pub(super) async fn cancelled(end: &mut watch::Receiver<bool>) {
    if end.wait_for(|end| *end).await.is_err() {
        // the switch is gone with the job's end: nobody will cancel any more
        std::future::pending::<()>().await;
    }
}
