//! What the causes of this moment mean for the incidents that are open. Pure.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::model::{DeviceId, Incident, IncidentId, Timestamp};

use super::graph::{Graph, Root, Standing};

/// Another one's answer proves that a silence is the device's own when it came so long after the device fell silent.
const CONFIRMED: Duration = Duration::from_millis(500);
/// So long it is waited for a word from the way to a device before the device is taken for the cause.
const HOLD: Duration = Duration::from_secs(10);
/// After a device has come back, or planned work is over, what hangs on it has so long to come back too.
const SETTLE: Duration = Duration::from_secs(30);
/// An incident whose root goes up and down all the time is over when it was up so long.
const PEACE: Duration = Duration::from_secs(300);

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A new incident.
    Open {
        /// Its root.
        root: DeviceId,
        /// Those behind it.
        behind: Vec<DeviceId>,
    },
    /// An incident has others behind its root than before.
    Behind {
        /// Which incident.
        incident: IncidentId,
        /// Those that are behind it now.
        behind: Vec<DeviceId>,
    },
    /// Its root, which had answered for a moment, is down again.
    DownAgain(IncidentId),
    /// Its root answers, and may not do so for long.
    UpForNow(IncidentId),
    /// It is over: the root answers.
    Recovered(IncidentId),
    /// It is over: the root hangs on another root.
    PartOf {
        /// Which incident.
        incident: IncidentId,
        /// The other incident's root.
        root: DeviceId,
    },
    /// It is over: its root is not watched any more.
    Unwatched(IncidentId),
}

/// What is known beside the network itself.
pub struct Known<'a> {
    /// The incidents that are open.
    pub open: &'a [Incident],
    /// Those whose root answered at the last look, while it goes up and down all the time.
    pub up_for_now: &'a HashMap<IncidentId, Timestamp>,
    /// Devices with the badge.
    pub flapping: &'a HashSet<DeviceId>,
    /// Until when devices have time to come back: planned work on them is over.
    pub settling: &'a HashMap<DeviceId, Timestamp>,
    /// When devices that were down have come back lately: what hangs on them has time to come back too.
    pub came_back: &'a HashMap<DeviceId, Timestamp>,
    /// When a canary last answered; `None` where nobody tells whether this host is cut off.
    pub canary_heard: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
}

/// How long devices have to come back after what held them down is over.
pub fn settle_until(now: Timestamp) -> Timestamp {
    now.after(SETTLE)
}

/// See the file's head.
pub fn decide(graph: &Graph, known: &Known) -> Vec<Decision> {
    let roots = graph.roots();
    let root_of: HashMap<DeviceId, &Root> = roots
        .iter()
        .flat_map(|root| root.behind.iter().chain([&root.device]).map(move |device| (*device, root)))
        .collect();
    let has_incident: HashSet<DeviceId> = known.open.iter().map(|incident| incident.root).collect();
    let opened: Vec<&Root> = roots
        .iter()
        .filter(|root| !has_incident.contains(&root.device) && is_to_be_opened(root, graph, known))
        .collect();
    let mut decisions: Vec<Decision> = Vec::new();
    let explained =
        |root: DeviceId| has_incident.contains(&root) || opened.iter().any(|opened| opened.device == root);
    for incident in known.open {
        decisions.extend(follow(incident, graph, &root_of, known, &explained));
    }
    let open = |root: &&Root| Decision::Open { root: root.device, behind: not_excused(&root.behind, graph) };
    decisions.extend(opened.iter().map(open));
    decisions
}

/// What becomes of an incident that is open.
fn follow(
    incident: &Incident,
    graph: &Graph,
    root_of: &HashMap<DeviceId, &Root>,
    known: &Known,
    explained: &impl Fn(DeviceId) -> bool,
) -> Option<Decision> {
    let (id, device) = (incident.id, incident.root);
    let Some(node) = graph.node(device).filter(|node| !node.excused) else {
        return Some(Decision::Unwatched(id));
    };
    let up_since = known.up_for_now.get(&id);
    match node.standing {
        // after a start nothing is known for a moment
        Standing::Unknown => None,
        Standing::Up if !known.flapping.contains(&device) => Some(Decision::Recovered(id)),
        Standing::Up => match up_since {
            None => Some(Decision::UpForNow(id)),
            Some(since) if since.age(known.now) >= PEACE => Some(Decision::Recovered(id)),
            Some(_) => None,
        },
        Standing::Down if up_since.is_some() => Some(Decision::DownAgain(id)),
        Standing::Down => {
            let root = root_of.get(&device)?;
            if root.device != device {
                let root = root.device;
                return match graph.node(root).is_some_and(|node| node.excused) {
                    true => Some(Decision::Unwatched(id)),
                    false => explained(root).then_some(Decision::PartOf { incident: id, root }),
                };
            }
            Some(Decision::Behind { incident: id, behind: not_excused(&root.behind, graph) })
        }
    }
}

fn is_to_be_opened(root: &Root, graph: &Graph, known: &Known) -> bool {
    let Some(node) = graph.node(root.device) else { return false };
    let settles = known.settling.get(&root.device).is_some_and(|until| known.now < *until);
    // a clock that was set back must not hold it for ever; the pulse's own runs a little ahead now and then
    let is_set_back = |since: Timestamp| since > known.now.after(HOLD);
    let waited = node.down_since.is_none_or(|since| since.age(known.now) >= HOLD || is_set_back(since));
    let is_back = |way: &DeviceId| {
        known
            .came_back
            .get(way)
            .is_some_and(|at| known.now < settle_until(*at) && node.down_since < Some(*at))
    };
    !node.excused
        && !settles
        && !root.ways.iter().any(is_back)
        && (waited || is_confirmed(root, graph, known))
}

/// Whether it is known to be the device's own trouble: each way to it that is up, and a canary of this host, has answered
/// since the device fell silent.
fn is_confirmed(root: &Root, graph: &Graph, known: &Known) -> bool {
    let Some(silent) = graph.node(root.device).and_then(|node| node.silent_since) else { return false };
    let since = |heard: Timestamp| heard >= silent.after(CONFIRMED);
    let ways = root.ways.iter().filter_map(|way| graph.node(*way));
    let mut up = ways.filter(|way| way.standing == Standing::Up);
    known.canary_heard.is_none_or(since)
        && up.all(|way| way.silent_since.is_none() && way.last_reply.is_some_and(since))
}

fn not_excused(devices: &[DeviceId], graph: &Graph) -> Vec<DeviceId> {
    let counts = |device: &&DeviceId| graph.node(**device).is_some_and(|node| !node.excused);
    devices.iter().filter(counts).copied().collect()
}

#[cfg(test)]
mod tests;
