//! `backup.json` in a copy: when it was made, and up to which entry of the journal.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::{BlobId, Timestamp};
use crate::store::journal::Position;
use crate::store::{StoreError, files};

/// The file's name.
pub const NAME: &str = "backup.json";

/// See the file's head.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the program.
    pub noctule: String,
    /// When the copy was made, RFC 3339.
    pub made: String,
    /// The last entry.
    pub entries: u64,
    /// Its hash, in hexadecimal.
    pub hash: String,
}

impl Manifest {
    /// Of a copy whose journal ends at `end`.
    pub fn new(end: &Position, now: Timestamp) -> Self {
        Self {
            noctule: env!("CARGO_PKG_VERSION").to_owned(),
            made: now.rfc3339(),
            entries: end.seq,
            hash: BlobId(end.hash).to_string(),
        }
    }

    /// Writes it into a copy.
    pub fn write(&self, copy: &Path) -> Result<(), StoreError> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        files::write_durably(&copy.join(NAME), text.as_bytes())
    }

    /// Reads it; `None` of a copy that has none: one of an older noctule, or made by hand.
    pub fn read(copy: &Path) -> Result<Option<Self>, StoreError> {
        let path = copy.join(NAME);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| StoreError::Damaged {
                what: path.display().to_string(),
                why: error.to_string(),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::file("read", &path)(error)),
        }
    }
}
