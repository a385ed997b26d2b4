//! Telegram's bot API, or what speaks like it: `sendMessage` with a plain text.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{http, rejected, secret, shown_without};
use crate::engine::notify::desk::Failed;
use crate::engine::notify::message::Message;
use crate::engine::notify::settings::Telegram;
use crate::engine::notify::written::is_token;
use crate::model::Secret;

/// The longest text, in UTF-16 code units.
const LONGEST: usize = 4096;
/// What ends a text that was cut.
const CUT: &str = "\n…";

/// What is sent. Without `parse_mode`: nothing in the text is markup, whoever wrote it.
#[derive(Serialize)]
struct SendMessage<'a> {
    chat_id: &'a str,
    text: &'a str,
}

/// What comes back.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
}

/// Sends the message; what the server said to it.
pub async fn send(chat: &Telegram, message: &Message) -> Result<String, Failed> {
    let token = secret(&chat.token)?;
    if !is_token(token.expose()) {
        return Err(rejected("the file holds no bot's token: one looks like 123456:ABC-def"));
    }
    let base = chat.base.path.expose().trim_end_matches('/');
    let path = Secret::new(format!("{base}/bot{}/sendMessage", token.expose()));
    let text = text(message);
    let body = SendMessage { chat_id: &chat.chat, text: &text };
    let json = serde_json::to_string(&body).map_err(|error| rejected(error.to_string()))?;
    let reply = http::post(&chat.base, &path, &[], chat.ca.as_deref(), &json).await?;
    let secrets = [token.expose(), path.expose()];
    match serde_json::from_str::<Answer>(&reply.body) {
        Ok(answer) if answer.ok && reply.status.is_success() => Ok("ok".to_owned()),
        Ok(answer) => {
            let mut failed = reply.failure(&shown_without(&answer.description, &secrets));
            let asked = answer.parameters.retry_after.map(|seconds| Duration::from_secs(seconds.min(3600)));
            failed.retry_after = failed.retry_after.max(asked);
            Err(failed)
        }
        Err(_) => {
            let said = shown_without(&reply.body, &secrets);
            if reply.status.is_success() {
                return Err(rejected(format!("it does not answer as Telegram does: {said}")));
            }
            Err(reply.failure(&said))
        }
    }
}

/// The message, no longer than one may be.
fn text(message: &Message) -> String {
    let mut text = message.subject.clone();
    for line in &message.lines {
        // a message about one thing begins with its subject
        if *line != message.subject {
            text = text + "\n" + line;
        }
    }
    if text.encode_utf16().count() <= LONGEST {
        return text;
    }
    let mut left = LONGEST - CUT.chars().count();
    let mut cut: String = text
        .chars()
        .take_while(|c| {
            let fits = left >= c.len_utf16();
            left = left.saturating_sub(c.len_utf16());
            fits
        })
        .collect();
    cut.push_str(CUT);
    cut
}
