//! One device's timeline: everything that happened to it, newest first, day by day.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::text;
use crate::console::theme::{self, Token};
use crate::console::widgets::{Column, Rows, Table, notice};
use crate::engine::query::{Answer, Query};
use crate::engine::timeline::{Behind, Kind, MOST, Timeline, TimelineEntry, TimelineOf};
use crate::model::filter::{self, Filter};
use crate::model::{DeviceId, IncidentId, Severity, Timestamp, clean_line};

inventory::submit! { Decl {
    name: "timeline",
    aliases: &["tl"],
    title: "Timeline",
    about: "Show everything that happened to a device, newest first",
    args: "DEVICE",
    tab: None,
    reads: &[Topic::Events, Topic::Incidents, Topic::Devices, Topic::Answers],
    keys: &[
        Bind::hint("enter", "open", "What is behind it"),
        Bind::hint("t", "kind next", "Next kind"),
        Bind::hint("T", "kind all", "All kinds"),
        Bind::hint("O", "older", "Older"),
        Bind::new("d", "device {device}", "The device"),
        Bind::new("i", "history {device}", "History of its configuration"),
        Bind::new("P", "pulse-history {device}", "The pulse over time"),
    ],
    make: |args, cx| match args {
        [name] => {
            let row = cx.device_named(name).ok_or_else(|| format!("There is no device {name}"))?;
            Ok(Box::new(TimelinePane::new(row.device.id, name)))
        }
        _ => Err("timeline needs one device: :timeline core-1".into()),
    },
} }

const COLUMNS: &[Column] = &[
    Column::new("at", 14, 0),
    Column::new("kind", 13, 0),
    Column::new("what", 40, 0).grow(),
    Column::new("by", 10, 1),
];
/// What a filter can name.
const NAMES: [&str; 4] = ["at", "kind", "what", "by"];
/// So many days are read, and so many more each time that older things are asked for.
const DAYS: [u64; 5] = [14, 60, 180, 400, 3650];
/// The number of the row that reads older things: no other row has it.
const OLDER: u64 = u64::MAX;

struct TimelinePane {
    device: DeviceId,
    name: String,
    table: Table,
    timeline: Arc<Timeline>,
    /// The rows that pass, with the heads of their days between them.
    lines: Vec<Line>,
    /// How many entries pass.
    shown: usize,
    filter: Filter,
    kind: Option<Kind>,
    /// Which of [`DAYS`].
    days: usize,
    from: Timestamp,
    loaded: bool,
    failed: Option<String>,
    /// What was known when the timeline was read: something else means reading again.
    read_at: Option<Known>,
}

/// The newest event of the device, its incidents and last run, since when it stands as it does, how far back is read.
type Known = (Option<u64>, Option<IncidentId>, u64, Option<Timestamp>, Option<Timestamp>, usize);

/// A row of the table.
enum Line {
    /// A day begins: its name.
    Day(String),
    /// An entry, by its place.
    Entry(usize),
    /// What lies before is not read.
    Older,
}

impl TimelinePane {
    fn new(device: DeviceId, name: &str) -> Self {
        Self {
            device,
            name: name.to_owned(),
            table: Table::new(COLUMNS, None),
            timeline: Arc::default(),
            lines: Vec::new(),
            shown: 0,
            filter: Filter::default(),
            kind: None,
            days: 0,
            from: Timestamp::default(),
            loaded: false,
            failed: None,
            read_at: None,
        }
    }

    fn known(&self, cx: &Cx) -> Known {
        let mut events = cx.snapshot.events.iter();
        let event = events.find(|event| event.device.as_ref().is_some_and(|name| name.as_str() == self.name));
        let mut incidents = cx.snapshot.incidents.iter();
        let name = cx.device(self.device).map(|row| &row.device.name);
        let incident = incidents.find(|one| {
            one.root == self.device || name.is_some_and(|name| one.has_had_behind(self.device, name))
        });
        let windows = cx.snapshot.versions.incidents;
        let run = cx.device(self.device).and_then(|row| row.last_run.as_ref()).map(|run| run.at);
        let since = cx.snapshot.pulse.row(self.device).and_then(|row| row.since);
        (event.map(|event| event.seq), incident.map(|one| one.id), windows, run, since, self.days)
    }

