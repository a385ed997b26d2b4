//! When the daily backup is due: a pure function of time, so that a night can be tested in a moment.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ToSpan};

use crate::model::{Device, DeviceId, EventKind, RunStatus, Severity, Timestamp};

use super::actor::Actor;
use super::audit::AuditNote;
use super::backup::{BackupOptions, Wish};
use super::snapshot::{BackupState, DeviceRow};
use super::start::{Engine, lock};

/// The daily backup: at a local time of day, each device a little later by its own, constant share of the jitter.
#[derive(Clone, Debug)]
pub struct Daily {
    /// Minutes after local midnight.
    pub at: u16,
    /// Over how long the devices are spread.
    pub jitter: Duration,
    /// The operator's zone.
    pub zone: TimeZone,
}

impl Daily {
    /// When the round that `now` lies in began: today at the time of day, or yesterday when that is still ahead.
    pub fn round_before(&self, now: Timestamp) -> Option<Timestamp> {
        self.round(now, 0).filter(|round| *round <= now).or_else(|| self.round(now, -1))
    }

    /// When the next round begins.
    pub fn round_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.round(now, 0).filter(|round| *round > now).or_else(|| self.round(now, 1))
    }

    /// When `device` is due in the round that began at `round`.
    pub fn due(&self, round: Timestamp, device: DeviceId) -> Timestamp {
        round.after(share(device, self.jitter))
    }

    /// Whether `device` should be backed up now: its moment in this round has come (or was slept through), and no
    /// run since the round's begin has reached it. A failed run is not repeated before the next round: it was
    /// retried then.
    pub fn is_due(&self, device: &Device, last_run: Option<Timestamp>, now: Timestamp) -> bool {
        if !device.is_managed() || device.paused || device.deleted.is_some() || device.driver.is_none() {
            return false;
        }
        let Some(round) = self.round_before(now) else { return false };
        now >= self.due(round, device.id) && last_run.is_none_or(|run| run < round)
    }

    /// The next moment at which any of `devices` becomes due; `now` where one is overdue. Those that the schedule has
    /// asked for wait for the next round, whatever became of that.
    pub fn next_due<'a>(
        &self,
        devices: impl Iterator<Item = (&'a Device, Option<Timestamp>)>,
        asked: &Asked,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let (current, next) = (self.round_before(now)?, self.round_after(now)?);
        devices
            .filter(|(device, _)| {
                device.is_managed() && !device.paused && device.deleted.is_none() && device.driver.is_some()
            })
            .map(|(device, last_run)| {
                let done = last_run.is_some_and(|run| run >= current) || asked.holds(current, device.id);
                self.due(if done { next } else { current }, device.id).max(now)
            })
            .min()
    }

    /// The round `days` from the local day of `now`. A time that the clock skips in spring moves on by the gap.
    fn round(&self, now: Timestamp, days: i64) -> Option<Timestamp> {
        let today = Instant::from_millisecond(now.0).ok()?.to_zoned(self.zone.clone()).date();
        let day = today.checked_add(days.days()).ok()?;
        let time = Time::new((self.at / 60) as i8, (self.at % 60) as i8, 0, 0).ok()?;
        let at = day.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
        Some(Timestamp(at.timestamp().as_millisecond()))
    }
}

/// The device's constant share of `jitter`: a multiplicative hash spreads neighbouring numbers evenly.
fn share(device: DeviceId, jitter: Duration) -> Duration {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let position = device.0.wrapping_mul(GOLDEN) >> 32;
    let millis = u64::try_from(jitter.as_millis()).unwrap_or(u64::MAX) as u128;
    Duration::from_millis(((u128::from(position) * millis) >> 32) as u64)
}

/// How often the schedule looks at the clock. Short, because a sleeping host wakes up late.
const LOOK: Duration = Duration::from_secs(20);

/// Whom the schedule has asked for in the present round. A device whose job still waits, or was cancelled by a
/// person, is not asked for again before the next one.
#[derive(Default)]
pub struct Asked {
    round: Option<Timestamp>,
    devices: HashSet<DeviceId>,
}

impl Asked {
    /// Begins `round`, and says whether it is another one than before.
    fn begin(&mut self, round: Option<Timestamp>) -> bool {
        let is_new = self.round != round;
        if is_new {
            *self = Self { round, devices: HashSet::new() };
        }
        is_new
    }

    /// Whether `device` was asked for in the round that began at `round`.
    fn holds(&self, round: Timestamp, device: DeviceId) -> bool {
        self.round == Some(round) && self.devices.contains(&device)
    }

    /// These are to be asked for again.
    fn forget(&mut self, due: &[Wish]) {
        for wish in due {
            self.devices.remove(&wish.device);
        }
    }

