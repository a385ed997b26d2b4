//! One owner: a lock that names its holder.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::Path;

use super::{StoreError, files};
use crate::model::{Timestamp, clean_line};

const NAME: &str = "owner.lock";

/// Held as long as the store is open; the kernel lets go of it when the process ends, however it ends.
pub struct OwnerLock(#[expect(dead_code, reason = "held for its lock")] File);

impl OwnerLock {
    /// Takes the lock of `folder`, or says who has it.
    pub fn take(folder: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let path = folder.join(NAME);
        let mut file = files::private_file()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(StoreError::file("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(folder, &path)),
            Err(TryLockError::Error(error)) => return Err(StoreError::file("lock", &path)(error)),
        }
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy();
        let holder = format!("process {} on {host} since {}", std::process::id(), now.rfc3339());
        // The lock is what counts: on a full disk the name is left out, and the store can be read.
        let _ = file.set_len(0).and_then(|()| file.write_all(holder.as_bytes()));
        Ok(Self(file))
    }
}

fn in_use(folder: &Path, path: &Path) -> StoreError {
    let holder = fs::read_to_string(path).unwrap_or_default();
    let holder = clean_line(holder.trim());
    let holder = if holder.is_empty() { "another process" } else { &holder };
    StoreError::InUse { folder: folder.to_owned(), holder: holder.to_owned() }
}
