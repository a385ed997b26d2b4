//! The pulse: whether each device answers, how fast, and how that was lately; the worst first.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::cmp::Ordering;
use std::collections::HashMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::answering::{self, millis};
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::theme::Token;
use crate::console::widgets::{Column, Rows, Table, notice, sparkline};
use crate::console::words;
use crate::engine::pulse::{Mode, PulseRow, Recent, State};
use crate::engine::snapshot::DeviceRow;
use crate::model::{DeviceId, DeviceName, Incident, clean_line};

inventory::submit! { Decl {
    name: "pulse",
    aliases: &["pu", "live"],
    title: "Pulse",
    about: "Show whether the devices answer, how fast, and since when not",
    args: "[FILTER]",
    tab: Some(6),
    reads: &[Topic::Pulse, Topic::Devices, Topic::Incidents],
    keys: &[
        Bind::hint("enter", "device {device}", "Device"),
        Bind::hint("a", "ack", "Acknowledge its incident"),
        Bind::hint("p", "toggle-pause", "Pause, or watch again"),
        Bind::hint("m", "plan-work", "Plan work"),
        Bind::new("W", "maintenance", "What work is planned"),
        Bind::new("P", "pulse-history {device}", "The pulse over time"),
        Bind::new("i", "history {device}", "History of its configuration"),
        Bind::new("I", "show-incident", "Its incident"),
        Bind::new("b", "backup run {devices}", "Back up"),
        Bind::new("x", "filter !state:up", "Without those that are up"),
    ],
    make: |args, cx| {
        let mut pulse = Pulse { table: Table::new(COLUMNS, Some("state")) };
        pulse.set_filter(&args.join(" "), cx);
        Ok(Box::new(pulse))
    },
} }

/// How many of the newest probes a row shows.
const TREND: usize = 24;

const COLUMNS: &[Column] = &[
    Column::new("state", 11, 0),
    Column::new("name", 14, 0).grow(),
    Column::new("rtt", 8, 0).right(),
    Column::new("loss", 5, 1).right(),
    Column::new("trend", TREND as u16, 4),
    Column::new("since", 5, 2).right(),
    Column::new("address", 15, 5),
    Column::new("group", 12, 6),
    Column::new("why", 22, 0).grow(),
];

/// The rank of what nobody watches.
const UNWATCHED: u8 = 8;

struct Pulse {
    table: Table,
}

/// A device that is watched.
#[derive(Clone, Copy)]
struct Line<'a> {
    device: &'a DeviceRow,
    row: Option<&'a PulseRow>,
    /// The open incident that it is the root of, or lies behind.
    incident: Option<&'a Incident>,
}

struct View<'a> {
    cx: &'a Cx,
    devices: &'a [DeviceRow],
    /// The open incident of whoever is in one.
    incidents: HashMap<&'a DeviceName, &'a Incident>,
    /// Each device's rank: made where all of them are needed, once.
    ranks: OnceCell<Vec<u8>>,
    /// The row that was looked up last: a row's cells are drawn one after the other.
    last: Cell<Option<(usize, Line<'a>)>>,
}

impl<'a> View<'a> {
    fn new(cx: &'a Cx) -> Self {
        let open: Vec<&Incident> = cx.snapshot.incidents.iter().filter(|one| one.is_open()).collect();
        let mut incidents: HashMap<&DeviceName, &Incident> = HashMap::new();
        for incident in &open {
            incidents.extend(incident.behind.iter().map(|name| (name, *incident)));
        }
        // a root is its own incident's, whatever else it is behind
        incidents.extend(open.iter().map(|incident| (&incident.name, *incident)));
        Self { cx, devices: &cx.snapshot.devices, incidents, ranks: OnceCell::new(), last: Cell::new(None) }
    }

