//! Key slots: each opens the store by another means.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64ct::{Base64, Encoding};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::KeyBytes;
use super::age::{self, Identity, Recipient};
use super::bech32;
use crate::model::{Secret, Timestamp};

/// The second choice of RFC 9106 (4, for what has less memory): kibibytes, passes, lanes.
const MEMORY: u32 = 64 << 10;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// The most that a file may ask for: whoever can write to it could else stop every start.
const MOST_MEMORY: u32 = 1 << 20;
const MOST_PASSES: u32 = 32;
const MOST_LANES: u32 = 16;
/// Bytes of a salt.
const SALT: usize = 16;
/// The shortest and the longest passphrase, in bytes.
const SHORTEST: usize = 12;
const LONGEST: usize = 1024;
/// What the master key begins with where a person meets it: in what an offline key opens.
const RECOVERY: &str = "noctule-recovery-";

/// By what a slot opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlotKind {
    /// The file `data.key`, for the owner alone.
    File,
    /// Words that a person says.
    Passphrase,
    /// A credential that systemd hands over.
    Systemd,
    /// A key of age that is kept elsewhere.
    Age,
}

impl SlotKind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Passphrase => "passphrase",
            Self::Systemd => "systemd",
            Self::Age => "age",
        }
    }

    /// Whether it can open the store when a noctule starts: a key that is kept elsewhere is for a rescue.
    pub fn opens_at_start(self) -> bool {
        self != Self::Age
    }
}

impl fmt::Display for SlotKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A slot as it stands in the keyring: nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Its number; given once.
    pub number: u32,
    /// By what it opens.
    pub kind: SlotKind,
    /// Since when it is there.
    pub made: Timestamp,
    /// What the master key is sealed to.
    pub(super) recipient: Recipient,
    /// How a passphrase becomes the other half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) argon2id: Option<Argon2id>,
    /// The master key, sealed.
    pub(super) wrapped: String,
}

impl Slot {
    /// A slot that holds nothing yet.
    pub(super) fn new(number: u32, kind: SlotKind, made: Timestamp, recipient: Recipient) -> Self {
        Self { number, kind, made, recipient, argon2id: None, wrapped: String::new() }
    }

    /// Its public key: of an offline one, what the person named.
    pub fn recipient(&self) -> Recipient {
        self.recipient
    }

    /// What the offline key opens: a file of age.
    pub fn file(&self) -> Vec<u8> {
        Base64::decode_vec(&self.wrapped).unwrap_or_default()
    }

    /// Seals the master key into it.
    pub(super) fn wrap(&mut self, master: &KeyBytes) -> Option<()> {
        let sealed = age::encrypt(&self.recipient, recovery_key(master).expose().as_bytes())?;
        self.wrapped = Base64::encode_string(&sealed);
        Some(())
    }

    /// The master key, where this is the other half.
    pub(super) fn unwrap_with(&self, identity: &Identity) -> Option<KeyBytes> {
        let clear = age::decrypt(identity, &self.file())?;
        master_key(std::str::from_utf8(&clear).ok()?)
    }
}

/// The master key as it is sealed and as a person meets it.
pub(super) fn recovery_key(master: &KeyBytes) -> Secret {
    let mut text = bech32::encode(RECOVERY, &master.0);
    text.make_ascii_uppercase();
    Secret::new(text)
}

/// The reverse of [`recovery_key`]; `None` where a letter is wrong.
pub(super) fn master_key(text: &str) -> Option<KeyBytes> {
    let bytes = zeroize::Zeroizing::new(bech32::decode(RECOVERY, text.trim())?);
    Some(KeyBytes(<[u8; 32]>::try_from(bytes.as_slice()).ok()?))
}

/// How dear a guess at a passphrase is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Argon2id {
    salt: String,
    /// Kibibytes.
    memory: u32,
    passes: u32,
    lanes: u32,
}

impl Argon2id {
    /// With a salt of its own.
    pub fn random() -> Self {
        let salt = Base64::encode_string(&rand::random::<[u8; SALT]>());
        Self { salt, memory: MEMORY, passes: PASSES, lanes: LANES }
    }

    /// What is wrong with it.
    pub fn flaw(&self) -> Option<&'static str> {
        let fits = |value: u32, most: u32| (1..=most).contains(&value);
        match Base64::decode_vec(&self.salt) {
            Ok(salt) if salt.len() == SALT => {}
            _ => return Some("a salt is none"),
        }
        let fits =
            fits(self.memory, MOST_MEMORY) && fits(self.passes, MOST_PASSES) && fits(self.lanes, MOST_LANES);
        (!fits).then_some("a passphrase asks for more memory or time than noctule gives")
    }

    /// The key of a passphrase. Takes 64 MB and a good part of a second.
    pub fn identity(&self, passphrase: &Secret) -> Result<Identity, String> {
        let salt = Base64::decode_vec(&self.salt).map_err(|error| error.to_string())?;
        let mut key = KeyBytes([0; 32]);
        let params = Params::new(self.memory, self.passes, self.lanes, Some(key.0.len()));
        let params = params.map_err(|error| error.to_string())?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), &salt, &mut key.0)
            .map_err(|error| error.to_string())?;
        Ok(Identity::of(key.0))
    }
}

/// Why a passphrase is not taken; nothing where it is.
pub(super) fn flaw_of(passphrase: &Secret) -> Option<String> {
    let text = passphrase.expose();
    if text.len() < SHORTEST || text.len() > LONGEST {
        return Some(format!(
            "a passphrase has {SHORTEST} to {LONGEST} bytes: a few words that belong together nowhere"
        ));
    }
    text.chars().any(char::is_control).then(|| "a passphrase holds no control characters".to_owned())
}

impl Serialize for Recipient {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Recipient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
