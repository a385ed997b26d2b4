//! `store verify|rebuild|backup|restore`: work on a store as a whole.

use std::fs;
use std::path::{Path, PathBuf};

use super::lock::OwnerLock;
use super::{OpenReport, Recording, Store, StoreError, files, index, journal, series};
use crate::model::{Revision, Timestamp};

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

/// What `store verify` found.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct VerifyReport {
    /// Entries of the journal that are whole and in their place.
    pub entries: u64,
    /// Bodies whose checksums are right.
    pub bodies: u64,
    /// Blocks of the pulse's samples whose checksums are right.
    pub sample_blocks: u64,
    /// What is not.
    pub findings: Vec<Finding>,
}

/// Reads everything: the journal from its beginning, the index against its checksums, every body that a record names.
///
/// # Errors
/// The store cannot be opened at all.
pub fn verify(store: &Store) -> Result<VerifyReport, StoreError> {
    let mut report = VerifyReport::default();
    for found in store.journal(0)? {
        match found? {
            Ok(_) => report.entries += 1,
            Err(damage) => report.findings.push(Finding {
                what: index::describe(&damage),
                advice: "the index still holds what the lost entries said; make a backup now: `noctule store backup DIR`".into(),
            }),
        }
    }
    if let Err(why) = store.0.index.check() {
        report.findings.push(Finding {
            what: format!("the index: {why}"),
            advice: "rebuild it from the journal: `noctule store rebuild`".into(),
        });
    }
    for (key, revision) in store.scan::<Revision>(&[])? {
        for (body, sealed) in [(&revision.exact, true), (&revision.normal, false)] {
            let read = if sealed { store.blobs().get_sealed(body) } else { store.blobs().get_plain(body) };
            match read {
                Ok(_) => report.bodies += 1,
                Err(error) => report.findings.push(Finding {
                    what: format!("revision {} of device {}: {error}", key.1, key.0.0),
                    advice: "restore the file from a backup of the store, or back the device up again".into(),
                }),
            }
        }
    }
    for (key, recording) in store.scan::<Recording>(&[])? {
        match store.blobs().get_sealed(&recording.body) {
            Ok(_) => report.bodies += 1,
            Err(error) => report.findings.push(Finding {
                what: format!("recording {} of device {}: {error}", key.1, key.0.0),
                advice:
                    "restore the file from a backup of the store; without it that session cannot be replayed"
                        .into(),
            }),
        }
    }
    Ok(report)
}

/// Throws the index away and makes it anew from the journal; what that had to say.
///
/// # Errors
/// The store is in use, or the journal cannot be read.
pub fn rebuild(folder: &Path, now: Timestamp) -> Result<OpenReport, StoreError> {
    {
        let _lock = OwnerLock::take(folder, now)?;
        let old = index::folder_of(folder);
        if old.exists() {
            fs::remove_dir_all(&old).map_err(StoreError::file("remove", &old))?;
        }
    }
    Store::open(folder, now).map(|(_, report)| report)
}

/// The end of the journal of a store that nobody has open, as its index knows it; `None` where there is no index.
///
/// # Errors
/// The store is in use, or its index does not open.
pub fn closed_head(folder: &Path, now: Timestamp) -> Result<Option<journal::Position>, StoreError> {
    let _lock = OwnerLock::take(folder, now)?;
    index::closed_head(folder, now)
}

/// Copies a store that is open and being written to. The copy is whole: the journal is copied first and only what
/// it holds counts; bodies are on disk before the journal names them; the index is left to be rebuilt.
///
/// # Errors
/// `to` exists, or a disk error.
pub fn backup(store: &Store, to: &Path) -> Result<(), StoreError> {
    let from = store.folder();
    make_new_folder(to)?;
    copy_tree(&journal::folder_of(from), &journal::folder_of(to))?;
    copy_tree(&from.join("objects"), &to.join("objects"))?;
    for name in ["data.key", "format"] {
        copy_file(&from.join(name), &to.join(name))?;
    }
    if let Some(samples) = series::Folder::existing(&from.join(series::FOLDER)) {
        samples.copy(&to.join(series::FOLDER))?;
    }
    files::sync_folder(to)
}

/// Makes the store in `folder` from a backup; what was there is moved aside, and its place is the answer.
///
/// # Errors
/// The store is in use; the backup does not open; a disk error.
pub fn restore(from: &Path, folder: &Path, now: Timestamp) -> Result<Option<PathBuf>, StoreError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let fresh = folder.with_file_name(format!("{name}.restored-{}", now.0));
    make_new_folder(&fresh)?;
    copy_closed_into(from, &fresh)?;
    // Proves that it opens before anything is moved.
    drop(Store::open(&fresh, now)?);
    let aside = if folder.exists() {
        let _lock = OwnerLock::take(folder, now)?;
        let aside = folder.with_file_name(format!("{name}.before-restore-{}", now.0));
        fs::rename(folder, &aside).map_err(StoreError::file("move aside", folder))?;
        Some(aside)
    } else {
        None
    };
    fs::rename(&fresh, folder).map_err(StoreError::file("put in place", folder))?;
    Ok(aside)
}

/// Copies a store that nobody has open, all of it but the index.
pub fn copy_closed(from: &Path, to: &Path) -> Result<(), StoreError> {
    make_new_folder(to)?;
    copy_closed_into(from, to)
}

fn copy_closed_into(from: &Path, to: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(from).map_err(StoreError::file("list", from))? {
        let entry = entry.map_err(StoreError::file("list", from))?;
        let (path, name) = (entry.path(), entry.file_name());
        let kept = name.to_str().is_some_and(|name| !name.starts_with("index") && name != "owner.lock");
        if kept && path.is_dir() {
            copy_tree(&path, &to.join(&name))?;
        } else if kept {
            copy_file(&path, &to.join(&name))?;
        }
    }
    files::sync_folder(to)
}

fn make_new_folder(folder: &Path) -> Result<(), StoreError> {
    if folder.exists() {
        let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(StoreError::file("make", folder)(exists));
    }
    files::make_private_folder(folder)
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), StoreError> {
    files::make_private_folder(to)?;
    for entry in fs::read_dir(from).map_err(StoreError::file("list", from))? {
        let path = entry.map_err(StoreError::file("list", from))?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_tree(&path, &target)?;
        } else if !path.extension().is_some_and(|ending| ending.to_string_lossy().starts_with("tmp-")) {
            copy_file(&path, &target)?;
        }
    }
    files::sync_folder(to)
}

fn copy_file(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::copy(from, to).and_then(|_| fs::File::open(to)?.sync_all()).map_err(StoreError::file("copy", from))
}
