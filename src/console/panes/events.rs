//! The event log, newest first.

use std::borrow::Cow;
use std::cmp::Ordering;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::theme::{self, Token};
use crate::console::widgets::{Column, Rows, Table, notice};
use crate::model::{EventKind, Severity, clean_line};

inventory::submit! { Decl {
    name: "events",
    aliases: &["e", "log"],
    title: "Events",
    about: "Show what happened, newest first",
    args: "[FILTER]",
    tab: Some(4),
    reads: &[Topic::Events],
    keys: &[
        Bind::hint("enter", "history {device}", "History of the device"),
        Bind::new("x", "filter !severity:info", "Without what is only good to know"),
    ],
    make: |args, cx| {
        let mut events = Events { table: Table::new(COLUMNS, None) };
        events.set_filter(&args.join(" "), cx);
        Ok(Box::new(events))
    },
} }

const COLUMNS: &[Column] = &[
    Column::new("at", 11, 0),
    Column::new("severity", 9, 0),
    Column::new("what", 16, 3),
    Column::new("name", 17, 0),
    Column::new("message", 26, 0).grow(),
];

struct Events {
    table: Table,
}

struct View<'a>(&'a Cx);

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.0.snapshot.events.len()
    }

    fn id(&self, row: usize) -> u64 {
        self.0.snapshot.events[row].seq
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        let event = &self.0.snapshot.events[row];
        match COLUMNS[column].name {
            "at" => self.0.when(event.at).into(),
            "severity" => {
                let glyph = self.0.theme.severity_glyph(event.severity);
                format!("{glyph} {}", severity(event.severity)).into()
            }
            "what" => what(event.kind).into(),
            "name" => event.device.as_ref().map_or("-", |name| name.as_str()).into(),
            _ => clean_line(&event.message),
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        match COLUMNS[column].name {
            "severity" => theme::severity(self.0.snapshot.events[row].severity),
            "at" | "what" => Token::Dim,
            _ => Token::Text,
        }
    }

    fn order(&self, a: usize, b: usize, column: usize) -> Ordering {
        let events = &self.0.snapshot.events;
        match COLUMNS[column].name {
            "at" => events[b].seq.cmp(&events[a].seq),
            "severity" => events[b].severity.cmp(&events[a].severity),
            _ => self.cell(a, column).cmp(&self.cell(b, column)),
        }
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn what(kind: EventKind) -> &'static str {
    match kind {
        EventKind::ConfigChanged => "config changed",
        EventKind::BackupFailed => "backup failed",
        EventKind::BackupRecovered => "backup works",
        EventKind::Quarantined => "quarantined",
        EventKind::HostKeyPinned => "host key pinned",
        EventKind::HostKeyChanged => "host key changed",
        EventKind::Inventory => "inventory",
        EventKind::System => "system",
        EventKind::IdentityChanged => "identity",
        EventKind::IncidentOpened => "down",
        EventKind::IncidentNoted => "incident",
        EventKind::IncidentClosed => "up again",
        EventKind::Maintenance => "planned work",
        EventKind::Pulse => "pulse",
        EventKind::Notification => "notification",
        EventKind::Users => "users",
    }
}

impl Pane for Events {
    fn status(&self, cx: &Cx) -> String {
        self.table.status(cx.snapshot.events.len())
    }

    fn update(&mut self, cx: &Cx) {
        self.table.update(&View(cx));
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match words {
            ["open"] => Outcome::Line("history {device}".into()),
            _ => self.table.act(words, &View(cx)),
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if cx.snapshot.events.is_empty() {
            return notice(area, buf, &cx.theme, "Nothing has happened yet");
        }
        self.table.draw(area, buf, cx, &View(cx), "Nothing has happened yet");
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        self.table.click(x, y, &View(cx))
    }

    fn device(&self, cx: &Cx) -> Option<String> {
        let event = cx.snapshot.events.get(self.table.selected()?)?;
        event.device.as_ref().map(ToString::to_string)
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
        let event = cx.snapshot.events.get(self.table.selected()?)?;
        Some(format!("{} {}", cx.date(event.at), clean_line(&event.message)))
    }
}
