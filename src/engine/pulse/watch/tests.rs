//! A simulated network under a watch: replies after a time, or never.

use proptest::prelude::*;

use super::*;
use crate::engine::pulse::{State, Thresholds};

const SECOND: Duration = Duration::from_secs(1);

fn target(last: u8) -> Target {
    Target {
        address: IpAddr::from([10, 0, 0, last]),
        port: 22,
        interval: SECOND * 2,
        phase: Duration::ZERO,
        thresholds: Thresholds::default(),
        part: Part::Device,
    }
}

fn canary(last: u8) -> Target {
    Target { interval: SECOND, part: Part::Canary, ..target(last) }
}

/// Time, a watch, and a network that answers as `answers` says.
struct World {
    now: Moment,
    watch: Watch,
    /// Replies on their way: when, what.
    coming: Vec<(Moment, Heard)>,
    sent: Vec<Probe>,
    told: Vec<Told>,
}

impl World {
    fn new(targets: Vec<Target>) -> Self {
        let begin = Moment(1_000_000_000_000);
        let watch = Watch::new(targets, Pace::default(), begin);
        Self { now: begin, watch, coming: Vec::new(), sent: Vec::new(), told: Vec::new() }
    }

    /// Lets time pass in steps of 10 ms; `answer` says after how long a probe is answered.
    fn pass(&mut self, length: Duration, answer: impl Fn(&Probe) -> Option<Duration>) {
        let end = self.now.after(length);
        while self.now < end {
            self.now = self.now.after(Duration::from_millis(10));
            self.step(&answer);
        }
    }

    fn step(&mut self, answer: &impl Fn(&Probe) -> Option<Duration>) {
        let now = self.now;
        let (due, later) = self.coming.drain(..).partition(|(at, _)| *at <= now);
        self.coming = later;
        let due: Vec<(Moment, Heard)> = due;
        for (_, heard) in due {
            self.watch.hear(now, &heard, &mut self.told);
        }
        let mut probes = Vec::new();
        self.watch.turn(now, &mut probes, &mut self.told);
        for probe in probes {
            if let Some(rtt) = answer(&probe) {
                self.coming.push((now.after(rtt), reply(&probe, now, rtt)));
            }
            self.sent.push(probe);
        }
    }

    fn states(&self) -> Vec<State> {
        (0..self.watch.len() as u32).map(|target| self.watch.health(target).unwrap().state()).collect()
    }

    fn count(&self, which: impl Fn(&Told) -> bool) -> usize {
        self.told.iter().filter(|told| which(told)).count()
    }

    fn strays(&self, wanted: Stray) -> usize {
        self.count(|told| matches!(told, Told::Stray { stray, .. } if *stray == wanted))
    }
}

fn reply(probe: &Probe, sent: Moment, rtt: Duration) -> Heard {
    let mark = Mark { target: probe.target, number: probe.number, sent };
    Heard::Reply { from: probe.address, mark, rtt }
}

fn soon(_: &Probe) -> Option<Duration> {
    Some(Duration::from_millis(20))
}

fn never(_: &Probe) -> Option<Duration> {
    None
}

#[test]
fn each_target_is_probed_at_its_own_interval() {
    let slow = Target { interval: SECOND * 10, phase: SECOND, ..target(2) };
    let mut world = World::new(vec![target(1), slow]);
    world.pass(SECOND * 19, soon);
    let of = |target| world.sent.iter().filter(|probe| probe.target == target).count();
    assert_eq!((of(0), of(1)), (10, 2));
    assert_eq!(world.states(), [State::Up, State::Up]);
    assert!(world.sent.iter().filter(|probe| probe.target == 0).map(|probe| probe.number).eq(1..=10));
}

#[test]
fn a_silent_device_is_probed_again_soon_and_down_within_four_seconds() {
    let mut world = World::new(vec![target(1)]);
    world.pass(SECOND * 10, soon);
    world.pass(SECOND * 6, never);
    let health = world.watch.health(0).unwrap();
    assert_eq!(health.state(), State::Down);
    let took = health.since().since(health.last_reply().unwrap());
    assert!((SECOND * 3..SECOND * 4).contains(&took), "down after {took:?}");
    let soft = world.count(|told| matches!(told, Told::Changed { change, .. } if change.to == State::Loss));
    assert_eq!(soft, 1);

    world.pass(SECOND * 3, soon);
    assert_eq!(world.states(), [State::Up], "one reply is a recovery");
}

