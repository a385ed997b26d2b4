//! The thread that watches: takes orders, drives a `Watch`, remembers each device's newest probes, shows pictures.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::watch;

use crate::device::icmp::{Method, Prober, Probers};
use crate::engine::clock::Clock;
use crate::engine::counters::{Counters, Probes};
use crate::engine::pulse::{
    Flow, Mode, Pace, Part, PulsePicture, PulseRow, PulseTotals, Recent, State, Target, Thresholds, Told,
    Watch, Why, phase, run,
};
use crate::model::{DeviceId, Moment, Timestamp};

use super::plan::Wanted;
use super::record::Record;

/// From one picture to the next where no state has changed.
const SHOW: Duration = Duration::from_secs(1);
/// The least time between two pictures.
const SHOW_SOON: Duration = Duration::from_millis(250);
/// Within this time every device has had its first probe.
const SOON: Duration = Duration::from_secs(2);
/// From one probe of a canary to the next.
const CANARY: Duration = Duration::from_secs(2);
/// A wall clock that goes so far astray from the time that has passed was set.
const SET: i64 = 500;

/// What the thread is told.
pub(super) enum Order {
    /// These are watched from now on, and no others.
    Watch(Vec<Wanted>),
    /// It ends.
    Stop,
}

/// What the thread needs.
pub(super) struct Probing {
    pub probers: Probers,
    pub clock: Clock,
    pub timeout: Duration,
    pub canaries: Vec<IpAddr>,
    pub orders: mpsc::Receiver<Order>,
    pub record: Record,
    pub show: watch::Sender<Arc<PulsePicture>>,
    pub counters: Arc<Counters>,
}

impl Probing {
    /// Watches until it is told to stop, or nobody can tell it anything any more.
    pub fn run(self) {
        let mut prober = self.probers.open();
        let now = Moment::now();
        let canaries = self.canaries.iter().map(|address| canary(*address)).collect();
        let mut watch = Watch::new(canaries, Pace { timeout: self.timeout, ..Pace::default() }, now);
        let mut floor = Floor {
            devices: BTreeMap::new(),
            owners: vec![None; watch.len()],
            wall: Wall::new(&self.clock, now),
            notices: notices(prober.as_ref()),
            shown: now,
            stirred: true,
            record: self.record,
            timeout: self.timeout,
        };
        let mut sent = 0;
        run(&mut watch, prober.as_mut(), |now, watch, told| {
            self.counters.probes.sent.add(watch.sent() - sent);
            sent = watch.sent();
            told.iter().for_each(|one| count(&self.counters.probes, one));
            loop {
                match self.orders.try_recv() {
                    Ok(Order::Watch(wanted)) => floor.take(wanted, watch, now),
                    Ok(Order::Stop) | Err(mpsc::TryRecvError::Disconnected) => return Flow::Stop,
                    Err(mpsc::TryRecvError::Empty) => break,
                }
            }
            told.iter().for_each(|one| floor.hear(one, now));
            let rest = if floor.stirred { SHOW_SOON } else { SHOW };
            if now.since(floor.shown) >= rest {
                floor.wall.look(&self.clock, now);
                let picture = Arc::new(floor.picture(watch));
                floor.record.hand_over(&picture);
                self.show.send_replace(picture);
                (floor.shown, floor.stirred) = (now, false);
            }
            Flow::On
        });
    }
}

fn count(probes: &Probes, told: &Told) {
    match told {
        Told::Reply { .. } => probes.answered.one_more(),
        Told::Lost { .. } => probes.lost.one_more(),
        Told::Unsent { .. } => probes.unsent.one_more(),
        Told::Stray { .. } | Told::Changed { .. } | Told::Flapping { .. } | Told::CutOff(_) => {}
    }
}

fn canary(address: IpAddr) -> Target {
    Target {
        address,
        port: 53,
        interval: CANARY,
        phase: Duration::ZERO,
        thresholds: Thresholds::default(),
        part: Part::Canary,
    }
}

/// What a person should know of the probing: that a host without ICMP sees less.
fn notices(prober: &dyn Prober) -> Vec<String> {
    let means = prober.means();
    let mut notices = means.notices.clone();
    if means.v4 == Method::Tcp {
        notices.insert(0, "devices are watched by TCP connects: what does not listen looks down".to_owned());
    }
    notices
}

/// Who is watched, and what is remembered of them.
struct Floor {
    devices: BTreeMap<DeviceId, Watched>,
    /// Whose a target is, by its number.
    owners: Vec<Option<DeviceId>>,
    wall: Wall,
    notices: Vec<String>,
    shown: Moment,
    /// Something that should be seen soon has changed since the last picture.
    stirred: bool,
    record: Record,
    /// How long a reply is waited for.
    timeout: Duration,
}

struct Watched {
    wanted: Wanted,
    /// Its target's number; `None` while it has no address.
    target: Option<u32>,
    recent: Recent,
}

impl Floor {
    // ---- orders

    fn take(&mut self, wanted: Vec<Wanted>, watch: &mut Watch, now: Moment) {
        let mut before = std::mem::take(&mut self.devices);
        for wanted in wanted {
            let watched = match before.remove(&wanted.device) {
                Some(watched) => self.change(watched, wanted, watch, now),
                None => {
                    let target = self.begin(&wanted, watch, now);
                    Watched { wanted, target, recent: Recent::default() }
                }
            };
            self.devices.insert(watched.wanted.device, watched);
        }
        for gone in before.into_values() {
            self.let_go(gone.target, watch);
        }
        for watched in self.devices.values() {
            let above = watched.wanted.above.and_then(|above| self.devices.get(&above)?.target);
            if let Some(target) = watched.target {
                watch.set_above(target, above);
            }
        }
        self.stirred = true;
    }

