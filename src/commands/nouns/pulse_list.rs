//! `pulse list`: what is known of whether devices answer.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::commands::answer::{Table, count, date, rfc3339};
use crate::commands::devices::{ALL, DRIVER, FILTER, GROUP, NAMES, TAG};
use crate::commands::{Arg, Call, Command, Exit, Needs};
use crate::engine::pulse::{Mode, PulsePicture, PulseRow, Purpose, State};
use crate::engine::{ActError, Engine};
use crate::model::{Danger, Device, DeviceId, Incident, Role};

inventory::submit! { Command {
    name: "pulse list",
    aliases: &[],
    about: "List whether the devices answer; where nobody watches them, they are probed for a few seconds",
    args: &[NAMES, GROUP, TAG, DRIVER, FILTER, ALL, Arg::switch("--down", "those that do not answer alone")],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(list(call)),
} }

/// How long a look at devices that nobody watches may take: a silent one is known to be down before.
const LOOK: Duration = Duration::from_secs(8);

/// A device as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    device: &'a str,
    address: Option<String>,
    state: &'static str,
    mode: &'static str,
    since: Option<String>,
    last_reply: Option<String>,
    rtt_ms: Option<f64>,
    probes: u32,
    lost: u32,
    flapping: bool,
    incident: Option<u64>,
    behind: Option<&'a str>,
    why: Option<String>,
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let devices = engine.select(&call.args.selection_or_all()?)?;
    let picture = picture(engine, &devices).await;
    let incidents: Vec<Incident> =
        call.snapshot()?.incidents.iter().filter(|incident| incident.is_open()).cloned().collect();
    picture.notices.iter().for_each(|notice| call.note(format!("noctule: {notice}")));
    if let Some(since) = picture.cut_off {
        call.note(format!("noctule: this host is cut off since {}: states stand as they were", since.local()));
    }
    let mut table = Table::new(&["state", "device", "address", "rtt ms", "lost", "since", "why"]);
    let mut down = 0;
    for device in &devices {
        let row = picture.row(device.id);
        let is_down = row.is_some_and(|row| row.mode != Mode::Paused && row.state == State::Down);
        down += usize::from(is_down);
        if call.args.has("--down") && !is_down {
            continue;
        }
        let incident = incident_of(device, &incidents);
        if call.json {
            call.object(&shown(device, row, incident))?;
        } else {
            table.row(cells(device, row, incident));
        }
    }
    if !call.json {
        table.print(call, "no device is down");
        call.note(format!("{}, {down} down", count(devices.len(), "device")));
    }
    Ok(Exit::Done)
}

/// What the pulse knows; where none runs, what a look of a few seconds finds.
async fn picture(engine: &Arc<Engine>, devices: &[Arc<Device>]) -> Arc<PulsePicture> {
    if engine.watch_pulse().is_none() {
        engine.start_pulse(Purpose::Look);
    }
    let Some(mut pictures) = engine.watch_pulse() else { return Arc::default() };
    let numbers: Vec<DeviceId> = devices.iter().map(|device| device.id).collect();
    let known = |picture: &Arc<PulsePicture>| {
        let is_known = |row: &PulseRow| row.state != State::Unknown || row.mode == Mode::Paused;
        picture.is_running() && numbers.iter().all(|device| picture.row(*device).is_some_and(is_known))
    };
    // what is unknown then is shown as unknown
    let _ = tokio::time::timeout(LOOK, pictures.wait_for(known)).await;
    Arc::clone(&pictures.borrow())
}

/// The incident that a device is the root of, or lies behind.
fn incident_of<'a>(device: &Device, incidents: &'a [Incident]) -> Option<&'a Incident> {
    incidents.iter().find(|one| one.root == device.id || one.behind.contains(&device.name))
}

fn shown<'a>(device: &'a Device, row: Option<&PulseRow>, incident: Option<&'a Incident>) -> Shown<'a> {
    let (probes, lost) = row.map_or((0, 0), |row| row.recent.loss());
    Shown {
        device: device.name.as_str(),
        address: row.and_then(|row| row.address).map(|address| address.to_string()),
        state: row.map_or("unknown", |row| row.state.as_str()),
        mode: row.map_or("watched", |row| row.mode.as_str()),
        since: rfc3339(row.and_then(|row| row.since)),
        last_reply: rfc3339(row.and_then(|row| row.last_reply)),
        rtt_ms: row.and_then(|row| row.recent.newest()).map(|rtt| rtt.as_micros() as f64 / 1e3),
        probes,
        lost,
        flapping: row.is_some_and(|row| row.flapping),
        incident: incident.map(|incident| incident.id.0),
        behind: incident.filter(|one| one.root != device.id).map(|incident| incident.name.as_str()),
        why: row.and_then(|row| row.why.as_ref()).map(ToString::to_string),
    }
}

fn cells(device: &Device, row: Option<&PulseRow>, incident: Option<&Incident>) -> [String; 7] {
    let none = || "-".to_owned();
    let state = match row {
        Some(row) if row.mode != Mode::Watched => format!("{}, {}", row.state.as_str(), row.mode.as_str()),
        Some(row) if row.flapping => format!("{}, flapping", row.state.as_str()),
        Some(row) => row.state.as_str().to_owned(),
        None => "unknown".to_owned(),
    };
    let behind = incident.filter(|incident| incident.root != device.id);
    let why = match behind {
        Some(incident) => format!("behind {}", incident.name),
        None => row.and_then(|row| row.why.as_ref()).map_or_else(String::new, ToString::to_string),
    };
    let (probes, lost) = row.map_or((0, 0), |row| row.recent.loss());
    [
        state,
        device.name.to_string(),
        row.and_then(|row| row.address).map_or_else(|| device.address.to_string(), |address| address.to_string()),
        row.and_then(|row| row.recent.newest())
            .map_or_else(none, |rtt| format!("{:.3}", rtt.as_micros() as f64 / 1e3)),
        if probes == 0 { none() } else { format!("{lost}/{probes}") },
        date(row.and_then(|row| row.since)),
        why,
    ]
}
