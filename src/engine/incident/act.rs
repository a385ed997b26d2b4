//! What people do about incidents.

use std::time::Duration;

use crate::engine::actor::Actor;
use crate::engine::error::ActError;
use crate::engine::events::with_events;
use crate::engine::inventory::entry;
use crate::engine::start::Engine;
use crate::model::{
    Acknowledgement, Comment, DeviceId, Ending, EventKind, Incident, IncidentId, Severity, clean_line,
};

/// The most characters of a reason or a comment.
const LONGEST: usize = 2000;
/// The most comments of one incident.
const COMMENTS: usize = 500;

impl Engine {
    /// Takes note of an incident; for `length`, or as long as it lasts. `by.why` says why.
    ///
    /// # Errors
    /// As for [`Engine::acknowledge_incident_of`], where nobody else must have it.
    pub async fn acknowledge_incident(
        &self,
        by: &Actor,
        id: IncidentId,
        length: Option<Duration>,
    ) -> Result<Incident, ActError> {
        self.acknowledge_incident_of(by, id, length, None).await
    }

    /// The same in place of `holder`, whose note that who asks has seen.
    ///
    /// # Errors
    /// When no reason is given, somebody else has taken note of it, the incident is over or unknown, or the store cannot
    /// take it.
    pub async fn acknowledge_incident_of(
        &self,
        by: &Actor,
        id: IncidentId,
        length: Option<Duration>,
        holder: Option<&str>,
    ) -> Result<Incident, ActError> {
        let why = text(&by.why, "say why with --why: the next one who looks wants to know")?;
        let now = self.now();
        let until = length.map(|length| now.after(length));
        self.note(by, "incident ack", id, |incident| {
            let others = incident.acknowledged.as_ref().filter(|_| incident.is_acknowledged(now));
            if let Some(note) = others.filter(|note| note.by != by.name) {
                let said = format!("{} has taken note of it at {}: {}", note.by, note.at.local(), note.why);
                check_holder(incident, &note.by, &said, holder)?;
            }
            incident.acknowledged =
                Some(Acknowledgement { by: by.name.clone(), why: why.clone(), at: now, until });
            let holds = until.map_or_else(String::new, |until| format!(" until {}", until.local_as("%H:%M")));
            Ok(format!("{}: acknowledged by {}{holds}: {why}", incident.name, by.name))
        })
        .await
    }

    /// Says who looks after an incident; `None` is nobody.
    ///
    /// # Errors
    /// As for [`Engine::assign_incident_of`], where nobody else must have it.
    pub async fn assign_incident(
        &self,
        by: &Actor,
        id: IncidentId,
        to: Option<&str>,
    ) -> Result<Incident, ActError> {
        self.assign_incident_of(by, id, to, None).await
    }

    /// The same in place of `holder`, of whom that who asks knows that they had it.
    ///
    /// # Errors
    /// When somebody else looks after it, the incident is over or unknown, or the store cannot take it.
    pub async fn assign_incident_of(
        &self,
        by: &Actor,
        id: IncidentId,
        to: Option<&str>,
        holder: Option<&str>,
    ) -> Result<Incident, ActError> {
        let to = to.map(|to| text(to, "say who looks after it")).transpose()?;
        self.note(by, "incident assign", id, |incident| {
            // whoever has it may hand it over
            let others = incident.assigned.clone().filter(|has| *has != by.name && Some(has) != to.as_ref());
            if let Some(has) = others {
                check_holder(incident, &has, &format!("{has} looks after it"), holder)?;
            }
            let message = match &to {
                Some(to) => format!("{}: {to} looks after it, says {}", incident.name, by.name),
                None => format!("{}: nobody looks after it, says {}", incident.name, by.name),
            };
            incident.assigned.clone_from(&to);
            Ok(message)
        })
        .await
    }

    /// Writes a comment.
    ///
    /// # Errors
    /// As for [`Engine::acknowledge_incident`].
    pub async fn comment_incident(
        &self,
        by: &Actor,
        id: IncidentId,
        says: &str,
    ) -> Result<Incident, ActError> {
        let says = text(says, "write something")?;
        let now = self.now();
        self.note(by, "incident comment", id, |incident| {
            if incident.comments.len() >= COMMENTS {
                incident.comments.remove(0);
            }
            incident.comments.push(Comment { by: by.name.clone(), at: now, text: says.clone() });
            Ok(format!("{}: {}: {says}", incident.name, by.name))
        })
        .await
    }

