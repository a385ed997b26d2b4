//! The store's passphrase, asked of the person at the terminal, or read from who started this process.

use std::io::Read;

use super::prompt;
use super::signals::Signals;
use super::start::Start;
use crate::commands::{Exit, Unlocked, unlocked};
use crate::model::Secret;
use crate::store::Unlock;

/// The longest line with a passphrase, in bytes.
const LONGEST: u64 = 4 << 10;

/// Asks for it, if the store needs it.
///
/// # Errors
/// A sentence that says what to do.
pub async fn asked(start: &Start) -> Result<Unlocked, String> {
    let ask = |prompt: String| async move {
        if prompt::has_person() { prompt::secret(&prompt).await } else { None }
    };
    unlocked(&start.options.unlock, &start.options.data_dir, ask).await
}

/// The same, until a signal ends it.
pub async fn asked_until_ended(start: &Start, signals: &mut Signals) -> Result<Unlock, Result<String, Exit>> {
    tokio::select! {
        exit = signals.ending() => Err(Err(exit)),
        asked = asked(start) => asked.map(|unlocked| unlocked.unlock).map_err(Ok),
    }
}

/// Takes the first line of standard input for it, if the store needs it.
///
/// # Errors
/// As [`asked`]; also when the line is another one's.
pub fn told(start: &Start) -> Result<Unlock, String> {
    let (unlock, folder) = (&start.options.unlock, &start.options.data_dir);
    if !unlock.wants_passphrase(folder).map_err(|error| error.to_string())? {
        return Ok(unlock.clone());
    }
    let mut text = zeroize::Zeroizing::new(Vec::new());
    std::io::stdin()
        .take(LONGEST)
        .read_to_end(&mut text)
        .map_err(|error| format!("reading the passphrase from standard input: {error}"))?;
    let text = std::str::from_utf8(&text).map_err(|_| "the passphrase on standard input is not UTF-8")?;
    let passphrase = Secret::new(text.lines().next().unwrap_or_default());
    unlock.with_passphrase(folder, &passphrase).map_err(|error| error.to_string())
}
