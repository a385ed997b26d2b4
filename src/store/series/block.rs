//! The samples of one device within one hour, packed as they come.
//!
//! A time of probing costs nothing while probes come as regularly as before; what is answered or lost is told by the
//! lengths of runs; a round-trip time is the difference from the mean of those before it, in a Rice code whose width
//! follows the noise.

use super::HOUR;
use super::bits::{BitReader, BitWriter, put_varint, take, take_varint, unzigzag, zigzag};
use super::rtt::Rtt;

/// The form of what is written here.
const VERSION: u8 = 1;
/// The most samples of a block: a device is probed once a second at most, and more often only for moments.
pub const MOST_SAMPLES: u32 = 16_384;
/// What differs more than this from the mean is written out instead.
const LONGEST_UNARY: u32 = 12;
/// A rtt written out, in bits.
const WHOLE: u8 = 10;
/// A clock set back by more than this begins a new block, in milliseconds.
const SET_BACK: i64 = 60_000;

/// One probe's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When, in milliseconds since 1970. What was packed comes back true to a quarter of the interval, a second at most.
    pub at: i64,
    /// How long the answer took; `None` where it was lost.
    pub rtt: Option<Rtt>,
}

/// A packed block and the moment of its first sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// In milliseconds since 1970.
    pub start: i64,
    /// The samples.
    pub bytes: Vec<u8>,
}

/// Packs samples one by one.
#[derive(Clone, Debug)]
pub struct Encoder {
    start: i64,
    count: u32,
    clock: Clock,
    /// Entries of samples that came at another time than expected.
    jumps: Vec<u8>,
    since_jump: u32,
    /// Lengths of runs of answered and lost, by turns, answered first.
    runs: Vec<u8>,
    run: u32,
    losing: bool,
    mean: Mean,
    times: BitWriter,
}

/// When the next sample is expected.
#[derive(Clone, Copy, Debug)]
struct Clock {
    last: i64,
    step: i64,
}

impl Clock {
    fn expected(self) -> i64 {
        self.last.saturating_add(self.step)
    }

    fn tolerance(self) -> i64 {
        (self.step / 4).min(1000)
    }

    /// A sample came `by` after the last one, unexpectedly.
    fn jump(&mut self, by: i64) {
        self.last = self.last.saturating_add(by);
        // once is chance: the step stays unless it is another one altogether
        if (1..=HOUR).contains(&by) && by.abs_diff(self.step) > self.step.unsigned_abs() / 2 {
            self.step = even(by);
        }
    }
}

/// Intervals are whole seconds: what is near to one is one.
fn even(step: i64) -> i64 {
    let whole = (step + 500) / 1000 * 1000;
    if whole > 0 && (step - whole).abs() * 8 <= whole { whole } else { step }
}

/// What the round-trip times are about, and how far from it they are.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    known: bool,
    /// In sixty-fourths of a step.
    at: i32,
    /// The mean difference, in sixteenths.
    noise: u32,
}

impl Mean {
    fn expected(self) -> i32 {
        (self.at + 32) >> 6
    }

    /// How many low bits of a difference are written as they are.
    fn width(self) -> u8 {
        (0..8).find(|width| 16u32 << width >= self.noise).unwrap_or(8)
    }

    fn learn(&mut self, rtt: Rtt, difference: u32) {
        let step = i32::from(rtt.step()) << 6;
        if self.known {
            // a difference that lasts is followed fast, noise is not
            let shift = if difference > (self.noise >> 2).max(8) { 1 } else { 3 };
            self.at += (step - self.at) >> shift;
            self.noise = self.noise - (self.noise >> 4) + difference.min(255);
        } else {
            (self.known, self.at, self.noise) = (true, step, 16 * 8);
        }
    }
}

impl Encoder {
    /// Begins with a sample.
    pub fn new(first: Heard) -> Self {
        let mut encoder = Self {
            start: first.at,
            count: 0,
            clock: Clock { last: first.at, step: 0 },
            jumps: Vec::new(),
            since_jump: 0,
            runs: Vec::new(),
            run: 0,
            losing: false,
            mean: Mean::default(),
            times: BitWriter::default(),
        };
        encoder.add(first);
        encoder
    }

    /// Whether a sample of this moment belongs to another block: of another hour, or before this one's.
    pub fn is_over(&self, at: i64) -> bool {
        self.count >= MOST_SAMPLES
            || at.div_euclid(HOUR) != self.start.div_euclid(HOUR)
            || at < self.clock.last.saturating_sub(SET_BACK)
    }