    fn line(&self, row: usize) -> Line<'a> {
        if let Some((_, line)) = self.last.get().filter(|(at, _)| *at == row) {
            return line;
        }
        let device = &self.devices[row];
        let line = self.line_of(device, self.cx.snapshot.pulse.row(device.device.id));
        self.last.set(Some((row, line)));
        line
    }

    fn line_of(&self, device: &'a DeviceRow, row: Option<&'a PulseRow>) -> Line<'a> {
        Line { device, row, incident: self.incidents.get(&device.device.name).copied() }
    }

    fn rank(&self, row: usize) -> u8 {
        let ranks = self.ranks.get_or_init(|| {
            let mut ranks = vec![UNWATCHED; self.devices.len()];
            // by the rows of the pulse: to look each device's row up takes longer
            for row in &self.cx.snapshot.pulse.rows {
                if let Some(place) = self.cx.snapshot.devices.place(row.device) {
                    ranks[place] = self.line_of(&self.devices[place], Some(row)).rank();
                }
            }
            ranks
        });
        ranks[row]
    }
}

impl Line<'_> {
    fn is_behind(&self) -> bool {
        self.incident.is_some_and(|incident| incident.root != self.device.device.id)
    }

    /// The worst first; what only lies behind another one comes after those that have a trouble of their own.
    fn rank(&self) -> u8 {
        let Some(row) = self.row else { return UNWATCHED };
        match (row.mode, row.state) {
            (Mode::Paused, _) => 10,
            (Mode::Maintenance, State::Down) => 7,
            (_, State::Down) if !self.is_behind() => 0,
            (_, State::Loss) => 1,
            _ if row.flapping => 2,
            (_, State::Down) => 5,
            (_, State::Unknown) if row.why.is_some() => 3,
            (_, State::Unknown) => 8,
            (_, State::Up) if row.recent.loss().1 > 0 => 4,
            (_, State::Up) => 9,
        }
    }

    fn loss(&self) -> f64 {
        let (probes, lost) = self.row.map_or((0, 0), |row| row.recent.loss());
        if probes == 0 { -1.0 } else { f64::from(lost) / f64::from(probes) }
    }

    fn why(&self) -> Cow<'static, str> {
        match (self.incident, self.row) {
            (Some(incident), _) if self.is_behind() => format!("behind {}", incident.name).into(),
            (_, Some(row)) if row.mode == Mode::Maintenance => "planned work".into(),
            (_, Some(row)) => match &row.why {
                Some(why) => clean_line(&why.to_string()).into_owned().into(),
                None => "".into(),
            },
            (_, None) => "".into(),
        }
    }
}

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.devices.len()
    }

    fn is_there(&self, row: usize) -> bool {
        self.devices[row].device.deleted.is_none()
    }

    fn id(&self, row: usize) -> u64 {
        self.devices[row].device.id.0
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        let line = self.line(row);
        let known = line.row;
        match COLUMNS[column].name {
            "state" => answering::state(known, self.cx).into(),
            "name" => line.device.device.name.as_str().into(),
            "rtt" => known.and_then(|row| row.recent.newest()).map_or("-".into(), |rtt| millis(rtt).into()),
            "loss" => match known.map(|row| row.recent.loss()) {
                Some((probes, lost)) if probes > 0 => format!("{}%", (lost * 100).div_ceil(probes)).into(),
                _ => "-".into(),
            },
            "trend" => known.map_or("".into(), |row| trend(&row.recent, self.cx).into()),
            "since" => self.cx.age(known.and_then(|row| row.since)).into(),
            "address" => match known.and_then(|row| row.address) {
                Some(address) => address.to_string().into(),
                None => line.device.device.address.to_string().into(),
            },
            "group" => clean_line(&line.device.device.group),
            _ => line.why(),
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        let line = self.line(row);
        if line.is_behind() {
            return Token::Dim;
        }
        match COLUMNS[column].name {
            "state" => answering::token(line.row),
            "loss" if line.loss() > 0.0 => Token::Warn,
            "name" | "rtt" | "why" => Token::Text,
            "trend" => Token::Running,
            _ => Token::Dim,
        }
    }

    fn order(&self, a: usize, b: usize, column: usize) -> Ordering {
        // the rows come by name
        let by_name = || a.cmp(&b);
        match COLUMNS[column].name {
            "state" => return self.rank(a).cmp(&self.rank(b)).then_with(by_name),
            "name" => return by_name(),
            _ => {}
        }
        let (one, other) = (&self.line(a), &self.line(b));
        let rtt = |line: &Line| line.row.and_then(|row| row.recent.newest());
        let since = |line: &Line| line.row.and_then(|row| row.since);
        match COLUMNS[column].name {
            "rtt" => rtt(other).cmp(&rtt(one)).then_with(by_name),
            "loss" | "trend" => other.loss().total_cmp(&one.loss()).then_with(by_name),
            "since" => since(other).cmp(&since(one)).then_with(by_name),
            "address" => one.device.device.address.cmp(&other.device.device.address),
            _ => self.cell(a, column).cmp(&self.cell(b, column)),
        }
    }
}

