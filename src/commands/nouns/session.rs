//! `session`: who is in, and how a session is ended by somebody else; `user logout` ends all of one person.

use serde::Serialize;

use crate::commands::answer::Table;
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::sessions::Roster;
use crate::model::{Danger, Role, Timestamp};

const REASON: Arg = Arg::optional("--reason", Kind::Text, "why, which the person reads; needed");

inventory::submit! { Command {
    name: "session list",
    aliases: &["who"],
    about: "List who is in: from where, since when, and what they look at",
    args: &[],
    role: Role::READS_AUDIT,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(async { list(call) }),
} }

inventory::submit! { Command {
    name: "session end",
    aliases: &[],
    about: "End a session; whoever has it is told who did so, and why",
    args: &[
        Arg::one("session", Kind::Number(1, u64::MAX), "the session's number, as session list shows it"),
        REASON,
    ],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(end(call)),
} }

inventory::submit! { Command {
    name: "user logout",
    aliases: &[],
    about: "End every session of a user, who may come in again; user disable lets them in no more",
    args: &[Arg::one("user", Kind::Text, "the user's name"), REASON],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(log_out(call)),
} }

/// A session as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    session: u64,
    user: &'a str,
    roles: &'a str,
    from: Option<&'a str>,
    uid: u32,
    pid: Option<i32>,
    kind: &'static str,
    since: String,
    columns: Option<u16>,
    rows: Option<u16>,
    idle_seconds: u64,
    doing: &'a str,
}

fn shown(one: &Roster, now: Timestamp) -> Shown<'_> {
    Shown {
        session: one.number,
        user: &one.person,
        roles: &one.rights,
        from: Some(one.from.as_str()).filter(|from| !from.is_empty()),
        uid: one.uid,
        pid: one.pid,
        kind: match (one.size, one.line.as_str()) {
            (None, _) => "command",
            (Some(_), "wallboard") => "wallboard",
            (Some(_), _) => "console",
        },
        since: one.since.rfc3339(),
        columns: one.size.map(|size| size.0),
        rows: one.size.map(|size| size.1),
        idle_seconds: one.active.age(now).as_secs(),
        doing: &one.doing,
    }
}

fn list(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let now = engine.now();
    let mut table = Table::new(&["session", "user", "roles", "from", "since", "size", "idle", "doing"]);
    for one in engine.sessions().list() {
        if call.json {
            call.object(&shown(&one, now))?;
            continue;
        }
        table.row([
            one.number.to_string(),
            one.person.clone(),
            one.rights.clone(),
            if one.from.is_empty() { "-".to_owned() } else { one.from.clone() },
            one.since.local(),
            one.size.map_or_else(|| "-".to_owned(), |(columns, rows)| format!("{columns}x{rows}")),
            length(one.active.age(now).as_secs()),
            one.doing.clone(),
        ]);
    }
    if !call.json {
        table.print(call, "nobody is attached: this engine runs for this command alone");
    }
    Ok(Exit::Done)
}

/// A length in its largest unit: `42s`, `7m`, `3h`, `2d`.
fn length(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn reason(call: &Call) -> &str {
    call.args.get(REASON.name).unwrap_or_default()
}

async fn end(call: &Call) -> Result<Exit, ActError> {
    let number = call.args.number("session").unwrap_or_default();
    let session = call.engine()?.end_session(&call.actor, number, reason(call)).await?;
    tell(call, &[session])
}

async fn log_out(call: &Call) -> Result<Exit, ActError> {
    let name = call.args.one("user");
    let ended = call.engine()?.end_sessions_of(&call.actor, name, reason(call)).await?;
    if ended.is_empty() {
        call.note(format!("{name} has no session"));
    }
    tell(call, &ended)
}

fn tell(call: &Call, ended: &[Roster]) -> Result<Exit, ActError> {
    let now = call.engine()?.now();
    for one in ended {
        match call.json {
            true => call.object(&shown(one, now))?,
            false => call.say_clean(&format!("session {} of {} is ended: {}", one.number, one.person, one.line)),
        }
    }
    Ok(Exit::Done)
}
