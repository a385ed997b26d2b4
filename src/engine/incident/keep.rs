//! The worker that looks at each picture of the pulse: opens, follows and ends incidents, stores them and tells.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;

use crate::engine::actor::Actor;
use crate::engine::events::with_events;
use crate::engine::inventory::entry;
use crate::engine::pulse::{Mode, PulsePicture, PulseRow, State};
use crate::engine::start::Engine;
use crate::model::{
    ChangeBefore, Device, DeviceId, DeviceName, DeviceSet, Ending, Event, EventKind, Incident, IncidentId,
    Moment, Severity, Timestamp,
};

use super::decide::{Decision, Known, decide, settle_until};
use super::graph::{Graph, Node, Standing};
use super::ledger::Ledger;
use super::words;

/// What was changed so long before an incident may be its cause.
const SHORTLY: Duration = Duration::from_secs(3600);
/// The most changes that an incident names.
const CHANGES: usize = 20;

/// See the file's head.
pub(in crate::engine) async fn work(engine: Weak<Engine>, mut pictures: watch::Receiver<Arc<PulsePicture>>) {
    let by = Actor::engine("incident");
    while pictures.changed().await.is_ok() {
        let picture = pictures.borrow_and_update().clone();
        let Some(alive) = engine.upgrade() else { return };
        // cut off: nobody knows anything
        if picture.cut_off.is_none() {
            alive.look_at(&by, &picture).await;
        }
    }
}

impl Engine {
    /// One look at what the pulse knows.
    async fn look_at(&self, by: &Actor, picture: &PulsePicture) {
        let mut ledger = self.incidents.lock().await;
        let now = self.now();
        ledger.follow_clock(now);
        ledger.settling.retain(|_, until| now < *until);
        ledger.came_back.retain(|_, at| now < settle_until(*at));
        let quiet = ledger.open.is_empty() && ledger.unstored.is_empty() && ledger.down.is_empty();
        if quiet && picture.totals.down == 0 {
            return;
        }
        let devices = self.present().living_devices();
        let network = Network::new(&devices, picture);
        ledger.see(picture, now);
        let decisions = decide(
            &network.graph,
            &Known {
                open: &ledger.open,
                up_for_now: &ledger.up_for_now,
                flapping: &network.flapping,
                settling: &ledger.settling,
                came_back: &ledger.came_back,
                canary_heard: picture.canary_heard,
                now,
            },
        );
        let mut events = Vec::new();
        for decision in decisions {
            events.extend(self.carry_out(&mut ledger, &network, decision, now));
        }
        self.keep_incidents(by, &mut ledger, events, now).await;
    }

    fn carry_out(
        &self,
        ledger: &mut Ledger,
        network: &Network,
        decision: Decision,
        now: Timestamp,
    ) -> Option<Event> {
        match decision {
            Decision::Open { root, behind } => {
                let incident = self.new_incident(ledger, network, root, &behind, now)?;
                let event = self.incident_event(
                    now,
                    EventKind::IncidentOpened,
                    Severity::Error,
                    &incident,
                    &words::opened(&incident),
                );
                ledger.unstored.insert(incident.id);
                ledger.silent.insert(incident.id, Moment::now().before(incident.since.age(now)));
                ledger.open.push(incident);
                Some(event)
            }
            Decision::Behind { incident, behind } => {
                let names = network.names(&behind);
                let open = ledger.open_mut(incident)?;
                if open.behind != names {
                    open.most_behind = open.most_behind.max(u32::try_from(names.len()).unwrap_or(u32::MAX));
                    if open.behind.iter().any(|before| names.binary_search(before).is_err()) {
                        open.been_behind = Some(self.been_behind(open));
                    }
                    open.behind = names;
                    ledger.unstored.insert(incident);
                }
                None
            }
            Decision::UpForNow(id) => {
                ledger.up_for_now.insert(id, now);
                let open = ledger.open_mut(id)?;
                let message = format!("{} answers again, for now: it goes up and down", open.name);
                Some(self.incident_event(now, EventKind::IncidentNoted, Severity::Info, open, &message))
            }
            Decision::DownAgain(id) => {
                ledger.up_for_now.remove(&id);
                let open = ledger.open_mut(id)?;
                open.times_down = open.times_down.saturating_add(1);
                let message = format!("{} is down again, {} times now", open.name, open.times_down);
                let event =
                    self.incident_event(now, EventKind::IncidentNoted, Severity::Warning, open, &message);
                ledger.unstored.insert(id);
                Some(event)
            }
            Decision::Recovered(id) => self.end_incident(ledger, id, Ending::Recovered, now),
            Decision::PartOf { incident, root } => {
                // it is opened in the same look where it is not there yet, and found at the next
                let other = ledger.open.iter().find(|other| other.root == root)?.id;
                self.end_incident(ledger, incident, Ending::PartOf(other), now)
            }
            Decision::Unwatched(id) => self.end_incident(ledger, id, Ending::Unwatched, now),
        }
    }

