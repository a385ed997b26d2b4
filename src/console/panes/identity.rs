//! What devices say they are: those that somebody should look at, and all of them.

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
use crate::console::words;
use crate::engine::identity::{Known, Standing};
use crate::engine::query::{Answer, Query};
use crate::model::{DeviceId, Identity, clean_line};

inventory::submit! { Decl {
    name: "identity",
    aliases: &["identities"],
    title: "Identity",
    about: "Show what devices say they are over SNMP, and whom no rule knows",
    args: "[FILTER]",
    tab: None,
    reads: &[Topic::Identities, Topic::Devices],
    keys: &[
        Bind::hint("enter", "device {device}", "Device"),
        Bind::hint("u", "toggle-queue", "Unknown, or all"),
        Bind::hint("I", "identity run {devices}", "Ask who they are"),
        Bind::new("E", "edit device {device}", "Change the record"),
        Bind::new("x", "filter state:failed", "Only the failed ones"),
    ],
    make: |args, cx| {
        let mut pane = Identities {
            all: Table::new(COLUMNS, Some("state")),
            queue: Table::new(QUEUE, Some("state")),
            is_queue: false,
            known: Arc::new([]),
            loaded: false,
            stale: true,
            waits: false,
            failed: None,
        };
        pane.set_filter(&args.join(" "), cx);
        Ok(Box::new(pane))
    },
} }

/// Of all devices.
const COLUMNS: &[Column] = &[
    Column::new("state", 9, 0),
    Column::new("device", 14, 0).grow(),
    Column::new("vendor", 10, 0),
    Column::new("model", 18, 0).grow(),
    Column::new("os", 9, 2),
    Column::new("version", 12, 1).grow(),
    Column::new("serial", 13, 3),
    Column::new("address", 15, 5),
    Column::new("read", 11, 4),
];

/// Of those that somebody should look at.
const QUEUE: &[Column] = &[
    Column::new("state", 9, 0),
    Column::new("device", 18, 0),
    Column::new("address", 15, 2),
    Column::new("since", 11, 1),
    Column::new("sysobjectid", 24, 3),
    Column::new("why", 26, 0).grow(),
];

/// The most rows that the selected device's own words take, and the fewest that stay for the table.
const MOST_SAID: usize = 4;
/// See [`MOST_SAID`].
const LEAST_TABLE: u16 = 6;

struct Identities {
    all: Table,
    queue: Table,
    is_queue: bool,
    known: Arc<[Known]>,
    loaded: bool,
    /// What was read may have changed since.
    stale: bool,
    /// An answer is on its way: another read would make it void.
    waits: bool,
    failed: Option<String>,
}

struct View<'a> {
    columns: &'static [Column],
    rows: Vec<&'a Known>,
    cx: &'a Cx,
}

impl<'a> View<'a> {
    fn new(known: &'a [Known], is_queue: bool, cx: &'a Cx) -> Self {
        let rows = known.iter().filter(|known| !is_queue || known.needs_a_look());
        Self { columns: if is_queue { QUEUE } else { COLUMNS }, rows: rows.collect(), cx }
    }
}

/// A text of an identity; a dash where it is not known.
fn said(known: &Known, text: fn(&Identity) -> &Option<String>) -> Cow<'_, str> {
    known.identity.as_ref().and_then(|identity| text(identity).as_deref()).map_or("-".into(), clean_line)
}

