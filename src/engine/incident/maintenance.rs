//! Planned work: announced, begun by itself, over by itself or ended early.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::actor::Actor;
use crate::engine::error::ActError;
use crate::engine::events::with_events;
use crate::engine::inventory::entry;
use crate::engine::selection::is_in_group;
use crate::engine::start::Engine;
use crate::model::{Device, DeviceId, EventKind, Maintenance, MaintenanceId, Scope, Severity, Timestamp};

use super::act::text;
use super::decide::settle_until;
use super::ledger::Ledger;

/// The longest planned work.
const LONGEST: Duration = Duration::from_secs(90 * 86_400);
/// So far ahead it may begin.
const AHEAD: Duration = Duration::from_secs(366 * 86_400);

/// Planned work that is announced.
#[derive(Clone, Debug)]
pub struct NewMaintenance {
    /// What it is about.
    pub scope: Scope,
    /// When it begins; `None` is now.
    pub from: Option<Timestamp>,
    /// How long it takes.
    pub length: Duration,
}

impl Engine {
    /// Announces planned work; `by.why` says what for.
    ///
    /// # Errors
    /// When no reason is given, the device or group is unknown, it is too long, too far ahead or over already, or the
    /// store cannot take it.
    pub async fn add_maintenance(&self, by: &Actor, new: NewMaintenance) -> Result<Maintenance, ActError> {
        let why = text(&by.why, "say what is done with --why: the next one who looks wants to know")?;
        let now = self.now();
        let from = new.from.unwrap_or(now);
        if new.length.is_zero() || new.length > LONGEST {
            return Err(ActError::usage("--for: more than nothing and at most 90 days"));
        }
        if now.age(from) > AHEAD {
            return Err(ActError::usage("--from: more than a year ahead"));
        }
        let until = from.after(new.length);
        if until <= now {
            return Err(ActError::usage("it would be over already"));
        }
        self.check_scope(&new.scope)?;
        let mut ledger = self.incidents.lock().await;
        let window = Maintenance {
            id: ledger.take_window_number(),
            announced: now,
            scope: new.scope,
            from,
            until,
            by: by.name.clone(),
            why,
            ended_by: None,
        };
        let message = format!(
            "planned work on {} from {} to {}, by {}: {}",
            window.scope,
            from.local_as("%m-%d %H:%M"),
            until.local_as("%m-%d %H:%M"),
            by.name,
            window.why
        );
        let events =
            vec![self.event(now, EventKind::Maintenance, Severity::Info, about(&window.scope), &message)];
        let changes = entry(now, by, "maintenance add").put(&window.id, &window);
        self.commit(with_events(changes, &events), "announcing planned work").await?;
        ledger.windows.push(window.clone());
        self.show_incidents(&ledger, now);
        self.tell(events);
        self.replan.notify_one();
        self.publish_now();
        Ok(window)
    }

    /// Ends planned work early, or calls it off.
    ///
    /// # Errors
    /// When there is none of that number, it is over, or the store cannot take it.
    pub async fn end_maintenance(&self, by: &Actor, id: MaintenanceId) -> Result<Maintenance, ActError> {
        let mut ledger = self.incidents.lock().await;
        let now = self.now();
        let Some(place) = ledger.windows.iter().position(|window| window.id == id) else {
            return Err(ActError::not_found(format!(
                "there is no planned work {id}; `maintenance list` shows what there is"
            )));
        };
        let mut window = ledger.windows[place].clone();
        if window.until <= now {
            let at = window.until.local();
            return Err(ActError::conflict(match &window.ended_by {
                Some(who) => format!("planned work {id} is over: {who} ended it at {at}"),
                None => format!("planned work {id} is over since {at}"),
            }));
        }
        (window.until, window.ended_by) = (now, Some(by.name.clone()));
        let message = format!("planned work on {} was ended by {}", window.scope, by.name);
        let events =
            vec![self.event(now, EventKind::Maintenance, Severity::Info, about(&window.scope), &message)];
        let changes = entry(now, by, "maintenance end").put(&id, &window);
        self.commit(with_events(changes, &events), "ending planned work").await?;
        ledger.windows[place] = window.clone();
        let until = settle_until(now);
        let devices = self.present().living_devices();
        ledger.settling.extend(in_scope(&window.scope, &devices).into_iter().map(|device| (device, until)));
        self.show_incidents(&ledger, now);
        self.tell(events);
        self.replan.notify_one();
        self.publish_now();
        Ok(window)
    }

