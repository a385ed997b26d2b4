//! Every target with its probes under way: which is due, what a reply is worth, which silence is a miss.
//!
//! Pure: moments are handed in and need not be even; one that lies before the last one is taken as the last one.

mod answered;
mod cut_off;
mod members;
mod told;
mod trip;
mod watched;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;
use std::time::Duration;

use crate::device::icmp::{Fault, Heard, Mark, Probe};
use crate::model::Moment;

use super::health::{Health, State};
use super::target::{Mode, Pace, Part, Target};
pub use told::{Stray, Told};
use watched::Watched;

/// The most probes of one turn: replies are taken in between.
const TURN: usize = 512;
/// Nobody looked for so long: this host slept or stood still, and what was under way then says nothing.
const STALL: Duration = Duration::from_secs(2);
/// So many levels of what a target hangs on are looked at: records may hang on each other in a ring.
const MOST_ABOVE: usize = 64;

/// See the file's head.
pub struct Watch {
    pace: Pace,
    targets: Vec<Watched>,
    /// The next moment at which a target needs to be looked at; an entry that is not its `wake` any more is void.
    wakes: BinaryHeap<Reverse<(Moment, u32)>>,
    /// By address, for routers that return too little of a probe to know whose it was.
    by_address: Vec<(IpAddr, u32)>,
    canaries: Vec<u32>,
    /// Numbers of targets that were let go.
    free: Vec<u32>,
    last_reply: Moment,
    cut_off: Option<Moment>,
    last_turn: Moment,
    /// No probe is sent from then on.
    until: Moment,
    /// Probes that left, those that did not come that far left out.
    sent: u64,
}

impl Watch {
    /// A watch over these, from `begin` on. A target's number is its place in `targets`.
    pub fn new(targets: Vec<Target>, pace: Pace, begin: Moment) -> Self {
        let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let mut by_address: Vec<(IpAddr, u32)> =
            targets.iter().enumerate().map(|(place, target)| (target.address, number(place))).collect();
        by_address.sort_unstable();
        let canaries = targets.iter().enumerate().filter(|(_, target)| target.part == Part::Canary);
        let canaries = canaries.map(|(place, _)| number(place)).collect();
        let targets: Vec<Watched> = targets.into_iter().map(|target| Watched::new(target, begin)).collect();
        let wakes =
            targets.iter().enumerate().map(|(place, one)| Reverse((one.wake, number(place)))).collect();
        Self {
            pace,
            targets,
            wakes,
            by_address,
            canaries,
            free: Vec::new(),
            last_reply: Moment::default(),
            cut_off: None,
            last_turn: begin,
            until: Moment(u64::MAX),
            sent: 0,
        }
    }

    /// Sends nothing from `until` on; what is under way is still waited for.
    pub fn end(&mut self, until: Moment) {
        self.until = self.until.min(until);
    }

    /// Whether nothing is under way and nothing will be sent.
    pub fn is_over(&self, now: Moment) -> bool {
        let sends = |one: &Watched| one.mode != Mode::Paused && one.next_probe() < self.until;
        now >= self.until && self.targets.iter().all(|one| one.underway.is_empty() && !sends(one))
    }

    /// How many targets there are.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// When something needs to be done by itself; `None` for never.
    pub fn wake_at(&self) -> Option<Moment> {
        self.wakes.peek().map(|Reverse((at, _))| *at)
    }

    /// What is thought of a target.
    pub fn health(&self, target: u32) -> Option<&Health> {
        self.targets.get(target as usize).map(|one| &one.health)
    }

    /// What is done about a target.
    pub fn mode(&self, target: u32) -> Option<Mode> {
        self.targets.get(target as usize).map(|one| one.mode)
    }

    /// When a canary last answered; `None` where none is believed, or there is none.
    pub fn canary_heard(&self) -> Option<Moment> {
        let canaries = self.canaries.iter().filter_map(|canary| self.targets.get(*canary as usize));
        canaries.filter(|one| one.trusted).filter_map(|one| one.health.last_reply()).max()
    }

    /// Since when this host is cut off.
    pub fn cut_off(&self) -> Option<Moment> {
        self.cut_off
    }

    /// How many probes have left this host: to be asked between two turns.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    // ---- time passes

