//! The device list: what failed and why is seen at once.

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
use crate::console::words::{self, Field};
use crate::engine::snapshot::{BackupState, DeviceRow};
use crate::model::{DeviceId, clean_line};

inventory::submit! { Decl {
    name: "devices",
    aliases: &["d", "dev"],
    title: "Devices",
    about: "Show the devices and the state of their backups",
    args: "[FILTER]",
    tab: Some(1),
    reads: &[Topic::Devices, Topic::Jobs, Topic::Answers],
    keys: &[
        Bind::hint("enter", "device {device}", "Device"),
        Bind::hint("i", "history {device}", "History"),
        Bind::hint("c", "config {device}", "Config"),
        Bind::hint("d", "show-diff", "Diff; of two marked devices, these"),
        Bind::hint("b", "backup run {devices}", "Back up"),
        Bind::new("r", "show-recording", "Recording of the failure"),
        Bind::new("S", "command search", "Search all configurations"),
        Bind::new("E", "edit device {device}", "Change the record"),
        Bind::new("X", "device rm {devices}", "Delete"),
        Bind::new("u", "device restore {device}", "Bring a deleted one back"),
        Bind::new("x", "filter status:failed", "Only the failed ones"),
        Bind::new("a", "toggle-deleted", "Show or hide deleted devices"),
    ],
    make: |args, cx| Ok(Box::new(Devices::new(args, cx))),
} }

const COLUMNS: &[Column] = &[
    Column::new("status", 9, 0),
    Column::new("name", 14, 0).grow(),
    Column::new("pulse", 9, 1),
    Column::new("address", 15, 2),
    Column::new("driver", 17, 4),
    Column::new("group", 12, 5),
    Column::new("backup", 6, 1).right(),
    Column::new("changed", 7, 3).right(),
    Column::new("revs", 4, 6).right(),
    Column::new("why", 26, 0).grow(),
];

/// The narrowest screen that has room for details at the side.
const SPLIT_FROM: u16 = 150;

struct Devices {
    table: Table,
    deleted: bool,
}

impl Devices {
    fn new(args: &[String], cx: &Cx) -> Self {
        let mut devices = Self { table: Table::new(COLUMNS, Some("status")), deleted: false };
        let filter = args.join(" ");
        devices.set_filter(&filter, cx);
        devices
    }

    fn rows<'a>(&self, cx: &'a Cx) -> View<'a> {
        View { cx, rows: &cx.snapshot.devices, deleted: self.deleted }
    }

    fn selected<'a>(&self, cx: &'a Cx) -> Option<&'a DeviceRow> {
        cx.device(DeviceId(self.table.selected_id()?))
    }
}

/// The devices that the list is about.
struct View<'a> {
    cx: &'a Cx,
    rows: &'a [DeviceRow],
    /// Those that are deleted too.
    deleted: bool,
}

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn is_there(&self, row: usize) -> bool {
        self.deleted || self.rows[row].device.deleted.is_none()
    }

    fn id(&self, row: usize) -> u64 {
        self.rows[row].device.id.0
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        let row = &self.rows[row];
        let device = &row.device;
        match COLUMNS[column].name {
            "status" => words::health(row, self.cx).into(),
            "name" => device.name.as_str().into(),
            "pulse" => answering::state(self.cx.snapshot.pulse.row(device.id), self.cx).into(),
            "address" => device.address.to_string().into(),
            "driver" => device.driver.as_ref().map_or("-", |driver| driver.as_str()).into(),
            "group" => clean_line(&device.group),
            "backup" => self.cx.age(row.proven).into(),
            "changed" => self.cx.age(row.changed).into(),
            "revs" => row.revisions.to_string().into(),
            _ => words::why(row, self.cx),
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        let row = &self.rows[row];
        match COLUMNS[column].name {
            "status" => state(row.state).1,
            "pulse" => answering::token(self.cx.snapshot.pulse.row(row.device.id)),
            "backup" if matches!(row.state, BackupState::Late) => Token::Warn,
            "name" | "address" if row.state != BackupState::Off => Token::Text,
            "why" if row.state == BackupState::Failed => Token::Text,
            _ => Token::Dim,
        }
    }

    fn order(&self, a: usize, b: usize, column: usize) -> Ordering {
        let (a_row, b_row) = (&self.rows[a], &self.rows[b]);
        match COLUMNS[column].name {
            "status" => b_row.state.cmp(&a_row.state),
            "name" => a_row.device.name.cmp(&b_row.device.name),
            "pulse" => {
                let rank = |row: &DeviceRow| answering::rank(self.cx.snapshot.pulse.row(row.device.id));
                rank(a_row).cmp(&rank(b_row)).then(a_row.device.name.cmp(&b_row.device.name))
            }
            "address" => a_row.device.address.cmp(&b_row.device.address),
            "backup" => a_row.proven.cmp(&b_row.proven),
            "changed" => b_row.changed.cmp(&a_row.changed),
            "revs" => b_row.revisions.cmp(&a_row.revisions),
            _ => self.cell(a, column).cmp(&self.cell(b, column)),
        }
    }
}

