//! Raw mode: every key is the session's, and what it writes is not touched.

use std::io::{self, Write};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use super::tty::Tty;
use crate::console::term::sequence::LEAVE;

/// Raw mode: as long as this is. Whatever ends it, the terminal is as before.
pub struct Raw {
    /// The terminal.
    pub tty: Tty,
    /// The modes to go back to.
    before: Option<Termios>,
    /// The screen is the session's: what it has set must be taken back.
    pub shows_session: bool,
}

impl Raw {
    /// Begins it.
    ///
    /// # Errors
    /// When this is no terminal, or it has gone.
    pub fn begin(tty: Tty) -> io::Result<Self> {
        let mut raw = Self { tty, before: None, shows_session: false };
        raw.enter()?;
        Ok(raw)
    }

    /// Begins it anew, after [`Self::end`].
    ///
    /// # Errors
    /// The same.
    pub fn enter(&mut self) -> io::Result<()> {
        let before = tcgetattr(self.tty.file())?;
        let mut modes = before.clone();
        modes.make_raw();
        tcsetattr(self.tty.file(), OptionalActions::Now, &modes)?;
        self.before = Some(before);
        Ok(())
    }

    /// The modes are as before.
    pub fn end(&mut self) {
        if let Some(before) = self.before.take() {
            // a terminal that is gone needs nothing
            let _ = tcsetattr(self.tty.file(), OptionalActions::Now, &before);
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if self.shows_session {
            // as much as the terminal takes: nothing waits any more
            let _ = self.tty.file().write_all(LEAVE.as_bytes());
        }
        self.end();
    }
}
