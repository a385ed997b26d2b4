//! What `/proc` says of a process: who began it, and whose terminal it has.

use std::fs;
use std::path::Path;

/// One process, as proc(5) has it. Each number is 0 where it means a process outside of the PID namespace that asks: in a
/// container the session's leader is often there, which is why these are read here and not asked of getsid(2), whose
/// answer must not be 0 for a safe type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// The process that began it.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
    /// The device number of its controlling terminal; 0 for none.
    pub terminal: i64,
}

impl Process {
    /// This one.
    pub fn own() -> Option<Self> {
        Self::in_folder(Path::new("/proc/self"))
    }

    /// The one of this number.
    pub fn of(number: i32) -> Option<Self> {
        Self::in_folder(Path::new(&format!("/proc/{number}")))
    }

    /// The one whose folder below `/proc` this is.
    pub fn in_folder(folder: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(folder.join("stat")).ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // after the name, which may contain anything: state, parent, group, session, terminal
        let mut words = stat.rsplit_once(')')?.1.split_whitespace().skip(1);
        Some(Self {
            parent: words.next()?.parse().ok()?,
            group: words.next()?.parse().ok()?,
            session: words.next()?.parse().ok()?,
            terminal: words.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_name_is() {
        let read = Process { parent: 1, group: 812, session: 811, terminal: 34_816 };
        assert_eq!(Process::parse("812 (a) b (c) S 1 812 811 34816 900 4194304"), Some(read));
        assert_eq!(Process::parse("812 (cut"), None);
        assert_eq!(Process::parse("812 (cut) S 1 812"), None);
    }

    #[test]
    fn a_session_that_began_outside_of_the_namespace_is_no_mistake() {
        let read = Process { parent: 0, group: 0, session: 0, terminal: 34_816 };
        assert_eq!(Process::parse("1 (sh) S 0 0 0 34816 1 4194560"), Some(read));
    }

    #[test]
    fn this_process_is_there() {
        assert!(Process::own().is_some());
    }
}
