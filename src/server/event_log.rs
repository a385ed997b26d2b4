//! What the engine tells, as lines of the log: whatever somebody should look at, and what it says of itself.

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::log::Log;
use crate::engine::Engine;
use crate::model::{Event, EventKind, Severity};

/// Writes what was told before anybody listened: what the store had to say when it was opened.
pub fn begin(engine: &Engine, log: &Log) {
    engine.opening_notes().iter().for_each(|note| log.warning(note));
}

/// Writes events as they come, until the engine is let go.
pub async fn write(mut events: Receiver<Event>, log: Log) {
    loop {
        match events.recv().await {
            Ok(event) => say(&log, &event),
            Err(RecvError::Lagged(count)) => {
                log.warning(&format!(
                    "{count} events came too fast for this log: `noctule event list` has them"
                ));
            }
            Err(RecvError::Closed) => return,
        }
    }
}

fn say(log: &Log, event: &Event) {
    let line = match &event.device {
        Some(device) if !event.message.contains(device.as_str()) => format!("{device}: {}", event.message),
        _ => event.message.clone(),
    };
    match event.severity {
        Severity::Error => log.error(&line),
        Severity::Warning => log.warning(&line),
        Severity::Info if event.kind == EventKind::System => log.info(&line),
        Severity::Info => {}
    }
}
