//! Copies files and folders, for their owner alone; shares those that never change.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::store::{StoreError, files, keys};

/// So much room is left to everybody else on the disk, in bytes.
const LEFT: u64 = 64 << 20;

/// What is no part of a copy: it is made anew, or is only meant where it is.
const NEVER: [&str; 4] = [super::FOLDER, "owner.lock", "migration", super::manifest::NAME];
const INDEX: &str = "index";
/// So much of a file tells whether it was sealed anew, in bytes: the number that it was sealed with stands there.
const BEGINNING: usize = 32;

/// Makes a folder that nobody else can look into: it will hold the data key.
pub fn make_private(folder: &Path) -> Result<(), StoreError> {
    files::make_private_folder(folder)?;
    let made = fs::metadata(folder).map_err(StoreError::file("make", folder))?;
    if made.mode() & 0o077 == 0 {
        return Ok(());
    }
    let why =
        "others could read it, and it would hold the key of every secret: its file system keeps no modes";
    Err(StoreError::file("make", folder)(io::Error::new(io::ErrorKind::PermissionDenied, why)))
}

/// Whether two files of one name are the same one. A body that was sealed anew is as long as before; that it is another one
/// shows in its first bytes.
fn is_same(one: &Path, other: &Path) -> Option<bool> {
    if fs::metadata(one).ok()?.len() != fs::metadata(other).ok()?.len() {
        return Some(false);
    }
    let beginning = |path: &Path| {
        let mut bytes = Vec::with_capacity(BEGINNING);
        File::open(path).ok()?.take(BEGINNING as u64).read_to_end(&mut bytes).ok().map(|_| bytes)
    };
    Some(beginning(one)? == beginning(other)?)
}

/// From one store to a copy.
pub struct Copier {
    from: PathBuf,
    to: PathBuf,
    before: Option<PathBuf>,
    /// Whether the store's own files can be shared: until a link was refused.
    links: bool,
    /// How many files are shared.
    pub shared: u64,
    /// How many bytes were written.
    pub bytes: u64,
}

impl Copier {
    /// From the store `from` into the folder `to`; files may be shared with the copy `before`.
    pub fn new(from: &Path, to: &Path, before: Option<&Path>) -> Self {
        let before = before.map(Path::to_owned);
        Self { from: from.to_owned(), to: to.to_owned(), before, links: true, shared: 0, bytes: 0 }
    }

    /// Without sharing: what is restored will be written to.
    pub fn without_links(from: &Path, to: &Path) -> Self {
        Self { links: false, ..Self::new(from, to, None) }
    }

    /// The store.
    pub fn from(&self) -> &Path {
        &self.from
    }

    /// Makes a folder in the copy.
    pub fn folder(&self, place: &Path) -> Result<(), StoreError> {
        files::make_private_folder(&self.to.join(place))
    }

    /// Makes what was copied into a folder durable.
    pub fn close(&self, place: &Path) -> Result<(), StoreError> {
        files::sync_folder(&self.to.join(place))
    }

    /// Copies a file; one that is final never changes, and may be shared.
    pub fn file(&mut self, place: &Path, is_final: bool) -> Result<(), StoreError> {
        if is_final && self.share(place) {
            self.shared += 1;
            return Ok(());
        }
        let from = self.from.join(place);
        let length = fs::metadata(&from).map_err(StoreError::file("copy", &from))?.len();
        self.beginning(place, length)
    }

    /// Copies the first bytes of a file, or as many as there are.
    pub fn beginning(&mut self, place: &Path, bytes: u64) -> Result<(), StoreError> {
        let (from, to) = (self.from.join(place), self.to.join(place));
        self.check_room(bytes)?;
        let copy = || -> io::Result<u64> {
            let mut source = File::open(&from)?.take(bytes);
            let mut target = files::private_file().write(true).create_new(true).open(&to)?;
            let written = io::copy(&mut source, &mut target)?;
            target.sync_all()?;
            Ok(written)
        };
        self.bytes += copy().map_err(StoreError::file("copy", &from))?;
        Ok(())
    }

