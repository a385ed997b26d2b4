//! A device's hour in one row: kept long after the samples are gone.

use super::bits::{put_varint, take_varint, unzigzag, zigzag};
use super::rtt::Rtt;

/// The form of what is written here.
const VERSION: u8 = 1;
/// The most rows of one block: a day's, some of them twice where the clock was set back.
const MOST_ROWS: u64 = 1024;

/// No clock tells an hour beyond these.
const HOURS: std::ops::Range<i64> = -10_000_000..10_000_000;

/// An hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which, in hours since 1970.
    pub hour: i64,
    /// Probes that were decided.
    pub sent: u32,
    /// Those that were not answered.
    pub lost: u32,
    /// Of those that were; `None` where none was.
    pub times: Option<Times>,
}

/// What is known of the round-trip times of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The shortest.
    pub min: Rtt,
    /// What half of them do not exceed.
    pub median: Rtt,
    /// What 95 of a hundred do not exceed.
    pub p95: Rtt,
    /// The longest.
    pub max: Rtt,
}

/// Packs a device's rows.
pub fn encode_rows(rows: &[Row]) -> Vec<u8> {
    let rows = &rows[..rows.len().min(MOST_ROWS as usize)];
    let mut bytes = vec![VERSION];
    put_varint(&mut bytes, rows.len() as u64);
    let (mut hour, mut sent, mut median) = (0, 0, 0);
    for row in rows {
        put_varint(&mut bytes, zigzag(row.hour - hour));
        put_varint(&mut bytes, zigzag(i64::from(row.sent) - sent));
        put_varint(&mut bytes, row.lost.into());
        (hour, sent) = (row.hour, row.sent.into());
        if let Some(times) = row.times.filter(|_| row.lost < row.sent) {
            let step = |rtt: Rtt| i64::from(rtt.step());
            put_varint(&mut bytes, zigzag(step(times.median) - median));
            median = step(times.median);
            for (less, more) in [(times.min, times.median), (times.median, times.p95), (times.p95, times.max)]
            {
                put_varint(&mut bytes, u64::from(more.step().saturating_sub(less.step())));
            }
        }
    }
    bytes
}

/// The rows; `None` where the bytes make no sense.
pub fn decode_rows(bytes: &[u8]) -> Option<Vec<Row>> {
    let mut bytes = bytes.strip_prefix(&[VERSION])?;
    let count = take_varint(&mut bytes).filter(|count| *count <= MOST_ROWS)?;
    let (mut hour, mut sent, mut median) = (0i64, 0i64, 0i64);
    let mut rows = Vec::with_capacity(usize::try_from(count).ok()?);
    for _ in 0..count {
        hour = hour.checked_add(unzigzag(take_varint(&mut bytes)?)).filter(|hour| HOURS.contains(hour))?;
        sent = sent.checked_add(unzigzag(take_varint(&mut bytes)?))?;
        let mut row = Row {
            hour,
            sent: u32::try_from(sent).ok()?,
            lost: u32::try_from(take_varint(&mut bytes)?).ok()?,
            times: None,
        };
        if row.lost < row.sent {
            median = median.checked_add(unzigzag(take_varint(&mut bytes)?))?;
            let mut step = || i64::try_from(take_varint(&mut bytes)?).ok();
            let (down, up, on) = (step()?, step()?, step()?);
            let rtt = |step: Option<i64>| Rtt::from_step(u16::try_from(step?).ok()?);
            let p95 = median.checked_add(up);
            row.times = Some(Times {
                min: rtt(median.checked_sub(down))?,
                median: rtt(Some(median))?,
                p95: rtt(p95)?,
                max: rtt(p95.and_then(|p95| p95.checked_add(on)))?,
            });
        }
        rows.push(row);
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row() -> impl Strategy<Value = Row> {
        let steps = proptest::collection::vec(0..Rtt::COUNT as u16, 4);
        (490_000i64..500_000, 0u32..4000, 0u32..4000, steps).prop_map(|(hour, sent, lost, mut steps)| {
            steps.sort_unstable();
            let rtt = |place: usize| Rtt::from_step(steps[place]).unwrap();
            let times = Times { min: rtt(0), median: rtt(1), p95: rtt(2), max: rtt(3) };
            Row { hour, sent, lost: lost.min(sent), times: (lost < sent).then_some(times) }
        })
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_back(rows in proptest::collection::vec(row(), 0..40)) {
            prop_assert_eq!(decode_rows(&encode_rows(&rows)), Some(rows));
        }

        #[test]
        fn damaged_bytes_harm_nobody(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut whole = vec![VERSION];
            whole.extend(bytes);
            let _ = decode_rows(&whole);
        }
    }
}
