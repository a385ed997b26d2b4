//! Files that a command names, opened with the operator's own rights.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::shared_account;
use crate::model::clean_line;
use crate::server::Files;

/// The files of the machine that the client runs on.
pub struct LocalFiles;

impl Files for LocalFiles {
    fn read(&self, path: &str, at_most: usize) -> Result<Vec<u8>, String> {
        shared_account::own_or_refuse("opening a file")?;
        read(&from_home(path), at_most)
    }

    fn write(&self, path: &str, bytes: &[u8], private: bool) -> Result<(), String> {
        shared_account::own_or_refuse("writing a file")?;
        write(&from_home(path), bytes, private)
    }
}

/// What a shell would make of `~/`: nobody else does it in a console.
pub fn from_home(path: &str) -> PathBuf {
    let home = path.strip_prefix("~/").zip(directories::BaseDirs::new());
    home.map_or_else(|| PathBuf::from(path), |(rest, dirs)| dirs.home_dir().join(rest))
}

/// Reads a file of at most `at_most` bytes.
///
/// # Errors
/// A sentence that names the file and says why.
pub fn read(path: &Path, at_most: usize) -> Result<Vec<u8>, String> {
    let failed = |error: io::Error| format!("cannot read {}: {error}", shown(path));
    // a pipe into which nobody writes would be waited for for ever
    let flags = rustix::fs::OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(flags.bits().cast_signed()).open(path).map_err(failed)?;
    let kind = file.metadata().map_err(failed)?.file_type();
    if kind.is_dir() {
        return Err(format!("cannot read {}: it is a folder", shown(path)));
    }
    // what was opened so as not to wait is read with waiting, as a pipe of a shell's `<(…)` wants it
    let flags = rustix::fs::fcntl_getfl(&file).map_err(|error| failed(error.into()))?;
    let flags = flags.difference(rustix::fs::OFlags::NONBLOCK);
    rustix::fs::fcntl_setfl(&file, flags).map_err(|error| failed(error.into()))?;
    read_bounded(file, at_most).map_err(failed)
}

/// Reads all of `input`, if it is not more than `at_most` bytes.
///
/// # Errors
/// When it is more, or cannot be read.
pub fn read_bounded(input: impl Read, at_most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(at_most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > at_most {
        let limit =
            if at_most < 1 << 20 { format!("{at_most} bytes") } else { format!("{} MB", at_most >> 20) };
        return Err(io::Error::other(format!("it is larger than {limit}")));
    }
    Ok(bytes)
}

/// Writes a file beside its place and moves it there, so that it is never seen half written. What stands there and is
/// no plain file (a device, a pipe, a link that somebody planted) is left alone.
///
/// # Errors
/// A sentence that names the file and says why.
pub fn write(path: &Path, bytes: &[u8], private: bool) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot write {}: {error}", shown(path));
    if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(format!("cannot write {}: there is something that is no plain file", shown(path)));
    }
    let name = path.file_name().ok_or_else(|| failed(io::Error::other("it is no file name")))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut beside = OsString::from(".");
    beside.push(name);
    beside.push(format!(".{:016x}", rand::random::<u64>()));
    let beside = folder.join(beside);
    let done = write_new(&beside, bytes, private).and_then(|()| fs::rename(&beside, path));
    done.map_err(|error| {
        // best effort: the error of the writing is the one that counts
        let _ = fs::remove_file(&beside);
        failed(error)
    })
}

/// Writes a file that is not there yet.
///
/// # Errors
/// When it is there, or cannot be written.
pub fn write_new(path: &Path, bytes: &[u8], private: bool) -> io::Result<()> {
    let mode = if private { 0o600 } else { 0o666 };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn shown(path: &Path) -> String {
    clean_line(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_private_file_replaces_the_old_one_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/core-1.cfg");
        write(&path, b"one", false).unwrap();
        write(&path, b"two", true).unwrap();
        assert_eq!(read(&path, 3).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_no_plain_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "precious").unwrap();
        symlink(&target, &link).unwrap();
        assert!(write(&link, b"x", false).unwrap_err().contains("no plain file"));
        assert!(write(folder.path(), b"x", false).unwrap_err().contains("no plain file"));
        assert_eq!(fs::read(&target).unwrap(), b"precious");
        assert!(write(&target.join("under"), b"x", false).unwrap_err().starts_with("cannot write"));
    }

    #[test]
    fn a_pipe_without_a_writer_is_not_waited_for_and_none_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        assert_eq!(read(&pipe, 10).unwrap(), b"");
        assert!(write(&pipe, b"x", false).unwrap_err().contains("no plain file"));
        let socket = folder.path().join("socket");
        let _listens = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(read(&socket, 10).unwrap_err().starts_with("cannot read"));
        for path in [&socket, Path::new("/dev/null")] {
            assert!(write(path, b"x", false).unwrap_err().contains("no plain file"));
        }
        // a pipe that somebody writes into is read to its end
        let path = pipe.clone();
        let writer = std::thread::spawn(move || fs::write(path, "name"));
        while read(&pipe, 10).unwrap() != b"name" {
            std::thread::yield_now();
        }
        writer.join().unwrap().unwrap();
    }

    #[test]
    fn names_that_are_made_to_harm_reach_nothing_and_are_shown_clean() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        fs::create_dir(&inside).unwrap();
        for name in ["", ".", "..", "a/..", "bad\0name", &"x".repeat(300)] {
            assert!(write(&inside.join(name), b"x", false).is_err(), "{name:?}");
        }
        assert_eq!(fs::read_dir(&inside).unwrap().count(), 0);
        let why = write(&inside.join("\u{1b}]0;x\u{7}\u{202e}/.."), b"x", false).unwrap_err();
        assert!(!why.chars().any(crate::model::is_hostile), "{why:?}");
    }

    #[test]
    fn reading_is_bounded_and_says_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big");
        fs::write(&path, vec![b'x'; 11]).unwrap();
        assert!(read(&path, 10).unwrap_err().contains("larger than 10 bytes"));
        assert!(read(folder.path(), 10).unwrap_err().contains("it is a folder"));
        assert!(read(&folder.path().join("none"), 10).unwrap_err().contains("cannot read"));
        let sparse = folder.path().join("sparse");
        fs::File::create(&sparse).unwrap().set_len(1 << 40).unwrap();
        assert!(read(&sparse, 1 << 20).unwrap_err().contains("larger than 1 MB"));
        assert!(read(Path::new("bad\0name"), 10).unwrap_err().starts_with("cannot read bad"));
        assert!(read(Path::new("/dev/zero"), 1 << 20).unwrap_err().contains("larger than 1 MB"));
    }
}