    /// Ends an incident by hand. Where its root is still down, the next look opens another one: what is wanted then is
    /// planned work, or a pause.
    ///
    /// # Errors
    /// As for [`Engine::acknowledge_incident`].
    pub async fn close_incident(&self, by: &Actor, id: IncidentId) -> Result<Incident, ActError> {
        let why = text(&by.why, "say why with --why: it stands in the incident")?;
        let mut ledger = self.incidents.lock().await;
        let now = self.now();
        let mut closed = ledger.an_open_one(id)?.clone();
        if !ledger.up_for_now.contains_key(&id) && self.is_down(&closed) {
            return Err(ActError::conflict(format!(
                "{} is still down: acknowledge it, plan work with `maintenance add`, or pause the device",
                closed.name
            )));
        }
        self.end(&mut closed, Ending::Closed { by: by.name.clone(), why }, &ledger, now);
        let event = self.incident_event(
            now,
            EventKind::IncidentClosed,
            Severity::Info,
            &closed,
            &super::words::ended(&closed),
        );
        let events = vec![event];
        let changes = entry(now, by, "incident close").put(&id, &closed);
        self.commit(with_events(changes, &events), "closing an incident").await?;
        if let Some(open) = ledger.open_mut(id) {
            *open = closed.clone();
        }
        ledger.put_away(id);
        self.show_incidents(&ledger, now);
        self.tell(events);
        self.publish_now();
        Ok(closed)
    }

    /// An incident, open or over.
    ///
    /// # Errors
    /// When there is none of that number, or the store cannot be read.
    pub async fn find_incident(&self, id: IncidentId) -> Result<Incident, ActError> {
        if let Some(incident) = self.incidents.lock().await.incident(id) {
            return Ok(incident.clone());
        }
        let stored: Option<Incident> =
            self.store.get(&id).map_err(|error| ActError::storage("reading an incident", error))?;
        stored.ok_or_else(|| {
            ActError::not_found(format!("there is no incident {id}; `incident list` shows those there are"))
        })
    }

    /// The names of devices, deleted ones included, in their order; `#7` for one that is known no more.
    pub fn names_of(&self, devices: impl Iterator<Item = DeviceId>) -> Vec<String> {
        let present = self.present();
        let name = |id: DeviceId| {
            present.device(id).map_or_else(|| format!("#{}", id.0), |device| device.name.to_string())
        };
        let mut names: Vec<String> = devices.map(name).collect();
        names.sort();
        names
    }

    fn is_down(&self, incident: &Incident) -> bool {
        let snapshot = self.snapshot();
        let row = snapshot.pulse.row(incident.root);
        row.is_some_and(|row| row.state == crate::engine::pulse::State::Down)
    }

    /// Changes an incident that is open: journal first, then everybody sees it.
    async fn note(
        &self,
        by: &Actor,
        verb: &str,
        id: IncidentId,
        change: impl FnOnce(&mut Incident) -> Result<String, ActError>,
    ) -> Result<Incident, ActError> {
        let mut ledger = self.incidents.lock().await;
        let now = self.now();
        let mut incident = ledger.an_open_one(id)?.clone();
        let message = change(&mut incident)?;
        let event = self.incident_event(now, EventKind::IncidentNoted, Severity::Info, &incident, &message);
        let events = vec![event];
        let changes = entry(now, by, verb).put(&id, &incident);
        self.commit(with_events(changes, &events), verb).await?;
        if let Some(open) = ledger.open_mut(id) {
            *open = incident.clone();
        }
        self.show_incidents(&ledger, now);
        self.tell(events);
        self.publish_now();
        Ok(incident)
    }
}

/// Refuses where another has an incident than who asks has seen there.
fn check_holder(incident: &Incident, has: &str, said: &str, seen: Option<&str>) -> Result<(), ActError> {
    match seen {
        Some(seen) if seen == has => Ok(()),
        _ => {
            let quoted = shlex::try_quote(has).unwrap_or_default();
            Err(ActError::conflict(format!(
                "incident {}, {}: {said}, and that was not overwritten; `--instead-of {quoted}` does it in their place",
                incident.id, incident.name
            )))
        }
    }
}

/// What a person wrote, on one clean line.
pub(super) fn text(written: &str, missing: &str) -> Result<String, ActError> {
    let clean = clean_line(written.trim()).into_owned();
    match clean.chars().count() {
        0 => Err(ActError::usage(missing)),
        1..=LONGEST => Ok(clean),
        _ => Err(ActError::usage(format!("at most {LONGEST} characters"))),
    }
}
