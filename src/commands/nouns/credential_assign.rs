//! `credential assign`, `unassign`, `order`, `explain`: which device gets which credential.

use serde::Serialize;

use super::credential::{NAME, or_dash};
use crate::commands::answer::Table;
use crate::commands::seen::SEEN;
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::vault::{NewAssignment, Source};
use crate::engine::{ActError, Engine};
use crate::model::{Assignment, Danger, Role, Those};

const BEFORE: Arg =
    Arg::optional("--before", Kind::Number(1, u64::MAX), "looked at before the assignment of this number");
const NUMBER: &str = "assignment";

inventory::submit! { Command {
    name: "credential assign",
    aliases: &[],
    about: "Give a credential to a device, a group, a site or the names that fit a pattern",
    args: &[
        NAME,
        Arg::optional("--device", Kind::Device, "to this device"),
        Arg::optional("--group", Kind::Group, "to a group and the groups inside it"),
        Arg::optional("--site", Kind::Text, "to the devices of a location"),
        Arg::optional("--match", Kind::Text, "to the names that fit: core-*, olt-?"),
        Arg::many("--except", Kind::Text, "but not to a device, group:GROUP, site:LOCATION or a pattern of names"),
        BEFORE, SEEN,
    ],
    role: Role::Admin,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(assign(call)),
} }

inventory::submit! { Command {
    name: "credential unassign",
    aliases: &[],
    about: "Take an assignment away",
    args: &[Arg::one(NUMBER, Kind::Number(1, u64::MAX), "its number, as credential order lists it"), SEEN],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(unassign(call)),
} }

inventory::submit! { Command {
    name: "credential order",
    aliases: &[],
    about: "List who gets which credential, in the order in which it is looked at",
    args: &[],
    role: Role::READS_SECRETS,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(async { list(call) }),
} }

inventory::submit! { Command {
    name: "credential move",
    aliases: &[],
    about: "Look at an assignment before another one, or last",
    args: &[
        Arg::one(NUMBER, Kind::Number(1, u64::MAX), "its number, as credential order lists it"),
        BEFORE, SEEN,
    ],
    role: Role::Admin,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(put(call)),
} }

inventory::submit! { Command {
    name: "credential explain",
    aliases: &[],
    about: "Say which credentials a device gets, and why",
    args: &[Arg::one("device", Kind::Device, "by name")],
    role: Role::READS_SECRETS,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(async { explain(call) }),
} }

/// An assignment as `--json` shows it.
#[derive(Serialize)]
struct Shown {
    assignment: u64,
    credential: String,
    kind: String,
    to: String,
    except: Vec<String>,
    /// Of the whole list, for `--revision`.
    list_revision: u32,
}

fn shown(engine: &Engine, assignment: &Assignment) -> Shown {
    let all = engine.credentials();
    let credential = all.iter().find(|credential| credential.id == assignment.credential);
    Shown {
        assignment: assignment.number,
        credential: credential.map_or_else(String::new, |credential| credential.name.clone()),
        kind: credential.map_or_else(String::new, |credential| credential.kind.to_string()),
        to: engine.those_in_words(&assignment.to),
        except: assignment.except.iter().map(|those| engine.those_in_words(those)).collect(),
        list_revision: engine.assignments_revision(),
    }
}

async fn assign(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let mut to = Vec::new();
    if let Some(name) = call.args.get("--device") {
        to.push(Those::Device(engine.device(name)?.id));
    }
    for (flag, what) in [("--group", "group"), ("--site", "site")] {
        if let Some(place) = call.args.get(flag) {
            to.push(Those::part(what, place).map_err(ActError::usage)?);
        }
    }
    if let Some(pattern) = call.args.get("--match") {
        to.push(Those::matching(pattern).map_err(ActError::usage)?);
    }
    let Ok([to]) = <[Those; 1]>::try_from(to) else {
        return Err(ActError::usage("say to whom, and once: --device, --group, --site or --match"));
    };
    let except = call.args.many("--except").iter().map(|word| excepted(engine, word));
    let new = NewAssignment {
        credential: call.args.one("credential").to_owned(),
        to,
        except: except.collect::<Result<_, _>>()?,
        before: call.args.number(BEFORE.name),
    };
    let assignment = engine.assign_credential(&call.actor, call.seen(), new).await?;
    let shown = shown(engine, &assignment);
    if call.json {
        call.object(&shown)?;
    } else {
        let Shown { assignment, credential, to, .. } = shown;
        call.say_clean(&format!("assignment {assignment}: {to} gets {credential}"));
    }
    Ok(Exit::Done)
}

