//! Where a terminal that has gone may be found again: a console or a serial line, which keeps its name.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{major, minor};
use rustix::process::{getpid, getsid};

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
    let own = getsid(Some(getpid()))?.as_raw_nonzero().get();
    let processes = fs::read_dir("/proc")?.flatten().filter(|entry| {
        entry.file_name().to_str().is_some_and(|name| name.bytes().all(|letter| letter.is_ascii_digit()))
    });
    let mut stats = processes.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    Ok(stats.any(|stat| matches!(session_of(&stat), Some((session, tty)) if tty == number && session != own)))
}

/// The session and the controlling terminal in a line of `/proc/PID/stat`.
fn session_of(stat: &str) -> Option<(i32, i64)> {
    // after the name, which may contain anything: state, parent, group, session, terminal
    let mut words = stat.rsplit_once(')')?.1.split_whitespace().skip(3);
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
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

    #[test]
    fn a_process_says_its_session_and_terminal() {
        assert_eq!(session_of("812 (a) b (c) S 1 812 811 34816 900 4194304"), Some((811, 34816)));
        assert_eq!(session_of("812 (cut"), None);
    }
}
