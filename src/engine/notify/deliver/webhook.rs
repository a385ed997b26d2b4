//! A webhook: the document by POST. Every 2xx means that it came.

use super::{http, shown_without};
use crate::engine::notify::desk::Failed;
use crate::engine::notify::message::Message;
use crate::engine::notify::settings::Webhook;

/// Sends the message; what the server said to it.
pub async fn send(hook: &Webhook, message: &Message) -> Result<String, Failed> {
    let reply =
        http::post(&hook.url, &hook.url.path, &hook.headers, hook.ca.as_deref(), &message.json).await?;
    let mut secrets: Vec<&str> = hook.headers.iter().map(|(_, value)| value.expose()).collect();
    secrets.extend(secrets.clone().iter().filter_map(|value| value.split_once(' ')).map(|(_, rest)| rest));
    secrets.push(hook.url.path.expose());
    let said = shown_without(&reply.body, &secrets);
    if reply.status.is_success() { Ok(format!("{} {said}", reply.status)) } else { Err(reply.failure(&said)) }
}
