//! What the store does by itself, told as events: what it found behind the start, and when it ceases to write.

use std::sync::Weak;

use tokio::sync::{mpsc, watch};

use crate::model::{EventKind, Severity};
use crate::store::Health;

use super::start::Engine;

/// Tells what the store has to say after its opening.
pub(super) async fn tell_notes(mut notes: mpsc::UnboundedReceiver<Vec<String>>, engine: Weak<Engine>) {
    while let Some(notes) = notes.recv().await {
        let Some(alive) = engine.upgrade() else { return };
        alive.tell_notes(&notes);
    }
}

/// Tells when the store ceases to write, and when it writes again. These events are not stored: the store is what
/// cannot.
pub(super) async fn watch_health(mut health: watch::Receiver<Health>, engine: Weak<Engine>) {
    while health.changed().await.is_ok() {
        let trouble = health.borrow_and_update().clone();
        let Some(alive) = engine.upgrade() else { return };
        let (severity, message) = match trouble {
            Some(why) => (Severity::Error, format!("nothing is stored: {why}")),
            None => (Severity::Info, "the store writes again".to_owned()),
        };
        let event = alive.event(alive.now(), EventKind::System, severity, None, &message);
        alive.tell(vec![event]);
        alive.publish_now();
    }
}
