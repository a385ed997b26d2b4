//! What is known of a device's past: points for a chart, and the whole of it in one.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use super::{Series, Shared};
use crate::engine::start::lock;
use crate::model::{DeviceId, Timestamp};
use crate::store::StoreError;
use crate::store::series::{Block, HOUR, Mix, Row, Rtt, Segment, SegmentName, Tier, decode_rows};

/// So many points a chart can have at most.
pub const MOST_POINTS: usize = 10_000;
/// What is no longer than this is always read from the samples, where they are still kept.
const SHORT: i64 = 48 * HOUR;

/// What was heard within a piece of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// When it begins.
    pub at: Timestamp,
    /// Probes that were decided; 0 where nothing is known.
    pub sent: u64,
    /// Those that were not answered.
    pub lost: u64,
    /// The shortest round-trip time; `None` where nothing was answered.
    pub min: Option<Duration>,
    /// What half of them do not exceed.
    pub median: Option<Duration>,
    /// What 95 of a hundred do not exceed.
    pub p95: Option<Duration>,
    /// The longest.
    pub max: Option<Duration>,
}

/// All of a period in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// As of a point; it begins where the period does.
    pub point: Point,
    /// What 99 of a hundred do not exceed.
    pub p99: Option<Duration>,
    /// Whether some of it is known by the rows of hours alone, so that what is not a least or a greatest is near.
    pub from_rows: bool,
}

/// A device's past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// From one point to the next.
    pub step: Duration,
    /// The points, the oldest first, also those of which nothing is known.
    pub points: Vec<Point>,
    /// All of it.
    pub total: Total,
}

impl Series {
    /// What was heard of a device from `from` to `until`, in so many points of the same length.
    ///
    /// # Errors
    /// A file cannot be read. What is damaged in one is left out and told.
    pub fn read(
        &self,
        device: DeviceId,
        from: Timestamp,
        until: Timestamp,
        points: usize,
    ) -> Result<Vec<Point>, StoreError> {
        self.history(device, from, until, points).map(|history| history.points)
    }

    /// The same, and all of it together.
    ///
    /// # Errors
    /// As [`Series::read`].
    pub fn history(
        &self,
        device: DeviceId,
        from: Timestamp,
        until: Timestamp,
        points: usize,
    ) -> Result<History, StoreError> {
        let mut gather = Gather::new(from.0, until.0, points.clamp(1, MOST_POINTS));
        let _moving = self.shared.moving.read().unwrap_or_else(PoisonError::into_inner);
        gather.read(&self.shared, device)?;
        Ok(gather.history())
    }

    /// Reads every file and says what is damaged, in sentences; and how many blocks are whole.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn verify(&self) -> Result<(u64, Vec<String>), StoreError> {
        let _moving = self.shared.moving.read().unwrap_or_else(PoisonError::into_inner);
        let (mut whole, mut damaged) = (0, Vec::new());
        for name in self.shared.folder.segments()? {
            match self.shared.folder.open_segment(name) {
                Ok(segment) => {
                    let mut bad = 0;
                    let broken = segment.each(|_, start, payload| match name.tier {
                        Tier::Full if Block::read(start, payload).is_none() => bad += 1,
                        Tier::Hour | Tier::Day if decode_rows(payload).is_none() => bad += 1,
                        _ => whole += 1,
                    })?;
                    damaged.extend(segment.damage().map(str::to_owned));
                    damaged.extend(self.shared.damage_of(broken + bad, name));
                }
                Err(error) => damaged.push(error.to_string()),
            }
        }
        Ok((whole, damaged))
    }
}

impl Shared {
    /// Says once what is damaged in a file.
    pub(super) fn tell_damage(&self, segment: &Segment, blocks: usize, name: SegmentName) {
        segment.damage().into_iter().for_each(|damage| self.tell_once(damage.to_owned()));
        self.damage_of(blocks, name).into_iter().for_each(|damage| self.tell_once(damage));
    }

    fn damage_of(&self, blocks: usize, name: SegmentName) -> Option<String> {
        let path = self.folder.path(name);
        let are = if blocks == 1 { "block is" } else { "blocks are" };
        (blocks > 0).then(|| {
            format!("{blocks} {are} damaged in {}: what they held is shown as unknown", path.display())
        })
    }
}

