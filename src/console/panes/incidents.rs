//! The incidents: those that are open, then those that ended lately.

use std::borrow::Cow;
use std::cmp::Ordering;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::answering::{self, lasts, who};
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::theme::Token;
use crate::console::widgets::{Column, Rows, Table, notice};
use crate::model::{Ending, Incident, IncidentId, clean_line};

inventory::submit! { Decl {
    name: "incidents",
    aliases: &["in"],
    title: "Incidents",
    about: "Show the incidents: one for each cause, with what lies behind it",
    args: "[FILTER]",
    tab: Some(7),
    reads: &[Topic::Incidents, Topic::Answers],
    keys: &[
        Bind::hint("enter", "open", "The incident"),
        Bind::hint("a", "ack", "Acknowledge"),
        Bind::hint("A", "assign", "Take it over"),
        Bind::hint("c", "comment", "Comment"),
        Bind::new("C", "close", "Close"),
        Bind::new("i", "history {device}", "History of the root's configuration"),
        Bind::new("W", "maintenance", "What work is planned"),
        Bind::new("x", "filter state:open", "Only those that are open"),
    ],
    make: |args, cx| {
        let mut incidents = Incidents { table: Table::new(COLUMNS, None) };
        incidents.set_filter(&args.join(" "), cx);
        Ok(Box::new(incidents))
    },
} }

const COLUMNS: &[Column] = &[
    Column::new("state", 7, 0),
    Column::new("id", 5, 3).right(),
    Column::new("since", 11, 1),
    Column::new("lasts", 12, 2),
    Column::new("name", 15, 0),
    Column::new("behind", 6, 0).right(),
    Column::new("who", 10, 4),
    Column::new("cause", 22, 0).grow(),
];

struct Incidents {
    table: Table,
}

struct View<'a>(&'a Cx);

impl View<'_> {
    fn of(&self, row: usize) -> &Incident {
        &self.0.snapshot.incidents[row]
    }
}

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.0.snapshot.incidents.len()
    }

    fn id(&self, row: usize) -> u64 {
        self.of(row).id.0
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        let (incident, cx) = (self.of(row), self.0);
        match COLUMNS[column].name {
            "state" if incident.is_open() => format!("{} open", cx.theme.glyph("✖", "x")).into(),
            "state" => format!("{} over", cx.theme.glyph("●", "+")).into(),
            "id" => incident.id.to_string().into(),
            "since" => cx.when(incident.since).into(),
            "lasts" => lasts(incident, cx).into(),
            "name" => incident.name.as_str().into(),
            "behind" if incident.is_open() => incident.behind.len().to_string().into(),
            "behind" => incident.most_behind.to_string().into(),
            "who" => match who(incident, cx) {
                nobody if nobody.is_empty() => "-".into(),
                who => who.into(),
            },
            _ => match &incident.ending {
                Some(Ending::PartOf(other)) => format!("part of incident {other}").into(),
                Some(Ending::Unwatched) => "not watched any more".into(),
                Some(Ending::Closed { why, .. }) => format!("closed: {}", clean_line(why)).into(),
                Some(Ending::Recovered) | None => clean_line(&incident.cause),
            },
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        let incident = self.of(row);
        match COLUMNS[column].name {
            _ if !incident.is_open() => Token::Dim,
            "state" if incident.is_acknowledged(self.0.now) => Token::Warn,
            "state" => Token::Bad,
            "since" | "id" => Token::Dim,
            _ => Token::Text,
        }
    }

    fn order(&self, a: usize, b: usize, column: usize) -> Ordering {
        let (one, other) = (self.of(a), self.of(b));
        match COLUMNS[column].name {
            "state" => other.is_open().cmp(&one.is_open()),
            "id" | "since" => other.id.cmp(&one.id),
            "lasts" => other.lasts(self.0.now).cmp(&one.lasts(self.0.now)),
            "behind" => other.most_behind.cmp(&one.most_behind),
            _ => self.cell(a, column).cmp(&self.cell(b, column)),
        }
    }
}

impl Incidents {
    fn selected<'a>(&self, cx: &'a Cx) -> Option<&'a Incident> {
        let id = IncidentId(self.table.selected_id()?);
        cx.snapshot.incidents.iter().find(|incident| incident.id == id)
    }
}

impl Pane for Incidents {
    fn status(&self, cx: &Cx) -> String {
        let open = cx.snapshot.incidents.iter().filter(|incident| incident.is_open()).count();
        match self.table.filter().is_empty() {
            true => format!("{open} open"),
            false => self.table.status(cx.snapshot.incidents.len()),
        }
    }

    fn update(&mut self, cx: &Cx) {
        self.table.update(&View(cx));
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match (words, self.selected(cx)) {
            (["open"], Some(incident)) => Outcome::Line(format!("incident {}", incident.id)),
            (words, Some(incident)) if matches!(words, ["ack" | "assign" | "comment" | "close"]) => {
                answering::act(words[0], incident, cx)
            }
            _ => self.table.act(words, &View(cx)),
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if cx.snapshot.incidents.is_empty() {
            let watched = match cx.snapshot.pulse.is_running() {
                true => "No incident: nothing that is watched is down",
                false => "No incident is known, and nobody watches the devices",
            };
            return notice(area, buf, &cx.theme, watched);
        }
        let rows = answering::draw_head(area, buf, cx);
        let below = Rect { y: area.y + rows, height: area.height.saturating_sub(rows), ..area };
        self.table.draw(below, buf, cx, &View(cx), "No incident");
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        self.table.click(x, y, &View(cx))
    }

    fn device(&self, cx: &Cx) -> Option<String> {
        self.selected(cx).map(|incident| incident.name.to_string())
    }

    fn columns(&self) -> Vec<&'static str> {
        self.table.names()
    }

    fn filter(&self) -> Option<&str> {
        Some(self.table.filter())
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) {
        self.table.set_filter(text, &View(cx));
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        self.selected(cx).map(|incident| answering::summary(incident, cx))
    }

    fn disabled(&self, line: &str, cx: &Cx) -> Option<String> {
        matches!(line, "ack" | "assign" | "comment" | "close").then_some(())?;
        match self.selected(cx) {
            Some(incident) if incident.is_open() => None,
            Some(_) => Some("the incident is over".into()),
            None => Some("no incident is selected".into()),
        }
    }
}
