//! The incidents and the planned work that are known, as they are shown.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use crate::engine::error::ActError;
use crate::model::{DeviceId, Ending, Incident, IncidentId, Maintenance, MaintenanceId, Moment, Timestamp};

/// The most incidents that are shown of those that are over.
const SHOWN: usize = 500;
/// The most planned work that is shown of that which is over.
const WINDOWS_SHOWN: usize = 200;

/// See the file's head. `Engine` keeps it behind a lock that is held while a change of it is stored.
#[derive(Default)]
pub(in crate::engine) struct Ledger {
    pub(super) open: Vec<Incident>,
    /// The newest first.
    pub(super) over: VecDeque<Incident>,
    pub(super) windows: Vec<Maintenance>,
    /// Planned work that went on at the last look.
    pub(super) on: HashSet<MaintenanceId>,
    /// When the roots that go up and down all the time last answered again.
    pub(super) up_for_now: HashMap<IncidentId, Timestamp>,
    /// Since when the roots of the open ones were silent, by a clock that nobody sets; not of those that were open
    /// when the engine was started.
    pub(super) silent: HashMap<IncidentId, Moment>,
    /// Devices that have time to come back until then.
    pub(super) settling: HashMap<DeviceId, Timestamp>,
    /// Devices that were down at the last look.
    pub(super) down: HashSet<DeviceId>,
    /// When devices that were down have come back lately.
    pub(super) came_back: HashMap<DeviceId, Timestamp>,
    /// Changed, and not stored yet: the store did not take it.
    pub(super) unstored: HashSet<IncidentId>,
    next_incident: u64,
    next_window: u64,
}

impl Ledger {
    /// What the store holds.
    pub fn load(incidents: Vec<Incident>, windows: Vec<Maintenance>) -> Self {
        let next_incident = incidents.iter().map(|incident| incident.id.0 + 1).max().unwrap_or(1);
        let next_window = windows.iter().map(|window| window.id.0 + 1).max().unwrap_or(1);
        let (open, mut over): (Vec<Incident>, Vec<Incident>) =
            incidents.into_iter().partition(Incident::is_open);
        over.sort_by_key(|incident| std::cmp::Reverse(incident.closed));
        over.truncate(SHOWN);
        Self { open, over: over.into(), windows, next_incident, next_window, ..Self::default() }
    }

    /// The incidents for a snapshot: those that are open, the newest first, then those that are over.
    pub fn shown(&self) -> Arc<[Incident]> {
        let mut open: Vec<&Incident> = self.open.iter().collect();
        open.sort_by_key(|incident| std::cmp::Reverse((incident.opened, incident.id)));
        open.into_iter().chain(&self.over).cloned().collect()
    }

    /// Planned work that goes on or is ahead, by its begin; then that which is over, the newest end first.
    pub fn windows(&self, now: Timestamp) -> Arc<[Maintenance]> {
        let (mut ahead, mut over): (Vec<&Maintenance>, Vec<&Maintenance>) =
            self.windows.iter().partition(|window| now < window.until);
        ahead.sort_by_key(|window| (window.from, window.id));
        over.sort_by_key(|window| std::cmp::Reverse((window.until, window.id)));
        over.truncate(WINDOWS_SHOWN);
        ahead.into_iter().chain(over).cloned().collect()
    }

    pub(super) fn take_incident_number(&mut self) -> IncidentId {
        self.next_incident += 1;
        IncidentId(self.next_incident - 1)
    }

    pub(super) fn take_window_number(&mut self) -> MaintenanceId {
        self.next_window += 1;
        MaintenanceId(self.next_window - 1)
    }

    /// An incident that is open, to be changed.
    pub(super) fn open_mut(&mut self, id: IncidentId) -> Option<&mut Incident> {
        self.open.iter_mut().find(|incident| incident.id == id)
    }

    /// An incident that is open.
    ///
    /// # Errors
    /// When it is over, or there is none of that number.
    pub(super) fn an_open_one(&self, id: IncidentId) -> Result<&Incident, ActError> {
        if let Some(open) = self.open.iter().find(|incident| incident.id == id) {
            return Ok(open);
        }
        Err(match self.over.iter().find(|incident| incident.id == id) {
            Some(over) => {
                let at = over.closed.map_or_else(String::new, |at| format!(" since {}", at.local()));
                let who = match &over.ending {
                    Some(Ending::Closed { by, why }) => format!(": {by} closed it: {why}"),
                    _ => String::new(),
                };
                ActError::conflict(format!("incident {id} is over{at}{who}"))
            }
            None => ActError::not_found(format!(
                "there is no incident {id}; `incident list` shows those there are"
            )),
        })
    }

    /// Moves an incident that has ended to the others.
    pub(super) fn put_away(&mut self, id: IncidentId) {
        let Some(place) = self.open.iter().position(|incident| incident.id == id) else { return };
        let ended = self.open.remove(place);
        self.up_for_now.remove(&id);
        self.silent.remove(&id);
        self.over.push_front(ended);
        self.over.truncate(SHOWN);
    }

    /// An incident, open or over.
    pub(super) fn incident(&self, id: IncidentId) -> Option<&Incident> {
        self.open.iter().chain(&self.over).find(|incident| incident.id == id)
    }
}
