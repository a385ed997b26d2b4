//! Events: numbered, stored with the change they tell of, shown in the log, handed to whoever listens.

use crate::model::{DeviceName, Event, EventKind, Severity, Timestamp, clean_line};

use super::present::EVENTS;
use super::records::event_key;
use super::standin::Entry;
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
        Event { seq, at, kind, severity, device, message: clean_line(message).into_owned() }
    }

    /// Shows events whose change is stored.
    pub(super) fn tell(&self, events: Vec<Event>) {
        for event in events {
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
        entry = entry.put(event);
        if let Some(oldest) = event.seq.checked_sub(EVENTS as u64).filter(|seq| *seq > 0) {
            entry = entry.delete::<Event>(&event_key(oldest));
        }
    }
    entry
}
