//! One target with its probes under way.

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::device::icmp::{Fault, Probe};
use crate::model::Moment;

use super::super::State;
use super::super::health::Health;
use super::super::target::{Mode, Pace, Target};
use super::answered::Answered;
use super::trip::Trip;

/// See the file's head.
pub(super) struct Watched {
    pub(super) target: Target,
    pub(super) mode: Mode,
    /// It was let go: its number is free.
    pub(super) gone: bool,
    /// What it hangs on.
    pub(super) above: Option<u32>,
    /// What hangs on it.
    pub(super) below: Vec<u32>,
    /// The number of its next probe.
    pub(super) number: u64,
    /// When its next regular probe is due.
    pub(super) regular: Moment,
    /// When its newest probe was sent.
    pub(super) sent: Moment,
    /// When it is probed out of turn.
    pub(super) hastened: Option<Moment>,
    pub(super) wake: Moment,
    /// Sent and undecided, the oldest first.
    pub(super) underway: VecDeque<Underway>,
    /// When the newest of its missed probes was sent.
    pub(super) newest_miss: Moment,
    /// Of a canary: it has answered since a device proved it wrong.
    pub(super) trusted: bool,
    pub(super) answered: Answered,
    pub(super) trip: Trip,
    pub(super) health: Health,
}

/// A probe that is not decided yet.
pub(super) struct Underway {
    pub(super) number: u64,
    pub(super) at: Moment,
    pub(super) to: IpAddr,
    pub(super) missed: bool,
    pub(super) fault: Option<Fault>,
}

impl Watched {
    pub(super) fn new(target: Target, begin: Moment) -> Self {
        let regular = begin.after(target.phase);
        Self {
            target,
            mode: Mode::Watched,
            gone: false,
            above: None,
            below: Vec::new(),
            number: 1,
            regular,
            sent: Moment::default(),
            hastened: None,
            wake: regular,
            underway: VecDeque::new(),
            newest_miss: Moment::default(),
            trusted: false,
            answered: Answered::default(),
            trip: Trip::default(),
            health: Health::default(),
        }
    }

    pub(super) fn next_probe(&self) -> Moment {
        self.hastened.map_or(self.regular, |hastened| hastened.min(self.regular))
    }

    /// After a miss: again soon, until it is known to be down.
    pub(super) fn hasten(&mut self, now: Moment, pace: Pace, frozen: bool) {
        let decided = self.health.state() == State::Down || frozen;
        self.hastened = pace.hasten.filter(|_| !decided).map(|hasten| {
            // whoever asks for it: never more often than this
            self.sent.after(hasten).max(now)
        });
    }

    pub(super) fn probe(&mut self, target: u32, now: Moment) -> Probe {
        let (number, address) = (self.number, self.target.address);
        self.number += 1;
        self.hastened = None;
        self.sent = now;
        self.skip_past(now);
        self.underway.push_back(Underway { number, at: now, to: address, missed: false, fault: None });
        Probe { target, number, address, port: self.target.port }
    }

    /// The next regular probe after `now`, in the target's phase: what was missed meanwhile is not made up for.
    pub(super) fn skip_past(&mut self, now: Moment) {
        if self.regular <= now {
            let interval = u64::try_from(self.target.interval.as_nanos()).unwrap_or(u64::MAX).max(1);
            let intervals = (now.0 - self.regular.0) / interval + 1;
            self.regular = Moment(self.regular.0.saturating_add(intervals.saturating_mul(interval)));
        }
    }
}