fn excepted(engine: &Engine, word: &str) -> Result<Those, ActError> {
    match word.split_once(':') {
        Some((what @ ("group" | "site"), place)) => Those::part(what, place).map_err(ActError::usage),
        _ if word.contains(['*', '?']) => Those::matching(word).map_err(ActError::usage),
        _ => Ok(Those::Device(engine.device(word)?.id)),
    }
}

fn list(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let mut table = Table::new(&["assignment", "credential", "kind", "to", "except"]);
    for assignment in engine.assignments() {
        let shown = shown(engine, &assignment);
        if call.json {
            call.object(&shown)?;
            continue;
        }
        let except = or_dash(&shown.except.join(", "));
        table.row([shown.assignment.to_string(), shown.credential, shown.kind, shown.to, except]);
    }
    if !call.json {
        table.print(call, "no credential is given to anybody; `credential assign` does");
    }
    Ok(Exit::Done)
}

async fn unassign(call: &Call) -> Result<Exit, ActError> {
    let number = call.args.number(NUMBER).unwrap_or_default();
    call.engine()?.unassign_credential(&call.actor, call.seen(), number).await?;
    list(call)
}

async fn put(call: &Call) -> Result<Exit, ActError> {
    let number = call.args.number(NUMBER).unwrap_or_default();
    let before = call.args.number(BEFORE.name);
    call.engine()?.order_assignment(&call.actor, call.seen(), number, before).await?;
    list(call)
}

/// What a device gets, as `--json` shows it.
#[derive(Serialize)]
struct Explained<'a> {
    device: &'a str,
    login: ShownSource,
    snmp: ShownSource,
    considered: Vec<Considered>,
}

/// Where a credential comes from.
#[derive(Serialize)]
struct ShownSource {
    from: &'static str,
    assignment: Option<u64>,
    credential: Option<String>,
}

/// An assignment that is for the device.
#[derive(Serialize)]
struct Considered {
    assignment: u64,
    credential: String,
    kind: &'static str,
    used: bool,
    why: String,
}

fn explain(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let device = engine.device(call.args.one("device"))?;
    let found = engine.explain_credentials(&device)?;
    if call.json {
        let considered = found.chosen.iter().map(|chosen| Considered {
            assignment: chosen.assignment.number,
            credential: chosen.credential.name.clone(),
            kind: chosen.credential.kind.as_str(),
            used: chosen.used,
            why: chosen.why.clone(),
        });
        call.object(&Explained {
            device: device.name.as_str(),
            login: source(&found.login),
            snmp: source(&found.snmp),
            considered: considered.collect(),
        })?;
        return Ok(Exit::Done);
    }
    call.say_clean(&format!("login   {}", found.login_in_words()));
    call.say_clean(&format!("snmp    {}", found.snmp_in_words()));
    for chosen in &found.chosen {
        let (mark, number) = (if chosen.used { "used" } else { "not" }, chosen.assignment.number);
        let (name, kind, why) = (&chosen.credential.name, chosen.credential.kind, &chosen.why);
        call.say_clean(&format!("{mark:<8}assignment {number}: {name} ({kind}): {why}"));
    }
    Ok(Exit::Done)
}

fn source(source: &Source) -> ShownSource {
    let (from, assignment, credential) = match source {
        Source::Record => ("record", None, None),
        Source::Vault(number, name) => ("vault", Some(*number), Some(name.clone())),
        Source::Host => ("host", None, None),
    };
    ShownSource { from, assignment, credential }
}
