//! Who is in, as it moves: from where, since when, what they look at; and how an admin ends a session.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane};
use crate::console::theme::Token;
use crate::console::widgets::{Column, Rows, Table, notice};
use crate::engine::query::{Answer, Query};
use crate::engine::sessions::Roster;
use crate::model::{Timestamp, clean_line};

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
    make: |args, cx| {
        let mut pane = Sessions { table: Table::new(COLUMNS, None), sessions: Arc::default(), read: Read::NotYet, due: None };
        pane.set_filter(&args.join(" "), cx);
        Ok(Box::new(pane))
    },
} }

const COLUMNS: &[Column] = &[
    Column::new("no", 5, 0),
    Column::new("user", 12, 0),
    Column::new("roles", 10, 2).grow(),
    Column::new("from", 16, 1).grow(),
    Column::new("since", 11, 2),
    Column::new("size", 7, 3),
    Column::new("idle", 5, 0),
    Column::new("doing", 16, 0).grow(),
];

/// From reading to reading.
const EVERY: Duration = Duration::from_secs(2);

struct Sessions {
    table: Table,
    sessions: Arc<[Roster]>,
    read: Read,
    /// When it is read next; `None` is at once.
    due: Option<Timestamp>,
}

/// How the last reading went.
enum Read {
    NotYet,
    Done,
    Failed(String),
}

struct View<'a> {
    sessions: &'a [Roster],
    cx: &'a Cx,
}

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.sessions.len()
    }

    fn id(&self, row: usize) -> u64 {
        self.sessions[row].number
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        let one = &self.sessions[row];
        match COLUMNS[column].name {
            "no" => one.number.to_string().into(),
            "user" => clean_line(&one.person),
            "roles" => clean_line(&one.rights),
            "from" if one.from.is_empty() => "unknown".into(),
            "from" => clean_line(&one.from),
            "since" => self.cx.when(one.since).into(),
            "size" => {
                one.size.map_or_else(|| "-".to_owned(), |(columns, rows)| format!("{columns}x{rows}")).into()
            }
            "idle" => self.cx.age(Some(one.active)).into(),
            _ => clean_line(&one.doing),
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        match (COLUMNS[column].name, self.sessions[row].from.is_empty()) {
            ("user" | "doing", _) | ("from", false) => Token::Text,
            _ => Token::Dim,
        }
    }

    fn order(&self, a: usize, b: usize, column: usize) -> Ordering {
        let (one, other) = (&self.sessions[a], &self.sessions[b]);
        match COLUMNS[column].name {
            "no" => one.number.cmp(&other.number),
            "since" => one.since.cmp(&other.since),
            "size" => one.size.cmp(&other.size),
            "idle" => other.active.cmp(&one.active),
            _ => self.cell(a, column).cmp(&self.cell(b, column)),
        }
    }
}

impl Sessions {
    fn view<'a>(&'a self, cx: &'a Cx) -> View<'a> {
        View { sessions: &self.sessions, cx }
    }

    fn selected(&self) -> Option<&Roster> {
        let number = self.table.selected_id()?;
        self.sessions.iter().find(|one| one.number == number)
    }
}

impl Pane for Sessions {
    fn status(&self, _cx: &Cx) -> String {
        match self.read {
            Read::Done if !self.table.filter().is_empty() => self.table.status(self.sessions.len()),
            Read::Done => format!("{} in", self.sessions.len()),
            _ => String::new(),
        }
    }

    fn update(&mut self, cx: &Cx) {
        let view = View { sessions: &self.sessions, cx };
        self.table.update(&view);
    }

    fn wants(&mut self, cx: &Cx) -> Option<Query> {
        let is_due = self.due.is_none_or(|due| due <= cx.now);
        is_due.then(|| {
            self.due = Some(cx.now.after(EVERY));
            Query::Sessions
        })
    }

    fn wakes_at(&self, _cx: &Cx) -> Option<Timestamp> {
        self.due
    }

    fn answer(&mut self, answer: Answer, cx: &Cx) {
        match answer {
            Answer::Sessions(sessions) => (self.sessions, self.read) = (sessions, Read::Done),
            Answer::Failed(why) => self.read = Read::Failed(clean_line(&why).into_owned()),
            _ => {}
        }
        self.update(cx);
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match (words, self.selected()) {
            (["again"], _) => {
                self.due = None;
                Outcome::Done
            }
            (["watch"], Some(one)) => Outcome::Line(format!("watch {}", one.number)),
            (["end"], Some(one)) => Outcome::Reason {
                line: format!("session end {} --reason", one.number),
                question: format!(
                    "End session {} of {} ({})? They are told that it was you, and why.",
                    one.number,
                    clean_line(&one.person),
                    clean_line(&one.line)
                ),
            },
            _ => {
                let view = View { sessions: &self.sessions, cx };
                self.table.act(words, &view)
            }
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let nobody = "Nobody is attached: this console has an engine of its own";
        match &self.read {
            Read::Failed(why) => return notice(area, buf, &cx.theme, why),
            Read::NotYet => return notice(area, buf, &cx.theme, "Reading who is in …"),
            Read::Done if self.sessions.is_empty() => return notice(area, buf, &cx.theme, nobody),
            Read::Done => {}
        }
        let view = View { sessions: &self.sessions, cx };
        self.table.draw(area, buf, cx, &view, "No session matches");
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        let view = View { sessions: &self.sessions, cx };
        self.table.click(x, y, &view)
    }

    fn columns(&self) -> Vec<&'static str> {
        self.table.names()
    }

    fn filter(&self) -> Option<&str> {
        Some(self.table.filter())
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) {
        let view = View { sessions: &self.sessions, cx };
        self.table.set_filter(text, &view);
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let view = self.view(cx);
        let row = |row: usize| {
            (0..COLUMNS.len()).map(|column| view.cell(row, column)).collect::<Vec<_>>().join("  ")
        };
        (!self.sessions.is_empty()).then(|| (0..self.sessions.len()).map(row).collect::<Vec<_>>().join("\n"))
    }

    fn disabled(&self, line: &str, _cx: &Cx) -> Option<String> {
        match (line, self.selected()) {
            ("end" | "watch", None) => Some("no session is selected".into()),
            ("watch", Some(one)) if one.size.is_none() => Some("a command has no screen".into()),
            _ => None,
        }
    }
}
