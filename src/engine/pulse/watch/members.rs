//! Who is watched, and how: targets come, change and go while the watch runs.

use std::net::IpAddr;

use crate::model::Moment;

use super::super::health::Health;
use super::super::target::{Mode, Part, Target};
use super::Watch;
use super::trip::Trip;
use super::watched::Watched;

impl Watch {
    /// One more target, from `now` on. Its number; that of one that was let go is given again, and its probes count
    /// on, so that a late answer is never taken for another's.
    pub fn add(&mut self, target: Target, now: Moment) -> u32 {
        let mut watched = Watched::new(target, now);
        let number = match self.free.pop() {
            Some(number) => number,
            None => u32::try_from(self.targets.len()).unwrap_or(u32::MAX),
        };
        match self.targets.get_mut(number as usize) {
            Some(old) => {
                watched.number = old.number;
                *old = watched;
            }
            None => self.targets.push(watched),
        }
        self.put_address(target.address, number);
        if target.part == Part::Canary {
            self.canaries.push(number);
        }
        self.set_wake(number);
        number
    }

    /// Probes a target once at `at`, beside its regular probes: to know soon of one that is new.
    pub fn probe_at(&mut self, target: u32, at: Moment) {
        if let Some(one) = self.targets.get_mut(target as usize).filter(|one| !one.gone) {
            one.hastened = Some(at);
            self.set_wake(target);
        }
    }

    /// This target is not watched any more.
    pub fn let_go(&mut self, target: u32) {
        let Some(one) = self.targets.get_mut(target as usize).filter(|one| !one.gone) else { return };
        (one.gone, one.mode) = (true, Mode::Paused);
        let (above, below) = (one.above.take(), std::mem::take(&mut one.below));
        for other in below {
            if let Some(other) = self.targets.get_mut(other as usize) {
                other.above = None;
            }
        }
        if let Some(above) = above.and_then(|above| self.targets.get_mut(above as usize)) {
            above.below.retain(|below| *below != target);
        }
        let Some(one) = self.targets.get_mut(target as usize) else { return };
        one.underway.clear();
        let address = one.target.address;
        self.by_address.retain(|known| *known != (address, target));
        self.canaries.retain(|known| *known != target);
        self.set_wake(target);
        self.free.push(target);
    }

    /// How a target is probed from now on, its address included.
    pub fn change(&mut self, number: u32, target: Target, now: Moment) {
        self.set_address(number, target.address, now);
        let Some(one) = self.targets.get_mut(number as usize).filter(|one| !one.gone) else { return };
        if one.target.interval != target.interval {
            one.regular = now.after(target.phase);
        }
        one.target = target;
        self.set_wake(number);
    }

    /// What a target hangs on: that is probed soon where the target misses a probe, to tell whose trouble it is.
    pub fn set_above(&mut self, target: u32, above: Option<u32>) {
        let above = above.filter(|above| *above != target);
        let Some(one) = self.targets.get_mut(target as usize).filter(|one| !one.gone) else { return };
        let before = std::mem::replace(&mut one.above, above);
        if before == above {
            return;
        }
        if let Some(before) = before.and_then(|before| self.targets.get_mut(before as usize)) {
            before.below.retain(|below| *below != target);
        }
        if let Some(above) = above.and_then(|above| self.targets.get_mut(above as usize)) {
            above.below.push(target);
        }
    }

    /// Changes what is done about a target. One that is paused forgets what is under way.
    pub fn set_mode(&mut self, target: u32, mode: Mode, now: Moment) {
        let Some(one) = self.targets.get_mut(target as usize) else { return };
        let paused = one.mode == Mode::Paused;
        one.mode = mode;
        if mode == Mode::Paused {
            one.underway.clear();
            one.hastened = None;
        } else if paused {
            one.regular = now;
            one.health = Health::default();
        }
        self.set_wake(target);
    }

    /// The target is somewhere else from now on: what is under way to the old address counts for nothing.
    pub fn set_address(&mut self, target: u32, address: IpAddr, now: Moment) {
        let Some(one) = self.targets.get_mut(target as usize) else { return };
        if one.target.address == address {
            return;
        }
        self.by_address.retain(|known| *known != (one.target.address, target));
        one.target.address = address;
        one.underway.clear();
        (one.trip, one.hastened, one.regular) = (Trip::default(), None, now);
        self.put_address(address, target);
        self.set_wake(target);
    }

    fn put_address(&mut self, address: IpAddr, target: u32) {
        let place = self.by_address.partition_point(|known| *known < (address, target));
        self.by_address.insert(place, (address, target));
    }
}
