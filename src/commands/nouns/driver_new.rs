//! `driver new`, `driver replay`: writing a driver for a device that none reads, and trying it.

use serde::Serialize;

use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Danger, DriverId, Role};

/// `--recording N`
const RECORDING: Arg =
    Arg::optional("--recording", Kind::Number(0, u64::MAX), "its number; the newest where it is left out");

inventory::submit! { Command {
    name: "driver new",
    aliases: &[],
    about: "Begin a driver in your drivers folder, with an example that it passes",
    args: &[
        // a new kind is not known yet: any text
        Arg::one("driver", Kind::Text, "its id: lower case letters, digits and _"),
        Arg::optional("--from", Kind::Device, "take a recording of this device along as a transcript"),
        RECORDING,
    ],
    role: Role::Engineer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(new(call)),
} }

inventory::submit! { Command {
    name: "driver replay",
    aliases: &[],
    about: "Run the driver as it is now on a recording of a failed session, without touching the device",
    args: &[Arg::one("device", Kind::Device, "whose recording"), RECORDING],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(replay(call)),
} }

/// A new driver as `--json` shows it.
#[derive(Serialize)]
struct Begun<'a> {
    driver: &'a str,
    folder: String,
}

/// A replay as `--json` shows it.
#[derive(Serialize)]
struct Replayed<'a> {
    device: &'a str,
    recording: u64,
    at: String,
    driver: &'a str,
    good: bool,
    outcome: String,
}

async fn new(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let id: DriverId = call.args.one("driver").parse().map_err(ActError::usage)?;
    let number = call.args.number(RECORDING.name);
    let from = match call.args.get("--from") {
        Some(name) => Some((engine.device(name)?.id, number)),
        None if number.is_some() => return Err(ActError::usage("--recording needs --from DEVICE: whose it is")),
        None => None,
    };
    call.begin().await?;
    let folder = engine.new_driver(&call.actor, &id, from).await?;
    if call.json {
        call.object(&Begun { driver: id.as_str(), folder: folder.display().to_string() })?;
        return Ok(Exit::Done);
    }
    call.say_clean(&format!("driver {id} begun in {}", folder.display()));
    call.note(format!("edit its driver.toml, then `driver test {id}`"));
    if from.is_some() {
        call.note("transcripts/recorded.transcript holds what the device said, secrets on its screen too");
    }
    Ok(Exit::Done)
}

async fn replay(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let device = engine.device(call.args.one("device"))?;
    let replay = engine.replay(device.id, call.args.number(RECORDING.name), None).await?;
    let good = replay.outcome.is_good();
    if call.json {
        call.object(&Replayed {
            device: device.name.as_str(),
            recording: replay.id,
            at: replay.at.rfc3339(),
            driver: replay.driver.as_str(),
            good,
            outcome: replay.outcome.to_string(),
        })?;
    } else {
        let (name, id, driver) = (&device.name, replay.id, &replay.driver);
        call.say_clean(&format!("{name} recording {id}, driver {driver}: {}", replay.outcome));
    }
    Ok(if good { Exit::Done } else { Exit::Failed })
}
