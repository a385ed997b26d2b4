//! Identities: what devices say they are over SNMP, and what changed about that.

mod access;
mod current_rules;
mod keep;
mod rounds;
mod run;
mod unasked;

pub(super) use current_rules::CurrentRules;
pub(super) use unasked::work;

pub(super) use access::listed;
pub(super) use rounds::{Silent, in_two_rounds};
pub(super) use run::{How, read_at};

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::model::{Device, DeviceName, Failure, Identity, IdentityFailure};
use crate::store::StoreError;

use super::actor::Actor;
use super::error::ActError;
use super::selection::Selection;
use super::start::Engine;

/// What reading one device's identity came to. The field names are those of `identity run --json`; what is unknown is
/// `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IdentityReport {
    /// Which device.
    pub device: DeviceName,
    /// See [`Identity`], as for the rest.
    pub vendor: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its operating system.
    pub os: Option<String>,
    /// The version of that.
    pub version: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// What it calls itself.
    pub sysname: Option<String>,
    /// Where it says it is.
    pub location: Option<String>,
    /// Whom it names.
    pub contact: Option<String>,
    /// Its base address.
    pub mac: Option<String>,
    /// Its sysObjectID.
    pub sysobjectid: Option<String>,
    /// How long it runs, in seconds.
    pub uptime: Option<u64>,
    /// What differs from the identity before, in words.
    pub changes: Vec<String>,
    /// Why it was not read.
    pub error: Option<Failure>,
}

impl IdentityReport {
    fn read(device: &DeviceName, identity: &Identity, changes: Vec<String>) -> Self {
        let identity = identity.clone();
        Self {
            device: device.clone(),
            vendor: identity.vendor,
            model: identity.model,
            os: identity.os,
            version: identity.version,
            serial: identity.serial,
            sysname: identity.sysname,
            location: identity.location,
            contact: identity.contact,
            mac: identity.mac,
            sysobjectid: identity.sysobjectid,
            uptime: identity.uptime,
            changes,
            error: None,
        }
    }

    fn failed(device: &DeviceName, error: Failure) -> Self {
        Self {
            device: device.clone(),
            vendor: None,
            model: None,
            os: None,
            version: None,
            serial: None,
            sysname: None,
            location: None,
            contact: None,
            mac: None,
            sysobjectid: None,
            uptime: None,
            changes: Vec::new(),
            error: Some(error),
        }
    }
}

/// A device and what is known of what it is.
#[derive(Clone, Debug)]
pub struct Known {
    /// The device.
    pub device: Arc<Device>,
    /// What it said when it was last read; `None` where it never was.
    pub identity: Option<Identity>,
    /// Why the last reading failed; `None` where it did not.
    pub failure: Option<IdentityFailure>,
}

/// How well a device is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The last reading failed.
    Failed,
    /// It answered, and no rule knows its vendor or its model.
    Unknown,
    /// Nobody has asked it.
    Unasked,
    /// It is known.
    Known,
}

impl Known {
    /// How well it is known.
    pub fn standing(&self) -> Standing {
        match (&self.failure, &self.identity) {
            (Some(_), _) => Standing::Failed,
            (None, None) => Standing::Unasked,
            (None, Some(identity)) if identity.is_unknown() => Standing::Unknown,
            (None, Some(_)) => Standing::Known,
        }
    }

    /// Whether somebody should look at it: it failed, or no rule knows it.
    pub fn needs_a_look(&self) -> bool {
        matches!(self.standing(), Standing::Failed | Standing::Unknown)
    }
}

/// A reading of identities that goes on; dropping it ends it.
#[derive(Debug)]
pub struct IdentityHandle {
    /// How many devices it is about.
    pub devices: usize,
    /// A report as each device ends; closed when all have.
    pub reports: mpsc::UnboundedReceiver<IdentityReport>,
    work: JoinHandle<()>,
}

impl Drop for IdentityHandle {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl Engine {
    /// Reads the identities of the devices that `selection` means, many at once. Paused devices are left out unless
    /// they are named.
    ///
    /// # Errors
    /// When a name is unknown, nothing was asked for, or no device is meant.
    pub fn identify(self: &Arc<Self>, by: &Actor, selection: &Selection) -> Result<IdentityHandle, ActError> {
        let named = |device: &Device| selection.names.iter().any(|name| name == device.name.as_str());
        let mut devices = self.select(selection)?;
        devices.retain(|device| !device.paused || named(device));
        if devices.is_empty() {
            return Err(ActError::not_found("no device is meant; `device list` shows those there are"));
        }
        let (report, reports) = mpsc::unbounded_channel();
        let (count, at_once) = (devices.len(), self.settings().snmp.concurrency);
        let work = tokio::spawn(run::all(Arc::clone(self), by.clone(), devices, at_once, report));
        Ok(IdentityHandle { devices: count, reports, work })
    }

    /// What is known of these devices, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn identities(self: &Arc<Self>, selection: &Selection) -> Result<Vec<Known>, ActError> {
        let devices = self.select(selection)?;
        self.aside(move |engine| devices.into_iter().map(|device| engine.known(device)).collect()).await
    }

    /// What is known of every device that is not deleted, by name.
    pub(super) fn every_identity(&self) -> Result<Vec<Known>, ActError> {
        let rows = self.rows().into_iter().filter(|row| row.device.deleted.is_none());
        rows.map(|row| self.known(row.device)).collect()
    }

    fn known(&self, device: Arc<Device>) -> Result<Known, ActError> {
        let read = || {
            let identity: Option<Identity> = self.store.get(&device.id)?;
            let last = self.store.remembered(&device.id)?;
            Ok((identity.map(|identity| identity.read_again(last)), self.store.get(&device.id)?))
        };
        let (identity, failure) = read().map_err(|error| reading(&error))?;
        Ok(Known { device, identity, failure })
    }
}

fn reading(error: &StoreError) -> ActError {
    ActError::storage("reading what devices are", error)
}
