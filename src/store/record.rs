//! How a record becomes bytes: its table, its key, its version, its checksum.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use super::journal::Change;
use crate::model::Timestamp;

/// Something that is kept: a table's name, a version, a key.
pub trait Record: Serialize + DeserializeOwned {
    /// The table; short, it stands in every entry.
    const TABLE: &'static str;
    /// The version of the layout that is written today.
    const VERSION: u8;
    /// The oldest version whose layout is the same, but for what came at its end and old records do not use.
    const SAME_SINCE: u8 = Self::VERSION;
    /// What finds it.
    type Key: Key;

    /// Reads an older version.
    ///
    /// # Errors
    /// The version is unknown or the bytes do not fit it.
    fn upgrade(version: u8, _bytes: &[u8]) -> Result<Self, String> {
        Err(format!("version {version} of the table `{}` is unknown to this noctule", Self::TABLE))
    }
}

/// A key whose bytes sort as the key does.
pub trait Key: Sized {
    /// Big-endian bytes.
    fn encode(&self) -> Vec<u8>;
    /// The reverse; `None` where the bytes are no such key.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

impl Key for u64 {
    fn encode(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

impl Key for String {
    fn encode(&self) -> Vec<u8> {
        self.clone().into_bytes()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        Self::from_utf8(bytes.to_vec()).ok()
    }
}

/// One entry of the journal in the making: who did what and why, and the records that it changes, all or none.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(super) at: Timestamp,
    pub(super) actor: String,
    pub(super) why: String,
    pub(super) verb: String,
    pub(super) changes: Vec<Change>,
    pub(super) expects: Vec<Expected>,
}

/// What a record must be for an entry to be taken: whoever changes one that another has changed is refused.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub table: &'static str,
    pub key: Vec<u8>,
    /// Encoded; nothing where there must be none.
    value: Option<Vec<u8>>,
    is_same: fn(&[u8], &[u8]) -> bool,
}

impl Expected {
    /// Whether that is what is there. An older layout of the same record is the same.
    pub fn holds(&self, there: Option<&[u8]>) -> bool {
        match (&self.value, there) {
            (None, None) => true,
            (Some(expected), Some(there)) => (self.is_same)(expected, there),
            _ => false,
        }
    }
}

fn is_same<R: Record + PartialEq>(one: &[u8], other: &[u8]) -> bool {
    one == other || matches!((decode::<R>(one), decode::<R>(other)), (Ok(one), Ok(other)) if one == other)
}

impl Entry {
    /// An entry without changes yet. `verb` is the command line, without secrets.
    pub fn new(
        at: Timestamp,
        actor: impl Into<String>,
        why: impl Into<String>,
        verb: impl Into<String>,
    ) -> Self {
        Self {
            at,
            actor: actor.into(),
            why: why.into(),
            verb: verb.into(),
            changes: Vec::new(),
            expects: Vec::new(),
        }
    }

    /// Writes `record` under `key`.
    #[must_use]
    pub fn put<R: Record>(mut self, key: &R::Key, record: &R) -> Self {
        self.add(key, record);
        self
    }

    /// [`Entry::put`] in a loop.
    pub fn add<R: Record>(&mut self, key: &R::Key, record: &R) {
        self.changes.push(Change { table: R::TABLE.into(), key: key.encode(), value: Some(encode(record)) });
    }

    /// The entry is taken only if `record` is what is under `key` when it is written; `None` is nothing.
    pub fn expect<R: Record + PartialEq>(&mut self, key: &R::Key, record: Option<&R>) {
        let value = record.map(encode);
        self.expects.push(Expected { table: R::TABLE, key: key.encode(), value, is_same: is_same::<R> });
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Removes what is under `key`.
    #[must_use]
    pub fn delete<R: Record>(mut self, key: &R::Key) -> Self {
        self.remove::<R>(key);
        self
    }

    /// [`Entry::delete`] in a loop.
    pub fn remove<R: Record>(&mut self, key: &R::Key) {
        self.changes.push(Change { table: R::TABLE.into(), key: key.encode(), value: None });
    }
}

/// Version, postcard.
pub fn encode<R: Record>(record: &R) -> Vec<u8> {
    // The records are plain data of known length: postcard refuses none of them.
    postcard::to_extend(record, vec![R::VERSION]).unwrap_or_default()
}

/// The reverse of [`encode`].
pub fn decode<R: Record>(bytes: &[u8]) -> Result<R, String> {
    match bytes.split_first() {
        Some((&version, body)) if (R::SAME_SINCE..=R::VERSION).contains(&version) => {
            postcard::from_bytes(body).map_err(|error| error.to_string())
        }
        Some((&version, body)) => R::upgrade(version, body),
        None => Err("it is empty".into()),
    }
}

/// Checksum, then the value: how it lies in the index.
pub fn with_checksum(value: &[u8]) -> Vec<u8> {
    let mut bytes = crc32fast::hash(value).to_be_bytes().to_vec();
    bytes.extend_from_slice(value);
    bytes
}

/// The value, if its checksum is right.
pub fn without_checksum(bytes: &[u8]) -> Option<&[u8]> {
    let (checksum, value) = bytes.split_first_chunk::<4>()?;
    (crc32fast::hash(value) == u32::from_be_bytes(*checksum)).then_some(value)
}

/// An error that names the record.
pub fn damaged<R: Record>(key: &[u8], why: impl Into<String>) -> StoreError {
    let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    StoreError::Damaged { what: format!("record {key} of the table `{}`", R::TABLE), why: why.into() }
}
