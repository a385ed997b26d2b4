//! Users: who may come in, what they may do where, when they came last.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::text;
use crate::console::theme::Token;
use crate::console::widgets::{Column, Rows, Table, notice};
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
    make: |args, cx| {
        let mut pane = Users { table: Table::new(COLUMNS, None), users: Arc::default(), read: Read::NotYet, asked: false };
        pane.set_filter(&args.join(" "), cx);
        Ok(Box::new(pane))
    },
} }

const COLUMNS: &[Column] = &[
    Column::new("user", 12, 0),
    Column::new("state", 10, 0),
    Column::new("roles", 20, 0).grow(),
    Column::new("last", 11, 1),
    Column::new("from", 16, 3),
    Column::new("accounts", 14, 2).grow(),
    Column::new("name", 16, 4).grow(),
];

/// The fewest rows that stay for the table where the selected user is told in full below it.
const LEAST_TABLE: u16 = 6;
/// The most rows that the selected user takes.
const MOST_DETAILS: u16 = 8;

struct Users {
    table: Table,
    users: Arc<[UserView]>,
    read: Read,
    asked: bool,
}

/// How the reading went.
enum Read {
    NotYet,
    Done,
    Failed(String),
}

struct View<'a> {
    users: &'a [UserView],
    cx: &'a Cx,
}

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

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.users.len()
    }

    fn id(&self, row: usize) -> u64 {
        self.users[row].user.id.0
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        let UserView { user, last } = &self.users[row];
        let theme = &self.cx.theme;
        match COLUMNS[column].name {
            "user" => user.name.as_str().into(),
            "state" if user.enabled => format!("{} enabled", theme.glyph("●", "+")).into(),
            "state" => format!("{} disabled", theme.glyph("○", "-")).into(),
            "roles" if user.grants.is_empty() => "none".into(),
            "roles" => joined(&user.grants).into(),
            "last" => last.as_ref().map_or("never".into(), |login| self.cx.when(login.at).into()),
            "from" => last.as_ref().map_or_else(String::new, from).into(),
            "accounts" => joined(&user.accounts).into(),
            _ => clean_line(&user.full_name),
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        let user = &self.users[row].user;
        match (COLUMNS[column].name, user.enabled) {
            ("state", true) => Token::Good,
            ("roles", true) if user.grants.is_empty() => Token::Warn,
            ("user" | "roles", true) => Token::Text,
            _ => Token::Dim,
        }
    }

    fn order(&self, a: usize, b: usize, column: usize) -> Ordering {
        match COLUMNS[column].name {
            "last" => {
                let at = |row: usize| self.users[row].last.as_ref().map(|login| login.at);
                at(b).cmp(&at(a))
            }
            _ => self.cell(a, column).cmp(&self.cell(b, column)),
        }
    }
}

impl Users {
    fn selected(&self) -> Option<&UserView> {
        let id = self.table.selected_id()?;
        self.users.iter().find(|view| view.user.id.0 == id)
    }

    /// The selected user in full.
    fn details(&self, cx: &Cx) -> Option<Vec<(String, Token)>> {
        let UserView { user, last } = self.selected()?;
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
                format!("came in last {} by {}{from}", cx.date(login.at), login.method)
            }
        };
        Some(vec![
            (format!("{}{full_name}", user.name), Token::Section),
            told("roles", joined(&user.grants)),
            told("accounts", joined(&user.accounts)),
            told("keys", joined(&user.keys)),
            (came, Token::Text),
            (format!("revision {}, changed {}", user.revision, cx.date(user.updated)), Token::Dim),
        ])
    }

    /// Tells the selected user below the table, where there is room; what is left for the table.
    fn draw_details(&self, area: Rect, buf: &mut Buffer, cx: &Cx) -> Rect {
        let Some(details) = self.details(cx) else { return area };
        let columns = area.width.saturating_sub(2);
        let mut lines = Vec::new();
        for (line, token) in details {
            lines.extend(text::wrap(&line, usize::from(columns).max(1)).into_iter().map(|line| (line, token)));
        }
        let rows = u16::try_from(lines.len()).unwrap_or(MOST_DETAILS).min(MOST_DETAILS);
        if area.height < LEAST_TABLE + rows {
            return area;
        }
        let table = Rect { height: area.height - rows, ..area };
        for ((line, token), y) in lines.iter().zip(table.bottom()..area.bottom()) {
            text::put(buf, area.x + 1, y, columns, line, cx.theme.style(*token));
        }
        table
    }
}

