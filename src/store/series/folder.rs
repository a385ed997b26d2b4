//! The folder of the samples: what its files are called.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::segment::{Build, Segment};
use crate::store::{StoreError, files};

/// The folder, in the store's.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Every sample of an hour; the slot is the hour since 1970.
    Full,
    /// A row per device of an hour; the slot is the hour.
    Hour,
    /// The rows of a day; the slot is the day since 1970.
    Day,
}

impl Tier {
    fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// A file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    /// What it holds.
    pub tier: Tier,
    /// Of when.
    pub slot: i64,
    /// Counts up with every time that samples were put into files; the same slot may be there several times.
    pub generation: u64,
}

impl Folder {
    /// The folder at `path`, made where there is none.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        files::make_private_folder(path)?;
        Ok(Self(path.to_owned()))
    }

    /// The folder at `path`, as it is; `None` where there is none.
    pub fn existing(path: &Path) -> Option<Self> {
        path.is_dir().then(|| Self(path.to_owned()))
    }

    /// The files of samples and rows by tier, slot and generation, without those whose rows are in a day's file by now.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn segments(&self) -> Result<Vec<SegmentName>, StoreError> {
        let mut names: Vec<SegmentName> =
            self.names()?.iter().filter_map(|name| segment_name(name)).collect();
        names.sort_unstable();
        let days: Vec<SegmentName> = names.iter().filter(|name| name.tier == Tier::Day).copied().collect();
        names.retain(|name| !days.iter().any(|day| day.covers(*name)));
        Ok(names)
    }

    /// The files whose rows are in a day's file by now: left behind by a crash.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn covered(&self) -> Result<Vec<SegmentName>, StoreError> {
        let kept = self.segments()?;
        let all = self.names()?;
        Ok(all.iter().filter_map(|name| segment_name(name)).filter(|name| !kept.contains(name)).collect())
    }

    /// The generations of samples that are in no file of an hour yet.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn pending(&self) -> Result<Vec<u64>, StoreError> {
        let number = |name: &String| name.strip_prefix("pending-")?.strip_suffix(".log")?.parse().ok();
        let mut generations: Vec<u64> = self.names()?.iter().filter_map(number).collect();
        generations.sort_unstable();
        Ok(generations)
    }

    /// The days since 1970 of which there is a log of states.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn state_days(&self) -> Result<Vec<i64>, StoreError> {
        let number = |name: &String| name.strip_prefix("states-")?.strip_suffix(".log")?.parse().ok();
        let mut days: Vec<i64> = self.names()?.iter().filter_map(number).collect();
        days.sort_unstable();
        Ok(days)
    }

    /// Where a generation's samples are until its hour is over.
    pub fn pending_path(&self, generation: u64) -> PathBuf {
        self.0.join(format!("pending-{generation:08}.log"))
    }

    /// Where a day's changes of state are.
    pub fn states_path(&self, day: i64) -> PathBuf {
        self.0.join(format!("states-{day:05}.log"))
    }

    /// Where a file is.
    pub fn path(&self, name: SegmentName) -> PathBuf {
        self.0.join(format!("{}-{:07}-{:08}.seg", name.tier.word(), name.slot, name.generation))
    }

    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open_segment(&self, name: SegmentName) -> Result<Segment, StoreError> {
        Segment::open(&self.path(name))
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// The disk refuses it.
    pub fn write(&self, name: SegmentName, build: Build) -> Result<(), StoreError> {
        build.write(&self.path(name))
    }

    /// Removes a file; one that is gone already is no error.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, path: &Path) -> Result<(), StoreError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::file("remove", path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Removes what a crash left behind of a file that was being written.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn sweep(&self) -> Result<(), StoreError> {
        for name in self.names()?.iter().filter(|name| is_unfinished(name)) {
            self.remove(&self.0.join(name))?;
        }
        self.covered()?.into_iter().try_for_each(|name| self.remove(&self.path(name)))
    }

    /// How many bytes its files have.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn size(&self) -> Result<u64, StoreError> {
        let sizes = self.names()?;
        Ok(sizes.iter().filter_map(|name| fs::metadata(self.0.join(name)).ok()).map(|data| data.len()).sum())
    }

    /// Copies its files into a new folder while they are written to: `copy` gets each name, and whether the file never
    /// changes. What goes over into another file meanwhile is found there.
    ///
    /// # Errors
    /// A disk error.
    pub fn copy_with(
        &self,
        to: &Path,
        mut copy: impl FnMut(&str, bool) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        files::make_private_folder(to)?;
        let mut copied = HashSet::new();
        loop {
            let names = self.names()?.into_iter();
            let fresh: Vec<String> =
                names.filter(|name| !copied.contains(name) && !is_unfinished(name)).collect();
            if fresh.is_empty() {
                return files::sync_folder(to);
            }
            for name in fresh {
                match copy(&name, segment_name(&name).is_some()) {
                    Err(StoreError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                    }
                    copied => copied?,
                }
                copied.insert(name);
            }
        }
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        let entries = fs::read_dir(&self.0).map_err(StoreError::file("list", &self.0))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(StoreError::file("list", &self.0))?;
            names.extend(entry.file_name().into_string());
        }
        Ok(names)
    }
}

impl SegmentName {
    /// Whether a day's file holds what is in `other`.
    fn covers(self, other: Self) -> bool {
        match other.tier {
            Tier::Full => false,
            Tier::Hour => other.slot.div_euclid(24) == self.slot && other.generation <= self.generation,
            Tier::Day => other.slot == self.slot && other.generation < self.generation,
        }
    }
}

/// Whether a file is being written, or was when the power went.
fn is_unfinished(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| end.starts_with("tmp-"))
}

fn segment_name(name: &str) -> Option<SegmentName> {
    let mut parts = name.strip_suffix(".seg")?.split('-');
    let word = parts.next()?;
    let tier = [Tier::Full, Tier::Hour, Tier::Day].into_iter().find(|tier| tier.word() == word)?;
    let (slot, generation) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(SegmentName { tier, slot, generation })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_days_file_covers_what_it_was_made_of_and_nothing_newer() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(&place.path().join("series")).unwrap();
        let name = |tier, slot, generation| SegmentName { tier, slot, generation };
        let all = [
            name(Tier::Full, 24, 1),
            name(Tier::Hour, 24, 1),
            name(Tier::Hour, 25, 2),
            name(Tier::Hour, 25, 9),
            name(Tier::Hour, 48, 3),
            name(Tier::Day, 1, 2),
        ];
        for name in all {
            folder.write(name, Build::default()).unwrap();
        }
        std::fs::write(folder.0.join("day-0000001-00000007.tmp-1-1"), b"half").unwrap();
        std::fs::write(folder.0.join("notes.txt"), b"mine").unwrap();
        assert_eq!(folder.segments().unwrap(), [all[0], all[3], all[4], all[5]]);
        folder.sweep().unwrap();
        assert_eq!(folder.names().unwrap().len(), 5);
    }
}
