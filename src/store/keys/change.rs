//! Changes of the slots and the keys. Whatever moment a kill comes at, the next opening finds the keyring of before or the
//! one of after, and the file of its slot.
//!
//! Nothing is sealed with a key that is not on disk, and no key leaves the ring: in memory is never more than in the file.

use std::fs;
use std::path::Path;

use super::age::{Identity, Recipient};
use super::keyring::{Keyring, MOST_KEYS, MOST_SLOTS, Renewing, SealKey};
use super::slot::{Argon2id, Slot, SlotKind, flaw_of};
use super::unlock::read;
use super::{FILE, Held, KeyBytes, Keys, NEXT_FILE, numbered};
use crate::model::{Secret, Timestamp};
use crate::store::{StoreError, files, format};

/// A slot to be.
#[derive(Clone, Debug)]
pub enum NewSlot {
    /// `data.key`.
    File,
    /// What a person will say.
    Passphrase(Secret),
    /// A credential that the caller hands over to systemd.
    Systemd,
    /// The key that lies elsewhere.
    Age(Recipient),
}

impl NewSlot {
    /// Its kind.
    pub fn kind(&self) -> SlotKind {
        match self {
            Self::File => SlotKind::File,
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::Systemd => SlotKind::Systemd,
            Self::Age(_) => SlotKind::Age,
        }
    }
}

/// A slot that was made.
#[derive(Clone, Debug)]
pub struct Added {
    /// The slot.
    pub slot: Slot,
    /// The key that systemd is to keep; empty for the others.
    pub credential: Secret,
}

impl Keys {
    /// Adds a slot. Takes as long as a passphrase does.
    pub(in crate::store) fn add(&self, new: NewSlot, now: Timestamp) -> Result<Added, StoreError> {
        let mut held = self.held();
        let mut next = held.clone();
        self.begin_ring(&mut next, now)?;
        let kind = new.kind();
        if next.slots.len() >= MOST_SLOTS {
            return refused(format!("there are {MOST_SLOTS} slots, and no more fit"));
        }
        let same = next.slots.iter().find(|slot| {
            let is_one_only = matches!(kind, SlotKind::File | SlotKind::Systemd);
            slot.kind == kind && (is_one_only || matches!(&new, NewSlot::Age(to) if slot.recipient() == *to))
        });
        if let Some(slot) = same {
            return refused(format!(
                "slot {} is this one already: `vault remove {}` takes it away",
                slot.number, slot.number
            ));
        }
        let mut credential = Secret::default();
        let (recipient, argon2id) = match new {
            NewSlot::File => (self.next_file()?, None),
            NewSlot::Passphrase(said) => {
                if let Some(flaw) = flaw_of(&said) {
                    return refused(flaw);
                }
                let argon2id = Argon2id::random();
                let identity = argon2id.identity(&said).map_err(|why| StoreError::Slot { why })?;
                (identity.recipient(), Some(argon2id))
            }
            NewSlot::Systemd => {
                let identity = Identity::random();
                credential = identity.text();
                (identity.recipient(), None)
            }
            NewSlot::Age(recipient) => (recipient, None),
        };
        let slot = Slot { argon2id, ..Slot::new(next.next, kind, now, recipient) };
        next.next += 1;
        next.slots.push(slot.clone());
        self.keep(&mut held, next)?;
        // as it is kept: with the master key in it
        let slot = held.slots.last().cloned().unwrap_or(slot);
        Ok(Added { slot, credential })
    }

    /// Takes a slot away. What is sealed from then on is sealed by a key that whoever had this slot has never had.
    pub(in crate::store) fn remove(&self, number: u32, now: Timestamp) -> Result<Slot, StoreError> {
        let mut held = self.held();
        let mut next = held.clone();
        self.begin_ring(&mut next, now)?;
        let Some(place) = next.slots.iter().position(|slot| slot.number == number) else {
            return refused(format!("there is no slot {number}; `vault show` lists them"));
        };
        let gone = next.slots.remove(place);
        if !next.slots.iter().any(|slot| slot.kind.opens_at_start()) {
            return refused(format!(
                "slot {number} is the last one that opens the store when noctule starts: add another one before"
            ));
        }
        add_key(&mut next, now)?;
        self.renew_file(&mut next)?;
        next.opened_by = next.opened_by.filter(|opened| *opened != number);
        self.keep(&mut held, next)?;
        Ok(gone)
    }

