//! The store's key slots and keys, as its owner sees and changes them.

use std::path::Path;

use super::keys::{Added, Keyring, KeysShown, NewSlot, Slot};
use super::{Store, StoreError};
use crate::model::Timestamp;

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
}

/// The keyring of the store in `folder`, whoever has that open; `None` where there is none.
///
/// # Errors
/// It is damaged or cannot be read.
pub fn keyring_in(folder: &Path) -> Result<Option<Keyring>, StoreError> {
    Keyring::read(folder)
}
