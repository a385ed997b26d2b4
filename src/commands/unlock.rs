//! The passphrase of a store, asked of the person where nothing on its host opens it.

use std::future::Future;
use std::path::Path;

use super::io::Io;
use crate::engine::Options;
use crate::model::Secret;
use crate::store::{StoreError, Unlock};

/// So often it may be said wrongly.
const TRIES: u32 = 3;

/// What was said.
pub struct Unlocked {
    /// What opens the store.
    pub unlock: Unlock,
    /// The passphrase, where one was asked for.
    pub passphrase: Option<Secret>,
}

/// Asks until the passphrase is right, if the store in `folder` needs one. `ask` gives nothing where there is nobody to ask.
///
/// # Errors
/// A sentence that says what is wrong, and what to do.
pub async fn unlocked<Answer>(
    unlock: &Unlock,
    folder: &Path,
    ask: impl Fn(String) -> Answer,
) -> Result<Unlocked, String>
where
    Answer: Future<Output = Option<Secret>>,
{
    let said = |error: StoreError| error.to_string();
    if !unlock.wants_passphrase(folder).map_err(said)? {
        return Ok(Unlocked { unlock: unlock.clone(), passphrase: None });
    }
    let mut prompt = format!("passphrase of the store in {}", folder.display());
    let mut left = TRIES;
    loop {
        let Some(passphrase) = ask(prompt).await else {
            return Err(unlock.locked(folder).map_err(said)?.to_string());
        };
        let (unlock, folder) = (unlock.clone(), folder.to_owned());
        let trying =
            tokio::task::spawn_blocking(move || (unlock.with_passphrase(&folder, &passphrase), passphrase));
        let (tried, passphrase) = trying.await.map_err(|error| format!("trying the passphrase: {error}"))?;
        left -= 1;
        match tried {
            Ok(unlock) => return Ok(Unlocked { unlock, passphrase: Some(passphrase) }),
            Err(StoreError::Passphrase { .. }) if left > 0 => {
                prompt = format!("that is not it; the passphrase ({left} more)");
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// The same options, with what the person of `io` says where the store in `folder` needs it.
///
/// # Errors
/// As [`unlocked`].
pub async fn asked(options: &Options, io: &dyn Io, folder: &Path) -> Result<Options, String> {
    let ask = |prompt: String| std::future::ready(io.secret(&prompt));
    let unlock = unlocked(&options.unlock, folder, ask).await?.unlock;
    Ok(Options { unlock, ..options.clone() })
}
