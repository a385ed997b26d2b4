//! Bringing one message to one target, within the target's time. What is dropped half-way ends: its connection is
//! closed, its program killed.

mod command;
mod http;
mod smtp;
mod stream;
mod telegram;
mod webhook;

use std::fmt::Display;

use crate::engine::secret_file;
use crate::model::{Secret, clean_line};

pub use stream::Stream;

use super::desk::Failed;
use super::message::Message;
use super::settings::{Password, Smtp, Target, Way};

/// The longest part of a foreign answer that stands in an error, in characters.
const SHOWN: usize = 200;

/// Delivers `message`; what the target said to it, in a clean line that holds none of the target's secrets.
///
/// # Errors
/// Why it was not delivered. It may have come all the same, where the answer was lost.
pub async fn deliver(target: &Target, message: &Message) -> Result<String, Failed> {
    let way = async {
        match &target.way {
            Way::Webhook(hook) => webhook::send(hook, message).await,
            Way::Telegram(chat) => telegram::send(chat, message).await,
            Way::Smtp(smtp) => smtp::send(smtp, message).await,
            Way::Command(argv) => command::run(argv, message).await,
        }
    };
    match tokio::time::timeout(target.timeout, way).await {
        Ok(outcome) => clean(outcome),
        Err(_) => Err(unreachable(format!(
            "{} did not take it within {}s",
            target.place(),
            target.timeout.as_secs()
        ))),
    }
}

/// Delivers a mail over a connection that is there already, in the clear.
///
/// # Errors
/// As for [`deliver`].
pub async fn deliver_over(stream: Box<dyn Stream>, smtp: &Smtp, message: &Message) -> Result<String, Failed> {
    clean(smtp::send_over(stream, smtp, message).await)
}

fn clean(outcome: Result<String, Failed>) -> Result<String, Failed> {
    match outcome {
        Ok(said) => Ok(shown(&said)),
        Err(failed) => Err(Failed { message: clean_line(&failed.message).into_owned(), ..failed }),
    }
}

/// The target as a whole cannot be reached.
fn unreachable(message: impl Into<String>) -> Failed {
    Failed { message: message.into(), unreachable: true, retry_after: None }
}

/// The target does not want this message.
fn rejected(message: impl Into<String>) -> Failed {
    Failed { message: message.into(), unreachable: false, retry_after: None }
}

/// For `map_err`: doing something failed on the way to the target.
fn broken<E: Display>(doing: impl Display) -> impl FnOnce(E) -> Failed {
    move |error| unreachable(format!("{doing}: {error}"))
}

/// The first line of what a target answered, for people.
fn shown(said: &str) -> String {
    let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line = clean_line(line);
    let mut chars = line.chars();
    let short: String = chars.by_ref().take(SHOWN).collect();
    if chars.next().is_some() { format!("{short}…") } else { short }
}

/// The same without the secrets that the target was sent: some answer with what they were asked.
fn shown_without(said: &str, secrets: &[&str]) -> String {
    let mut said = said.to_owned();
    let mut secrets: Vec<&str> = secrets.iter().copied().filter(|secret| secret.len() > 3).collect();
    // a longer one may hold a shorter one
    secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        said = said.replace(secret, "…");
    }
    shown(&said)
}

/// A target's secret.
fn secret(password: &Password) -> Result<Secret, Failed> {
    match password {
        Password::Clear(secret) => Ok(secret.clone()),
        Password::File(path) => secret_file::read(path).map_err(rejected),
    }
}
