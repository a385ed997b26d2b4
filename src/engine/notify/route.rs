//! Who is told of an event: the rules, held against it.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use crate::engine::snapshot::DeviceRow;
use crate::model::{DeviceName, Event, EventKind, Incident, IncidentId, Severity, Timestamp};

use super::desk::Desk;
use super::records::{Item, Part, Told, topic};
use super::settings::NotifySettings;

/// The longest time between two reminders.
const LONGEST_REMINDER: std::time::Duration = std::time::Duration::from_secs(86_400);

/// What the rules look at beside the event.
pub struct View<'a> {
    /// The rules.
    pub settings: &'a NotifySettings,
    /// The devices that are not deleted, by name.
    pub rows: HashMap<&'a DeviceName, &'a DeviceRow>,
    /// The open incidents, and some that are over.
    pub incidents: &'a [Incident],
    /// The time.
    pub now: Timestamp,
    /// The operator's zone, for quiet hours.
    pub zone: TimeZone,
}

impl View<'_> {
    /// Puts an event onto the desk, for every target that wants it. `except` is a target that the event itself is about.
    pub fn route(&self, desk: &mut Desk, event: &Event, except: Option<&str>) {
        if self.is_explained(event) {
            return;
        }
        let topic = topic(event);
        let mut served: Vec<&str> = Vec::new();
        for (number, rule) in (1..).zip(&self.settings.rules) {
            if !rule.is_on(event.kind) || !rule.covers(self.rows_of(event)) {
                continue;
            }
            for target in &rule.to {
                if served.contains(&target.as_str()) || except == Some(target) {
                    continue;
                }
                let known = topic.as_ref().and_then(|(topic, _)| desk.told(topic, target)).cloned();
                let part = topic.as_ref().map(|(_, part)| *part);
                let wanted = match part {
                    Some(Part::Middle | Part::End) => known.is_some(),
                    Some(Part::Begin) | None => event.severity >= rule.severity,
                };
                if !wanted {
                    continue;
                }
                served.push(target);
                let id = match &known {
                    // never before the message that it goes on from, nor more quietly than that
                    Some(Told { waits_in: Some(id), .. }) => {
                        desk.revive(*id, self.now);
                        desk.append(*id, Item::new(event))
                    }
                    known => {
                        let loud =
                            known.as_ref().map_or(event.severity, |told| told.severity.max(event.severity));
                        let held = rule.held_until(loud, self.now, &self.zone);
                        desk.put(target, (number, rule), Item::new(event), held, self.now)
                    }
                };
                if let (Some((topic, Part::Begin)), None) = (&topic, &known) {
                    desk.tell(topic, target, (number, rule), event.severity, id);
                }
            }
        }
        if let Some((topic, Part::End)) = &topic {
            desk.forget(topic);
        }
    }

    /// Writes the reminders that are due, and looks after those of troubles that are over.
    pub fn remind(&self, desk: &mut Desk, incident: impl Fn(IncidentId) -> Option<Incident>) {
        for told in desk.reminders(self.now) {
            let id = told.topic.strip_prefix("incident/").and_then(|id| id.parse().ok()).map(IncidentId);
            let open = id.and_then(&incident).filter(Incident::is_open);
            let rule = usize::try_from(told.rule)
                .ok()
                .and_then(|rule| self.settings.rules.get(rule.checked_sub(1)?));
            let (Some(open), Some(rule), Some(first)) = (open, rule, told.remind) else {
                desk.forget(&told.topic);
                continue;
            };
            if let Some(quiet) = rule.held_until(told.severity, self.now, &self.zone) {
                desk.remind_again(&told, false, quiet);
                continue;
            }
            let doublings = told.reminders.saturating_add(1).min(20);
            let next = self.now.after(first.saturating_mul(1 << doublings).min(LONGEST_REMINDER));
            let written = !open.is_acknowledged(self.now);
            if written {
                let event = reminder(&open, told.severity, self.now);
                let item = Item { event, reminder: told.reminders + 1 };
                desk.put(&told.target, (told.rule, rule), item, None, self.now);
            }
            desk.remind_again(&told, written, next);
        }
    }

    /// Whether an open incident says already why: the backup of a device that is down fails.
    fn is_explained(&self, event: &Event) -> bool {
        let (EventKind::BackupFailed, Some(name)) = (event.kind, &event.device) else { return false };
        self.incidents
            .iter()
            .any(|incident| incident.is_open() && (incident.name == *name || incident.behind.contains(name)))
    }

    /// The devices that an event is about: of an incident, those behind its root too.
    fn rows_of<'b>(&'b self, event: &'b Event) -> impl Iterator<Item = &'b DeviceRow> {
        let incident = event.incident.and_then(|id| self.incidents.iter().find(|incident| incident.id == id));
        let behind = incident.map_or(&[][..], |incident| &incident.behind);
        event.device.iter().chain(behind).filter_map(|name| self.rows.get(name).copied())
    }
}

fn reminder(incident: &Incident, severity: Severity, now: Timestamp) -> Event {
    Event {
        seq: 0,
        at: now,
        kind: EventKind::IncidentOpened,
        severity,
        device: Some(incident.name.clone()),
        message: "is still down".to_owned(),
        incident: Some(incident.id),
    }
}
