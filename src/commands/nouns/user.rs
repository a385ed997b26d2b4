//! `user`: who may come in.

use std::sync::Arc;

use serde::Serialize;

use crate::commands::answer::{Table, date, rfc3339};
use crate::commands::seen::SEEN;
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::users::{NewUser, UserChange};
use crate::engine::{ActError, Actor, Engine};
use crate::model::{Danger, Grant, Reach, Role, Timestamp, User};

const NAME: Arg = Arg::one("user", Kind::Text, "the user's name");

inventory::submit! { Command {
    name: "user list",
    aliases: &[],
    about: "List the users with their roles, and when they came in last",
    args: &[],
    role: Role::READS_AUDIT,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(async { list(call) }),
} }

inventory::submit! { Command {
    name: "user show",
    aliases: &[],
    about: "Show a user: accounts, keys, roles",
    args: &[NAME],
    role: Role::READS_AUDIT,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(async { answer(call, &call.engine()?.user(call.args.one("user"))?) }),
} }

inventory::submit! { Command {
    name: "user add",
    aliases: &[],
    about: "Add a user; the first one is an admin, and from then on only users are let in",
    args: &[
        NAME,
        Arg::optional("--full-name", Kind::Text, "the person's name"),
        Arg::many("--account", Kind::Text, "an account of the engine's host, a login name or uid; of the first user, else yours"),
        Arg::many("--key", Kind::Text, "the name of a key, for --as"),
        Arg::many("--role", Kind::Choice(Role::NAMES), "a role in the whole network; role grant knows parts of it"),
    ],
    role: Role::Admin,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(add(call)),
} }

inventory::submit! { Command {
    name: "user edit",
    aliases: &[],
    about: "Change a user's name in full, accounts and keys",
    args: &[
        NAME,
        Arg::optional("--full-name", Kind::Text, "the person's name"),
        Arg::many("--account", Kind::Text, "an account that is theirs too"),
        Arg::many("--no-account", Kind::Text, "an account that is not theirs any more"),
        Arg::many("--key", Kind::Text, "the name of a key that is theirs too"),
        Arg::many("--no-key", Kind::Text, "the name of a key that is not theirs any more"),
        SEEN,
    ],
    role: Role::Admin,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(edit(call)),
} }

inventory::submit! { Command {
    name: "user disable",
    aliases: &[],
    about: "Let a user in no more, and refuse what they ask from now on",
    args: &[NAME, SEEN],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(enable(call, false)),
} }

inventory::submit! { Command {
    name: "user enable",
    aliases: &[],
    about: "Let a user in again who was disabled",
    args: &[NAME, SEEN],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(enable(call, true)),
} }

inventory::submit! { Command {
    name: "user remove",
    aliases: &[],
    about: "Remove a user; the journal still knows what they did",
    args: &[NAME, SEEN],
    role: Role::Admin,
    danger: Danger::Type,
    needs: Needs::Engine,
    run: |call| Box::pin(remove(call)),
} }

inventory::submit! { Command {
    name: "user recover",
    aliases: &[],
    about: "Make a user an admin with your account, where no admin can come in; for the owner of the data folder, with --why",
    args: &[NAME],
    role: Role::Admin,
    danger: Danger::Type,
    needs: Needs::ClosedStore,
    run: |call| Box::pin(recover(call)),
} }

/// A user as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    user: &'a str,
    full_name: &'a str,
    enabled: bool,
    accounts: Vec<String>,
    keys: &'a [String],
    grants: Vec<ShownGrant>,
    last_login: Option<String>,
    revision: u32,
    created: String,
    updated: String,
}

/// A role of a user as `--json` shows it.
#[derive(Serialize)]
pub(super) struct ShownGrant {
    role: &'static str,
    within: String,
}

impl ShownGrant {
    pub(super) fn of(grant: &Grant) -> Self {
        Self { role: grant.role.as_str(), within: grant.reach.to_string() }
    }
}

fn shown(user: &User, last: Option<Timestamp>) -> Shown<'_> {
    Shown {
        user: user.name.as_str(),
        full_name: &user.full_name,
        enabled: user.enabled,
        accounts: user.accounts.iter().map(ToString::to_string).collect(),
        keys: &user.keys,
        grants: user.grants.iter().map(ShownGrant::of).collect(),
        last_login: rfc3339(last),
        revision: user.revision,
        created: user.created.rfc3339(),
        updated: user.updated.rfc3339(),
    }
}

