//! The thread that packs and writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::open::Open;
use super::{Keeping, Sample, Shared, StateChange};
use crate::engine::pulse::State;
use crate::engine::start::lock;
use crate::model::DeviceId;
use crate::store::StoreError;
use crate::store::series::{
    Build, HOUR, Heard, Mix, Pending, PendingSample, Row, Rtt, SegmentName, Standing, StateLog, StateRecord,
    Tier, decode_rows, encode_rows, replay,
};

/// From one write to the next.
const WRITE: Duration = Duration::from_secs(60);
/// So long after an hour's end its files are written: the last answers are in by then.
const GRACE: i64 = 20_000;
/// Where the open samples take more memory than this, they go into files before their hour is over.
const MOST_ROOM: usize = 32 << 20;
/// Dates before 2000 and after 2199 come from no clock that anybody has set.
const DATES: std::ops::Range<i64> = 946_684_800_000..7_258_118_400_000;

/// What the thread is told.
pub enum Order {
    /// These were heard.
    Samples(Box<[Sample]>),
    /// These changed.
    Changes(Box<[StateChange]>),
    /// Everything onto the disk; then answer.
    Flush(mpsc::Sender<()>),
    /// The end.
    Stop,
}

/// The thread's whole work: takes up what was left, then keeps what it is told. Says on `holding` when readers wait for
/// the former.
pub fn work(shared: Arc<Shared>, keeping: Keeping, orders: mpsc::Receiver<Order>, holding: mpsc::Sender<()>) {
    let opened = {
        let _moving = shared.moving.write().unwrap_or_else(PoisonError::into_inner);
        let _ = holding.send(());
        Keeper::open(Arc::clone(&shared), keeping, orders)
    };
    match opened {
        Ok(keeper) => keeper.run(),
        Err(error) => {
            *lock(&shared.trouble) = Some(error.to_string());
            shared.tell_once(format!(
                "what the pulse hears is not kept: {error}; mend that and start noctule again"
            ));
        }
    }
}

struct Keeper {
    shared: Arc<Shared>,
    orders: mpsc::Receiver<Order>,
    keeping: Keeping,
    generation: u64,
    pending: Pending,
    states: StateLog,
    written: Instant,
}

impl Keeper {
    /// Takes up what was in no file of an hour yet.
    fn open(
        shared: Arc<Shared>,
        keeping: Keeping,
        orders: mpsc::Receiver<Order>,
    ) -> Result<Self, StoreError> {
        let folder = shared.folder.clone();
        folder.sweep()?;
        let segments = folder.segments()?;
        let generations = folder.pending()?;
        let newest = segments.iter().map(|name| name.generation).max().unwrap_or(0);
        let mut open = Open::default();
        let mut whole = None;
        for (place, &generation) in generations.iter().enumerate() {
            let in_files: BTreeSet<i64> = segments
                .iter()
                .filter(|name| name.tier == Tier::Full && name.generation == generation)
                .map(|name| name.slot)
                .collect();
            // what was left over after that is in the next one
            if !in_files.is_empty() && place + 1 < generations.len() {
                continue;
            }
            let replayed = replay(&folder.pending_path(generation), |sample| {
                if !in_files.contains(&sample.heard.at.div_euclid(HOUR)) {
                    open.add(sample.device, sample.heard);
                }
            })?;
            if replayed.cut > 0 {
                shared.tell_once(format!(
                    "the last {} bytes of the pulse's samples were not whole and are left out: a minute of them at most is lost after a crash",
                    replayed.cut
                ));
            }
            whole = (generations.len() == 1 && in_files.is_empty()).then_some(replayed.length);
        }
        let generation = generations.last().copied().unwrap_or(0).max(newest);
        let (generation, length) = match whole {
            Some(length) if generations == [generation] => (generation, length),
            _ => (generation + 1, 0),
        };
        let mut keeper = Self {
            pending: Pending::new(folder.pending_path(generation), length),
            states: StateLog::new(folder),
            shared,
            orders,
            keeping,
            generation,
            written: Instant::now(),
        };
        if length == 0 {
            keeper.pending.add_all(open.samples())?;
            for old in generations {
                keeper.shared.folder.remove(&keeper.shared.folder.pending_path(old))?;
            }
        }
        *lock(&keeper.shared.open) = open;
        let begin = StateRecord::Begin(keeper.now());
        let begun = keeper.states.write(&[begin]);
        keeper.note(begun);
        Ok(keeper)
    }

