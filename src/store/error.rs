//! What can go wrong with the store.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of the store; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder could not be used.
    #[error("cannot {act} {}: {source}", path.display())]
    File {
        /// What was being done: `write`.
        act: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Somebody else has the store open.
    #[error("the store in {} is in use by {holder}; attach to that process or end it", folder.display())]
    InUse {
        /// The data directory.
        folder: PathBuf,
        /// Process, host and since when.
        holder: String,
    },
    /// Written by a newer noctule.
    #[error("the store in {} has format {found}, this noctule knows up to {known}; use a newer noctule, or restore an older backup", folder.display())]
    TooNew {
        /// The data directory.
        folder: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// The key of the sealed secrets is not there.
    #[error("{} is missing or damaged ({why}), and the store holds sealed secrets; put the file back from a backup of the store", path.display())]
    Key {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A secret does not open.
    #[error(
        "the secret of {place} does not open: it was sealed for another place or under another key, or is damaged; set it again"
    )]
    Unseal {
        /// Where it belongs.
        place: String,
    },
    /// Bytes that do not match their checksum, or make no sense.
    #[error(
        "{what} is damaged ({why}); run `noctule store verify`, then `noctule store rebuild` or restore a backup"
    )]
    Damaged {
        /// Which record, body or file.
        what: String,
        /// How it was noticed.
        why: String,
    },
    /// The entry is larger than the journal takes.
    #[error("an entry of {bytes} bytes is larger than the journal takes ({limit} bytes)")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The store is closing.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// For `map_err`: an error of `act` on `path`.
    pub(super) fn file(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { act, path, source }
    }

    /// Whether the disk is full.
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull)
    }
}