    /// Begins to seal with a new key, and notes that what is sealed is to follow; or finds that this was begun.
    pub(in crate::store) fn begin_renewal(&self, renewing: Renewing) -> Result<Renewing, StoreError> {
        let mut held = self.held();
        if let Some(begun) = &held.bundle.renewing {
            return Ok(begun.clone());
        }
        let mut next = held.clone();
        self.begin_ring(&mut next, renewing.since)?;
        add_key(&mut next, renewing.since)?;
        self.renew_file(&mut next)?;
        next.bundle.renewing = Some(renewing.clone());
        self.keep(&mut held, next)?;
        Ok(renewing)
    }

    /// Notes that everything live is sealed by this key or a newer one: a slot may have been taken away meanwhile.
    pub(in crate::store) fn end_renewal(&self, by: u32, now: Timestamp) -> Result<(), StoreError> {
        let mut held = self.held();
        let mut next = held.clone();
        next.bundle.renewing = None;
        for key in next.bundle.keys.iter_mut().filter(|key| key.number < by) {
            key.retired = key.retired.or(Some(now));
        }
        self.keep(&mut held, next)
    }

    /// A store that has no keyring gets one: its file is the first slot, with a key of its own.
    fn begin_ring(&self, held: &mut Held, now: Timestamp) -> Result<(), StoreError> {
        if held.is_kept {
            return Ok(());
        }
        held.slots.push(Slot::new(held.next, SlotKind::File, now, self.next_file()?));
        (held.next, held.opened_by, held.is_kept) = (held.next + 1, Some(held.next), true);
        Ok(())
    }

    /// The file gets another key: an old copy of it opens no keyring of today.
    fn renew_file(&self, held: &mut Held) -> Result<(), StoreError> {
        if let Some(slot) = held.slots.iter_mut().find(|slot| slot.kind == SlotKind::File) {
            slot.recipient = self.next_file()?;
        }
        Ok(())
    }

    /// The key that will lie in the file. Where a change was broken off it is there already, and its keyring may be, too.
    fn next_file(&self) -> Result<Recipient, StoreError> {
        let path = self.folder.join(NEXT_FILE);
        let begun = read(&path)?.and_then(|text| Identity::parse(text.expose()));
        let identity = match begun {
            Some(begun) => begun,
            None => {
                let identity = Identity::random();
                files::write_durably(&path, identity.text().expose().as_bytes())?;
                identity
            }
        };
        Ok(identity.recipient())
    }

    /// Puts the change on disk, and then into use.
    fn keep(&self, held: &mut Held, mut next: Held) -> Result<(), StoreError> {
        let keyring = Keyring::make(std::mem::take(&mut next.slots), next.next, &next.bundle);
        let keyring = keyring.ok_or_else(|| StoreError::Slot { why: "the keys cannot be sealed".into() })?;
        // an older noctule must not take the file for the root
        format::raise_for_keyring(&self.folder)?;
        keyring.write(&self.folder)?;
        next.slots = keyring.slots;
        *held = next;
        self.seal.take_keys(numbered(&held.bundle));
        finish(&self.folder, &held.slots)
    }
}

fn add_key(held: &mut Held, now: Timestamp) -> Result<(), StoreError> {
    let keys = &mut held.bundle.keys;
    if keys.len() >= MOST_KEYS {
        return refused(format!("the ring holds {MOST_KEYS} keys, and no more fit: `vault show` lists them"));
    }
    let number = keys.last().map_or(0, |key| key.number) + 1;
    keys.push(SealKey { number, since: Some(now), retired: None, key: KeyBytes(rand::random()) });
    Ok(())
}

fn refused<T>(why: String) -> Result<T, StoreError> {
    Err(StoreError::Slot { why })
}

/// Brings the file of a slot to what the keyring says: the step after it was written.
pub(super) fn finish(folder: &Path, slots: &[Slot]) -> Result<(), StoreError> {
    let (path, next) = (folder.join(FILE), folder.join(NEXT_FILE));
    let slot = slots.iter().find(|slot| slot.kind == SlotKind::File);
    let waiting = read(&next)?.and_then(|text| Identity::parse(text.expose()));
    let is_next = |slot: &Slot| waiting.as_ref().is_some_and(|one| one.recipient() == slot.recipient());
    match slot {
        Some(slot) if is_next(slot) => {
            files::step();
            fs::rename(&next, &path).map_err(StoreError::file("put in place", &next))?;
            files::step();
            files::sync_folder(folder)
        }
        Some(_) => remove(&next, folder),
        None => remove(&path, folder).and_then(|()| remove(&next, folder)),
    }
}

fn remove(path: &Path, folder: &Path) -> Result<(), StoreError> {
    files::step();
    match fs::remove_file(path) {
        Ok(()) => files::sync_folder(folder),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::file("remove", path)(error)),
    }
}
