//! How the network is doing: what wants attention, what goes on, what changed last.

use std::borrow::Cow;
use std::cmp::Ordering;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::answering;
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::text;
use crate::console::theme::{Token, state};
use crate::console::widgets::{Column, Rows, Table, notice};
use crate::console::words;
use crate::engine::snapshot::{BackupState, DeviceRow, Job};
use crate::model::{DeviceId, EventKind, Timestamp, clean_line};

inventory::submit! { Decl {
    name: "status",
    aliases: &["st"],
    title: "Status",
    about: "Show how the network is doing, and what wants attention",
    args: "[FILTER]",
    tab: Some(2),
    reads: &[Topic::Devices, Topic::Jobs, Topic::Events, Topic::Answers, Topic::Incidents],
    keys: &[
        Bind::hint("enter", "device {device}", "Device"),
        Bind::hint("i", "history {device}", "History"),
        Bind::hint("b", "backup run {devices}", "Back up"),
        Bind::hint("r", "show-recording", "Recording"),
        Bind::new("S", "command search", "Search all configurations"),
    ],
    make: |args, cx| {
        let mut status = Status { table: Table::new(COLUMNS, Some("status")) };
        status.set_filter(&args.join(" "), cx);
        Ok(Box::new(status))
    },
} }

const COLUMNS: &[Column] = &[
    Column::new("status", 9, 0),
    Column::new("name", 14, 0),
    Column::new("proven", 6, 1).right(),
    Column::new("why", 30, 0).grow(),
];

/// The narrowest screen on which work and changes stand beside what wants attention.
const BESIDE_FROM: u16 = 140;

struct Status {
    table: Table,
}

/// The devices that want attention.
struct View<'a> {
    cx: &'a Cx,
    rows: Vec<&'a DeviceRow>,
}

impl<'a> View<'a> {
    fn new(cx: &'a Cx) -> Self {
        let wanted = [BackupState::Failed, BackupState::Suspect, BackupState::Never, BackupState::Late];
        let rows = cx.snapshot.devices.iter().filter(|row| wanted.contains(&row.state));
        Self { cx, rows: rows.collect() }
    }
}

/// Since when a device is as it is, as far as it is known: the proof before, or the record's beginning.
fn since(row: &DeviceRow) -> Timestamp {
    match row.state {
        BackupState::Never => row.device.created,
        _ => row.proven.unwrap_or(row.device.created),
    }
}

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn id(&self, row: usize) -> u64 {
        self.rows[row].device.id.0
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        let row = self.rows[row];
        match COLUMNS[column].name {
            "status" => words::health(row, self.cx).into(),
            "name" => row.device.name.as_str().into(),
            "proven" => self.cx.age(row.proven).into(),
            _ => words::why(row, self.cx),
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        match COLUMNS[column].name {
            "status" => state(self.rows[row].state).1,
            "proven" => Token::Dim,
            _ => Token::Text,
        }
    }

    fn order(&self, a: usize, b: usize, column: usize) -> Ordering {
        let (a_row, b_row) = (self.rows[a], self.rows[b]);
        match COLUMNS[column].name {
            // the worst first, of these the one that waits longest
            "status" => b_row.state.cmp(&a_row.state).then(since(a_row).cmp(&since(b_row))),
            "proven" => since(a_row).cmp(&since(b_row)),
            _ => self.cell(a, column).cmp(&self.cell(b, column)),
        }
    }
}

impl Pane for Status {
    fn status(&self, cx: &Cx) -> String {
        match View::new(cx).len() {
            0 => String::new(),
            count => self.table.status(count),
        }
    }

