//! Copies of a store: taken while it is open and written to, put in place when whole, brought back after a check.
//!
//! A copy is a store without its index: the journal up to an entry, every body, the samples of the pulse, the data key and
//! `backup.json`, which says up to which entry. Bodies, closed segments of the journal and the samples' files never change:
//! on one file system the copy shares them with the store (hard links), elsewhere with the copy before it.

mod copy;
mod manifest;
mod restore;
mod shelf;

use std::fs;
use std::path::{Path, PathBuf};

pub use restore::{Restored, restore, restore_with};
pub use shelf::{Kept, Shelf};

use super::{Store, StoreError, files, journal, series};
use crate::model::Timestamp;
use copy::Copier;
use journal::Position;
use manifest::Manifest;

/// The folder of the copies that are made by themselves, in the data folder.
pub const FOLDER: &str = "backups";

/// A copy that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where it is.
    pub folder: PathBuf,
    /// The last entry of the journal in it.
    pub entries: u64,
    /// Files in it that are shared with the store or with another copy.
    pub shared: u64,
    /// Bytes that were written for it.
    pub bytes: u64,
    /// What is damaged in the journal that was copied, a sentence each.
    pub damage: Vec<String>,
}

/// Copies an open store into the new folder `to`, which is there only when it is whole.
///
/// No body may be taken away meanwhile; what is written meanwhile is not in the copy.
///
/// # Errors
/// `to` exists; its file system lets others read it, or has not enough room; a disk error.
pub fn backup(store: &Store, to: &Path, now: Timestamp) -> Result<Copied, StoreError> {
    let end = store.0.index.end()?;
    copy_up_to(store.folder(), &end, to, None, now)
}

/// Copies an open store onto a shelf, under the name of the moment. What an unfinished copy left there is removed.
///
/// # Errors
/// As [`backup`].
pub fn backup_onto(store: &Store, shelf: &Shelf, now: Timestamp) -> Result<Copied, StoreError> {
    files::make_private_folder(shelf.folder())?;
    shelf.sweep()?;
    let before = shelf.kept()?.pop().map(|kept| kept.path);
    let end = store.0.index.end()?;
    copy_up_to(store.folder(), &end, &shelf.path(now), before.as_deref(), now)
}

/// Copies the store in `folder`, of which only what lies before `end` is copied of the journal, into `to`. Files that never
/// change may be shared with the copy `before`.
pub(super) fn copy_up_to(
    folder: &Path,
    end: &Position,
    to: &Path,
    before: Option<&Path>,
    now: Timestamp,
) -> Result<Copied, StoreError> {
    if to.symlink_metadata().is_ok() {
        let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(StoreError::file("make", to)(exists));
    }
    let unfinished = shelf::unfinished(to);
    match unfinished.symlink_metadata() {
        Ok(_) => fs::remove_dir_all(&unfinished).map_err(StoreError::file("remove", &unfinished))?,
        Err(_) => files::make_private_folder(to.parent().unwrap_or(Path::new(".")))?,
    }
    let made = fill(folder, end, &unfinished, before, now).and_then(|copied| {
        fs::rename(&unfinished, to).map_err(StoreError::file("put in place", to))?;
        files::sync_folder(to.parent().unwrap_or(Path::new(".")))?;
        Ok(Copied { folder: to.to_owned(), ..copied })
    });
    if made.is_err() {
        // a disk that is full has its room back
        let _ = fs::remove_dir_all(&unfinished);
    }
    made
}

fn fill(
    folder: &Path,
    end: &Position,
    to: &Path,
    before: Option<&Path>,
    now: Timestamp,
) -> Result<Copied, StoreError> {
    copy::make_private(to)?;
    let mut copier = Copier::new(folder, to, before);
    copy_journal(&mut copier, end)?;
    if let Some(samples) = series::Folder::existing(&folder.join(series::FOLDER)) {
        samples.copy_with(&to.join(series::FOLDER), |name, is_final| {
            copier.file(&Path::new(series::FOLDER).join(name), is_final)
        })?;
    }
    copier.rest()?;
    // after the bodies: the keys of whatever was sealed until then are in it
    copier.keys()?;
    Manifest::new(end, now).write(to)?;
    files::sync_folder(to)?;
    let damage = damage_in(to)?;
    Ok(Copied { folder: to.to_owned(), entries: end.seq, shared: copier.shared, bytes: copier.bytes, damage })
}

fn copy_journal(copier: &mut Copier, end: &Position) -> Result<(), StoreError> {
    let place = journal::folder_of(Path::new(""));
    copier.folder(&place)?;
    for number in journal::segments(copier.from())? {
        let segment = journal::segment_path(Path::new(""), number);
        match number.cmp(&end.segment) {
            std::cmp::Ordering::Less => copier.file(&segment, true)?,
            std::cmp::Ordering::Equal => copier.beginning(&segment, end.offset)?,
            // what is behind the end belongs to nobody yet
            std::cmp::Ordering::Greater => {}
        }
    }
    copier.close(&place)
}

/// What is damaged in a journal.
fn damage_in(store: &Path) -> Result<Vec<String>, StoreError> {
    let mut damage = Vec::new();
    for found in journal::scan(store, u64::MAX)? {
        if let Err(found) = found? {
            damage.push(super::index::describe(&found));
        }
    }
    Ok(damage)
}

/// Copies a store that nobody has open, all of it but the index and the copies in it. `to` is there only when it is whole.
pub(super) fn copy_closed(from: &Path, to: &Path) -> Result<(), StoreError> {
    let unfinished = shelf::unfinished(to);
    if unfinished.symlink_metadata().is_ok() {
        fs::remove_dir_all(&unfinished).map_err(StoreError::file("remove", &unfinished))?;
    }
    copy::make_private(&unfinished)?;
    let mut copier = Copier::new(from, &unfinished, None);
    copier.everything()?;
    files::sync_folder(&unfinished)?;
    fs::rename(&unfinished, to).map_err(StoreError::file("put in place", to))?;
    files::sync_folder(to.parent().unwrap_or(Path::new(".")))
}

#[cfg(test)]
mod tests;