    /// Looks at what is due: silences become misses and losses, and probes that are to be sent now are put into
    /// `probes`, a few hundred at most. Hand in first what was heard.
    pub fn turn(&mut self, now: Moment, probes: &mut Vec<Probe>, told: &mut Vec<Told>) {
        let now = now.max(self.last_turn);
        if now.since(self.last_turn) > STALL {
            self.wake_from_stall(now);
        }
        self.last_turn = now;
        while probes.len() < TURN
            && let Some(Reverse((at, target))) = self.wakes.peek().copied()
            && at <= now
        {
            self.wakes.pop();
            if self.targets.get(target as usize).is_some_and(|one| one.wake == at) {
                self.attend(target, now, probes, told);
                self.set_wake(target);
            }
        }
    }

    fn attend(&mut self, target: u32, now: Moment, probes: &mut Vec<Probe>, told: &mut Vec<Told>) {
        let (pace, frozen, until) = (self.pace, self.cut_off.is_some(), self.until);
        let Some(one) = self.targets.get_mut(target as usize) else { return };
        let suspicion = one.trip.suspicion(pace);
        let (mut missed, mut silent_now) = (false, false);
        for probe in one.underway.iter_mut().filter(|probe| !probe.missed && now >= probe.at.after(suspicion))
        {
            (probe.missed, missed) = (true, true);
            one.newest_miss = probe.at;
            if frozen && one.target.part == Part::Device {
                continue;
            }
            let fault = probe.fault.unwrap_or(Fault::Silence);
            if let Some(change) = one.health.miss(probe.at, now, fault, one.target.thresholds) {
                told.push(Told::Changed { target, change });
                silent_now |= change.to == State::Loss;
            }
        }
        while one.underway.front().is_some_and(|probe| now >= probe.at.after(pace.timeout))
            && let Some(probe) = one.underway.pop_front()
        {
            let fault = probe.fault.unwrap_or(Fault::Silence);
            told.push(Told::Lost { target, number: probe.number, fault });
        }
        if one.health.look_at_turns(now) {
            told.push(Told::Flapping { target, on: one.health.is_flapping() });
        }
        if missed {
            one.hasten(now, pace, frozen);
        }
        // one that was due before the end is sent, though this turn may come a little after it
        if one.mode != Mode::Paused && one.next_probe() <= now.min(Moment(until.0.saturating_sub(1))) {
            probes.push(one.probe(target, now));
            self.sent += 1;
        }
        if missed && self.canaries.contains(&target) {
            self.look_at_canaries(now, told);
        }
        if missed && !frozen {
            self.hasten_above(target, now);
            self.hasten_canaries(now);
        }
        if silent_now {
            self.hasten_below(target, now);
        }
    }

    /// Probes what a silent target hangs on, up to the top: whose trouble it is must be known when the target is down.
    fn hasten_above(&mut self, target: u32, now: Moment) {
        let mut above = self.targets.get(target as usize).and_then(|one| one.above);
        for _ in 0..MOST_ABOVE {
            let Some(number) = above else { return };
            self.hasten(number, now);
            above = self.targets.get(number as usize).and_then(|one| one.above);
        }
    }

    /// Probes what hangs on a target that has just fallen silent: by the time it is known to be down, so is what lies
    /// behind it.
    fn hasten_below(&mut self, target: u32, now: Moment) {
        let below = self.targets.get(target as usize).map(|one| one.below.clone()).unwrap_or_default();
        below.into_iter().for_each(|below| self.hasten(below, now));
    }

    fn hasten(&mut self, target: u32, now: Moment) {
        let Some(one) = self.targets.get_mut(target as usize) else { return };
        let before = one.next_probe();
        one.hasten(now, self.pace, false);
        if one.next_probe() < before {
            self.set_wake(target);
        }
    }

    /// Probes the canaries: whether it is this host's own trouble must be known by then too.
    fn hasten_canaries(&mut self, now: Moment) {
        self.canaries.clone().into_iter().for_each(|canary| self.hasten(canary, now));
    }

    /// After a sleep, probes go on as if it had not been: none of them at once, none of them for what was missed.
    fn wake_from_stall(&mut self, now: Moment) {
        for place in 0..self.targets.len() {
            let one = &mut self.targets[place];
            one.underway.clear();
            one.hastened = None;
            one.skip_past(now);
            self.set_wake(u32::try_from(place).unwrap_or(u32::MAX));
        }
    }

