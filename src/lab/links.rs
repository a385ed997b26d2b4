//! The links of a simulated network: who hangs on whom, how long an answer takes, and which link is cut.
//!
//! A device can be reached where no link on the way to it is cut and everything on that way is up. That holds for
//! probes, which [`Links::probers`] answers, and for new sessions and SNMP agents, which ask [`Links::reaches`]; a session
//! that is under way goes on.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::device::icmp::{Heard, Mark, Means, Method, Probe, Prober, Probers, Unsent};
use crate::model::Moment;

/// A device on its link.
#[derive(Clone, Debug)]
pub struct Linked {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// The name of what it hangs on; `None` for what is nearest to the one who looks.
    pub parent: Option<String>,
    /// How long an answer takes, as a rule.
    pub rtt: Duration,
    /// How many of a hundred answers are lost.
    pub loss_percent: u8,
    /// Whether it goes down for a few seconds now and then.
    pub flaps: bool,
    /// Whether it does not answer at all.
    pub down: bool,
}

/// From one fall of a device that flaps to the next, and how long it lies then.
const FLAP_EVERY: Duration = Duration::from_secs(45);
const FLAP_LIES: Duration = Duration::from_secs(8);
/// A fall begins so long after the start, so that the first look is at a quiet network.
const FLAP_AFTER: Duration = Duration::from_secs(180);

/// See the file's head.
pub struct Links {
    devices: Vec<Linked>,
    by_address: HashMap<IpAddr, usize>,
    above: Vec<Option<usize>>,
    /// Whose link upwards is cut.
    cut: Mutex<Vec<bool>>,
    begun: Moment,
}

impl Links {
    /// The links of these devices, none of them cut.
    ///
    /// # Errors
    /// When a device hangs on one that is not there, or on itself by way of others.
    pub fn new(devices: Vec<Linked>) -> Result<Self, String> {
        let place: HashMap<&str, usize> =
            devices.iter().enumerate().map(|(place, device)| (device.name.as_str(), place)).collect();
        let mut above = Vec::with_capacity(devices.len());
        for device in &devices {
            above.push(match &device.parent {
                Some(parent) => Some(
                    *place
                        .get(parent.as_str())
                        .ok_or_else(|| format!("{} hangs on {parent}, which is not there", device.name))?,
                ),
                None => None,
            });
        }
        for (start, device) in devices.iter().enumerate() {
            let way = std::iter::successors(Some(start), |place| above[*place]);
            if way.take(devices.len() + 1).count() > devices.len() {
                return Err(format!("{} hangs on itself, by way of others", device.name));
            }
        }
        let by_address = devices.iter().enumerate().map(|(place, device)| (device.address, place)).collect();
        let cut = Mutex::new(vec![false; devices.len()]);
        Ok(Self { devices, by_address, above, cut, begun: Moment::now() })
    }

    /// Cuts the link by which a device hangs on the others, or mends it. Whether there is such a device.
    pub fn set_cut(&self, name: &str, is_cut: bool) -> bool {
        let Some(place) = self.devices.iter().position(|device| device.name == name) else { return false };
        self.cut.lock().unwrap_or_else(PoisonError::into_inner)[place] = is_cut;
        true
    }

    /// The devices whose link is cut.
    pub fn cut(&self) -> Vec<&str> {
        let cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        self.devices
            .iter()
            .zip(cut.iter())
            .filter(|(_, cut)| **cut)
            .map(|(device, _)| device.name.as_str())
            .collect()
    }

    /// Whether whoever is at this address can be reached now. One that is not of this network is not hindered.
    pub fn reaches(&self, address: IpAddr) -> bool {
        self.by_address.get(&address).is_none_or(|place| self.reaches_place(*place, Moment::now()))
    }

    fn reaches_place(&self, place: usize, now: Moment) -> bool {
        let cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        let mut way = std::iter::successors(Some(place), |place| self.above[*place]);
        way.all(|place| !cut[place] && !self.devices[place].down && !self.lies(place, now))
    }

    /// Whether a device that flaps is down at this moment.
    fn lies(&self, place: usize, now: Moment) -> bool {
        let running = now.since(self.begun);
        self.devices[place].flaps
            && running > FLAP_AFTER
            && (running - FLAP_AFTER).as_millis() % FLAP_EVERY.as_millis() < FLAP_LIES.as_millis()
    }

    /// Probers whose probes travel over these links.
    pub fn probers(self: &Arc<Self>) -> Probers {
        let links = Arc::clone(self);
        Probers::from_fn(move || {
            let notices = Vec::new();
            let means = Means { v4: Method::Raw, v6: None, buffer: None, notices };
            Box::new(LinkProber { links: Arc::clone(&links), coming: BinaryHeap::new(), means })
        })
    }

