//! Planned work: what goes on, what is ahead, what is over; and which devices it covers.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::answering;
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::text;
use crate::console::theme::Token;
use crate::console::widgets::{Column, Rows, Table, notice};
use crate::engine::incident::in_scope;
use crate::model::{Device, DeviceId, Maintenance, MaintenanceId, Scope, Timestamp, clean_line, length};

inventory::submit! { Decl {
    name: "maintenance",
    aliases: &["planned"],
    title: "Planned work",
    about: "Show planned work: what goes on, what is ahead, and which devices it covers",
    args: "[FILTER]",
    tab: None,
    reads: &[Topic::Incidents, Topic::Devices, Topic::Answers],
    keys: &[
        Bind::hint("enter", "open", "What it covers"),
        Bind::hint("a", "command maintenance add", "Plan work"),
        Bind::hint("X", "end", "End it early, or call it off"),
        Bind::new("x", "filter !state:over !state:ended", "Without that which is over"),
    ],
    make: |args, cx| {
        let mut pane = PlannedWork { table: Table::new(COLUMNS, None), covered: Covered::default() };
        pane.set_filter(&args.join(" "), cx);
        Ok(Box::new(pane))
    },
} }

const COLUMNS: &[Column] = &[
    Column::new("state", 8, 0),
    Column::new("id", 4, 3).right(),
    Column::new("from", 11, 0),
    Column::new("until", 11, 0),
    Column::new("on", 16, 0).grow(),
    Column::new("devices", 7, 2).right(),
    Column::new("by", 8, 4),
    Column::new("why", 16, 0).grow(),
];

/// The fewest rows that stay for the table where the selected work is told in full below it.
const LEAST_TABLE: u16 = 6;
/// The most rows that the selected work takes, and the fewest that are worth it.
const MOST_DETAILS: u16 = 14;
/// See [`MOST_DETAILS`].
const LEAST_DETAILS: u16 = 5;
/// The most devices that are named.
const NAMED: usize = 200;

struct PlannedWork {
    table: Table,
    covered: Covered,
}

/// The devices of each window that is not over, by name.
#[derive(Default)]
struct Covered {
    devices: HashMap<MaintenanceId, Vec<(DeviceId, String)>>,
    /// The versions of the picture's parts for which that holds.
    of: Option<(u64, u64)>,
}

impl Covered {
    fn update(&mut self, cx: &Cx) {
        let now = Some((cx.snapshot.versions.incidents, cx.snapshot.versions.devices));
        if std::mem::replace(&mut self.of, now) == now {
            return;
        }
        let rows = cx.snapshot.devices.iter().filter(|row| row.device.deleted.is_none());
        let devices: Vec<Arc<Device>> = rows.map(|row| Arc::clone(&row.device)).collect();
        let windows = cx.snapshot.maintenance.iter().filter(|window| cx.now < window.until);
        let covered = windows.map(|window| {
            let inside = in_scope(&window.scope, &devices);
            let named = devices.iter().filter(|device| inside.contains(&device.id));
            (window.id, named.map(|device| (device.id, device.name.to_string())).collect())
        });
        self.devices = covered.collect();
    }

    /// How many; `None` where it is over, so that nobody knows any more.
    fn count(&self, id: MaintenanceId) -> Option<usize> {
        self.devices.get(&id).map(Vec::len)
    }
}

struct View<'a> {
    cx: &'a Cx,
    covered: &'a Covered,
}

impl View<'_> {
    fn of(&self, row: usize) -> &Maintenance {
        &self.cx.snapshot.maintenance[row]
    }
}

/// Where it stands in a word: that which a person ended is told apart.
fn state(window: &Maintenance, now: Timestamp) -> &'static str {
    match window.phase(now) {
        "over" if window.ended_by.is_some() => "ended",
        phase => phase,
    }
}

