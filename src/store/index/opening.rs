//! How the index comes up: as it lies there, brought up to the journal's end; or made anew from the journal.

use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::{FOLDER, Index, aside, contained, quietly};
use crate::model::Timestamp;
use crate::store::journal::{self, Damage, Position};
use crate::store::{OpenReport, StoreError, files};

const CACHE: u64 = 32 << 20;

/// Opens the index of the store in `folder`, brings it up to the journal's end, and says where that is.
pub fn open(folder: &Path, now: Timestamp, report: &mut OpenReport) -> Result<(Index, Position), StoreError> {
    files::make_private_folder(&journal::folder_of(folder))?;
    if let Some(index) = open_as_it_is(folder, now, report)? {
        index.refuse_lost_entries(folder)?;
        match index.catch_up(folder, report) {
            Ok(end) => {
                aside::remove_old(folder, report);
                return Ok((index, end));
            }
            Err(error) => report.notes.push(format!("the index does not follow the journal: {error}")),
        }
    }
    let (index, end) = rebuild(folder, now, report)?;
    aside::remove_old(folder, report);
    // it was just made from the journal
    *index.past() = Some(Vec::new());
    Ok((index, end))
}

/// Moves what is there aside and makes the index anew from the journal.
fn rebuild(folder: &Path, now: Timestamp, report: &mut OpenReport) -> Result<(Index, Position), StoreError> {
    let path = folder.join(FOLDER);
    if path.exists() {
        aside::move_aside(folder, now, report)?;
    }
    let index = Index::new(folder, now, open_sled(&path)?);
    let end = index.catch_up(folder, report)?;
    Ok((index, end))
}

/// The index, if it opens and its tables are what its mark says.
fn open_as_it_is(
    folder: &Path,
    now: Timestamp,
    report: &mut OpenReport,
) -> Result<Option<Index>, StoreError> {
    let path = folder.join(FOLDER);
    let existed = path.exists();
    match open_sled(&path) {
        Ok(tree) => {
            let index = Index::new(folder, now, tree);
            match index.check_and_keep_present() {
                Ok(()) => Ok(Some(index)),
                Err(why) => {
                    if existed {
                        report.notes.push(not_as_it_should_be(&why));
                    }
                    Ok(None)
                }
            }
        }
        // A full disk says nothing about the index: moving it aside would only take more room.
        Err(error @ (StoreError::InUse { .. } | StoreError::File { .. })) => Err(error),
        Err(error) => {
            report.notes.push(format!("the index does not open: {error}"));
            Ok(None)
        }
    }
}

/// The end of the journal as the index of a closed store knows it; `None` where there is no index.
pub fn closed_head(folder: &Path, now: Timestamp) -> Result<Option<Position>, StoreError> {
    let path = folder.join(FOLDER);
    if !path.exists() {
        return Ok(None);
    }
    let index = Index::new(folder, now, open_sled(&path)?);
    let mark = contained(|| index.mark().map_err(|why| index.broken(why)))?;
    Ok(mark.map(|mark| mark.end))
}

pub(super) fn not_as_it_should_be(why: &str) -> String {
    format!("the index is not what it should be: {why}")
}

/// Opens sled; its panics on damaged files stay here.
fn open_sled(path: &Path) -> Result<sled::Db, StoreError> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let opened = quietly(|| sled::Config::new().path(path).cache_capacity(CACHE).open());
        match opened {
            Some(Ok(tree)) => {
                protect(path);
                return Ok(tree);
            }
            // sled lets go of its lock some time after the last handle is dropped.
            Some(Err(sled::Error::Io(error))) if error.to_string().contains("acquire lock") => {
                if Instant::now() > deadline {
                    let holder = "a process that does not hold the owner lock".into();
                    return Err(StoreError::InUse { folder: path.to_owned(), holder });
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Some(Err(sled::Error::Io(error))) if is_no_room(&error) => {
                return Err(StoreError::file("open", path)(error));
            }
            Some(Err(error)) => return Err(damaged_index(path, error.to_string())),
            None => return Err(damaged_index(path, "sled gave up on its files".into())),
        }
    }
}

