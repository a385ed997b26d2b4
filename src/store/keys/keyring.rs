//! The file `keyring`: the store's keys, sealed by a master key, and the master key, sealed into each slot.
//!
//! Four lines: the version; the slots, which are no secret, as JSON; the keys, sealed and bound to both lines before, in
//! base64; a checksum. So a slot that somebody changed, or one that somebody took away, is found by whoever opens another one.
//! Each time it is written there is another master key.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::KeyBytes;
use super::age::Identity;
use super::slot::{Slot, SlotKind};
use crate::model::Timestamp;
use crate::store::{StoreError, files};

/// The file's name.
pub const NAME: &str = "keyring";
const VERSION: &str = "noctule keyring 1";
const CHECKSUM: &str = "checksum ";
const NONCE: usize = 24;
/// The largest file, in bytes.
const LARGEST: u64 = 256 << 10;
/// The most slots.
pub const MOST_SLOTS: usize = 32;
/// The most seal keys: each takes its turn with what the others do not open.
pub const MOST_KEYS: usize = 200;

/// All keys of a store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bundle {
    /// From which names and fingerprints are derived, for as long as the store lives.
    pub root: KeyBytes,
    /// What seals and has sealed, the newest last. There is always one.
    pub keys: Vec<SealKey>,
    /// What is being sealed anew.
    pub renewing: Option<Renewing>,
}

/// A key that seals.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SealKey {
    /// Its number, from 1.
    pub number: u32,
    /// Since when it seals; `None` of the one that the store was made with.
    pub since: Option<Timestamp>,
    /// Since when nothing that is live needs it.
    pub retired: Option<Timestamp>,
    /// The key.
    pub key: KeyBytes,
}

/// A rotation that is not over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewing {
    /// When it began.
    pub since: Timestamp,
    /// Who began it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The slots, as they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slots {
    next: u32,
    slots: Vec<Slot>,
}

/// A keyring that is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring {
    /// The slots, in the order in which they were made.
    pub slots: Vec<Slot>,
    /// The number of the next one.
    pub next: u32,
    /// The first two lines.
    head: String,
    sealed: Vec<u8>,
}

impl Keyring {
    /// Where that of a store lies.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(NAME)
    }

    /// Reads that of the store in `folder`; `None` where there is none.
    pub fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        let path = Self::path(folder);
        let mut bytes = Vec::new();
        match fs::File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened
                .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
                .map_err(StoreError::file("read", &path))?,
        };
        Self::parse(&bytes).map(Some).map_err(|why| StoreError::Keyring { path, why })
    }

    /// Seals `bundle` under a new master key, and that into each of the slots.
    pub fn make(mut slots: Vec<Slot>, next: u32, bundle: &Bundle) -> Option<Self> {
        let master = KeyBytes(rand::random());
        for slot in &mut slots {
            slot.wrap(&master)?;
        }
        let written = Slots { next, slots };
        let head = format!("{VERSION}\n{}\n", serde_json::to_string(&written).ok()?);
        let clear = Vec::with_capacity(128 * (bundle.keys.len() + 8));
        let clear = Zeroizing::new(postcard::to_extend(bundle, clear).ok()?);
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: &clear, aad: head.as_bytes() };
        let mut sealed = nonce.to_vec();
        sealed.extend(cipher(&master).encrypt(&XNonce::from(nonce), payload).ok()?);
        Some(Self { slots: written.slots, next, head, sealed })
    }

    /// The keys, and the slot that this opens.
    pub fn open_with(&self, identity: &Identity) -> Option<(Bundle, u32)> {
        let recipient = identity.recipient();
        let slot = self.slots.iter().find(|slot| slot.recipient() == recipient)?;
        Some((self.open_with_master(&slot.unwrap_with(identity)?)?, slot.number))
    }

    /// The keys.
    pub fn open_with_master(&self, master: &KeyBytes) -> Option<Bundle> {
        let (nonce, sealed) = self.sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: self.head.as_bytes() };
        let clear = Zeroizing::new(cipher(master).decrypt(&XNonce::from(*nonce), payload).ok()?);
        let bundle: Bundle = postcard::from_bytes(&clear).ok()?;
        (!bundle.keys.is_empty()).then_some(bundle)
    }

    /// The file.
    pub fn text(&self) -> String {
        let body = format!("{}{}\n", self.head, Base64::encode_string(&self.sealed));
        let checksum = crc32fast::hash(body.as_bytes());
        format!("{body}{CHECKSUM}{checksum:08x}\n")
    }

    /// Writes it into the store's folder: it is there as a whole, or not at all.
    pub fn write(&self, folder: &Path) -> Result<(), StoreError> {
        files::write_durably(&Self::path(folder), self.text().as_bytes())
    }

    /// Reads a file; the error says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() as u64 > LARGEST {
            return Err("it is larger than a keyring can be".into());
        }
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not text")?;
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let [version, slots, sealed, checksum] = lines.as_slice() else {
            return Err("it has not the four lines of a keyring: it may be cut off".into());
        };
        let body = &text[..text.len() - checksum.len()];
        if *checksum != format!("{CHECKSUM}{:08x}\n", crc32fast::hash(body.as_bytes())) {
            return Err("its checksum is wrong".into());
        }
        if version.trim_end_matches('\n') != VERSION {
            return Err(format!("it does not begin with `{VERSION}`; a newer noctule may have written it"));
        }
        let written: Slots = serde_json::from_str(slots).map_err(|error| format!("its slots: {error}"))?;
        let keyring = Self {
            slots: written.slots,
            next: written.next,
            head: format!("{version}{slots}"),
            sealed: Base64::decode_vec(sealed.trim_end_matches('\n'))
                .map_err(|_| "its keys are not base64")?,
        };
        keyring.check().map(|()| keyring)
    }

    fn check(&self) -> Result<(), String> {
        let numbers = || self.slots.iter().map(|slot| slot.number);
        let is_in_order = numbers().zip(numbers().skip(1).chain([self.next])).all(|(one, after)| one < after);
        if self.slots.is_empty() || self.slots.len() > MOST_SLOTS || !is_in_order {
            return Err("its slots are none, too many or out of order".into());
        }
        for slot in &self.slots {
            let flaw = slot.argon2id.as_ref().and_then(super::slot::Argon2id::flaw);
            if let Some(flaw) = flaw {
                return Err(format!("slot {}: {flaw}", slot.number));
            }
            if slot.argon2id.is_some() != (slot.kind == SlotKind::Passphrase) {
                return Err(format!("slot {} is not what its kind says", slot.number));
            }
        }
        Ok(())
    }
}

fn cipher(master: &KeyBytes) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&master.0.into())
}
