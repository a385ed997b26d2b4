//! What the pulse's past costs on disk, in memory and to read: `cargo bench --bench series`, or a part of it:
//! `cargo bench --bench series -- month`, `many`, `states`.
//!
//! Simulates devices that are probed every ten seconds: a base time of each, noise, a day's rhythm, spikes, losses and
//! outages; hands them over as the pulse does, with a clock that runs as fast as it can be written.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use noctule::engine::Clock;
use noctule::engine::pulse::State;
use noctule::engine::series::{Availability, Keeping, Sample, Series, StateChange};
use noctule::model::{DeviceId, Timestamp};
use noctule::store::series::{Folder, Standing, StateLog, StateRecord};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// 2026-10-01.
const BEGIN: i64 = 20_727 * DAY;

type Part = fn() -> Result<(), Box<dyn std::error::Error>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parts: [(&str, Part); 3] = [("month", month), ("many", many), ("states", states)];
    // cargo itself adds words that begin with a dash
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if let Some(unknown) = wanted.iter().find(|word| parts.iter().all(|(name, _)| name != word)) {
        return Err(format!("there is no part {unknown}: month, many, states").into());
    }
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            part()?;
        }
    }
    Ok(())
}

/// 1 000 devices for 30 days: a tenth of the network, all of the time.
fn month() -> Result<(), Box<dyn std::error::Error>> {
    let world = World::open(1000)?;
    let begun = (Instant::now(), cpu());
    let samples = world.live(BEGIN, BEGIN + 30 * DAY, 10 * SECOND);
    let spent = (begun.0.elapsed(), cpu() - begun.1);
    // the simulation alone, for an hour, to be left out of what keeping costs
    let begun = cpu();
    let simulated = world.simulate(BEGIN, BEGIN + HOUR, 10 * SECOND, |_, _| {});
    let simulation = (cpu() - begun).as_nanos() as f64 / simulated as f64;
    let size = world.series.size()?;
    let each = size as f64 / samples as f64;
    println!("1000 devices, 30 days at 10 s: {samples} samples in {:.0} s", spent.0.as_secs_f64());
    for (what, bytes) in world.by_kind()? {
        println!("  {what}: {:.1} MB, {:.3} B/sample", bytes as f64 / 1e6, bytes as f64 / samples as f64);
    }
    println!(
        "  together {:.1} MB, {each:.2} B/sample; 10 000 devices: {:.2} GB",
        size as f64 / 1e6,
        size as f64 / 1e8
    );
    println!("  CPU {:.0} ns/sample", spent.1.as_nanos() as f64 / samples as f64 - simulation);
    world.read("1000 devices", BEGIN + 30 * DAY)
}

