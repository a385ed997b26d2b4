//! Damaged indexes that were moved aside, for whoever wants to find out what happened. They are never needed again, so
//! only the newest two are kept.

use std::fs;
use std::path::{Path, PathBuf};

use super::FOLDER;
use crate::model::Timestamp;
use crate::store::{OpenReport, StoreError};

const PREFIX: &str = "index.damaged-";
const KEPT: usize = 2;

/// The damaged indexes beside the store's own, oldest first.
///
/// # Errors
/// The store's folder cannot be read.
pub fn kept_aside(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(StoreError::file("list", folder))? {
        let path = entry.map_err(StoreError::file("list", folder))?.path();
        found.extend(age(&path).map(|age| (age, path)));
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The milliseconds and the number in `index.damaged-MILLISECONDS[-NUMBER]`.
fn age(path: &Path) -> Option<(i64, u32)> {
    let rest = path.file_name()?.to_str()?.strip_prefix(PREFIX)?;
    match rest.split_once('-') {
        Some((at, number)) => Some((at.parse().ok()?, number.parse().ok()?)),
        None => Some((rest.parse().ok()?, 0)),
    }
}

/// Moves the index aside.
pub(super) fn move_aside(folder: &Path, now: Timestamp, report: &mut OpenReport) -> Result<(), StoreError> {
    let path = folder.join(FOLDER);
    let aside = unused(folder, &format!("{PREFIX}{}", now.0.max(0)));
    fs::rename(&path, &aside).map_err(StoreError::file("move aside", &path))?;
    report.notes.push(format!(
        "the index was damaged: it is kept in {} and was rebuilt from the journal",
        aside.display()
    ));
    Ok(())
}

/// Removes all but the newest ones. What cannot be removed is no reason to refuse the store.
pub(super) fn remove_old(folder: &Path, report: &mut OpenReport) {
    let kept = kept_aside(folder).unwrap_or_default();
    for old in &kept[..kept.len().saturating_sub(KEPT)] {
        report.notes.push(match fs::remove_dir_all(old) {
            Ok(()) => format!("{}, an old damaged index, was removed", old.display()),
            Err(error) => format!("{} is of no use any more, and cannot be removed: {error}", old.display()),
        });
    }
}

/// A path in `folder` that nothing has yet.
fn unused(folder: &Path, name: &str) -> PathBuf {
    let numbered =
        |number: u32| if number == 0 { folder.join(name) } else { folder.join(format!("{name}-{number}")) };
    (0..).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| folder.join(name))
}
