//! How long a target usually takes to answer.

use std::time::Duration;

use super::super::target::Pace;

/// A target's usual round-trip time and how much it varies (RFC 6298), in nanoseconds.
#[derive(Clone, Copy, Default)]
pub(super) struct Trip {
    usual: u64,
    varies: u64,
}

impl Trip {
    pub(super) fn add(&mut self, rtt: Duration) {
        let rtt = u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX);
        if self.usual == 0 {
            (self.usual, self.varies) = (rtt.max(1), rtt / 2);
        } else {
            self.varies = self.varies - self.varies / 4 + self.usual.abs_diff(rtt) / 4;
            self.usual = (self.usual - self.usual / 8 + rtt / 8).max(1);
        }
    }

    /// When a silence is a miss; the timeout as long as nothing is known.
    pub(super) fn suspicion(&self, pace: Pace) -> Duration {
        if self.usual == 0 {
            return pace.timeout;
        }
        let long = self.usual.saturating_mul(3).saturating_add(self.varies.saturating_mul(6));
        Duration::from_nanos(long).max(pace.suspicion).min(pace.timeout)
    }
}