    fn begin(&mut self, wanted: &Wanted, watch: &mut Watch, now: Moment) -> Option<u32> {
        let target = watch.add(target(wanted)?, now);
        let place = target as usize;
        if self.owners.len() <= place {
            self.owners.resize(place + 1, None);
        }
        self.owners[place] = Some(wanted.device);
        watch.probe_at(target, now.after(phase(wanted.device.0, wanted.interval.min(SOON))));
        if wanted.mode != Mode::Watched {
            watch.set_mode(target, wanted.mode, now);
        }
        Some(target)
    }

    fn change(&mut self, mut watched: Watched, wanted: Wanted, watch: &mut Watch, now: Moment) -> Watched {
        if watched.wanted == wanted {
            return watched;
        }
        match (watched.target, target(&wanted)) {
            (Some(number), Some(target)) => {
                if watched.wanted.address != wanted.address {
                    watched.recent = Recent::default();
                }
                watch.change(number, target, now);
                if watched.wanted.mode != wanted.mode {
                    watch.set_mode(number, wanted.mode, now);
                }
            }
            (None, Some(_)) => watched.target = self.begin(&wanted, watch, now),
            (Some(number), None) => {
                self.let_go(Some(number), watch);
                watched.target = None;
            }
            (None, None) => {}
        }
        Watched { wanted, ..watched }
    }

    fn let_go(&mut self, target: Option<u32>, watch: &mut Watch) {
        let Some(target) = target else { return };
        watch.let_go(target);
        if let Some(owner) = self.owners.get_mut(target as usize) {
            *owner = None;
        }
    }

    // ---- what was heard

    fn hear(&mut self, told: &Told, now: Moment) {
        match *told {
            Told::Reply { target, rtt, .. } => self.remember(target, Some(rtt), now),
            Told::Lost { target, .. } => self.remember(target, None, now),
            Told::Changed { .. } | Told::Flapping { .. } | Told::CutOff(_) => self.stirred = true,
            // it never left: no news of the device
            Told::Unsent { .. } | Told::Stray { .. } => {}
        }
    }

    fn remember(&mut self, target: u32, rtt: Option<Duration>, now: Moment) {
        let owner = self.owners.get(target as usize).copied().flatten();
        if let Some(watched) = owner.and_then(|owner| self.devices.get_mut(&owner)) {
            watched.recent.add(rtt);
            let since = u64::try_from(rtt.unwrap_or(self.timeout).as_nanos()).unwrap_or(u64::MAX);
            let sent = self.wall.at(Moment(now.0.saturating_sub(since)));
            self.record.hear(watched.wanted.device, sent, rtt);
        }
    }

    // ---- the picture

    fn picture(&self, watch: &Watch) -> PulsePicture {
        let rows: Vec<PulseRow> = self.devices.values().map(|watched| self.row(watched, watch)).collect();
        PulsePicture {
            at: Some(self.wall.now),
            totals: PulseTotals::of(&rows),
            rows,
            cut_off: watch.cut_off().map(|at| self.wall.at(at)),
            canary_heard: watch.canary_heard().map(|at| self.wall.at(at)),
            notices: self.notices.clone(),
        }
    }

    fn row(&self, watched: &Watched, watch: &Watch) -> PulseRow {
        let wanted = &watched.wanted;
        let health = watched.target.and_then(|target| watch.health(target));
        let known = health.filter(|health| health.is_known());
        PulseRow {
            device: wanted.device,
            address: wanted.address.as_ref().ok().copied(),
            state: health.map_or(State::Unknown, |health| health.state()),
            mode: wanted.mode,
            since: known.map(|health| self.wall.at(health.since())),
            flapping: health.is_some_and(|health| health.is_flapping()),
            last_reply: health.and_then(|health| health.last_reply()).map(|at| self.wall.at(at)),
            silent_since: health.and_then(|health| health.silent_since()).map(|at| self.wall.at(at)),
            interval: wanted.interval,
            why: match &wanted.address {
                Err(why) => Some(Why::NoAddress(Arc::clone(why))),
                Ok(_) => health.and_then(|health| health.fault()).map(Why::Fault),
            },
            recent: watched.recent.clone(),
        }
    }
}

fn target(wanted: &Wanted) -> Option<Target> {
    Some(Target {
        address: *wanted.address.as_ref().ok()?,
        port: wanted.port,
        interval: wanted.interval,
        phase: phase(wanted.device.0, wanted.interval),
        thresholds: wanted.thresholds,
        part: Part::Device,
    })
}

/// Joins time that passes to the wall clock: moments keep their date until that clock is set.
struct Wall {
    now: Timestamp,
    /// The wall clock's milliseconds at the moment zero.
    zero: i64,
}

impl Wall {
    fn new(clock: &Clock, moment: Moment) -> Self {
        let mut wall = Self { now: Timestamp::default(), zero: i64::MIN / 2 };
        wall.look(clock, moment);
        wall
    }

    fn look(&mut self, clock: &Clock, moment: Moment) {
        self.now = clock.now();
        let zero = self.now.0.saturating_sub(millis(moment));
        if zero.abs_diff(self.zero) > SET.unsigned_abs() {
            self.zero = zero;
        }
    }

    fn at(&self, moment: Moment) -> Timestamp {
        Timestamp(self.zero.saturating_add(millis(moment)))
    }
}

fn millis(moment: Moment) -> i64 {
    i64::try_from(moment.0 / 1_000_000).unwrap_or(i64::MAX)
}