#[test]
fn with_every_probe_lost_all_are_down_and_counted() {
    let mut world = World::new((1..=50).map(target).collect());
    world.pass(SECOND * 20, never);
    world.watch.end(world.now);
    world.pass(SECOND * 3, never);
    assert!(world.states().iter().all(|state| *state == State::Down));
    assert!(world.watch.is_over(world.now));
    assert_eq!(world.count(|told| matches!(told, Told::Lost { .. })), world.sent.len());
    assert_eq!(world.count(|told| matches!(told, Told::Reply { .. })), 0);
}

#[test]
fn a_probe_that_was_due_just_before_the_end_is_sent() {
    let late = Target { phase: Duration::from_millis(5), ..target(1) };
    let mut world = World::new(vec![late]);
    world.watch.end(world.now.after(Duration::from_millis(2006)));
    world.pass(SECOND * 2, soon);
    world.pass(Duration::from_millis(10), soon);
    assert_eq!(world.sent.len(), 2);
    assert!(!world.watch.is_over(world.now), "its reply is waited for");
    world.pass(Duration::from_millis(40), soon);
    assert_eq!(world.sent.len(), 2);
    assert!(world.watch.is_over(world.now));
}

#[test]
fn a_slow_reply_undoes_the_miss() {
    let mut world = World::new(vec![target(1)]);
    world.pass(SECOND * 10, soon);
    world.pass(SECOND * 2, |_| Some(SECOND));
    world.pass(SECOND * 4, soon);
    assert_eq!(world.states(), [State::Up]);
    assert_eq!(world.count(|told| matches!(told, Told::Lost { .. })), 0);
    assert_eq!(
        world.count(|told| matches!(told, Told::Changed { change, .. } if change.to == State::Loss)),
        1
    );
}

#[test]
fn duplicates_late_ones_and_other_addresses_are_no_replies() {
    let mut world = World::new(vec![target(1), target(2)]);
    world.pass(SECOND, soon);
    let (probe, now) = (world.sent[0], world.now);
    let again = reply(&probe, now, SECOND);
    world.watch.hear(now, &again, &mut world.told);
    assert_eq!(world.strays(Stray::Duplicate), 1);

    world.pass(SECOND * 2, never);
    let probe = *world.sent.iter().rev().find(|probe| probe.target == 0).unwrap();
    let mark = Mark { target: 0, number: probe.number, sent: now };
    let elsewhere = Heard::Reply { from: IpAddr::from([10, 0, 0, 2]), mark, rtt: SECOND };
    let replies = world.count(|told| matches!(told, Told::Reply { .. }));
    world.watch.hear(world.now, &elsewhere, &mut world.told);
    world.watch.hear(world.now, &Heard::Forged { from: IpAddr::from([10, 0, 0, 1]) }, &mut world.told);
    assert_eq!((world.strays(Stray::OtherAddress), world.strays(Stray::Forged)), (1, 1));

    world.pass(SECOND * 3, never);
    world.watch.hear(world.now, &reply(&probe, now, SECOND), &mut world.told);
    assert_eq!(world.strays(Stray::Late), 1);
    assert_eq!(world.count(|told| matches!(told, Told::Reply { .. })), replies);
}

#[test]
fn two_devices_with_one_address_are_told_apart() {
    let mut world = World::new(vec![target(1), target(1)]);
    world.pass(SECOND * 10, |probe| (probe.target == 1).then_some(Duration::from_millis(5)));
    assert_eq!(world.states(), [State::Down, State::Up]);
}

#[test]
fn a_router_that_returns_eight_bytes_is_understood() {
    let mut world = World::new(vec![target(1), target(1), target(2)]);
    world.pass(Duration::from_millis(20), never);
    let probe = world.sent[0];
    let refused = Heard::Refused {
        from: IpAddr::from([10, 0, 0, 254]),
        to: probe.address,
        mark: None,
        sequence: (probe.number & 0xffff) as u16,
        fault: Fault::NoHost,
    };
    world.watch.hear(world.now, &refused, &mut world.told);
    world.pass(SECOND * 3, never);
    let faults = world.told.iter().filter_map(|told| match told {
        Told::Lost { target, number: 1, fault } => Some((*target, *fault)),
        _ => None,
    });
    let mut faults: Vec<_> = faults.collect();
    faults.sort_by_key(|(target, _)| *target);
    assert_eq!(faults, [(0, Fault::NoHost), (1, Fault::Silence), (2, Fault::Silence)]);
}

