//! The present, in sled: what the journal comes to. It can always be thrown away.
//!
//! All tables lie in one sled tree, so that a group of entries, the mark of how far the journal is applied, and the
//! tables' checksums change in one atomic batch. sled 0.34 loses and invents data silently when its files are
//! damaged; the checksums notice that, and the index is then rebuilt.
//!
//! The tables of the present are checked before the index opens. Those of the past grow without end: they are checked
//! behind the first frame, and whoever asks for them, or writes, waits until that is done.

mod aside;
mod check;
mod opening;
mod remembered;

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use sled::{Batch, IVec};

pub use aside::kept_aside;
pub use opening::{closed_head, describe, open};

use super::journal::{Change, Position};
use super::record::{self, Key, Record, damaged};
use super::{OpenReport, StoreError};
use crate::model::Timestamp;
use check::{Part, Raw, Sums, part_of};

const MARK: &[u8] = b"\0mark";
const FOLDER: &str = "index";

/// The sled tree and what is in it.
pub struct Index {
    folder: PathBuf,
    opened: Timestamp,
    /// Another one after a rebuild; none while that goes on.
    tree: RwLock<Option<sled::Db>>,
    /// The tables of the present as their check has read them.
    read_ahead: Mutex<HashMap<String, Raw>>,
    /// What the check of the past found; nothing before it is done. Held while it goes on.
    past: Mutex<Option<Vec<String>>>,
    stopped: AtomicBool,
}

/// How far the journal is applied, and what the tables then come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    end: Position,
    sums: Sums,
}

impl Index {
    fn new(folder: &Path, opened: Timestamp, tree: sled::Db) -> Self {
        Self {
            folder: folder.to_owned(),
            opened,
            tree: RwLock::new(Some(tree)),
            read_ahead: Mutex::default(),
            past: Mutex::default(),
            stopped: AtomicBool::new(false),
        }
    }

    pub(super) fn tree(&self) -> Result<sled::Db, StoreError> {
        let tree = self.tree.read().unwrap_or_else(PoisonError::into_inner).clone();
        tree.ok_or(StoreError::Away)
    }