/// Why somebody should look at a device: the reason of the failure, else what it said that no rule knows.
fn why(known: &Known) -> Cow<'_, str> {
    match (&known.failure, known.standing()) {
        (Some(failure), _) => clean_line(&failure.failure.to_string()).into_owned().into(),
        (None, Standing::Unasked) => "nobody has asked it yet".into(),
        (None, _) => said(known, |said| &said.sysdescr),
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
        let (known, theme) = (self.rows[row], &self.cx.theme);
        match self.columns[column].name {
            "state" => match known.standing() {
                Standing::Failed => format!("{} failed", theme.glyph("✖", "x")),
                Standing::Unknown => "? unknown".to_owned(),
                Standing::Unasked => format!("{} unasked", theme.glyph("○", "-")),
                Standing::Known => format!("{} known", theme.glyph("●", "+")),
            }
            .into(),
            "device" => known.device.name.as_str().into(),
            "address" => known.device.address.to_string().into(),
            "vendor" => said(known, |said| &said.vendor),
            "model" => said(known, |said| &said.model),
            "os" => said(known, |said| &said.os),
            "version" => said(known, |said| &said.version),
            "serial" => said(known, |said| &said.serial),
            "sysobjectid" => said(known, |said| &said.sysobjectid),
            "read" => known.identity.as_ref().map_or("-".into(), |said| self.cx.when(said.at).into()),
            "since" => since(known).map_or("-".into(), |at| self.cx.when(at).into()),
            _ => why(known),
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        match (self.columns[column].name, self.rows[row].standing()) {
            ("state", Standing::Failed) => Token::Bad,
            ("state", Standing::Unknown) => Token::Warn,
            ("state", Standing::Known) => Token::Good,
            ("device" | "vendor" | "model" | "version" | "why", Standing::Failed | Standing::Unknown | Standing::Known) => {
                Token::Text
            }
            _ => Token::Dim,
        }
    }

    fn order(&self, a: usize, b: usize, column: usize) -> Ordering {
        let (one, other) = (self.rows[a], self.rows[b]);
        match self.columns[column].name {
            "state" => one.standing().cmp(&other.standing()),
            "address" => one.device.address.cmp(&other.device.address),
            "read" => read(other).cmp(&read(one)),
            "since" => since(other).cmp(&since(one)),
            _ => self.cell(a, column).cmp(&self.cell(b, column)),
        }
    }
}

/// When it was last read.
fn read(known: &Known) -> Option<crate::model::Timestamp> {
    known.identity.as_ref().map(|identity| identity.at)
}

/// Since when it fails, or when it said what no rule knows.
fn since(known: &Known) -> Option<crate::model::Timestamp> {
    known.failure.as_ref().map(|failure| failure.since).or_else(|| read(known))
}

impl Identities {
    fn table(&self) -> &Table {
        if self.is_queue { &self.queue } else { &self.all }
    }

    fn parts<'a>(&'a mut self, cx: &'a Cx) -> (&'a mut Table, View<'a>) {
        let view = View::new(&self.known, self.is_queue, cx);
        (if self.is_queue { &mut self.queue } else { &mut self.all }, view)
    }

    fn selected(&self) -> Option<&Known> {
        let id = DeviceId(self.table().selected_id()?);
        self.known.iter().find(|known| known.device.id == id)
    }

    fn settle(&mut self, cx: &Cx) {
        let (table, view) = self.parts(cx);
        table.update(&view);
    }
}

impl Pane for Identities {
    fn status(&self, _cx: &Cx) -> String {
        if !self.loaded {
            return String::new();
        }
        let count = |standing| self.known.iter().filter(|known| known.standing() == standing).count();
        let shown = match self.is_queue {
            true => self.known.iter().filter(|known| known.needs_a_look()).count(),
            false => self.known.len(),
        };
        let (failed, unknown) = (count(Standing::Failed), count(Standing::Unknown));
        format!("{}, {unknown} unknown, {failed} failed", self.table().status(shown))
    }

    fn update(&mut self, cx: &Cx) {
        self.stale = true;
        self.settle(cx);
    }

    fn wants(&mut self, _cx: &Cx) -> Option<Query> {
        if self.waits || !std::mem::take(&mut self.stale) {
            return None;
        }
        self.waits = true;
        Some(Query::Identities)
    }

