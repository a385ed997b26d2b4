//! What is left of a picture, and of what may be asked, for somebody who may look at a part of the network alone.
//!
//! What cannot be narrowed yet is refused in words: rather too little is seen than too much.

use std::collections::HashSet;
use std::sync::Arc;

use super::admit::Person;
use crate::engine::present::totals;
use crate::engine::pulse::{PulsePicture, PulseTotals};
use crate::engine::query::Query;
use crate::engine::snapshot::{DeviceRows, Job, Snapshot};
use crate::engine::start::Engine;
use crate::model::{DeviceId, DeviceName, Incident, Maintenance, Role, Scope, Within};

impl Snapshot {
    /// The same picture of a part of the network: nothing in it names a device outside, but the parent in a device's own
    /// record. What is about no device is left out.
    #[must_use]
    pub fn within(&self, within: &Within) -> Self {
        if within.is_everything() {
            return self.clone();
        }
        let devices: DeviceRows =
            self.devices.iter().filter(|row| within.holds(&row.device)).cloned().collect();
        let ids: HashSet<DeviceId> = devices.iter().map(|row| row.device.id).collect();
        let names: HashSet<&DeviceName> = devices.iter().map(|row| &row.device.name).collect();
        let answering = self.pulse.rows.iter().filter(|row| ids.contains(&row.device));
        let rows: Vec<_> = answering.cloned().collect();
        let pulse = PulsePicture {
            totals: PulseTotals::of(&rows),
            rows,
            notices: self.pulse.notices.clone(),
            ..*self.pulse
        };
        Self {
            totals: totals(&devices),
            pulse: Arc::new(pulse),
            jobs: self.jobs.iter().filter_map(|job| job_within(job, &ids)).collect(),
            events: self
                .events
                .iter()
                .filter(|event| event.device.as_ref().is_some_and(|name| names.contains(name)))
                .cloned()
                .collect(),
            incidents: self
                .incidents
                .iter()
                .filter(|incident| ids.contains(&incident.root))
                .map(|incident| incident_within(incident, &ids, &names))
                .collect(),
            maintenance: self
                .maintenance
                .iter()
                .filter(|window| window_within(window, within, &names))
                .cloned()
                .collect(),
            devices,
            ..self.clone()
        }
    }
}

/// The devices of a job that are within; its line too where all are.
fn job_within(job: &Job, ids: &HashSet<DeviceId>) -> Option<Job> {
    let tasks: Vec<_> = job.tasks.iter().filter(|task| ids.contains(&task.device)).cloned().collect();
    let line = if tasks.len() == job.tasks.len() { job.line.clone() } else { "backup run …".to_owned() };
    (!tasks.is_empty()).then(|| Job { line, tasks: tasks.into(), ..job.clone() })
}

fn incident_within(incident: &Incident, ids: &HashSet<DeviceId>, names: &HashSet<&DeviceName>) -> Incident {
    let mut incident = incident.clone();
    let been_behind = incident.been_behind.take();
    incident.been_behind = been_behind.map(|set| set.iter().filter(|id| ids.contains(id)).collect());
    incident.behind.retain(|name| names.contains(name));
    incident.before.retain(|change| names.contains(&change.device));
    incident
}

/// A window is seen where its device is, or where its whole group is.
fn window_within(window: &Maintenance, within: &Within, names: &HashSet<&DeviceName>) -> bool {
    match &window.scope {
        Scope::Device(name) | Scope::Subtree(name) => names.contains(name),
        Scope::Group(group) => within.holds_group(group),
    }
}

impl Engine {
    /// The picture that a person may see.
    pub fn snapshot_for(&self, person: &Person) -> Arc<Snapshot> {
        self.publisher.latest_within(&person.rights.within(Role::Viewer))
    }

    /// Why a read is not for somebody who may look at a part of the network alone.
    pub(in crate::engine) fn outside(&self, within: &Within, query: &Query) -> Option<String> {
        if within.is_everything() {
            return None;
        }
        let devices = match query {
            Query::History(device)
            | Query::HostKeys(device)
            | Query::Edits(device, _)
            | Query::CredentialsOf(device)
            | Query::Replay { device, .. }
            | Query::Terminal(device, _) => vec![*device],
            Query::Config(which) => vec![which.device],
            Query::Pair(old, new) => vec![old.device, new.device],
            Query::PulseHistory(past) => vec![past.device],
            // their answers are narrowed
            Query::Search(_) | Query::Identities => Vec::new(),
            Query::Drivers | Query::Driver(_) => Vec::new(),
            Query::Timeline(_)
            | Query::Notifications
            | Query::Users
            | Query::Credentials
            | Query::Credential(_)
            | Query::Sessions
            | Query::Watch(_)
            | Query::Watched { .. }
            | Query::Audit(_)
            | Query::AuditEntry(_)
            | Query::AuditVerify => {
                return Some(format!("this tells of devices beyond yours, and you may see {within} alone"));
            }
        };
        let present = self.present();
        let is_outside = |id: &DeviceId| present.device(*id).is_none_or(|device| !within.holds(&device));
        devices
            .iter()
            .any(is_outside)
            .then(|| format!("this device is not yours to see: you may see {within}"))
    }
}
