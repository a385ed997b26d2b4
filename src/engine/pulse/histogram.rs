//! Round-trip times of any number of probes, in a fixed room.

use std::time::Duration;

/// Steps of each doubling: a value is known to 1/128, its middle to 0.4 %.
const STEPS: u32 = 7;
/// Doublings: up to eighteen minutes in nanoseconds.
const DOUBLINGS: u32 = 40;

/// Counts of times. The least and the greatest are exact, what lies between to 0.4 %.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Box<[u64]>,
    count: u64,
    min: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        let places = ((DOUBLINGS - STEPS + 1) << STEPS) as usize;
        Self { counts: vec![0; places].into_boxed_slice(), count: 0, min: u64::MAX, max: 0 }
    }
}

impl Histogram {
    /// Adds a time.
    pub fn add(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let last = self.counts.len() - 1;
        self.counts[place(nanos).min(last)] += 1;
        self.count += 1;
        self.min = self.min.min(nanos);
        self.max = self.max.max(nanos);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The least; `None` where there is none.
    pub fn min(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_nanos(self.min))
    }

    /// The greatest.
    pub fn max(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_nanos(self.max))
    }

    /// The least time that `percent` of all do not exceed.
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        (self.count > 0).then(|| found.map(middle)).flatten().map(|nanos| {
            // never outside of what was measured
            Duration::from_nanos(nanos.clamp(self.min, self.max))
        })
    }
}

fn place(nanos: u64) -> usize {
    let shift = nanos.checked_ilog2().map_or(0, |log| log.saturating_sub(STEPS));
    let steps = (nanos >> shift) as usize;
    if shift == 0 { steps } else { ((shift as usize) << STEPS) + steps }
}

fn middle(place: usize) -> u64 {
    let doubling = (place >> STEPS) as u32;
    if doubling < 2 {
        return place as u64;
    }
    let shift = doubling - 1;
    let steps = (place as u64 & ((1 << STEPS) - 1)) | (1 << STEPS);
    (steps << shift) + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_values() {
        let mut times = Histogram::default();
        assert_eq!((times.min(), times.percentile(50)), (None, None));
        for micros in [10, 20, 30, 40, 1000] {
            times.add(Duration::from_micros(micros));
        }
        let near = |time: Option<Duration>, micros: f64| {
            let got = time.unwrap().as_secs_f64() * 1e6;
            assert!((got / micros - 1.0).abs() < 0.005, "{got} is not {micros}");
        };
        near(times.percentile(50), 30.0);
        near(times.percentile(99), 1000.0);
        assert_eq!(times.max(), Some(Duration::from_millis(1)));
    }

    proptest! {
        #[test]
        fn a_percentile_is_that_of_the_sorted_values(
            mut values in proptest::collection::vec(1u64..4_000_000_000, 1..300),
            percent in 1u64..=100,
        ) {
            let mut times = Histogram::default();
            values.iter().for_each(|value| times.add(Duration::from_nanos(*value)));
            values.sort_unstable();
            let right = values[(values.len() as u64 * percent).div_ceil(100) as usize - 1];
            let got = times.percentile(percent).unwrap().as_nanos() as f64;
            prop_assert!((got / right as f64 - 1.0).abs() < 0.0041, "{} for {}", got, right);
        }
    }
}