    fn new_incident(
        &self,
        ledger: &mut Ledger,
        network: &Network,
        root: DeviceId,
        behind: &[DeviceId],
        now: Timestamp,
    ) -> Option<Incident> {
        let (device, row) = (network.devices.get(&root)?, network.rows.get(&root)?);
        let since = row.last_reply.or(row.silent_since).or(row.since).unwrap_or(now);
        let behind_names = network.names(behind);
        Some(Incident {
            id: ledger.take_incident_number(),
            root,
            name: device.name.clone(),
            since,
            opened: now,
            closed: None,
            ending: None,
            cause: row.why.as_ref().map_or_else(|| "no answer".to_owned(), ToString::to_string),
            most_behind: u32::try_from(behind.len()).unwrap_or(u32::MAX),
            times_down: 1,
            before: self.changes_before(since, network, root, behind),
            behind: behind_names,
            acknowledged: None,
            assigned: None,
            comments: Vec::new(),
            been_behind: None,
            lasted: None,
        })
    }

    /// What was changed shortly before on the root, on the way to it and behind it; the newest first.
    fn changes_before(
        &self,
        since: Timestamp,
        network: &Network,
        root: DeviceId,
        behind: &[DeviceId],
    ) -> Vec<ChangeBefore> {
        let on_the_way = network.graph.ancestors(root);
        let about: HashSet<&DeviceName> = [root]
            .iter()
            .chain(&on_the_way)
            .chain(behind)
            .filter_map(|device| network.devices.get(device).map(|device| &device.name))
            .collect();
        let is_change = |event: &&Event| {
            let kind = matches!(
                event.kind,
                EventKind::ConfigChanged
                    | EventKind::IdentityChanged
                    | EventKind::HostKeyChanged
                    | EventKind::Inventory
            );
            // it takes a moment until a device is known to be silent
            kind && event.at.age(since) <= SHORTLY && event.at <= since.after(Duration::from_secs(10))
        };
        let present = self.present();
        let change = |event: &Event| {
            let device = event.device.clone().filter(|device| about.contains(device))?;
            Some(ChangeBefore { at: event.at, device, what: event.message.clone() })
        };
        present.events().filter(is_change).filter_map(change).take(CHANGES).collect()
    }

    /// Ends an incident; the event that tells of it.
    pub(super) fn end_incident(
        &self,
        ledger: &mut Ledger,
        id: IncidentId,
        ending: Ending,
        now: Timestamp,
    ) -> Option<Event> {
        let mut ended = ledger.open_mut(id)?.clone();
        self.end(&mut ended, ending, ledger, now);
        let event = self.incident_event(
            now,
            EventKind::IncidentClosed,
            Severity::Info,
            &ended,
            &words::ended(&ended),
        );
        *ledger.open_mut(id)? = ended;
        ledger.unstored.insert(id);
        ledger.put_away(id);
        Some(event)
    }

    /// Writes into an incident that it is over, how long it lasted and who lay behind it.
    pub(super) fn end(&self, incident: &mut Incident, ending: Ending, ledger: &Ledger, now: Timestamp) {
        (incident.closed, incident.ending) = (Some(now), Some(ending));
        incident.lasted = ledger.silent.get(&incident.id).map(|since| Moment::now().since(*since));
        incident.been_behind = Some(self.been_behind(incident));
    }

    /// Those that were known to have lain behind it, and those that do now.
    fn been_behind(&self, incident: &Incident) -> DeviceSet {
        let present = self.present();
        let lying = incident.behind.iter().filter_map(|name| Some(present.living(name)?.id));
        incident.been_behind.clone().unwrap_or_default().and(lying)
    }