    /// Those of `due` that were not asked for yet; they are from now on.
    fn first_time(&mut self, mut due: Vec<Wish>) -> Vec<Wish> {
        due.retain(|wish| self.devices.insert(wish.device));
        due
    }
}

/// The worker: begins a job whenever devices are due, and applies retention once a round.
pub(super) async fn work(engine: Weak<Engine>) {
    loop {
        let Some(alive) = engine.upgrade() else { return };
        let due = alive.due_now();
        let (is_new, due) = {
            let mut asked = lock(&alive.asked);
            let is_new = asked.begin(alive.daily_or_midnight().round_before(alive.now()));
            (is_new, asked.first_time(due))
        };
        if !due.is_empty() {
            alive.begin_due(due).await;
        }
        if is_new && let Err(error) = alive.apply_retention(&Actor::engine("retention")).await {
            let message = format!("forgetting old revisions: {error}");
            let event = alive.event(alive.now(), EventKind::System, Severity::Error, None, &message);
            alive.tell(vec![event]);
        }
        drop(alive);
        tokio::time::sleep(LOOK).await;
    }
}

impl Engine {
    /// When the schedule backs up next, if it ever does by itself: at once where a device is overdue.
    pub fn next_backup(&self) -> Option<Timestamp> {
        self.next_backup_of(&self.rows(), self.now())
    }

    /// The same, of these devices.
    pub(super) fn next_backup_of(&self, rows: &[DeviceRow], now: Timestamp) -> Option<Timestamp> {
        let daily = self.daily().filter(|_| self.options.schedule)?;
        let devices = rows.iter().map(|row| (row.device.as_ref(), row.last_run.as_ref().map(|run| run.at)));
        daily.next_due(devices, &lock(&self.asked), now)
    }

    /// Whether a run of the present round has proven the device's configuration.
    pub(super) fn is_done_today(&self, device: DeviceId) -> bool {
        let status = self.present().status(device);
        match (self.daily_or_midnight().round_before(self.now()), &status.last_run) {
            (Some(round), Some(run)) => {
                run.at >= round && (run.status != RunStatus::Failed || status.is_last_accepted())
            }
            _ => false,
        }
    }

    fn daily(&self) -> Option<Daily> {
        let settings = self.settings();
        let at = settings.daily_at?;
        Some(Daily { at, jitter: settings.jitter, zone: TimeZone::system() })
    }

    /// The rounds of a day that has no backup by itself begin at midnight.
    fn daily_or_midnight(&self) -> Daily {
        self.daily().unwrap_or(Daily { at: 0, jitter: Duration::ZERO, zone: TimeZone::system() })
    }

    /// Begins the job of those that are due, if the journal takes that; else they are asked for with the next look.
    async fn begin_due(self: &Arc<Self>, due: Vec<Wish>) {
        let at = self.daily_or_midnight().at;
        let why = format!("backup.daily is {:02}:{:02}", at / 60, at % 60);
        let by = Actor::schedule(&why, "backup run --all");
        let what = match due.len() {
            1 => "1 device is due".to_owned(),
            many => format!("{many} devices are due"),
        };
        match self.note_began(&by, AuditNote::began(&by, &what)).await {
            Ok(()) => drop(self.begin_job(&by, due, BackupOptions::default())),
            // the store says itself, and loudly, that it takes nothing
            Err(_) => lock(&self.asked).forget(&due),
        }
    }

