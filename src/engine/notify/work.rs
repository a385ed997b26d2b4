//! The worker: routes what happened, stores it, and sends what is due, each target in a lane of its own.

use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

use crate::engine::actor::Actor;
use crate::engine::events::with_events;
use crate::engine::inventory::entry;
use crate::engine::settings::{Stamp, settled};
use crate::engine::start::Engine;
use crate::model::{Event, EventKind, Incident, IncidentId, Severity, Timestamp};

use super::FAILING;
use super::deliver::deliver;
use super::desk::{Desk, Failed, Turn};
use super::message::{Message, compose};
use super::route::View;
use super::settings::{FILE, NotifySettings, Target};

/// How often the clock and the file are looked at while something waits, and while nothing does. Short, because a host
/// sleeps and its clock is set.
const LOOK: Duration = Duration::from_secs(1);
/// See [`LOOK`].
const IDLE_LOOK: Duration = Duration::from_secs(10);
/// Events that come within this are taken together.
const TOGETHER: Duration = Duration::from_millis(50);
/// What happened longer ago, while no engine ran, is told to nobody.
const OLD_NEWS: Duration = Duration::from_secs(3600);

/// An event that got its number before another one is told within this after it, or never: its entry was refused.
const NO_MORE_COMES: Duration = Duration::from_secs(60);

/// What the worker remembers between two turns.
#[derive(Default)]
struct Memory {
    settings: Arc<NotifySettings>,
    /// The file as it was when it was read.
    file: Stamp,
    begun: bool,
}

/// Runs until the engine is let go.
pub(in crate::engine) async fn work(engine: Weak<Engine>) {
    let Some((mut events, notifier)) =
        engine.upgrade().map(|engine| (engine.subscribe(), Arc::clone(&engine.notifier)))
    else {
        return;
    };
    let mut memory = Memory::default();
    // dropped with this worker, and what is under way with it
    let mut lanes = JoinSet::new();
    loop {
        let Some(alive) = engine.upgrade() else { return };
        let look = alive.notify_turn(&mut memory, &mut lanes).await;
        // an engine that nobody holds any more must not be held by this wait
        drop(alive);
        tokio::select! {
            event = events.recv() => match event {
                // events are read from the present, where none is missing
                Ok(_) | Err(RecvError::Lagged(_)) => {
                    tokio::time::sleep(TOGETHER).await;
                    events = events.resubscribe();
                }
                Err(RecvError::Closed) => return,
            },
            () = notifier.bell.notified() => {}
            _ = lanes.join_next(), if !lanes.is_empty() => {}
            () = tokio::time::sleep(look) => {}
        }
    }
}

impl Engine {
    /// Does what is to be done now; how long until the next look.
    async fn notify_turn(self: &Arc<Self>, memory: &mut Memory, lanes: &mut JoinSet<()>) -> Duration {
        self.read_notify_file(memory).await;
        let now = self.now();
        let Ok(mut desk) = self.desk().await else { return LOOK };
        let begins = !std::mem::replace(&mut memory.begun, true);
        if begins {
            self.take_up(&mut desk);
        }
        let route = self.route_new(&mut desk, &memory.settings, now);
        if begins {
            self.sweep(&mut desk);
        }
        self.save_desk(&mut desk, route).await;
        for target in &memory.settings.targets {
            if !desk.due(&target.name, now).is_empty()
                && let Ok(lane) = self.notifier.lane(&target.name).try_lock_owned()
            {
                let (engine, target) = (Arc::downgrade(self), Arc::clone(target));
                lanes.spawn(async move {
                    send_due(engine, &target).await;
                    drop(lane);
                });
            }
        }
        if desk.next_due().is_some() || desk.is_unsaved() { LOOK } else { IDLE_LOOK }
    }

    /// Reads the file where it was changed. One with a mistake changes nothing.
    async fn read_notify_file(&self, memory: &mut Memory) {
        let path = self.options.config_dir.join(FILE);
        let look = || Stamp::of(&path);
        match memory.begun {
            true if look() == memory.file => return,
            // who reads it half written sends to nobody, and what is new is told once
            true => memory.file = settled(look).await,
            false => memory.file = look(),
        }
        match self.notify_settings() {
            Ok(settings) => memory.settings = Arc::new(settings),
            Err(error) => {
                let message = format!("notifications go on as before this mistake: {error}");
                let event = self.event(self.now(), EventKind::Notification, Severity::Error, None, &message);
                self.tell(vec![event]);
            }
        }
    }

    /// Goes on where the last engine ended; the first one begins with what is new.
    fn take_up(&self, desk: &mut Desk) {
        let before = self.present().first_event().saturating_sub(1);
        // numbers of events that were shown and never stored are given again
        desk.begin_after(desk.seen().unwrap_or(before).min(before));
    }

    /// Lets go of incidents that ended unheard.
    fn sweep(&self, desk: &mut Desk) {
        let over: Vec<String> = desk
            .all_told()
            .filter(|told| {
                let id = told.topic.strip_prefix("incident/").and_then(|id| id.parse().ok()).map(IncidentId);
                id.is_some_and(|id| !self.incident_now(id).is_some_and(|incident| incident.is_open()))
            })
            .map(|told| told.topic.clone())
            .collect();
        over.iter().for_each(|topic| desk.forget(topic));
    }

