//! The device records: add, edit, put away, bring back.

use std::sync::Arc;

use crate::model::{Address, Device, DeviceId, DeviceName, DriverId, EventKind, Secret, Severity, Timestamp};

use crate::store::Entry;

use super::actor::Actor;
use super::error::ActError;
use super::events::with_events;
use super::fields::{Change, Field, blank, check_secret, set};
use super::start::Engine;

/// What an edit did.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The record as it is now.
    pub device: Arc<Device>,
    /// The fields that differ from before, in the order of an export; empty where nothing did.
    pub fields: Vec<Field>,
}

/// The login secrets of a device, in the clear, for the one session that sends them.
#[derive(Clone, Debug, Default)]
pub struct Passwords {
    /// The login password.
    pub login: Secret,
    /// The password of the privileged mode.
    pub enable: Secret,
}

impl Engine {
    /// Adds a device.
    ///
    /// # Errors
    /// When the name is taken, a value is wrong, or the store cannot take it.
    pub async fn add_device(
        &self,
        by: &Actor,
        name: &str,
        address: &str,
        changes: &[Change],
    ) -> Result<Arc<Device>, ActError> {
        let _acting = self.acting.lock().await;
        let now = self.now();
        let wrong = |field: Field| move |why: String| ActError::usage(format!("{field}: {why}"));
        let name: DeviceName = name.parse().map_err(wrong(Field::Name))?;
        let address: Address = address.parse().map_err(wrong(Field::Address))?;
        self.check_name_is_free(&name, None)?;
        let mut device = blank(self.present().next_device(), name, address, now);
        self.apply(&mut device, changes)?;
        self.check_parent(&device)?;
        let message = format!("{} was added by {}", device.name, by.name);
        let device = Arc::new(device);
        self.store_devices(by, "device add", now, std::slice::from_ref(&device), &message).await?;
        Ok(device)
    }

    /// Changes fields of a device.
    ///
    /// # Errors
    /// When there is no such device, a new name is taken, a value is wrong, or the store cannot take it.
    pub async fn edit_device(&self, by: &Actor, name: &str, changes: &[Change]) -> Result<Edited, ActError> {
        let _acting = self.acting.lock().await;
        let now = self.now();
        let old = self.device(name)?;
        let mut device = (*old).clone();
        let fields = self.apply(&mut device, changes)?;
        if fields.is_empty() {
            return Ok(Edited { device: old, fields });
        }
        self.check_name_is_free(&device.name, Some(device.id))?;
        if fields.contains(&Field::Parent) {
            self.check_parent(&device)?;
        }
        device.updated = now;
        let device = Arc::new(device);
        let names: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
        let message = format!("{}: {} changed by {}", old.name, names.join(", "), by.name);
        let mut stored = vec![Arc::clone(&device)];
        if device.name != old.name {
            stored.extend(self.children_renamed(&old.name, &device.name, now));
        }
        self.store_devices(by, "device edit", now, &stored, &message).await?;
        Ok(Edited { device, fields })
    }

    /// The devices that hang on `old`, hanging on `new`.
    fn children_renamed(&self, old: &DeviceName, new: &DeviceName, now: Timestamp) -> Vec<Arc<Device>> {
        let present = self.present();
        let children = present.devices().filter(|child| child.parent.as_ref() == Some(old));
        let renamed = children.map(|child| {
            Arc::new(Device { parent: Some(new.clone()), updated: now, ..child.as_ref().clone() })
        });
        renamed.collect()
    }

    fn check_parent(&self, device: &Device) -> Result<(), ActError> {
        match &device.parent {
            Some(parent) if *parent == device.name => {
                Err(ActError::usage("parent: a device does not hang on itself"))
            }
            Some(parent) => self
                .device(parent.as_str())
                .map(drop)
                .map_err(|error| ActError::usage(format!("parent: {}", error.message))),
            None => Ok(()),
        }
    }

    /// Puts devices away. Their history stays, and [`Engine::restore_device`] brings them back.
    ///
    /// # Errors
    /// When one of them does not exist (then none is put away), or the store cannot take it.
    pub async fn remove_devices(&self, by: &Actor, names: &[String]) -> Result<Vec<Arc<Device>>, ActError> {
        let _acting = self.acting.lock().await;
        let now = self.now();
        let mut gone = Vec::new();
        for name in names {
            let mut device = (*self.device(name)?).clone();
            device.deleted = Some(now);
            device.updated = now;
            gone.push(Arc::new(device));
        }
        let message = format!("{} put away by {}", count_or_name(&gone), by.name);
        self.store_devices(by, "device rm", now, &gone, &message).await?;
        Ok(gone)
    }

