//! Readings that nobody asked for: one a day, one for a device that is new, and one for a device that comes back.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use crate::engine::actor::Actor;
use crate::engine::error::ActError;
use crate::engine::pulse::{PulsePicture, State};
use crate::engine::schedule::Daily;
use crate::engine::snapshot::Snapshot;
use crate::engine::start::Engine;
use crate::model::{Device, DeviceId, Timestamp};

use super::{Known, run};

/// How often the clock is looked at while nothing happens. Short, because a host sleeps.
const LOOK: Duration = Duration::from_secs(20);
/// The most devices that are asked at once.
const AT_ONCE: usize = 8;
/// The most devices that are asked before the next look.
const BATCH: usize = 32;
/// A device answers pings before its agent is up: how long after its return it is asked again, while it does not answer.
const AGAIN: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(240)];

/// Runs until the engine is let go.
pub(in crate::engine) async fn work(engine: Weak<Engine>) {
    let Some(mut pictures) = engine.upgrade().map(|engine| engine.watch()) else { return };
    let (daily_by, return_by) = (
        Actor::schedule("the daily look at who devices are", "identity run"),
        Actor::schedule("the device was down", "identity run"),
    );
    let mut memory = Memory::default();
    loop {
        let Some(alive) = engine.upgrade() else { return };
        let picture = pictures.borrow_and_update().clone();
        alive.look_at_identity_rules();
        memory.see(&picture.pulse, alive.settings().snmp.after_outage, alive.now());
        let returned = memory.returned(&picture, alive.now());
        let mut is_busy = !returned.is_empty();
        if is_busy {
            let can_be_asked = returned.iter().filter(|device| alive.has_snmp_credentials(device)).cloned();
            let answered = ask(&alive, &return_by, can_be_asked.collect()).await;
            memory.asked_again(&returned, &answered, alive.now());
        }
        // what cannot be read now is read at the next look
        let due = alive.due_identities(&mut memory, &picture).await.unwrap_or_default();
        if !due.is_empty() {
            is_busy = true;
            ask(&alive, &daily_by, due).await;
        }
        // an engine that nobody holds any more must not be held by this wait
        drop(alive);
        if is_busy {
            continue;
        }
        tokio::select! {
            moved = pictures.changed() => if moved.is_err() { return },
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Reads these, a few at once; those that answered.
async fn ask(engine: &Arc<Engine>, by: &Actor, devices: Vec<Arc<Device>>) -> Vec<DeviceId> {
    let (report, mut reports) = mpsc::unbounded_channel();
    let numbers: HashMap<_, _> = devices.iter().map(|device| (device.name.clone(), device.id)).collect();
    run::all(Arc::clone(engine), by.clone(), devices, AT_ONCE, report).await;
    let mut answered = Vec::new();
    while let Ok(report) = reports.try_recv() {
        if report.error.is_none() {
            answered.extend(numbers.get(&report.device));
        }
    }
    answered
}

/// Who was asked, who is down, and who came back.
#[derive(Default)]
struct Memory {
    round: Option<Timestamp>,
    /// Who was looked at in this round, and when its record was changed then.
    looked_at: HashMap<DeviceId, Timestamp>,
    /// Since when they are down.
    down: HashMap<DeviceId, Timestamp>,
    /// Who came back: when it is asked, and how often it was.
    back: HashMap<DeviceId, (Timestamp, usize)>,
}

impl Memory {
    /// Takes in who is down, and who is up again after more than `after`; `None` is "never mind".
    fn see(&mut self, pulse: &PulsePicture, after: Option<Duration>, now: Timestamp) {
        // cut off: states stand as they were
        let Some(after) = after.filter(|_| pulse.cut_off.is_none()) else { return };
        for row in &pulse.rows {
            match row.state {
                State::Down => {
                    self.down.entry(row.device).or_insert(row.since.unwrap_or(now));
                }
                State::Up => {
                    let since = self.down.remove(&row.device);
                    if since.is_some_and(|since| since.age(row.since.unwrap_or(now)) >= after) {
                        self.back.insert(row.device, (now, 0));
                    }
                }
                State::Loss | State::Unknown => {}
            }
        }
    }

    /// A few of those that came back and whose moment is there.
    fn returned(&mut self, picture: &Snapshot, now: Timestamp) -> Vec<Arc<Device>> {
        if self.back.is_empty() {
            return Vec::new();
        }
        let here = picture.devices.iter().map(|row| &row.device);
        let here: HashMap<DeviceId, &Arc<Device>> = here
            .filter(|device| device.deleted.is_none() && !device.paused)
            .map(|device| (device.id, device))
            .collect();
        self.back.retain(|id, _| here.contains_key(id));
        let due = self.back.iter().filter(|(_, (at, _))| *at <= now);
        due.take(BATCH).filter_map(|(id, _)| here.get(id).map(|device| Arc::clone(device))).collect()
    }

    /// Forgets those that answered, and gives the others another moment while there is one.
    fn asked_again(&mut self, asked: &[Arc<Device>], answered: &[DeviceId], now: Timestamp) {
        for device in asked {
            let Some((at, times)) = self.back.get_mut(&device.id) else { continue };
            match AGAIN.get(*times).filter(|_| !answered.contains(&device.id)) {
                Some(wait) => (*at, *times) = (now.after(*wait), *times + 1),
                None => drop(self.back.remove(&device.id)),
            }
        }
    }

    /// A few of those whose moment in this round has come and that were not looked at as they are now.
    fn come_due(&mut self, daily: &Daily, picture: &Snapshot, now: Timestamp) -> Vec<Arc<Device>> {
        let round = daily.round_before(now);
        if self.round != round {
            (self.round, self.looked_at) = (round, HashMap::new());
        }
        let Some(round) = round else { return Vec::new() };
        let devices = picture.devices.iter().map(|row| &row.device);
        let due = devices.filter(|device| {
            device.deleted.is_none()
                && !device.paused
                && self.looked_at.get(&device.id) != Some(&device.updated)
                && daily.due(round, device.id) <= now
        });
        let due: Vec<Arc<Device>> = due.take(BATCH).cloned().collect();
        self.looked_at.extend(due.iter().map(|device| (device.id, device.updated)));
        due
    }
}

impl Engine {
    /// Those that are to be asked now: who was not read in this round, has credentials, and answered before or was never
    /// asked as it is now.
    async fn due_identities(
        self: &Arc<Self>,
        memory: &mut Memory,
        picture: &Snapshot,
    ) -> Result<Vec<Arc<Device>>, ActError> {
        let settings = self.settings();
        let Some(at) = settings.snmp.daily_at else { return Ok(Vec::new()) };
        let daily = Daily { at, jitter: settings.snmp.spread, zone: TimeZone::system() };
        loop {
            let looked_at = memory.come_due(&daily, picture, self.now());
            let Some(round) = memory.round.filter(|_| !looked_at.is_empty()) else { return Ok(Vec::new()) };
            let can_be_asked: Vec<_> =
                looked_at.into_iter().filter(|device| self.has_snmp_credentials(device)).collect();
            let due = self.aside(move |engine| {
                let known = can_be_asked.into_iter().map(|device| engine.known(device));
                known
                    .filter(|known| known.as_ref().map_or(true, |known| wants_reading(known, round)))
                    .collect()
            });
            let due: Vec<Known> = due.await?;
            if !due.is_empty() {
                return Ok(due.into_iter().map(|known| known.device).collect());
            }
        }
    }
}

/// Whether a device should be read in the round that began at `round`.
fn wants_reading(known: &Known, round: Timestamp) -> bool {
    match (&known.identity, &known.failure) {
        (Some(identity), _) => identity.at < round,
        // it never answered: its record must have changed since
        (None, Some(failure)) => failure.since < known.device.updated,
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fields::blank;
    use crate::engine::pulse::PulseRow;
    use crate::engine::snapshot::{BackupState, DeviceRow};
    use crate::model::{Failure, FailureKind, IdentityFailure};

    const MINUTE: i64 = 60_000;

    fn device(id: u64) -> Arc<Device> {
        let name = format!("sw-{id}").parse().unwrap();
        Arc::new(blank(DeviceId(id), name, "127.0.0.1".parse().unwrap(), Timestamp(0)))
    }

    fn picture(devices: &[Arc<Device>]) -> Snapshot {
        let row = |device: &Arc<Device>| DeviceRow {
            device: Arc::clone(device),
            state: BackupState::Off,
            last_run: None,
            newest: None,
            proven: None,
            changed: None,
            revisions: 0,
        };
        Snapshot { devices: devices.iter().map(row).collect(), ..Snapshot::default() }
    }

    fn pulse(state: State, since: i64) -> PulsePicture {
        let row = PulseRow {
            device: DeviceId(1),
            address: None,
            state,
            mode: crate::engine::pulse::Mode::Watched,
            since: Some(Timestamp(since)),
            flapping: false,
            last_reply: None,
            silent_since: None,
            interval: Duration::from_secs(1),
            why: None,
            recent: Default::default(),
        };
        PulsePicture { rows: vec![row], ..PulsePicture::default() }
    }

    #[test]
    fn who_was_down_for_long_is_asked_until_it_answers_or_it_is_enough() {
        let (mut memory, shown) = (Memory::default(), picture(&[device(1)]));
        let after = Some(Duration::from_secs(60));
        let see = |memory: &mut Memory, state, at: i64| {
            memory.see(&pulse(state, at), after, Timestamp(at));
            memory.returned(&shown, Timestamp(at)).len()
        };
        assert_eq!(see(&mut memory, State::Up, 0), 0);
        assert_eq!(see(&mut memory, State::Down, MINUTE), 0);
        assert_eq!(see(&mut memory, State::Up, MINUTE * 3 / 2), 0, "that was short");
        assert_eq!(see(&mut memory, State::Down, 2 * MINUTE), 0);
        assert_eq!(see(&mut memory, State::Down, 3 * MINUTE), 0);
        assert_eq!(see(&mut memory, State::Loss, 4 * MINUTE), 0);
        assert_eq!(see(&mut memory, State::Up, 4 * MINUTE), 1);
        let asked = [device(1)];
        memory.asked_again(&asked, &[], Timestamp(4 * MINUTE));
        assert_eq!(see(&mut memory, State::Up, 4 * MINUTE), 0);
        assert_eq!(see(&mut memory, State::Up, 5 * MINUTE), 1, "its agent was not up yet");
        memory.asked_again(&asked, &[], Timestamp(5 * MINUTE));
        assert_eq!(see(&mut memory, State::Up, 9 * MINUTE), 1);
        memory.asked_again(&asked, &[], Timestamp(9 * MINUTE));
        assert_eq!(see(&mut memory, State::Up, 99 * MINUTE), 0, "it is enough");
        assert_eq!(see(&mut memory, State::Down, 100 * MINUTE), 0);
        assert_eq!(see(&mut memory, State::Up, 102 * MINUTE), 1);
        memory.asked_again(&asked, &[DeviceId(1)], Timestamp(102 * MINUTE));
        assert_eq!(see(&mut memory, State::Up, 200 * MINUTE), 0);
    }

    #[test]
    fn nobody_came_back_while_this_host_was_cut_off() {
        let (mut memory, after) = (Memory::default(), Some(Duration::from_secs(60)));
        let cut_off = |state| PulsePicture { cut_off: Some(Timestamp(0)), ..pulse(state, 0) };
        memory.see(&cut_off(State::Down), after, Timestamp(0));
        memory.see(&pulse(State::Up, 5 * MINUTE), after, Timestamp(5 * MINUTE));
        assert!(memory.back.is_empty());
        memory.see(&pulse(State::Down, 6 * MINUTE), None, Timestamp(6 * MINUTE));
        assert!(memory.down.is_empty(), "nobody wants to know");
    }

    #[test]
    fn everybody_is_looked_at_once_a_round_and_when_its_record_changes() {
        let daily = Daily { at: 240, jitter: Duration::from_secs(3600), zone: TimeZone::UTC };
        let mut devices: Vec<Arc<Device>> = (1..=100).map(device).collect();
        let mut memory = Memory::default();
        let day = 24 * 60 * MINUTE;
        let noon = Timestamp(20_000 * day + 12 * 60 * MINUTE);
        let batches = |memory: &mut Memory, devices: &[Arc<Device>], now| -> Vec<usize> {
            let shown = picture(devices);
            let batch = || Some(memory.come_due(&daily, &shown, now).len()).filter(|count| *count > 0);
            std::iter::from_fn(batch).collect()
        };
        assert_eq!(batches(&mut memory, &devices, noon), [32, 32, 32, 4]);
        assert_eq!(batches(&mut memory, &devices, Timestamp(noon.0 + MINUTE)), [0; 0]);
        Arc::make_mut(&mut devices[7]).updated = noon;
        assert_eq!(batches(&mut memory, &devices, noon), [1]);
        Arc::make_mut(&mut devices[8]).paused = true;
        // within the hour, some are not due yet
        let early = Timestamp(noon.0 + day - 8 * 60 * MINUTE + 30 * MINUTE);
        let some: usize = batches(&mut memory, &devices, early).iter().sum();
        assert!((20..80).contains(&some), "{some}");
        let rest: usize = batches(&mut memory, &devices, Timestamp(noon.0 + day)).iter().sum();
        assert_eq!(some + rest, 99);
    }

    #[test]
    fn who_never_answered_is_asked_again_when_its_record_changed() {
        let known = |failed: Option<i64>, updated| {
            let mut device = (*device(1)).clone();
            device.updated = Timestamp(updated);
            let failure = failed.map(|since| IdentityFailure {
                device: device.id,
                since: Timestamp(since),
                failure: Failure::new(FailureKind::Timeout, "no answer"),
            });
            Known { device: Arc::new(device), identity: None, failure }
        };
        let round = Timestamp(1000);
        assert!(wants_reading(&known(None, 0), round));
        assert!(!wants_reading(&known(Some(10), 5), round));
        assert!(wants_reading(&known(Some(10), 20), round));
    }
}
