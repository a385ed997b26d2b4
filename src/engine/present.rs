//! The present, in memory: every device with its last run and newest revision, the jobs, the newest events.
//! The store is the truth; this is what snapshots are made of.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Device, DeviceId, DeviceName, Event, Incident, Maintenance, RunStatus, Timestamp};

use super::pulse::PulsePicture;
use super::records::DeviceStatus;
use super::snapshot::{BackupState, DeviceRow, Job, JobTask, Snapshot, Stage, Totals, Versions};

/// The most events in a snapshot.
pub(super) const EVENTS: usize = 2000;
/// The most jobs in a snapshot.
const JOBS: usize = 50;

/// See the file's head. `Engine` keeps it behind one mutex that is held for moments.
pub(super) struct Present {
    rows: HashMap<DeviceId, DeviceRow>,
    statuses: HashMap<DeviceId, Arc<DeviceStatus>>,
    living: HashMap<DeviceName, DeviceId>,
    /// By name; sorted again when `order_is_stale`.
    order: Vec<DeviceId>,
    order_is_stale: bool,
    running: HashSet<DeviceId>,
    /// Newest first.
    jobs: VecDeque<Job>,
    /// The tasks of jobs that changed since the last snapshot; the others' are shared with it.
    stirring: HashMap<u64, Vec<JobTask>>,
    /// Newest first.
    events: VecDeque<Event>,
    versions: Versions,
    last: Snapshot,
    late_after: Duration,
    next_job: u64,
    next_event: u64,
    /// The number of the first event of this engine.
    first_event: u64,
    next_device: u64,
}

impl Present {
    /// What the store holds; `late_after` is the age at which a proven configuration counts as late.
    pub fn load(
        devices: Vec<Device>,
        statuses: Vec<DeviceStatus>,
        mut events: Vec<Event>,
        late_after: Duration,
        now: Timestamp,
    ) -> Self {
        events.sort_unstable_by_key(|event| std::cmp::Reverse(event.seq));
        let first_event = events.first().map_or(1, |event| event.seq + 1);
        let mut present = Self {
            rows: HashMap::with_capacity(devices.len()),
            statuses: statuses.into_iter().map(|status| (status.device, Arc::new(status))).collect(),
            living: HashMap::with_capacity(devices.len()),
            order: Vec::with_capacity(devices.len()),
            order_is_stale: true,
            running: HashSet::new(),
            jobs: VecDeque::new(),
            stirring: HashMap::new(),
            next_event: first_event,
            first_event,
            next_device: devices.iter().map(|device| device.id.0 + 1).max().unwrap_or(1),
            events: events.into(),
            versions: Versions {
                devices: 1,
                jobs: 1,
                events: 1,
                pulse: 1,
                answers: 1,
                incidents: 1,
                identities: 1,
            },
            last: Snapshot::default(),
            late_after,
            next_job: 1,
        };
        for device in devices {
            present.put_device(Arc::new(device), now);
        }
        present
    }

    // ---- devices

    /// The device of that number, deleted or not.
    pub fn device(&self, id: DeviceId) -> Option<Arc<Device>> {
        self.rows.get(&id).map(|row| row.device.clone())
    }

    /// The device of that name that is not deleted.
    pub fn living(&self, name: &DeviceName) -> Option<Arc<Device>> {
        self.living.get(name).and_then(|id| self.device(*id))
    }

    /// Every device, deleted ones included, in no order.
    pub fn devices(&self) -> impl Iterator<Item = &Arc<Device>> {
        self.rows.values().map(|row| &row.device)
    }

    /// Every device by name, deleted ones included.
    pub fn rows_by_name(&mut self) -> Vec<DeviceRow> {
        self.sort();
        self.order.iter().filter_map(|id| self.rows.get(id)).cloned().collect()
    }

    /// The next free device number; numbers are never used again since deleted devices stay.
    pub fn next_device(&self) -> DeviceId {
        DeviceId(self.next_device)
    }

    /// Puts a new or changed record in.
    pub fn put_device(&mut self, device: Arc<Device>, now: Timestamp) {
        let id = device.id;
        self.next_device = self.next_device.max(id.0 + 1);
        let old = self.rows.get(&id).map(|row| row.device.clone());
        if old.as_ref().is_none_or(|old| old.name != device.name) {
            self.order_is_stale = true;
        }
        if old.is_none() {
            self.order.push(id);
        }
        if let Some(old) = old.filter(|old| self.living.get(&old.name) == Some(&id)) {
            self.living.remove(&old.name);
        }
        if device.deleted.is_none() {
            self.living.insert(device.name.clone(), id);
        }
        self.put_row(device, now);
    }

