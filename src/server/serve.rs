//! The engine without a terminal: it listens until it is told to stop, or nobody has wanted it for long enough.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::attached::Host;
use super::event_log;
use super::listen::Bound;
use super::log::Log;
use super::{metrics, systemd};
use crate::engine::sessions::{Farewell, Sessions};
use crate::engine::{Engine, Options};

/// How long a refusal of the system is waited out: too many open files.
const AGAIN: Duration = Duration::from_millis(200);
/// How long backups that are at work may go on once the engine is to end.
const LAST_BACKUPS: Duration = Duration::from_secs(20);
/// How long sessions have to end after that.
const LAST_WORDS: Duration = Duration::from_secs(8);

/// An engine that listens.
pub struct Server {
    host: Arc<Host>,
    accepting: JoinHandle<()>,
    logging: JoinHandle<()>,
    metrics: JoinHandle<()>,
}

impl Server {
    /// Serves whoever connects to `bound`, in the runtime that it is called in; commands run on `workers`.
    pub fn begin(engine: Arc<Engine>, options: Options, bound: Bound, workers: Handle, log: Log) -> Self {
        let logging = tokio::spawn(event_log::write(engine.subscribe(), log.clone()));
        event_log::begin(&engine, &log);
        let metrics = tokio::spawn(metrics::work(Arc::clone(&engine), log.clone()));
        let host = Arc::new(Host { engine, options, workers, log });
        let accepting = tokio::spawn(accept(bound, Arc::clone(&host)));
        Self { host, accepting, logging, metrics }
    }

    /// Who is in.
    pub fn sessions(&self) -> &Arc<Sessions> {
        self.host.engine.sessions()
    }

    /// Waits until nobody was in for so long, and no backup runs.
    pub async fn idle(&self, limit: Duration) {
        let mut count = self.sessions().count();
        loop {
            // the sender lives in self
            let _ = count.wait_for(|count| *count == 0).await;
            tokio::select! {
                biased;
                _ = count.changed() => continue,
                () = tokio::time::sleep(limit) => {}
            }
            if self.host.engine.sessions_at_work() == 0 {
                return;
            }
        }
    }

    /// Reads `config.toml` and the drivers' files now, and says in the log what came of it.
    pub async fn reload(&self) {
        let Host { engine, log, .. } = &*self.host;
        engine.reload_drivers();
        // an event tells of what is wrong
        if engine.reload_settings().await.is_ok() {
            log.info("the settings and the drivers were read anew");
        }
    }

    /// Ends everything in good order: nobody new comes in, backups at work end or are marked as cancelled, everybody is
    /// told `why`.
    pub async fn drain(self, why: &str) {
        let Host { engine, log, .. } = &*self.host;
        let sessions = engine.sessions();
        systemd::tell("STOPPING=1");
        log.info(&format!("stops: {why}"));
        self.accepting.abort();
        let farewell = Farewell { why: format!("the engine stops: {why}"), comes_back: true };
        let working = engine.sessions_at_work();
        if working > 0 {
            log.info(&format!("{working} backups are at work: they have {} s", LAST_BACKUPS.as_secs()));
        }
        engine.finish_backups(LAST_BACKUPS).await;
        sessions.close(&farewell);
        if tokio::time::timeout(LAST_WORDS, sessions.empty()).await.is_err() {
            log.warning(&format!("{} sessions did not end in time", sessions.list().len()));
        }
        engine.stop().await;
        self.logging.abort();
        // to the end: whoever collects them sees how it ends
        self.metrics.abort();
        log.info("has stopped");
    }
}

async fn accept(bound: Bound, host: Arc<Host>) {
    loop {
        match bound.accept().await {
            Ok(socket) => {
                // here, in the order in which they come: tasks begin in any
                let number = host.engine.sessions().strangers().arrive();
                drop(tokio::spawn(Arc::clone(&host).serve(socket, number)));
            }
            Err(error) => {
                host.log.error(&format!("accepting a connection: {error}"));
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
