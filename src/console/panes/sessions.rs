//! Who is in, as it moves: from where, since when, what they look at; and how an admin ends a session.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::list::{Lines, List, Listed, Meant};
use crate::console::pane::{Bind, Decl};
use crate::console::theme::Token;
use crate::console::widgets::Column;
use crate::engine::query::{Answer, Query};
use crate::engine::sessions::Roster;
use crate::model::clean_line;

inventory::submit! { Decl {
    name: "sessions",
    aliases: &["roster"],
    title: "Sessions",
    about: "Show who is in, from where, since when, and what they look at",
    args: "[FILTER]",
    tab: None,
    reads: &[],
    keys: &[
        Bind::hint("w", "watch", "Watch this screen; they see that you do"),
        Bind::hint("X", "end", "End this session; asks why"),
        Bind::hint("R", "again", "Read again"),
    ],
    make: |args, cx| Ok(List::pane(Sessions, args, cx)),
} }

/// From reading to reading.
const EVERY: Duration = Duration::from_secs(2);

struct Sessions;

/// Columns and rows of its screen.
fn size(one: &Roster) -> Option<String> {
    one.size.map(|(columns, rows)| format!("{columns}x{rows}"))
}

fn from(one: &Roster) -> Cow<'_, str> {
    if one.from.is_empty() { "unknown".into() } else { clean_line(&one.from) }
}

impl Listed for Sessions {
    type Row = Roster;

    const COLUMNS: &'static [Column] = &[
        Column::new("no", 5, 0),
        Column::new("user", 12, 0),
        Column::new("roles", 10, 2).grow(),
        Column::new("from", 16, 1).grow(),
        Column::new("since", 11, 2),
        Column::new("size", 7, 3),
        Column::new("idle", 5, 0),
        Column::new("doing", 16, 0).grow(),
    ];
    const READING: &'static str = "Reading who is in …";

    fn query(&self) -> Query {
        Query::Sessions
    }

    fn rows(&mut self, answer: Answer) -> Option<Arc<[Roster]>> {
        match answer {
            Answer::Sessions(sessions) => Some(sessions),
            _ => None,
        }
    }

    fn id(&self, row: &Roster) -> u64 {
        row.number
    }

    fn cell<'a>(&self, row: &'a Roster, column: &str, cx: &'a Cx) -> Cow<'a, str> {
        match column {
            "no" => row.number.to_string().into(),
            "user" => clean_line(&row.person),
            "roles" => clean_line(&row.rights),
            "from" => from(row),
            "since" => cx.when(row.since).into(),
            "size" => size(row).map_or("-".into(), Cow::Owned),
            "idle" => cx.age(Some(row.active)).into(),
            _ => clean_line(&row.doing),
        }
    }

    fn token(&self, row: &Roster, column: &str) -> Token {
        match (column, row.from.is_empty()) {
            ("user" | "doing", _) | ("from", false) => Token::Text,
            _ => Token::Dim,
        }
    }

    fn order(&self, one: &Roster, other: &Roster, column: &str) -> Option<Ordering> {
        match column {
            "no" => Some(one.number.cmp(&other.number)),
            "since" => Some(one.since.cmp(&other.since)),
            "size" => Some(one.size.cmp(&other.size)),
            "idle" => Some(other.active.cmp(&one.active)),
            _ => None,
        }
    }

    fn empty(&self) -> String {
        "Nobody is attached: this console has an engine of its own, which no other one can reach, and is not listed itself"
            .to_owned()
    }

    fn status(&self, rows: &[Roster]) -> String {
        format!("{} in", rows.len())
    }

    fn details(&self, row: &Roster, cx: &Cx) -> Lines {
        let screen = size(row).map_or_else(|| "a command".to_owned(), |size| format!("a screen of {size}"));
        let title = format!("Session {} of {}: {}", row.number, clean_line(&row.person), clean_line(&row.line));
        vec![
            (title, Token::Section),
            (format!("roles: {}", clean_line(&row.rights)), Token::Text),
            (format!("from: {}, account {}", from(row), row.uid), Token::Text),
            (format!("{screen} since {}, idle for {}", cx.full(row.since), cx.age(Some(row.active))), Token::Text),
            (format!("doing: {}", clean_line(&row.doing)), Token::Text),
        ]
    }

    fn every(&self) -> Option<Duration> {
        Some(EVERY)
    }

    fn meant(&self, word: &str, row: Option<&Roster>, _rows: &[Roster]) -> Meant {
        if !matches!(word, "watch" | "end") {
            return None;
        }
        Some(match (word, row) {
            (_, None) => Err("no session is selected".to_owned()),
            ("watch", Some(one)) if one.size.is_none() => Err("a command has no screen".to_owned()),
            ("watch", Some(one)) => Ok(Outcome::Line(format!("watch {}", one.number))),
            (_, Some(one)) => Ok(Outcome::Reason {
                line: format!("session end {} --reason", one.number),
                question: format!(
                    "End session {} of {} ({})? They are told that it was you, and why.",
                    one.number,
                    clean_line(&one.person),
                    clean_line(&one.line)
                ),
            }),
        })
    }
}
