use super::*;
use crate::engine::incident::graph::Node;

/// A network as it is at one moment, and the incidents that are open.
struct Moment {
    nodes: Vec<Node>,
    open: Vec<Incident>,
    up_for_now: HashMap<IncidentId, Timestamp>,
    flapping: HashSet<DeviceId>,
    settling: HashMap<DeviceId, Timestamp>,
    came_back: HashMap<DeviceId, Timestamp>,
    canary_heard: Option<Timestamp>,
    now: Timestamp,
}

const NOW: Timestamp = Timestamp(1_000_000);

/// A device on one way: `up`, or down since five seconds with the way to it confirmed.
fn node(device: u64, above: u64, standing: Standing) -> Node {
    let before = |millis: i64| Some(Timestamp(NOW.0 - millis));
    let down = standing == Standing::Down;
    Node {
        device: DeviceId(device),
        above: vec![DeviceId(above)],
        standing,
        last_reply: if down { before(9_000) } else { before(300) },
        silent_since: before(8_000).filter(|_| down),
        down_since: before(5_000).filter(|_| down),
        excused: false,
    }
}

fn incident(id: u64, root: u64) -> Incident {
    Incident {
        id: IncidentId(id),
        root: DeviceId(root),
        name: format!("device-{root}").parse().unwrap(),
        since: NOW,
        opened: NOW,
        closed: None,
        ending: None,
        cause: "no answer".into(),
        behind: Vec::new(),
        most_behind: 0,
        times_down: 1,
        before: Vec::new(),
        acknowledged: None,
        assigned: None,
        comments: Vec::new(),
        been_behind: None,
        lasted: None,
    }
}

impl Moment {
    fn new(nodes: Vec<Node>, open: Vec<Incident>) -> Self {
        Self {
            nodes,
            open,
            up_for_now: HashMap::new(),
            flapping: HashSet::new(),
            settling: HashMap::new(),
            came_back: HashMap::new(),
            canary_heard: None,
            now: NOW,
        }
    }

    fn decide(&self) -> Vec<Decision> {
        let known = Known {
            open: &self.open,
            up_for_now: &self.up_for_now,
            flapping: &self.flapping,
            settling: &self.settling,
            came_back: &self.came_back,
            canary_heard: self.canary_heard,
            now: self.now,
        };
        decide(&Graph::new(self.nodes.clone()), &known)
    }
}

use Standing::{Down, Unknown, Up};

fn open(root: u64, behind: &[u64]) -> Decision {
    Decision::Open { root: DeviceId(root), behind: behind.iter().copied().map(DeviceId).collect() }
}

#[test]
fn a_cause_is_opened_once_with_what_lies_behind() {
    let nodes = vec![node(1, 0, Up), node(2, 1, Down), node(3, 2, Down)];
    assert_eq!(Moment::new(nodes.clone(), vec![]).decide(), [open(2, &[3])]);
    let behind = Decision::Behind { incident: IncidentId(7), behind: vec![DeviceId(3)] };
    assert_eq!(Moment::new(nodes, vec![incident(7, 2)]).decide(), [behind]);
}

#[test]
fn a_device_is_no_cause_before_the_way_to_it_has_answered() {
    let mut moment = Moment::new(vec![node(1, 0, Up), node(2, 1, Down)], vec![]);
    moment.nodes[0].last_reply = Some(Timestamp(NOW.0 - 8_100));
    assert_eq!(moment.decide(), [], "the way was last heard before the device fell silent");
    moment.nodes[0].last_reply = Some(Timestamp(NOW.0 - 300));
    moment.nodes[0].silent_since = Some(Timestamp(NOW.0 - 200));
    assert_eq!(moment.decide(), [], "the way has just missed a probe itself");
    moment.nodes[1].down_since = Some(Timestamp(NOW.0 + 5));
    assert_eq!(moment.decide(), [], "down just now, by a clock that is a little ahead");
    moment.nodes[1].down_since = Some(NOW.after(HOLD * 2));
    assert_eq!(moment.decide(), [open(2, &[])], "the clock was set back");
    moment.nodes[1].down_since = Some(Timestamp(NOW.0 - 5_000));
    moment.nodes[1].silent_since = None;
    assert_eq!(moment.decide(), [], "its silence was forgiven, and nothing was missed since");
    moment.now = NOW.after(HOLD);
    assert_eq!(moment.decide(), [open(2, &[])], "it is not waited for for ever");
}

