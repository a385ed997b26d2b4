//! Who is told of what happens: the targets, how they fare, and what is not delivered yet.

use std::borrow::Cow;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::text;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::theme::{self, Token};
use crate::console::widgets::{Column, Rows, Table, notice};
use crate::engine::notify::{Overview, State, TargetView, WaitingView};
use crate::engine::query::{Answer, Query};
use crate::model::{Severity, clean_line};

inventory::submit! { Decl {
    name: "notifications",
    aliases: &[],
    title: "Notifications",
    about: "Show who is told of what happens, and what is not delivered yet",
    args: "[FILTER]",
    tab: None,
    reads: &[Topic::Events],
    keys: &[
        Bind::hint("t", "test", "Send a test"),
        Bind::hint("r", "retry", "Try again"),
        Bind::hint("x", "drop", "Throw away"),
        Bind::hint("R", "again", "Read again"),
    ],
    make: |args, cx| {
        let mut pane = Notifications {
            table: Table::new(COLUMNS, None),
            view: Arc::default(),
            loaded: false,
            asked: false,
            failed: None,
        };
        pane.set_filter(&args.join(" "), cx);
        Ok(Box::new(pane))
    },
} }

const COLUMNS: &[Column] = &[
    Column::new("target", 12, 0),
    Column::new("state", 11, 0),
    Column::new("when", 11, 1),
    Column::new("tries", 5, 3).right(),
    Column::new("what", 26, 0).grow(),
    Column::new("why", 26, 2).grow(),
];

/// The most rows that a reason takes, and the fewest that stay for the table.
const MOST_WHY: usize = 3;
/// See [`MOST_WHY`].
const LEAST_TABLE: u16 = 5;

struct Notifications {
    table: Table,
    view: Arc<Overview>,
    loaded: bool,
    asked: bool,
    failed: Option<String>,
}

/// A target, or a message that waits for one.
enum Row<'a> {
    Target(&'a TargetView),
    Waiting(&'a WaitingView),
}

impl<'a> Row<'a> {
    /// Why it is not as it should be; empty where all is well.
    fn why(&self) -> Cow<'a, str> {
        match self {
            Self::Target(target) if target.state != State::Failing => "".into(),
            Self::Target(TargetView { error, .. }) | Self::Waiting(WaitingView { error, .. }) => {
                clean_line(error.as_deref().unwrap_or_default())
            }
        }
    }
}

struct View<'a> {
    rows: Vec<Row<'a>>,
    cx: &'a Cx,
}

impl<'a> View<'a> {
    /// Each target, and below it what waits for it; last what waits for targets that are not there any more.
    fn new(view: &'a Overview, cx: &'a Cx) -> Self {
        let mut rows = Vec::new();
        for target in &view.targets {
            rows.push(Row::Target(target));
            rows.extend(view.waiting.iter().filter(|message| message.target == target.name).map(Row::Waiting));
        }
        let known = |name: &str| view.targets.iter().any(|target| target.name == name);
        rows.extend(view.waiting.iter().filter(|message| !known(&message.target)).map(Row::Waiting));
        Self { rows, cx }
    }
}

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn id(&self, row: usize) -> u64 {
        match self.rows[row] {
            // no message has such a number
            Row::Target(_) => u64::MAX - row as u64,
            Row::Waiting(message) => message.id,
        }
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        let theme = &self.cx.theme;
        match (&self.rows[row], COLUMNS[column].name) {
            (Row::Target(target), "target") => clean_line(&target.name),
            (Row::Target(target), "state") => {
                let (glyph, word) = match target.state {
                    State::Good => (theme.glyph("●", "+"), "good"),
                    State::Failing => (theme.glyph("✖", "x"), "failing"),
                    State::Untried => (theme.glyph("○", "-"), "untried"),
                };
                format!("{glyph} {word}").into()
            }
            (Row::Target(target), "when") => match target.last_success {
                Some(at) => self.cx.when(at).into(),
                None => "never".into(),
            },
            (Row::Target(_), "tries") => "".into(),
            (Row::Target(target), "what") => {
                clean_line(&format!("{} {}", target.kind, target.place)).into_owned().into()
            }
            (row @ Row::Target(_), _) => row.why(),
            (Row::Waiting(message), "target") => format!("  #{}", message.id).into(),
            (Row::Waiting(message), "state") => match (message.given_up, message.due, message.attempts) {
                (true, ..) => "given up",
                (_, None, _) => "no target",
                _ if message.held => "quiet hours",
                (.., 0) => "waits",
                _ => "not taken",
            }
            .into(),
            (Row::Waiting(message), "when") => match message.due {
                Some(at) => self.cx.when(at).into(),
                None => "-".into(),
            },
            (Row::Waiting(message), "tries") => message.attempts.to_string().into(),
            (Row::Waiting(message), "what") => clean_line(&message.subject),
            (row, _) => row.why(),
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        match (&self.rows[row], COLUMNS[column].name) {
            (Row::Target(target), "state") => match target.state {
                State::Good => Token::Good,
                State::Failing => Token::Bad,
                State::Untried => Token::Dim,
            },
            (Row::Waiting(message), "state") if message.given_up => Token::Bad,
            (Row::Waiting(message), "state") if message.held => Token::Dim,
            (Row::Waiting(_), "state") => theme::severity(Severity::Warning),
            (Row::Target(_), "target") | (Row::Waiting(_), "what") => Token::Text,
            (_, "why") => Token::Text,
            _ => Token::Dim,
        }
    }
}