fn rank(window: &Maintenance, now: Timestamp) -> u8 {
    match window.phase(now) {
        "on" => 0,
        "ahead" => 1,
        _ => 2,
    }
}

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.cx.snapshot.maintenance.len()
    }

    fn id(&self, row: usize) -> u64 {
        self.of(row).id.0
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        let (window, cx) = (self.of(row), self.cx);
        match COLUMNS[column].name {
            "state" => {
                let word = state(window, cx.now);
                let glyph = match word {
                    "on" => cx.theme.glyph("◆", "*"),
                    "ahead" => cx.theme.glyph("◇", "m"),
                    _ => cx.theme.glyph("·", "-"),
                };
                format!("{glyph} {word}").into()
            }
            "id" => window.id.to_string().into(),
            "from" => cx.when(window.from).into(),
            "until" if window.is_called_off() => "called off".into(),
            "until" => cx.when(window.until).into(),
            "on" => clean_line(&window.scope.to_string()).into_owned().into(),
            "devices" => self.covered.count(window.id).map_or("-".into(), |count| count.to_string().into()),
            "by" => clean_line(&window.by),
            _ => clean_line(&window.why),
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        let window = self.of(row);
        match (state(window, self.cx.now), COLUMNS[column].name) {
            ("on", "state") => Token::Running,
            ("ahead", "state") => Token::Text,
            ("on" | "ahead", "id" | "by") => Token::Dim,
            ("on" | "ahead", _) => Token::Text,
            _ => Token::Dim,
        }
    }

    fn order(&self, a: usize, b: usize, column: usize) -> Ordering {
        let (one, other) = (self.of(a), self.of(b));
        match COLUMNS[column].name {
            "state" => rank(one, self.cx.now).cmp(&rank(other, self.cx.now)),
            "id" => other.id.cmp(&one.id),
            "from" => one.from.cmp(&other.from),
            "until" => one.until.cmp(&other.until),
            "devices" => self.covered.count(other.id).cmp(&self.covered.count(one.id)),
            _ => self.cell(a, column).cmp(&self.cell(b, column)),
        }
    }
}

impl PlannedWork {
    fn selected<'a>(&self, cx: &'a Cx) -> Option<&'a Maintenance> {
        let id = MaintenanceId(self.table.selected_id()?);
        cx.snapshot.maintenance.iter().find(|window| window.id == id)
    }

    /// The selected work in full, as lines and their looks.
    fn details(&self, window: &Maintenance, cx: &Cx) -> Vec<(String, Token)> {
        let mut lines = vec![
            (about(window), Token::Section),
            (period(window, cx), Token::Text),
            (format!("announced {} by {}", cx.date(window.announced), clean_line(&window.by)), Token::Dim),
            (format!("why: {}", clean_line(&window.why)), Token::Text),
        ];
        match self.covered.devices.get(&window.id) {
            None => lines.push(("it is over: which devices it covered then is not kept".into(), Token::Dim)),
            Some(devices) if devices.is_empty() => {
                lines.push((format!("{} it covers no device", cx.theme.glyph("▲", "!")), Token::Warn));
            }
            Some(devices) => {
                let all: Vec<String> = devices
                    .iter()
                    .take(NAMED)
                    .map(|(id, name)| {
                        // a glyph stays on the line of its name
                        format!("{}\u{a0}{name}", answering::glyph(cx.snapshot.pulse.row(*id), &cx.theme))
                    })
                    .collect();
                let more = match devices.len().saturating_sub(NAMED) {
                    0 => String::new(),
                    more => format!("  and {more} more"),
                };
                let count = match devices.len() {
                    1 => "1 device".to_owned(),
                    many => format!("{many} devices"),
                };
                lines.push((format!("{count}:  {}{more}", all.join("  ")), Token::Text));
            }
        }
        lines
    }

    /// Tells the selected work below the table, where there is room; what is left for the table.
    fn draw_details(&self, area: Rect, buf: &mut Buffer, cx: &Cx) -> Rect {
        let rows = (area.height / 2).min(MOST_DETAILS);
        let Some(window) = self.selected(cx).filter(|_| rows >= LEAST_DETAILS) else { return area };
        let columns = area.width.saturating_sub(2);
        let mut lines = Vec::new();
        for (line, token) in self.details(window, cx) {
            lines.extend(text::wrap(&line, usize::from(columns).max(1)).into_iter().map(|line| (line, token)));
        }
        let rows = rows.min(u16::try_from(lines.len()).unwrap_or(rows));
        if area.height < LEAST_TABLE + rows {
            return area;
        }
        let cut = lines.len() > usize::from(rows);
        let table = Rect { height: area.height - rows, ..area };
        for ((line, token), y) in lines.iter().zip(table.bottom()..area.bottom()) {
            let last = cut && y + 1 == area.bottom();
            let line = if last { format!("{line} …") } else { line.clone() };
            text::put(buf, area.x + 1, y, columns, &line, cx.theme.style(*token));
        }
        table
    }
}

