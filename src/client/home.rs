//! Where a terminal that has gone may be found again: a console or a serial line, which keeps its name.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{major, minor};

use super::process::Process;
use super::tty::Tty;

/// Pseudo-terminals: windows, SSH sessions, tmux. The next one of the name may be another person's.
const PSEUDO: &str = "/dev/pts";
/// The terminal of whoever asks, whichever that is.
const OWN: &str = "/dev/tty";

/// See the file's head.
pub struct Home(Option<PathBuf>);

impl Home {
    /// The place of the terminal that was opened under this name; there is none for those whose name is given away.
    pub fn of(path: &Path) -> Self {
        let keeps_its_name = !path.starts_with(PSEUDO) && path != Path::new(OWN);
        Self(keeps_its_name.then(|| path.to_owned()))
    }

    /// Opens it, where it is there again and nobody else has it. Call it inside a tokio runtime.
    pub fn find(&self) -> Option<Tty> {
        let path = self.0.as_deref()?;
        if is_taken(path).unwrap_or(true) {
            return None;
        }
        Tty::open_at(path).ok()
    }
}

/// Whether it controls processes of another session: somebody has logged in there, or is asked to.
fn is_taken(path: &Path) -> io::Result<bool> {
    let device = fs::metadata(path)?.rdev();
    let (major, minor) = (major(device), minor(device));
    // as proc(5) writes it: minor bits 31 to 20 and 7 to 0
    let number = (i64::from(minor & 0xff)) | i64::from(major) << 8 | i64::from(minor >> 8) << 20;
    let own = Process::own().ok_or_else(|| io::Error::other("/proc says nothing of this process"))?;
    let processes = fs::read_dir("/proc")?.flatten().filter(|entry| {
        entry.file_name().to_str().is_some_and(|name| name.bytes().all(|letter| letter.is_ascii_digit()))
    });
    let mut others = processes.filter_map(|entry| Process::in_folder(&entry.path()));
    // sessions that began outside of this namespace are all 0: no two of them are known to be one
    Ok(others.any(|other| other.terminal == number && (other.session != own.session || own.session == 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_given_away_is_no_home() {
        for (path, is_home) in
            [("/dev/tty1", true), ("/dev/ttyS0", true), ("/dev/pts/3", false), ("/dev/tty", false)]
        {
            assert_eq!(Home::of(Path::new(path)).0.is_some(), is_home, "{path}");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_or_no_terminal_of_ones_own_is_not_taken() {
        assert!(Home::of(Path::new("/dev/pts/0")).find().is_none());
        assert!(Home::of(Path::new("/nowhere/tty")).find().is_none());
    }
}
