//! `pulse watch`: changes of state and incidents, as they happen.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;

use crate::commands::answer::word;
use crate::commands::devices::{ALL, DRIVER, FILTER, GROUP, NAMES, TAG};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::pulse::{PulsePicture, Purpose, State};
use crate::engine::{ActError, Engine};
use crate::model::{Danger, DeviceId, DeviceName, Event, EventKind, Role, Timestamp};

inventory::submit! { Command {
    name: "pulse watch",
    aliases: &[],
    about: "Watch devices: say what changes and which incidents open and close, until it is interrupted",
    args: &[
        NAMES, GROUP, TAG, DRIVER, FILTER, ALL,
        Arg::optional("--for", Kind::Seconds, "how long; else until it is interrupted"),
    ],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(watch(call)),
} }

/// A change as `--json` shows it.
#[derive(Serialize)]
struct ShownChange<'a> {
    kind: &'static str,
    at: String,
    device: &'a str,
    from: &'static str,
    to: &'static str,
    why: Option<String>,
}

/// An event as `--json` shows it.
#[derive(Serialize)]
struct ShownEvent<'a> {
    kind: &'static str,
    at: String,
    event: EventKind,
    severity: crate::model::Severity,
    incident: Option<u64>,
    device: Option<&'a str>,
    message: &'a str,
}

async fn watch(call: &Call) -> Result<Exit, ActError> {
    let engine: &Arc<Engine> = call.engine()?;
    let selection = call.args.selection_or_all()?;
    let devices = engine.select(&selection)?;
    let names: HashMap<DeviceId, DeviceName> =
        devices.iter().map(|device| (device.id, device.name.clone())).collect();
    let mut events = engine.subscribe();
    engine.start_pulse(Purpose::Watch);
    let Some(mut pictures) = engine.watch_pulse() else {
        return Err(ActError::internal("the devices are not watched; `event list` says why"));
    };
    let mut states: HashMap<DeviceId, State> = HashMap::new();
    let mut interrupted = call.door.io.interrupted();
    let end = call.args.seconds("--for").map(|length| tokio::time::Instant::now() + length);
    loop {
        let over = async {
            match end {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = &mut interrupted => break,
            () = over => break,
            changed = pictures.changed() => {
                if changed.is_err() {
                    return Err(ActError::internal("the thread that probes has ended"));
                }
                let picture = pictures.borrow_and_update().clone();
                tell_changes(call, &picture, &names, &mut states, engine.now())?;
            }
            event = events.recv() => match event {
                Ok(event) => tell_event(call, &event)?,
                Err(RecvError::Lagged(missed)) => call.note(format!("noctule: {missed} events were too many to show")),
                Err(RecvError::Closed) => break,
            }
        }
    }
    let down = states.values().filter(|state| **state == State::Down).count();
    Ok(if down == 0 { Exit::Done } else { Exit::Failed })
}

fn tell_changes(
    call: &Call,
    picture: &PulsePicture,
    names: &HashMap<DeviceId, DeviceName>,
    states: &mut HashMap<DeviceId, State>,
    now: Timestamp,
) -> Result<(), ActError> {
    for row in &picture.rows {
        let Some(name) = names.get(&row.device) else { continue };
        let from = states.insert(row.device, row.state).unwrap_or_default();
        if from == row.state {
            continue;
        }
        let at = row.since.unwrap_or(now);
        let why = row.why.as_ref().map(ToString::to_string);
        if call.json {
            let (from, to) = (from.as_str(), row.state.as_str());
            call.object(&ShownChange { kind: "state", at: at.rfc3339(), device: name.as_str(), from, to, why })?;
        } else {
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            call.say_clean(&format!("{} {name} {} → {}{why}", at.local(), from.as_str(), row.state.as_str()));
        }
    }
    Ok(())
}

fn tell_event(call: &Call, event: &Event) -> Result<(), ActError> {
    let is_ours = matches!(
        event.kind,
        EventKind::IncidentOpened
            | EventKind::IncidentNoted
            | EventKind::IncidentClosed
            | EventKind::Maintenance
            | EventKind::Pulse
    );
    if !is_ours {
        return Ok(());
    }
    if !call.json {
        call.say_clean(&format!("{} {}: {}", event.at.local(), word(&event.kind), event.message));
        return Ok(());
    }
    call.object(&ShownEvent {
        kind: "event",
        at: event.at.rfc3339(),
        event: event.kind,
        severity: event.severity,
        incident: event.incident.map(|incident| incident.0),
        device: event.device.as_ref().map(|name| name.as_str()),
        message: &event.message,
    })
}
