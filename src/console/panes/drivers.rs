//! The kinds of devices that are known.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::theme::Token;
use crate::console::widgets::{Column, Rows, Table, notice};
use crate::engine::driver_files::DriverInfo;
use crate::engine::query::{Answer, Query};

inventory::submit! { Decl {
    name: "drivers",
    aliases: &[],
    title: "Drivers",
    about: "Show the kinds of devices that are known, and mistakes in their files",
    args: "[FILTER]",
    tab: Some(5),
    reads: &[Topic::Devices],
    keys: &[
        Bind::hint("enter", "open", "Edit"),
        Bind::hint("t", "test", "Test"),
        Bind::hint("w", "whose", "Its devices"),
        Bind::hint("R", "again", "Read again"),
    ],
    make: |args, cx| {
        let mut drivers = DriverList {
            table: Table::new(COLUMNS, None),
            drivers: Arc::default(),
            loaded: false,
            asked: false,
            failed: None,
        };
        drivers.set_filter(&args.join(" "), cx);
        Ok(Box::new(drivers))
    },
} }

const COLUMNS: &[Column] = &[
    Column::new("driver", 18, 0),
    Column::new("devices", 7, 1).right(),
    Column::new("device", 24, 0).grow(),
    Column::new("transports", 10, 3),
    Column::new("origin", 8, 2),
    Column::new("note", 20, 4).grow(),
];

struct DriverList {
    table: Table,
    drivers: Arc<[DriverInfo]>,
    loaded: bool,
    asked: bool,
    failed: Option<String>,
}

struct View<'a> {
    drivers: &'a [DriverInfo],
    cx: &'a Cx,
    /// How many devices each driver has.
    used: HashMap<&'a str, usize>,
}

impl<'a> View<'a> {
    fn new(drivers: &'a [DriverInfo], cx: &'a Cx) -> Self {
        let mut used = HashMap::new();
        for row in cx.snapshot.devices.iter().filter(|row| row.device.deleted.is_none()) {
            if let Some(driver) = &row.device.driver {
                *used.entry(driver.as_str()).or_insert(0) += 1;
            }
        }
        Self { drivers, cx, used }
    }

    fn used(&self, row: usize) -> usize {
        self.used.get(self.drivers[row].id.as_str()).copied().unwrap_or(0)
    }
}

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.drivers.len()
    }

    fn id(&self, row: usize) -> u64 {
        row as u64
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        let driver = &self.drivers[row];
        match (COLUMNS[column].name, &driver.problem) {
            ("driver", _) => driver.id.as_str().into(),
            ("devices", _) => match self.used(row) {
                0 => "".into(),
                used => used.to_string().into(),
            },
            ("device", Some(problem)) => format!("{} {problem}", self.cx.theme.glyph("✖", "x")).into(),
            ("device", None) => driver.device.as_str().into(),
            ("transports", _) => driver.transports.as_str().into(),
            ("origin", _) => if driver.own { "yours" } else { "built in" }.into(),
            _ => driver.tried.as_str().into(),
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        match (COLUMNS[column].name, &self.drivers[row].problem) {
            ("device", Some(_)) => Token::Bad,
            ("driver" | "device" | "devices", _) => Token::Text,
            ("origin", _) if self.drivers[row].own => Token::Section,
            _ => Token::Dim,
        }
    }

    fn order(&self, a: usize, b: usize, column: usize) -> std::cmp::Ordering {
        match COLUMNS[column].name {
            "devices" => self.used(b).cmp(&self.used(a)),
            _ => self.cell(a, column).cmp(&self.cell(b, column)),
        }
    }
}

impl DriverList {
    fn selected(&self) -> Option<&DriverInfo> {
        self.drivers.get(self.table.selected()?)
    }
}

impl Pane for DriverList {
    fn status(&self, _cx: &Cx) -> String {
        self.table.status(self.drivers.len())
    }

    fn update(&mut self, cx: &Cx) {
        self.table.update(&View::new(&self.drivers, cx));
    }

    fn wants(&mut self, _cx: &Cx) -> Option<Query> {
        (!std::mem::replace(&mut self.asked, true)).then_some(Query::Drivers)
    }

    fn answer(&mut self, answer: Answer, cx: &Cx) {
        self.loaded = true;
        match answer {
            Answer::Drivers(drivers) => (self.drivers, self.failed) = (drivers, None),
            Answer::Failed(why) => self.failed = Some(crate::model::clean_line(&why).into_owned()),
            _ => {}
        }
        self.update(cx);
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        if words == ["again"] {
            self.asked = false;
            return Outcome::Done;
        }
        let line = match (words, self.selected()) {
            (["open"], Some(driver)) => format!("edit driver {}", driver.id),
            (["test"], Some(driver)) => format!("driver test {}", driver.id),
            (["whose"], Some(driver)) => format!("devices driver:{}", driver.id),
            _ => return self.table.act(words, &View::new(&self.drivers, cx)),
        };
        Outcome::Line(line)
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if let Some(why) = &self.failed {
            return notice(area, buf, &cx.theme, why);
        }
        if !self.loaded {
            return notice(area, buf, &cx.theme, "Reading the drivers …");
        }
        self.table.draw(area, buf, cx, &View::new(&self.drivers, cx), "No drivers");
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        self.table.click(x, y, &View::new(&self.drivers, cx))
    }

    fn columns(&self) -> Vec<&'static str> {
        self.table.names()
    }

    fn filter(&self) -> Option<&str> {
        Some(self.table.filter())
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) {
        self.table.set_filter(text, &View::new(&self.drivers, cx));
    }
}
