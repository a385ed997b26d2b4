//! Where a pattern stands in the configurations of the network, device by device.

use std::borrow::Cow;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::model::filter::{self, Filter};
use crate::console::find;
use crate::console::pane::{Bind, Decl, Pane};
use crate::console::text;
use crate::console::theme::{self, Token};
use crate::console::widgets::{Pager, notice};
use crate::engine::query::{Answer, Hit, Query, SearchAnswer, SearchQuery};
use crate::model::clean_line;

inventory::submit! { Decl {
    name: "search",
    aliases: &["s"],
    title: "Search",
    about: "Search the configurations of all devices for a text or a regular expression",
    args: "PATTERN [-r] [--history]",
    tab: None,
    reads: &[],
    keys: &[
        Bind::hint("enter", "open", "Open at the line"),
        Bind::hint("n", "next-device", "Next device"),
        Bind::hint("N", "previous-device", "Device before"),
        Bind::new("R", "again", "Search again"),
    ],
    make: |args, _| Ok(Box::new(Search::new(args)?)),
} }

/// The most hits that are asked for.
const MOST: usize = 2_000;
/// What a filter can name.
const COLUMNS: [&str; 3] = ["name", "section", "text"];
/// The rows of the context at the bottom, its rule included.
const CONTEXT_ROWS: u16 = 5;

struct Search {
    query: SearchQuery,
    asked: bool,
    answer: Option<SearchAnswer>,
    failed: Option<String>,
    filter: Filter,
    rows: Vec<Row>,
    pager: Pager,
}

#[derive(Clone, Copy)]
enum Row {
    /// A device and a revision, how many hits it has, and its first hit.
    Group { hits: usize, first: usize },
    /// A hit, by its place in the answer.
    Hit(usize),
}

impl Search {
    fn new(args: &[String]) -> Result<Self, String> {
        let (mut regex, mut history, mut words) = (false, false, Vec::new());
        for arg in args {
            match arg.as_str() {
                "-r" | "--regex" => regex = true,
                "--history" => history = true,
                word => words.push(word),
            }
        }
        if words.is_empty() {
            return Err("search needs a pattern: :search bpduguard, :search -r '^ntp server' --history".into());
        }
        Ok(Self {
            query: SearchQuery { pattern: words.join(" "), regex, history, limit: MOST },
            asked: false,
            answer: None,
            failed: None,
            filter: Filter::default(),
            rows: Vec::new(),
            pager: Pager::default(),
        })
    }

    fn hits(&self) -> &[Hit] {
        self.answer.as_ref().map_or(&[], |answer| &answer.hits)
    }

    fn hit_at(&self, row: usize) -> Option<&Hit> {
        match self.rows.get(row)? {
            Row::Group { first, .. } => self.hits().get(*first),
            Row::Hit(hit) => self.hits().get(*hit),
        }
    }

    fn lay_out(&mut self) {
        let hits = self.answer.as_ref().map_or_else(Arc::default, |answer| Arc::clone(&answer.hits));
        let mut matcher = filter::matcher();
        let mut rows: Vec<Row> = Vec::new();
        let mut group: Option<usize> = None;
        for (at, hit) in hits.iter().enumerate() {
            let cell = |column| match column {
                0 => Cow::Borrowed(&*hit.name),
                1 => Cow::Borrowed(&*hit.section),
                _ => Cow::Borrowed(&*hit.text),
            };
            if !self.filter.matches(COLUMNS.len(), cell, &mut matcher) {
                continue;
            }
            let same = |row: &Row| match row {
                Row::Group { first, .. } => {
                    hits[*first].device == hit.device && hits[*first].revision == hit.revision
                }
                Row::Hit(_) => false,
            };
            match group.and_then(|group| rows.get_mut(group)) {
                Some(row) if same(row) => {
                    if let Row::Group { hits, .. } = row {
                        *hits += 1;
                    }
                }
                _ => {
                    group = Some(rows.len());
                    rows.push(Row::Group { hits: 1, first: at });
                }
            }
            rows.push(Row::Hit(at));
        }
        self.rows = rows;
        // the first row is a device's name
        self.pager.cursor = self.pager.cursor.min(self.rows.len().saturating_sub(1)).max(1);
    }

