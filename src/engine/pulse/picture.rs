//! What the pulse knows at one moment, for screens: immutable, made about once a second.

use std::net::IpAddr;
use std::time::Duration;

use crate::device::icmp::Fault;
use crate::model::{DeviceId, Timestamp};

use super::health::State;
use super::target::Mode;

/// How many of a device's newest probes a row remembers.
pub const RECENT: usize = 60;

/// See the file's head.
#[derive(Clone, Debug, Default)]
pub struct PulsePicture {
    /// When it was made; `None` where no pulse runs.
    pub at: Option<Timestamp>,
    /// The devices that are watched, by number.
    pub rows: Vec<PulseRow>,
    /// Since when this host itself is cut off: every state is as it was then.
    pub cut_off: Option<Timestamp>,
    /// When a canary last answered; `None` where none is believed, or there is none.
    pub canary_heard: Option<Timestamp>,
    /// What a person should know of how it probes: no right to ICMP, a buffer that is too small.
    pub notices: Vec<String>,
    /// How many of [`PulsePicture::rows`] are in which state.
    pub totals: PulseTotals,
}

/// How many devices are in which state. One in planned work counts in its state and as planned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PulseTotals {
    /// Answering.
    pub up: u32,
    /// Up a moment ago, and the newest probe was not answered.
    pub loss: u32,
    /// Silent for long enough.
    pub down: u32,
    /// Nothing is known.
    pub unknown: u32,
    /// Not probed.
    pub paused: u32,
    /// In planned work.
    pub planned: u32,
    /// With the badge.
    pub flapping: u32,
}

/// One device.
#[derive(Clone, Debug, PartialEq)]
pub struct PulseRow {
    /// Which.
    pub device: DeviceId,
    /// Where it is probed; `None` while its name has no address.
    pub address: Option<IpAddr>,
    /// Whether it answers.
    pub state: State,
    /// What is done about it.
    pub mode: Mode,
    /// Since when it is in that state; `None` before the first answer or miss.
    pub since: Option<Timestamp>,
    /// Whether it goes up and down all the time.
    pub flapping: bool,
    /// When it last answered.
    pub last_reply: Option<Timestamp>,
    /// When the first of its missed probes in a row was sent; `None` while it answers.
    pub silent_since: Option<Timestamp>,
    /// From one probe to the next.
    pub interval: Duration,
    /// Why it does not answer; `None` where it does, or nothing is known.
    pub why: Option<Why>,
    /// The newest probes.
    pub recent: Recent,
}

/// Why a device does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// What was said against its newest missed probe.
    Fault(Fault),
    /// Its name could not be looked up; the sentence says why.
    NoAddress(std::sync::Arc<str>),
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fault(fault) => write!(f, "{fault}"),
            Self::NoAddress(why) => f.write_str(why),
        }
    }
}

/// A device's newest probes that were decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Recent {
    ring: [u32; RECENT],
    /// Where the next one goes.
    next: u8,
    len: u8,
    /// How many of them were not answered.
    lost: u8,
}

impl Default for Recent {
    fn default() -> Self {
        Self { ring: [0; RECENT], next: 0, len: 0, lost: 0 }
    }
}

impl Recent {
    /// What stands for a probe that was not answered.
    pub const LOST: u32 = u32::MAX;

    /// Adds a probe: its round-trip time, or that it was not answered.
    pub fn add(&mut self, rtt: Option<Duration>) {
        let micros = |rtt: Duration| u32::try_from(rtt.as_micros()).unwrap_or(Self::LOST - 1);
        let oldest = &mut self.ring[usize::from(self.next)];
        self.lost -= u8::from(usize::from(self.len) == RECENT && *oldest == Self::LOST);
        self.lost += u8::from(rtt.is_none());
        *oldest = rtt.map_or(Self::LOST, |rtt| micros(rtt).min(Self::LOST - 1));
        self.next = (self.next + 1) % RECENT as u8;
        self.len = (self.len + 1).min(RECENT as u8);
    }

    /// Round-trip times in microseconds, or [`Recent::LOST`]; the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let first = (usize::from(self.next) + RECENT - usize::from(self.len)) % RECENT;
        (0..usize::from(self.len)).map(move |place| self.ring[(first + place) % RECENT])
    }

    /// The newest answered probe's time, if the newest probe was answered.
    pub fn newest(&self) -> Option<Duration> {
        let last = (usize::from(self.next) + RECENT - 1) % RECENT;
        (self.len > 0 && self.ring[last] != Self::LOST).then(|| Duration::from_micros(self.ring[last].into()))
    }

    /// How many are remembered, and how many of them were lost.
    pub fn loss(&self) -> (u32, u32) {
        (self.len.into(), self.lost.into())
    }
}

impl PulsePicture {
    /// What is known of a device.
    pub fn row(&self, device: DeviceId) -> Option<&PulseRow> {
        self.rows.binary_search_by_key(&device, |row| row.device).ok().map(|place| &self.rows[place])
    }

    /// Whether it says the same as another one of who answers and of the watch itself: what moves with each probe aside.
    pub fn stands_as(&self, other: &Self) -> bool {
        self.is_running() == other.is_running()
            && self.cut_off == other.cut_off
            && self.notices == other.notices
            && self.rows.len() == other.rows.len()
            && self.rows.iter().zip(&other.rows).all(|(one, other)| one.stands_as(other))
    }

    /// Whether a pulse runs.
    pub fn is_running(&self) -> bool {
        self.at.is_some()
    }
}

impl PulseRow {
    fn stands_as(&self, other: &Self) -> bool {
        // by name, so that a new field is a question to whoever adds it
        let Self {
            device,
            address,
            state,
            mode,
            since,
            flapping,
            last_reply: _,
            silent_since: _,
            interval: _,
            why,
            recent: _,
        } = self;
        *device == other.device
            && *state == other.state
            && *mode == other.mode
            && *flapping == other.flapping
            && *since == other.since
            && *address == other.address
            && *why == other.why
    }
}

impl PulseTotals {
    /// Counts.
    pub fn of(rows: &[PulseRow]) -> Self {
        let mut totals = Self::default();
        for row in rows {
            match (row.mode, row.state) {
                (Mode::Paused, _) => totals.paused += 1,
                (_, State::Up) => totals.up += 1,
                (_, State::Loss) => totals.loss += 1,
                (_, State::Down) => totals.down += 1,
                (_, State::Unknown) => totals.unknown += 1,
            }
            totals.planned += u32::from(row.mode == Mode::Maintenance);
            totals.flapping += u32::from(row.flapping && row.mode != Mode::Paused);
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_probes_are_remembered_in_order() {
        let mut recent = Recent::default();
        assert_eq!((recent.newest(), recent.loss()), (None, (0, 0)));
        for micros in 0..70 {
            recent.add(Some(Duration::from_micros(micros)));
        }
        recent.add(None);
        assert_eq!(recent.loss(), (60, 1));
        assert_eq!(recent.newest(), None, "the newest was lost");
        let all: Vec<u32> = recent.iter().collect();
        assert_eq!((all[0], all[58], all[59]), (11, 69, Recent::LOST));
        for lost in [false, true, true].iter().cycle().take(100) {
            recent.add((!lost).then_some(Duration::ZERO));
            let counted = recent.iter().filter(|micros| *micros == Recent::LOST).count();
            assert_eq!(recent.loss(), (60, u32::try_from(counted).unwrap()));
        }
    }
}