/// 10 000 devices for two days: what an hour takes in memory, and what a read costs among so many.
fn many() -> Result<(), Box<dyn std::error::Error>> {
    for seconds in [10, 2] {
        let world = World::open(10_000)?;
        world.live(BEGIN, BEGIN + HOUR - MINUTE, seconds * SECOND);
        println!(
            "10 000 devices at {seconds} s: an hour's samples take {:.1} MB of memory",
            world.series.room() as f64 / 1e6
        );
    }
    let world = World::open(10_000)?;
    let begun = (Instant::now(), cpu());
    let samples = world.live(BEGIN, BEGIN + 2 * DAY, 10 * SECOND);
    println!(
        "10 000 devices, 2 days at 10 s: {samples} samples, CPU {:.1} s of {:.1} s",
        (cpu() - begun.1).as_secs_f64(),
        begun.0.elapsed().as_secs_f64()
    );
    world.read("10 000 devices", BEGIN + 2 * DAY)?;
    let (place, clock) = (world.place, world.clock);
    drop(world.series);
    let begun = Instant::now();
    let series = open(&place, &clock)?;
    series.read(DeviceId(1), Timestamp(BEGIN), Timestamp(BEGIN + HOUR), 1)?;
    println!("opened again and read from in {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

/// 10 000 devices for 30 days, their states alone: what a device's timeline and a report of all of them read.
fn states() -> Result<(), Box<dyn std::error::Error>> {
    let until = BEGIN + 30 * DAY;
    for (what, flapping) in [("a quiet network", 0), ("100 devices up and down every ten minutes", 100)] {
        let world = World::of_states(10_000, flapping, until)?;
        // opening it begins a new watch, and what lies between is unknown
        let until = until - MINUTE;
        let size: u64 =
            world.by_kind()?.iter().filter(|(kind, _)| *kind == "states").map(|(_, size)| size).sum();
        println!("10 000 devices, 30 days of states, {what}: {:.1} MB", size as f64 / 1e6);
        for (period, length) in [("a day", DAY), ("a week", 7 * DAY), ("30 days", 30 * DAY)] {
            let from = Timestamp((until - length).max(BEGIN));
            let mut times: Vec<f64> = Vec::new();
            for round in 0..11 {
                let begun = cpu();
                let stretches = world.series.stretches(DeviceId(1 + round * 337), from, Timestamp(until))?;
                times.push((cpu() - begun).as_secs_f64() * 1e3);
                assert!(stretches.iter().all(|stretch| stretch.standing != Standing::Unknown));
            }
            times.sort_by(f64::total_cmp);
            println!("  how one stood in {period}: {:.1} ms of CPU (median of 11)", times[5]);
        }
        let begun = cpu();
        let stood = world.series.availabilities(&world.all(), Timestamp(BEGIN), Timestamp(until))?;
        println!("  the availability of all of them: {:.0} ms of CPU", (cpu() - begun).as_secs_f64() * 1e3);
        assert!(stood.iter().all(|one| one.unknown.is_zero() && !one.down.is_zero()));
    }
    Ok(())
}

struct World {
    series: Series,
    clock: Arc<AtomicI64>,
    place: tempfile::TempDir,
    devices: u64,
}

fn open(place: &tempfile::TempDir, clock: &Arc<AtomicI64>) -> Result<Series, Box<dyn std::error::Error>> {
    let now = Arc::clone(clock);
    let clock = Clock::from_fn(move || Timestamp(now.load(Ordering::Relaxed)));
    let (tell, _) = tokio::sync::mpsc::unbounded_channel();
    Ok(Series::open(&place.path().join("series"), Keeping::default(), clock, tell)?)
}

impl World {
    fn open(devices: u64) -> Result<Self, Box<dyn std::error::Error>> {
        let (place, clock) = (tempfile::tempdir()?, Arc::new(AtomicI64::new(BEGIN)));
        let series = open(&place, &clock)?;
        Ok(Self { series, clock, place, devices })
    }

    /// Devices that are out for five minutes in about ten days, and some that go up and down every ten minutes; watched
    /// without a break up to now.
    fn of_states(devices: u64, flapping: u64, until: i64) -> Result<Self, Box<dyn std::error::Error>> {
        let (place, clock) = (tempfile::tempdir()?, Arc::new(AtomicI64::new(until)));
        let mut log = StateLog::new(Folder::open(&place.path().join("series"))?);
        let change = |device: u64, at, standing| StateRecord::Change {
            device: DeviceId(device),
            at,
            standing,
            planned: false,
        };
        log.write(&[StateRecord::Begin(BEGIN)])?;
        log.write(&(1..=devices).map(|device| change(device, BEGIN, Standing::Up)).collect::<Vec<_>>())?;
        for at in (BEGIN..until).step_by(usize::try_from(MINUTE)?) {
            let minute = (at - BEGIN) / MINUTE;
            let mut records = Vec::new();
            for device in 1..=devices {
                let (every, phase) = if device <= flapping { (10, 0) } else { (14_400, device as i64 * 977) };
                match (minute + phase) % every {
                    1 => records.push(change(device, at, Standing::Down)),
                    6 => records.push(change(device, at, Standing::Up)),
                    _ => {}
                }
            }
            records.push(StateRecord::Beat(at));
            log.write(&records)?;
        }
        let series = open(&place, &clock)?;
        series.flush();
        Ok(Self { series, clock, place, devices })
    }

    /// Hands over what the devices answer; how many samples that are.
    fn live(&self, from: i64, until: i64, interval: i64) -> u64 {
        let up = |device| StateChange {
            device: DeviceId(device),
            at: Timestamp(from),
            state: State::Up,
            planned: false,
        };
        self.series.change(&(1..=self.devices).map(up).collect::<Vec<_>>());
        let samples = self.simulate(from, until, interval, |at, batch| {
            self.clock.store(at, Ordering::Relaxed);
            self.series.add(batch);
            // the keeper writes once a minute of its own time: a longer silence in the log is time that nobody watched
            if (at - from) % MINUTE < interval {
                self.series.flush();
            }
        });
        self.clock.store(until + 30 * SECOND, Ordering::Relaxed);
        self.series.flush();
        samples
    }

    fn simulate(&self, from: i64, until: i64, interval: i64, mut take: impl FnMut(i64, &[Sample])) -> u64 {
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        let mut batch = Vec::with_capacity(usize::try_from(self.devices).unwrap_or(0));
        let mut count = 0;
        for at in (from..until).step_by(usize::try_from(interval).unwrap_or(1000)) {
            batch.clear();
            let noon = ((at % DAY) as f64 / DAY as f64 * std::f64::consts::TAU).sin();
            for device in 1..=self.devices {
                let place = (device * 2_654_435_761 % 10_000) as f64 / 10_000.0;
                // 0.3 to 40 ms, with 3 to 15 % of noise, slower by day
                let base = 300.0 * 133.0_f64.powf(place) * (1.0 + 0.1 * noon);
                let noise = 0.03 + 0.12 * ((device * 40_503 % 1000) as f64 / 1000.0);
                let mut micros = base * (1.0 + noise * chance.normal()).max(0.5);
                if chance.unit() < 0.01 {
                    micros *= 2.0 + 20.0 * chance.unit();
                }
                // one in fifty is bad, each is out for five minutes in about ten days
                let loss = if device % 50 == 0 { 0.03 } else { 0.001 };
                let out = (at / (300 * SECOND) + device as i64 * 977) % 2880 == 0;
                let lost = out || chance.unit() < loss;
                // a phase of its own, and what the scheduler is late
                let sent = at + (device as i64 * 7919) % interval + (chance.unit() * 20.0) as i64;
                let rtt = (!lost).then(|| Duration::from_nanos((micros * 1000.0) as u64));
                batch.push(Sample { device: DeviceId(device), at: Timestamp(sent), rtt });
            }
            count += self.devices;
            take(at + interval, &batch);
        }
        count
    }

    fn by_kind(&self) -> Result<Vec<(&'static str, u64)>, Box<dyn std::error::Error>> {
        let mut kinds = vec![("full", 0), ("hour", 0), ("day", 0), ("pending", 0), ("states", 0)];
        for entry in std::fs::read_dir(self.place.path().join("series"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            for (kind, bytes) in &mut kinds {
                *bytes += if name.starts_with(*kind) { entry.metadata()?.len() } else { 0 };
            }
        }
        Ok(kinds)
    }

    fn read(&self, what: &str, until: i64) -> Result<(), Box<dyn std::error::Error>> {
        for (period, length) in
            [("an hour", HOUR), ("a day", DAY), ("a week", 7 * DAY), ("30 days", 30 * DAY)]
        {
            let from = until - length;
            if from < BEGIN {
                continue;
            }
            let mut times: Vec<f64> = Vec::new();
            for round in 0..11 {
                let device = DeviceId(1 + round * 37 % self.devices);
                let begun = Instant::now();
                let history = self.series.history(device, Timestamp(from), Timestamp(until), 360)?;
                assert!(history.total.point.sent > 0);
                times.push(begun.elapsed().as_secs_f64() * 1e3);
            }
            times.sort_by(f64::total_cmp);
            println!("{what}: a chart of {period} in {:.1} ms (median of 11)", times[5]);
        }
        let begun = Instant::now();
        let stood = self.series.availabilities(&self.all(), Timestamp(BEGIN), Timestamp(until))?;
        let spent = begun.elapsed().as_secs_f64() * 1e3;
        let watched = |one: &Availability| one.percent() == Some(100.0) && one.unknown.is_zero();
        assert!(stood.iter().all(watched), "{:?}", stood.iter().find(|one| !watched(one)));
        println!("{what}: the availability of all of them in {spent:.0} ms");
        Ok(())
    }

    fn all(&self) -> Vec<DeviceId> {
        (1..=self.devices).map(DeviceId).collect()
    }
}

fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// A xorshift generator.
struct Chance(u64);

impl Chance {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Near enough to a normal distribution.
    fn normal(&mut self) -> f64 {
        (0..6).map(|_| self.unit()).sum::<f64>() * 1.414 - 4.242
    }
}