    fn update(&mut self, cx: &Cx) {
        self.table.update(&View::new(cx));
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match words {
            ["open"] => Outcome::Line("device {device}".into()),
            ["show-recording"] => words::recording(self.selected(cx)),
            _ => self.table.act(words, &View::new(cx)),
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if cx.snapshot.devices.is_empty() {
            let sentence = "No devices yet. Type :device import FILE, or :device add NAME ADDRESS.";
            return notice(area, buf, &cx.theme, sentence);
        }
        let rows = draw_pulse(area, buf, cx);
        let area = rest(area, rows);
        draw_totals(Rect { height: area.height.min(3), ..area }, buf, cx);
        let below = Rect { y: area.y + 4, height: area.height.saturating_sub(4), ..area };
        if area.width >= BESIDE_FROM {
            let right = Rect { x: below.x + below.width * 3 / 5, width: below.width * 2 / 5, ..below };
            self.draw_attention(Rect { width: below.width * 3 / 5 - 2, ..below }, buf, cx);
            let rows = draw_work(Rect { height: right.height / 2, ..right }, buf, cx);
            draw_changes(rest(right, rows), buf, cx);
            return;
        }
        // what goes on and what changed take a third each where there is enough of it
        let work = u16::try_from(cx.snapshot.jobs.iter().filter(|job| job.ended.is_none()).count()).unwrap_or(9);
        let work = work.clamp(1, 3) + 2;
        let changes = 5.min(below.height / 3);
        let attention = below.height.saturating_sub(work + changes);
        self.draw_attention(Rect { height: attention, ..below }, buf, cx);
        draw_work(Rect { height: work - 1, ..rest(below, attention) }, buf, cx);
        draw_changes(rest(below, attention + work), buf, cx);
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        self.table.click(x, y, &View::new(cx))
    }

    fn device(&self, cx: &Cx) -> Option<String> {
        self.selected(cx).map(|row| row.device.name.to_string())
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

    fn disabled(&self, line: &str, cx: &Cx) -> Option<String> {
        let none = line == "show-recording" && !self.selected(cx).is_some_and(words::has_recording);
        none.then(|| "the last run left no recording".into())
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let view = View::new(cx);
        let line = |row: &usize| -> String {
            (0..COLUMNS.len()).map(|column| view.cell(*row, column)).collect::<Vec<_>>().join("\t")
        };
        let lines: Vec<String> = self.table.visible().iter().map(line).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

impl Status {
    fn selected<'a>(&self, cx: &'a Cx) -> Option<&'a DeviceRow> {
        cx.device(DeviceId(self.table.selected_id()?))
    }

    fn draw_attention(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let view = View::new(cx);
        let count = view.len();
        let title = if count == 0 { "Nothing wants attention" } else { "Wants attention, the worst first" };
        let body = head(area, buf, cx, title);
        if count == 0 {
            let good = cx.snapshot.totals.good;
            let sentence = format!("{} All {good} backups are proven whole and fresh", cx.theme.glyph("●", "+"));
            text::put(buf, body.x + 1, body.y, body.width.saturating_sub(1), &sentence, cx.theme.style(Token::Good));
            return;
        }
        self.table.draw(body, buf, cx, &view, "Nothing");
    }
}

fn rest(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

/// A part's title; returns what is below it.
fn head(area: Rect, buf: &mut Buffer, cx: &Cx, title: &str) -> Rect {
    if area.height == 0 {
        return area;
    }
    text::put(buf, area.x + 1, area.y, area.width.saturating_sub(1), title, cx.theme.style(Token::Section).bold());
    rest(area, 1)
}

/// Whether the devices answer, and the open incidents; returns the rows that it took.
fn draw_pulse(area: Rect, buf: &mut Buffer, cx: &Cx) -> u16 {
    if !cx.snapshot.pulse.is_running() {
        return 0;
    }
    let mut rows = answering::draw_head(area, buf, cx);
    let open = cx.snapshot.incidents.iter().filter(|incident| incident.is_open());
    for incident in open.take(usize::from(area.height / 5)) {
        let known = incident.is_acknowledged(cx.now);
        let line = format!("{} {}", cx.theme.glyph("✖", "x"), answering::line(incident, cx));
        let token = if known { Token::Warn } else { Token::Bad };
        text::put(buf, area.x + 1, area.y + rows, area.width.saturating_sub(2), &line, cx.theme.style(token));
        rows += 1;
    }
    rows.min(area.height)
}

/// The counts of every state, and the bar of what is good.
fn draw_totals(area: Rect, buf: &mut Buffer, cx: &Cx) {
    let totals = cx.snapshot.totals;
    let mut x = area.x + 1;
    let right = area.right();
    let style = |token| cx.theme.style(token);
    for (count, of) in [
        (totals.good, BackupState::Good),
        (totals.running, BackupState::Running),
        (totals.late, BackupState::Late),
        (totals.never, BackupState::Never),
        (totals.suspect, BackupState::Suspect),
        (totals.failed, BackupState::Failed),
    ] {
        let (word, token) = state(of);
        let token = if count == 0 { Token::Dim } else { token };
        let piece = format!("{} {count} {word}", cx.theme.state_glyph(of));
        x = text::put(buf, x, area.y, right.saturating_sub(x), &piece, style(token)) + 3;
    }
    if area.height < 2 {
        return;
    }
    let devices = format!("{} managed, {} unmanaged", totals.managed, totals.unmanaged);
    let bar = Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2).min(40), height: 1 };
    words::draw_bar(totals.good.into(), totals.managed.into(), bar, buf, cx, Token::Good);
    let x = bar.right() + 2;
    text::put(buf, x, area.y + 1, right.saturating_sub(x), &devices, style(Token::Dim));
    if area.height < 3 {
        return;
    }
    if let Some(why) = &cx.snapshot.store_trouble {
        let (_, bad) = state(BackupState::Failed);
        let line = format!("{} Nothing is stored: {}", cx.theme.state_glyph(BackupState::Failed), clean_line(why));
        text::put(buf, area.x + 1, area.y + 2, area.width.saturating_sub(1), &line, style(bad));
        return;
    }
    let next = match cx.snapshot.next_backup {
        Some(at) if at <= cx.now => "Next scheduled backup: now".to_owned(),
        Some(at) => format!("Next scheduled backup: {} (in {})", cx.date(at), until(at, cx.now)),
        None => "Next scheduled backup: none, the schedule is off".to_owned(),
    };
    text::put(buf, area.x + 1, area.y + 2, area.width.saturating_sub(1), &next, style(Token::Dim));
}

fn until(at: Timestamp, now: Timestamp) -> String {
    match now.age(at).as_secs() / 60 {
        0 => "<1m".to_owned(),
        minutes @ 1..60 => format!("{minutes}m"),
        minutes => format!("{}h", minutes / 60),
    }
}

/// The work that goes on; returns the rows that it took, with an empty one after it.
fn draw_work(area: Rect, buf: &mut Buffer, cx: &Cx) -> u16 {
    let running: Vec<&Job> = cx.snapshot.jobs.iter().filter(|job| job.ended.is_none()).collect();
    let title = if running.is_empty() { "Nothing is going on" } else { "Going on" };
    let body = head(area, buf, cx, title);
    let mut y = body.y;
    for job in running {
        if y >= body.bottom() {
            break;
        }
        words::draw_progress(job, Rect { y, height: 1, ..body }, buf, cx);
        y += 1;
    }
    y - area.y + 1
}

/// The configurations that changed last.
fn draw_changes(area: Rect, buf: &mut Buffer, cx: &Cx) {
    let changes = cx.snapshot.events.iter().filter(|event| event.kind == EventKind::ConfigChanged);
    let mut changes = changes.take(usize::from(area.height)).peekable();
    let title = if changes.peek().is_some() { "Changed last" } else { "No change was seen yet" };
    let body = head(area, buf, cx, title);
    for (event, y) in changes.zip(body.top()..body.bottom()) {
        let name = event.device.as_ref().map_or("-", |name| name.as_str());
        let room = |x: u16| body.right().saturating_sub(x);
        let x = body.x + 1;
        text::put_right(buf, x, y, 4.min(room(x)), &cx.age(Some(event.at)), cx.theme.style(Token::Dim));
        text::put(buf, x + 6, y, 18.min(room(x + 6)), name, cx.theme.style(Token::Text));
        let message = clean_line(&event.message);
        text::put(buf, x + 26, y, room(x + 26), &message, cx.theme.style(Token::Dim));
    }
}
