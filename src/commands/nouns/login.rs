//! `login`: who came in, and who was refused.

use serde::Serialize;

use crate::commands::answer::{Table, count};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Danger, Login, Role};

inventory::submit! { Command {
    name: "login list",
    aliases: &[],
    about: "List who came in, from where and by which way, and who was refused and why; newest first",
    args: &[
        Arg::optional("user", Kind::Text, "of this user, or account, alone"),
        Arg::switch("--refused", "only those who were refused"),
        Arg::optional("--limit", Kind::Number(1, 10_000), "at most so many, else 100"),
    ],
    role: Role::READS_AUDIT,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(async { list(call) }),
} }

/// A login as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    login: u64,
    at: String,
    uid: u32,
    account: Option<&'a str>,
    asked_as: Option<&'a str>,
    user: Option<&'a str>,
    method: &'static str,
    ssh: Option<&'a str>,
    tty: Option<&'a str>,
    pid: Option<u32>,
    refused: Option<&'a str>,
    left_out: u32,
}

fn list(call: &Call) -> Result<Exit, ActError> {
    let limit = call.args.number("--limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(100);
    let wanted = call.args.get("user");
    let logins = call.engine()?.logins();
    let logins = logins.iter().filter(|login| {
        let is_meant = [login.user.as_deref(), login.account.as_deref()].contains(&wanted);
        (wanted.is_none() || is_meant) && (login.refused.is_some() || !call.args.has("--refused"))
    });
    let mut table = Table::new(&["at", "user", "account", "method", "from", "result"]);
    for login in logins.take(limit) {
        if call.json {
            call.object(&shown(login))?;
        } else {
            table.row([
                login.at.local(),
                login.user.clone().unwrap_or_else(|| "-".to_owned()),
                format!("{} ({})", login.account.as_deref().unwrap_or("-"), login.uid),
                login.method.to_string(),
                from(login),
                result(login),
            ]);
        }
    }
    if !call.json {
        table.print(call, "nobody came in yet");
    }
    Ok(Exit::Done)
}

/// Where they came from, as far as that is known.
fn from(login: &Login) -> String {
    let parts: Vec<&str> = [login.ssh.as_deref(), login.tty.as_deref()].into_iter().flatten().collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(" ") }
}

fn result(login: &Login) -> String {
    let Some(why) = &login.refused else { return "let in".to_owned() };
    match login.left_out {
        0 => format!("refused: {why}"),
        many => format!("refused, as {} before: {why}", count(many as usize, "time")),
    }
}

fn shown(login: &Login) -> Shown<'_> {
    Shown {
        login: login.seq,
        at: login.at.rfc3339(),
        uid: login.uid,
        account: login.account.as_deref(),
        asked_as: login.asked_as.as_deref(),
        user: login.user.as_deref(),
        method: login.method.as_str(),
        ssh: login.ssh.as_deref(),
        tty: login.tty.as_deref(),
        pid: login.pid,
        refused: login.refused.as_deref(),
        left_out: login.left_out,
    }
}
