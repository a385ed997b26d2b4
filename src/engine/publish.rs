//! Shows the present to whoever watches: at most four pictures a second, and none when nothing changed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::snapshot::Snapshot;
use super::start::Engine;

/// The least time between two pictures that no operator asked for.
const BETWEEN: Duration = Duration::from_millis(250);
/// How often devices are looked at for being late.
const LATE_CHECK: Duration = Duration::from_secs(60);

/// The newest picture, and the bell that asks for another.
pub(super) struct Publisher {
    latest: watch::Sender<Arc<Snapshot>>,
    bell: Notify,
}

impl Default for Publisher {
    fn default() -> Self {
        Self { latest: watch::Sender::new(Arc::default()), bell: Notify::new() }
    }
}

impl Publisher {
    /// The newest picture.
    pub fn latest(&self) -> Arc<Snapshot> {
        self.latest.borrow().clone()
    }

    /// Pictures as they come.
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.latest.subscribe()
    }

    /// Something changed: a picture is due, soon.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Shows this picture.
    pub fn publish(&self, picture: Snapshot) {
        self.latest.send_replace(Arc::new(picture));
    }
}

/// The worker: waits for the bell, shows the present, rests.
pub(super) async fn work(publisher: Arc<Publisher>, engine: Weak<Engine>) {
    let mut late_check = tokio::time::interval(LATE_CHECK);
    late_check.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        // an engine that nobody holds any more must not be held by this wait
        let check_late = tokio::select! {
            () = publisher.bell.notified() => false,
            _ = late_check.tick() => true,
        };
        let Some(alive) = engine.upgrade() else { return };
        if check_late {
            alive.present().pass_time(alive.now());
        }
        // once a minute in any case: a picture that grows old then says that the engine is not well
        if check_late || alive.present().is_stirred() {
            alive.publish_now();
        }
        drop(alive);
        tokio::time::sleep(BETWEEN).await;
    }
}
