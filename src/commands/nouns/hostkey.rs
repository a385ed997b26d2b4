//! `hostkey list` and `device trust`: which SSH keys are pinned, and taking a new one for an old one.

use serde::Serialize;

use crate::commands::answer::Table;
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::trust::named;
use crate::model::{Danger, Role};

inventory::submit! { Command {
    name: "hostkey list",
    aliases: &[],
    about: "List the SSH host keys that are pinned",
    args: &[],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(list(call)),
} }

inventory::submit! { Command {
    name: "device trust",
    aliases: &["hostkey trust"],
    about: "Trust the host key that a device showed last and that was refused",
    args: &[Arg::one("device", Kind::Device, "which")],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(trust(call)),
} }

/// A pinned key as `--json` shows it.
#[derive(Serialize)]
struct Pinned<'a> {
    place: &'a str,
    key: String,
    since: String,
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let mut table = Table::new(&["place", "since", "key"]);
    for (place, pinned) in call.engine()?.host_keys()? {
        for key in &pinned.keys {
            let key = named(key);
            if call.json {
                call.object(&Pinned { place: &place, key, since: pinned.since.rfc3339() })?;
            } else {
                table.row([place.clone(), pinned.since.local(), key]);
            }
        }
    }
    if !call.json {
        table.print(call, "no host key is pinned yet: the first contact with an SSH device pins its key");
    }
    Ok(Exit::Done)
}

/// What was trusted, as `--json` shows it.
#[derive(Serialize)]
struct Trusted<'a> {
    device: &'a str,
    key: &'a str,
}

async fn trust(call: &Call) -> Result<Exit, ActError> {
    let device = call.args.one("device");
    let key = call.engine()?.trust_host_key(&call.actor, device).await?.shown;
    if call.json {
        call.object(&Trusted { device, key: &key })?;
    } else {
        call.say_clean(&format!("{device}: the host key {key} is trusted from now on"));
    }
    Ok(Exit::Done)
}