    fn jump(&mut self, forwards: bool) -> Outcome {
        let is_group = |row: &usize| matches!(self.rows[*row], Row::Group { .. });
        let at = self.pager.cursor.min(self.rows.len());
        let found = if forwards {
            (at + 1..self.rows.len()).find(is_group)
        } else {
            // the group of the hit itself is the nearest one: the one before that is wanted
            (0..at).rev().filter(is_group).nth(1)
        };
        match found {
            Some(row) => {
                (self.pager.cursor, self.pager.top) = (row + 1, row);
                Outcome::Done
            }
            None => Outcome::refused("No device there any more"),
        }
    }

    fn open(&self) -> Outcome {
        let Some(hit) = self.hit_at(self.pager.cursor) else {
            return Outcome::refused("There is nothing to open");
        };
        let mut line = format!("config {} {} --line {}", hit.name, hit.revision, hit.line);
        let found = hit.text.get(hit.span.0..hit.span.1).unwrap_or_default();
        if let Ok(found) = shlex::try_quote(found)
            && !found.is_empty()
        {
            line.push_str(&format!(" --find {found}"));
        }
        Outcome::Line(line)
    }
}

impl Pane for Search {
    fn subject(&self) -> String {
        text::fit(&clean_line(&self.query.pattern), 30).into_owned()
    }

    fn status(&self, _cx: &Cx) -> String {
        let Some(answer) = &self.answer else { return String::new() };
        let shown = self.rows.iter().filter(|row| matches!(row, Row::Hit(_))).count();
        let more = if answer.more { "+" } else { "" };
        let of = if shown < answer.hits.len() { format!("{shown} of ") } else { String::new() };
        let hits = if answer.hits.len() == 1 { "hit" } else { "hits" };
        format!("{of}{}{more} {hits}", answer.hits.len())
    }

    fn wants(&mut self, _cx: &Cx) -> Option<Query> {
        (!std::mem::replace(&mut self.asked, true)).then(|| Query::Search(self.query.clone()))
    }

    fn answer(&mut self, answer: Answer, _cx: &Cx) {
        match answer {
            Answer::Search(answer) => {
                (self.answer, self.failed) = (Some(answer), None);
                self.lay_out();
            }
            Answer::Failed(why) => self.failed = Some(clean_line(&why).into_owned()),
            _ => {}
        }
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match words {
            ["open"] => return self.open(),
            ["next-device"] => return self.jump(true),
            ["previous-device"] => return self.jump(false),
            ["again"] => self.asked = false,
            ["back"] if !self.filter.is_empty() => self.set_filter("", cx),
            _ => return self.pager.act(words, self.rows.len()),
        }
        Outcome::Done
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if let Some(why) = &self.failed {
            return notice(area, buf, &cx.theme, why);
        }
        let Some(answer) = &self.answer else {
            return notice(area, buf, &cx.theme, "Searching …");
        };
        let head = summary(answer, &self.query);
        let style = cx.theme.style(if answer.more { Token::Warn } else { Token::Dim });
        text::put(buf, area.x + 1, area.y, area.width.saturating_sub(1), &head, style);
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        if self.rows.is_empty() {
            let sentence = match self.filter.is_empty() {
                true => "It stands in no configuration.",
                false => "Nothing passes the filter: Esc clears it",
            };
            return notice(body, buf, &cx.theme, sentence);
        }
        let below = if body.height > 12 { CONTEXT_ROWS } else { 0 };
        let list = Rect { height: body.height - below, ..body };
        let window = self.pager.window(self.rows.len(), list);
        for (row, y) in window.zip(list.y..) {
            self.draw_row(row, Rect { y, height: 1, ..list }, buf, cx);
        }
        if let Some(hit) = self.hit_at(self.pager.cursor).filter(|_| below > 0) {
            draw_context(hit, Rect { y: list.bottom(), height: below, ..body }, buf, cx);
        }
    }

    fn click(&mut self, _x: u16, y: u16, _cx: &Cx) -> Outcome {
        self.pager.click(y)
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        self.hit_at(self.pager.cursor).map(|hit| hit.name.to_string())
    }

    fn filter(&self) -> Option<&str> {
        Some(self.filter.text())
    }

    fn set_filter(&mut self, text: &str, _cx: &Cx) {
        self.filter = Filter::new(text, &COLUMNS);
        self.lay_out();
    }

