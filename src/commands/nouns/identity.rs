//! `identity`: what devices say they are, over SNMP.

use serde::Serialize;

use crate::commands::answer::{Table, count, date};
use crate::commands::devices::{ALL, DRIVER, GROUP, NAMES, TAG};
use crate::commands::{Arg, Call, Command, Exit, Needs};
use crate::engine::ActError;
use crate::engine::identity::{IdentityReport, Known};
use crate::model::{Danger, Failure, Identity, Role};

const WHICH: &[Arg] = &[NAMES, GROUP, TAG, DRIVER, ALL];

inventory::submit! { Command {
    name: "identity run",
    aliases: &[],
    about: "Ask devices over SNMP who they are: vendor, model, software, serial number, names",
    args: WHICH,
    role: Role::Operator,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(run(call)),
} }

inventory::submit! { Command {
    name: "identity list",
    aliases: &[],
    about: "List what devices said they are when they were last asked",
    args: WHICH,
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(list(call)),
} }

inventory::submit! { Command {
    name: "identity unknown",
    aliases: &[],
    about: "List the devices whose last reading failed, with the reason, and those that no rule knows, with what they said",
    args: WHICH,
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(unknown(call)),
} }

async fn run(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let selection = call.args.selection()?;
    engine.select(&selection)?;
    call.begin().await?;
    let mut reading = engine.identify(&call.actor, &selection)?;
    let (mut read, mut failed) = (0, 0);
    let mut interrupted = call.door.io.interrupted();
    let mut is_interrupted = false;
    loop {
        tokio::select! {
            report = reading.reports.recv() => match report {
                Some(report) => {
                    *(if report.error.is_none() { &mut read } else { &mut failed }) += 1;
                    tell(call, &report)?;
                }
                None => break,
            },
            () = &mut interrupted => {
                is_interrupted = true;
                call.note("interrupted: the devices that are not told of were not read");
                break;
            }
        }
    }
    if !call.json {
        call.note(format!("{} read, {failed} failed", count(read, "device")));
    }
    Ok(if failed > 0 || is_interrupted { Exit::Failed } else { Exit::Done })
}

fn tell(call: &Call, report: &IdentityReport) -> Result<(), ActError> {
    if call.json {
        return call.object(report);
    }
    let what = match &report.error {
        Some(error) => error.to_string(),
        None => {
            let named = |name: &str, value: &Option<String>| {
                value.as_ref().map(|value| format!("{name}{value}"))
            };
            let parts = [
                named("", &report.vendor),
                named("", &report.model),
                named("", &report.os),
                named("", &report.version),
                named("serial ", &report.serial),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            if parts.is_empty() { "answers, but no rule knows it".to_owned() } else { parts.join(" ") }
        }
    };
    call.say_clean(&format!("{:<24} {what}", report.device));
    report.changes.iter().for_each(|change| call.say_clean(&format!("{:<24} changed: {change}", "")));
    Ok(())
}

/// What is known of a device as `--json` lists it.
#[derive(Serialize)]
struct Shown<'a> {
    device: &'a str,
    at: Option<String>,
    vendor: Option<&'a str>,
    model: Option<&'a str>,
    os: Option<&'a str>,
    version: Option<&'a str>,
    serial: Option<&'a str>,
    sysname: Option<&'a str>,
    location: Option<&'a str>,
    contact: Option<&'a str>,
    mac: Option<&'a str>,
    sysobjectid: Option<&'a str>,
    sysdescr: Option<&'a str>,
    uptime: Option<u64>,
    error: Option<&'a Failure>,
    failing_since: Option<String>,
}

impl<'a> Shown<'a> {
    fn of(known: &'a Known) -> Self {
        let identity = known.identity.as_ref();
        let text = |text: fn(&Identity) -> &Option<String>| identity.and_then(|identity| text(identity).as_deref());
        Self {
            device: known.device.name.as_str(),
            at: identity.map(|identity| identity.at.rfc3339()),
            vendor: text(|identity| &identity.vendor),
            model: text(|identity| &identity.model),
            os: text(|identity| &identity.os),
            version: text(|identity| &identity.version),
            serial: text(|identity| &identity.serial),
            sysname: text(|identity| &identity.sysname),
            location: text(|identity| &identity.location),
            contact: text(|identity| &identity.contact),
            mac: text(|identity| &identity.mac),
            sysobjectid: text(|identity| &identity.sysobjectid),
            sysdescr: text(|identity| &identity.sysdescr),
            uptime: identity.and_then(|identity| identity.uptime),
            error: known.failure.as_ref().map(|failure| &failure.failure),
            failing_since: known.failure.as_ref().map(|failure| failure.since.rfc3339()),
        }
    }
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let known = call.engine()?.identities(&call.args.selection_or_all()?).await?;
    let mut table = Table::new(&["device", "vendor", "model", "os", "version", "serial", "read"]);
    for known in &known {
        let Some(identity) = &known.identity else { continue };
        if call.json {
            call.object(&Shown::of(known))?;
        }
        table.row([
            known.device.name.to_string(),
            cell(&identity.vendor),
            cell(&identity.model),
            cell(&identity.os),
            cell(&identity.version),
            cell(&identity.serial),
            date(Some(identity.at)),
        ]);
    }
    if !call.json {
        table.print(call, "no identity is known yet; `identity run --all` asks the devices");
    }
    Ok(Exit::Done)
}

async fn unknown(call: &Call) -> Result<Exit, ActError> {
    let known = call.engine()?.identities(&call.args.selection_or_all()?).await?;
    let mut table = Table::new(&["device", "since", "vendor", "sysobjectid", "failed, or said of itself"]);
    for known in known.iter().filter(|known| known.needs_a_look()) {
        if call.json {
            call.object(&Shown::of(known))?;
        }
        let said = |text: fn(&Identity) -> &Option<String>| cell(&known.identity.as_ref().and_then(|said| text(said).clone()));
        let (since, what) = match (&known.failure, &known.identity) {
            (Some(failure), _) => (Some(failure.since), failure.failure.to_string()),
            (None, identity) => (identity.as_ref().map(|identity| identity.at), said(|said| &said.sysdescr)),
        };
        table.row([
            known.device.name.to_string(),
            date(since),
            said(|said| &said.vendor),
            said(|said| &said.sysobjectid),
            what,
        ]);
    }
    if !call.json {
        table.print(call, "every device that was asked answered, and is known");
    }
    Ok(Exit::Done)
}

fn cell(value: &Option<String>) -> String {
    value.clone().unwrap_or_else(|| "-".to_owned())
}