    fn set_wake(&mut self, target: u32) {
        let Some(one) = self.targets.get_mut(target as usize) else { return };
        let suspicion = one.trip.suspicion(self.pace);
        let judged = one
            .underway
            .iter()
            .map(|probe| probe.at.after(if probe.missed { self.pace.timeout } else { suspicion }));
        let next = Some(one.next_probe()).filter(|next| *next < self.until && one.mode != Mode::Paused);
        match judged.chain(next).min() {
            Some(wake) => {
                one.wake = wake;
                self.wakes.push(Reverse((wake, target)));
            }
            None => one.wake = Moment(u64::MAX),
        }
    }

    // ---- something comes

    /// Takes in what was heard.
    pub fn hear(&mut self, now: Moment, heard: &Heard, told: &mut Vec<Told>) {
        let now = now.max(self.last_turn);
        match *heard {
            Heard::Reply { from, mark, rtt } => self.hear_reply(now, from, mark, rtt, told),
            Heard::Refused { to, mark, sequence, fault, .. } => match mark {
                Some(mark) => {
                    self.hear_refusal(mark.target, to, |number| number == mark.number, fault);
                }
                None => self.hear_short_refusal(to, sequence, fault),
            },
            Heard::Forged { from } => told.push(Told::Stray { stray: Stray::Forged, target: None, from }),
        }
    }

    fn hear_reply(&mut self, now: Moment, from: IpAddr, mark: Mark, rtt: Duration, told: &mut Vec<Told>) {
        let Some(one) = self.targets.get_mut(mark.target as usize) else { return };
        let target = mark.target;
        let place = one.underway.iter().position(|probe| probe.number == mark.number);
        let right = place.map_or(one.target.address, |place| one.underway[place].to) == from;
        let stray = match place {
            _ if !right => Stray::OtherAddress,
            None if one.answered.contains(mark.number) => Stray::Duplicate,
            None => Stray::Late,
            Some(place) => {
                one.underway.remove(place);
                one.answered.add(mark.number);
                one.trip.add(rtt);
                one.hastened = None;
                told.push(Told::Reply { target, number: mark.number, rtt });
                if let Some(change) = one.health.reply(now) {
                    told.push(Told::Changed { target, change });
                }
                let canary = one.target.part == Part::Canary;
                one.trusted = canary;
                self.last_reply = now;
                self.see_again(now, canary, told);
                return;
            }
        };
        told.push(Told::Stray { stray, target: Some(target), from });
    }

    /// An error never counts as a reply and never as a miss: it says why the miss that comes will be one. Whether the
    /// target has such a probe under way.
    fn hear_refusal(&mut self, target: u32, to: IpAddr, is_it: impl Fn(u64) -> bool, fault: Fault) -> bool {
        let Some(one) = self.targets.get_mut(target as usize) else { return false };
        let probe = one.underway.iter_mut().find(|probe| probe.to == to && is_it(probe.number));
        probe.map(|probe| probe.fault = Some(fault)).is_some()
    }

    fn hear_short_refusal(&mut self, to: IpAddr, sequence: u16, fault: Fault) {
        let first = self.by_address.partition_point(|(address, _)| *address < to);
        let same = self.by_address[first..].iter().take_while(|(address, _)| *address == to);
        let targets: Vec<u32> = same.map(|(_, target)| *target).collect();
        for target in targets {
            if self.hear_refusal(target, to, |number| number & 0xffff == u64::from(sequence), fault) {
                return;
            }
        }
    }

    /// A probe of the last turn did not leave this host.
    pub fn unsent(&mut self, now: Moment, probe: &Probe, fault: Fault, told: &mut Vec<Told>) {
        let now = now.max(self.last_turn);
        let Some(one) = self.targets.get_mut(probe.target as usize) else { return };
        one.underway.retain(|sent| sent.number != probe.number);
        self.sent = self.sent.saturating_sub(1);
        told.push(Told::Unsent { target: probe.target, number: probe.number, fault });
        let change = match one.target.part {
            _ if fault == Fault::NoRoom => None,
            Part::Device if fault.is_ours() => one.health.out_of_reach(now, fault),
            _ => {
                one.newest_miss = now;
                one.health.miss(now, now, fault, one.target.thresholds)
            }
        };
        told.extend(change.map(|change| Told::Changed { target: probe.target, change }));
        self.set_wake(probe.target);
        if self.canaries.contains(&probe.target) {
            self.look_at_canaries(now, told);
        }
    }
}

#[cfg(test)]
mod tests;
