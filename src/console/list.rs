//! A pane that is one list: a read brings its rows, a table shows them, the selected one is told in full below. What
//! differs from list to list is [`Listed`].

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::action::Outcome;
use super::command_line::command_of;
use super::cx::Cx;
use super::pane::Pane;
use super::text;
use super::theme::Token;
use super::widgets::{Column, Rows, Table, notice, trouble};
use crate::engine::query::{Answer, Query};
use crate::model::{Timestamp, clean_line};

/// The least time between two reads.
const LEAST: Duration = Duration::from_secs(1);
/// How soon a read that has failed is tried again, where the operator's role may read it at all.
const AGAIN: Duration = Duration::from_secs(30);
/// The fewest rows that stay for the table where the selected row is told in full below it.
const LEAST_TABLE: u16 = 6;
/// The most rows that the selected row's details take.
const MOST_DETAILS: u16 = 8;
/// The most rows above the table.
const MOST_HEAD: usize = 5;

/// Lines and their looks.
pub type Lines = Vec<(String, Token)>;

/// What a word of a list's own keys comes to: the outcome, or why it cannot be done now; `None` for a word that it does
/// not know.
pub type Meant = Option<Result<Outcome, String>>;

/// What a list is of. Texts that it returns are clean.
pub trait Listed: Send + 'static {
    /// What a row shows.
    type Row: Send + Sync + 'static;

    /// The columns.
    const COLUMNS: &'static [Column];
    /// What is said while the first read goes on: `Reading the users …`.
    const READING: &'static str;

    /// What brings the rows.
    fn query(&self) -> Query;

    /// The rows of an answer; `None` for an answer to something else.
    fn rows(&mut self, answer: Answer) -> Option<Arc<[Self::Row]>>;

    /// What keeps the selection on its row.
    fn id(&self, row: &Self::Row) -> u64;

    /// A cell's text.
    fn cell<'a>(&self, row: &'a Self::Row, column: &str, cx: &'a Cx) -> Cow<'a, str>;

    /// A cell's look.
    fn token(&self, row: &Self::Row, column: &str) -> Token;

    /// Which row comes first in a column's order; `None` is by their texts.
    fn order(&self, _one: &Self::Row, _other: &Self::Row, _column: &str) -> Option<Ordering> {
        None
    }

    /// What is said where there is nothing, and what to do about it.
    fn empty(&self) -> String;

    /// What is said above the table.
    fn head(&self, _cx: &Cx) -> Lines {
        Vec::new()
    }

    /// The selected row in full.
    fn details(&self, row: &Self::Row, cx: &Cx) -> Lines;

    /// What the title row says of all rows.
    fn status(&self, rows: &[Self::Row]) -> String {
        rows.len().to_string()
    }

    /// How often it is read while nothing is heard; `None` where every change of it is an event.
    fn every(&self) -> Option<Duration> {
        None
    }

    /// What a word of its own keys means on the selected row; nothing is changed by asking.
    fn meant(&self, _word: &str, _row: Option<&Self::Row>, _rows: &[Self::Row]) -> Meant {
        None
    }
}

/// See the file's head.
pub struct List<L: Listed> {
    of: L,
    table: Table,
    rows: Arc<[L::Row]>,
    read: Read,
    /// What was read may have changed since.
    is_stale: bool,
    /// An answer is on its way: another read would make it void.
    waits: bool,
    /// When it was asked for last.
    asked_at: Option<Timestamp>,
}

/// How the last read went.
enum Read {
    NotYet,
    Done,
    Failed(String),
}

struct View<'a, L: Listed> {
    of: &'a L,
    rows: &'a [L::Row],
    cx: &'a Cx,
}

impl<L: Listed> Rows for View<'_, L> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn id(&self, row: usize) -> u64 {
        self.of.id(&self.rows[row])
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        self.of.cell(&self.rows[row], L::COLUMNS[column].name, self.cx)
    }

    fn token(&self, row: usize, column: usize) -> Token {
        self.of.token(&self.rows[row], L::COLUMNS[column].name)
    }

    fn order(&self, a: usize, b: usize, column: usize) -> Ordering {
        let known = self.of.order(&self.rows[a], &self.rows[b], L::COLUMNS[column].name);
        known.unwrap_or_else(|| self.cell(a, column).cmp(&self.cell(b, column)))
    }
}

impl<L: Listed> List<L> {
    /// A pane with a filter, of which nothing is read yet.
    pub fn pane(of: L, filter: &[String], cx: &Cx) -> Box<dyn Pane> {
        let mut list = Self {
            of,
            table: Table::new(L::COLUMNS, None),
            rows: Vec::new().into(),
            read: Read::NotYet,
            is_stale: true,
            waits: false,
            asked_at: None,
        };
        list.set_filter(&filter.join(" "), cx);
        Box::new(list)
    }

