//! `maintenance`: planned work.

use serde::Serialize;

use crate::commands::answer::{Table, date};
use crate::commands::moment::moment;
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::incident::NewMaintenance;
use crate::model::{Danger, DeviceName, Maintenance, MaintenanceId, Role, Scope, Timestamp};

inventory::submit! { Command {
    name: "maintenance add",
    aliases: &[],
    about: "Announce planned work: devices may be down without an incident; --why says what for",
    args: &[
        Arg::optional("device", Kind::Device, "on which"),
        Arg::switch("--behind", "and on all that hang on it"),
        Arg::optional("--group", Kind::Group, "on a group and the groups inside it, instead of a device"),
        Arg::one("--for", Kind::Duration, "how long it takes"),
        Arg::optional("--from", Kind::Text, "when it begins, 02:00 or \"2026-12-01 02:00\"; else now"),
    ],
    role: Role::Operator,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(add(call)),
} }

inventory::submit! { Command {
    name: "maintenance list",
    aliases: &[],
    about: "List planned work that goes on or is ahead",
    args: &[Arg::switch("--all", "and that which is over")],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(list(call)),
} }

inventory::submit! { Command {
    name: "maintenance end",
    aliases: &[],
    about: "End planned work early, or call it off",
    args: &[Arg::one("maintenance", Kind::Number(1, u64::MAX), "its number, see maintenance list")],
    role: Role::Operator,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(end(call)),
} }

/// Planned work as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    maintenance: u64,
    device: Option<&'a str>,
    behind: bool,
    group: Option<&'a str>,
    from: String,
    until: String,
    state: &'static str,
    by: &'a str,
    why: &'a str,
    ended_by: Option<&'a str>,
}

fn shown(window: &Maintenance, now: Timestamp) -> Shown<'_> {
    let (device, behind, group) = match &window.scope {
        Scope::Device(name) => (Some(name.as_str()), false, None),
        Scope::Subtree(name) => (Some(name.as_str()), true, None),
        Scope::Group(group) => (None, false, Some(group.as_str())),
    };
    Shown {
        maintenance: window.id.0,
        device,
        behind,
        group,
        from: window.from.rfc3339(),
        until: window.until.rfc3339(),
        state: window.phase(now),
        by: &window.by,
        why: &window.why,
        ended_by: window.ended_by.as_deref(),
    }
}

async fn add(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let name = |name: &str| name.parse::<DeviceName>().map_err(ActError::usage);
    let scope = match (call.args.get("device"), call.args.get("--group"), call.args.has("--behind")) {
        (Some(device), None, true) => Scope::Subtree(name(device)?),
        (Some(device), None, false) => Scope::Device(name(device)?),
        (None, Some(group), false) => Scope::Group(group.to_owned()),
        (None, Some(_), true) => return Err(ActError::usage("--behind is about a device")),
        (None, None, _) | (Some(_), Some(_), _) => {
            return Err(ActError::usage("say which: a device, or --group"));
        }
    };
    let zone = call.door.io.zone();
    let from = call.args.get("--from").map(|text| moment(text, engine.now(), &zone)).transpose();
    let from = from.map_err(|why| ActError::usage(format!("--from: {why}")))?;
    let length = call.args.duration("--for").unwrap_or_default();
    let window = engine.add_maintenance(&call.actor, NewMaintenance { scope, from, length }).await?;
    answer(call, &window)
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let now = engine.now();
    let mut table = Table::new(&["id", "state", "from", "until", "on", "by", "why"]);
    let windows = match call.within().is_everything() {
        true => engine.maintenance().await,
        false => call.snapshot()?.maintenance.to_vec(),
    };
    for window in windows.iter().filter(|one| call.args.has("--all") || now < one.until) {
        if call.json {
            call.object(&shown(window, now))?;
            continue;
        }
        table.row([
            window.id.to_string(),
            window.phase(now).to_owned(),
            date(Some(window.from)),
            date(Some(window.until)),
            window.scope.to_string(),
            window.by.clone(),
            window.why.clone(),
        ]);
    }
    if !call.json {
        table.print(call, "no work is planned");
    }
    Ok(Exit::Done)
}

async fn end(call: &Call) -> Result<Exit, ActError> {
    let id = MaintenanceId(call.args.number("maintenance").unwrap_or_default());
    let window = call.engine()?.end_maintenance(&call.actor, id).await?;
    answer(call, &window)
}

fn answer(call: &Call, window: &Maintenance) -> Result<Exit, ActError> {
    if call.json {
        call.object(&shown(window, call.engine()?.now()))?;
    } else {
        call.say_clean(&format!(
            "planned work {} on {}: {} to {}",
            window.id,
            window.scope,
            window.from.local(),
            window.until.local()
        ));
    }
    Ok(Exit::Done)
}