    /// Brings back the device of that name that was put away last.
    ///
    /// # Errors
    /// When none of that name was put away, its name is taken by now, or the store cannot take it.
    pub async fn restore_device(&self, by: &Actor, name: &str) -> Result<Arc<Device>, ActError> {
        let _acting = self.acting.lock().await;
        let now = self.now();
        let newest = {
            let present = self.present();
            let of_that_name = present.devices().filter(|d| d.name.as_str() == name && d.deleted.is_some());
            of_that_name.max_by_key(|d| d.deleted).cloned()
        };
        let newest = newest.ok_or_else(|| {
            ActError::not_found(format!(
                "no device {name:?} was put away; `device list --deleted` shows those that were"
            ))
        })?;
        self.check_name_is_free(&newest.name, None)?;
        let device = Arc::new(Device { deleted: None, updated: now, ..(*newest).clone() });
        let message = format!("{} brought back by {}", device.name, by.name);
        self.store_devices(by, "device restore", now, std::slice::from_ref(&device), &message).await?;
        Ok(device)
    }

    /// The login secrets of a device.
    ///
    /// # Errors
    /// When a sealed secret does not open: it was damaged, or the vault's key is another one.
    pub fn passwords(&self, device: &Device) -> Result<Passwords, ActError> {
        Ok(Passwords {
            login: self.secret(device, Field::Password)?,
            enable: self.secret(device, Field::EnablePassword)?,
        })
    }

    /// The secret that `device` has in `field`, empty where it has none.
    pub(super) fn secret(&self, device: &Device, field: Field) -> Result<Secret, ActError> {
        match field.sealed(device) {
            None => Ok(Secret::default()),
            Some(sealed) => self.store.unseal(&place(device.id, field), sealed).map_err(|error| {
                ActError::storage(&format!("opening the {field} of {}", device.name), error)
            }),
        }
    }

    /// Puts changes into a record; the fields that differ afterwards.
    pub(super) fn apply(&self, device: &mut Device, changes: &[Change]) -> Result<Vec<Field>, ActError> {
        let before = device.clone();
        let mut fields = Vec::new();
        for change in changes {
            if change.field.is_secret() {
                if self.apply_secret(device, change)? {
                    fields.push(change.field);
                }
            } else {
                set(device, change)?;
            }
        }
        if let Some(driver) = device.driver.as_ref().filter(|driver| before.driver.as_ref() != Some(driver)) {
            self.check_driver(driver)?;
        }
        fields.extend(Field::ALL.into_iter().filter(|field| field.read(&before) != field.read(device)));
        fields.sort_unstable();
        fields.dedup();
        Ok(fields)
    }

    fn check_driver(&self, id: &DriverId) -> Result<(), ActError> {
        let drivers = self.drivers();
        if drivers.knows(id) {
            Ok(())
        } else {
            Err(ActError::usage(format!("driver: {}", drivers.unknown(id))))
        }
    }

    /// Seals a new secret, unless it is the one already held. Whether it changed.
    fn apply_secret(&self, device: &mut Device, change: &Change) -> Result<bool, ActError> {
        let new = check_secret(change.field, &change.value)?;
        // one that does not open any more is simply replaced
        if self.secret(device, change.field).is_ok_and(|held| held.expose() == new.expose()) {
            return Ok(false);
        }
        let place = place(device.id, change.field);
        let sealed = (!new.is_empty()).then(|| self.store.seal(&place, &new));
        if let Some(held) = change.field.sealed_in(device) {
            *held = sealed;
        }
        Ok(true)
    }

    pub(super) fn check_name_is_free(
        &self,
        name: &DeviceName,
        own: Option<DeviceId>,
    ) -> Result<(), ActError> {
        match self.present().living(name) {
            Some(other) if Some(other.id) != own => {
                Err(ActError::conflict(format!("there is a device {name} already; names are unique")))
            }
            _ => Ok(()),
        }
    }

    /// Stores records in one journal entry, all or none, and shows them at once.
    pub(super) async fn store_devices(
        &self,
        by: &Actor,
        verb: &str,
        now: Timestamp,
        devices: &[Arc<Device>],
        message: &str,
    ) -> Result<(), ActError> {
        let about = if let [device] = devices { Some(device.name.clone()) } else { None };
        let events = vec![self.event(now, EventKind::Inventory, Severity::Info, about, message)];
        let mut entry = entry(now, by, verb);
        for device in devices {
            entry.add(&device.id, device.as_ref());
        }
        self.commit(with_events(entry, &events), verb).await?;
        {
            let mut present = self.present();
            for device in devices {
                present.put_device(device.clone(), now);
            }
        }
        self.tell(events);
        self.publish_now();
        Ok(())
    }

    /// Writes an entry; `doing` names it in an error.
    pub(super) async fn commit(&self, entry: Entry, doing: &str) -> Result<(), ActError> {
        self.store.commit(entry).await.map_err(|error| ActError::storage(doing, error)).map(|_| ())
    }
}

/// An entry of the journal: who, why, and the command line; `verb` where the act had none.
pub(super) fn entry(at: Timestamp, by: &Actor, verb: &str) -> Entry {
    Entry::new(at, &by.name, &by.why, if by.line.is_empty() { verb } else { &by.line })
}

/// What a sealed secret is bound to: it opens nowhere else.
fn place(device: DeviceId, field: Field) -> String {
    format!("device/{}/{field}", device.0)
}

fn count_or_name(devices: &[Arc<Device>]) -> String {
    match devices {
        [device] => device.name.to_string(),
        many => format!("{} devices", many.len()),
    }
}
