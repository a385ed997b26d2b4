//! The vault as it is shown: which credentials there are and who gets them. What they hold is left out, sealed or not.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::lookup::{Explained, considered};
use super::{CredentialId, Held};
use crate::engine::error::ActError;
use crate::engine::start::Engine;
use crate::model::{
    Credential, CredentialKind, Device, DeviceId, DeviceName, SecretPart, SnmpAuth, SnmpPrivacy, SnmpVersion,
    Timestamp,
};

/// The vault without its secrets.
#[derive(Clone, Debug, Default)]
pub struct VaultView {
    /// By name.
    pub credentials: Arc<[CredentialView]>,
    /// In the order in which they are looked at.
    pub assignments: Arc<[AssignmentView]>,
    /// Why nothing of it is used, where that is so.
    pub doubt: Option<String>,
}

/// A credential without its secrets.
#[derive(Clone, Debug)]
pub struct CredentialView {
    /// Its number.
    pub id: CredentialId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: CredentialKind,
    /// The login or SNMP 3 user; empty for none.
    pub user: String,
    /// The digest of SNMP 3.
    pub auth: Option<SnmpAuth>,
    /// The cipher of SNMP 3.
    pub privacy: Option<SnmpPrivacy>,
    /// The version that a community is for.
    pub version: Option<SnmpVersion>,
    /// Free text.
    pub description: String,
    /// Which secrets are there.
    pub secrets: Vec<SecretPart>,
    /// Counts up with every change.
    pub revision: u32,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// By whom; empty where that was not noted.
    pub changed_by: String,
    /// To whom it is given, in the order in which that is looked at.
    pub assignments: Vec<AssignmentView>,
    /// How many devices get it.
    pub devices: usize,
}

/// An assignment in words.
#[derive(Clone, Debug)]
pub struct AssignmentView {
    /// Its number.
    pub number: u64,
    /// Its place in the order of all, from 1.
    pub place: usize,
    /// The credential's name.
    pub credential: String,
    /// What that is for.
    pub kind: CredentialKind,
    /// To whom: `device core-1`, `group:campus`, `core-*`.
    pub to: String,
    /// But to none of these.
    pub except: Vec<String>,
    /// How many devices get the credential by it.
    pub devices: usize,
}

/// One credential, and the devices that get it.
#[derive(Clone, Debug)]
pub struct CredentialPage {
    /// The credential.
    pub credential: CredentialView,
    /// Who gets it, by name.
    pub devices: Vec<Recipient>,
    /// Why nothing of the vault is used, where that is so.
    pub doubt: Option<String>,
}

/// A device that gets a credential.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recipient {
    /// The device.
    pub device: DeviceName,
    /// By the assignment of this number.
    pub assignment: u64,
}

/// How many devices get what.
#[derive(Default)]
struct Tally {
    /// By the place of the assignment.
    assignments: Vec<usize>,
    credentials: HashMap<CredentialId, usize>,
}

impl Tally {
    fn of(held: &Held, devices: &[Arc<Device>]) -> Self {
        let order = held.order();
        let mut tally = Self { assignments: vec![0; order.len()], ..Self::default() };
        let mut got = HashSet::new();
        for device in devices {
            got.clear();
            for (at, _) in considered(&order, device).filter(|(_, passed)| passed.is_none()) {
                tally.assignments[at] += 1;
                got.insert(order[at].1.id);
            }
            got.iter().for_each(|id| *tally.credentials.entry(*id).or_default() += 1);
        }
        tally
    }
}

impl Engine {
    /// The vault as it is shown. It looks at each device: not for a thread that must not wait.
    pub(in crate::engine) fn vault_view(&self) -> VaultView {
        let held = self.held();
        // nobody gets anything from a vault that is in doubt
        let devices = if held.doubt.is_none() { self.living_devices() } else { Vec::new() };
        let tally = Tally::of(&held, &devices);
        let assignments: Arc<[AssignmentView]> = held
            .order()
            .iter()
            .zip(&tally.assignments)
            .zip(1..)
            .map(|(((assignment, credential), devices), place)| AssignmentView {
                number: assignment.number,
                place,
                credential: credential.name.clone(),
                kind: credential.kind,
                to: self.those_in_words(&assignment.to),
                except: assignment.except.iter().map(|those| self.those_in_words(those)).collect(),
                devices: *devices,
            })
            .collect();
        let credentials = self.credentials().into_iter().map(|credential| {
            let devices = tally.credentials.get(&credential.id).copied().unwrap_or_default();
            let own = assignments.iter().filter(|one| one.credential == credential.name);
            view(&credential, own.cloned().collect(), devices)
        });
        VaultView {
            credentials: credentials.collect(),
            assignments: Arc::clone(&assignments),
            doubt: held.doubt.clone(),
        }
    }

    /// The same, on a thread that may take its time.
    ///
    /// # Errors
    /// When the reading breaks down.
    pub async fn vault_view_aside(self: &Arc<Self>) -> Result<VaultView, ActError> {
        self.aside(|engine| Ok(engine.vault_view())).await
    }

    /// One credential, and who gets it. As [`Engine::vault_view`], it looks at each device.
    ///
    /// # Errors
    /// When there is none of that name.
    pub(in crate::engine) fn credential_page(&self, name: &str) -> Result<CredentialPage, ActError> {
        let id = self.credential(name)?.id;
        let VaultView { credentials, doubt, .. } = self.vault_view();
        let credential = credentials.iter().find(|credential| credential.id == id).cloned();
        let credential =
            credential.ok_or_else(|| ActError::not_found(format!("{name} was removed just now")))?;
        let devices = if doubt.is_none() { self.recipients(id) } else { Vec::new() };
        Ok(CredentialPage { credential, devices, doubt })
    }

    fn recipients(&self, id: CredentialId) -> Vec<Recipient> {
        let held = self.held();
        let order = held.order();
        let gets = |device: &Arc<Device>| {
            let by =
                considered(&order, device).find(|(at, passed)| passed.is_none() && order[*at].1.id == id);
            by.map(|(at, _)| Recipient { device: device.name.clone(), assignment: order[at].0.number })
        };
        let mut recipients: Vec<Recipient> = self.living_devices().iter().filter_map(gets).collect();
        recipients.sort();
        recipients
    }

    /// Which credentials the device of that number gets, and why.
    ///
    /// # Errors
    /// When there is none, or the vault is in doubt.
    pub(in crate::engine) fn credentials_of(&self, device: DeviceId) -> Result<Explained, ActError> {
        let device = self.present().device(device);
        let device = device.ok_or_else(|| ActError::not_found("the device is not known any more"))?;
        self.explain_credentials(&device)
    }

    fn living_devices(&self) -> Vec<Arc<Device>> {
        self.present().devices().filter(|device| device.deleted.is_none()).cloned().collect()
    }
}

fn view(credential: &Credential, assignments: Vec<AssignmentView>, devices: usize) -> CredentialView {
    CredentialView {
        id: credential.id,
        name: credential.name.clone(),
        kind: credential.kind,
        user: credential.user.clone(),
        auth: credential.auth,
        privacy: credential.privacy,
        version: credential.version,
        description: credential.description.clone(),
        secrets: credential.secrets.iter().map(|(part, _)| *part).collect(),
        revision: credential.revision,
        created: credential.created,
        updated: credential.updated,
        changed_by: credential.changed_by.clone(),
        assignments,
        devices,
    }
}
