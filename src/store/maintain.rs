//! `store verify|rebuild`: work on a store as a whole.

use std::fs;
use std::path::Path;

use super::lock::OwnerLock;
use super::{OpenReport, Recording, Store, StoreError, TerminalRecording, Unlock, index, journal};
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
                advice: "the index still holds what the lost entries said; make a backup now: `noctule store backup`".into(),
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
    for (key, recording) in store.scan::<TerminalRecording>(&[])? {
        match store.blobs().get_sealed(&recording.body) {
            Ok(_) => report.bodies += 1,
            Err(error) => report.findings.push(Finding {
                what: format!("terminal {} of device {}: {error}", key.1, key.0.0),
                advice:
                    "restore the file from a backup of the store; without it that session cannot be played"
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
    rebuild_with(folder, &Unlock::default(), now)
}

/// The same of a store whose keys are opened by what a person has said.
///
/// # Errors
/// As [`rebuild`]; also when no key slot opens.
pub fn rebuild_with(folder: &Path, unlock: &Unlock, now: Timestamp) -> Result<OpenReport, StoreError> {
    {
        let _lock = OwnerLock::take(folder, now)?;
        let old = index::folder_of(folder);
        if old.exists() {
            fs::remove_dir_all(&old).map_err(StoreError::file("remove", &old))?;
        }
    }
    Store::open_with(folder, unlock, now).map(|(_, report)| report)
}

/// The end of the journal of a store that nobody has open, as its index knows it; `None` where there is no index.
///
/// # Errors
/// The store is in use, or its index does not open.
pub fn closed_head(folder: &Path, now: Timestamp) -> Result<Option<journal::Position>, StoreError> {
    let _lock = OwnerLock::take(folder, now)?;
    index::closed_head(folder, now)
}