    /// Every window that is known, the newest begin first.
    pub async fn maintenance(&self) -> Vec<Maintenance> {
        let mut windows = self.incidents.lock().await.windows.clone();
        windows.sort_by_key(|window| std::cmp::Reverse((window.from, window.id)));
        windows
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ActError> {
        match scope {
            Scope::Device(name) | Scope::Subtree(name) => self.device(name.as_str()).map(drop),
            Scope::Group(group) => {
                let devices = self.present().living_devices();
                let is_there = devices.iter().any(|device| is_in_group(&device.group, group));
                is_there.then_some(()).ok_or_else(|| {
                    ActError::not_found(format!(
                        "no device is in a group {group}; `device list` shows the groups"
                    ))
                })
            }
        }
    }

    /// The devices in planned work at this moment, and what its begin and end mean for incidents.
    pub(in crate::engine) async fn devices_in_planned_work(
        &self,
        devices: &[Arc<Device>],
        before: &HashSet<DeviceId>,
    ) -> HashSet<DeviceId> {
        let mut ledger = self.incidents.lock().await;
        let now = self.now();
        let on: Vec<&Maintenance> = ledger.windows.iter().filter(|window| window.is_on(now)).collect();
        let in_work: HashSet<DeviceId> =
            on.iter().flat_map(|window| in_scope(&window.scope, devices)).collect();
        // what comes out of it has a while to come back
        let until = settle_until(now);
        ledger.settling.extend(before.difference(&in_work).map(|device| (*device, until)));
        self.tell_of_begun_and_over(&mut ledger, now).await;
        in_work
    }

    /// Says that planned work has begun by itself, or is over; one that was announced or ended just now was told of.
    async fn tell_of_begun_and_over(&self, ledger: &mut Ledger, now: Timestamp) {
        let on: HashSet<MaintenanceId> =
            ledger.windows.iter().filter(|window| window.is_on(now)).map(|window| window.id).collect();
        if on == ledger.on {
            return;
        }
        let by_itself = |window: &&Maintenance| {
            let begins = on.contains(&window.id) && !ledger.on.contains(&window.id);
            let ends = ledger.on.contains(&window.id) && !on.contains(&window.id);
            (begins && window.announced < window.from) || (ends && window.ended_by.is_none())
        };
        let say = |window: &Maintenance| {
            let what = if on.contains(&window.id) { "has begun" } else { "is over" };
            let message = format!("planned work on {} {what}: {}", window.scope, window.why);
            self.event(now, EventKind::Maintenance, Severity::Info, about(&window.scope), &message)
        };
        let events: Vec<_> = ledger.windows.iter().filter(by_itself).map(say).collect();
        ledger.on = on;
        if !events.is_empty() {
            let changes = with_events(entry(now, &Actor::engine("maintenance"), "maintenance"), &events);
            // where the store does not take it, somebody must know of it all the same
            let _ = self.commit(changes, "storing that planned work has begun or is over").await;
            self.tell(events);
        }
        self.show_incidents(ledger, now);
    }
}

/// The devices that a window is about, of `devices`.
pub fn in_scope(scope: &Scope, devices: &[Arc<Device>]) -> HashSet<DeviceId> {
    match scope {
        Scope::Device(name) => {
            devices.iter().filter(|device| device.name == *name).map(|device| device.id).collect()
        }
        Scope::Group(group) => devices
            .iter()
            .filter(|device| is_in_group(&device.group, group))
            .map(|device| device.id)
            .collect(),
        Scope::Subtree(top) => {
            let mut names = HashSet::from([top]);
            let mut found: HashSet<DeviceId> = HashSet::new();
            loop {
                let more: Vec<&Arc<Device>> = devices
                    .iter()
                    .filter(|device| !found.contains(&device.id))
                    .filter(|device| {
                        device.name == *top
                            || device.parent.as_ref().is_some_and(|parent| names.contains(parent))
                    })
                    .collect();
                if more.is_empty() {
                    return found;
                }
                found.extend(more.iter().map(|device| device.id));
                names.extend(more.iter().map(|device| &device.name));
            }
        }
    }
}

fn about(scope: &Scope) -> Option<crate::model::DeviceName> {
    match scope {
        Scope::Device(name) | Scope::Subtree(name) => Some(name.clone()),
        Scope::Group(_) => None,
    }
}