    /// Checks the past, unless that was done, and rebuilds the index if it is damaged. What there is to tell of it.
    pub fn settle(&self) -> Result<Vec<String>, StoreError> {
        let mut past = self.past();
        if let Some(notes) = &*past {
            return Ok(notes.clone());
        }
        self.tree()?;
        let mut report = OpenReport::default();
        if let Err(why) = self.check_part(Part::Past) {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(self.broken("it was closed".into()));
            }
            report.notes.push(opening::not_as_it_should_be(&why));
            self.rebuild_in_place(&mut report)?;
        }
        *past = Some(report.notes.clone());
        Ok(report.notes)
    }

    fn past(&self) -> MutexGuard<'_, Option<Vec<String>>> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a check that is going on: the store closes.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// See [`super::Store::get`].
    pub fn get<R: Record>(&self, key: &R::Key) -> Result<Option<R>, StoreError> {
        self.wait_for::<R>()?;
        let key = key.encode();
        let tree = self.tree()?;
        contained(|| {
            let found =
                tree.get(place(R::TABLE, &key)).map_err(|error| damaged::<R>(&key, error.to_string()))?;
            found.map(|bytes| read::<R>(&key, &bytes)).transpose()
        })
    }

    /// The bytes of a record as they were written; `None` where there is none.
    pub fn raw(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let tree = self.tree()?;
        contained(|| {
            let found = tree.get(place(table, key)).map_err(|error| self.broken(error.to_string()))?;
            let value = found.map(|bytes| record::without_checksum(&bytes).map(<[u8]>::to_vec));
            value.map(|value| value.ok_or_else(|| self.broken(format!("a record of `{table}`")))).transpose()
        })
    }

    /// See [`super::Store::scan`].
    pub fn scan<R: Record>(
        &self,
        prefix: &[u8],
        limit: usize,
        last_first: bool,
    ) -> Result<Vec<(R::Key, R)>, StoreError> {
        self.wait_for::<R>()?;
        if prefix.is_empty()
            && let Some(raw) = self.take_read_ahead::<R>()
        {
            let raw = raw.into_iter().map(|(place, bytes)| decoded(&place, &bytes));
            return if last_first { raw.rev().take(limit).collect() } else { raw.take(limit).collect() };
        }
        let tree = self.tree()?;
        let all = || tree.scan_prefix(place(R::TABLE, prefix));
        let record = |found: sled::Result<(IVec, IVec)>| {
            let (place, bytes) = found.map_err(|error| damaged::<R>(prefix, error.to_string()))?;
            decoded(&place, &bytes)
        };
        contained(|| {
            if last_first {
                all().rev().take(limit).map(record).collect()
            } else {
                all().take(limit).map(record).collect()
            }
        })
    }

    /// Up to where the journal is applied: all that was acknowledged lies before it.
    pub fn end(&self) -> Result<Position, StoreError> {
        contained(|| Ok(self.mark().map_err(|why| self.broken(why))?.unwrap_or_default().end))
    }

    /// Applies changes and moves the mark to `end`, all or nothing.
    pub fn apply(&self, changes: Vec<Change>, end: &Position) -> Result<(), StoreError> {
        self.settle()?;
        contained(|| self.apply_all(changes, end))
    }

    /// Whoever reads the past waits until it is checked.
    fn wait_for<R: Record>(&self) -> Result<(), StoreError> {
        if part_of(R::TABLE.as_bytes()) == Part::Past {
            self.settle()?;
        }
        Ok(())
    }

    fn apply_all(&self, changes: Vec<Change>, end: &Position) -> Result<(), StoreError> {
        self.forget_read_ahead();
        let tree = self.tree()?;
        let mut mark = self.mark().map_err(|why| self.broken(why))?.unwrap_or_default();
        let mut last: BTreeMap<Vec<u8>, (String, Option<Vec<u8>>)> = BTreeMap::new();
        for change in changes {
            let value = change.value.as_deref().map(record::with_checksum);
            last.insert(place(&change.table, &change.key), (change.table, value));
        }
        let mut batch = Batch::default();
        for (place, (table, value)) in last {
            let sum = mark.sums.entry(table).or_default();
            let old = tree.get(&place).map_err(|error| self.broken(error.to_string()))?;
            if let Some(old) = old {
                sum.take_out(&place, &old);
            }
            match value {
                Some(value) => {
                    sum.put_in(&place, &value);
                    batch.insert(place, value);
                }
                None => batch.remove(place),
            }
        }
        mark.end = end.clone();
        let mark = postcard::to_stdvec(&mark).unwrap_or_default();
        batch.insert(MARK, record::with_checksum(&mark));
        tree.apply_batch(batch).map_err(|error| self.broken(error.to_string()))
    }

    fn mark(&self) -> Result<Option<Mark>, String> {
        let tree = self.tree().map_err(|error| error.to_string())?;
        let Some(bytes) = tree.get(MARK).map_err(|error| error.to_string())? else { return Ok(None) };
        let value = record::without_checksum(&bytes).ok_or("the mark's checksum is wrong")?;
        postcard::from_bytes(value).map(Some).map_err(|error| error.to_string())
    }

    fn broken(&self, why: String) -> StoreError {
        StoreError::Damaged { what: "the index".into(), why }
    }
}

fn place(table: &str, key: &[u8]) -> Vec<u8> {
    [table.as_bytes(), b"\0", key].concat()
}

/// The record that lies at `place`, and its key.
fn decoded<R: Record>(place: &[u8], bytes: &[u8]) -> Result<(R::Key, R), StoreError> {
    let key = place.get(R::TABLE.len() + 1..).unwrap_or_default();
    let decoded = R::Key::decode(key).ok_or_else(|| damaged::<R>(key, "its key makes no sense"))?;
    Ok((decoded, read::<R>(key, bytes)?))
}

fn read<R: Record>(key: &[u8], bytes: &[u8]) -> Result<R, StoreError> {
    let value = record::without_checksum(bytes).ok_or_else(|| damaged::<R>(key, "its checksum is wrong"))?;
    record::decode(value).map_err(|why| damaged::<R>(key, why))
}

/// Runs what may panic on damaged files; `None` if it did.
fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

/// What reads or writes sled: a panic of its own on damaged files becomes an error.
fn contained<T>(run: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    quietly(run).unwrap_or_else(|| {
        Err(StoreError::Damaged { what: "the index".into(), why: "sled gave up on its files".into() })
    })
}

/// The folder of the index.
pub fn folder_of(store: &Path) -> PathBuf {
    store.join(FOLDER)
}
