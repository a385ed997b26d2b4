//! What a reading leaves behind: the identity, an event where it is another one than before, and what the device's
//! record learns from it.

use std::sync::Arc;

use crate::device::snmp::Credentials;
use crate::engine::actor::Actor;
use crate::engine::error::{ActError, ActErrorKind};
use crate::engine::events::with_events;
use crate::engine::fields::{Change, Field};
use crate::engine::inventory::entry;
use crate::engine::start::Engine;
use crate::model::{
    Device, DeviceId, DriverId, EventKind, Failure, Identity, IdentityFailure, IdentityReading, Severity,
};

use super::{IdentityReport, Known};

impl Engine {
    /// Stores an identity and shows what changed. `way` is how the agent was asked.
    pub(in crate::engine) async fn keep_identity(
        self: &Arc<Self>,
        by: &Actor,
        device: &Arc<Device>,
        identity: Identity,
        way: &Credentials,
    ) -> Result<IdentityReport, ActError> {
        let asked = Arc::clone(device);
        let known = self.aside(move |engine| engine.known(asked)).await?;
        let is_as_before = known.identity.as_ref().is_some_and(|before| before.is_same_as(&identity));
        let changes = if is_as_before && known.failure.is_none() {
            self.keep_reading(device.id, identity.reading()).await?;
            Vec::new()
        } else {
            self.keep_change(by, known, &identity).await?
        };
        self.show_identities();
        self.learn(by, device, &identity, way).await?;
        Ok(IdentityReport::read(&device.name, &identity, changes))
    }

    /// That a device says what it said before is no change: a journal that is kept for good would grow by it every day.
    async fn keep_reading(
        self: &Arc<Self>,
        device: DeviceId,
        reading: IdentityReading,
    ) -> Result<(), ActError> {
        self.aside(move |engine| {
            let kept = engine.store.remember(&device, &reading);
            kept.map_err(|error| ActError::storage("storing when an identity was read", &error))
        })
        .await
    }

    /// Stores an identity that is new or another one than before; what differs, in words.
    async fn keep_change(
        &self,
        by: &Actor,
        known: Known,
        identity: &Identity,
    ) -> Result<Vec<String>, ActError> {
        let Known { device, identity: before, failure } = known;
        let changes = before.as_ref().map(|before| identity.changes(before)).unwrap_or_default();
        let now = self.now();
        let mut events = Vec::new();
        if let Some(before) = before.filter(|_| !changes.is_empty()) {
            let (severity, what) = match identity.is_replacement_of(&before) {
                true => (Severity::Warning, "replaced: "),
                false => (Severity::Info, ""),
            };
            let message = format!("{what}{}", changes.join(", "));
            let name = Some(device.name.clone());
            events.push(self.event(now, EventKind::IdentityChanged, severity, name, &message));
        }
        let mut entry = entry(now, by, "identity run").put(&device.id, identity);
        if failure.is_some() {
            entry.remove::<IdentityFailure>(&device.id);
        }
        self.commit(with_events(entry, &events), "storing an identity").await?;
        if !events.is_empty() {
            self.tell(events);
        }
        Ok(changes)
    }

    /// Stores why a reading failed; that it fails as before is no news, unless its record has changed.
    pub(super) async fn keep_failure(
        self: &Arc<Self>,
        by: &Actor,
        device: &Arc<Device>,
        failure: &Failure,
    ) -> Result<(), ActError> {
        let asked = Arc::clone(device);
        let before = self.aside(move |engine| engine.known(asked)).await?.failure;
        if before.is_some_and(|before| before.failure == *failure && before.since >= device.updated) {
            return Ok(());
        }
        let now = self.now();
        let kept = IdentityFailure { device: device.id, since: now, failure: failure.clone() };
        let entry = entry(now, by, "identity run").put(&device.id, &kept);
        self.commit(entry, "storing why an identity was not read").await?;
        self.show_identities();
        Ok(())
    }

    fn show_identities(&self) {
        self.present().touch_identities();
        self.publisher.ring();
    }

    /// A device whose record does not say how to ask it, or what kind it is, is told.
    async fn learn(
        &self,
        by: &Actor,
        device: &Device,
        identity: &Identity,
        way: &Credentials,
    ) -> Result<(), ActError> {
        // what the vault has for it stays there alone: who changes it there means this device too
        let has_way = device.snmp.is_told() || self.has_snmp_of_vault(device);
        let mut changes = if has_way { Vec::new() } else { remembered(way) };
        if device.transport.is_some()
            && device.driver.is_none()
            && let Some(driver) = identity.driver.as_ref().filter(|driver| self.has_driver(driver))
        {
            changes.push(Change::new(Field::Driver, driver.clone()));
        }
        if changes.is_empty() {
            return Ok(());
        }
        let by = by.clone().because("its SNMP agent says so");
        match self.edit_device(&by, device.name.as_str(), &changes).await {
            // a person has told otherwise at the same moment
            Err(error) if error.kind == ActErrorKind::Conflict => Ok(()),
            told => told.map(drop),
        }
    }

    fn has_driver(&self, driver: &str) -> bool {
        driver.parse::<DriverId>().is_ok_and(|driver| self.drivers().knows(&driver))
    }
}

/// The fields that say how a device was asked.
fn remembered(way: &Credentials) -> Vec<Change> {
    let mut changes = vec![Change::new(Field::SnmpVersion, way.version().as_str())];
    match way {
        Credentials::Community { community, .. } => {
            changes.push(Change::new(Field::SnmpCommunity, community.expose()));
        }
        Credentials::User { name, auth, privacy } => {
            changes.push(Change::new(Field::SnmpUser, name.clone()));
            if let Some((auth, password)) = auth {
                changes.push(Change::new(Field::SnmpAuth, auth.as_str()));
                changes.push(Change::new(Field::SnmpAuthPassword, password.expose()));
            }
            if let Some((privacy, password)) = privacy {
                changes.push(Change::new(Field::SnmpPriv, privacy.as_str()));
                changes.push(Change::new(Field::SnmpPrivPassword, password.expose()));
            }
        }
    }
    changes
}
