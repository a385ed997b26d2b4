//! Which layout of each record the store holds at the newest, and the copy that is taken before it gets a newer one: an
//! older noctule could not read what is written from then on.
//!
//! The file `records` has a line for each table, `device 2`, and ends with their checksum.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::journal::{Change, Position};
use super::{OpenReport, StoreError, backup, files};
use crate::model::Timestamp;

const NAME: &str = "records";
/// What the last line begins with.
const CHECKSUM: &str = "checksum ";

/// See the file's head.
pub struct Versions {
    folder: PathBuf,
    /// `None` in a store that was written to by a noctule which did not note it.
    newest: Option<BTreeMap<String, u8>>,
}

impl Versions {
    /// Reads the file of the store in `folder`. One that is damaged is made anew with the next entry, after a copy of the
    /// store; that is told.
    pub fn read(folder: &Path, is_new: bool, report: &mut OpenReport) -> Self {
        let path = folder.join(NAME);
        let newest = match fs::read(&path) {
            Ok(bytes) => {
                let newest = parse(&bytes);
                if newest.is_none() {
                    let path = path.display();
                    report.notes.push(format!(
                        "{path} is damaged: it is made anew, and the store is copied before it is written to"
                    ));
                }
                newest
            }
            Err(_) => is_new.then(BTreeMap::new),
        };
        Self { folder: folder.to_owned(), newest }
    }

    /// Notes what is about to be written, and takes a copy of the store first where records of a table become newer. Where
    /// that copy is, if one was taken.
    ///
    /// # Errors
    /// The copy cannot be taken, or the file not be written: then nothing may be written.
    pub fn before<'a>(
        &mut self,
        changes: impl Iterator<Item = &'a Change>,
        end: &Position,
        now: Timestamp,
    ) -> Result<Option<PathBuf>, StoreError> {
        let known = self.newest.as_ref();
        let mut fresh: BTreeMap<String, u8> = BTreeMap::new();
        for change in changes {
            let Some(&version) = change.value.as_ref().and_then(|value| value.first()) else { continue };
            let is_newer =
                |newest: &BTreeMap<String, u8>| newest.get(&change.table).is_none_or(|old| *old < version);
            if known.is_none_or(is_newer) && is_newer(&fresh) {
                fresh.insert(change.table.clone(), version);
            }
        }
        if fresh.is_empty() {
            return Ok(None);
        }
        let upgraded = known.map(|known| fresh.iter().find(|(table, _)| known.contains_key(*table)));
        let name = match upgraded {
            // records of a new kind: an older noctule passes over them
            Some(None) => None,
            Some(Some((table, version))) => Some(format!("before-{table}-{version}-{}", now.0)),
            None => Some(format!("before-upgrade-{}", now.0)),
        };
        // an empty journal holds nothing that could be lost
        let copy = name.filter(|_| end.seq > 0).map(|name| self.folder.join(backup::FOLDER).join(name));
        if let Some(copy) = &copy {
            backup::copy_up_to(&self.folder, end, copy, None, now)?;
        }
        let newest = self.newest.get_or_insert_default();
        let mut next = newest.clone();
        next.extend(fresh);
        files::write_durably(&self.folder.join(NAME), written(&next).as_bytes())?;
        *newest = next;
        Ok(copy)
    }
}

/// The file as it stands: a line for each table, and their checksum.
fn written(newest: &BTreeMap<String, u8>) -> String {
    let lines: String = newest.iter().map(|(table, version)| format!("{table} {version}\n")).collect();
    let checksum = crc32fast::hash(lines.as_bytes());
    format!("{lines}{CHECKSUM}{checksum:08x}\n")
}

fn parse(bytes: &[u8]) -> Option<BTreeMap<String, u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (lines, _) = text.rsplit_once(CHECKSUM)?;
    let line = |line: &str| {
        let (table, version) = line.split_once(' ')?;
        Some((table.to_owned(), version.parse().ok()?))
    };
    let newest = lines.lines().map(line).collect::<Option<_>>()?;
    (written(&newest) == text).then_some(newest)
}
