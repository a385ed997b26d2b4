//! Whether it is us: a host that is cut off hears from nobody, and that says nothing of anybody else.

use crate::model::Moment;

use super::watched::Watched;
use super::{Told, Watch};

/// Misses in a row of every canary that mean that this host is cut off.
const CUT_OFF: u32 = 2;

impl Watch {
    /// We are cut off when every canary that used to answer is silent, and nobody has answered since; and where nobody
    /// has answered at all yet, when every canary is silent.
    pub(super) fn look_at_canaries(&mut self, now: Moment, told: &mut Vec<Told>) {
        let canaries = self.canaries.iter().filter_map(|target| self.targets.get(*target as usize));
        let nobody_yet = self.last_reply == Moment::default();
        let trusted: Vec<&Watched> = canaries.filter(|one| one.trusted || nobody_yet).collect();
        let silent = |one: &&Watched| one.health.misses() >= CUT_OFF && one.newest_miss > self.last_reply;
        if self.cut_off.is_none() && !trusted.is_empty() && trusted.iter().all(silent) {
            self.cut_off = Some(now);
            told.push(Told::CutOff(true));
        }
    }

    /// Somebody answered: we are not cut off. What was under way meanwhile says nothing about anybody. Where it was no
    /// canary, the canaries were wrong.
    pub(super) fn see_again(&mut self, now: Moment, canary: bool, told: &mut Vec<Told>) {
        if self.cut_off.take().is_none() {
            return;
        }
        told.push(Told::CutOff(false));
        for (target, one) in (0..).zip(&mut self.targets) {
            one.underway.clear();
            one.trusted &= canary;
            if let Some(change) = one.health.forgive(now) {
                told.push(Told::Changed { target, change });
            }
        }
    }
}