    fn answer(&mut self, answer: Answer, cx: &Cx) {
        (self.loaded, self.waits) = (true, false);
        match answer {
            Answer::Identities(known) => (self.known, self.failed) = (known, None),
            Answer::Failed(why) => self.failed = Some(clean_line(&why).into_owned()),
            _ => {}
        }
        self.settle(cx);
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match words {
            ["toggle-queue"] => {
                let (selected, filter) = (self.table().selected_id(), self.table().filter().to_owned());
                self.is_queue = !self.is_queue;
                self.set_filter(&filter, cx);
                let (table, view) = self.parts(cx);
                table.update(&view);
                if let Some(id) = selected {
                    table.select(id);
                }
                Outcome::Done
            }
            ["open"] => Outcome::Line("device {device}".into()),
            _ => {
                let (table, view) = self.parts(cx);
                table.act(words, &view)
            }
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if let Some(why) = &self.failed {
            return notice(area, buf, &cx.theme, why);
        }
        if !self.loaded {
            return notice(area, buf, &cx.theme, "Reading what devices say they are …");
        }
        if self.known.is_empty() {
            return notice(area, buf, &cx.theme, "No devices yet: there is nobody to ask");
        }
        let below = match self.selected() {
            Some(known) if known.needs_a_look() => draw_said(known, area, buf, cx),
            _ => area,
        };
        let empty = match self.is_queue {
            true => "Every device that was asked answered, and is known",
            false => "No devices",
        };
        let (table, view) = self.parts(cx);
        if view.rows.is_empty() {
            return notice(area, buf, &cx.theme, empty);
        }
        table.draw(below, buf, cx, &view, empty);
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        let (table, view) = self.parts(cx);
        table.click(x, y, &view)
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        self.selected().map(|known| known.device.name.to_string())
    }

    fn devices(&self, _cx: &Cx) -> Vec<String> {
        words::marked_or_selected(self.table(), self.known.iter().map(|known| &known.device))
    }

    fn columns(&self) -> Vec<&'static str> {
        self.table().names()
    }

    fn filter(&self) -> Option<&str> {
        Some(self.table().filter())
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) {
        let (table, view) = self.parts(cx);
        table.set_filter(text, &view);
    }

    fn copy(&self, _cx: &Cx) -> Option<String> {
        let known = self.selected()?;
        let mut parts: Vec<Cow<'_, str>> = vec![known.device.name.as_str().into()];
        let texts: [fn(&Identity) -> &Option<String>; 7] = [
            |said| &said.vendor,
            |said| &said.model,
            |said| &said.os,
            |said| &said.version,
            |said| &said.serial,
            |said| &said.sysobjectid,
            |said| &said.sysdescr,
        ];
        parts.extend(texts.map(|text| said(known, text)));
        if known.failure.is_some() {
            parts.push(why(known));
        }
        Some(parts.join("\t"))
    }
}

/// Says below the table, in full, why somebody should look at the selected device; what is left for the table.
fn draw_said(known: &Known, area: Rect, buf: &mut Buffer, cx: &Cx) -> Rect {
    let mut lines = Vec::new();
    let columns = usize::from(area.width.saturating_sub(2)).max(1);
    if let Some(failure) = &known.failure {
        lines.extend(text::wrap(&clean_line(&failure.failure.to_string()), columns));
    }
    if known.identity.is_some() {
        let number = said(known, |said| &said.sysobjectid);
        let words = format!("It said: {number} {}", said(known, |said| &said.sysdescr));
        lines.extend(text::wrap(&words, columns));
    }
    let rows = u16::try_from(lines.len().min(MOST_SAID)).unwrap_or(0);
    if area.height < LEAST_TABLE + rows {
        return area;
    }
    let table = Rect { height: area.height - rows, ..area };
    for (line, y) in lines.iter().zip(table.bottom()..area.bottom()) {
        text::put(buf, area.x + 1, y, area.width.saturating_sub(2), line, cx.theme.style(Token::Warn));
    }
    table
}
