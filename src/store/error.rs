//! What can go wrong with the store.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of the store; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder could not be used.
    #[error("cannot {act} {}: {source}{}", path.display(), advice(source))]
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
    /// The file that holds the keys is not as it was written.
    #[error("{} cannot be used ({why}), and without it nothing sealed opens; put it back from a copy of the store, together with the copy's data.key if it has one", path.display())]
    Keyring {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No key slot opens.
    #[error("the store in {} is locked, and nothing here opens it. It opens with {how}", folder.display())]
    Locked {
        /// The data directory.
        folder: PathBuf,
        /// The slots and what each needs.
        how: String,
    },
    /// A passphrase that is none.
    #[error("this passphrase opens no slot of the store in {}; nothing was changed", folder.display())]
    Passphrase {
        /// The data directory.
        folder: PathBuf,
    },
    /// A change of the key slots that is not done.
    #[error("{why}")]
    Slot {
        /// Why, and what to do.
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
    /// What an entry expects is not there: somebody else was first. Nothing of the entry is written.
    #[error("somebody else changed the same record of the table `{table}` at the same moment; look again")]
    Moved {
        /// The table.
        table: &'static str,
    },
    /// The index failed and could not be opened again: nothing is written before it can.
    #[error(
        "the store writes nothing since its index failed ({why}), and it cannot be opened again ({now}); make room on its disk, or mend what that says: each write tries again, and so does a start of noctule"
    )]
    Stopped {
        /// What failed first.
        why: String,
        /// What stands in the way now.
        now: String,
    },
    /// The index failed and is away until it can be opened again, which is tried every second.
    #[error(
        "the store's index failed and is being opened again: nothing can be read until it is; `noctule doctor` says why it failed"
    )]
    Away,
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

    /// The same error, for another one who waits for the same write.
    pub(super) fn told_again(&self) -> Self {
        match self {
            Self::File { act, path, source } => Self::File {
                act,
                path: path.clone(),
                source: io::Error::new(source.kind(), source.to_string()),
            },
            Self::Stopped { why, now } => Self::Stopped { why: why.clone(), now: now.clone() },
            other => Self::Stopped { why: other.to_string(), now: "see there".into() },
        }
    }

    /// Whether the disk is full.
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull)
    }
}

/// What to do where a whole part of the file system is closed.
fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::ReadOnlyFilesystem => {
            "; the service of a host writes to its own folders alone: `systemctl edit noctule.service` gives it one more \
             ([Service], ReadWritePaths=FOLDER)"
        }
        _ => "",
    }
}
