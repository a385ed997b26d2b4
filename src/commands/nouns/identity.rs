//! `identity`: what devices say they are, over SNMP.

use serde::Serialize;

use crate::commands::answer::{Table, count, date};
use crate::commands::devices::{ALL, DRIVER, GROUP, NAMES, TAG};
use crate::commands::said::{Said, cell};
use crate::commands::{Arg, Call, Command, Exit, Needs};
use crate::engine::ActError;
use crate::engine::identity::{IdentityReport, Known};
use crate::model::{Danger, Failure, Role};

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
    #[serde(flatten)]
    said: Said<'a>,
    sysdescr: Option<&'a str>,
    uptime: Option<u64>,
    error: Option<&'a Failure>,
    failing_since: Option<String>,
}

impl<'a> Shown<'a> {
    fn of(known: &'a Known) -> Self {
        let identity = known.identity.as_ref();
        Self {
            device: known.device.name.as_str(),
            at: identity.map(|identity| identity.at.rfc3339()),
            said: Said::of(identity),
            sysdescr: identity.and_then(|identity| identity.sysdescr.as_deref()),
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
        let said = Said::of(Some(identity));
        table.row([
            known.device.name.to_string(),
            cell(said.vendor),
            cell(said.model),
            cell(said.os),
            cell(said.version),
            cell(said.serial),
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
        let identity = known.identity.as_ref();
        let said = Said::of(identity);
        let (since, what) = match &known.failure {
            Some(failure) => (Some(failure.since), failure.failure.to_string()),
            None => {
                let descr = identity.and_then(|identity| identity.sysdescr.as_deref());
                (identity.map(|identity| identity.at), cell(descr))
            }
        };
        table.row([
            known.device.name.to_string(),
            date(since),
            cell(said.vendor),
            cell(said.sysobjectid),
            what,
        ]);
    }
    if !call.json {
        table.print(call, "every device that was asked answered, and is known");
    }
    Ok(Exit::Done)
}
