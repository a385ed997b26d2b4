//! What is probed, how often, and what a silence means for it.

use std::net::IpAddr;
use std::time::Duration;

/// One address that is probed. Two may share an address: each has its own probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where.
    pub address: IpAddr,
    /// The TCP port, for a host without ICMP.
    pub port: u16,
    /// From one regular probe to the next.
    pub interval: Duration,
    /// When its first probe is due after the start: less than the interval.
    pub phase: Duration,
    /// When it counts as down.
    pub thresholds: Thresholds,
    /// What it is probed for.
    pub part: Part,
}

/// What a target is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// To know about itself.
    Device,
    /// To know whether this host is cut off: its gateway, and addresses that are always there.
    Canary,
}

/// When a silent device is down: after so many misses in a row, and not before it was silent so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Misses in a row.
    pub misses: u32,
    /// Since the last reply. It outlives a spanning tree that converges, and a control plane that stalls a second.
    pub silence: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { misses: 3, silence: Duration::from_secs(3) }
    }
}

/// How probes follow each other, for all targets alike.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long a reply is waited for; one that comes later is told of and counts as lost.
    pub timeout: Duration,
    /// The least time after which a silence is taken for a miss; the target's own round-trip times lengthen it, up to
    /// the timeout. A reply that comes after all undoes the miss.
    pub suspicion: Duration,
    /// How soon a target is probed again after a miss, until it is known to be down; `None` keeps to the interval.
    pub hasten: Option<Duration>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            suspicion: Duration::from_millis(300),
            hasten: Some(Duration::from_millis(300)),
        }
    }
}

/// What is done about a target, as a person wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is probed, and its changes are told.
    #[default]
    Watched,
    /// It is not probed.
    Paused,
    /// It is probed, and nobody is alarmed.
    Maintenance,
}

impl Mode {
    /// The mode in a word, as people and programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Watched => "watched",
            Self::Paused => "paused",
            Self::Maintenance => "maintenance",
        }
    }
}

/// A target's share of its interval: numbers that follow each other are spread evenly over it, and a target keeps its
/// share whoever comes and goes.
pub fn phase(number: u64, interval: Duration) -> Duration {
    // the golden ratio's multiples leave no gap and no crowd, however many there are
    let share = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let nanos = (u128::from(share) * interval.as_nanos()) >> 64;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_spread_evenly() {
        let interval = Duration::from_secs(2);
        let mut phases: Vec<Duration> = (0..1000).map(|number| phase(number, interval)).collect();
        assert!(phases.iter().all(|phase| *phase < interval));
        phases.sort();
        let widest = phases.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(widest < Duration::from_millis(6), "{widest:?} without a probe");
    }
}
