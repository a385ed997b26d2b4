//! `hostkey` and `device trust`: which SSH keys are pinned, pinning those of a known_hosts file, and taking a new one for
//! an old one.

use serde::Serialize;

use crate::commands::answer::{Table, count};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::device::transport::LARGEST;
use crate::engine::ActError;
use crate::engine::host_key_import::Verdict;
use crate::engine::trust::named;
use crate::model::{Danger, Role, clean_line};

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
    name: "hostkey import",
    aliases: &[],
    about: "Pin the keys that a known_hosts file has of your devices; what is pinned stays",
    args: &[
        Arg::optional("file", Kind::Path, "as OpenSSH writes it; - is standard input; else ~/.ssh/known_hosts"),
        Arg::switch("--dry-run", "show what would be done and stop"),
    ],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(import(call)),
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

/// A place of an import as `--json` shows it.
#[derive(Serialize)]
struct Imported<'a> {
    device: &'a str,
    place: &'a str,
    keys: Vec<String>,
    action: &'static str,
    applied: bool,
}

async fn import(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let file = call.args.get("file").unwrap_or("~/.ssh/known_hosts");
    let bytes = call.door.io.read_file(file, LARGEST).map_err(ActError::usage)?;
    let import = engine.plan_host_keys(String::from_utf8_lossy(&bytes).into_owned()).await?;
    let dry = call.args.has("--dry-run");
    let pinned = if dry { 0 } else { engine.pin_host_keys(&call.actor, &import).await? };
    for place in &import.places {
        let keys: Vec<String> = place.keys.iter().map(|key| named(key)).collect();
        let (device, action) = (place.device.as_str(), place.verdict.as_str());
        if call.json {
            let applied = !dry && place.verdict == Verdict::Pin;
            call.object(&Imported { device, place: &place.place, keys, action, applied })?;
        } else {
            call.say_clean(&format!("{action:<8} {device}  {}  {}", place.place, keys.join(", ")));
        }
    }
    for fault in &import.faults {
        call.note(format!("{} line {}: {}", clean_line(file), fault.line, fault.why));
    }
    let count_of = |wanted| import.places.iter().filter(|place| place.verdict == wanted).count();
    let (differing, revoked) = (count_of(Verdict::Differs), count_of(Verdict::Revoked));
    if differing > 0 {
        call.note("differs: another key is pinned and stays; where the device's key is new, `device trust DEVICE` takes it after it was refused");
    }
    if revoked > 0 {
        call.note("revoked: the pinned key is revoked by the file; give the device a new one");
    }
    let done = if dry { "nothing was pinned (--dry-run)".to_owned() } else { format!("{} pinned", count(pinned, "place")) };
    call.note(format!("{done}, {} as they were, {differing} differing, {revoked} revoked", count_of(Verdict::Same)));
    let bad = import.places.iter().any(|place| place.verdict.is_bad());
    Ok(if bad || import.faults.iter().any(|fault| !fault.well_made) { Exit::Failed } else { Exit::Done })
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
