//! Files that only their owner may read, written so that a power cut leaves the old one or the new one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::StoreError;

/// Makes `folder` and its parents, for the owner alone.
pub fn make_private_folder(folder: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(StoreError::file("make", folder))
}

/// Options of a file for the owner alone.
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// A step that a kill may come before: tests have it come there.
#[cfg(not(test))]
pub fn step() {}

#[cfg(test)]
pub use dying::step;

/// Writes `bytes` to `path`: a temporary file, fsync, rename, fsync of the folder.
pub fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let temporary = path.with_extension(format!("tmp-{}-{:x}", std::process::id(), rand::random::<u64>()));
    let written = private_file()
        .write(true)
        .create_new(true)
        .open(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| {
            step();
            fs::rename(&temporary, path)
        });
    step();
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(StoreError::file("write", path)(error));
    }
    sync_folder(folder)
}

/// Makes what was renamed or removed in `folder` durable.
pub fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(StoreError::file("sync", folder))
}

/// `kill -9` at a step that a test chooses.
#[cfg(test)]
pub mod dying {
    use std::sync::atomic::{AtomicU64, Ordering};

    static LEFT: AtomicU64 = AtomicU64::new(u64::MAX);

    const ALONE: &str = "NOCTULE_TEST_ALONE";

    /// Whether this is a process of `test` alone; else it has passed in one. A process that is started shares the locks of
    /// the one that starts it until it is another program: beside tests that open stores again, none starts many.
    pub fn alone(test: &str) -> bool {
        if std::env::var_os(ALONE).is_some() {
            return true;
        }
        let program = std::env::current_exe().unwrap();
        let run =
            std::process::Command::new(program).args(["--exact", test]).env(ALONE, "1").output().unwrap();
        let told = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && told.contains("1 passed"), "{told}");
        false
    }

    /// From now on this process has so many steps before it dies.
    pub fn after(steps: u64) {
        LEFT.store(steps, Ordering::SeqCst);
    }

    /// See [`super::step`].
    pub fn step() {
        let left = LEFT.load(Ordering::SeqCst);
        if left == u64::MAX {
            return;
        }
        if left == 0 {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
        LEFT.store(left.saturating_sub(1), Ordering::SeqCst);
    }
}