    /// Puts what is new onto the desk; the numbers of those events.
    fn route_new(
        self: &Arc<Self>,
        desk: &mut Desk,
        settings: &NotifySettings,
        now: Timestamp,
    ) -> Vec<String> {
        let seen = desk.seen().unwrap_or(0);
        let (first, new) = {
            let present = self.present();
            (present.first_event(), present.events_after(seen))
        };
        let mut told = Vec::new();
        if new.is_empty() && desk.reminders(now).is_empty() {
            return told;
        }
        let rows = self.rows();
        let snapshot = self.snapshot();
        let view = View {
            settings,
            rows: rows
                .iter()
                .filter(|row| row.device.deleted.is_none())
                .map(|row| (&row.device.name, row))
                .collect(),
            incidents: &self.incidents_of(&new, &snapshot.incidents),
            now,
            zone: TimeZone::system(),
        };
        for event in &new {
            // which target an earlier engine's complaint was about is not known any more
            let is_complaint = event.seq < first && event.kind == EventKind::Notification;
            let age = event.at.age(now);
            if desk.see(event.seq) && age <= OLD_NEWS && !is_complaint {
                view.route(desk, event, self.notifier.is_about(event.seq).as_deref());
                told.push(event.seq.to_string());
            }
            if age > NO_MORE_COMES {
                desk.close_gaps(event.seq);
            }
        }
        view.remind(desk, |id| self.incident_now(id));
        told
    }

    /// Every incident of a picture, and those that events name and the picture lacks yet.
    fn incidents_of(&self, events: &[Event], shown: &[Incident]) -> Vec<Incident> {
        let mut incidents = shown.to_vec();
        for id in events.iter().filter_map(|event| event.incident) {
            if let Some(stored) = self.incident_now(id) {
                incidents.retain(|incident| incident.id != id);
                incidents.push(stored);
            }
        }
        incidents
    }

    /// An incident as it is stored; as it is shown, where the store does not take it.
    fn incident_now(&self, id: IncidentId) -> Option<Incident> {
        let shown = || self.snapshot().incidents.iter().find(|incident| incident.id == id).cloned();
        self.store.get(&id).ok().flatten().or_else(shown)
    }

    /// Stores what changed on the desk. What cannot be stored is sent all the same, and stored later.
    async fn save_desk(&self, desk: &mut Desk, about: Vec<String>) {
        if !desk.is_unsaved() {
            return;
        }
        let line = match &about[..] {
            [] => "notify".to_owned(),
            [event] => format!("notify of event {event}"),
            [first, .., last] => format!("notify of events {first} to {last}"),
        };
        let entry = desk.save(entry(self.now(), &Actor::engine(&line), "notify"));
        if self.commit(entry, "storing notifications").await.is_ok() {
            desk.saved();
        }
    }

    /// What a message says, and to how many of its events that belongs.
    pub(super) fn compose(&self, desk: &Desk, id: u64) -> Option<(Message, usize)> {
        let outgoing = desk.message(id)?;
        let mut incidents: Vec<Incident> = Vec::new();
        for id in outgoing.items.iter().filter_map(|item| item.event.incident) {
            if !incidents.iter().any(|incident| incident.id == id) {
                incidents.extend(self.incident_now(id));
            }
        }
        let message = compose(outgoing, &incidents, self.now(), &TimeZone::system());
        Some((message, outgoing.items.len()))
    }

    /// Notes what became of a delivery.
    pub(super) async fn settle(
        self: &Arc<Self>,
        id: u64,
        items: usize,
        target: &Target,
        outcome: &Result<String, Failed>,
    ) {
        let counters = &self.counters;
        if outcome.is_ok() { &counters.deliveries } else { &counters.deliveries_failed }.one_more();
        let now = self.now();
        let Ok(mut desk) = self.desk().await else { return };
        let turn = match outcome {
            Ok(_) => desk.delivered(id, items, now),
            Err(failed) => desk.failed(id, failed, now),
        };
        let name = &target.name;
        let why = outcome.as_ref().err().map(|failed| failed.message.as_str()).unwrap_or_default();
        let told = match turn {
            Turn::None => None,
            Turn::Works => Some((Severity::Info, format!("the target {name} takes notifications again"))),
            Turn::Failing => Some((
                FAILING,
                format!(
                    "the target {name} does not take notifications; they wait and are tried again: {why}"
                ),
            )),
            Turn::GivenUp => Some((
                Severity::Error,
                format!(
                    "notification {id} to {name} is given up after a day; `notify retry {id}` tries it once more: {why}"
                ),
            )),
        };
        let events: Vec<Event> = told
            .into_iter()
            .map(|(severity, message)| self.event(now, EventKind::Notification, severity, None, &message))
            .collect();
        for event in &events {
            self.notifier.note(event.seq, name);
        }
        let line = match outcome {
            Ok(_) => format!("notification {id} delivered to {name}"),
            Err(_) => format!("notification {id} not delivered to {name}"),
        };
        let entry = with_events(desk.save(entry(now, &Actor::engine(&line), "notify")), &events);
        if self.commit(entry, "storing a delivery").await.is_ok() {
            desk.saved();
        }
        drop(desk);
        if !events.is_empty() {
            self.tell(events);
        }
    }
}

/// Sends what is due to one target, one after another, until one finds it unreachable.
async fn send_due(engine: Weak<Engine>, target: &Target) {
    loop {
        let Some(alive) = engine.upgrade() else { return };
        let next = {
            let Ok(desk) = alive.desk().await else { return };
            let due = desk.due(&target.name, alive.now());
            due.first().and_then(|id| Some((*id, alive.compose(&desk, *id)?)))
        };
        let Some((id, (message, items))) = next else { return };
        drop(alive);
        let outcome = deliver(target, &message).await;
        let Some(alive) = engine.upgrade() else { return };
        alive.settle(id, items, target, &outcome).await;
    }
}