fn list(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let last = engine.last_logins();
    let mut table = Table::new(&["user", "enabled", "last login", "accounts", "keys", "roles"]);
    for user in engine.users() {
        let last = last.get(user.name.as_str()).copied();
        if call.json {
            call.object(&shown(&user, last))?;
            continue;
        }
        table.row([
            user.name.to_string(),
            if user.enabled { "yes" } else { "no" }.to_owned(),
            date(last),
            joined(&user.accounts),
            joined(&user.keys),
            joined(&user.grants),
        ]);
    }
    if !call.json {
        table.print(call, "there is no user: the owner of the data folder may do everything; `user add` makes the first admin");
    }
    Ok(Exit::Done)
}

/// Words in a row; `-` for none.
fn joined<T: ToString>(list: &[T]) -> String {
    let words: Vec<String> = list.iter().map(ToString::to_string).collect();
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

/// Tells of a user.
pub(super) fn answer(call: &Call, user: &Arc<User>) -> Result<Exit, ActError> {
    let last = call.engine().ok().and_then(|engine| engine.last_logins().get(user.name.as_str()).copied());
    if call.json {
        call.object(&shown(user, last))?;
        return Ok(Exit::Done);
    }
    let state = match (user.removed, user.enabled) {
        (Some(_), _) => "removed",
        (None, true) => "enabled",
        (None, false) => "disabled",
    };
    for (name, value) in [
        ("user", user.name.to_string()),
        ("full name", user.full_name.clone()),
        ("state", state.to_owned()),
        ("roles", joined(&user.grants)),
        ("accounts", joined(&user.accounts)),
        ("keys", joined(&user.keys)),
        ("last login", date(last)),
        ("revision", format!("{}, of {}", user.revision, user.updated.local())),
    ] {
        call.say_clean(format!("{name:<12}{value}").trim_end());
    }
    Ok(Exit::Done)
}

async fn add(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let roles = call.args.many("--role").iter().map(|role| role.parse().map(Grant::everywhere));
    let new = NewUser {
        name: call.args.one("user").to_owned(),
        full_name: call.args.get("--full-name").unwrap_or_default().to_owned(),
        accounts: call.args.many("--account").to_vec(),
        keys: call.args.many("--key").to_vec(),
        grants: roles.collect::<Result<_, _>>().map_err(ActError::usage)?,
        first: !engine.has_users(),
    };
    let user = engine.add_user(&call.actor, &call.door.person, new).await?;
    answer(call, &user)
}

async fn edit(call: &Call) -> Result<Exit, ActError> {
    let many = |name: &str| call.args.many(name).to_vec();
    let change = UserChange {
        full_name: call.args.get("--full-name").map(str::to_owned),
        add_accounts: many("--account"),
        drop_accounts: many("--no-account"),
        add_keys: many("--key"),
        drop_keys: many("--no-key"),
    };
    let (name, person) = (call.args.one("user"), &call.door.person);
    let user = call.engine()?.edit_user(&call.actor, person, name, call.seen(), change).await?;
    answer(call, &user)
}

/// The part of the network that `--within` means; all of it where it is not said.
pub(super) fn reach(call: &Call) -> Result<Reach, ActError> {
    let said = call.args.get("--within").map(str::parse).transpose().map_err(ActError::usage)?;
    Ok(said.unwrap_or(Reach::Everything))
}

async fn enable(call: &Call, enabled: bool) -> Result<Exit, ActError> {
    let name = call.args.one("user");
    let user = call.engine()?.enable_user(&call.actor, &call.door.person, name, call.seen(), enabled).await?;
    answer(call, &user)
}

async fn remove(call: &Call) -> Result<Exit, ActError> {
    let (name, person) = (call.args.one("user"), &call.door.person);
    let user = call.engine()?.remove_user(&call.actor, person, name, call.seen()).await?;
    answer(call, &user)
}

/// The one act on users for which the store must be closed: it must not be mistaken for what an admin does.
async fn recover(call: &Call) -> Result<Exit, ActError> {
    let Some(caller) = &call.door.person.caller else {
        return Err(ActError::usage("there is nobody to recover here"));
    };
    let mut options = call.unlocked(&call.door.options.data_dir).await?;
    (options.schedule, options.pulse) = (false, false);
    let engine = Engine::start(options).await.map_err(|error| ActError::conflict(error.to_string()))?;
    let by = Actor::new(&caller.account(), &call.actor.why, &call.actor.line);
    let recovered = engine.recover_user(&by, caller, call.args.one("user")).await;
    engine.stop().await;
    answer(call, &recovered?)
}
