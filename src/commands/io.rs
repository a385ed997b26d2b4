//! The side of whoever asked: where a command's answer goes, and who opens the files that it names.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use jiff::tz::TimeZone;

use crate::model::Secret;

/// A person's or a script's side of a running command. In a console it collects lines for a pane and has no standard
/// input; at a shell it is the process's own terminal or pipes.
pub trait Io: Send + Sync {
    /// One line of the answer. Clean already: nothing here changes it.
    fn line(&self, line: &str);

    /// One line about how it goes, or why it failed: standard error.
    fn note(&self, line: &str);

    /// Bytes of the answer as they stand, where the answer is a file: an exact configuration.
    fn bytes(&self, bytes: &[u8]);

    /// Whether a person reads the answer, on a terminal.
    fn is_person(&self) -> bool;

    /// The time zone in which whoever asks reads and writes moments.
    fn zone(&self) -> TimeZone {
        TimeZone::system()
    }

    /// Whether what is said here is drawn on a screen that others may look at and that may be recorded: no place for a
    /// secret.
    fn is_screen(&self) -> bool {
        false
    }

    /// Reads a file, of at most so many bytes.
    ///
    /// # Errors
    /// A sentence that names the file and says why.
    fn read_file(&self, path: &str, at_most: usize) -> Result<Vec<u8>, String>;

    /// Writes a file, whole or not at all; readable for its owner alone where it is `private`.
    ///
    /// # Errors
    /// A sentence that names the file and says why.
    fn write_file(&self, path: &str, bytes: &[u8], private: bool) -> Result<(), String>;

    /// The path that the engine itself should use for one that the person named: they may stand in another folder.
    fn whole_path(&self, path: &str) -> PathBuf {
        PathBuf::from(path)
    }

    /// Asks yes or no; `None` where there is nobody to ask.
    fn confirm(&self, question: &str) -> Option<bool>;

    /// Asks for a secret without showing it; `None` where there is nobody to ask.
    fn secret(&self, prompt: &str) -> Option<Secret>;

    /// Comes when the person wants the command to end: Ctrl-C, or a console that closes.
    fn interrupted(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
