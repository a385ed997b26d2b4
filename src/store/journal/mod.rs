//! The journal: append-only segments of entries, each checksummed and chained to the one before by its hash.
//!
//! A segment is a file `journal/00000001.log`: a heading, then frames. A frame is the mark `nrec`, the length and the
//! CRC-32 of the payload (big-endian), and the payload, a [`JournalRecord`] in postcard.

mod append;
mod back;
mod chain;
mod frame;
mod scan;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use append::Appender;
pub use back::{JournalBack, back_from};
pub use chain::{Anchor, ChainReport, Flaw, FlawKind, KnownEnd, verify_chain};
pub use scan::{JournalScan, scan, scan_from};

use super::StoreError;
use crate::model::Timestamp;

/// What a segment begins with.
pub const HEADING: &[u8] = b"noctule journal 1\n";

/// One entry as it lies in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRecord {
    /// Its number, counting up from 1 without a gap.
    pub seq: u64,
    /// The hash of the entry before; zeros before the first.
    pub prev: [u8; 32],
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Why, where a reason was given.
    pub why: String,
    /// The command line, without secrets.
    pub verb: String,
    /// What it changes.
    pub changes: Vec<Change>,
}

/// An entry, and the hash by which the next one names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chained {
    /// The entry.
    pub record: JournalRecord,
    /// The SHA-256 of its bytes.
    pub hash: [u8; 32],
}

/// One record put or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The table.
    pub table: String,
    /// The encoded key.
    pub key: Vec<u8>,
    /// Version and postcard; `None` removes.
    pub value: Option<Vec<u8>>,
}

/// Bytes of a segment that are no entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub segment: PathBuf,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// How many bytes were passed over.
    pub bytes: u64,
    /// How it was noticed.
    pub why: String,
    /// Which kind of trouble it is.
    pub kind: FlawKind,
    /// Whether it ends the last segment: what a crash in the middle of a write leaves. Nobody was told of it.
    pub torn: bool,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bytes > 0 {
            write!(f, "{} bytes are no entry: ", self.bytes)?;
        }
        write!(f, "{} ({} at byte {})", self.why, self.segment.display(), self.offset)
    }
}

/// A place between two entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The number of the last entry before it; 0 at the beginning.
    pub seq: u64,
    /// That entry's hash.
    pub hash: [u8; 32],
    /// The segment's number.
    pub segment: u32,
    /// Bytes into the segment.
    pub offset: u64,
}

/// Where the segments of the store in `folder` are.
pub fn folder_of(store: &Path) -> PathBuf {
    store.join("journal")
}

/// The file of a segment.
pub fn segment_path(store: &Path, number: u32) -> PathBuf {
    folder_of(store).join(format!("{number:08}.log"))
}

/// The numbers of the segments that are there, in order.
pub fn segments(store: &Path) -> Result<Vec<u32>, StoreError> {
    let folder = folder_of(store);
    let mut numbers = Vec::new();
    for file in std::fs::read_dir(&folder).map_err(StoreError::file("list", &folder))? {
        let name = file.map_err(StoreError::file("list", &folder))?.file_name();
        if let Some(number) = name.to_str().and_then(|name| name.strip_suffix(".log")?.parse().ok()) {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// How many bytes the segments have together.
pub fn bytes(store: &Path) -> Result<u64, StoreError> {
    let size = |number| {
        let path = segment_path(store, number);
        std::fs::metadata(&path).map(|segment| segment.len()).map_err(StoreError::file("look at", &path))
    };
    segments(store)?.into_iter().map(size).sum()
}

/// The hash that the next entry carries.
pub fn hash(payload: &[u8]) -> [u8; 32] {
    Sha256::digest(payload).into()
}

#[cfg(test)]
mod tests;
