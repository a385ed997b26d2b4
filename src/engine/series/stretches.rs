//! How one device stood, stretch by stretch: for its timeline.

use super::Series;
use super::walk::Listener;
use crate::model::{DeviceId, Timestamp};
use crate::store::StoreError;
use crate::store::series::Standing;

/// The most stretches that are kept of a device: the newest.
const MOST: usize = 20_000;

/// A time in which a device stood one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// From when.
    pub from: Timestamp,
    /// Until when; the period's end where it stood so still.
    pub until: Timestamp,
    /// How it stood; unknown where nobody watched.
    pub standing: Standing,
    /// Whether that was in planned work.
    pub planned: bool,
}

impl Series {
    /// How a device stood from `from` to `until`, the oldest stretch first, at most 20 000 of them.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn stretches(
        &self,
        device: DeviceId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Stretch>, StoreError> {
        let until = until.min(self.shared.clock.now()).max(from);
        let log = self.walk(from, until, Log::new(device, from.0, until.0))?;
        Ok(log.end())
    }
}

/// Goes through the log once; what a clock that was set back tells a second time has no length.
struct Log {
    device: DeviceId,
    until: i64,
    standing: Standing,
    planned: bool,
    /// Up to here the stretches reach.
    told: i64,
    stretches: Vec<Stretch>,
}

impl Log {
    fn new(device: DeviceId, from: i64, until: i64) -> Self {
        Self { device, until, standing: Standing::Unknown, planned: false, told: from, stretches: Vec::new() }
    }

    /// It stood so up to that moment.
    fn reach(&mut self, at: i64) {
        let at = at.min(self.until);
        if at <= self.told {
            return;
        }
        let (from, until) = (Timestamp(self.told), Timestamp(at));
        self.told = at;
        match self.stretches.last_mut() {
            Some(last) if last.standing == self.standing && last.planned == self.planned => {
                last.until = until;
            }
            _ => self.stretches.push(Stretch { from, until, standing: self.standing, planned: self.planned }),
        }
        if self.stretches.len() > 2 * MOST {
            self.stretches.drain(..MOST);
        }
    }

    fn end(mut self) -> Vec<Stretch> {
        self.reach(self.until);
        let over = self.stretches.len().saturating_sub(MOST);
        self.stretches.drain(..over);
        self.stretches
    }
}

impl Listener for Log {
    fn change(&mut self, device: DeviceId, at: i64, standing: Standing, planned: bool) {
        if device == self.device {
            self.reach(at);
            (self.standing, self.planned) = (standing, planned);
        }
    }

    fn gap(&mut self, seen: i64, at: i64) {
        let (standing, planned) = (self.standing, self.planned);
        self.forget(Some(seen));
        self.reach(at);
        (self.standing, self.planned) = (standing, planned);
    }

    fn forget(&mut self, at: Option<i64>) {
        if let Some(at) = at {
            self.reach(at);
        }
        (self.standing, self.planned) = (Standing::Unknown, false);
    }
}

#[cfg(test)]
mod tests {
    use super::super::walk::Walk;
    use super::*;
    use crate::store::series::StateRecord;

    const A: DeviceId = DeviceId(1);

    fn told(records: Vec<StateRecord>) -> Vec<(i64, Standing, bool)> {
        let mut walk = Walk::new(Log::new(A, 0, 2_000_000));
        records.into_iter().for_each(|record| walk.take(record));
        let stretches = walk.end(2_000_000).end();
        assert!(stretches.windows(2).all(|pair| pair[0].until == pair[1].from));
        stretches.iter().map(|one| (one.from.0 / 1000, one.standing, one.planned)).collect()
    }

    fn change(at: i64, standing: Standing, planned: bool) -> StateRecord {
        StateRecord::Change { device: A, at: at * 1000, standing, planned }
    }

    fn beats(from: i64, until: i64) -> impl Iterator<Item = StateRecord> {
        (from..until).step_by(60).map(|at| StateRecord::Beat(at * 1000))
    }

    #[test]
    fn what_stays_as_it_was_is_one_stretch() {
        let mut records = vec![StateRecord::Begin(10_000), change(10, Standing::Up, false)];
        records.extend(beats(10, 1000));
        // a new day's file says again how everything stands
        records.extend([change(1000, Standing::Up, false), change(1100, Standing::Down, false)]);
        records.extend([change(1200, Standing::Down, true), change(1300, Standing::Up, false)]);
        records.extend(beats(1300, 2000));
        use Standing::{Down, Unknown, Up};
        assert_eq!(
            told(records),
            [
                (0, Unknown, false),
                (10, Up, false),
                (1100, Down, false),
                (1200, Down, true),
                (1300, Up, false)
            ]
        );
    }

    #[test]
    fn nobody_knows_how_it_stood_while_nobody_watched() {
        let mut records = vec![StateRecord::Begin(0), change(0, Standing::Down, false)];
        records.extend(beats(0, 600));
        records.extend([StateRecord::Begin(1_200_000), change(1201, Standing::Up, false)]);
        records.extend(beats(1201, 1500));
        use Standing::{Down, Unknown, Up};
        let unknown = |at| (at, Unknown, false);
        assert_eq!(
            told(records),
            [(0, Down, false), unknown(540), (1201, Up, false), unknown(1441)],
            "killed, begun again, killed"
        );
        assert_eq!(told(vec![]), [unknown(0)]);
    }
}
