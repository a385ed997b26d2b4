//! How long devices were up, down by plan, down without one, and how long nobody knows.

use std::collections::HashMap;
use std::time::Duration;

use super::Series;
use super::walk::Listener;
use crate::model::{DeviceId, Timestamp};
use crate::store::StoreError;
use crate::store::series::Standing;

/// The most outages that are listed of a device.
pub const MOST_OUTAGES: usize = 10_000;

/// How a device stood within a period; the four lengths are the whole of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Availability {
    /// It answered, whether in planned work or not; single losses count as answers.
    pub up: Duration,
    /// It did not, and no work was planned.
    pub down: Duration,
    /// It did not, within planned work.
    pub planned_down: Duration,
    /// Nobody watched, or nothing could be known from here.
    pub unknown: Duration,
    /// When it did not answer, the oldest first; the newest ten thousand.
    pub outages: Vec<Outage>,
}

/// A time without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// From when; the period's begin where it was down already.
    pub from: Timestamp,
    /// Until when; the period's end where it still was.
    pub until: Timestamp,
    /// Whether it was within planned work. One that goes over the edge of such work is two.
    pub planned: bool,
}

impl Availability {
    /// How much of the known time it was up, in percent, planned work left out; `None` where nothing is known.
    pub fn percent(&self) -> Option<f64> {
        share(self.up, self.down)
    }

    /// The same, planned work counted as an outage.
    pub fn percent_with_planned(&self) -> Option<f64> {
        share(self.up, self.down + self.planned_down)
    }

    /// The outages that nobody planned.
    pub fn unplanned(&self) -> impl Iterator<Item = &Outage> {
        self.outages.iter().filter(|outage| !outage.planned)
    }

    /// The longest of them.
    pub fn longest(&self) -> Option<Duration> {
        self.unplanned().map(|outage| outage.until.0.abs_diff(outage.from.0)).max().map(Duration::from_millis)
    }
}

fn share(up: Duration, down: Duration) -> Option<f64> {
    let known = (up + down).as_secs_f64();
    (known > 0.0).then(|| up.as_secs_f64() * 100.0 / known)
}

impl Series {
    /// How a device stood from `from` to `until`.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn availability(
        &self,
        device: DeviceId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Availability, StoreError> {
        Ok(self.availabilities(&[device], from, until)?.pop().unwrap_or_default())
    }

    /// How these devices stood, in their order: in one pass.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn availabilities(
        &self,
        devices: &[DeviceId],
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Availability>, StoreError> {
        let until = until.min(self.shared.clock.now()).max(from);
        let timeline = self.walk(from, until, Timeline::new(devices, from.0, until.0))?;
        Ok(timeline.end(devices))
    }
}

/// Goes through the log once. Time only moves on in it: what a clock that was set back tells a second time changes
/// states and has no length.
struct Timeline {
    from: i64,
    until: i64,
    tallies: HashMap<DeviceId, Tally>,
}

#[derive(Clone)]
struct Tally {
    standing: Standing,
    planned: bool,
    /// Up to here time is counted.
    counted: i64,
    sums: Availability,
}

impl Timeline {
    fn new(devices: &[DeviceId], from: i64, until: i64) -> Self {
        let fresh = Tally {
            standing: Standing::Unknown,
            planned: false,
            counted: from,
            sums: Availability::default(),
        };
        let tallies = devices.iter().map(|device| (*device, fresh.clone())).collect();
        Self { from, until, tallies }
    }

    fn end(mut self, devices: &[DeviceId]) -> Vec<Availability> {
        let (until, unknown) = (self.until, self.until.saturating_sub(self.from));
        devices
            .iter()
            .map(|device| match self.tallies.get_mut(device) {
                Some(tally) => {
                    tally.count(until);
                    tally.sums.clone()
                }
                None => Availability { unknown: millis(unknown), ..Availability::default() },
            })
            .collect()
    }
}

impl Listener for Timeline {
    fn change(&mut self, device: DeviceId, at: i64, standing: Standing, planned: bool) {
        if let Some(tally) = self.tallies.get_mut(&device) {
            tally.count(at.min(self.until));
            (tally.standing, tally.planned) = (standing, planned);
        }
    }

    fn gap(&mut self, seen: i64, at: i64) {
        for tally in self.tallies.values_mut() {
            let (standing, planned) = (tally.standing, tally.planned);
            tally.count(seen.min(self.until));
            (tally.standing, tally.planned) = (Standing::Unknown, false);
            tally.count(at.min(self.until));
            (tally.standing, tally.planned) = (standing, planned);
        }
    }

    fn forget(&mut self, at: Option<i64>) {
        for tally in self.tallies.values_mut() {
            if let Some(at) = at {
                tally.count(at.min(self.until));
            }
            (tally.standing, tally.planned) = (Standing::Unknown, false);
        }
    }
}

impl Tally {
    /// Counts the time up to `at` as it stands.
    fn count(&mut self, at: i64) {
        let from = self.counted;
        if at <= from {
            return;
        }
        self.counted = at;
        let length = millis(at - from);
        match (self.standing, self.planned) {
            (Standing::Unknown, _) => self.sums.unknown += length,
            (Standing::Up, _) => self.sums.up += length,
            (Standing::Down, planned) => {
                if planned {
                    self.sums.planned_down += length;
                } else {
                    self.sums.down += length;
                }
                self.outage(Timestamp(from), Timestamp(at), planned);
            }
        }
    }