    /// Makes the rows anew: what passes, day by day.
    fn lay_out(&mut self, cx: &Cx) {
        let mut matcher = filter::matcher();
        let mut lines = Vec::new();
        let mut day = String::new();
        for (place, entry) in self.timeline.entries.iter().enumerate() {
            let cell = |column: usize| -> Cow<'_, str> {
                match NAMES[column] {
                    "at" => cx.date(entry.at).into(),
                    "kind" => entry.kind.as_str().into(),
                    "what" => entry.what.as_str().into(),
                    _ => entry.by.as_deref().unwrap_or_default().into(),
                }
            };
            let is_kind = self.kind.is_none_or(|kind| kind == entry.kind);
            if !is_kind || !self.filter.matches(NAMES.len(), cell, &mut matcher) {
                continue;
            }
            let of = cx.format(entry.at, "%a %Y-%m-%d");
            if of != day {
                lines.push(Line::Day(of.clone()));
                day = of;
            }
            lines.push(Line::Entry(place));
        }
        if !self.is_whole() {
            lines.push(Line::Older);
        }
        self.lines = lines;
        let before = self.table.selected_id();
        self.table.update(&View { pane: &self.timeline, lines: &self.lines, cx });
        self.find_place(before);
        self.shown = self.lines.iter().filter(|line| matches!(line, Line::Entry(_))).count();
    }

    /// Puts the cursor on the newest entry where what it was on is not there any more.
    fn find_place(&mut self, before: Option<u64>) {
        // where nothing passed, the cursor could be nowhere else than on what is older
        let is_kept = before.is_some() && self.table.selected_id() == before;
        if is_kept && (self.shown > 0 || !self.is_at_older()) {
            return;
        }
        let newest = self.lines.iter().find_map(|line| match line {
            Line::Entry(place) => self.timeline.entries.get(*place),
            Line::Day(_) | Line::Older => None,
        });
        if let Some(newest) = newest {
            self.table.select(id(newest));
        }
    }

    /// Whether there is nothing older to read.
    fn is_whole(&self) -> bool {
        self.days + 1 == DAYS.len() || self.timeline.more
    }

    fn selected(&self) -> Option<&TimelineEntry> {
        match self.lines.get(self.table.selected()?)? {
            Line::Entry(place) => self.timeline.entries.get(*place),
            Line::Day(_) | Line::Older => None,
        }
    }

    fn is_at_older(&self) -> bool {
        self.table.selected_id() == Some(OLDER)
    }

    fn older(&mut self) -> Outcome {
        if self.timeline.more {
            return Outcome::refused(format!(
                "These are the newest {MOST}: device timeline {} --until reads those before",
                self.name
            ));
        }
        if self.is_whole() {
            return Outcome::refused("This is all that is known");
        }
        self.days += 1;
        Outcome::Done
    }

    /// Shows one kind after the other of those that there are, then all.
    fn next_kind(&mut self, cx: &Cx) -> Outcome {
        let after = self.kind.map_or(0, |kind| Kind::ALL.iter().position(|one| *one == kind).unwrap_or(0) + 1);
        let is_there = |kind: &Kind| self.timeline.entries.iter().any(|entry| entry.kind == *kind);
        self.kind = Kind::ALL[after..].iter().copied().find(is_there);
        self.lay_out(cx);
        Outcome::Done
    }

    fn open(&self) -> Outcome {
        let Some(entry) = self.selected() else { return Outcome::Done };
        let name = &self.name;
        Outcome::Line(match (entry.behind, entry.kind) {
            // the first one has none before it to be compared with
            (Some(Behind::Revision(1)), _) => format!("config {name} 1"),
            (Some(Behind::Revision(number)), Kind::Config) => format!("diff {name} {number}"),
            (Some(Behind::Revision(number)), _) => format!("config {name} {number}"),
            (Some(Behind::Recording(id)), _) => format!("recording {name} {id}"),
            (Some(Behind::Incident(id)), _) => format!("incident {id}"),
            (Some(Behind::Maintenance(id)), _) => format!("maintenance /id:{id}"),
            (None, Kind::Pulse) => format!("pulse-history {name}"),
            (None, Kind::Config | Kind::Backup) => format!("history {name}"),
            (None, _) => format!("device {name}"),
        })
    }

    /// The selected entry in full, below the table, where a row of it would be cut; what is left for the table.
    fn draw_whole(&self, area: Rect, buf: &mut Buffer, cx: &Cx) -> Rect {
        let Some(entry) = self.selected() else { return area };
        let columns = area.width.saturating_sub(2);
        let by = entry.by.as_ref().map_or_else(String::new, |by| format!(", by {by}"));
        let line = format!("{}{by}: {}", cx.date(entry.at), entry.what);
        let mut lines = text::wrap(&line, usize::from(columns).max(1));
        lines.truncate(3);
        let rows = u16::try_from(lines.len()).unwrap_or(0);
        if area.height < rows + 8 {
            return area;
        }
        let table = Rect { height: area.height - rows, ..area };
        for (line, y) in lines.iter().zip(table.bottom()..area.bottom()) {
            text::put(buf, area.x + 1, y, columns, line, cx.theme.style(look(entry)));
        }
        table
    }
}

