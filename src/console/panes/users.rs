//! Users: who may come in, what they may do where, when they came last.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::list::{Lines, List, Listed, Meant};
use crate::console::pane::{Bind, Decl, Topic};
use crate::console::theme::Token;
use crate::console::widgets::Column;
use crate::engine::query::{Answer, Query};
use crate::engine::users::UserView;
use crate::model::{Login, Reach, clean_line};

inventory::submit! { Decl {
    name: "users",
    aliases: &["logins"],
    title: "Users",
    about: "Show who may come in, what they may do where, and when they came last",
    args: "[FILTER]",
    tab: None,
    reads: &[Topic::Events],
    keys: &[
        Bind::hint("a", "command user add", "Add one"),
        Bind::hint("e", "change", "Change"),
        Bind::hint("g", "grant", "Grant a role"),
        Bind::hint("r", "revoke", "Revoke a role"),
        Bind::hint("D", "toggle", "Disable, or enable again"),
        Bind::hint("X", "remove", "Remove"),
        Bind::new("R", "again", "Read again"),
    ],
    make: |args, cx| Ok(List::pane(Users, args, cx)),
} }

struct Users;

fn joined<T: ToString>(list: &[T]) -> String {
    let words: Vec<String> = list.iter().map(ToString::to_string).collect();
    clean_line(&words.join(", ")).into_owned()
}

/// A part of the network as one word of a command line.
fn quoted(reach: &Reach) -> String {
    let reach = reach.to_string();
    shlex::try_quote(&reach).map(Cow::into_owned).unwrap_or(reach)
}

/// Where somebody came from, as far as that is known.
fn from(login: &Login) -> String {
    let parts: Vec<&str> = [login.ssh.as_deref(), login.tty.as_deref()].into_iter().flatten().collect();
    clean_line(&parts.join(" ")).into_owned()
}

impl Listed for Users {
    type Row = UserView;

    const COLUMNS: &'static [Column] = &[
        Column::new("user", 12, 0),
        Column::new("state", 10, 0),
        Column::new("roles", 20, 0).grow(),
        Column::new("last", 11, 1),
        Column::new("from", 16, 3),
        Column::new("accounts", 14, 2).grow(),
        Column::new("name", 16, 4).grow(),
    ];
    const READING: &'static str = "Reading the users …";

    fn query(&self) -> Query {
        Query::Users
    }

    fn rows(&mut self, answer: Answer) -> Option<Arc<[UserView]>> {
        match answer {
            Answer::Users(users) => Some(users),
            _ => None,
        }
    }

    fn id(&self, row: &UserView) -> u64 {
        row.user.id.0
    }

    fn cell<'a>(&self, row: &'a UserView, column: &str, cx: &'a Cx) -> Cow<'a, str> {
        let UserView { user, last } = row;
        match column {
            "user" => user.name.as_str().into(),
            "state" if user.enabled => format!("{} enabled", cx.theme.glyph("●", "+")).into(),
            "state" => format!("{} disabled", cx.theme.glyph("○", "-")).into(),
            "roles" if user.grants.is_empty() => "none".into(),
            "roles" => joined(&user.grants).into(),
            "last" => last.as_ref().map_or("never".into(), |login| cx.when(login.at).into()),
            "from" => last.as_ref().map_or_else(String::new, from).into(),
            "accounts" => joined(&user.accounts).into(),
            _ => clean_line(&user.full_name),
        }
    }

    fn token(&self, row: &UserView, column: &str) -> Token {
        match (column, row.user.enabled) {
            ("state", true) => Token::Good,
            ("roles", true) if row.user.grants.is_empty() => Token::Warn,
            ("user" | "roles", true) => Token::Text,
            _ => Token::Dim,
        }
    }

    fn order(&self, one: &UserView, other: &UserView, column: &str) -> Option<Ordering> {
        let at = |row: &UserView| row.last.as_ref().map(|login| login.at);
        (column == "last").then(|| at(other).cmp(&at(one)))
    }

    fn empty(&self) -> String {
        "There is no user yet: who owns the data folder may do everything. Press a for user add NAME; the first one is an \
         admin"
            .to_owned()
    }

    fn status(&self, rows: &[UserView]) -> String {
        let enabled = rows.iter().filter(|view| view.user.enabled).count();
        format!("{enabled} of {} enabled", rows.len())
    }

    fn details(&self, row: &UserView, cx: &Cx) -> Lines {
        let UserView { user, last } = row;
        let told = |what: &str, list: String| {
            let list = if list.is_empty() { "none".to_owned() } else { list };
            (format!("{what}: {list}"), Token::Text)
        };
        let full_name = match user.full_name.as_str() {
            "" => String::new(),
            name => format!(", {}", clean_line(name)),
        };
        let came = match last {
            None => "never came in".to_owned(),
            Some(login) => {
                let from = match from(login) {
                    from if from.is_empty() => String::new(),
                    from => format!(" from {from}"),
                };
                format!("came in last {} by {}{from}", cx.full(login.at), login.method)
            }
        };
        vec![
            (format!("{}{full_name}", user.name), Token::Section),
            told("roles", joined(&user.grants)),
            told("accounts", joined(&user.accounts)),
            told("keys", joined(&user.keys)),
            (came, Token::Text),
            (format!("revision {}, changed {}", user.revision, cx.full(user.updated)), Token::Dim),
        ]
    }

    fn meant(&self, word: &str, row: Option<&UserView>, _rows: &[UserView]) -> Meant {
        if !matches!(word, "change" | "grant" | "revoke" | "toggle" | "remove") {
            return None;
        }
        let Some(UserView { user, .. }) = row else { return Some(Err("no user is selected".to_owned())) };
        // whoever changes a user says which one they saw: where somebody else was faster, they are told so
        let seen = format!("--revision {}", user.revision);
        let name = &user.name;
        let line = match word {
            "change" => format!("command user edit {name} {seen}"),
            "grant" => format!("command role grant {name} {seen}"),
            "revoke" => match &user.grants[..] {
                [] => return Some(Err(format!("{name} has no role"))),
                [one] => format!("role revoke {name} {} --within={} {seen}", one.role, quoted(&one.reach)),
                _ => format!("command role revoke {name} {seen}"),
            },
            "toggle" if user.enabled => format!("user disable {name}"),
            "toggle" => format!("user enable {name}"),
            _ => format!("user remove {name}"),
        };
        Some(Ok(Outcome::Line(line)))
    }
}