    fn share(&mut self, place: &Path) -> bool {
        let (from, to) = (self.from.join(place), self.to.join(place));
        if self.links {
            match fs::hard_link(&from, &to) {
                Ok(()) => return true,
                // gone meanwhile, which the copy that follows says
                Err(error) if error.kind() == io::ErrorKind::NotFound => return false,
                Err(_) => self.links = false,
            }
        }
        let Some(before) = self.before.as_ref().map(|before| before.join(place)) else { return false };
        is_same(&from, &before) == Some(true) && fs::hard_link(&before, &to).is_ok()
    }

    fn check_room(&self, bytes: u64) -> Result<(), StoreError> {
        // a file system that does not say how much room there is says so when there is none
        let Ok(room) = rustix::fs::statvfs(&self.to) else { return Ok(()) };
        let free = room.f_bavail.saturating_mul(room.f_frsize);
        if bytes.saturating_add(LEFT) <= free {
            return Ok(());
        }
        let why =
            format!("{} kB are needed there and 64 MB must be left, {} kB are free", bytes >> 10, free >> 10);
        Err(StoreError::file("copy into", &self.to)(io::Error::new(io::ErrorKind::StorageFull, why)))
    }

    /// Copies what is neither journal, samples, index nor a key: the bodies, and whatever else there is.
    pub fn rest(&mut self) -> Result<(), StoreError> {
        self.inside(Path::new(""), |name| {
            name != "journal" && name != crate::store::series::FOLDER && !keys::FILES.contains(&name)
        })
    }

    /// Copies the files with the keys as they were at one moment: they may be changed meanwhile.
    pub fn keys(&mut self) -> Result<(), StoreError> {
        loop {
            let read = |name| match fs::read(self.from.join(name)) {
                Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(StoreError::file("copy", &self.from.join(name))(error)),
            };
            // in the order in which a change brings them: the next file, the keyring, the file
            let keyring = read(keys::KEYRING)?;
            let held = [(keys::NEXT_FILE, read(keys::NEXT_FILE)?), (keys::FILE, read(keys::FILE)?)];
            if read(keys::KEYRING)? != keyring {
                continue;
            }
            for (name, bytes) in held.into_iter().chain([(keys::KEYRING, keyring)]) {
                let Some(bytes) = bytes else { continue };
                self.check_room(bytes.len() as u64)?;
                files::write_durably(&self.to.join(name), &bytes)?;
                self.bytes += bytes.len() as u64;
            }
            return Ok(());
        }
    }

    /// Copies all but the index.
    pub fn everything(&mut self) -> Result<(), StoreError> {
        self.inside(Path::new(""), |_| true)
    }

    fn inside(&mut self, place: &Path, takes: fn(&str) -> bool) -> Result<(), StoreError> {
        let folder = self.from.join(place);
        let at_top = place.as_os_str().is_empty();
        for entry in fs::read_dir(&folder).map_err(StoreError::file("list", &folder))? {
            let entry = entry.map_err(StoreError::file("list", &folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_left = NEVER.contains(&name.as_str()) || name.starts_with(INDEX) || !takes(&name);
            // what is being written under another name, or was when the power went
            let is_half =
                Path::new(&name).extension().is_some_and(|end| end.to_string_lossy().starts_with("tmp-"));
            if is_half || (at_top && is_left) {
                continue;
            }
            let kind = entry.file_type().map_err(StoreError::file("read", &entry.path()))?;
            let place = place.join(&name);
            if kind.is_dir() {
                self.folder(&place)?;
                self.inside(&place, |_| true)?;
                self.close(&place)?;
            } else if kind.is_file() {
                self.file(&place, place.starts_with("objects"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_was_sealed_anew_is_not_taken_for_the_one_in_the_copy_before() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let sealed = |nonce: u8| [&b"nob1"[..], &[nonce; 24], &[7; 40_000]].concat();
        fs::write(&one, sealed(1)).unwrap();
        for (bytes, same) in [(sealed(1), true), (sealed(2), false), (sealed(1)[1..].to_vec(), false)] {
            fs::write(&other, bytes).unwrap();
            assert_eq!(is_same(&one, &other), Some(same));
        }
        assert_eq!(is_same(&one, &folder.path().join("nothing")), None);
    }
}