    /// Works until it is told to stop.
    fn run(mut self) {
        loop {
            let rest = WRITE.saturating_sub(self.written.elapsed());
            match self.orders.recv_timeout(rest) {
                Ok(Order::Samples(samples)) => self.take(&samples),
                Ok(Order::Changes(changes)) => self.change(&changes),
                Ok(Order::Flush(done)) => {
                    self.write();
                    let _ = done.send(());
                }
                Ok(Order::Stop) | Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if self.written.elapsed() >= WRITE {
                self.write();
            }
        }
        let end = StateRecord::End(self.now());
        let ended = self.states.write(&[end]);
        self.note(ended);
        self.write_pending();
    }

    fn now(&self) -> i64 {
        self.shared.clock.now().0
    }

    fn take(&mut self, samples: &[Sample]) {
        let mut open = lock(&self.shared.open);
        for sample in samples.iter().filter(|sample| DATES.contains(&sample.at.0)) {
            let heard = Heard { at: sample.at.0, rtt: sample.rtt.map(Rtt::new) };
            open.add(sample.device, heard);
            self.pending.add(PendingSample { device: sample.device, heard });
        }
        self.shared.waiting.fetch_sub(samples.len(), Ordering::Relaxed);
    }

    fn change(&mut self, changes: &[StateChange]) {
        let record = |change: &StateChange| StateRecord::Change {
            device: change.device,
            at: change.at.0,
            standing: match change.state {
                State::Unknown => Standing::Unknown,
                State::Up | State::Loss => Standing::Up,
                State::Down => Standing::Down,
            },
            planned: change.planned,
        };
        let dated = changes.iter().filter(|change| DATES.contains(&change.at.0));
        let records: Vec<StateRecord> = dated.map(record).collect();
        let written = self.states.write(&records);
        self.note(written);
    }

    /// Once a minute.
    fn write(&mut self) {
        self.written = Instant::now();
        let beat = StateRecord::Beat(self.now());
        let beaten = self.states.write(&[beat]);
        let mut taken = self.note(beaten);
        taken &= self.write_pending();
        let hours = self.hours_that_are_over();
        if !hours.is_empty() {
            let moved = self.move_into_files(&hours);
            taken &= self.note(moved);
            let tidied = self.tidy();
            taken &= self.note(tidied);
        }
        self.let_go_without_a_disk();
        if taken && lock(&self.shared.trouble).take().is_some() {
            let _ = self.shared.tell.send(vec!["the pulse's samples are stored again".to_owned()]);
        }
        let let_go = self.shared.let_go.swap(0, Ordering::Relaxed);
        if let_go > 0 {
            let sentence = format!("{let_go} samples of the pulse were let go: the disk does not keep up");
            let _ = self.shared.tell.send(vec![sentence]);
        }
    }

    fn write_pending(&mut self) -> bool {
        let written = self.pending.write().and_then(|()| self.states.sync());
        self.note(written)
    }

    /// Tells a failure, once until it is over. Whether there was none.
    fn note(&self, result: Result<(), StoreError>) -> bool {
        let Err(error) = result else { return true };
        if lock(&self.shared.trouble).replace(error.to_string()).is_none() {
            let sentence = format!(
                "the pulse's samples are kept in memory alone: {error}; it is tried again every minute"
            );
            let _ = self.shared.tell.send(vec![sentence]);
        }
        false
    }

    // ---- from memory into files

    fn hours_that_are_over(&self) -> Vec<i64> {
        let now = self.now();
        let (open, this) = (lock(&self.shared.open), now.div_euclid(HOUR));
        let hours = open.hours();
        if open.room() > MOST_ROOM {
            return hours.into_iter().collect();
        }
        let waits = |hour: i64| hour == this || (hour == this - 1 && now.rem_euclid(HOUR) < GRACE);
        hours.into_iter().filter(|hour| !waits(*hour)).collect()
    }

    fn move_into_files(&mut self, hours: &[i64]) -> Result<(), StoreError> {
        let moved: Vec<Result<(), StoreError>> = hours.iter().map(|hour| self.move_hour(*hour)).collect();
        if moved.iter().any(Result::is_ok) {
            // no file of this generation is ever written a second time
            self.begin_generation()?;
        }
        moved.into_iter().collect()
    }

    fn move_hour(&self, hour: i64) -> Result<(), StoreError> {
        let shared = &self.shared;
        // readers wait for the moment in which samples go from here to there
        let _moving = shared.moving.write().unwrap_or_else(PoisonError::into_inner);
        let blocks = lock(&shared.open).of_hour(hour);
        let (mut samples, mut rows) = (Build::default(), Build::default());
        for part in blocks.chunk_by(|one, other| one.0 == other.0) {
            let mut mix = Mix::default();
            for (device, block) in part {
                samples.add(*device, block.start, &block.bytes);
                block.samples().unwrap_or_default().iter().for_each(|heard| mix.add(heard.rtt));
            }
            if let Some((device, _)) = part.first() {
                rows.add(*device, hour * HOUR, &encode_rows(&[mix.row(hour)]));
            }
        }
        let name = |tier| SegmentName { tier, slot: hour, generation: self.generation };
        shared.folder.write(name(Tier::Full), samples)?;
        if let Err(error) = shared.folder.write(name(Tier::Hour), rows) {
            shared.folder.remove(&shared.folder.path(name(Tier::Full)))?;
            return Err(error);
        }
        lock(&shared.open).forget(hour);
        Ok(())
    }

    /// What is left goes into a pending file of its own, and the one before is done with.
    fn begin_generation(&mut self) -> Result<(), StoreError> {
        let folder = self.shared.folder.clone();
        self.generation += 1;
        self.pending = Pending::new(folder.pending_path(self.generation), 0);
        self.pending.add_all(lock(&self.shared.open).samples())?;
        for old in folder.pending()?.into_iter().filter(|old| *old < self.generation) {
            folder.remove(&folder.pending_path(old))?;
        }
        Ok(())
    }

    /// Without a disk memory is all there is: what it cannot hold is let go, the oldest hours first.
    fn let_go_without_a_disk(&mut self) {
        let mut open = lock(&self.shared.open);
        let mut gone = 0;
        while open.room() > 2 * MOST_ROOM {
            let Some(hour) = open.hours().into_iter().next() else { break };
            open.forget(hour);
            gone += 1;
        }
        if gone > 0 {
            let hours = if gone == 1 { "an hour" } else { "some hours" };
            let sentence = format!("samples of {hours} were let go: the disk takes none, and memory is full");
            let _ = self.shared.tell.send(vec![sentence]);
        }
    }

    // ---- days, and what is old

    fn tidy(&mut self) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let folder = &shared.folder;
        let today = self.now().div_euclid(24 * HOUR);
        let rows = |name: &SegmentName| name.tier == Tier::Hour && name.slot.div_euclid(24) < today;
        let days: BTreeSet<i64> = folder
            .segments()?
            .iter()
            .filter(|name| rows(name))
            .map(|name| name.slot.div_euclid(24))
            .collect();
        for day in days {
            let _moving = shared.moving.write().unwrap_or_else(PoisonError::into_inner);
            self.make_day(day)?;
        }
        let _moving = shared.moving.write().unwrap_or_else(PoisonError::into_inner);
        let segments = folder.segments()?;
        let (hours, days) = (whole(self.keeping.samples, 1), whole(self.keeping.rows, 24));
        for old in beyond(&segments, |name| (name.tier == Tier::Full).then_some(name.slot), hours) {
            folder.remove(&folder.path(old))?;
        }
        for old in beyond(&segments, |name| (name.tier == Tier::Day).then_some(name.slot), days) {
            folder.remove(&folder.path(old))?;
        }
        let state_days = folder.state_days()?;
        for old in &state_days[..state_days.len().saturating_sub(days)] {
            folder.remove(&folder.states_path(*old))?;
        }
        Ok(())
    }