    /// How long an answer of this device takes this time; `None` for never.
    fn answers_after(&self, address: IpAddr, now: Moment) -> Option<Duration> {
        let place = *self.by_address.get(&address)?;
        let device = &self.devices[place];
        let is_lost = rand::random_range(0..100) < device.loss_percent;
        if is_lost || !self.reaches_place(place, now) {
            return None;
        }
        let usual = u64::try_from(device.rtt.as_micros()).unwrap_or(u64::MAX).max(1);
        // a queue now and then, a quiet line most of the time
        let jitter = rand::random_range(0..=usual / 8 + 20);
        let queue = if rand::random_range(0..40) == 0 { usual } else { 0 };
        Some(Duration::from_micros(usual.saturating_add(jitter).saturating_add(queue)))
    }
}

/// Answers probes as the links do.
struct LinkProber {
    links: Arc<Links>,
    /// Answers on their way, the next one first.
    coming: BinaryHeap<Reverse<Coming>>,
    means: Means,
}

/// An answer on its way.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Coming {
    at: Moment,
    from: IpAddr,
    target: u32,
    number: u64,
    sent: Moment,
}

impl Prober for LinkProber {
    fn send(&mut self, probes: &[Probe], _unsent: &mut Vec<Unsent>) {
        let sent = Moment::now();
        for probe in probes {
            if let Some(after) = self.links.answers_after(probe.address, sent) {
                let Probe { target, number, address: from, .. } = *probe;
                self.coming.push(Reverse(Coming { at: sent.after(after), from, target, number, sent }));
            }
        }
    }

    fn receive(&mut self, heard: &mut Vec<Heard>) {
        let now = Moment::now();
        while self.coming.peek().is_some_and(|Reverse(next)| next.at <= now)
            && let Some(Reverse(answer)) = self.coming.pop()
        {
            let Coming { at, from, target, number, sent } = answer;
            heard.push(Heard::Reply { from, mark: Mark { target, number, sent }, rtt: at.since(sent) });
        }
    }

    fn wait(&mut self, at_most: Duration) {
        let next = self.coming.peek().map_or(at_most, |Reverse(next)| next.at.since(Moment::now()));
        std::thread::sleep(next.min(at_most));
    }

    fn means(&self) -> &Means {
        &self.means
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked(name: &str, last: u8, parent: Option<&str>) -> Linked {
        Linked {
            name: name.to_owned(),
            address: IpAddr::from([127, 0, 0, last]),
            parent: parent.map(str::to_owned),
            rtt: Duration::from_micros(300),
            loss_percent: 0,
            flaps: false,
            down: false,
        }
    }

    #[test]
    fn a_cut_link_takes_what_hangs_behind_along() {
        let devices = vec![
            linked("core", 1, None),
            linked("dist", 2, Some("core")),
            linked("acc", 3, Some("dist")),
            linked("other", 4, Some("core")),
        ];
        let links = Links::new(devices).unwrap();
        let reached = |links: &Links| -> Vec<bool> {
            (1..=4).map(|last| links.reaches(IpAddr::from([127, 0, 0, last]))).collect()
        };
        assert_eq!(reached(&links), [true; 4]);
        assert!(links.set_cut("dist", true) && !links.set_cut("nobody", true));
        assert_eq!(reached(&links), [true, false, false, true]);
        assert_eq!(links.cut(), ["dist"]);
        assert!(links.set_cut("dist", false));
        assert_eq!(reached(&links), [true; 4]);
        assert!(links.reaches(IpAddr::from([127, 9, 9, 9])), "not of this network");
    }

    #[test]
    fn answers_come_in_their_time_and_are_lost_behind_a_cut() {
        let links = Arc::new(Links::new(vec![linked("a", 1, None), linked("b", 2, Some("a"))]).unwrap());
        let mut prober = links.probers().open();
        let probe = |target: u32| Probe {
            target,
            number: 1,
            address: IpAddr::from([127, 0, 0, target as u8]),
            port: 22,
        };
        links.set_cut("b", true);
        let (mut unsent, mut heard) = (Vec::new(), Vec::new());
        prober.send(&[probe(1), probe(2)], &mut unsent);
        while heard.is_empty() {
            prober.wait(Duration::from_secs(1));
            prober.receive(&mut heard);
        }
        assert!(unsent.is_empty());
        assert!(
            matches!(heard[..], [Heard::Reply { mark: Mark { target: 1, .. }, rtt, .. }] if rtt >= Duration::from_micros(300)),
            "{heard:?}"
        );
    }

    #[test]
    fn a_ring_and_a_missing_parent_are_refused() {
        let ring = vec![linked("a", 1, Some("b")), linked("b", 2, Some("a"))];
        assert!(Links::new(ring).is_err_and(|why| why.contains("itself")));
        assert!(Links::new(vec![linked("a", 1, Some("x"))]).is_err_and(|why| why.contains("not there")));
    }
}
