//! The device records: add, edit, put away, bring back.

use std::sync::Arc;

use crate::model::{Address, Device, DeviceId, DeviceName, DriverId, EventKind, Secret, Severity, Timestamp};

use crate::store::{Entry, StoreError};

use super::actor::Actor;
use super::audit::AuditNote;
use super::edits::Edit;
use super::error::{ActError, ActErrorKind};
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
        let added = self.add_once(by, name, address, changes).await;
        match added {
            // an add that the store refused, and had in its journal all the same, has that number: the next one is free
            Err(error) if error.kind == ActErrorKind::Conflict && self.is_name_free(name) => {
                self.add_once(by, name, address, changes).await
            }
            added => added,
        }
    }

    async fn add_once(
        &self,
        by: &Actor,
        name: &str,
        address: &str,
        changes: &[Change],
    ) -> Result<Arc<Device>, ActError> {
        let now = self.now();
        let wrong = |field: Field| move |why: String| ActError::usage(format!("{field}: {why}"));
        let name: DeviceName = name.parse().map_err(wrong(Field::Name))?;
        let address: Address = address.parse().map_err(wrong(Field::Address))?;
        self.check_name_is_free(&name, None)?;
        let blank = blank(self.present().next_device(), name, address, now);
        let mut device = blank.clone();
        self.apply(&blank, &mut device, changes)?;
        self.check_parent(&device)?;
        let message = format!("{} was added by {}", device.name, by.name);
        let device = Arc::new(device);
        self.store_devices(by, "device add", now, std::slice::from_ref(&device), &message).await?;
        Ok(device)
    }

    fn is_name_free(&self, name: &str) -> bool {
        name.parse().is_ok_and(|name| self.present().living(&name).is_none())
    }

    /// Changes fields of a device, whatever its record has become by now. Who names the same field at the same moment is
    /// not overwritten: the first one wins, and the other is told.
    ///
    /// # Errors
    /// As [`Engine::edit_device_seen`].
    pub async fn edit_device(&self, by: &Actor, name: &str, changes: &[Change]) -> Result<Edited, ActError> {
        self.edit_device_seen(by, name, None, changes).await
    }

    /// Changes fields of a device. `seen` is the revision of the record that who asks has seen.
    ///
    /// # Errors
    /// When there is no such device, it was changed since it was seen, a new name is taken, a value is wrong, or the store
    /// cannot take it.
    pub async fn edit_device_seen(
        &self,
        by: &Actor,
        name: &str,
        seen: Option<u32>,
        changes: &[Change],
    ) -> Result<Edited, ActError> {
        let begun = self.device_to_change(name).await?;
        let _acting = self.acting.lock().await;
        let now = self.now();
        let old = self.still_there(&begun).await?;
        self.check_seen(&old.id, old.as_ref(), seen).await?;
        let mut device = next(&old, now);
        let fields = self.apply(&old, &mut device, changes)?;
        if fields.is_empty() {
            return Ok(Edited { device: old, fields });
        }
        self.check_moment(&old.id, begun.as_ref(), old.as_ref(), &device).await?;
        self.check_name_is_free(&device.name, Some(device.id))?;
        if fields.contains(&Field::Parent) {
            self.check_parent(&device)?;
        }
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

    /// The device of that name; where somebody has put it away, who and when.
    async fn device_to_change(&self, name: &str) -> Result<Arc<Device>, ActError> {
        let missing = match self.device(name) {
            Ok(device) => return Ok(device),
            Err(missing) => missing,
        };
        match self.put_away_last(name) {
            Some(gone) => {
                let who = self.device_edits(&gone, gone.revision.saturating_sub(1)).await.unwrap_or_default();
                let who = who.last().map_or_else(|| "it was put away".to_owned(), Edit::in_words);
                let name = &gone.name;
                Err(ActError::not_found(format!(
                    "there is no device {name} any more: {who}; `device restore {name}` brings it back"
                )))
            }
            None => Err(missing),
        }
    }

    /// The record as it is now of a device that was there when an act began.
    async fn still_there(&self, begun: &Device) -> Result<Arc<Device>, ActError> {
        let now = self.present().device(begun.id);
        let now = now.ok_or_else(|| ActError::internal(format!("the device {} is gone", begun.name)))?;
        match now.deleted {
            Some(_) => Err(self.moved(&now.id, now.as_ref(), begun.revision).await),
            None => Ok(now),
        }
    }

    /// The device of that name that was put away last.
    fn put_away_last(&self, name: &str) -> Option<Arc<Device>> {
        let present = self.present();
        let of_that_name = present.devices().filter(|d| d.name.as_str() == name && d.deleted.is_some());
        of_that_name.max_by_key(|d| d.deleted).cloned()
    }

    /// The devices that hang on `old`, hanging on `new`.
    fn children_renamed(&self, old: &DeviceName, new: &DeviceName, now: Timestamp) -> Vec<Arc<Device>> {
        let children: Vec<Arc<Device>> = {
            let present = self.present();
            present.devices().filter(|child| child.parent.as_ref() == Some(old)).cloned().collect()
        };
        let renamed = children.iter().map(|child| {
            let mut renamed = next(child, now);
            renamed.parent = Some(new.clone());
            self.seal_anew(child, &mut renamed);
            Arc::new(renamed)
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
    /// When one of them does not exist or was changed by somebody else at the same moment (then none is put away), or the
    /// store cannot take it.
    pub async fn remove_devices(&self, by: &Actor, names: &[String]) -> Result<Vec<Arc<Device>>, ActError> {
        self.remove_devices_seen(by, names, None).await
    }

    /// The same; `seen` is the revision of the one device that who asks has seen.
    ///
    /// # Errors
    /// As [`Engine::remove_devices`]; also when it was changed since it was seen.
    pub async fn remove_devices_seen(
        &self,
        by: &Actor,
        names: &[String],
        seen: Option<u32>,
    ) -> Result<Vec<Arc<Device>>, ActError> {
        if seen.is_some() && names.len() != 1 {
            return Err(ActError::usage("a revision is that of one device"));
        }
        let mut begun = Vec::new();
        for name in names {
            begun.push(self.device_to_change(name).await?);
        }
        let _acting = self.acting.lock().await;
        let now = self.now();
        let mut gone = Vec::new();
        for begun in begun {
            let old = self.still_there(&begun).await?;
            self.check_seen(&old.id, old.as_ref(), seen.or(Some(begun.revision))).await?;
            let mut device = next(&old, now);
            device.deleted = Some(now);
            self.seal_anew(&old, &mut device);
            gone.push(Arc::new(device));
        }
        let message = format!("{} put away by {}", count_or_name(&gone), by.name);
        self.store_devices(by, "device rm", now, &gone, &message).await?;
        Ok(gone)
    }

    /// Brings back the device of that name that was put away last.
    ///
    /// # Errors
    /// As [`Engine::restore_device_seen`].
    pub async fn restore_device(&self, by: &Actor, name: &str) -> Result<Arc<Device>, ActError> {
        self.restore_device_seen(by, name, None).await
    }

    /// The same; `seen` is the revision that who asks has seen.
    ///
    /// # Errors
    /// When none of that name was put away, it was brought back or changed since it was seen, its name is taken by now, or
    /// the store cannot take it.
    pub async fn restore_device_seen(
        &self,
        by: &Actor,
        name: &str,
        seen: Option<u32>,
    ) -> Result<Arc<Device>, ActError> {
        let begun = self.put_away_last(name).ok_or_else(|| {
            ActError::not_found(format!(
                "no device {name:?} was put away; `device list --deleted` shows those that were"
            ))
        })?;
        let _acting = self.acting.lock().await;
        let now = self.now();
        let old = self.present().device(begun.id).unwrap_or(begun.clone());
        self.check_seen(&old.id, old.as_ref(), seen.or(Some(begun.revision))).await?;
        self.check_name_is_free(&old.name, None)?;
        let mut device = next(&old, now);
        device.deleted = None;
        self.seal_anew(&old, &mut device);
        let device = Arc::new(device);
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
            Some(sealed) => self.store.unseal(&place(device, field), sealed).map_err(|error| {
                ActError::storage(&format!("opening the {field} of {}", device.name), error)
            }),
        }
    }

    /// What became of a secret between two states of a record, in words; `None` where it is the same.
    pub(super) fn secret_change(
        &self,
        before: &Device,
        after: &Device,
        field: Field,
    ) -> Option<&'static str> {
        match (field.sealed(before), field.sealed(after)) {
            (None, None) => None,
            (None, Some(_)) => Some("set"),
            (Some(_), None) => Some("taken away"),
            (Some(was), Some(is)) if was == is => None,
            (Some(_), Some(_)) => match (self.secret(before, field), self.secret(after, field)) {
                (Ok(was), Ok(is)) if was.expose() == is.expose() => None,
                _ => Some("another one"),
            },
        }
    }

    /// Seals the secrets that a changed record keeps for its new revision. One that does not open stays as it is: it opens
    /// no better there.
    pub(super) fn seal_anew(&self, old: &Device, device: &mut Device) {
        for field in Field::ALL.into_iter().filter(|field| field.is_secret()) {
            let is_kept = field.sealed(old).is_some() && field.sealed(old) == field.sealed(device);
            if is_kept && let Ok(secret) = self.secret(old, field) {
                let sealed = self.store.seal(&place(device, field), &secret);
                if let Some(held) = field.sealed_in(device) {
                    *held = Some(sealed);
                }
            }
        }
    }

    /// Puts changes into `device`, which is to follow `old`; the fields that differ afterwards.
    pub(super) fn apply(
        &self,
        old: &Device,
        device: &mut Device,
        changes: &[Change],
    ) -> Result<Vec<Field>, ActError> {
        let mut fields = Vec::new();
        for change in changes {
            if change.field.is_secret() {
                if self.apply_secret(old, device, change)? {
                    fields.push(change.field);
                }
            } else {
                set(device, change)?;
            }
        }
        if let Some(driver) = device.driver.as_ref().filter(|driver| old.driver.as_ref() != Some(driver)) {
            self.check_driver(driver)?;
        }
        fields.extend(Field::ALL.into_iter().filter(|field| field.read(old) != field.read(device)));
        fields.sort_unstable();
        fields.dedup();
        if !fields.is_empty() {
            self.seal_anew(old, device);
        }
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
    fn apply_secret(&self, old: &Device, device: &mut Device, change: &Change) -> Result<bool, ActError> {
        let new = check_secret(change.field, &change.value)?;
        // one that does not open any more is simply replaced
        if self.secret(old, change.field).is_ok_and(|held| held.expose() == new.expose()) {
            return Ok(false);
        }
        let place = place(device, change.field);
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
            // the last guard: every act has looked before, and acts one by one
            let old = self.present().device(device.id);
            if old.as_ref().is_some_and(|old| old.revision.saturating_add(1) != device.revision) {
                return Err(self.moved(&device.id, device.as_ref(), device.revision.saturating_sub(1)).await);
            }
            entry.expect(&device.id, old.as_deref());
            entry.add(&device.id, device.as_ref());
        }
        if let Err(error) = self.commit(with_events(entry, &events), verb).await {
            if error.kind == ActErrorKind::Conflict {
                self.read_again(devices, now);
            }
            return Err(error);
        }
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

    /// What the store holds of these, into memory. A write that failed half-way was refused, and may stand in the journal all
    /// the same: then that is the truth, and not what is remembered here.
    fn read_again(&self, devices: &[Arc<Device>], now: Timestamp) {
        for device in devices {
            if let Ok(Some(stored)) = self.store.get::<Device>(&device.id) {
                self.present().put_device(Arc::new(stored), now);
            }
        }
        self.publish_now();
    }

    /// Writes an entry; `doing` names it in an error.
    pub(super) async fn commit(&self, entry: Entry, doing: &str) -> Result<(), ActError> {
        self.store.commit(entry).await.map(drop).map_err(|error| match error {
            StoreError::Moved { .. } => ActError::conflict(format!("{doing}: {error}")),
            _ => ActError::storage(doing, error),
        })
    }
}

/// An entry of the journal: who, from where, why, and the command line; `verb` where the act had none.
pub(super) fn entry(at: Timestamp, by: &Actor, verb: &str) -> Entry {
    let mut entry = entry_of_note(at, by, verb);
    if !by.from.is_empty() {
        let note = AuditNote::from(by);
        entry.add(&note.key(), &note);
    }
    entry
}

/// The same of an act that puts a note of its own, which says from where.
pub(super) fn entry_of_note(at: Timestamp, by: &Actor, verb: &str) -> Entry {
    Entry::new(at, &by.name, &by.why, if by.line.is_empty() { verb } else { &by.line })
}

/// What comes after `old`, not changed yet.
pub(super) fn next(old: &Device, now: Timestamp) -> Device {
    Device { revision: old.revision.saturating_add(1), updated: now, ..old.clone() }
}

/// What a sealed secret is bound to: it opens nowhere else, and in no other revision of its record. Those of before
/// records had a revision are bound to their place alone, and are sealed anew with the record's next change.
pub(super) fn place(device: &Device, field: Field) -> String {
    match device.revision {
        0 => format!("device/{}/{field}", device.id.0),
        revision => format!("device/{}/{field}/{revision}", device.id.0),
    }
}

fn count_or_name(devices: &[Arc<Device>]) -> String {
    match devices {
        [device] => device.name.to_string(),
        many => format!("{} devices", many.len()),
    }
}