/// Puts together what is read.
struct Gather {
    from: i64,
    until: i64,
    step: i64,
    bins: Vec<Option<Box<Mix>>>,
    total: Mix,
    from_rows: bool,
}

impl Gather {
    fn new(from: i64, until: i64, points: usize) -> Self {
        let span = until.saturating_sub(from).max(1);
        let count = i64::try_from(points).unwrap_or(i64::MAX);
        let step = span.saturating_add(count - 1) / count;
        let bins = usize::try_from(span.saturating_add(step - 1) / step).unwrap_or(1).min(points);
        Self { from, until, step, bins: vec![None; bins], total: Mix::default(), from_rows: false }
    }

    fn read(&mut self, shared: &Shared, device: DeviceId) -> Result<(), StoreError> {
        let hours = self.from.div_euclid(HOUR)..=self.until.saturating_sub(1).div_euclid(HOUR);
        let from_samples = self.step < HOUR || self.until.saturating_sub(self.from) <= SHORT;
        let mut known: BTreeSet<i64> = BTreeSet::new();
        let segments = shared.folder.segments()?;
        for name in &segments {
            let wanted = match name.tier {
                Tier::Full => from_samples && hours.contains(&name.slot),
                Tier::Hour => hours.contains(&name.slot) && !known.contains(&name.slot),
                Tier::Day => {
                    let day = name.slot * 24..name.slot * 24 + 24;
                    day.end > *hours.start()
                        && day.start <= *hours.end()
                        && day.clone().any(|hour| hours.contains(&hour) && !known.contains(&hour))
                }
            };
            if !wanted {
                continue;
            }
            let segment = shared.folder.open_segment(*name)?;
            let found = segment.blocks(device)?;
            let mut damaged = found.damaged;
            for (start, payload) in found.whole {
                let understood = match name.tier {
                    Tier::Full => {
                        known.insert(name.slot);
                        Block::read(start, &payload).map(|samples| {
                            samples.iter().for_each(|heard| self.add(heard.at, heard.rtt));
                        })
                    }
                    Tier::Hour | Tier::Day => decode_rows(&payload).map(|rows| {
                        let rows = rows.iter().filter(|row| !known.contains(&row.hour));
                        rows.for_each(|row| self.add_row(row));
                    }),
                };
                damaged += usize::from(understood.is_none());
            }
            shared.tell_damage(&segment, damaged, *name);
        }
        let open = lock(&shared.open).blocks(device);
        for heard in open.iter().filter_map(Block::samples).flatten() {
            self.add(heard.at, heard.rtt);
        }
        Ok(())
    }

    fn add(&mut self, at: i64, rtt: Option<Rtt>) {
        if let Some(bin) = self.bin(at) {
            bin.add(rtt);
            self.total.add(rtt);
        }
    }

    /// An hour counts where its middle is.
    fn add_row(&mut self, row: &Row) {
        if let Some(bin) = self.bin(row.hour.saturating_mul(HOUR).saturating_add(HOUR / 2)) {
            bin.add_row(row);
            self.total.add_row(row);
            self.from_rows = true;
        }
    }

    fn bin(&mut self, at: i64) -> Option<&mut Mix> {
        if !(self.from..self.until).contains(&at) {
            return None;
        }
        let place = usize::try_from((at - self.from) / self.step).ok()?;
        Some(self.bins.get_mut(place)?.get_or_insert_default())
    }

    fn history(self) -> History {
        let time = |rtt: Option<Rtt>| rtt.map(Rtt::time);
        let point = |at: i64, mix: Option<&Mix>| Point {
            at: Timestamp(at),
            sent: mix.map_or(0, |mix| mix.sent),
            lost: mix.map_or(0, |mix| mix.lost),
            min: time(mix.and_then(Mix::min)),
            median: time(mix.and_then(|mix| mix.percentile(50.0))),
            p95: time(mix.and_then(|mix| mix.percentile(95.0))),
            max: time(mix.and_then(Mix::max)),
        };
        let begins = (0..).map(|place: i64| self.from + place * self.step);
        History {
            step: Duration::from_millis(u64::try_from(self.step).unwrap_or(1)),
            points: begins.zip(&self.bins).map(|(at, mix)| point(at, mix.as_deref())).collect(),
            total: Total {
                point: point(self.from, Some(&self.total)),
                p99: time(self.total.percentile(99.0)),
                from_rows: self.from_rows,
            },
        }
    }
}