    fn due_now(&self) -> Vec<Wish> {
        let Some(daily) = self.daily() else { return Vec::new() };
        let now = self.now();
        let rows = self.rows();
        let due = rows.iter().filter(|row| {
            row.state != BackupState::Running
                && daily.is_due(&row.device, row.last_run.as_ref().map(|run| run.at), now)
        });
        due.map(|row| Wish { device: row.device.id, by_name: false }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fields::blank;
    use crate::model::TransportKind;

    fn at(text: &str) -> Timestamp {
        let zoned: jiff::Zoned = format!("{text}[Europe/Berlin]").parse().unwrap();
        Timestamp(zoned.timestamp().as_millisecond())
    }

    fn daily() -> Daily {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        Daily { at: 150, jitter: Duration::from_secs(3600), zone }
    }

    fn device(id: u64) -> Device {
        let mut device =
            blank(DeviceId(id), "sw-1".parse().unwrap(), "127.0.0.1".parse().unwrap(), Timestamp(0));
        device.transport = Some(TransportKind::Ssh);
        device.driver = Some("cisco_ios".parse().unwrap());
        device
    }

    #[test]
    fn a_round_begins_at_the_local_time_of_day() {
        let daily = daily();
        assert_eq!(daily.round_before(at("2026-11-24T02:29")), Some(at("2026-11-23T02:30")));
        assert_eq!(daily.round_before(at("2026-11-24T02:30")), Some(at("2026-11-24T02:30")));
        assert_eq!(daily.round_after(at("2026-11-24T02:30")), Some(at("2026-11-25T02:30")));
    }

    #[test]
    fn the_hour_that_spring_skips_is_not_lost() {
        // 2026-03-29 02:30 does not exist in Berlin
        let round = daily().round_before(at("2026-03-29T12:00")).unwrap();
        assert_eq!(round, at("2026-03-29T03:30"));
    }

    #[test]
    fn each_device_has_its_own_constant_moment_within_the_jitter() {
        let daily = daily();
        let round = at("2026-11-24T02:30");
        let mut moments: Vec<i64> = (1..=1000).map(|id| daily.due(round, DeviceId(id)).0 - round.0).collect();
        assert!(moments.iter().all(|moment| (0..3_600_000).contains(moment)));
        moments.sort_unstable();
        let widest = moments.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(widest < 20_000, "a gap of {widest} ms");
    }

    #[test]
    fn due_once_per_round_and_after_sleep() {
        let (daily, device) = (daily(), device(1));
        let before = at("2026-11-24T02:29");
        assert!(!daily.is_due(&device, Some(at("2026-11-23T03:00")), before));
        // the machine slept from evening to noon
        assert!(daily.is_due(&device, Some(at("2026-11-23T03:00")), at("2026-11-24T12:00")));
        assert!(!daily.is_due(&device, Some(at("2026-11-24T12:00")), at("2026-11-24T12:01")));
        assert!(daily.is_due(&device, None, before));
    }

    #[test]
    fn what_waits_in_the_queue_or_was_cancelled_is_asked_for_once_a_round() {
        let wish = |id| Wish { device: DeviceId(id), by_name: false };
        let first_time = |asked: &mut Asked, ids: &[u64]| -> Vec<u64> {
            let due = ids.iter().map(|id| wish(*id)).collect();
            asked.first_time(due).iter().map(|wish| wish.device.0).collect()
        };
        let mut asked = Asked::default();
        assert!(asked.begin(Some(at("2026-11-24T02:30"))));
        assert_eq!(first_time(&mut asked, &[1, 2]), [1, 2]);
        assert!(!asked.begin(Some(at("2026-11-24T02:30"))));
        assert_eq!(first_time(&mut asked, &[1, 2, 3]), [3]);
        // what could not be journalled was not begun
        asked.forget(&[wish(3)]);
        assert_eq!(first_time(&mut asked, &[1, 2, 3]), [3]);
        assert!(asked.begin(Some(at("2026-11-25T02:30"))));
        assert_eq!(first_time(&mut asked, &[1]), [1]);
    }

    #[test]
    fn the_hour_that_autumn_repeats_is_one_round() {
        // 2026-10-25 02:30 happens twice in Berlin, at 00:30 and at 01:30 UTC
        let daily = daily();
        let instant = |text: &str| Timestamp(text.parse::<Instant>().unwrap().as_millisecond());
        let round = instant("2026-10-25T00:30:00Z");
        for now in ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"] {
            assert_eq!(daily.round_before(instant(now)), Some(round), "{now}");
        }
        assert_eq!(daily.round_after(round), Some(instant("2026-10-26T01:30:00Z")));
    }

    #[test]
    fn nothing_is_due_of_what_nobody_expects() {
        let daily = daily();
        let noon = at("2026-11-24T12:00");
        for spoil in [
            |d: &mut Device| d.paused = true,
            |d: &mut Device| d.transport = None,
            |d: &mut Device| d.driver = None,
            |d: &mut Device| d.deleted = Some(Timestamp(1)),
        ] {
            let mut device = device(1);
            spoil(&mut device);
            assert!(!daily.is_due(&device, None, noon));
        }
    }

    #[test]
    fn the_next_due_moment_is_told() {
        let (daily, device) = (daily(), device(7));
        let now = at("2026-11-24T12:00");
        let next = |asked: &Asked, last_run| daily.next_due([(&device, last_run)].into_iter(), asked, now);
        let tomorrow = Some(daily.due(at("2026-11-25T02:30"), device.id));
        assert_eq!(next(&Asked::default(), Some(at("2026-11-24T03:00"))), tomorrow);
        assert_eq!(next(&Asked::default(), Some(at("2026-11-23T03:00"))), Some(now), "it is overdue");
        let mut asked = Asked::default();
        asked.begin(daily.round_before(now));
        asked.first_time(vec![Wish { device: device.id, by_name: false }]);
        assert_eq!(next(&asked, Some(at("2026-11-23T03:00"))), tomorrow, "that job was cancelled");
    }
}
