//! `terminal`: a person's own sessions with a device, and their recordings.

use serde::Serialize;

use crate::commands::answer::{Table, date};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::audit::AuditNote;
use crate::engine::terminal::ROLE;
use crate::model::{Danger, Role};

/// `DEVICE`
const DEVICE: Arg = Arg::one("device", Kind::Device, "whose");

inventory::submit! { Command {
    name: "terminal open",
    aliases: &[],
    about: "Open a session with a device in a pane of the console, recorded without the secrets that are found",
    args: &[Arg::one("device", Kind::Device, "which")],
    role: ROLE,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(open(call)),
} }

inventory::submit! { Command {
    name: "terminal list",
    aliases: &[],
    about: "List the kept recordings of a device's terminals, the newest first",
    args: &[DEVICE],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(list(call)),
} }

inventory::submit! { Command {
    name: "terminal export",
    aliases: &[],
    about: "Write a terminal's recording as asciicast v2; secrets that were not found stand in it",
    args: &[
        DEVICE,
        Arg::optional("number", Kind::Number(0, u64::MAX), "its number; the newest where it is left out"),
    ],
    role: Role::READS_SECRETS,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(export(call)),
} }

/// A recording as `--json` lists it.
#[derive(Serialize)]
struct Listed<'a> {
    device: &'a str,
    terminal: u64,
    at: String,
    by: &'a str,
    seconds: f64,
    bytes: u64,
}

/// A recording as `--json` shows it.
#[derive(Serialize)]
struct Exported<'a> {
    device: &'a str,
    terminal: u64,
    at: String,
    text: &'a str,
}

async fn open(call: &Call) -> Result<Exit, ActError> {
    let device = call.engine()?.device(call.args.one("device"))?;
    Err(ActError::usage(format!(
        "a terminal is a pane of the console: start noctule and type :terminal {}",
        device.name
    )))
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let device = engine.device(call.args.one("device"))?;
    let mut table = Table::new(&["terminal", "at", "by", "seconds", "bytes"]);
    for (terminal, recording) in engine.terminals(device.id).await? {
        let seconds = recording.millis as f64 / 1000.0;
        if call.json {
            let (device, by) = (device.name.as_str(), recording.by.as_str());
            let at = recording.at.rfc3339();
            call.object(&Listed { device, terminal, at, by, seconds, bytes: recording.bytes })?;
            continue;
        }
        let (number, at) = (terminal.to_string(), date(Some(recording.at)));
        table.row([&number, &at, &recording.by, &format!("{seconds:.1}"), &recording.bytes.to_string()]);
    }
    if !call.json {
        table.print(call, "no terminal of this device was recorded");
    }
    Ok(Exit::Done)
}

async fn export(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let device = engine.device(call.args.one("device"))?;
    let number = call.args.number("number");
    let note = AuditNote::read(&call.actor, "a terminal's recording was written").of(device.id);
    engine.note_read(&call.actor, AuditNote { recording: number, ..note }).await?;
    let (terminal, recording, text) = engine.terminal_cast(device.id, number).await?;
    if call.json {
        let at = recording.at.rfc3339();
        call.object(&Exported { device: device.name.as_str(), terminal, at, text: &text })?;
    } else {
        call.content(text.as_bytes());
    }
    Ok(Exit::Done)
}
