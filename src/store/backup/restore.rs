//! A copy takes the store's place: checked as a whole before, what was there kept beside.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::copy::{Copier, make_private};
use super::manifest::Manifest;
use crate::model::Timestamp;
use crate::store::lock::OwnerLock;
use crate::store::{Store, StoreError, Unlock, VerifyReport, files, format, series, verify};

/// What was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Where the store that was there before lies now.
    pub before: Option<PathBuf>,
    /// What the copy was found to hold, damage included.
    pub report: VerifyReport,
}

/// Makes the store in `folder` from the copy `from`, which stays as it is. Everything in it is read and checked first; what
/// was in `folder` is moved aside, but for the copies in it, which stay where they are.
///
/// # Errors
/// The store is in use; the copy is none, or is damaged and `also_damaged` is false; a disk error. The store is then as it
/// was.
pub fn restore(
    from: &Path,
    folder: &Path,
    now: Timestamp,
    also_damaged: bool,
) -> Result<Restored, StoreError> {
    restore_with(from, folder, &Unlock::default(), now, also_damaged)
}

/// The same of a copy whose keys are opened by what a person has said.
///
/// # Errors
/// As [`restore`]; also when no key slot of the copy opens.
pub fn restore_with(
    from: &Path,
    folder: &Path,
    unlock: &Unlock,
    now: Timestamp,
    also_damaged: bool,
) -> Result<Restored, StoreError> {
    if !format::stands(from) {
        let what = from.display().to_string();
        return Err(StoreError::Damaged { what, why: "it is no copy of a store".into() });
    }
    // held to the end: nobody may open what is about to be moved
    let _lock = folder.exists().then(|| OwnerLock::take(folder, now)).transpose()?;
    let fresh = beside(folder, "restoring", now);
    let checked = copy_and_check(from, &fresh, unlock, now, also_damaged);
    let report = match checked {
        Ok(report) => report,
        Err(error) => {
            let _ = fs::remove_dir_all(&fresh);
            return Err(error);
        }
    };
    let before = put_in_place(&fresh, folder, now)?;
    if let Some(before) = &before {
        let copies = before.join(super::FOLDER);
        if copies.is_dir() {
            let place = folder.join(super::FOLDER);
            fs::rename(&copies, &place).map_err(StoreError::file("put back", &place))?;
        }
    }
    files::sync_folder(folder.parent().unwrap_or(Path::new(".")))?;
    Ok(Restored { before, report })
}

fn copy_and_check(
    from: &Path,
    fresh: &Path,
    unlock: &Unlock,
    now: Timestamp,
    also_damaged: bool,
) -> Result<VerifyReport, StoreError> {
    if fresh.exists() {
        let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(StoreError::file("make", fresh)(exists));
    }
    make_private(fresh)?;
    Copier::without_links(from, fresh).everything()?;
    files::sync_folder(fresh)?;
    let (store, _) = Store::open_with(fresh, unlock, now)?;
    let mut report = verify(&store)?;
    let end = store.0.index.end()?;
    drop(store);
    if let Some(manifest) = Manifest::read(from)?
        && manifest
            != (Manifest {
                noctule: manifest.noctule.clone(),
                made: manifest.made.clone(),
                ..Manifest::new(&end, now)
            })
    {
        let what =
            format!("its journal ends at entry {}, and was copied up to entry {}", end.seq, manifest.entries);
        report.findings.push(crate::store::Finding { what, advice: "take another copy".into() });
    }
    add_samples(fresh, &mut report)?;
    match report.findings.first() {
        Some(first) if !also_damaged => Err(StoreError::Damaged {
            what: format!("the copy {}", from.display()),
            why: match report.findings.len() {
                1 => first.what.clone(),
                several => format!("{}, and {} more", first.what, several - 1),
            },
        }),
        _ => Ok(report),
    }
}

/// Checks the samples of the pulse.
fn add_samples(store: &Path, report: &mut VerifyReport) -> Result<(), StoreError> {
    let Some(samples) = series::Folder::existing(&store.join(series::FOLDER)) else { return Ok(()) };
    for name in samples.segments()? {
        let segment = samples.open_segment(name)?;
        let mut whole = 0;
        let damaged = segment.each(|_, _, _| whole += 1)?;
        report.sample_blocks += whole;
        if damaged > 0 || segment.damage().is_some() {
            report.findings.push(crate::store::Finding {
                what: format!("{} is damaged in {damaged} blocks", samples.path(name).display()),
                advice: "take another copy, or lose these samples".into(),
            });
        }
    }
    Ok(())
}

/// Moves `fresh` to `folder`; where what was there lies now.
fn put_in_place(fresh: &Path, folder: &Path, now: Timestamp) -> Result<Option<PathBuf>, StoreError> {
    let refused = || StoreError::file("put in place", folder);
    if !folder.exists() {
        return fs::rename(fresh, folder).map(|()| None).map_err(refused());
    }
    let aside = beside(folder, "before-restore", now);
    // at one blow: a power cut between two renames would leave no store, and the next start would make an empty one
    if renameat_with(CWD, fresh, CWD, folder, RenameFlags::EXCHANGE).is_ok() {
        fs::rename(fresh, &aside).map_err(StoreError::file("move aside", fresh))?;
        return Ok(Some(aside));
    }
    fs::rename(folder, &aside).map_err(StoreError::file("move aside", folder))?;
    if let Err(error) = fs::rename(fresh, folder) {
        let _ = fs::rename(&aside, folder);
        return Err(refused()(error));
    }
    Ok(Some(aside))
}

fn beside(folder: &Path, what: &str, now: Timestamp) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!("{name}.{what}-{}", now.0))
}
