//! Events: numbered, stored with the change they tell of, shown in the log, handed to whoever listens.

use crate::model::{DeviceName, Event, EventKind, Severity, Timestamp, clean_line};
use crate::store::Entry;

use super::actor::Actor;
use super::error::ActError;
use super::inventory::entry;
use super::present::EVENTS;
use super::start::Engine;

impl Engine {
    /// A new event; nobody knows of it before [`Engine::tell`].
    pub(super) fn event(
        &self,
        at: Timestamp,
        kind: EventKind,
        severity: Severity,
        device: Option<DeviceName>,
        message: &str,
    ) -> Event {
        let seq = self.present().take_event_number();
        Event { seq, at, kind, severity, device, message: clean_line(message).into_owned(), incident: None }
    }

    /// What the store had to say when it was opened. Not stored: the next start says what is left of it.
    pub(super) fn tell_notes(&self, notes: &[String]) {
        let now = self.now();
        let say = |note: &String| self.event(now, EventKind::System, Severity::Warning, None, note);
        self.tell(notes.iter().map(say).collect());
    }

    /// Journals that files in the operator's own folder were changed, and shows it.
    ///
    /// # Errors
    /// When the journal cannot be written; the files stay as they are.
    pub(super) async fn tell_of_files(
        &self,
        by: &Actor,
        verb: &str,
        device: Option<DeviceName>,
        message: &str,
    ) -> Result<(), ActError> {
        let now = self.now();
        let events = vec![self.event(now, EventKind::Inventory, Severity::Info, device, message)];
        self.commit(with_events(entry(now, by, verb), &events), verb).await?;
        self.tell(events);
        self.publish_now();
        Ok(())
    }

    /// Shows events whose change is stored.
    pub(super) fn tell(&self, events: Vec<Event>) {
        for event in events {
            self.counters.tell(&event);
            // no listener is no fault
            let _ = self.bus.send(event.clone());
            self.present().put_event(event);
        }
        self.publisher.ring();
    }
}

/// Adds events to an entry, and drops the ones that they push out of the log.
pub(super) fn with_events(mut entry: Entry, events: &[Event]) -> Entry {
    for event in events {
        entry.add(&event.seq, event);
        if let Some(oldest) = event.seq.checked_sub(EVENTS as u64).filter(|seq| *seq > 0) {
            entry.remove::<Event>(&oldest);
        }
    }
    entry
}
