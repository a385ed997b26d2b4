//! What is kept: the journal (truth), the sled index (the present, rebuilt whenever it is in doubt), bodies named by
//! their content, and the seal that keeps secrets closed.
//!
//! A change goes: journal, on disk → index → answer. See DESIGN.md, decision 6.

mod blobs;
mod checker;
mod error;
mod files;
mod format;
mod index;
mod journal;
mod keys;
mod lock;
mod maintain;
mod record;
mod records;
mod seal;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::oneshot;

pub use blobs::Blobs;
pub use error::StoreError;
pub use journal::{Change, Damage, JournalRecord, JournalScan};
pub use keys::KeyRing;
pub use maintain::{Finding, VerifyReport, backup, rebuild, restore, verify};
pub use record::{Entry, Key, Record};
pub use records::{HostKey, HostKeyPlace, Recording, RecordingKey, RevisionKey, RunKey, Setting};
pub use seal::{Fingerprinter, Seal};

use crate::model::{Sealed, Secret, Timestamp};
use checker::Checker;
use index::Index;
use lock::OwnerLock;
use writer::Writer;

/// The store of one data directory. Cheap to clone; the last clone to go closes it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    // Fields are dropped in this order: no write after the index is closed, no other owner before all is.
    writer: Writer,
    checker: Checker,
    index: Arc<Index>,
    blobs: Blobs,
    seal: Seal,
    folder: PathBuf,
    _lock: OwnerLock,
}

/// What opening had to do, in sentences for the event log. Empty after a clean shutdown.
#[derive(Clone, Debug, Default)]
pub struct OpenReport {
    /// One sentence each.
    pub notes: Vec<String>,
}

impl Store {
    /// Whether there is one in `folder`: looks, and makes nothing.
    pub fn is_in(folder: &Path) -> bool {
        format::stands(folder)
    }

    /// Opens the store in `folder`, and makes it where there is none.
    ///
    /// # Errors
    /// Another process owns it; the format is newer; the key is missing; a disk error.
    pub fn open(folder: &Path, now: Timestamp) -> Result<(Self, OpenReport), StoreError> {
        let mut report = OpenReport::default();
        files::make_private_folder(folder)?;
        let lock = OwnerLock::take(folder, now)?;
        format::prepare(folder, now, &mut report)?;
        let keys = KeyRing::load_or_make(folder)?;
        let seal = Seal::new(&keys);
        let blobs = Blobs::open(folder, &keys)?;
        let (index, tail) = index::open(folder, now, &mut report)?;
        let index = Arc::new(index);
        let writer = Writer::start(folder, tail, Arc::clone(&index))?;
        let checker = Checker::start(folder, Arc::clone(&index))?;
        let inner = Inner { writer, checker, index, blobs, seal, folder: folder.to_owned(), _lock: lock };
        Ok((Self(Arc::new(inner)), report))
    }

    /// Writes an entry: durable and visible to readers before this returns its number.
    ///
    /// # Errors
    /// The disk refuses it. Nothing of the entry is then visible.
    pub async fn commit(&self, entry: Entry) -> Result<u64, StoreError> {
        self.0.writer.commit(entry).await
    }

    /// [`Store::commit`] for a thread that may block.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn commit_blocking(&self, entry: Entry) -> Result<u64, StoreError> {
        self.0.writer.commit_blocking(entry)
    }

    /// The record under `key`.
    ///
    /// # Errors
    /// The record is damaged.
    pub fn get<R: Record>(&self, key: &R::Key) -> Result<Option<R>, StoreError> {
        self.0.index.get(key)
    }

    /// The records whose encoded keys begin with `prefix`, in order.
    ///
    /// # Errors
    /// A record is damaged.
    pub fn scan<R: Record>(&self, prefix: &[u8]) -> Result<Vec<(R::Key, R)>, StoreError> {
        self.0.index.scan(prefix, usize::MAX, false)
    }

    /// The last `limit` records whose encoded keys begin with `prefix`, the last one first.
    ///
    /// # Errors
    /// A record is damaged.
    pub fn scan_last<R: Record>(&self, prefix: &[u8], limit: usize) -> Result<Vec<(R::Key, R)>, StoreError> {
        self.0.index.scan(prefix, limit, true)
    }

    /// What the check of the past, which goes on behind the opening, had to say; only the first caller gets it.
    pub fn late_notes(&self) -> Option<oneshot::Receiver<Vec<String>>> {
        self.0.checker.notes()
    }

    /// The bodies.
    pub fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    /// Seals a secret for `place`, such as `device/17/password`; it opens nowhere else.
    pub fn seal(&self, place: &str, clear: &Secret) -> Sealed {
        self.0.seal.seal(place, clear)
    }

    /// Opens a sealed secret.
    ///
    /// # Errors
    /// It was sealed for another place, under another key, or is damaged.
    pub fn unseal(&self, place: &str, sealed: &Sealed) -> Result<Secret, StoreError> {
        self.0.seal.unseal(place, sealed)
    }

    /// What names secrets without telling them.
    pub fn fingerprinter(&self) -> Fingerprinter {
        self.0.seal.fingerprinter()
    }

    /// Reads the journal from entry `from` on: the audit trail.
    ///
    /// # Errors
    /// A segment cannot be read.
    pub fn journal(&self, from: u64) -> Result<JournalScan, StoreError> {
        journal::scan(&self.0.folder, from)
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }
}

#[cfg(test)]
mod tests;