#[test]
fn an_incident_ends_when_its_root_answers_and_what_hung_behind_has_time() {
    let nodes = vec![node(1, 0, Up), node(2, 1, Up), node(3, 2, Down)];
    let mut moment = Moment::new(nodes, vec![incident(7, 2)]);
    moment.came_back.insert(DeviceId(2), NOW);
    assert_eq!(moment.decide(), [Decision::Recovered(IncidentId(7))]);
    moment.open.clear();
    assert_eq!(moment.decide(), []);
    moment.now = settle_until(NOW);
    assert_eq!(moment.decide(), [open(3, &[])]);
}

#[test]
fn what_hangs_below_the_root_may_come_back_before_it() {
    let nodes = vec![node(1, 0, Up), node(2, 1, Down), node(3, 2, Up), node(4, 3, Down)];
    let mut moment = Moment::new(nodes, vec![incident(7, 2)]);
    moment.came_back.insert(DeviceId(3), NOW);
    assert_eq!(moment.decide(), [Decision::Behind { incident: IncidentId(7), behind: vec![] }]);
}

#[test]
fn after_planned_work_a_device_has_time() {
    let mut moment = Moment::new(vec![node(2, 0, Down)], vec![]);
    moment.settling.insert(DeviceId(2), settle_until(NOW));
    assert_eq!(moment.decide(), []);
    moment.now = settle_until(NOW);
    assert_eq!(moment.decide(), [open(2, &[])]);
}

#[test]
fn an_incident_becomes_part_of_the_one_above_it() {
    let nodes = vec![node(1, 0, Down), node(2, 1, Down)];
    let mut moment = Moment::new(nodes, vec![incident(7, 2)]);
    let part = Decision::PartOf { incident: IncidentId(7), root: DeviceId(1) };
    assert_eq!(moment.decide(), [part.clone(), open(1, &[2])]);
    moment.open.push(incident(8, 1));
    let behind = Decision::Behind { incident: IncidentId(8), behind: vec![DeviceId(2)] };
    assert_eq!(moment.decide(), [part, behind]);
}

#[test]
fn flapping_is_one_incident_that_counts_and_ends_in_peace() {
    let mut moment = Moment::new(vec![node(2, 0, Up)], vec![incident(7, 2)]);
    moment.flapping.insert(DeviceId(2));
    assert_eq!(moment.decide(), [Decision::UpForNow(IncidentId(7))]);
    moment.up_for_now.insert(IncidentId(7), NOW);
    assert_eq!(moment.decide(), []);
    moment.nodes = vec![node(2, 0, Down)];
    assert_eq!(moment.decide(), [Decision::DownAgain(IncidentId(7))]);
    moment.nodes = vec![node(2, 0, Up)];
    moment.now = NOW.after(PEACE);
    assert_eq!(moment.decide(), [Decision::Recovered(IncidentId(7))]);
}

#[test]
fn planned_work_has_no_incident_nor_has_what_hangs_behind_it() {
    let mut moment = Moment::new(vec![node(1, 0, Down), node(2, 1, Down)], vec![]);
    moment.nodes[0].excused = true;
    assert_eq!(moment.decide(), []);
    moment.open = vec![incident(7, 1), incident(8, 2)];
    assert_eq!(moment.decide(), [Decision::Unwatched(IncidentId(7)), Decision::Unwatched(IncidentId(8))]);
}

#[test]
fn what_is_unknown_ends_nothing_and_what_is_gone_ends() {
    let moment = Moment::new(vec![node(2, 0, Unknown)], vec![incident(7, 2), incident(8, 3)]);
    assert_eq!(moment.decide(), [Decision::Unwatched(IncidentId(8))]);
}

#[test]
fn nobody_is_down_before_a_canary_has_answered() {
    let mut moment = Moment::new(vec![node(2, 0, Down)], vec![]);
    moment.canary_heard = Some(Timestamp(NOW.0 - 8_100));
    assert_eq!(moment.decide(), []);
    moment.canary_heard = Some(Timestamp(NOW.0 - 100));
    assert_eq!(moment.decide(), [open(2, &[])]);
}
