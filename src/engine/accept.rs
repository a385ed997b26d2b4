//! Accepting a revision that was put aside: a person answers for what could not be proven.

use std::sync::Arc;

use crate::model::{Acceptance, Device, DeviceId, EventKind, Revision, RevisionState, Severity, clean_line};
use crate::store::RevisionKey;

use super::actor::Actor;
use super::error::ActError;
use super::events::with_events;
use super::inventory::entry;
use super::records::DeviceStatus;
use super::start::Engine;

impl Engine {
    /// Makes a quarantined revision a good one, `by.why` being the reason. Where it is newer than the newest good one,
    /// it is that from now on: later readings are measured by it.
    ///
    /// # Errors
    /// When there is no such revision or it is a good one, no reason is given, another text was proven after it, a
    /// session with the device is going on, or the store cannot take it.
    pub async fn accept_revision(
        self: &Arc<Self>,
        by: &Actor,
        device: &Device,
        which: &str,
    ) -> Result<Revision, ActError> {
        if by.why.trim().is_empty() {
            return Err(ActError::usage("say why the revision is whole: the reason stands in its history"));
        }
        // a run that ends meanwhile would write the status that it has read before
        if !self.present().begin_session(device.id, self.now()) {
            let why = "a session with this device is going on: accept the revision when it is over";
            return Err(ActError::conflict(why));
        }
        let accepted = self.accept_idle(by, device, which).await;
        self.present().end_session(device.id, self.now());
        self.publish_now();
        accepted
    }

    async fn accept_idle(
        self: &Arc<Self>,
        by: &Actor,
        device: &Device,
        which: &str,
    ) -> Result<Revision, ActError> {
        let (id, name, now) = (device.id, &device.name, self.now());
        let mut revision = self.revision(device, which).await?;
        let RevisionState::Quarantined { reason: lacked } = revision.state.clone() else {
            let number = revision.number;
            let who = match &revision.state {
                RevisionState::Accepted(by) => {
                    format!(": {} accepted it at {}: {}", by.by, by.at.local(), by.why)
                }
                _ => String::new(),
            };
            return Err(ActError::conflict(format!(
                "revision {number} of {name} is a good one already{who}"
            )));
        };
        let acceptance =
            Acceptance { lacked: lacked.clone(), by: by.name.clone(), why: by.why.clone(), at: now };
        revision.state = RevisionState::Accepted(acceptance);
        let status = self.status_with(id, &revision)?;
        let message = format!(
            "revision {}, put aside ({lacked}), was accepted by {}: {}",
            revision.number,
            by.name,
            clean_line(&by.why)
        );
        let event = self.event(now, EventKind::ConfigChanged, Severity::Info, Some(name.clone()), &message);
        let entry = entry(now, by, "backup accept")
            .put(&RevisionKey(id, revision.number), &revision)
            .put(&id, &status);
        let events = vec![event];
        self.commit(with_events(entry, &events), "accepting a revision").await?;
        self.present().put_status(Arc::new(status), now);
        self.tell(events);
        Ok(revision)
    }

    /// What is then known of the device.
    fn status_with(&self, device: DeviceId, revision: &Revision) -> Result<DeviceStatus, ActError> {
        let mut status = (*self.present().status(device)).clone();
        match status.newest.as_ref().filter(|newest| newest.last_seen > revision.last_seen) {
            Some(newest) if newest.number < revision.number => Err(ActError::conflict(format!(
                "revision {} was proven again after revision {} was read: the device holds that, not this",
                newest.number, revision.number
            ))),
            // an older one: good, but not the newest
            Some(_) => Ok(status),
            None => {
                status.newest = Some(Arc::new(revision.clone()));
                Ok(status)
            }
        }
    }
}