    fn copy(&self, _cx: &Cx) -> Option<String> {
        let line = |row: &Row| match row {
            Row::Hit(hit) => self.hits().get(*hit).map(|hit| format!("{}:{}:{}", hit.name, hit.line, hit.text)),
            Row::Group { .. } => None,
        };
        let lines: Vec<String> = self.rows.iter().filter_map(line).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn disabled(&self, line: &str, _cx: &Cx) -> Option<String> {
        let nothing = self.rows.is_empty() && matches!(line, "open" | "next-device" | "previous-device");
        nothing.then(|| "nothing was found".to_owned())
    }
}

fn summary(answer: &SearchAnswer, query: &SearchQuery) -> String {
    let what = match (query.history, answer.texts) {
        (true, 1) => "stored revision",
        (true, _) => "stored revisions",
        (false, 1) => "newest configuration",
        (false, _) => "newest configurations",
    };
    let seconds = answer.millis as f64 / 1_000.0;
    let hits = if answer.more {
        format!("more than {} hits: only these are shown", answer.hits.len())
    } else {
        format!("{} {}", answer.hits.len(), if answer.hits.len() == 1 { "hit" } else { "hits" })
    };
    format!("{hits}, in {} {what} searched, {seconds:.2} s", answer.texts)
}

impl Search {
    fn draw_row(&self, row: usize, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let base = if row == self.pager.cursor { cx.theme.style(Token::Selected) } else { Style::new() };
        buf.set_style(area, base);
        let style = |token| theme::over(base, cx.theme.style(token));
        let room = |x: u16| area.right().saturating_sub(x);
        match self.rows[row] {
            Row::Group { hits, first } => {
                let Some(hit) = self.hits().get(first) else { return };
                let x = text::put(buf, area.x + 1, area.y, area.width, &hit.name, style(Token::Section).bold());
                let count = format!("  #{}  {hits}", hit.revision);
                text::put(buf, x, area.y, room(x), &count, style(Token::Dim));
            }
            Row::Hit(at) => {
                let Some(hit) = self.hits().get(at) else { return };
                text::put_right(buf, area.x, area.y, 7.min(area.width), &hit.line.to_string(), style(Token::Dim));
                let section = clean_line(hit.section.trim());
                let wide = if section.is_empty() { 0 } else { (area.width / 3).min(40) };
                // on a wide screen the section stays near its line
                let columns = area.width.saturating_sub(9 + wide).min(80);
                let pieces = marked(hit, style(Token::Text), style(Token::Match));
                let pieces = pieces.iter().map(|(text, style)| (text.as_ref(), *style));
                text::put_pieces(buf, (area.x + 9, area.y), columns, self.pager.left, pieces);
                let x = area.x + 9 + columns + 1;
                text::put(buf, x, area.y, wide.saturating_sub(1), &section, style(Token::Dim));
            }
        }
    }
}

/// The hit's line in clean pieces.
fn marked(hit: &Hit, plain: Style, found: Style) -> Vec<(Cow<'_, str>, Style)> {
    let (from, to) = hit.span;
    let whole = from <= to && hit.text.is_char_boundary(from) && hit.text.get(..to).is_some();
    let range = whole.then_some(from..to);
    find::pieces(&hit.text, range, plain, found)
        .into_iter()
        .map(|(piece, style)| (clean_line(piece), style))
        .collect()
}

/// The lines around a hit, below the list.
fn draw_context(hit: &Hit, area: Rect, buf: &mut Buffer, cx: &Cx) {
    let rule = cx.theme.glyph("─", "-").repeat(usize::from(area.width));
    let style = |token| cx.theme.style(token);
    text::put(buf, area.x, area.y, area.width, &rule, style(Token::Dim));
    let section = if hit.section.is_empty() { "(top)" } else { hit.section.trim() };
    let place = format!("{} #{}, line {}: {}", hit.name, hit.revision, hit.line, clean_line(section));
    text::put(buf, area.x + 1, area.y + 1, area.width.saturating_sub(1), &place, style(Token::Section));
    let x = area.x + 3;
    let columns = area.width.saturating_sub(3);
    text::put(buf, x, area.y + 2, columns, &clean_line(&hit.before), style(Token::Dim));
    let pieces = marked(hit, style(Token::Text), style(Token::Match));
    text::put_pieces(buf, (x, area.y + 3), columns, 0, pieces.iter().map(|(text, style)| (text.as_ref(), *style)));
    text::put(buf, x, area.y + 4, columns, &clean_line(&hit.after), style(Token::Dim));
}