impl Pane for Users {
    fn status(&self, _cx: &Cx) -> String {
        if !self.table.filter().is_empty() {
            return self.table.status(self.users.len());
        }
        let enabled = self.users.iter().filter(|view| view.user.enabled).count();
        match self.read {
            Read::Done => format!("{enabled} of {} enabled", self.users.len()),
            _ => String::new(),
        }
    }

    fn update(&mut self, cx: &Cx) {
        self.asked = false;
        let view = View { users: &self.users, cx };
        self.table.update(&view);
    }

    fn wants(&mut self, _cx: &Cx) -> Option<Query> {
        (!std::mem::replace(&mut self.asked, true)).then_some(Query::Users)
    }

    fn answer(&mut self, answer: Answer, cx: &Cx) {
        match answer {
            Answer::Users(users) => (self.users, self.read) = (users, Read::Done),
            Answer::Failed(why) => self.read = Read::Failed(clean_line(&why).into_owned()),
            _ => {}
        }
        let view = View { users: &self.users, cx };
        self.table.update(&view);
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        if words == ["again"] {
            self.asked = false;
            return Outcome::Done;
        }
        let Some(UserView { user, .. }) = self.selected() else {
            let view = View { users: &self.users, cx };
            return self.table.act(words, &view);
        };
        // whoever changes a user says which one they saw: where somebody else was faster, they are told so
        let seen = format!("--revision {}", user.revision);
        let name = &user.name;
        Outcome::Line(match words {
            ["change"] => format!("command user edit {name} {seen}"),
            ["grant"] => format!("command role grant {name} {seen}"),
            ["revoke"] => match &user.grants[..] {
                [] => return Outcome::refused(format!("{name} has no role")),
                [one] => format!("role revoke {name} {} --within={} {seen}", one.role, quoted(&one.reach)),
                _ => format!("command role revoke {name} {seen}"),
            },
            ["toggle"] if user.enabled => format!("user disable {name}"),
            ["toggle"] => format!("user enable {name}"),
            ["remove"] => format!("user remove {name}"),
            _ => {
                let view = View { users: &self.users, cx };
                return self.table.act(words, &view);
            }
        })
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let nobody = "There is no user yet: who owns the data folder may do everything. a begins user add NAME, \
                      and the first one is an admin";
        match &self.read {
            Read::Failed(why) => return notice(area, buf, &cx.theme, why),
            Read::NotYet => return notice(area, buf, &cx.theme, "Reading the users …"),
            Read::Done if self.users.is_empty() => return notice(area, buf, &cx.theme, nobody),
            Read::Done => {}
        }
        let area = self.draw_details(area, buf, cx);
        let view = View { users: &self.users, cx };
        self.table.draw(area, buf, cx, &view, "No user matches");
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        let view = View { users: &self.users, cx };
        self.table.click(x, y, &view)
    }

    fn columns(&self) -> Vec<&'static str> {
        self.table.names()
    }

    fn filter(&self) -> Option<&str> {
        Some(self.table.filter())
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) {
        let view = View { users: &self.users, cx };
        self.table.set_filter(text, &view);
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        Some(self.details(cx)?.into_iter().map(|(line, _)| line).collect::<Vec<_>>().join("\n"))
    }

    fn disabled(&self, line: &str, _cx: &Cx) -> Option<String> {
        let is_about_one = matches!(line, "change" | "grant" | "revoke" | "toggle" | "remove");
        (is_about_one && self.selected().is_none()).then(|| "no user is selected".into())
    }
}
