//! What the engine without a terminal says: a line for each event, as journald reads it, or for people.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{Timestamp, clean_line};

/// The most bytes of a log file: what is over begins it anew. journald looks after its own.
const LONGEST: u64 = 4 << 20;

/// How much a line matters, in syslog's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something did not work.
    Error = 3,
    /// Something was refused.
    Warning = 4,
    /// It goes on.
    Info = 6,
}

/// Where the lines go. Its clones are the same place.
#[derive(Clone)]
pub struct Log(Arc<Place>);

enum Place {
    /// Standard error; `<6>` before each line where systemd reads it.
    Stderr { numbers: bool },
    /// A file for its owner alone.
    File(Mutex<File>),
}

impl Log {
    /// To standard error, in the form that whoever reads it wants: `JOURNAL_STREAM` is set by systemd.
    pub fn stderr() -> Self {
        Self(Arc::new(Place::Stderr { numbers: std::env::var_os("JOURNAL_STREAM").is_some() }))
    }

    /// To an open file, behind what it holds.
    pub fn file(file: File) -> Self {
        Self(Arc::new(Place::File(Mutex::new(file))))
    }

    /// One line about how it goes.
    pub fn info(&self, line: &str) {
        self.say(Level::Info, line);
    }

    /// One line about what was refused.
    pub fn warning(&self, line: &str) {
        self.say(Level::Warning, line);
    }

    /// One line about what did not work.
    pub fn error(&self, line: &str) {
        self.say(Level::Error, line);
    }

    fn say(&self, level: Level, line: &str) {
        let line = clean_line(line);
        // where nobody reads it any more, nobody is there to be told
        let _ = match &*self.0 {
            Place::Stderr { numbers: true } => writeln!(std::io::stderr(), "<{}>{line}", level as u8),
            Place::Stderr { numbers: false } => writeln!(std::io::stderr(), "noctule: {line}"),
            Place::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                if file.metadata().is_ok_and(|data| data.len() > LONGEST) {
                    let _ = file.set_len(0);
                }
                writeln!(file, "{} {line}", Timestamp::now().rfc3339())
            }
        };
    }
}
