//! The folder in which copies of a store are kept, under the names of their moments.

use std::fs;
use std::path::{Path, PathBuf};

use crate::model::Timestamp;
use crate::store::{StoreError, files};

/// A copy on a shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where it is.
    pub path: PathBuf,
    /// When it was made.
    pub at: Timestamp,
}

/// A shelf. Several stores may share one: each looks at its own copies alone, `noctule-STORE-MOMENT`.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
    prefix: String,
}

impl Shelf {
    /// The shelf in `folder` of the store that is called `store`; need not exist.
    pub fn new(folder: PathBuf, store: &str) -> Self {
        Self { folder, prefix: format!("noctule-{store}-") }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name of a copy that is made at `now`.
    pub fn path(&self, now: Timestamp) -> PathBuf {
        let moment = now.rfc3339().replace(':', "-");
        self.folder.join(format!("{}{moment}", self.prefix))
    }

    /// The copies of this store, oldest first; those that are not whole have another name.
    ///
    /// # Errors
    /// The folder is there and cannot be read.
    pub fn kept(&self) -> Result<Vec<Kept>, StoreError> {
        let mut kept: Vec<Kept> = self
            .names()?
            .iter()
            .filter_map(|name| {
                let at = moment(name.strip_prefix(&self.prefix)?)?;
                Some(Kept { path: self.folder.join(name), at })
            })
            .collect();
        kept.sort_by_key(|kept| kept.at);
        Ok(kept)
    }

    /// Removes all but the newest `keep` copies; those that are gone.
    ///
    /// # Errors
    /// One of them cannot be removed.
    pub fn prune(&self, keep: usize) -> Result<Vec<Kept>, StoreError> {
        let mut gone = self.kept()?;
        gone.truncate(gone.len().saturating_sub(keep.max(1)));
        for kept in &gone {
            // under a name that no list shows: half a copy must never look like a whole one
            let unfinished = unfinished(&kept.path);
            fs::rename(&kept.path, &unfinished).map_err(StoreError::file("remove", &kept.path))?;
            fs::remove_dir_all(&unfinished).map_err(StoreError::file("remove", &unfinished))?;
        }
        if !gone.is_empty() {
            files::sync_folder(&self.folder)?;
        }
        Ok(gone)
    }

    /// Removes what copies left that never became whole.
    ///
    /// # Errors
    /// One of them cannot be removed.
    pub fn sweep(&self) -> Result<(), StoreError> {
        let begin = format!(".{}", self.prefix);
        for name in self.names()?.iter().filter(|name| name.starts_with(&begin) && name.ends_with(UNFINISHED))
        {
            let path = self.folder.join(name);
            fs::remove_dir_all(&path).map_err(StoreError::file("remove", &path))?;
        }
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(StoreError::file("list", &self.folder))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(StoreError::file("list", &self.folder))?;
            names.extend(entry.file_name().into_string());
        }
        Ok(names)
    }
}

const UNFINISHED: &str = ".unfinished";

/// The name beside `to` under which a copy is until it is whole.
pub fn unfinished(to: &Path) -> PathBuf {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    to.with_file_name(format!(".{name}{UNFINISHED}"))
}

/// Reads the moment in a name: `2026-11-24T03-30-00Z`.
fn moment(name: &str) -> Option<Timestamp> {
    let (date, time) = name.split_once('T')?;
    let moment: jiff::Timestamp = format!("{date}T{}", time.replace('-', ":")).parse().ok()?;
    Some(Timestamp(moment.as_millisecond()))
}