    /// An event about an incident.
    pub(super) fn incident_event(
        &self,
        now: Timestamp,
        kind: EventKind,
        severity: Severity,
        incident: &Incident,
        message: &str,
    ) -> Event {
        let event = self.event(now, kind, severity, Some(incident.name.clone()), message);
        Event { incident: Some(incident.id), ..event }
    }

    /// Stores what has changed, and shows it. Where the store does not take it, it is shown all the same, since
    /// somebody must know of it now, and stored at the next look.
    async fn keep_incidents(&self, by: &Actor, ledger: &mut Ledger, events: Vec<Event>, now: Timestamp) {
        if ledger.unstored.is_empty() && events.is_empty() {
            return;
        }
        let mut changes = entry(now, by, "incident");
        for id in &ledger.unstored {
            if let Some(incident) = ledger.incident(*id) {
                changes.add(id, incident);
            }
        }
        if self.commit(with_events(changes, &events), "storing incidents").await.is_ok() {
            ledger.unstored.clear();
        }
        self.show_incidents(ledger, now);
        self.tell(events);
    }

    /// Puts incidents and planned work into the snapshot.
    pub(super) fn show_incidents(&self, ledger: &Ledger, now: Timestamp) {
        self.present().put_incidents(ledger.shown(), ledger.windows(now));
        self.publisher.ring();
    }
}

/// The devices with what the pulse knows of them.
struct Network<'a> {
    graph: Graph,
    devices: HashMap<DeviceId, &'a Arc<Device>>,
    rows: HashMap<DeviceId, &'a PulseRow>,
    flapping: HashSet<DeviceId>,
}

impl<'a> Network<'a> {
    fn new(devices: &'a [Arc<Device>], picture: &'a PulsePicture) -> Self {
        let by_name: HashMap<&DeviceName, DeviceId> =
            devices.iter().map(|device| (&device.name, device.id)).collect();
        let rows: HashMap<DeviceId, &PulseRow> = picture.rows.iter().map(|row| (row.device, row)).collect();
        let node = |device: &Arc<Device>| {
            let row = rows.get(&device.id);
            let standing = row.map_or(Standing::Unknown, |row| standing(row));
            Node {
                device: device.id,
                above: device.parent.iter().filter_map(|parent| by_name.get(parent).copied()).collect(),
                standing,
                last_reply: row.and_then(|row| row.last_reply),
                silent_since: row.and_then(|row| row.silent_since),
                down_since: row.and_then(|row| row.since).filter(|_| standing == Standing::Down),
                excused: row.is_some_and(|row| row.mode != Mode::Watched),
            }
        };
        let flapping = picture.rows.iter().filter(|row| row.flapping).map(|row| row.device).collect();
        let graph = Graph::new(devices.iter().map(node).collect());
        let devices = devices.iter().map(|device| (device.id, device)).collect();
        Self { graph, devices, rows, flapping }
    }

    /// The devices' names, sorted.
    fn names(&self, devices: &[DeviceId]) -> Vec<DeviceName> {
        let mut names: Vec<DeviceName> =
            devices.iter().filter_map(|device| Some(self.devices.get(device)?.name.clone())).collect();
        names.sort();
        names
    }
}

impl Ledger {
    /// What lies further ahead than it can lies there because the clock was set back: it must hold nobody up until then.
    fn follow_clock(&mut self, now: Timestamp) {
        self.settling.values_mut().for_each(|until| *until = (*until).min(settle_until(now)));
        let times = self.came_back.values_mut().chain(self.up_for_now.values_mut());
        times.for_each(|at| *at = (*at).min(now));
    }

    /// Remembers who is down, and who has come back.
    fn see(&mut self, picture: &PulsePicture, now: Timestamp) {
        for row in &picture.rows {
            match standing(row) {
                Standing::Down => {
                    self.down.insert(row.device);
                }
                Standing::Up if self.down.remove(&row.device) => {
                    self.came_back.insert(row.device, now);
                }
                Standing::Up | Standing::Unknown => {}
            }
        }
        // those that are watched no more
        self.down.retain(|device| picture.row(*device).is_some());
    }
}

fn standing(row: &PulseRow) -> Standing {
    match (row.mode, row.state) {
        (Mode::Paused, _) | (_, State::Unknown) => Standing::Unknown,
        (_, State::Up | State::Loss) => Standing::Up,
        (_, State::Down) => Standing::Down,
    }
}
