//! Many round-trip times in a fixed room, for what half and what 95 of a hundred do not exceed.

use super::row::Row;
use super::rtt::Rtt;

/// Counts of round-trip times by step, and of probes.
#[derive(Clone, Debug)]
pub struct Mix {
    counts: Box<[f32]>,
    received: f64,
    least: Option<Rtt>,
    most: Option<Rtt>,
    /// Probes that were decided.
    pub sent: u64,
    /// Those of them that were not answered.
    pub lost: u64,
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            counts: vec![0.0; Rtt::COUNT].into_boxed_slice(),
            received: 0.0,
            least: None,
            most: None,
            sent: 0,
            lost: 0,
        }
    }
}

impl Mix {
    /// Adds a probe's outcome.
    pub fn add(&mut self, rtt: Option<Rtt>) {
        self.sent += 1;
        match rtt {
            None => self.lost += 1,
            Some(rtt) => {
                self.stretch(rtt, rtt);
                self.spread(rtt, rtt, 1.0);
            }
        }
    }

    /// Adds an hour of which only a row is left: its times are taken to lie evenly between what the row knows.
    pub fn add_row(&mut self, row: &Row) {
        self.sent += u64::from(row.sent);
        self.lost += u64::from(row.lost);
        let received = row.sent.saturating_sub(row.lost);
        if let (Some(times), true) = (row.times, received > 0) {
            let received = received as f32;
            self.stretch(times.min, times.max);
            self.spread(times.min, times.median, received * 0.5);
            self.spread(times.median, times.p95, received * 0.45);
            self.spread(times.p95, times.max, received * 0.05);
        }
    }

    fn stretch(&mut self, least: Rtt, most: Rtt) {
        self.least = Some(self.least.map_or(least, |known| known.min(least)));
        self.most = Some(self.most.map_or(most, |known| known.max(most)));
    }

    fn spread(&mut self, from: Rtt, to: Rtt, weight: f32) {
        let places = usize::from(from.step())..=usize::from(to.step().max(from.step()));
        let each = weight / places.clone().count() as f32;
        for count in self.counts.get_mut(places).unwrap_or_default() {
            *count += each;
        }
        self.received += f64::from(weight);
    }

    /// The least time.
    pub fn min(&self) -> Option<Rtt> {
        self.least
    }

    /// The greatest.
    pub fn max(&self) -> Option<Rtt> {
        self.most
    }

    /// The least time that `percent` of all do not exceed.
    pub fn percentile(&self, percent: f64) -> Option<Rtt> {
        let (least, most) = (self.least?, self.most?);
        // sums of parts are never quite the whole
        let wanted = self.received * percent / 100.0 - self.received * 1e-6;
        let mut seen = 0.0;
        let found = self.counts.iter().position(|count| {
            seen += f64::from(*count);
            seen >= wanted && *count > 0.0
        });
        let found = found.and_then(|step| Rtt::from_step(u16::try_from(step).ok()?)).unwrap_or(most);
        Some(found.clamp(least, most))
    }

    /// All of it in one row.
    pub fn row(&self, hour: i64) -> Row {
        let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let times = || {
            Some(super::row::Times {
                min: self.min()?,
                median: self.percentile(50.0)?,
                p95: self.percentile(95.0)?,
                max: self.max()?,
            })
        };
        Row { hour, sent: count(self.sent), lost: count(self.lost), times: times() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rtt(micros: u64) -> Rtt {
        Rtt::new(Duration::from_micros(micros))
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let mut mix = Mix::default();
        assert_eq!((mix.min(), mix.percentile(50.0), mix.max()), (None, None, None));
        (1..=100).for_each(|n| mix.add(Some(rtt(n * 1000))));
        mix.add(None);
        assert_eq!((mix.sent, mix.lost), (101, 1));
        assert_eq!(mix.percentile(50.0), Some(rtt(50_000)));
        assert_eq!(mix.percentile(95.0), Some(rtt(95_000)));
        assert_eq!((mix.min(), mix.max()), (Some(rtt(1000)), Some(rtt(100_000))));
    }

    #[test]
    fn rows_together_are_near_to_what_they_were_made_of() {
        let (mut whole, mut of_rows) = (Mix::default(), Mix::default());
        for hour in 0..48 {
            let mut mix = Mix::default();
            for n in 0..360u64 {
                let time = Some(rtt(5000 + n * n % 977 + hour * 20));
                mix.add(time);
                whole.add(time);
            }
            of_rows.add_row(&mix.row(hour as i64));
        }
        assert_eq!((whole.sent, whole.min(), whole.max()), (of_rows.sent, of_rows.min(), of_rows.max()));
        for percent in [50.0, 95.0, 99.0] {
            let near = |mix: &Mix| mix.percentile(percent).unwrap().micros();
            let (right, got) = (f64::from(near(&whole)), f64::from(near(&of_rows)));
            assert!((got / right - 1.0).abs() < 0.03, "{got} for {right} at {percent}");
        }
    }
}
