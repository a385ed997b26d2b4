//! `device`: the records, one by one.

use serde::Serialize;

use super::device_list::Shown;
use crate::commands::seen::SEEN;
use crate::commands::secrets::{COMMUNITY, ENABLE, FIELDS, FILE, PASSWORD, SNMP_AUTH, SNMP_PRIV};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Danger, Device, Role};

inventory::submit! { Command {
    name: "device add",
    aliases: &[],
    about: "Add a device to the inventory",
    args: &[
        Arg::one("name", Kind::Text, "a unique name"),
        Arg::one("address", Kind::Text, "an IP address or host name"),
        FIELDS, PASSWORD, ENABLE, COMMUNITY, SNMP_AUTH, SNMP_PRIV, FILE,
    ],
    role: Role::Engineer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(add(call)),
} }

inventory::submit! { Command {
    name: "device edit",
    aliases: &[],
    about: "Change fields of a device",
    args: &[
        Arg::one("device", Kind::Device, "which"),
        FIELDS, PASSWORD, ENABLE, COMMUNITY, SNMP_AUTH, SNMP_PRIV, FILE, SEEN,
    ],
    role: Role::Engineer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(edit(call)),
} }

inventory::submit! { Command {
    name: "device rm",
    aliases: &["device delete"],
    about: "Put devices away; their history stays, and device restore brings them back",
    args: &[
        Arg::one("device", Kind::Device, "which"),
        Arg::many("more", Kind::Device, "others; all of them or none"),
        SEEN,
    ],
    role: Role::Engineer,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(rm(call)),
} }

inventory::submit! { Command {
    name: "device restore",
    aliases: &[],
    about: "Bring back a device that was put away",
    args: &[Arg::one("device", Kind::DeletedDevice, "its name"), SEEN],
    role: Role::Engineer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(restore(call)),
} }

/// What an edit answers.
#[derive(Serialize)]
struct Edited<'a> {
    device: &'a str,
    fields: Vec<&'static str>,
    record_revision: u32,
}

async fn add(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let changes = call.changes()?;
    let device =
        engine.add_device(&call.actor, call.args.one("name"), call.args.one("address"), &changes).await?;
    told(call, &device, "added")
}

async fn edit(call: &Call) -> Result<Exit, ActError> {
    let (engine, name) = (call.engine()?, call.args.one("device"));
    let changes = call.changes()?;
    if changes.is_empty() {
        return Err(ActError::usage("say what to change, such as group=core"));
    }
    let edited = engine.edit_device_seen(&call.actor, name, call.seen(), &changes).await?;
    let fields: Vec<&str> = edited.fields.iter().map(|field| field.as_str()).collect();
    let device = edited.device.name.as_str();
    if call.json {
        call.object(&Edited { device, fields, record_revision: edited.device.revision })?;
    } else if fields.is_empty() {
        call.say(format!("{device} is like that already"));
    } else {
        call.say(format!("{device}: {} changed", fields.join(", ")));
    }
    Ok(Exit::Done)
}

async fn rm(call: &Call) -> Result<Exit, ActError> {
    let names: Vec<String> =
        call.args.many("device").iter().chain(call.args.many("more")).cloned().collect();
    let gone = call.engine()?.remove_devices_seen(&call.actor, &names, call.seen()).await?;
    for device in gone {
        told(call, &device, "put away")?;
    }
    Ok(Exit::Done)
}

async fn restore(call: &Call) -> Result<Exit, ActError> {
    let name = call.args.one("device");
    let device = call.engine()?.restore_device_seen(&call.actor, name, call.seen()).await?;
    told(call, &device, "brought back")
}

fn told(call: &Call, device: &Device, what: &str) -> Result<Exit, ActError> {
    if call.json {
        let rows = call.engine()?.rows();
        if let Some(row) = rows.iter().find(|row| row.device.id == device.id) {
            call.object(&Shown::of(row))?;
        }
    } else {
        call.say(format!("{} {what}", device.name));
    }
    Ok(Exit::Done)
}