/// `Planned work 3 on olt-1 and all that hangs on it`.
fn about(window: &Maintenance) -> String {
    let on = match &window.scope {
        Scope::Device(name) => name.to_string(),
        Scope::Subtree(name) => format!("{name} and all that hangs on it"),
        Scope::Group(group) => format!("group {} and the groups inside it", clean_line(group)),
    };
    format!("Planned work {} on {on}", window.id)
}

/// From when until when, how long that is, and what is left of it.
fn period(window: &Maintenance, cx: &Cx) -> String {
    let stands = match state(window, cx.now) {
        "on" => format!("ends in {}", left(cx.now.age(window.until))),
        "ahead" => format!("begins in {}", left(cx.now.age(window.from))),
        "ended" => {
            let what = if window.is_called_off() { "called off" } else { "ended early" };
            format!("{what} by {}", clean_line(window.ended_by.as_deref().unwrap_or_default()))
        }
        _ => format!("over, ended {} ago", cx.age(Some(window.until))),
    };
    if window.is_called_off() {
        return format!("was to begin {}, {stands} at {}", cx.date(window.from), cx.date(window.until));
    }
    let long = length(window.from.age(window.until));
    format!("{} to {}, {long}: {stands}", cx.date(window.from), cx.date(window.until))
}

/// A time ahead in whole minutes, so that a screen on which nothing happens stands still.
fn left(time: Duration) -> String {
    match time.as_secs() {
        0..60 => "less than a minute".to_owned(),
        seconds => length(Duration::from_secs(seconds - seconds % 60)),
    }
}

impl Pane for PlannedWork {
    fn status(&self, cx: &Cx) -> String {
        let windows = &cx.snapshot.maintenance;
        if !self.table.filter().is_empty() {
            return self.table.status(windows.len());
        }
        let count = |phase: &str| windows.iter().filter(|window| window.phase(cx.now) == phase).count();
        format!("{} on, {} ahead", count("on"), count("ahead"))
    }

    fn update(&mut self, cx: &Cx) {
        self.covered.update(cx);
        self.table.update(&View { cx, covered: &self.covered });
    }

    fn wakes_at(&self, cx: &Cx) -> Option<Timestamp> {
        let ends = cx.snapshot.maintenance.iter().flat_map(|window| [window.from, window.until]);
        ends.filter(|at| cx.now < *at).min()
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match (words, self.selected(cx)) {
            (["open"], Some(window)) => Outcome::Line(match &window.scope {
                Scope::Device(name) | Scope::Subtree(name) => format!("device {name}"),
                Scope::Group(group) => format!("devices /\"group:{group}\""),
            }),
            (["end"], Some(window)) if window.until <= cx.now => {
                Outcome::refused(format!("Planned work {} is over", window.id))
            }
            (["end"], Some(window)) => Outcome::Line(format!("maintenance end {}", window.id)),
            _ => self.table.act(words, &View { cx, covered: &self.covered }),
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if cx.snapshot.maintenance.is_empty() {
            let none = "No work is planned. Press a for maintenance add DEVICE --for 2h --why …";
            return notice(area, buf, &cx.theme, none);
        }
        let area = self.draw_details(area, buf, cx);
        self.table.draw(
            area,
            buf,
            cx,
            &View { cx, covered: &self.covered },
            "No work is planned",
        );
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        self.table.click(x, y, &View { cx, covered: &self.covered })
    }

    fn device(&self, cx: &Cx) -> Option<String> {
        match &self.selected(cx)?.scope {
            Scope::Device(name) | Scope::Subtree(name) => Some(name.to_string()),
            Scope::Group(_) => None,
        }
    }

    fn columns(&self) -> Vec<&'static str> {
        self.table.names()
    }

    fn filter(&self) -> Option<&str> {
        Some(self.table.filter())
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) {
        self.covered.update(cx);
        self.table.set_filter(text, &View { cx, covered: &self.covered });
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let details = self.details(self.selected(cx)?, cx);
        Some(details.into_iter().map(|(line, _)| line.replace('\u{a0}', " ")).collect::<Vec<_>>().join("\n"))
    }

    fn disabled(&self, line: &str, cx: &Cx) -> Option<String> {
        matches!(line, "end" | "open").then_some(())?;
        match self.selected(cx) {
            None => Some("no planned work is selected".into()),
            Some(window) if line == "end" && window.until <= cx.now => Some("it is over".into()),
            Some(_) => None,
        }
    }
}
