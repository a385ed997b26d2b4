//! `role`: what each user may do, and where.

use serde::Serialize;

use super::user::{answer, reach};
use crate::commands::answer::Table;
use crate::commands::seen::SEEN;
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Danger, Grant, Role};

const USER: Arg = Arg::one("user", Kind::Text, "whose");
const ROLE: Arg = Arg::one("role", Kind::Choice(Role::NAMES), "which");
const WITHIN: Arg = Arg::optional(
    "--within",
    Kind::Text,
    "in which part of the network: group:GROUP, site:LOCATION, or all, which it is where nothing is said",
);

inventory::submit! { Command {
    name: "role list",
    aliases: &[],
    about: "List who has which role in which part of the network",
    args: &[Arg::optional("user", Kind::Text, "of this user alone")],
    role: Role::READS_AUDIT,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(async { list(call) }),
} }

inventory::submit! { Command {
    name: "role grant",
    aliases: &[],
    about: "Grant a user a role; nobody grants themselves one",
    args: &[USER, ROLE, WITHIN, SEEN],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(grant(call)),
} }

inventory::submit! { Command {
    name: "role revoke",
    aliases: &[],
    about: "Take a role of a user back; what they ask from now on is refused",
    args: &[USER, ROLE, WITHIN, SEEN],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(revoke(call)),
} }

/// A user's role as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    user: &'a str,
    enabled: bool,
    role: &'static str,
    within: String,
}

fn list(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let users = match call.args.get("user") {
        Some(name) => vec![engine.user(name)?],
        None => engine.users(),
    };
    let mut table = Table::new(&["user", "role", "within"]);
    for user in &users {
        for grant in &user.grants {
            let within = grant.reach.to_string();
            if call.json {
                let (user, enabled) = (user.name.as_str(), user.enabled);
                call.object(&Shown { user, enabled, role: grant.role.as_str(), within })?;
            } else {
                table.row([user.name.to_string(), grant.role.to_string(), within]);
            }
        }
    }
    if !call.json {
        table.print(call, "nobody has a role");
    }
    Ok(Exit::Done)
}

fn asked(call: &Call) -> Result<Grant, ActError> {
    Ok(Grant { role: call.args.one("role").parse().map_err(ActError::usage)?, reach: reach(call)? })
}

async fn grant(call: &Call) -> Result<Exit, ActError> {
    let (name, person) = (call.args.one("user"), &call.door.person);
    let user = call.engine()?.grant_role(&call.actor, person, name, call.seen(), asked(call)?).await?;
    answer(call, &user)
}

async fn revoke(call: &Call) -> Result<Exit, ActError> {
    let (name, person) = (call.args.one("user"), &call.door.person);
    let user = call.engine()?.revoke_role(&call.actor, person, name, call.seen(), &asked(call)?).await?;
    answer(call, &user)
}
