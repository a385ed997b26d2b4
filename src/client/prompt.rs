//! Questions to the person at a shell, asked on the terminal itself and never through a pipe.

use std::fs::File;
use std::io::{self, IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::tty::Tty;
use crate::model::Secret;

/// The longest answer, in bytes.
const LONGEST: usize = 4096;

/// Whether there is somebody to ask: a program that both feeds and reads noctule is nobody.
pub fn has_person() -> bool {
    (io::stdin().is_terminal() || io::stdout().is_terminal()) && File::open("/dev/tty").is_ok()
}

/// Asks yes or no; `None` where nobody answers. Dropping it leaves the terminal as it was.
pub async fn confirm(question: &str) -> Option<bool> {
    let tty = Tty::open().ok()?;
    tty.write_all(format!("{question} [y/N] ").as_bytes()).await.ok()?;
    let answer = read_line(&tty).await?;
    Some(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}

/// Asks for a secret without showing it; `None` where nobody answers. Dropping it leaves the terminal as it was.
pub async fn secret(prompt: &str) -> Option<Secret> {
    let tty = Tty::open().ok()?;
    let silence = Silence::begin(&tty).ok()?;
    tty.write_all(format!("{prompt}: ").as_bytes()).await.ok()?;
    let answer = read_line(&tty).await;
    drop(silence);
    answer.map(Secret::new)
}

/// One line, without its end.
async fn read_line(tty: &Tty) -> Option<String> {
    let mut line = Vec::new();
    let mut chunk = [0; 512];
    while line.len() < LONGEST {
        let count = tty.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        line.extend_from_slice(&chunk[..count]);
        if line.ends_with(b"\n") {
            break;
        }
    }
    let text = String::from_utf8(line).ok()?;
    Some(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// As long as this is, what is typed is not shown.
struct Silence<'a> {
    tty: &'a Tty,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn begin(tty: &'a Tty) -> io::Result<Self> {
        let before = tcgetattr(tty.file())?;
        let mut silent = before.clone();
        silent
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ECHOE | LocalModes::ECHOK | LocalModes::ECHONL);
        tcsetattr(tty.file(), OptionalActions::Flush, &silent)?;
        Ok(Self { tty, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // a terminal that is gone needs nothing; the person's own line end was not shown either
        let _ = tcsetattr(self.tty.file(), OptionalActions::Now, &self.before);
        let _ = self.tty.file().write_all(b"\n");
    }
}