impl Pane for Devices {
    fn status(&self, cx: &Cx) -> String {
        let devices = &cx.snapshot.devices;
        self.table.status(if self.deleted { devices.len() } else { devices.living() })
    }

    fn update(&mut self, cx: &Cx) {
        let rows = self.rows(cx);
        self.table.update(&rows);
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        if words == ["toggle-deleted"] {
            self.deleted = !self.deleted;
            self.update(cx);
            return Outcome::Done;
        }
        if words == ["show-diff"] {
            return Outcome::Line(match &self.devices(cx)[..] {
                [one, other] => format!("diff {one} --with {other}"),
                _ => "diff {device}".into(),
            });
        }
        if words == ["show-recording"] {
            return words::recording(self.selected(cx));
        }
        if words == ["open"] {
            return Outcome::Line("device {device}".into());
        }
        let rows = self.rows(cx);
        self.table.act(words, &rows)
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let rows = self.rows(cx);
        if cx.snapshot.devices.is_empty() {
            let sentence = "No devices yet. Type :device import FILE, or :device add NAME ADDRESS.";
            return notice(area, buf, &cx.theme, sentence);
        }
        let side = if area.width >= SPLIT_FROM { 60 } else { 0 };
        let list = Rect { width: area.width - side, ..area };
        self.table.draw(list, buf, cx, &rows, "No devices");
        if side > 0 {
            let detail = Rect { x: list.right() + 1, width: side - 2, ..area };
            self.draw_detail(detail, buf, cx);
        }
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        let rows = self.rows(cx);
        self.table.click(x, y, &rows)
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
        let rows = self.rows(cx);
        self.table.set_filter(text, &rows);
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let names = self.devices(cx);
        (!names.is_empty()).then(|| names.join("\n"))
    }

    fn disabled(&self, line: &str, cx: &Cx) -> Option<String> {
        let row = self.selected(cx);
        match line.split(' ').next() {
            Some("config" | "show-diff") if row.is_none_or(|row| row.newest.is_none()) => {
                Some("no revision is stored yet".into())
            }
            Some("show-recording") if !row.is_some_and(words::has_recording) => {
                Some("the last run left no recording".into())
            }
            Some("device") if line.starts_with("device restore") => row
                .is_none_or(|row| row.device.deleted.is_none())
                .then(|| "the device is not deleted".into()),
            Some("backup") if row.is_some_and(|row| !row.device.is_managed()) => {
                Some("the device is not managed".into())
            }
            _ => None,
        }
    }
}

impl Devices {
    fn draw_detail(&self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let Some(row) = self.selected(cx) else { return };
        let bar = cx.theme.glyph("│", "|");
        for y in area.top()..area.bottom() {
            text::put(buf, area.x, y, 1, bar, cx.theme.style(Token::Dim));
        }
        let fields = words::fields(row, cx);
        draw_fields(Rect { x: area.x + 2, width: area.width.saturating_sub(2), ..area }, buf, cx, &fields);
    }
}

fn draw_fields(area: Rect, buf: &mut Buffer, cx: &Cx, fields: &[Field]) {
    let mut y = area.y;
    for Field { name, value, token } in fields.iter().filter(|field| !field.value.is_empty()) {
        let indent = if name.is_empty() { 0 } else { 16 };
        text::put(buf, area.x, y, 15, name, cx.theme.style(Token::Dim));
        let columns = area.width.saturating_sub(indent);
        for line in text::wrap(&clean_line(value), usize::from(columns)) {
            if y >= area.bottom() {
                return;
            }
            text::put(buf, area.x + indent, y, columns, &line, cx.theme.style(*token));
            y += 1;
        }
    }
}