    fn parts<'a>(&'a mut self, cx: &'a Cx) -> (&'a mut Table, View<'a, L>) {
        (&mut self.table, View { of: &self.of, rows: &self.rows, cx })
    }

    fn selected(&self) -> Option<&L::Row> {
        self.rows.get(self.table.selected()?)
    }

    fn meant(&self, word: &str) -> Meant {
        self.of.meant(word, self.selected(), &self.rows)
    }

    /// When it is to be read next; `None` where nothing calls for it.
    fn due(&self, cx: &Cx) -> Option<Timestamp> {
        let Some(asked_at) = self.asked_at else { return Some(cx.now) };
        match &self.read {
            _ if self.waits => None,
            // what was refused is refused again, and each time that is journalled
            Read::Failed(_) if !cx.rights.may(self.of.query().role()) => None,
            Read::Failed(_) => Some(asked_at.after(AGAIN)),
            _ if self.is_stale => Some(asked_at.after(LEAST)),
            _ => self.of.every().map(|every| asked_at.after(every)),
        }
    }

    /// Tells the selected row below the table, where there is room; what is left for the table.
    fn draw_details(&self, area: Rect, buf: &mut Buffer, cx: &Cx) -> Rect {
        let Some(row) = self.selected() else { return area };
        let mut lines = wrapped(self.of.details(row, cx), area);
        let rows = u16::try_from(lines.len()).unwrap_or(MOST_DETAILS).min(MOST_DETAILS);
        if rows == 0 || area.height < LEAST_TABLE + rows {
            return area;
        }
        if lines.len() > usize::from(rows) {
            lines.truncate(usize::from(rows));
            lines.iter_mut().last().into_iter().for_each(|(line, _)| line.push_str(" …"));
        }
        let table = Rect { height: area.height - rows, ..area };
        put(&lines, Rect { y: table.bottom(), height: rows, ..area }, buf, cx);
        table
    }
}

/// Says something above everything else; what is left of `area`.
pub fn draw_head(lines: Lines, area: Rect, buf: &mut Buffer, cx: &Cx) -> Rect {
    let mut lines = wrapped(lines, area);
    lines.truncate(MOST_HEAD.min(usize::from(area.height.saturating_sub(LEAST_TABLE))));
    put(&lines, area, buf, cx);
    let rows = u16::try_from(lines.len()).unwrap_or(0);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

/// The lines in the columns of `area`, with one free at each side.
fn wrapped(lines: Lines, area: Rect) -> Lines {
    let columns = usize::from(area.width.saturating_sub(2)).max(1);
    let of = |(line, token): (String, Token)| {
        let lines = text::wrap(&line, columns);
        lines.into_iter().map(move |line| (line, token))
    };
    lines.into_iter().flat_map(of).collect()
}

fn put(lines: &Lines, area: Rect, buf: &mut Buffer, cx: &Cx) {
    for ((line, token), y) in lines.iter().zip(area.top()..area.bottom()) {
        text::put(buf, area.x + 1, y, area.width.saturating_sub(2), line, cx.theme.style(*token));
    }
}

/// Why a line that a key stands for is not for the operator's role, whether it runs or is only begun.
fn lacks_role(outcome: &Outcome, cx: &Cx) -> Option<String> {
    let (Outcome::Line(line) | Outcome::Reason { line, .. }) = outcome else { return None };
    let words: Vec<&str> = line.split(' ').skip_while(|word| *word == "command").collect();
    let command = command_of(&words).filter(|command| !cx.rights.may(command.role))?;
    Some(format!("needs the role {}", command.role))
}

impl<L: Listed> Pane for List<L> {
    fn status(&self, _cx: &Cx) -> String {
        match self.read {
            Read::Done if !self.table.filter().is_empty() => self.table.status(self.rows.len()),
            Read::Done => self.of.status(&self.rows),
            Read::NotYet | Read::Failed(_) => String::new(),
        }
    }

    fn update(&mut self, cx: &Cx) {
        self.is_stale = true;
        let (table, view) = self.parts(cx);
        table.update(&view);
    }

    fn wants(&mut self, cx: &Cx) -> Option<Query> {
        self.due(cx).filter(|due| *due <= cx.now)?;
        (self.is_stale, self.waits, self.asked_at) = (false, true, Some(cx.now));
        Some(self.of.query())
    }

    fn wakes_at(&self, cx: &Cx) -> Option<Timestamp> {
        self.due(cx)
    }

    fn answer(&mut self, answer: Answer, cx: &Cx) {
        self.waits = false;
        match answer {
            Answer::Failed(why) => {
                (self.rows, self.read) = (Vec::new().into(), Read::Failed(clean_line(&why).into_owned()));
            }
            answer => {
                if let Some(rows) = self.of.rows(answer) {
                    (self.rows, self.read) = (rows, Read::Done);
                }
            }
        }
        let (table, view) = self.parts(cx);
        table.update(&view);
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match (words, words.first().and_then(|word| self.meant(word))) {
            (["again"], _) => {
                (self.asked_at, self.waits) = (None, false);
                Outcome::Done
            }
            (_, Some(Ok(outcome))) => outcome,
            (_, Some(Err(why))) => Outcome::Refused(why),
            (_, None) => {
                let (table, view) = self.parts(cx);
                table.act(words, &view)
            }
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        match &self.read {
            Read::Failed(why) => return trouble(area, buf, &cx.theme, why),
            Read::NotYet => return notice(area, buf, &cx.theme, L::READING),
            Read::Done => {}
        }
        let area = draw_head(self.of.head(cx), area, buf, cx);
        if self.rows.is_empty() {
            return notice(area, buf, &cx.theme, &self.of.empty());
        }
        let area = self.draw_details(area, buf, cx);
        let (table, view) = self.parts(cx);
        table.draw(area, buf, cx, &view, "");
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        let (table, view) = self.parts(cx);
        table.click(x, y, &view)
    }

    fn columns(&self) -> Vec<&'static str> {
        self.table.names()
    }

    fn filter(&self) -> Option<&str> {
        Some(self.table.filter())
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) {
        let (table, view) = self.parts(cx);
        table.set_filter(text, &view);
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let lines = self.of.details(self.selected()?, cx);
        Some(lines.into_iter().map(|(line, _)| line).collect::<Vec<_>>().join("\n"))
    }

    fn disabled(&self, line: &str, cx: &Cx) -> Option<String> {
        match self.meant(line)? {
            Ok(outcome) => lacks_role(&outcome, cx),
            Err(why) => Some(why),
        }
    }
}