fn is_no_room(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

fn damaged_index(path: &Path, why: String) -> StoreError {
    StoreError::Damaged { what: path.display().to_string(), why }
}

/// sled makes its files for everybody to read.
fn protect(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700));
}

impl Index {
    /// Another index from the journal, in the place of this one.
    pub(super) fn rebuild_in_place(&self, report: &mut OpenReport) -> Result<(), StoreError> {
        let (anew, _) = rebuild(&self.folder, self.opened, report)?;
        self.replace_by(&anew);
        Ok(())
    }

    /// Opens the index once more: sled ends for good at the first error of its disk. Every table is checked, and the
    /// journal must not end before `least`, which was acknowledged.
    pub fn open_again(&self, least: &Position) -> Result<(Position, Vec<String>), StoreError> {
        let mut past = self.past();
        self.forget_read_ahead();
        drop(self.tree.write().unwrap_or_else(PoisonError::into_inner).take());
        let mut report = OpenReport::default();
        let (mut anew, mut end) = open(&self.folder, self.opened, &mut report)?;
        if let Err(why) = anew.check() {
            report.notes.push(not_as_it_should_be(&why));
            drop(anew);
            (anew, end) = rebuild(&self.folder, self.opened, &mut report)?;
        }
        if end.seq < least.seq {
            return Err(self.broken(format!("its journal ends at entry {} of {}", end.seq, least.seq)));
        }
        self.replace_by(&anew);
        *past = Some(Vec::new());
        Ok((end, report.notes))
    }

    fn replace_by(&self, anew: &Self) {
        let tree = anew.tree.write().unwrap_or_else(PoisonError::into_inner).take();
        *self.tree.write().unwrap_or_else(PoisonError::into_inner) = tree;
    }

    /// Applies what the journal has beyond the mark; the journal's end.
    fn catch_up(&self, folder: &Path, report: &mut OpenReport) -> Result<Position, StoreError> {
        const GROUP: usize = 4096;
        let mark = self.mark().map_err(|why| self.broken(why))?.unwrap_or_default();
        let begin = mark.end.clone();
        let mut scan = journal::scan_from(folder, begin.clone())?;
        let mut end = begin.clone();
        let mut changes = Vec::new();
        while let Some(found) = scan.next() {
            match found? {
                Ok(record) => {
                    changes.extend(record.changes);
                    end = scan.position();
                }
                Err(damage) => report.notes.push(describe(&damage)),
            }
            if changes.len() >= GROUP {
                contained(|| self.apply_all(std::mem::take(&mut changes), &end))?;
            }
        }
        // Entries behind a damaged stretch stay where they are: new ones go behind the last whole one.
        if end != begin {
            contained(|| self.apply_all(changes, &end))?;
        }
        Ok(end)
    }

    /// An index that is ahead of its journal means that journal files are missing: the store would begin with less
    /// than it held, and number entries twice.
    fn refuse_lost_entries(&self, folder: &Path) -> Result<(), StoreError> {
        let end = self.mark().map_err(|why| self.broken(why))?.unwrap_or_default().end;
        let segment = journal::segment_path(folder, end.segment.max(1));
        let length = std::fs::metadata(&segment).map(|file| file.len()).unwrap_or(0);
        if end.seq > 0 && length < end.offset {
            return Err(StoreError::Damaged {
                what: segment.display().to_string(),
                why: format!("it ends before entry {}, which the index already holds", end.seq),
            });
        }
        Ok(())
    }
}

/// What an operator is told of a damaged stretch.
pub fn describe(damage: &Damage) -> String {
    let place = format!("{} at byte {}", damage.segment.display(), damage.offset);
    if damage.torn {
        format!(
            "the end of the journal is cut off or damaged in {place}, {} bytes ({}): after a crash nobody had been told of it, otherwise restore a backup",
            damage.bytes, damage.why
        )
    } else {
        format!(
            "the journal is damaged in {place}, {} bytes ({}); restore a backup to have them back",
            damage.bytes, damage.why
        )
    }
}