/// The look of an entry.
fn look(entry: &TimelineEntry) -> Token {
    match entry.severity {
        Severity::Info => Token::Text,
        severity => theme::severity(severity),
    }
}

/// What stays the same when rows come and go.
fn id(entry: &TimelineEntry) -> u64 {
    let mut hasher = DefaultHasher::new();
    (entry.at, entry.kind, &entry.what).hash(&mut hasher);
    hasher.finish() >> 1
}

struct View<'a> {
    pane: &'a Timeline,
    lines: &'a [Line],
    cx: &'a Cx,
}

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.lines.len()
    }

    fn id(&self, row: usize) -> u64 {
        match &self.lines[row] {
            Line::Entry(place) => id(&self.pane.entries[*place]),
            Line::Older => OLDER,
            Line::Day(day) => {
                let mut hasher = DefaultHasher::new();
                day.hash(&mut hasher);
                hasher.finish() >> 1
            }
        }
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        match (&self.lines[row], COLUMNS[column].name) {
            (Line::Day(day), "at") => day.into(),
            (Line::Older, "what") => "older: O or enter reads further back".into(),
            (Line::Day(_) | Line::Older, _) => "".into(),
            (Line::Entry(place), name) => {
                let entry = &self.pane.entries[*place];
                match name {
                    "at" => format!("  {}", self.cx.format(entry.at, "%H:%M:%S")).into(),
                    "kind" => {
                        let glyph = match entry.severity {
                            Severity::Info => " ",
                            severity => self.cx.theme.severity_glyph(severity),
                        };
                        format!("{glyph} {}", entry.kind.as_str()).into()
                    }
                    "what" => entry.what.as_str().into(),
                    _ => entry.by.as_deref().unwrap_or_default().into(),
                }
            }
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        match (&self.lines[row], COLUMNS[column].name) {
            (Line::Day(_), _) => Token::Section,
            (Line::Older, _) => Token::Dim,
            (Line::Entry(place), "kind" | "what") => look(&self.pane.entries[*place]),
            (Line::Entry(_), _) => Token::Dim,
        }
    }
}

impl Pane for TimelinePane {
    fn subject(&self) -> String {
        self.name.clone()
    }

