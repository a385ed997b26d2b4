//! The store's keys: a root for names and fingerprints that never changes, the keys that seal, and the slots that open them.
//!
//! A store begins with one root key in `data.key`, from which the first seal key is derived. The first change of its slots
//! makes a `keyring`, which holds both; `data.key` is one slot among others from then on.

mod age;
mod bech32;
mod change;
mod keyring;
mod slot;
mod unlock;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroize;

pub use age::Recipient;
pub use change::{Added, NewSlot};
pub use keyring::{Keyring, Renewing};
pub use slot::{Slot, SlotKind};
pub use unlock::{CREDENTIAL, Unlock};

use super::seal::Seal;
use super::{StoreError, files};
use crate::model::Timestamp;
use age::Identity;
use keyring::{Bundle, SealKey};

/// The file with a key for the owner alone.
pub const FILE: &str = "data.key";
/// Its next one, between two steps of a change.
pub const NEXT_FILE: &str = "data.key.next";

/// The file that holds the keys.
pub const KEYRING: &str = keyring::NAME;
/// All files that hold a key, sealed or not.
pub const FILES: [&str; 3] = [KEYRING, FILE, NEXT_FILE];

/// A key. It cannot be printed; its memory is overwritten when it goes.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeyBytes(pub [u8; 32]);

impl Drop for KeyBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyBytes(…)")
    }
}

/// The keys of an open store.
pub struct Keys {
    folder: PathBuf,
    root: KeyBytes,
    seal: Arc<Seal>,
    held: Mutex<Held>,
}

/// What the keyring holds, or would hold if there was one.
#[derive(Clone)]
struct Held {
    bundle: Bundle,
    slots: Vec<Slot>,
    next: u32,
    /// The slot that opened the store; `None` after a rescue, and where there is no keyring.
    opened_by: Option<u32>,
    is_kept: bool,
}

/// The slots and the keys of a store, for people: nothing secret.
#[derive(Clone, Debug)]
pub struct KeysShown {
    /// The slots; none where there is no keyring yet: `data.key` opens the store then.
    pub slots: Vec<Slot>,
    /// The slot that opened the store.
    pub opened_by: Option<u32>,
    /// The keys that seal or have sealed, the newest last.
    pub keys: Vec<KeyShown>,
    /// A rotation that is not over.
    pub renewing: Option<Renewing>,
}

/// A key that seals or has sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyShown {
    /// Its number.
    pub number: u32,
    /// Since when it seals; `None` of the one that the store was made with.
    pub since: Option<Timestamp>,
    /// Since when nothing that is live needs it.
    pub retired: Option<Timestamp>,
}

impl Keys {
    /// Opens the keys of `folder`; makes one only where the store has never held anything.
    pub(super) fn open(folder: &Path, unlock: &Unlock) -> Result<Self, StoreError> {
        let held = match Keyring::read(folder)? {
            Some(keyring) => {
                let (bundle, opened_by) = unlock.open(folder, &keyring)?;
                let Keyring { slots, next, .. } = keyring;
                let held = Held { bundle, slots, next, opened_by, is_kept: true };
                change::finish(folder, &held.slots)?;
                held
            }
            None => {
                let root = root_of(folder)?;
                let key = KeyBytes(keyed_hash(&root.0, b"seal"));
                let keys = vec![SealKey { number: 1, since: None, retired: None, key }];
                let bundle = Bundle { root, keys, renewing: None };
                Held { bundle, slots: Vec::new(), next: 1, opened_by: None, is_kept: false }
            }
        };
        let root = held.bundle.root.clone();
        let seal = Seal::new(numbered(&held.bundle), keyed_hash(&root.0, b"fingerprint"));
        Ok(Self { folder: folder.to_owned(), root, seal: Arc::new(seal), held: Mutex::new(held) })
    }

    /// What seals with them; it knows of every key that comes later.
    pub(super) fn seal(&self) -> Arc<Seal> {
        Arc::clone(&self.seal)
    }

    /// A name for whatever was made with the root, which tells nothing about it.
    pub(super) fn id(&self) -> String {
        self.derive("store id")[..4].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The key for one purpose; the same for as long as the store lives.
    pub(super) fn derive(&self, purpose: &str) -> [u8; 32] {
        keyed_hash(&self.root.0, purpose.as_bytes())
    }

    /// What there is.
    pub(super) fn shown(&self) -> KeysShown {
        let held = self.held();
        let shown = |key: &SealKey| KeyShown { number: key.number, since: key.since, retired: key.retired };
        KeysShown {
            slots: held.slots.clone(),
            opened_by: held.opened_by,
            keys: held.bundle.keys.iter().map(shown).collect(),
            renewing: held.bundle.renewing.clone(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys for what seals, the newest last.
fn numbered(bundle: &Bundle) -> impl Iterator<Item = (u32, &KeyBytes)> {
    bundle.keys.iter().map(|key| (key.number, &key.key))
}

/// The key of a store without a keyring; a new one where the store has never held anything.
fn root_of(folder: &Path) -> Result<KeyBytes, StoreError> {
    let path = folder.join(FILE);
    match unlock::read(&path)? {
        Some(text) => match parse(text.expose()) {
            Some(root) => Ok(root),
            None if Identity::parse(text.expose()).is_some() => {
                let why = "it is missing, and data.key opens nothing without it".into();
                Err(StoreError::Keyring { path: Keyring::path(folder), why })
            }
            None => Err(StoreError::Key { path, why: "its checksum is wrong".into() }),
        },
        None if folder.join("journal").exists() || folder.join("objects").exists() => {
            Err(StoreError::Key { path, why: "no such file".into() })
        }
        None => {
            let root = KeyBytes(rand::random());
            let text = zeroize::Zeroizing::new(written(&root));
            files::write_durably(&path, text.as_bytes())?;
            Ok(root)
        }
    }
}

/// HMAC-SHA256.
pub(super) fn keyed_hash(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    // HMAC fills a shorter key up with zeros to the block of its hash (RFC 2104); done here, it cannot fail.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    block.zeroize();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// The root key as it stands in its file, `DIGITS CHECKSUM`. Without the checksum a flipped bit would be another key, and
/// new secrets would be sealed under it.
fn written(root: &KeyBytes) -> String {
    let digits: String = root.0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{digits} {:08x}", crc32fast::hash(&root.0))
}

fn parse(text: &str) -> Option<KeyBytes> {
    let (digits, _) = text.split_once(' ')?;
    let root = KeyBytes(digits.parse::<crate::model::BlobId>().ok()?.0);
    (written(&root) == text).then_some(root)
}

#[cfg(test)]
mod tests;