    fn put_row(&mut self, device: Arc<Device>, now: Timestamp) {
        let id = device.id;
        let status = self.statuses.get(&id).cloned().unwrap_or_else(|| Arc::new(DeviceStatus::of(id)));
        let state = state_of(&device, &status, self.running.contains(&id), self.late_after, now);
        let row = DeviceRow {
            device,
            state,
            last_run: status.last_run.clone(),
            newest: status.newest.clone(),
            proven: status.newest.as_ref().map(|revision| revision.last_seen),
            changed: status.newest.as_ref().map(|revision| revision.at),
            revisions: status.revisions,
        };
        self.rows.insert(id, row);
        self.versions.devices += 1;
    }

    fn refresh(&mut self, id: DeviceId, now: Timestamp) {
        if let Some(device) = self.device(id) {
            self.put_row(device, now);
        }
    }

    // ---- what is known of a device's backups

    /// What is known of a device's backups.
    pub fn status(&self, id: DeviceId) -> Arc<DeviceStatus> {
        self.statuses.get(&id).cloned().unwrap_or_else(|| Arc::new(DeviceStatus::of(id)))
    }

    /// Every device's, for a search through the newest revisions.
    pub fn statuses(&self) -> impl Iterator<Item = &Arc<DeviceStatus>> {
        self.statuses.values()
    }

    /// Puts a run's outcome in.
    pub fn put_status(&mut self, status: Arc<DeviceStatus>, now: Timestamp) {
        let id = status.device;
        self.statuses.insert(id, status);
        self.refresh(id, now);
    }

    /// Marks a session with the device as going on. False when one is going on already.
    pub fn begin_session(&mut self, id: DeviceId, now: Timestamp) -> bool {
        let begun = self.running.insert(id);
        if begun {
            self.refresh(id, now);
        }
        begun
    }

    /// How many sessions with devices are going on.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// The session with the device is over.
    pub fn end_session(&mut self, id: DeviceId, now: Timestamp) {
        if self.running.remove(&id) {
            self.refresh(id, now);
        }
    }

    /// From now on a proven configuration of this age counts as late.
    pub fn set_late_after(&mut self, late_after: Duration, now: Timestamp) {
        if late_after == self.late_after {
            return;
        }
        self.late_after = late_after;
        let all: Vec<DeviceId> = self.rows.keys().copied().collect();
        for id in all {
            self.refresh(id, now);
        }
    }

    /// Looks again at which devices are late: time alone makes them so.
    pub fn pass_time(&mut self, now: Timestamp) {
        let turned: Vec<DeviceId> = self
            .rows
            .iter()
            .filter(|(id, row)| {
                let status = self.statuses.get(id);
                row.state == BackupState::Good
                    && status.is_some_and(|status| {
                        state_of(&row.device, status, false, self.late_after, now) != BackupState::Good
                    })
            })
            .map(|(id, _)| *id)
            .collect();
        for id in turned {
            self.refresh(id, now);
        }
    }

    // ---- jobs

    /// A new job over these devices, every one of them queued. Its number.
    pub fn begin_job(&mut self, line: String, by: String, at: Timestamp, devices: &[DeviceId]) -> u64 {
        let id = self.next_job;
        self.next_job += 1;
        let tasks = devices.iter().map(|device| JobTask { device: *device, stage: Stage::Queued }).collect();
        self.jobs.push_front(Job { id, line, by, at, ended: None, tasks });
        self.forget_old_jobs();
        self.versions.jobs += 1;
        id
    }

    /// Moves one task on; `place` is its place in the job.
    pub fn set_stage(&mut self, job: u64, place: usize, stage: Stage) {
        let Some(known) = self.jobs.iter().find(|known| known.id == job) else { return };
        let tasks = self.stirring.entry(job).or_insert_with(|| known.tasks.to_vec());
        if let Some(task) = tasks.get_mut(place).filter(|task| task.stage != stage) {
            task.stage = stage;
            self.versions.jobs += 1;
        }
    }

    /// The job is over.
    pub fn end_job(&mut self, job: u64, at: Timestamp) {
        if let Some(job) = self.jobs.iter_mut().find(|known| known.id == job) {
            job.ended = Some(at);
            self.versions.jobs += 1;
        }
    }

    fn forget_old_jobs(&mut self) {
        while self.jobs.len() > JOBS {
            let Some(oldest) = self.jobs.iter().rposition(|job| job.ended.is_some()) else { return };
            if let Some(job) = self.jobs.remove(oldest) {
                self.stirring.remove(&job.id);
            }
        }
    }