impl Pane for Notifications {
    fn status(&self, _cx: &Cx) -> String {
        match self.view.waiting.len() {
            0 if self.loaded => "all delivered".to_owned(),
            0 => String::new(),
            count => format!("{count} not delivered"),
        }
    }

    fn update(&mut self, cx: &Cx) {
        self.asked = false;
        self.table.update(&View::new(&self.view, cx));
    }

    fn wants(&mut self, _cx: &Cx) -> Option<Query> {
        (!std::mem::replace(&mut self.asked, true)).then_some(Query::Notifications)
    }

    fn answer(&mut self, answer: Answer, cx: &Cx) {
        self.loaded = true;
        match answer {
            Answer::Notifications(view) => (self.view, self.failed) = (view, None),
            Answer::Failed(why) => self.failed = Some(clean_line(&why).into_owned()),
            _ => {}
        }
        self.table.update(&View::new(&self.view, cx));
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        if words == ["again"] {
            self.asked = false;
            return Outcome::Done;
        }
        let view = View::new(&self.view, cx);
        let selected = self.table.selected().and_then(|row| view.rows.get(row));
        let line = match (words, selected) {
            (["test"], Some(Row::Target(target))) => format!("notify test {}", target.name),
            (["test"], Some(Row::Waiting(message))) => format!("notify test {}", message.target),
            (["retry"], Some(Row::Target(_))) => "notify retry".to_owned(),
            (["retry"], Some(Row::Waiting(message))) => format!("notify retry {}", message.id),
            (["drop"], Some(Row::Waiting(message))) => format!("notify drop {}", message.id),
            (["drop"], Some(Row::Target(_))) => {
                return Outcome::refused("This is a target: what waits for it stands below it");
            }
            _ => return self.table.act(words, &view),
        };
        Outcome::Line(line)
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if let Some(why) = self.failed.as_ref().or(self.view.problem.as_ref()) {
            return notice(area, buf, &cx.theme, &clean_line(why));
        }
        if !self.loaded {
            return notice(area, buf, &cx.theme, "Reading the notifications …");
        }
        let nobody = format!("Nobody is told of anything: {} names no target. A [[target]] in it does; it is read again when it is saved", clean_line(&self.view.file));
        let view = View::new(&self.view, cx);
        if view.rows.is_empty() {
            return notice(area, buf, &cx.theme, &nobody);
        }
        let why = self.table.selected().and_then(|row| view.rows.get(row)).map(Row::why).unwrap_or_default();
        let area = draw_why(&why, area, buf, cx);
        self.table.draw(area, buf, cx, &view, &nobody);
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        self.table.click(x, y, &View::new(&self.view, cx))
    }

    fn columns(&self) -> Vec<&'static str> {
        self.table.names()
    }

    fn filter(&self) -> Option<&str> {
        Some(self.table.filter())
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) {
        self.table.set_filter(text, &View::new(&self.view, cx));
    }

    fn disabled(&self, line: &str, cx: &Cx) -> Option<String> {
        let view = View::new(&self.view, cx);
        match (line, self.table.selected().and_then(|row| view.rows.get(row))) {
            ("test" | "retry" | "drop", None) => Some("nothing is selected".into()),
            ("retry" | "drop", _) if self.view.waiting.is_empty() => Some("all is delivered".into()),
            ("drop", Some(Row::Target(_))) => Some("this is a target: what waits stands below it".into()),
            _ => None,
        }
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        match View::new(&self.view, cx).rows.get(self.table.selected()?)? {
            Row::Target(target) => target.error.as_deref().map(|why| clean_line(why).into_owned()),
            Row::Waiting(message) => {
                let why = message.error.as_deref().unwrap_or_default();
                Some(clean_line(&format!("{}: {why}", message.subject)).into_owned())
            }
        }
    }
}

/// Says below the table why the selected row is not as it should be; what is left for the table.
fn draw_why(why: &str, area: Rect, buf: &mut Buffer, cx: &Cx) -> Rect {
    let lines = text::wrap(why, usize::from(area.width.saturating_sub(2)).max(1));
    let rows = u16::try_from(lines.len().min(MOST_WHY)).unwrap_or(0);
    if why.is_empty() || area.height < LEAST_TABLE + rows {
        return area;
    }
    let table = Rect { height: area.height - rows, ..area };
    for (line, y) in lines.iter().zip(table.bottom()..area.bottom()) {
        text::put(buf, area.x + 1, y, area.width.saturating_sub(2), line, cx.theme.style(Token::Warn));
    }
    table
}
