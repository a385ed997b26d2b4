//! `pulse pause`, `pulse resume`: devices that are left alone for a while.

use crate::commands::devices::{ALL, DRIVER, FILTER, GROUP, NAMES, TAG};
use crate::commands::{Call, Command, Exit, Needs};
use crate::engine::ActError;
use crate::engine::fields::{Change, Field};
use crate::model::{Danger, Role};

inventory::submit! { Command {
    name: "pulse pause",
    aliases: &[],
    about: "Leave devices alone: no probes, no incidents, no scheduled backups",
    args: &[NAMES, GROUP, TAG, DRIVER, FILTER, ALL],
    role: Role::Operator,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(set(call, "yes")),
} }

inventory::submit! { Command {
    name: "pulse resume",
    aliases: &[],
    about: "Watch devices again that were left alone",
    args: &[NAMES, GROUP, TAG, DRIVER, FILTER, ALL],
    role: Role::Operator,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(set(call, "no")),
} }

/// What was done, as `--json` shows it.
#[derive(serde::Serialize)]
struct Shown<'a> {
    device: &'a str,
    paused: bool,
    changed: bool,
}

async fn set(call: &Call, paused: &'static str) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    for device in engine.select(&call.args.selection()?)? {
        let change = [Change::new(Field::Paused, paused)];
        let edited = engine.edit_device(&call.actor, device.name.as_str(), &change).await?;
        let changed = !edited.fields.is_empty();
        if call.json {
            let (device, paused) = (device.name.as_str(), edited.device.paused);
            call.object(&Shown { device, paused, changed })?;
        } else {
            let state = if edited.device.paused { "paused" } else { "watched" };
            let already = if changed { "" } else { " already" };
            call.say(format!("{} is {state}{already}", device.name));
        }
    }
    Ok(Exit::Done)
}
