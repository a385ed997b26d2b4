//! Goes through the log of states once, and tells whoever wants to know how devices stood what it says, and when nobody
//! watched.

use std::sync::PoisonError;

use super::Series;
use crate::model::{DeviceId, Timestamp};
use crate::store::StoreError;
use crate::store::series::{HOUR, Standing, StateRecord, read_states};

/// Where nothing was written for longer than this, nobody watched. In milliseconds.
const SILENT: i64 = 150_000;

/// Whoever wants to know how devices stood; moments are milliseconds since 1970.
pub(super) trait Listener {
    /// A device stands so from this moment on.
    fn change(&mut self, device: DeviceId, at: i64, standing: Standing, planned: bool);

    /// Nobody watched from `seen` to `at`; from then on everything stands as it did before.
    fn gap(&mut self, seen: i64, at: i64);

    /// From this moment on nothing is known of any device; without one, from the last that was told.
    fn forget(&mut self, at: Option<i64>);
}

/// A listener on its way through the log.
pub(super) struct Walk<L> {
    listener: L,
    /// When somebody last watched; `None` where nobody does.
    seen: Option<i64>,
}

impl<L: Listener> Walk<L> {
    pub fn new(listener: L) -> Self {
        Self { listener, seen: None }
    }

    pub fn take(&mut self, record: StateRecord) {
        match record {
            StateRecord::Change { device, at, standing, planned } => {
                self.watched(at);
                self.listener.change(device, at, standing, planned);
            }
            StateRecord::Beat(at) => self.watched(at),
            StateRecord::Begin(at) => {
                self.listener.forget(self.seen);
                self.seen = Some(at);
            }
            StateRecord::End(at) => {
                self.watched(at);
                self.listener.forget(Some(at));
                self.seen = None;
            }
            StateRecord::Damage => self.listener.forget(self.seen),
        }
    }

    /// Somebody watched at this moment. Whatever lies between it and the last such moment is unknown if it is too long.
    fn watched(&mut self, at: i64) {
        if let Some(seen) = self.seen.filter(|seen| at.saturating_sub(*seen) > SILENT) {
            self.listener.gap(seen, at);
        }
        self.seen = Some(self.seen.map_or(at, |seen| seen.max(at)));
    }

    /// The log is over; `until` is the end of what is asked for.
    pub fn end(mut self, until: i64) -> L {
        match self.seen {
            Some(seen) if until.saturating_sub(seen) <= SILENT => {}
            seen => self.listener.forget(seen),
        }
        self.listener
    }
}

impl Series {
    /// Tells `listener` what the log says from `from` to `until`.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn walk<L: Listener>(
        &self,
        from: Timestamp,
        until: Timestamp,
        listener: L,
    ) -> Result<L, StoreError> {
        let _moving = self.shared.moving.read().unwrap_or_else(PoisonError::into_inner);
        let mut walk = Walk::new(listener);
        let day = |at: Timestamp| at.0.div_euclid(24 * HOUR);
        let days = self.shared.folder.state_days()?;
        // what a day begins with stands at the end of the one before
        let first = days.partition_point(|known| *known < day(from)).saturating_sub(1);
        for known in days[first..].iter().take_while(|known| **known <= day(until)) {
            read_states(&self.shared.folder.states_path(*known), |record| walk.take(record))?;
        }
        Ok(walk.end(until.0))
    }
}
