//! `lab cut`, `lab mend`: somebody digs where a cable of the simulated network lies.

use serde::Serialize;

use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::lab::Links;
use crate::model::{Danger, Role};

inventory::submit! { Command {
    name: "lab cut",
    aliases: &[],
    about: "In the demo, cut the link by which a device hangs on the others; without a device, list what is cut",
    args: &[Arg::optional("device", Kind::Device, "whose link")],
    role: Role::Operator,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(cut(call)),
} }

inventory::submit! { Command {
    name: "lab mend",
    aliases: &[],
    about: "In the demo, mend the link of a device again",
    args: &[Arg::one("device", Kind::Device, "whose link")],
    role: Role::Operator,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(mend(call)),
} }

/// A link as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    device: &'a str,
    cut: bool,
}

async fn cut(call: &Call) -> Result<Exit, ActError> {
    let links = links(call)?;
    match call.args.get("device") {
        Some(device) => set(call, links, device, true),
        None => {
            let cut = links.cut();
            for device in &cut {
                tell(call, device, true)?;
            }
            if cut.is_empty() && !call.json {
                call.note("no link is cut");
            }
            Ok(Exit::Done)
        }
    }
}

async fn mend(call: &Call) -> Result<Exit, ActError> {
    set(call, links(call)?, call.args.one("device"), false)
}

fn set(call: &Call, links: &Links, device: &str, cut: bool) -> Result<Exit, ActError> {
    if !links.set_cut(device, cut) {
        return Err(ActError::not_found(format!("{device} is not of the simulated network")));
    }
    tell(call, device, cut)?;
    Ok(Exit::Done)
}

fn tell(call: &Call, device: &str, cut: bool) -> Result<(), ActError> {
    if call.json {
        return call.object(&Shown { device, cut });
    }
    call.say(format!("the link of {device} is {}", if cut { "cut" } else { "whole" }));
    Ok(())
}

fn links(call: &Call) -> Result<&Links, ActError> {
    let refused = || ActError::conflict("this network is real: only the demo's links can be cut by a command");
    call.door.links.as_deref().ok_or_else(refused)
}