/// The newest probes as one line.
fn trend(recent: &Recent, cx: &Cx) -> String {
    let samples: Vec<Option<u32>> = recent.iter().map(Some).collect();
    sparkline::text(&samples, TREND, cx.theme.unicode)
}

impl Pane for Pulse {
    fn status(&self, cx: &Cx) -> String {
        self.table.status(cx.snapshot.devices.living())
    }

    fn update(&mut self, cx: &Cx) {
        self.table.update(&View::new(cx));
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        let view = View::new(cx);
        let selected = self.table.selected().filter(|row| *row < view.len()).map(|row| view.line(row));
        match (words, selected) {
            (["open"], _) => Outcome::Line("device {device}".into()),
            (["ack"], line) => match line.and_then(|line| line.incident) {
                Some(incident) => answering::acknowledge(incident, cx),
                None => Outcome::refused("This device is in no incident"),
            },
            (["show-incident"], line) => match line.and_then(|line| line.incident) {
                Some(incident) => Outcome::Line(format!("incident {}", incident.id)),
                None => Outcome::refused("This device is in no incident"),
            },
            (["toggle-pause"], Some(line)) => {
                let verb = if line.device.device.paused { "resume" } else { "pause" };
                Outcome::Line(format!("pulse {verb} {{devices}}"))
            }
            (["plan-work"], Some(line)) => {
                Outcome::Line(format!("command maintenance add {} --for 2h --why", line.device.device.name))
            }
            _ => self.table.act(words, &view),
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let pulse = &cx.snapshot.pulse;
        if cx.snapshot.devices.is_empty() {
            let sentence = "No devices yet. Type :device import FILE, or :device add NAME ADDRESS.";
            return notice(area, buf, &cx.theme, sentence);
        }
        if !pulse.is_running() {
            let sentence = "Nobody watches the devices: `watch = false` stands under [pulse] in config.toml.";
            return notice(area, buf, &cx.theme, sentence);
        }
        let rows = answering::draw_head(area, buf, cx);
        let below = Rect { y: area.y + rows, height: area.height.saturating_sub(rows), ..area };
        self.table.draw(below, buf, cx, &View::new(cx), "No device is watched");
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        self.table.click(x, y, &View::new(cx))
    }

    fn device(&self, cx: &Cx) -> Option<String> {
        let id = DeviceId(self.table.selected_id()?);
        cx.device(id).map(|row| row.device.name.to_string())
    }

    fn devices(&self, cx: &Cx) -> Vec<String> {
        words::chosen(&self.table, cx)
    }

    fn columns(&self) -> Vec<&'static str> {
        self.table.names()
    }

    fn filter(&self) -> Option<&str> {
        Some(self.table.filter())
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) {
        self.table.set_filter(text, &View::new(cx));
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let names = self.devices(cx);
        (!names.is_empty()).then(|| names.join("\n"))
    }

    fn disabled(&self, line: &str, cx: &Cx) -> Option<String> {
        matches!(line, "ack" | "show-incident").then_some(())?;
        let view = View::new(cx);
        let selected = self.table.selected().filter(|row| *row < view.len()).map(|row| view.line(row));
        let in_incident = selected.is_some_and(|line| line.incident.is_some());
        (!in_incident).then(|| "the device is in no incident".into())
    }
}
