//! What is kept: the journal (truth), the sled index (the present, rebuilt whenever it is in doubt), bodies named by
//! their content, and the seal that keeps secrets closed.
//!
//! A change goes: journal, on disk → index → answer. See DESIGN.md, decision 6.

pub mod backup;
mod blobs;
mod checker;
pub mod encoded;
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
pub mod series;
mod slots;
mod versions;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, watch};

pub use blobs::Blobs;
pub use error::StoreError;
#[cfg(test)]
pub use files::dying;
pub use journal::scan as journal_of;
pub use journal::{
    Anchor, ChainReport, Chained, Change, Damage, Flaw, FlawKind, JournalBack, JournalRecord, JournalScan,
    KnownEnd, Position, verify_chain,
};
pub use keys::{
    Added, CREDENTIAL, KeyShown, Keyring, KeysShown, NewSlot, Recipient, Renewing, Slot, SlotKind, Unlock,
};
pub use maintain::{Finding, VerifyReport, closed_head, rebuild, rebuild_with, verify};
pub use record::{Entry, Key, Record, decode};
pub use records::{
    HostKey, HostKeyPlace, Recording, RecordingKey, RevisionKey, RunKey, Setting, TerminalRecording,
};
pub use seal::{Fingerprinter, Seal, SealedBy};
pub use slots::keyring_in;
pub use writer::Health;

use crate::model::{Sealed, Secret, Timestamp};
use checker::Checker;
use index::Index;
use keys::Keys;
use lock::OwnerLock;
use versions::Versions;
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
    keys: Keys,
    seal: Arc<Seal>,
    folder: PathBuf,
    id: String,
    tell: mpsc::UnboundedSender<Vec<String>>,
    told: Mutex<Option<mpsc::UnboundedReceiver<Vec<String>>>>,
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
        Self::open_with(folder, &Unlock::default(), now)
    }

    /// The same, with what opens its keys where the files in its folder do not.
    ///
    /// # Errors
    /// As [`Store::open`]; also when no key slot opens, or the keyring is damaged.
    pub fn open_with(
        folder: &Path,
        unlock: &Unlock,
        now: Timestamp,
    ) -> Result<(Self, OpenReport), StoreError> {
        let mut report = OpenReport::default();
        files::make_private_folder(folder)?;
        let lock = OwnerLock::take(folder, now)?;
        let is_new = !format::stands(folder);
        format::prepare(folder, now, &mut report)?;
        let versions = Versions::read(folder, is_new, &mut report);
        let keys = Keys::open(folder, unlock)?;
        if let Some(renewing) = keys.shown().renewing {
            report.notes.push(format!(
                "a rotation of the store's key, begun by {} at {}, is not over: `noctule vault rotate` goes on with it",
                renewing.by,
                renewing.since.local()
            ));
        }
        let seal = keys.seal();
        let blobs = Blobs::open(folder, &keys)?;
        let (index, tail) = index::open(folder, now, &mut report)?;
        let index = Arc::new(index);
        let (tell, told) = mpsc::unbounded_channel();
        let writer = Writer::start(folder, tail, Arc::clone(&index), versions, tell.clone())?;
        let inner = Inner {
            writer,
            checker: Checker::new(folder, Arc::clone(&index)),
            index,
            blobs,
            seal,
            folder: folder.to_owned(),
            id: keys.id(),
            keys,
            tell,
            told: Mutex::new(Some(told)),
            _lock: lock,
        };
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

    /// Keeps `record` in the index alone: no entry of the journal, and gone when the index is made anew. For what changes
    /// often and is soon known again.
    ///
    /// # Errors
    /// The index does not take it.
    pub fn remember<R: Record>(&self, key: &R::Key, record: &R) -> Result<(), StoreError> {
        self.0.index.remember(key, record)
    }

    /// What [`Store::remember`] keeps under `key`.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn remembered<R: Record>(&self, key: &R::Key) -> Result<Option<R>, StoreError> {
        self.0.index.remembered(key)
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

    /// Begins the check of the past on a thread of its own, and hands over what the store has to say from now on: first
    /// what that check found, later what a failure of its disk did. Only the first caller gets it.
    ///
    /// # Errors
    /// No thread can be started; whoever reads the past then waits for the check.
    pub fn late_notes(&self) -> Result<Option<mpsc::UnboundedReceiver<Vec<String>>>, StoreError> {
        self.0.checker.begin(self.0.tell.clone())?;
        Ok(self.0.told.lock().unwrap_or_else(PoisonError::into_inner).take())
    }

    /// Whether the last write was taken: the reason why not, or nothing. A store that refuses tries again at every
    /// write.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.0.writer.health()
    }

    /// The damaged indexes that are kept aside, oldest first; of no use but to find out what happened.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn kept_aside(&self) -> Result<Vec<PathBuf>, StoreError> {
        index::kept_aside(&self.0.folder)
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

    /// The end of the journal: what was written last.
    pub fn head(&self) -> Position {
        self.0.writer.head()
    }

    /// How many bytes the journal has. Asks the disk.
    ///
    /// # Errors
    /// Its folder cannot be read.
    pub fn journal_bytes(&self) -> Result<u64, StoreError> {
        journal::bytes(&self.0.folder)
    }

    /// Reads the journal from its end backwards, and no more of it than is taken.
    ///
    /// # Errors
    /// The last segment cannot be read.
    pub fn journal_back(&self) -> Result<JournalBack, StoreError> {
        journal::back_from(&self.0.folder, &self.head())
    }

    /// What tells it from other stores: 8 hex digits, the same in every copy of it.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }
}

#[cfg(test)]
mod tests;
