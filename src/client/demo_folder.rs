//! The demo's folder, gone at the end; and those of demos that were killed, gone at the next start.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::getuid;

use super::shell;

/// What its name begins with; sixteen hexadecimal digits follow.
const PREFIX: &str = "noctule-demo-";
/// The file in it that says: this goes with its demo. A living demo holds its lock.
const MARKER: &str = "demo.lock";

/// The demo's folder, for its owner alone.
pub struct DemoFolder {
    path: PathBuf,
    /// Held as long as the demo lives; there is none in a folder that is kept.
    marker: Option<File>,
}

impl DemoFolder {
    /// Makes one in `place`.
    ///
    /// # Errors
    /// A sentence that says why there is none.
    pub fn make(place: &Path, keep: bool) -> Result<Self, String> {
        let path = place.join(format!("{PREFIX}{:016x}", rand::random::<u64>()));
        let failed = |error: io::Error| format!("making the demo's folder {}: {error}", path.display());
        DirBuilder::new().mode(0o700).create(&path).map_err(failed)?;
        let mut folder = Self { path: path.clone(), marker: None };
        if !keep {
            folder.marker = Some(mark(&path).map_err(failed)?);
        }
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folders in `place` whose demo was killed before it could. What is not surely one of them stays.
    pub fn remove_dead(place: &Path) {
        let Ok(entries) = fs::read_dir(place) else { return };
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| has_our_name(path)) {
            // held until the folder is gone
            if let Some(_lock) = lock_of_dead(&path)
                && let Err(error) = fs::remove_dir_all(&path)
            {
                shell::note(&format!("noctule: removing {}, left by a demo before: {error}", path.display()));
            }
        }
    }
}

impl Drop for DemoFolder {
    fn drop(&mut self) {
        let path = self.path.display();
        if self.marker.is_none() {
            shell::note(&format!(
                "The demo's folder is kept. Look at it again: noctule --data {path}/data --config {path}/config"
            ));
        } else if let Err(error) = fs::remove_dir_all(&self.path) {
            shell::note(&format!("noctule: removing the demo's folder {path}: {error}"));
        }
    }
}

/// Puts the marker into a new folder; it has its lock before it has its name, so that it is never seen without.
fn mark(folder: &Path) -> io::Result<File> {
    let unnamed = folder.join("demo.new");
    let marker = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unnamed)?;
    marker.try_lock()?;
    fs::rename(&unnamed, folder.join(MARKER))?;
    Ok(marker)
}

fn has_our_name(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let digits = name.strip_prefix(PREFIX).unwrap_or_default();
    digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// The lock of a demo that holds it no more, if this is surely its folder: a folder and no link, with a marker, both of
/// this user.
fn lock_of_dead(folder: &Path) -> Option<File> {
    let ours = |metadata: &fs::Metadata| metadata.uid() == getuid().as_raw();
    fs::symlink_metadata(folder).ok().filter(|there| there.is_dir() && ours(there))?;
    let no_link = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let marker = OpenOptions::new().read(true).custom_flags(no_link).open(folder.join(MARKER)).ok()?;
    marker.metadata().ok().filter(|there| there.is_file() && ours(there))?;
    marker.try_lock().ok()?;
    Some(marker)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder(place: &Path, digit: char) -> PathBuf {
        let path = place.join(format!("{PREFIX}{}", digit.to_string().repeat(16)));
        fs::create_dir(&path).unwrap();
        fs::write(path.join("journal"), "of a demo").unwrap();
        path
    }

    #[test]
    fn a_folder_goes_with_its_demo_unless_it_is_kept() {
        let place = tempfile::tempdir().unwrap();
        let demo = DemoFolder::make(place.path(), false).unwrap();
        assert_eq!(fs::metadata(demo.path()).unwrap().mode() & 0o777, 0o700);
        DemoFolder::remove_dead(place.path());
        assert!(demo.path().is_dir(), "it lives");
        drop(demo);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);

        let kept = DemoFolder::make(place.path(), true).unwrap().path().to_owned();
        DemoFolder::remove_dead(place.path());
        assert!(kept.is_dir());
    }

    #[test]
    fn the_folder_of_a_dead_demo_goes_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let dead = folder(place.path(), '1');
        drop(mark(&dead).unwrap());
        let living = folder(place.path(), '2');
        let _lock = mark(&living).unwrap();
        let unmarked = folder(place.path(), '3');
        let precious = place.path().join("precious");
        fs::create_dir(&precious).unwrap();
        drop(mark(&precious).unwrap());
        let link = place.path().join(format!("{PREFIX}{}", "4".repeat(16)));
        symlink(&precious, &link).unwrap();
        let linked_marker = folder(place.path(), '5');
        symlink(precious.join(MARKER), linked_marker.join(MARKER)).unwrap();
        let within = folder(place.path(), '6');
        drop(mark(&within).unwrap());
        symlink(&precious, within.join("data")).unwrap();

        DemoFolder::remove_dead(place.path());
        assert!(!dead.exists() && !within.exists());
        for path in [living, unmarked, precious.join(MARKER), link, linked_marker] {
            assert!(path.exists(), "{} is left alone", path.display());
        }
    }
}