    /// Adds a sample.
    pub fn add(&mut self, heard: Heard) {
        if self.count >= MOST_SAMPLES {
            return;
        }
        self.add_time(heard.at);
        let lost = heard.rtt.is_none();
        if lost != self.losing {
            put_varint(&mut self.runs, self.run.into());
            (self.run, self.losing) = (0, lost);
        }
        self.run += 1;
        if let Some(rtt) = heard.rtt {
            self.add_rtt(rtt);
        }
        self.count += 1;
    }

    fn add_time(&mut self, at: i64) {
        let expected = self.clock.expected();
        if at.abs_diff(expected) <= self.clock.tolerance().unsigned_abs() {
            self.clock.last = expected;
            self.since_jump += 1;
        } else {
            let by = at.saturating_sub(self.clock.last);
            put_varint(&mut self.jumps, self.since_jump.into());
            put_varint(&mut self.jumps, zigzag(by));
            self.clock.jump(by);
            self.since_jump = 0;
        }
    }

    fn add_rtt(&mut self, rtt: Rtt) {
        let difference = if self.mean.known {
            let difference = zigzag(i64::from(i32::from(rtt.step()) - self.mean.expected()));
            let difference = u32::try_from(difference).unwrap_or(u32::MAX);
            let width = self.mean.width();
            let high = difference >> width;
            if high < LONGEST_UNARY {
                (0..high).for_each(|_| self.times.put(1, 1));
                self.times.put(0, 1);
                self.times.put(difference, width);
            } else {
                (0..LONGEST_UNARY).for_each(|_| self.times.put(1, 1));
                self.times.put(rtt.step().into(), WHOLE);
            }
            difference
        } else {
            self.times.put(rtt.step().into(), WHOLE);
            0
        };
        self.mean.learn(rtt, difference);
    }

    /// When the first sample was, in milliseconds since 1970.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The room that it takes, in bytes.
    pub fn room(&self) -> usize {
        size_of::<Self>() + self.jumps.capacity() + self.runs.capacity() + self.times.capacity()
    }

    /// What was added so far, packed.
    pub fn block(&self) -> Block {
        let mut runs = self.runs.clone();
        put_varint(&mut runs, self.run.into());
        let mut bytes = vec![VERSION];
        put_varint(&mut bytes, self.count.into());
        put_varint(&mut bytes, runs.len() as u64);
        put_varint(&mut bytes, self.jumps.len() as u64);
        bytes.extend_from_slice(&runs);
        bytes.extend_from_slice(&self.jumps);
        bytes.extend_from_slice(self.times.bytes());
        Block { start: self.start, bytes }
    }
}

impl Block {
    /// The samples, oldest first; `None` where the bytes make no sense.
    pub fn samples(&self) -> Option<Vec<Heard>> {
        Self::read(self.start, &self.bytes)
    }

    /// The samples of a block that begins at `start`; `None` where the bytes make no sense.
    pub fn read(start: i64, bytes: &[u8]) -> Option<Vec<Heard>> {
        decode(start, bytes)
    }
}

fn decode(start: i64, bytes: &[u8]) -> Option<Vec<Heard>> {
    let mut bytes = bytes.strip_prefix(&[VERSION])?;
    let count = take_varint(&mut bytes).filter(|count| *count <= MOST_SAMPLES.into())?;
    let (run_bytes, jump_bytes) = (take_varint(&mut bytes)?, take_varint(&mut bytes)?);
    let mut runs = take(&mut bytes, run_bytes)?;
    let mut jumps = Jumps::new(take(&mut bytes, jump_bytes)?)?;
    let mut times = BitReader::new(bytes);
    let (mut clock, mut mean) = (Clock { last: start, step: 0 }, Mean::default());
    let (mut losing, mut left) = (false, take_varint(&mut runs)?);
    let mut samples = Vec::with_capacity(usize::try_from(count).ok()?);
    for _ in 0..count {
        match jumps.step()? {
            Some(by) => clock.jump(by),
            None => clock.last = clock.expected(),
        }
        if left == 0 {
            losing = !losing;
            left = take_varint(&mut runs)?;
        }
        left = left.checked_sub(1)?;
        let rtt = if losing { None } else { Some(read_rtt(&mut times, &mut mean)?) };
        samples.push(Heard { at: clock.last, rtt });
    }
    Some(samples)
}

/// The entries of samples that came unexpectedly.
struct Jumps<'a> {
    bytes: &'a [u8],
    /// Samples before the next of them; `None` where there is none.
    next: Option<u64>,
}