    fn outage(&mut self, from: Timestamp, until: Timestamp, planned: bool) {
        let outages = &mut self.sums.outages;
        match outages.last_mut() {
            Some(last) if last.until == from && last.planned == planned => last.until = until,
            _ => {
                if outages.len() >= MOST_OUTAGES {
                    outages.remove(0);
                }
                outages.push(Outage { from, until, planned });
            }
        }
    }
}

fn millis(length: i64) -> Duration {
    Duration::from_millis(u64::try_from(length).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::super::walk::Walk;
    use super::*;
    use crate::store::series::StateRecord;

    const A: DeviceId = DeviceId(1);
    const B: DeviceId = DeviceId(2);

    fn change(device: DeviceId, at: i64, standing: Standing, planned: bool) -> StateRecord {
        StateRecord::Change { device, at: at * 1000, standing, planned }
    }

    fn beats(from: i64, until: i64) -> Vec<StateRecord> {
        (from..until).step_by(60).map(|at| StateRecord::Beat(at * 1000)).collect()
    }

    /// Seconds up, down, down by plan and unknown of A between 1 000 and 2 000.
    fn told(mut records: Vec<StateRecord>, sort: bool) -> (Availability, [u64; 4]) {
        let moment = |record: &StateRecord| match *record {
            StateRecord::Change { at, .. } => at,
            StateRecord::Begin(at) | StateRecord::Beat(at) | StateRecord::End(at) => at,
            StateRecord::Damage => 0,
        };
        if sort {
            records.sort_by_key(moment);
        }
        let mut walk = Walk::new(Timeline::new(&[A], 1_000_000, 2_000_000));
        records.into_iter().for_each(|record| walk.take(record));
        let sums = walk.end(2_000_000).end(&[A]).remove(0);
        let seconds = [sums.up, sums.down, sums.planned_down, sums.unknown].map(|length| length.as_secs());
        assert_eq!(seconds.iter().sum::<u64>(), 1000);
        (sums, seconds)
    }

    #[test]
    fn planned_work_and_outages_are_told_apart() {
        let mut records = beats(0, 2000);
        records.extend([
            StateRecord::Begin(0),
            change(A, 10, Standing::Up, false),
            change(B, 10, Standing::Down, false),
            change(A, 1100, Standing::Down, false),
            change(A, 1150, Standing::Up, false),
            change(A, 1200, Standing::Down, true),
            change(A, 1500, Standing::Down, false),
            change(A, 1600, Standing::Up, false),
        ]);
        let (sums, seconds) = told(records, true);
        assert_eq!(seconds, [550, 150, 300, 0]);
        assert_eq!(sums.outages.len(), 3);
        assert_eq!(sums.longest(), Some(Duration::from_secs(100)));
        assert_eq!(sums.percent_with_planned(), Some(55.0));
        assert!((sums.percent().unwrap() - 550.0 / 7.0).abs() < 1e-9);
    }

    #[test]
    fn time_that_nobody_watched_is_neither_up_nor_down() {
        // killed: the last beat is what is known
        let mut records = beats(0, 1300);
        records.extend([StateRecord::Begin(0), change(A, 10, Standing::Up, false)]);
        records.extend([StateRecord::Begin(1_700_000), change(A, 1710, Standing::Down, false)]);
        records.extend(beats(1720, 2000));
        let (sums, seconds) = told(records, true);
        assert_eq!(seconds, [260, 290, 0, 450]);
        assert_eq!(sums.outages.len(), 1);
        // put to sleep: the watch goes on by itself
        let mut records = beats(0, 1300);
        records.extend(beats(1700, 2000));
        records.extend([StateRecord::Begin(0), change(A, 10, Standing::Up, false)]);
        assert_eq!(told(records, true).1, [560, 0, 0, 440]);
        // nothing at all
        assert_eq!(told(vec![], true).0.percent(), None);
    }

    #[test]
    fn a_clock_that_is_set_counts_nothing_twice() {
        let mut records = vec![StateRecord::Begin(900_000), change(A, 950, Standing::Up, false)];
        records.extend(beats(950, 1400));
        // back by 300 s
        records.push(change(A, 1100, Standing::Down, false));
        records.extend(beats(1100, 2000));
        let (_, seconds) = told(records, false);
        assert_eq!(seconds[0] + seconds[1], 1000, "{seconds:?}");
        // ahead by far and back again
        let mut records = vec![StateRecord::Begin(900_000), change(A, 950, Standing::Up, false)];
        records.extend(beats(950, 1200));
        records.push(StateRecord::Beat(9_000_000));
        records.extend(beats(1200, 2000));
        let (_, seconds) = told(records, false);
        assert_eq!((seconds[1], seconds[2]), (0, 0));
    }

    #[test]
    fn after_damage_nothing_is_known_until_it_is_said_anew() {
        let mut records = vec![StateRecord::Begin(900_000), change(A, 950, Standing::Up, false)];
        records.extend(beats(960, 1200));
        records.push(StateRecord::Damage);
        records.extend(beats(1200, 1500));
        records.push(change(A, 1500, Standing::Up, false));
        records.extend(beats(1500, 2000));
        let (_, seconds) = told(records, false);
        assert_eq!(seconds, [640, 0, 0, 360]);
    }
}
