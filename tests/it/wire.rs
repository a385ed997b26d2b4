//! A simulated wire: addresses that answer probes or not, as a test says.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use noctule::device::icmp::{Heard, Mark, Means, Method, Probe, Prober, Probers, Unsent};
use noctule::engine::fields::{Change, Field};
use noctule::engine::snapshot::Snapshot;
use noctule::engine::{Clock, Engine, Options};
use noctule::model::{Moment, Timestamp};

use crate::engine_fixture::{Network, ann};

/// See the file's head.
#[derive(Clone, Default)]
pub struct Wire(Arc<Inner>);

#[derive(Default)]
struct Inner {
    lines: Mutex<Lines>,
    bell: Condvar,
}

#[derive(Default)]
struct Lines {
    silent: HashSet<IpAddr>,
    doubled: HashSet<IpAddr>,
    /// Who answers in whose stead.
    strangers: HashMap<IpAddr, IpAddr>,
    asked: HashMap<IpAddr, u32>,
    sleep: Sleep,
}

/// Whether the host sleeps.
#[derive(Default, PartialEq)]
enum Sleep {
    #[default]
    Not,
    /// It will for so long, with probes under way.
    Soon(Duration),
    /// It falls asleep now: probes are under way.
    Now(Duration),
    Over,
}

impl Wire {
    /// These addresses answer no more.
    pub fn silence(&self, addresses: &[&str]) {
        self.lines().silent.extend(addresses.iter().copied().map(ip));
    }

    /// These addresses answer again.
    pub fn mend(&self, addresses: &[&str]) {
        let gone: Vec<IpAddr> = addresses.iter().copied().map(ip).collect();
        self.lines().silent.retain(|one| !gone.contains(one));
    }

    /// This address answers each probe three times.
    pub fn double(&self, address: &str) {
        self.lines().doubled.insert(ip(address));
    }

    /// Another address answers in this one's stead.
    pub fn replace(&self, address: &str, stranger: &str) {
        self.lines().strangers.insert(ip(address), ip(stranger));
    }

    /// How many probes were sent to this address.
    pub fn asked(&self, address: &str) -> u32 {
        self.lines().asked.get(&ip(address)).copied().unwrap_or(0)
    }

    /// The host falls asleep for so long as soon as probes are under way, and never hears of those.
    pub fn suspend(&self, length: Duration) {
        self.lines().sleep = Sleep::Soon(length);
    }

    /// Whether it has slept.
    pub fn has_slept(&self) -> bool {
        self.lines().sleep == Sleep::Over
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lines.lock().unwrap()
    }

    pub fn probers(&self) -> Probers {
        let wire = self.clone();
        Probers::from_fn(move || {
            let means = Means { v4: Method::Raw, v6: None, buffer: None, notices: Vec::new() };
            Box::new(Simulated { wire: wire.clone(), answers: Vec::new(), means })
        })
    }
}

fn ip(address: &str) -> IpAddr {
    address.parse().unwrap()
}

struct Simulated {
    wire: Wire,
    answers: Vec<Heard>,
    means: Means,
}

impl Prober for Simulated {
    fn send(&mut self, probes: &[Probe], _unsent: &mut Vec<Unsent>) {
        let mut lines = self.wire.lines();
        for probe in probes {
            *lines.asked.entry(probe.address).or_default() += 1;
            if let Sleep::Soon(length) | Sleep::Now(length) = lines.sleep {
                lines.sleep = Sleep::Now(length);
                continue;
            }
            if lines.silent.contains(&probe.address) {
                continue;
            }
            let mark = Mark { target: probe.target, number: probe.number, sent: Moment::now() };
            let from = lines.strangers.get(&probe.address).copied().unwrap_or(probe.address);
            let answers = if lines.doubled.contains(&probe.address) { 3 } else { 1 };
            let answer = Heard::Reply { from, mark, rtt: Duration::from_micros(200) };
            self.answers.extend(std::iter::repeat_n(answer, answers));
        }
    }

    fn receive(&mut self, heard: &mut Vec<Heard>) {
        heard.append(&mut self.answers);
    }

    fn wait(&mut self, at_most: Duration) {
        let mut lines = self.wire.lines();
        if let Sleep::Now(length) = lines.sleep {
            drop(lines);
            std::thread::sleep(length);
            self.wire.lines().sleep = Sleep::Over;
        } else if self.answers.is_empty() {
            // nobody rings: it is a rest, and the watch takes what is due
            lines = self.wire.0.bell.wait_timeout(lines, at_most).unwrap().0;
            drop(lines);
        }
    }

    fn means(&self) -> &Means {
        &self.means
    }
}

/// The host's clock, as somebody sets it.
#[derive(Clone, Default)]
pub struct Shifted(Arc<AtomicI64>);

impl Shifted {
    pub fn move_by(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub fn clock(&self) -> Clock {
        let shifted = self.clone();
        Clock::from_fn(move || Timestamp(Timestamp::now().0 + shifted.0.load(Ordering::SeqCst)))
    }
}

/// An engine that watches over `wire`: a second from probe to probe, and down after three misses.
pub async fn watching(folder: &Path, wire: &Wire, canaries: &[&str], clock: Clock) -> Arc<Engine> {
    watching_by(folder, wire.probers(), canaries, clock).await
}

/// An engine that watches by these probers, in the same way.
pub async fn watching_by(folder: &Path, probers: Probers, canaries: &[&str], clock: Clock) -> Arc<Engine> {
    let config = folder.join("config");
    std::fs::create_dir_all(&config).unwrap();
    let text = format!(
        "[backup]\ndaily = \"off\"\n[pulse]\ninterval = \"1s\"\nmisses = 3\nsilence = \"0s\"\ncanaries = {canaries:?}\n"
    );
    std::fs::write(config.join("config.toml"), text).unwrap();
    let mut options = Options::new(folder.join("data"), config);
    options.schedule = false;
    options.probers = probers;
    options.clock = clock;
    Engine::start_with(options, Network::new()).await.unwrap()
}

/// Adds devices: name, address, what it hangs on (or nothing).
pub async fn hang(engine: &Arc<Engine>, devices: &[(&str, &str, &str)]) {
    for (name, address, parent) in devices {
        engine.add_device(&ann(), name, address, &[Change::new(Field::Parent, *parent)]).await.unwrap();
    }
}

/// Waits until the snapshot is so.
pub async fn until(engine: &Arc<Engine>, what: &str, is_so: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let mut pictures = engine.watch();
    let waiting = pictures.wait_for(|picture| is_so(picture));
    match tokio::time::timeout(Duration::from_secs(60), waiting).await {
        Ok(picture) => picture.unwrap().clone(),
        Err(_) => {
            let now = engine.snapshot();
            panic!("within a minute not so: {what}; {:?} {:?}", now.pulse.totals, now.incidents)
        }
    }
}
