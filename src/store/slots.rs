//! The store's key slots and keys, as its owner sees and changes them.

use std::path::Path;

use super::keys::{Added, Keyring, KeysShown, NewSlot, Renewing, Slot};
use super::{SealedBy, Store, StoreError};
use crate::model::{Sealed, Timestamp};

impl Store {
    /// The slots and the keys.
    pub fn keys(&self) -> KeysShown {
        self.0.keys.shown()
    }

    /// Adds a key slot; the first one makes the keyring. Blocks, for as long as a passphrase takes.
    ///
    /// # Errors
    /// There is one of that kind already, the passphrase is too short, or the disk refuses it.
    pub fn add_slot(&self, new: NewSlot, now: Timestamp) -> Result<Added, StoreError> {
        self.0.keys.add(new, now)
    }

    /// Takes a key slot away, and seals with a new key from then on. Blocks.
    ///
    /// # Errors
    /// There is none of that number, it is the last one that opens the store at a start, or the disk refuses it.
    pub fn remove_slot(&self, number: u32, now: Timestamp) -> Result<Slot, StoreError> {
        self.0.keys.remove(number, now)
    }

    /// Begins to seal with a new key, and notes that what is sealed is to follow; or finds that this was begun. Blocks.
    ///
    /// # Errors
    /// The ring is full, or the disk refuses it.
    pub fn begin_renewal(&self, renewing: Renewing) -> Result<Renewing, StoreError> {
        self.0.keys.begin_renewal(renewing)
    }

    /// Notes that everything live is sealed by this key or a newer one. Blocks.
    ///
    /// # Errors
    /// The disk refuses it.
    pub fn end_renewal(&self, by: u32, now: Timestamp) -> Result<(), StoreError> {
        self.0.keys.end_renewal(by, now)
    }

    /// What is sealed, sealed anew by the newest key; nothing where it is, or where no key opens it.
    pub fn reseal(&self, place: &str, sealed: &Sealed) -> Option<Sealed> {
        self.0.seal.reseal(place, sealed)
    }

    /// Which key has sealed it.
    pub fn sealed_by(&self, place: &str, sealed: &Sealed) -> SealedBy {
        self.0.seal.sealed_by(place, sealed)
    }
}

/// The keyring of the store in `folder`, whoever has that open; `None` where there is none.
///
/// # Errors
/// It is damaged or cannot be read.
pub fn keyring_in(folder: &Path) -> Result<Option<Keyring>, StoreError> {
    Keyring::read(folder)
}
