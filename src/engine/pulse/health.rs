//! What is thought of one device, from its replies and misses. Pure: every moment is handed in.

use std::collections::VecDeque;
use std::time::Duration;

use crate::device::icmp::Fault;
use crate::model::Moment;

use super::target::Thresholds;

/// So far back changes between up and down are counted.
const FLAPPING_WINDOW: Duration = Duration::from_secs(30 * 60);
/// So many of them make a device flapping.
const FLAPPING_ON: usize = 6;
/// With so few it is flapping no longer.
const FLAPPING_OFF: usize = 3;
/// The most changes that are remembered.
const REMEMBERED: usize = 20;

/// Whether a device answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing is known yet, or nothing can be known from here.
    #[default]
    Unknown,
    /// The newest probes were answered.
    Up,
    /// It was up, and the newest probe was not answered. Shown at once, never alarmed about.
    Loss,
    /// It was silent for long enough.
    Down,
}

impl State {
    /// The state in a word, as people and programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Loss => "loss",
            Self::Down => "down",
        }
    }
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it was.
    pub from: State,
    /// What it is.
    pub to: State,
}

/// See the file's head.
#[derive(Clone, Debug, Default)]
pub struct Health {
    state: State,
    since: Moment,
    last_reply: Option<Moment>,
    /// When the first of the misses in a row was sent.
    silent_since: Option<Moment>,
    misses: u32,
    fault: Option<Fault>,
    /// Changes between up and down, the oldest first.
    turns: VecDeque<Moment>,
    flapping: bool,
}

impl Health {
    /// Whether it answers.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether anything was ever heard or missed.
    pub fn is_known(&self) -> bool {
        self.since != Moment::default()
    }

    /// Since when.
    pub fn since(&self) -> Moment {
        self.since
    }

    /// When it last answered.
    pub fn last_reply(&self) -> Option<Moment> {
        self.last_reply
    }

    /// When the first of the misses in a row was sent; `None` while it answers.
    pub fn silent_since(&self) -> Option<Moment> {
        self.silent_since
    }

    /// Misses in a row.
    pub fn misses(&self) -> u32 {
        self.misses
    }

    /// What was last said against a probe; `None` since it answers.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Whether it goes up and down all the time. A badge beside the state, which is always told.
    pub fn is_flapping(&self) -> bool {
        self.flapping
    }

    /// It answered.
    pub fn reply(&mut self, at: Moment) -> Option<Change> {
        (self.misses, self.silent_since, self.fault) = (0, None, None);
        self.last_reply = Some(at);
        self.turn(State::Up, at)
    }

    /// A probe sent at `sent` was not answered in time.
    pub fn miss(&mut self, sent: Moment, at: Moment, fault: Fault, thresholds: Thresholds) -> Option<Change> {
        self.misses = self.misses.saturating_add(1);
        self.fault = Some(fault);
        let first = *self.silent_since.get_or_insert(sent);
        let silent = at.since(self.last_reply.unwrap_or(first));
        let down = self.misses >= thresholds.misses && silent >= thresholds.silence;
        match self.state {
            _ if down => self.turn(State::Down, at),
            State::Up => self.turn(State::Loss, at),
            State::Unknown | State::Loss | State::Down => None,
        }
    }

    /// This host cannot send to it: nothing is known of it any more.
    pub fn out_of_reach(&mut self, at: Moment, fault: Fault) -> Option<Change> {
        self.fault = Some(fault);
        self.turn(State::Unknown, at)
    }

    /// Forgets the misses: they were this host's own.
    pub fn forgive(&mut self, at: Moment) -> Option<Change> {
        (self.misses, self.silent_since) = (0, None);
        // the silence begins anew
        self.last_reply = self.last_reply.map(|_| at);
        (self.state == State::Loss).then(|| self.turn(State::Up, at)).flatten()
    }

    /// Looks again whether it is flapping; time alone ends that. Whether the badge changed.
    pub fn look_at_turns(&mut self, now: Moment) -> bool {
        while self.turns.front().is_some_and(|turn| now.since(*turn) > FLAPPING_WINDOW) {
            self.turns.pop_front();
        }
        let flapping =
            if self.flapping { self.turns.len() > FLAPPING_OFF } else { self.turns.len() >= FLAPPING_ON };
        std::mem::replace(&mut self.flapping, flapping) != flapping
    }

    fn turn(&mut self, to: State, at: Moment) -> Option<Change> {
        let from = std::mem::replace(&mut self.state, to);
        if from == to {
            return None;
        }
        self.since = at;
        if matches!((from, to), (State::Up | State::Loss, State::Down) | (State::Down, State::Up)) {
            self.turns.push_back(at);
            if self.turns.len() > REMEMBERED {
                self.turns.pop_front();
            }
        }
        Some(Change { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment(millis * 1_000_000)
    }

    fn miss(health: &mut Health, millis: u64) -> Option<State> {
        let change = health.miss(at(millis - 300), at(millis), Fault::Silence, Thresholds::default());
        change.map(|change| change.to)
    }

    #[test]
    fn down_needs_misses_and_silence() {
        let mut health = Health::default();
        health.reply(at(1000));
        assert_eq!(miss(&mut health, 1500), Some(State::Loss));
        assert_eq!(miss(&mut health, 1800), None);
        assert_eq!(miss(&mut health, 2100), None, "three misses, not yet three seconds");
        assert_eq!(miss(&mut health, 4000), Some(State::Down));
        assert_eq!(health.fault(), Some(Fault::Silence));
        assert_eq!(health.reply(at(9000)), Some(Change { from: State::Down, to: State::Up }));
        assert_eq!((health.misses(), health.fault()), (0, None));
    }

    #[test]
    fn a_device_that_never_answered_is_unknown_and_then_down() {
        let mut health = Health::default();
        assert_eq!((miss(&mut health, 300), miss(&mut health, 600)), (None, None));
        assert_eq!(miss(&mut health, 900), None);
        assert_eq!(health.state(), State::Unknown);
        assert_eq!(miss(&mut health, 3000), Some(State::Down));
    }

    #[test]
    fn flapping_is_a_badge_and_hides_no_recovery() {
        let (mut health, mut clock) = (Health::default(), 0);
        health.reply(at(clock));
        for round in 0..5 {
            clock += 10_000;
            assert_eq!(miss(&mut health, clock - 2000), Some(State::Loss));
            miss(&mut health, clock - 1000);
            assert_eq!(miss(&mut health, clock), Some(State::Down), "round {round}");
            clock += 1000;
            assert_eq!(health.reply(at(clock)).map(|change| change.to), Some(State::Up), "round {round}");
            health.look_at_turns(at(clock));
            assert_eq!(health.is_flapping(), round >= 2);
        }
        assert!(!health.look_at_turns(at(clock)));
        assert!(health.look_at_turns(at(clock + 31 * 60_000)), "half an hour of peace");
        assert!(!health.is_flapping());
    }

    #[test]
    fn what_was_our_own_fault_is_forgiven() {
        let mut health = Health::default();
        health.reply(at(1000));
        miss(&mut health, 2000);
        miss(&mut health, 2300);
        assert_eq!(health.forgive(at(60_000)), Some(Change { from: State::Loss, to: State::Up }));
        assert_eq!(miss(&mut health, 61_000), Some(State::Loss), "not down at once");
    }
}
