//! Who may open a session now, and who must end: the sessions' semaphore and the jobs' cancel switches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{Semaphore, watch};

use crate::engine::start::lock;

/// The most runs stored at once: enough to keep the disk busy, few enough to cost little memory.
const STORING: usize = 16;
/// The most sessions at once.
const MOST: usize = 5000;

/// Shared by all jobs.
pub(in crate::engine) struct Queue {
    /// A permit per session at once; fair, so that two jobs take turns.
    pub sessions: Arc<Semaphore>,
    /// A permit per run that is being stored: each holds a thread while the disk works.
    pub storing: Semaphore,
    /// How many permits there are in all, those that are to go left out.
    most: Mutex<usize>,
    jobs: Mutex<Jobs>,
    open: watch::Sender<usize>,
}

#[derive(Default)]
struct Jobs {
    switches: HashMap<u64, watch::Sender<bool>>,
    stopping: bool,
    /// The engine is about to end.
    ending: bool,
}

impl Queue {
    /// At most `sessions` at once.
    pub fn new(sessions: usize) -> Self {
        let most = sessions.clamp(1, MOST);
        Self {
            sessions: Arc::new(Semaphore::new(most)),
            most: Mutex::new(most),
            storing: Semaphore::new(STORING),
            jobs: Mutex::default(),
            open: watch::Sender::new(0),
        }
    }

    /// Changes how many are open at once. Where it is fewer than are open, those end as they would have. Call it inside
    /// a tokio runtime.
    pub fn set_sessions(&self, sessions: usize) {
        let mut most = lock(&self.most);
        let wanted = sessions.clamp(1, MOST);
        if wanted > *most {
            self.sessions.add_permits(wanted - *most);
        }
        if let Ok(surplus @ 1..) = u32::try_from(most.saturating_sub(wanted)) {
            let semaphore = Arc::clone(&self.sessions);
            // one by one: all at once would hold up every session until so many are free together
            tokio::spawn(async move {
                for _ in 0..surplus {
                    let Ok(permit) = semaphore.acquire().await else { return };
                    permit.forget();
                }
            });
        }
        *most = wanted;
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

    /// No further session begins: the engine is about to end. What ends unfinished from now on ends because of that.
    pub fn close(&self) {
        lock(&self.jobs).ending = true;
        self.sessions.close();
    }

    /// Why a session that was broken off was, or one that waited did not begin.
    pub fn why_cancelled(&self) -> &'static str {
        if lock(&self.jobs).ending { "noctule ended" } else { "the job was cancelled" }
    }

    /// Ends every job, now and from now on.
    pub fn stop(&self) {
        let mut jobs = lock(&self.jobs);
        jobs.ending = true;
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
pub(in crate::engine) async fn cancelled(end: &mut watch::Receiver<bool>) {
    if end.wait_for(|end| *end).await.is_err() {
        // the switch is gone with the job's end: nobody will cancel any more
        std::future::pending::<()>().await;
    }
}
