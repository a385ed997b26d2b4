//! `event`: what happened.

use crate::commands::answer::{Table, word};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Danger, Role};

inventory::submit! { Command {
    name: "event list",
    aliases: &[],
    about: "List what happened, the newest first",
    args: &[
        Arg::optional("device", Kind::Device, "of this device alone"),
        Arg::optional("--limit", Kind::Number(1, 2000), "the most events; else 100"),
    ],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(list(call)),
} }

/// An event as `--json` shows it.
#[derive(serde::Serialize)]
struct Shown<'a> {
    seq: u64,
    at: String,
    kind: crate::model::EventKind,
    severity: crate::model::Severity,
    device: Option<&'a str>,
    incident: Option<u64>,
    message: &'a str,
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let limit = call.args.number("--limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(100);
    let wanted = call.args.get("device");
    let (engine, snapshot) = (call.engine()?, call.snapshot()?);
    // what happened to a device that was put away is still told
    if let Some(name) = wanted
        && !snapshot.devices.iter().any(|row| row.device.name.as_str() == name)
    {
        engine.device(name)?;
    }
    let mut table = Table::new(&["at", "severity", "kind", "device", "message"]);
    let about = |name: &Option<crate::model::DeviceName>| name.as_ref().map(|name| name.as_str().to_owned());
    let events = snapshot.events.iter().filter(|event| wanted.is_none() || about(&event.device).as_deref() == wanted);
    for event in events.take(limit) {
        let device = event.device.as_ref().map(|name| name.as_str());
        if call.json {
            let (seq, at) = (event.seq, event.at.rfc3339());
            let incident = event.incident.map(|incident| incident.0);
            call.object(&Shown {
                seq,
                at,
                kind: event.kind,
                severity: event.severity,
                device,
                incident,
                message: &event.message,
            })?;
        } else {
            let cells = [word(&event.severity), word(&event.kind), device.unwrap_or("-").into(), event.message.clone()];
            table.row([event.at.local()].into_iter().chain(cells));
        }
    }
    if !call.json {
        table.print(call, "nothing happened yet");
    }
    Ok(Exit::Done)
}