impl<'a> Jumps<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut jumps = Self { bytes, next: None };
        jumps.look()?;
        Some(jumps)
    }

    fn look(&mut self) -> Option<()> {
        self.next = if self.bytes.is_empty() { None } else { Some(take_varint(&mut self.bytes)?) };
        Some(())
    }

    /// One sample on: how much after the last one it came, where that was unexpected.
    fn step(&mut self) -> Option<Option<i64>> {
        match self.next {
            Some(0) => {
                let by = unzigzag(take_varint(&mut self.bytes)?);
                self.look()?;
                Some(Some(by))
            }
            Some(left) => {
                self.next = Some(left - 1);
                Some(None)
            }
            None => Some(None),
        }
    }
}

fn read_rtt(times: &mut BitReader<'_>, mean: &mut Mean) -> Option<Rtt> {
    let whole = |times: &mut BitReader<'_>| Rtt::from_step(u16::try_from(times.take(WHOLE)?).ok()?);
    if !mean.known {
        let rtt = whole(times)?;
        mean.learn(rtt, 0);
        return Some(rtt);
    }
    let width = mean.width();
    let mut high = 0;
    while high < LONGEST_UNARY && times.bit()? == 1 {
        high += 1;
    }
    let (rtt, difference) = if high < LONGEST_UNARY {
        let difference = high << width | times.take(width)?;
        let step = i64::from(mean.expected()) + unzigzag(difference.into());
        (Rtt::from_step(u16::try_from(step).ok()?)?, difference)
    } else {
        let rtt = whole(times)?;
        let difference = zigzag(i64::from(i32::from(rtt.step()) - mean.expected()));
        (rtt, u32::try_from(difference).unwrap_or(u32::MAX))
    };
    mean.learn(rtt, difference);
    Some(rtt)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn packed(samples: &[Heard]) -> Block {
        let mut encoder = Encoder::new(samples[0]);
        samples[1..].iter().for_each(|sample| encoder.add(*sample));
        encoder.block()
    }

    fn heard(at: i64, micros: Option<u64>) -> Heard {
        Heard { at, rtt: micros.map(|micros| Rtt::new(Duration::from_micros(micros))) }
    }

    fn samples() -> impl Strategy<Value = Vec<Heard>> {
        let gap = prop_oneof![
            8 => 9_900i64..10_100,
            2 => Just(300i64),
            1 => -5_000i64..0,
            1 => 0i64..900_000,
        ];
        let micros =
            prop_oneof![6 => (900u64..1300).prop_map(Some), 1 => Just(None), 1 => any::<Option<u64>>()];
        proptest::collection::vec((gap, micros), 1..400).prop_map(|steps| {
            let mut at = 1_795_521_600_000;
            steps
                .into_iter()
                .map(|(gap, micros)| {
                    at += gap;
                    heard(at, micros)
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_back(samples in samples()) {
            let block = packed(&samples);
            let back = block.samples().unwrap();
            prop_assert_eq!(back.len(), samples.len());
            for (was, is) in samples.iter().zip(&back) {
                prop_assert_eq!(was.rtt, is.rtt);
                prop_assert!(was.at.abs_diff(is.at) <= 1000, "{} became {}", was.at, is.at);
            }
        }

        #[test]
        fn damaged_bytes_harm_nobody(
            samples in samples(),
            flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
            keep in any::<prop::sample::Index>(),
        ) {
            let mut block = packed(&samples);
            for (at, byte) in flips {
                let at = at.index(block.bytes.len());
                block.bytes[at] = byte;
            }
            block.bytes.truncate(keep.index(block.bytes.len()) + 1);
            if let Some(back) = block.samples() {
                prop_assert!(back.len() <= MOST_SAMPLES as usize);
            }
        }
    }

    #[test]
    fn an_interval_that_is_kept_costs_nothing() {
        let regular: Vec<Heard> =
            (0..360).map(|n| heard(1_000_000_000_000 + n * 10_000 + n % 3 * 40, Some(5000))).collect();
        let block = packed(&regular);
        assert!(block.bytes.len() < 100, "{}", block.bytes.len());
        let lost: Vec<Heard> = (0..360).map(|n| heard(1_000_000_000_000 + n * 10_000, None)).collect();
        assert!(packed(&lost).bytes.len() < 16, "{}", packed(&lost).bytes.len());
    }

    #[test]
    fn another_hour_or_a_clock_set_back_begins_another_block() {
        let first = 500_000 * HOUR + 1_800_000;
        let encoder = Encoder::new(heard(first, Some(1)));
        assert!(!encoder.is_over(first + 10_000));
        assert!(!encoder.is_over(first - 10_000), "answers do not come in order");
        assert!(encoder.is_over(first + 1_800_000));
        assert!(encoder.is_over(first - 120_000));
        assert!(encoder.is_over(first - HOUR));
        assert!(encoder.is_over(i64::MIN) && encoder.is_over(i64::MAX));
    }
}
