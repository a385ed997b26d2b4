//! Many devices, written small: as runs of numbers that follow each other.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::DeviceId;

/// Devices, each once, at most [`DeviceSet::MOST`]. Copying it costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceSet(Arc<[Run]>);

/// Numbers from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: u64,
    last: u64,
}

impl DeviceSet {
    /// The most devices; of more, those with the lowest numbers.
    pub const MOST: usize = 10_000;

    /// These and others.
    pub fn and(&self, others: impl IntoIterator<Item = DeviceId>) -> Self {
        self.iter().chain(others).collect()
    }

    /// Whether a device is among them.
    pub fn contains(&self, device: DeviceId) -> bool {
        let place = self.0.partition_point(|run| run.last < device.0);
        self.0.get(place).is_some_and(|run| run.first <= device.0)
    }

    /// By number.
    pub fn iter(&self) -> impl Iterator<Item = DeviceId> + '_ {
        self.0.iter().flat_map(|run| (run.first..=run.last).map(DeviceId))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<DeviceId> for DeviceSet {
    fn from_iter<I: IntoIterator<Item = DeviceId>>(devices: I) -> Self {
        let mut numbers: Vec<u64> = devices.into_iter().map(|device| device.0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.truncate(Self::MOST);
        let runs = numbers.chunk_by(|one, next| one + 1 == *next);
        Self(runs.filter_map(|run| Some(Run { first: *run.first()?, last: *run.last()? })).collect())
    }
}

impl Serialize for DeviceSet {
    /// Of each run how far it begins after the one before, and how many more follow its first.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut before = 0;
        serializer.collect_seq(self.0.iter().map(|run| {
            let gap = run.first - std::mem::replace(&mut before, run.last);
            (gap, run.last - run.first)
        }))
    }
}

impl<'de> Deserialize<'de> for DeviceSet {
    /// Never more than [`DeviceSet::MOST`], whatever is written there.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (mut before, mut left) = (0_u64, Self::MOST);
        let mut numbers = Vec::new();
        for (gap, more) in Vec::<(u64, u64)>::deserialize(deserializer)? {
            let first = before.saturating_add(gap);
            before = first.saturating_add(more);
            let run: Vec<DeviceId> = (first..=before).take(left).map(DeviceId).collect();
            left -= run.len();
            numbers.extend(run);
        }
        Ok(numbers.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(numbers: impl IntoIterator<Item = u64>) -> DeviceSet {
        numbers.into_iter().map(DeviceId).collect()
    }

    #[test]
    fn what_is_written_is_read_and_small() {
        let sets = [set([]), set([0]), set([7, 5, 6, 6, 1]), set([u64::MAX, u64::MAX - 1]), set(3..9000)];
        for devices in sets {
            let bytes = postcard::to_stdvec(&devices).unwrap();
            assert!(bytes.len() <= 24, "{} bytes", bytes.len());
            assert_eq!(postcard::from_bytes::<DeviceSet>(&bytes).unwrap(), devices);
        }
        let scattered = set((0..10_000).map(|number| number * 3));
        assert!(postcard::to_stdvec(&scattered).unwrap().len() < 21_000);
    }

    #[test]
    fn they_are_found_and_joined() {
        let devices = set([5, 6, 7, 9]);
        let found: Vec<u64> = (0..12).filter(|number| devices.contains(DeviceId(*number))).collect();
        assert_eq!((found, devices.len()), (vec![5, 6, 7, 9], 4));
        assert_eq!(devices.and([DeviceId(8), DeviceId(5)]), set(5..10));
        assert!(DeviceSet::default().is_empty() && !devices.is_empty());
    }

    #[test]
    fn there_are_never_more_than_that() {
        assert_eq!(set(0..20_000).len(), DeviceSet::MOST);
        let hostile = postcard::to_stdvec(&vec![(1_u64, u64::MAX), (5, u64::MAX), (0, 3)]).unwrap();
        assert_eq!(postcard::from_bytes::<DeviceSet>(&hostile).unwrap(), set(1..=10_000));
    }
}