#[test]
fn a_device_that_moves_is_asked_at_its_new_address_alone() {
    let mut world = World::new(vec![target(1)]);
    world.pass(SECOND * 3, soon);
    world.pass(SECOND, never);
    let new = IpAddr::from([10, 0, 0, 99]);
    world.watch.set_address(0, new, world.now);
    let old = *world.sent.last().unwrap();
    world.watch.hear(world.now, &reply(&old, world.now, SECOND), &mut world.told);
    assert_eq!(world.strays(Stray::OtherAddress), 1);
    let before = world.sent.len();
    world.pass(SECOND * 5, soon);
    assert!(world.sent[before..].iter().all(|probe| probe.address == new));
    assert_eq!(world.states(), [State::Up]);
}

#[test]
fn the_clock_jumps() {
    let mut world = World::new((1..=20).map(target).collect());
    world.pass(SECOND * 10, soon);
    let sent = world.sent.len();
    world.now = world.now.after(SECOND * 8 * 3600);
    world.step(&soon);
    assert!(world.sent.len() - sent <= 20, "eight hours of probes are not made up for");
    world.pass(SECOND * 4, soon);
    world.now = Moment(world.now.0 - 3_600_000_000_000);
    world.pass(SECOND, never);
    assert!(world.states().iter().all(|state| *state == State::Up));
    assert_eq!(world.count(|told| matches!(told, Told::Lost { .. })), 0);
}

#[test]
fn cut_off_freezes_the_picture_and_says_so() {
    let mut targets: Vec<Target> = (1..=40).map(target).collect();
    targets.extend([canary(101), canary(102)]);
    let mut world = World::new(targets);
    world.pass(SECOND * 10, soon);
    world.pass(SECOND * 60, never);
    assert!(world.watch.cut_off().is_some());
    assert!(world.states()[..40].iter().all(|state| matches!(state, State::Up | State::Loss)));
    world.pass(SECOND * 10, soon);
    assert_eq!(world.watch.cut_off(), None);
    assert!(world.states().iter().all(|state| *state == State::Up));
    let cuts: Vec<bool> = world
        .told
        .iter()
        .filter_map(|told| match told {
            Told::CutOff(cut) => Some(*cut),
            _ => None,
        })
        .collect();
    assert_eq!(cuts, [true, false]);
}

#[test]
fn a_dead_canary_alone_cuts_nobody_off_for_long() {
    let mut world = World::new(vec![target(1), canary(101)]);
    world.pass(SECOND * 10, soon);
    let devices = |probe: &Probe| (probe.target == 0).then_some(Duration::from_millis(20));
    world.pass(SECOND * 60, devices);
    assert_eq!(world.watch.cut_off(), None);
    assert!(world.count(|told| matches!(told, Told::CutOff(true))) <= 1);
    world.pass(SECOND * 10, never);
    assert_eq!(world.states()[0], State::Down, "the canary that was wrong is not believed");
}

#[test]
fn what_this_host_cannot_send_is_no_fault_of_the_device() {
    let mut world = World::new(vec![target(1)]);
    world.pass(SECOND * 3, soon);
    let probe = Probe { target: 0, number: 99, address: IpAddr::from([10, 0, 0, 1]), port: 22 };
    world.watch.unsent(world.now, &probe, Fault::NoRouteHere, &mut world.told);
    assert_eq!(world.states(), [State::Unknown]);
    assert_eq!(world.watch.health(0).unwrap().fault(), Some(Fault::NoRouteHere));
}