    fn status(&self, _cx: &Cx) -> String {
        if !self.loaded {
            return String::new();
        }
        let shown = self.shown;
        let all = self.timeline.entries.len();
        let kind = self.kind.map_or_else(String::new, |kind| format!("{} · ", kind.as_str()));
        let more = if self.timeline.more { "+" } else { "" };
        match shown == all {
            true => format!("{kind}{all}{more} in {} days", DAYS[self.days]),
            false => format!("{kind}{shown} of {all}{more} in {} days", DAYS[self.days]),
        }
    }

    fn wants(&mut self, cx: &Cx) -> Option<Query> {
        let known = self.known(cx);
        if self.read_at.replace(known) == Some(known) {
            return None;
        }
        let length = Duration::from_secs(DAYS[self.days] * 86_400);
        let from = i64::try_from(length.as_millis()).map_or(0, |length| cx.now.0.saturating_sub(length));
        self.from = Timestamp(from);
        Some(Query::Timeline(TimelineOf { device: self.device, from: self.from, until: None, most: MOST }))
    }

    fn answer(&mut self, answer: Answer, cx: &Cx) {
        match answer {
            Answer::Timeline(timeline) => (self.timeline, self.failed) = (timeline, None),
            Answer::Failed(why) => self.failed = Some(clean_line(&why).into_owned()),
            _ => return,
        }
        self.loaded = true;
        self.lay_out(cx);
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match words {
            ["open"] if self.is_at_older() => self.older(),
            ["older"] => self.older(),
            ["open"] => self.open(),
            ["kind", "next"] => self.next_kind(cx),
            ["kind", "all"] => {
                self.kind = None;
                self.lay_out(cx);
                Outcome::Done
            }
            ["kind", word] => match Kind::WORDS.iter().position(|known| known == word) {
                Some(place) => {
                    self.kind = Some(Kind::ALL[place]);
                    self.lay_out(cx);
                    Outcome::Done
                }
                None => Outcome::refused(format!("No kind {word}: there are {}", Kind::WORDS.join(", "))),
            },
            ["back"] if self.kind.is_some() || !self.filter.is_empty() => {
                self.kind = None;
                self.set_filter("", cx);
                Outcome::Done
            }
            ["sort", ..] => Outcome::refused("A timeline has one order: the newest first"),
            ["mark", ..] => Outcome::Unknown,
            _ => self.table.act(words, &View { pane: &self.timeline, lines: &self.lines, cx }),
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if let Some(why) = &self.failed {
            return notice(area, buf, &cx.theme, why);
        }
        if !self.loaded {
            return notice(area, buf, &cx.theme, "Reading the timeline …");
        }
        if self.shown == 0 {
            let sentence = match (self.timeline.entries.is_empty(), self.is_whole()) {
                (false, _) => "Nothing of that kind: T shows all kinds, Esc clears the filter".to_owned(),
                (true, false) => {
                    format!("Nothing happened to it in {} days: O reads further back", DAYS[self.days])
                }
                (true, true) => "Nothing is known to have happened to it".to_owned(),
            };
            return notice(area, buf, &cx.theme, &sentence);
        }
        let area = self.draw_whole(area, buf, cx);
        let view = View { pane: &self.timeline, lines: &self.lines, cx };
        self.table.draw(area, buf, cx, &view, "Nothing happened yet");
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        self.table.click(x, y, &View { pane: &self.timeline, lines: &self.lines, cx })
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        Some(self.name.clone())
    }

    fn filter(&self) -> Option<&str> {
        Some(self.filter.text())
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) {
        self.filter = Filter::new(text, &NAMES);
        self.lay_out(cx);
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let entry = self.selected()?;
        let by = entry.by.as_deref().unwrap_or("-");
        Some(format!("{}\t{}\t{}\t{by}\t{}", cx.date(entry.at), self.name, entry.kind.as_str(), entry.what))
    }

    fn disabled(&self, line: &str, _cx: &Cx) -> Option<String> {
        (line == "older" && self.is_whole()).then(|| "there is nothing older to read".to_owned())
    }
}
