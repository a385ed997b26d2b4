//! Shows the present to whoever watches: at most four pictures a second, and none when nothing changed.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::snapshot::Snapshot;
use super::start::{Engine, lock};
use crate::model::Within;

/// The least time between two pictures that no operator asked for.
const BETWEEN: Duration = Duration::from_millis(250);
/// How often devices are looked at for being late.
const LATE_CHECK: Duration = Duration::from_secs(60);

/// The newest picture, and the bell that asks for another.
pub(super) struct Publisher {
    latest: watch::Sender<Arc<Snapshot>>,
    narrowed: Mutex<Narrowed>,
    bell: Notify,
}

/// A picture as those see it who may look at a part of the network: made once for all who may look at the same part.
#[derive(Default)]
struct Narrowed {
    of: Arc<Snapshot>,
    parts: Vec<(Within, Arc<Snapshot>)>,
}

impl Default for Publisher {
    fn default() -> Self {
        Self { latest: watch::Sender::new(Arc::default()), narrowed: Mutex::default(), bell: Notify::new() }
    }
}

impl Publisher {
    /// The newest picture.
    pub fn latest(&self) -> Arc<Snapshot> {
        self.latest.borrow().clone()
    }

    /// The newest picture of a part of the network.
    pub fn latest_within(&self, within: &Within) -> Arc<Snapshot> {
        let latest = self.latest();
        if within.is_everything() {
            return latest;
        }
        let mut narrowed = lock(&self.narrowed);
        if !Arc::ptr_eq(&narrowed.of, &latest) {
            *narrowed = Narrowed { of: latest, parts: Vec::new() };
        }
        if let Some((_, part)) = narrowed.parts.iter().find(|(part, _)| part == within) {
            return Arc::clone(part);
        }
        let part = Arc::new(narrowed.of.within(within));
        narrowed.parts.push((within.clone(), Arc::clone(&part)));
        part
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::device_rows::tests::row;
    use crate::model::{Grant, Reach, Rights, Role};

    fn group(name: &str) -> Within {
        let reach = Reach::Group(name.into());
        Rights::new(vec![Grant { role: Role::Viewer, reach }]).within(Role::Viewer)
    }

    fn picture() -> Snapshot {
        let of_group = |id, name, group: &str| {
            let mut row = row(id, name);
            Arc::make_mut(&mut row.device).group = group.into();
            row
        };
        let devices = [of_group(1, "a", "campus"), of_group(2, "b", "core")];
        Snapshot { devices: devices.into_iter().collect(), ..Snapshot::default() }
    }

    #[test]
    fn who_sees_the_same_part_shares_its_picture_and_nobody_else_gets_it() {
        let publisher = Publisher::default();
        publisher.publish(picture());
        let names =
            |of: &Snapshot| of.devices.iter().map(|row| row.device.name.to_string()).collect::<Vec<_>>();
        let campus = publisher.latest_within(&group("campus"));
        assert_eq!(names(&campus), ["a"]);
        assert!(Arc::ptr_eq(&campus, &publisher.latest_within(&group("campus"))));
        assert_eq!(names(&publisher.latest_within(&group("core"))), ["b"]);
        assert_eq!(names(&publisher.latest_within(&group("nowhere"))), [] as [&str; 0]);
        assert_eq!(names(&publisher.latest_within(&Within::everything())), ["a", "b"]);

        // the next picture is another one for everybody
        let mut moved = picture();
        moved.devices = moved.devices.iter().take(0).cloned().collect();
        publisher.publish(moved);
        assert_eq!(names(&publisher.latest_within(&group("campus"))), [] as [&str; 0]);
    }
}
