//! A made-up pulse, incidents and planned work, for the console's fixture.

use std::sync::Arc;
use std::time::Duration;

use noctule::device::icmp::Fault;
use noctule::engine::pulse::{Mode, PulsePicture, PulseRow, PulseTotals, Recent, State as Pulse, Why};
use noctule::engine::snapshot::DeviceRow;
use noctule::model::{
    Acknowledgement, ChangeBefore, Comment, Ending, Incident, IncidentId, Maintenance, MaintenanceId, Scope,
    Timestamp,
};

use crate::console_fixture::{HOSTILE, NOW, State};

fn ago(minutes: i64) -> Timestamp {
    Timestamp(NOW.0 - minutes * 60_000)
}

/// What the pulse knows of these devices.
pub fn picture(state: State, devices: &[DeviceRow]) -> Arc<PulsePicture> {
    let mut rows: Vec<PulseRow> = devices.iter().map(|device| row(state, device)).collect();
    rows.sort_by_key(|row| row.device);
    Arc::new(PulsePicture {
        at: Some(NOW),
        totals: PulseTotals::of(&rows),
        rows,
        cut_off: None,
        canary_heard: None,
        notices: match state {
            State::Hostile => vec![HOSTILE.to_owned()],
            _ => Vec::new(),
        },
    })
}

fn row(state: State, device: &DeviceRow) -> PulseRow {
    let id = device.device.id.0;
    let mut recent = Recent::default();
    for probe in 0..60 {
        let wave = [0, 3, 1, 7, 2, 0, 12, 4][(probe + id as usize) % 8];
        recent.add(Some(Duration::from_micros(280 + 90 * (id % 7) + 25 * wave)));
    }
    let mut row = PulseRow {
        device: device.device.id,
        address: "192.0.2.7".parse().ok(),
        state: Pulse::Up,
        mode: Mode::Watched,
        since: Some(ago(60 * 24 * 3)),
        flapping: false,
        last_reply: Some(NOW),
        silent_since: None,
        interval: Duration::from_secs(10),
        why: None,
        recent,
    };
    if matches!(state, State::Trouble | State::Hostile) {
        let silent = Some(Why::Fault(Fault::Silence));
        match device.device.name.as_str() {
            "dist-north-1" | "acc-n-101" | "acc-n-102" | "acc-n-103" => {
                (row.state, row.why, row.since) = (Pulse::Down, silent, Some(ago(4)));
                (0..24).for_each(|_| row.recent.add(None));
            }
            "edge-2" => {
                (row.state, row.why, row.since) = (Pulse::Loss, silent, Some(ago(0)));
                row.recent.add(None);
            }
            "acc-s-202" => (row.flapping, row.since) = (true, Some(ago(2))),
            "olt-1" => {
                (row.state, row.mode, row.why) = (Pulse::Down, Mode::Maintenance, silent);
                row.since = Some(ago(25));
            }
            "shelf" => row.mode = Mode::Paused,
            "new-box" => {
                let why = "looking up new-box.example.net: it has no address";
                (row.state, row.address, row.since) = (Pulse::Unknown, None, None);
                (row.why, row.recent) = (Some(Why::NoAddress(why.into())), Recent::default());
            }
            _ => {}
        }
    }
    row
}

/// Incidents: one that is open with three behind, one that somebody has, and two that are over.
pub fn incidents(state: State) -> Arc<[Incident]> {
    let text = |plain: &str| if state == State::Hostile { HOSTILE.to_owned() } else { plain.to_owned() };
    let over = incident(5, "edge-1", 300, Some(Ending::Recovered), text("host unreachable, says 192.0.2.1"));
    let over = Incident { closed: Some(ago(288)), most_behind: 2, times_down: 3, ..over };
    let part = incident(4, "acc-s-201", 1500, Some(Ending::PartOf(IncidentId(5))), text("no answer"));
    let part = Incident { closed: Some(ago(1490)), ..part };
    if !matches!(state, State::Trouble | State::Hostile) {
        return if state == State::Empty { Arc::default() } else { Arc::new([over, part]) };
    }
    let root = incident(7, "dist-north-1", 4, None, text("no answer"));
    let root = Incident {
        behind: ["acc-n-101", "acc-n-102", "acc-n-103"].map(|name| name.parse().unwrap()).to_vec(),
        most_behind: 3,
        before: vec![ChangeBefore {
            at: ago(7),
            device: "dist-north-1".parse().unwrap(),
            what: text("revision 5: 3 lines added, 1 removed"),
        }],
        ..root
    };
    let known = Incident {
        acknowledged: Some(Acknowledgement {
            by: text("bob"),
            why: text("power cut in the street, two hours says the provider"),
            at: ago(40),
            until: Some(Timestamp(NOW.0 + 3_600_000)),
        }),
        assigned: Some(text("carol")),
        comments: vec![Comment { by: text("carol"), at: ago(20), text: text("on the way with a generator") }],
        ..incident(6, "fails-down", 50, None, text("no answer"))
    };
    Arc::new([root, known, over, part])
}

fn incident(id: u64, name: &str, minutes: i64, ending: Option<Ending>, cause: String) -> Incident {
    let root = match name {
        "dist-north-1" => 3,
        "edge-1" => 10,
        "acc-s-201" => 8,
        _ => 23,
    };
    Incident {
        id: IncidentId(id),
        root: noctule::model::DeviceId(root),
        name: name.parse().unwrap(),
        since: ago(minutes),
        opened: ago(minutes),
        closed: None,
        ending,
        cause,
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

/// Planned work of every scope: that goes on, is ahead, was ended, called off or is over by itself.
pub fn maintenance(state: State) -> Arc<[Maintenance]> {
    let why = if state == State::Hostile { HOSTILE } else { "new power supply" };
    let window = |id, scope, from: i64, until: i64| Maintenance {
        id: MaintenanceId(id),
        announced: ago(600),
        scope,
        from: ago(-from),
        until: ago(-until),
        by: if state == State::Hostile { HOSTILE.into() } else { "alice".into() },
        why: why.into(),
        ended_by: None,
    };
    let device = |name: &str| Scope::Device(name.parse().unwrap());
    let over = Maintenance { announced: ago(3000), ..window(1, device("core-1"), -2900, -2840) };
    if !matches!(state, State::Trouble | State::Hostile) {
        return if state == State::Normal { Arc::new([over]) } else { Arc::default() };
    }
    let ended = |window: Maintenance| Maintenance { ended_by: Some("carol".into()), ..window };
    Arc::new([
        window(2, device("olt-1"), -30, 90),
        window(6, Scope::Subtree("dist-north-1".parse().unwrap()), -10, 50),
        window(3, Scope::Group("campus/north".into()), 840, 960),
        ended(window(5, device("edge-1"), 600, -20)),
        ended(window(4, Scope::Group("campus".into()), -400, -330)),
        over,
    ])
}