#[test]
fn a_paused_device_is_left_alone() {
    let mut world = World::new(vec![target(1), target(2)]);
    world.watch.set_mode(0, Mode::Paused, world.now);
    world.pass(SECOND * 10, soon);
    assert!(world.sent.iter().all(|probe| probe.target == 1));
    world.watch.set_mode(0, Mode::Watched, world.now);
    world.pass(SECOND, soon);
    assert_eq!(world.states(), [State::Up, State::Up]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the network does: each probe has one outcome, and nobody is down without the silence that it takes.
    #[test]
    fn every_probe_has_one_outcome(
        phases in proptest::collection::vec((1u64..30, proptest::option::of(0u64..3000)), 1..12),
        jumps in proptest::collection::vec((0usize..12, 0u64..20_000), 0..3),
    ) {
        let mut world = World::new((1..=5).map(target).collect());
        let mut voided = false;
        for (place, (tenths, rtt)) in phases.iter().enumerate() {
            if let Some((_, jump)) = jumps.iter().find(|(at, _)| *at == place) {
                world.now = world.now.after(Duration::from_millis(*jump));
                voided |= *jump > 1900;
            }
            let downs = world.told.len();
            world.pass(Duration::from_millis(100 * tenths), |_| rtt.map(Duration::from_millis));
            for (target, change) in world.told[downs..].iter().filter_map(|told| match told {
                Told::Changed { target, change } => Some((*target, *change)),
                _ => None,
            }) {
                prop_assert_ne!(change.from, change.to);
                let health = world.watch.health(target).unwrap();
                if health.state() == State::Down {
                    let last = health.last_reply().unwrap_or_default();
                    prop_assert!(health.since().since(last) >= SECOND * 3 && health.misses() >= 3);
                }
            }
        }
        world.watch.end(world.now);
        world.pass(SECOND * 4, never);
        prop_assert!(world.watch.is_over(world.now));
        let mut decided: Vec<(u32, u64)> = world.told.iter().filter_map(|told| match told {
            Told::Reply { target, number, .. } | Told::Lost { target, number, .. } => Some((*target, *number)),
            _ => None,
        }).collect();
        let all = decided.len();
        decided.sort_unstable();
        decided.dedup();
        prop_assert_eq!(decided.len(), all, "an outcome was told twice");
        prop_assert!(all <= world.sent.len());
        if !voided {
            prop_assert_eq!(all, world.sent.len());
        }
    }
}

#[test]
fn a_silent_one_has_what_it_hangs_on_and_what_hangs_on_it_probed_at_once() {
    let slow = |last| Target { interval: SECOND * 60, ..target(last) };
    let mut world = World::new(vec![slow(1), target(2), slow(3)]);
    world.watch.set_above(1, Some(0));
    world.watch.set_above(2, Some(1));
    world.pass(SECOND, |_| Some(Duration::from_millis(1)));
    let dead = |probe: &Probe| (probe.target == 0).then_some(Duration::from_millis(1));
    let before = world.sent.len();
    world.pass(SECOND * 3, dead);
    let hastened = |target: u32| world.sent[before..].iter().filter(|probe| probe.target == target).count();
    assert!(hastened(0) >= 1, "what it hangs on");
    assert!(hastened(2) >= 3, "what hangs on it, until it is known to be down");
    assert_eq!(world.watch.health(1).unwrap().state(), State::Down);
    assert_eq!(world.watch.health(2).unwrap().state(), State::Down);
    assert_eq!(world.watch.health(0).unwrap().state(), State::Up);
}

#[test]
fn a_target_that_is_let_go_is_probed_no_more_and_its_number_is_given_again() {
    let mut world = World::new(vec![target(1), target(2)]);
    world.watch.set_above(1, Some(0));
    world.pass(SECOND * 3, |_| Some(Duration::from_millis(1)));
    world.watch.let_go(0);
    let before = world.sent.len();
    world.pass(SECOND * 5, |_| Some(Duration::from_millis(1)));
    assert!(world.sent[before..].iter().all(|probe| probe.target == 1));
    let newest = world.sent.iter().filter(|probe| probe.target == 0).map(|probe| probe.number).max().unwrap();
    assert_eq!(world.watch.add(target(9), world.now), 0);
    world.pass(SECOND * 3, |_| Some(Duration::from_millis(1)));
    let first = world.sent.iter().find(|probe| probe.address == target(9).address).unwrap();
    assert!(
        first.target == 0 && first.number > newest,
        "late answers to the old one are not taken for its own"
    );
}
