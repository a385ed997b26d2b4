//! What opens a store: what lies on its host, and what a person says where that is not enough.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::age::Identity;
use super::keyring::{Bundle, Keyring};
use super::slot::{SlotKind, master_key};
use super::{FILE, KeyBytes, NEXT_FILE};
use crate::model::Secret;
use crate::store::StoreError;

/// The name of the credential of systemd.
pub const CREDENTIAL: &str = "noctule.key";
/// The largest file with a key, in bytes.
const LARGEST: u64 = 4 << 10;

/// See the file's head. The usual one knows the files of the store alone.
#[derive(Clone, Default)]
pub struct Unlock {
    /// Where systemd has put its credentials.
    credentials: Option<PathBuf>,
    said: Option<Said>,
}

#[derive(Clone)]
enum Said {
    /// The key of a passphrase.
    Slot(Arc<Identity>),
    /// The master key itself, out of an offline key's file.
    Master(KeyBytes),
}

impl fmt::Debug for Unlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unlock(…)")
    }
}

impl Unlock {
    /// Also by the credential in this folder, where systemd has put one there.
    pub fn with_credentials(credentials: Option<PathBuf>) -> Self {
        Self { credentials, said: None }
    }

    /// Whether a person must say a passphrase to open the store in `folder`.
    ///
    /// # Errors
    /// The keyring is damaged or cannot be read.
    pub fn wants_passphrase(&self, folder: &Path) -> Result<bool, StoreError> {
        let Some(keyring) = Keyring::read(folder)? else { return Ok(false) };
        let has_passphrase = keyring.slots.iter().any(|slot| slot.kind == SlotKind::Passphrase);
        Ok(has_passphrase && self.open(folder, &keyring).is_err())
    }

    /// Why the store in `folder` does not open, and what to do.
    ///
    /// # Errors
    /// The keyring is damaged or cannot be read.
    pub fn locked(&self, folder: &Path) -> Result<StoreError, StoreError> {
        let how = Keyring::read(folder)?.map(|keyring| how(&keyring)).unwrap_or_default();
        Ok(StoreError::Locked { folder: folder.to_owned(), how })
    }

    /// The same with what a person has said. It takes its time also where it is wrong.
    ///
    /// # Errors
    /// It opens no slot of the store in `folder`, or the keyring is damaged.
    pub fn with_passphrase(&self, folder: &Path, passphrase: &Secret) -> Result<Self, StoreError> {
        let keyring = Keyring::read(folder)?;
        for slot in keyring.iter().flat_map(|keyring| &keyring.slots) {
            let Some(argon2id) = &slot.argon2id else { continue };
            let path = || Keyring::path(folder);
            let identity =
                argon2id.identity(passphrase).map_err(|why| StoreError::Keyring { path: path(), why })?;
            if identity.recipient() == slot.recipient() {
                return Ok(Self { said: Some(Said::Slot(Arc::new(identity))), ..self.clone() });
            }
        }
        Err(StoreError::Passphrase { folder: folder.to_owned() })
    }

    /// The same with what an offline key has opened.
    ///
    /// # Errors
    /// It is none.
    pub fn with_recovery_key(&self, key: &Secret) -> Result<Self, StoreError> {
        let said = master_key(key.expose()).map(Said::Master);
        said.map(|said| Self { said: Some(said), ..self.clone() }).ok_or_else(|| StoreError::Slot {
            why: "that is no recovery key: one reads NOCTULE-RECOVERY-1…, as `age -d` gives it".into(),
        })
    }

    /// Opens a keyring; the keys, and which slot it was.
    pub(super) fn open(&self, folder: &Path, keyring: &Keyring) -> Result<(Bundle, Option<u32>), StoreError> {
        if let Some(Said::Master(master)) = &self.said {
            let bundle = keyring.open_with_master(master);
            return bundle.map(|bundle| (bundle, None)).ok_or_else(|| StoreError::Slot {
                why: "this recovery key is not that of the keyring as it is now: each change of the slots makes another one; \
                      `vault recovery` writes what the offline key opens today"
                    .into(),
            });
        }
        let mut names_a_slot = None;
        for identity in self.identities(folder)? {
            if let Some((bundle, number)) = keyring.open_with(&identity) {
                return Ok((bundle, Some(number)));
            }
            let recipient = identity.recipient();
            let named = keyring.slots.iter().find(|slot| slot.recipient() == recipient);
            names_a_slot = named.map(|slot| slot.number).or(names_a_slot);
        }
        match names_a_slot {
            Some(number) => Err(StoreError::Keyring {
                path: Keyring::path(folder),
                why: format!(
                    "slot {number} does not open it: it was changed by something other than noctule"
                ),
            }),
            None => Err(StoreError::Locked { folder: folder.to_owned(), how: how(keyring) }),
        }
    }

    fn identities(&self, folder: &Path) -> Result<Vec<Identity>, StoreError> {
        let mut all = Vec::new();
        if let Some(Said::Slot(identity)) = &self.said {
            all.push(Identity::clone(identity));
        }
        let credential = self.credentials.as_ref().map(|folder| folder.join(CREDENTIAL));
        for path in [folder.join(FILE), folder.join(NEXT_FILE)].into_iter().chain(credential) {
            all.extend(read(&path)?.and_then(|text| Identity::parse(text.expose())));
        }
        Ok(all)
    }
}

/// A file with a key; `None` where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Secret>, StoreError> {
    let mut text = zeroize::Zeroizing::new(Vec::with_capacity(LARGEST as usize + 1));
    match fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened
            .and_then(|file| file.take(LARGEST).read_to_end(&mut text))
            .map_err(StoreError::file("read", path))?,
    };
    Ok(Some(Secret::new(String::from_utf8_lossy(&text))))
}

/// How the store can be opened, in words.
fn how(keyring: &Keyring) -> String {
    let mut ways = Vec::new();
    for slot in &keyring.slots {
        let number = slot.number;
        ways.push(match slot.kind {
            SlotKind::File => format!("{FILE} in its folder (slot {number}), which is missing or another one"),
            SlotKind::Passphrase => format!(
                "its passphrase (slot {number}): run noctule in a terminal, which asks for it, or give it to `noctule serve --passphrase-stdin`"
            ),
            SlotKind::Systemd => format!(
                "the credential {CREDENTIAL} of systemd (slot {number}): the unit needs LoadCredentialEncrypted={CREDENTIAL}:/etc/credstore.encrypted/{CREDENTIAL}"
            ),
            SlotKind::Age => format!(
                "the key of {} (slot {number}): `noctule vault recovery` says how",
                slot.recipient()
            ),
        });
    }
    ways.join("; or with ")
}