    // ---- events

    /// The number that the next event gets; taken at once.
    pub fn take_event_number(&mut self) -> u64 {
        self.next_event += 1;
        self.next_event - 1
    }

    /// The number of the first event of this engine: those before it are an earlier one's.
    pub fn first_event(&self) -> u64 {
        self.first_event
    }

    /// Puts an event in.
    pub fn put_event(&mut self, event: Event) {
        self.events.push_front(event);
        self.events.truncate(EVENTS);
        self.versions.events += 1;
    }

    // ---- whether they answer

    /// Every device that is not deleted.
    pub fn living_devices(&self) -> Vec<Arc<Device>> {
        self.devices().filter(|device| device.deleted.is_none()).cloned().collect()
    }

    /// Shows what the pulse knows.
    pub fn put_pulse(&mut self, picture: Arc<PulsePicture>) {
        let moved = !picture.stands_as(&self.last.pulse);
        self.last.pulse = picture;
        self.versions.pulse += 1;
        self.versions.answers += u64::from(moved);
    }

    /// Shows incidents and planned work.
    pub fn put_incidents(&mut self, incidents: Arc<[Incident]>, windows: Arc<[Maintenance]>) {
        (self.last.incidents, self.last.maintenance) = (incidents, windows);
        self.versions.incidents += 1;
    }

    /// The newest events, newest first.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }

    /// The events behind that number, oldest first.
    pub fn events_after(&self, seq: u64) -> Vec<Event> {
        let mut events: Vec<Event> = self.events.iter().filter(|event| event.seq > seq).cloned().collect();
        events.sort_unstable_by_key(|event| event.seq);
        events
    }

    // ---- the picture

    /// What a device says it is, or that it does not say it, was stored.
    pub fn touch_identities(&mut self) {
        self.versions.identities += 1;
    }

    /// Whether anything changed since the last picture.
    pub fn is_stirred(&self) -> bool {
        self.versions != self.last.versions
    }

    /// The present as a picture. What did not change is shared with the one before.
    pub fn picture(&mut self, now: Timestamp) -> Snapshot {
        if self.versions.devices != self.last.versions.devices {
            self.sort();
            self.last.devices = self.order.iter().filter_map(|id| self.rows.get(id)).cloned().collect();
            self.last.totals = totals(&self.last.devices);
        }
        if self.versions.jobs != self.last.versions.jobs {
            for job in &mut self.jobs {
                if let Some(tasks) = self.stirring.remove(&job.id) {
                    job.tasks = tasks.into();
                }
            }
            self.last.jobs = self.jobs.iter().cloned().collect();
        }
        if self.versions.events != self.last.versions.events {
            self.last.events = self.events.iter().cloned().collect();
        }
        self.last.versions = self.versions;
        self.last.at = now;
        self.last.clone()
    }

    fn sort(&mut self) {
        if std::mem::take(&mut self.order_is_stale) {
            let rows = &self.rows;
            self.order.sort_by(|a, b| {
                let name = |id| rows.get(id).map(|row| &row.device.name);
                name(a).cmp(&name(b)).then(a.cmp(b))
            });
        }
    }
}

/// A device's health as a backup matter.
fn state_of(
    device: &Device,
    status: &DeviceStatus,
    running: bool,
    late_after: Duration,
    now: Timestamp,
) -> BackupState {
    if device.deleted.is_some() {
        return BackupState::Off;
    }
    if running {
        return BackupState::Running;
    }
    if device.paused || !device.is_managed() {
        return BackupState::Off;
    }
    match &status.last_run {
        None => BackupState::Never,
        Some(run) if run.status == RunStatus::Failed && !status.is_last_accepted() => match run.revision {
            Some(_) => BackupState::Suspect,
            None => BackupState::Failed,
        },
        Some(run) if run.at.age(now) > late_after => BackupState::Late,
        Some(_) => BackupState::Good,
    }
}

/// Counts.
pub(super) fn totals(rows: &[DeviceRow]) -> Totals {
    let mut totals = Totals::default();
    for row in rows.iter().filter(|row| row.device.deleted.is_none()) {
        if row.device.is_managed() {
            totals.managed += 1;
        } else {
            totals.unmanaged += 1;
        }
        match row.state {
            BackupState::Off => {}
            BackupState::Running => totals.running += 1,
            BackupState::Good => totals.good += 1,
            BackupState::Late => totals.late += 1,
            BackupState::Never => totals.never += 1,
            BackupState::Suspect => totals.suspect += 1,
            BackupState::Failed => totals.failed += 1,
        }
    }
    totals
}

#[cfg(test)]
mod tests;