    /// One file of a day's rows instead of many of its hours.
    fn make_day(&self, day: i64) -> Result<(), StoreError> {
        let folder = &self.shared.folder;
        let of_day = |name: &SegmentName| match name.tier {
            Tier::Full => false,
            Tier::Hour => name.slot.div_euclid(24) == day,
            Tier::Day => name.slot == day,
        };
        let parts: Vec<SegmentName> = folder.segments()?.into_iter().filter(of_day).collect();
        let generation = parts.iter().map(|name| name.generation).max().unwrap_or(0);
        let mut rows: BTreeMap<DeviceId, Vec<Row>> = BTreeMap::new();
        for name in &parts {
            let segment = folder.open_segment(*name)?;
            let damaged = segment.each(|device, _, payload| {
                rows.entry(device).or_default().extend(decode_rows(payload).unwrap_or_default());
            })?;
            self.shared.tell_damage(&segment, damaged, *name);
        }
        let mut build = Build::default();
        for (device, mut rows) in rows {
            rows.sort_by_key(|row| row.hour);
            build.add(device, day * 24 * HOUR, &encode_rows(&rows));
        }
        folder.write(SegmentName { tier: Tier::Day, slot: day, generation }, build)?;
        parts.iter().try_for_each(|name| folder.remove(&folder.path(*name)))
    }
}

/// How many files of so many hours a length of time takes.
fn whole(length: Duration, hours: u64) -> usize {
    usize::try_from(length.as_secs().div_ceil(hours * 3600).max(1)).unwrap_or(usize::MAX)
}

/// The files of all but the newest `keep` slots.
fn beyond(
    segments: &[SegmentName],
    slot: impl Fn(&SegmentName) -> Option<i64>,
    keep: usize,
) -> Vec<SegmentName> {
    let slots: BTreeSet<i64> = segments.iter().filter_map(&slot).collect();
    let old: BTreeSet<i64> = slots.iter().rev().skip(keep).copied().collect();
    segments.iter().filter(|name| slot(name).is_some_and(|slot| old.contains(&slot))).copied().collect()
}
