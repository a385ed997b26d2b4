//! The audit trail: who did what, newest first; and one entry of it with all that it did.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::text;
use crate::console::theme::{self, Token};
use crate::console::widgets::pager::shifted;
use crate::console::widgets::{Column, Pager, Rows, Table, notice};
use crate::engine::audit::{AuditDetail, AuditEntry, AuditKind, AuditPage, AuditReport};
use crate::engine::query::{Answer, MOST_AUDIT, Query};
use crate::engine::snapshot::Versions;
use crate::model::{RunStatus, clean_line};

inventory::submit! { Decl {
    name: "audit",
    aliases: &["trail"],
    title: "Audit",
    about: "Show what was done, by whom and why, newest first, or one entry with all that it changed",
    args: "[ENTRY]",
    tab: None,
    reads: &[Topic::Devices, Topic::Jobs, Topic::Events, Topic::Incidents],
    keys: &[
        Bind::hint("enter", "open", "The entry, and what is behind it"),
        Bind::hint("V", "verify", "Is it what was written?"),
        Bind::hint("O", "older", "Older"),
        Bind::hint("x", "filter !kind:engine", "Without noctule's own work"),
        Bind::new("X", "filter kind:refused", "What was refused"),
        Bind::new("R", "again", "Read it anew"),
        Bind::new("i", "history {device}", "History of the device"),
        Bind::new(">", "shift-right", "Long lines to the right"),
        Bind::new("<", "shift-left", "Long lines to the left"),
    ],
    make: |args, _| match args {
        [] => Ok(Box::new(Trail::new())),
        [number] => match number.parse() {
            Ok(number) => Ok(Box::new(Entry::new(number))),
            Err(_) => Err("audit needs an entry's number: :audit, :audit 17".into()),
        },
        _ => Err("audit takes one entry's number: :audit 17".into()),
    },
} }

const COLUMNS: &[Column] = &[
    Column::new("at", 11, 0),
    Column::new("entry", 7, 3).right(),
    Column::new("who", 9, 0),
    Column::new("kind", 9, 0),
    Column::new("name", 15, 2),
    Column::new("what", 24, 0).grow(),
];

/// So many entries are read at first, and more each time.
const PAGE: usize = 500;

/// How the check of the whole journal stands.
enum Check {
    Unasked,
    Wanted,
    GoesOn,
    Done(Result<Arc<AuditReport>, String>),
}

/// The newest entries.
struct Trail {
    table: Table,
    page: Arc<AuditPage>,
    loaded: bool,
    failed: Option<String>,
    limit: usize,
    /// For which state of the picture, and how many, the page was asked for.
    read_at: Option<(Versions, usize)>,
    check: Check,
}

impl Trail {
    fn new() -> Self {
        Self {
            table: Table::new(COLUMNS, None),
            page: Arc::default(),
            loaded: false,
            failed: None,
            limit: PAGE,
            read_at: None,
            check: Check::Unasked,
        }
    }

    fn selected(&self) -> Option<&AuditEntry> {
        self.page.entries.get(self.table.selected()?)
    }

    fn older(&mut self) -> Outcome {
        if !self.page.more {
            return Outcome::refused("There is nothing older");
        }
        if self.limit >= MOST_AUDIT {
            return Outcome::refused(format!(
                "These are the newest {MOST_AUDIT}: audit list --before reads those before"
            ));
        }
        self.limit = (self.limit * 2).min(MOST_AUDIT);
        Outcome::Done
    }

    /// What is known of the whole: one or two lines above the table.
    fn head(&self, cx: &Cx) -> Vec<(String, Token)> {
        let (good, bad) = (cx.theme.glyph("✔", "+"), cx.theme.glyph("✖", "x"));
        let mut lines = match &self.check {
            Check::Unasked => Vec::new(),
            Check::Wanted | Check::GoesOn => vec![("Reading the whole journal …".to_owned(), Token::Running)],
            Check::Done(Err(why)) => vec![(format!("{bad} {why}"), Token::Bad)],
            Check::Done(Ok(report)) => match report.problems.first() {
                None => {
                    let known = match report.known.len() {
                        0 => String::new(),
                        1 => "; 1 finding is known".to_owned(),
                        many => format!("; {many} findings are known"),
                    };
                    let line = format!("{good} The journal is what was written: {}{known}", report.proven());
                    vec![(line, Token::Good)]
                }
                Some(first) => vec![
                    (format!("{bad} {}{}", first.what, more(report)), Token::Bad),
                    (format!("  still proven: {}", report.proven()), Token::Warn),
                ],
            },
        };
        if lines.is_empty()
            && let Some(damage) = self.page.damage.first()
        {
            lines.push((format!("{bad} The journal is damaged: {damage}"), Token::Bad));
            lines.push(("  V says what is still proven".to_owned(), Token::Warn));
        }
        lines
    }

    fn draw_head(&self, area: Rect, buf: &mut Buffer, cx: &Cx) -> Rect {
        let columns = area.width.saturating_sub(2);
        let wrapped = self.head(cx).into_iter().flat_map(|(line, token)| {
            let lines = text::wrap(&line, usize::from(columns).max(1));
            lines.into_iter().take(2).map(move |line| (line, token))
        });
        let room = usize::from(area.height.saturating_sub(4));
        let lines: Vec<(String, Token)> = wrapped.take(room).collect();
        for ((line, token), y) in lines.iter().zip(area.y..) {
            text::put(buf, area.x + 1, y, columns, line, cx.theme.style(*token));
        }
        let rows = u16::try_from(lines.len()).unwrap_or(0);
        Rect { y: area.y + rows, height: area.height - rows, ..area }
    }

    /// The selected entry in full, below the table; what is left for the table.
    fn draw_whole(&self, area: Rect, buf: &mut Buffer, cx: &Cx) -> Rect {
        let Some(entry) = self.selected() else { return area };
        let columns = area.width.saturating_sub(2);
        let from = if entry.from.is_empty() { String::new() } else { format!(" from {}", entry.from) };
        let line = format!("{} {}{from}: {}", cx.full(entry.at), entry.who, entry.in_a_line());
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

fn more(report: &AuditReport) -> String {
    match report.problems.len() - 1 + report.more_problems {
        0 => String::new(),
        more => format!(", and {more} more"),
    }
}

/// The look of an entry.
fn look(entry: &AuditEntry) -> Token {
    match entry.kind {
        _ if entry.set_back.is_some() => Token::Bad,
        AuditKind::Refused => Token::Warn,
        AuditKind::Read => Token::Section,
        _ if entry.run.as_ref().is_some_and(|run| run.status == RunStatus::Failed) => Token::Bad,
        AuditKind::Engine => Token::Dim,
        AuditKind::Change | AuditKind::Began | AuditKind::Login => Token::Text,
    }
}

struct View<'a>(&'a AuditPage, &'a Cx);

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.0.entries.len()
    }

    fn id(&self, row: usize) -> u64 {
        self.0.entries[row].seq
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        let entry = &self.0.entries[row];
        match COLUMNS[column].name {
            "at" => self.1.when(entry.at).into(),
            "entry" => entry.seq.to_string().into(),
            "who" => entry.who.as_str().into(),
            "kind" => match entry.kind {
                // told apart without colours too
                AuditKind::Refused => format!("{} refused", self.1.theme.glyph("✖", "x")).into(),
                kind => kind.as_str().into(),
            },
            "name" => entry.about_devices().into(),
            _ => entry.in_a_line().into(),
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        let entry = &self.0.entries[row];
        match COLUMNS[column].name {
            "at" if entry.set_back.is_some() => Token::Bad,
            "at" | "entry" => Token::Dim,
            _ => look(entry),
        }
    }

    fn order(&self, a: usize, b: usize, column: usize) -> Ordering {
        let entries = &self.0.entries;
        match COLUMNS[column].name {
            "at" => entries[b].at.cmp(&entries[a].at),
            "entry" => entries[b].seq.cmp(&entries[a].seq),
            _ => self.cell(a, column).cmp(&self.cell(b, column)),
        }
    }
}

impl Pane for Trail {
    fn status(&self, _cx: &Cx) -> String {
        if !self.loaded || self.failed.is_some() {
            return String::new();
        }
        let more = if self.page.more { format!(" of {}", self.page.newest) } else { String::new() };
        self.table.status(self.page.entries.len()) + &more
    }

    fn wants(&mut self, cx: &Cx) -> Option<Query> {
        match self.check {
            Check::Wanted => {
                self.check = Check::GoesOn;
                return Some(Query::AuditVerify);
            }
            // a newer read would make this one's answer void
            Check::GoesOn => return None,
            // what was refused is refused again, and each time it is journalled
            _ if self.failed.is_some() => return None,
            Check::Unasked | Check::Done(_) => {}
        }
        let wanted = (Versions { pulse: 0, ..cx.snapshot.versions }, self.limit);
        (self.read_at.replace(wanted) != Some(wanted)).then_some(Query::Audit(self.limit))
    }

    fn answer(&mut self, answer: Answer, cx: &Cx) {
        match answer {
            Answer::Audit(page) => {
                (self.page, self.failed, self.loaded) = (page, None, true);
                self.table.update(&View(&self.page, cx));
            }
            Answer::AuditVerify(report) => self.check = Check::Done(Ok(report)),
            Answer::Failed(why) if matches!(self.check, Check::GoesOn) => {
                self.check = Check::Done(Err(clean_line(&why).into_owned()));
            }
            Answer::Failed(why) => self.failed = Some(clean_line(&why).into_owned()),
            _ => {}
        }
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match words {
            ["open"] => match self.selected() {
                Some(entry) => Outcome::Line(format!("audit {}", entry.seq)),
                None => Outcome::Done,
            },
            ["verify"] => {
                if !matches!(self.check, Check::GoesOn) {
                    self.check = Check::Wanted;
                }
                Outcome::Done
            }
            ["older"] => self.older(),
            ["again"] => {
                (self.read_at, self.failed) = (None, None);
                Outcome::Done
            }
            _ => self.table.act(words, &View(&self.page, cx)),
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if let Some(why) = &self.failed {
            return notice(area, buf, &cx.theme, why);
        }
        if !self.loaded {
            return notice(area, buf, &cx.theme, "Reading the journal …");
        }
        let area = self.draw_head(area, buf, cx);
        if self.page.entries.is_empty() {
            return notice(area, buf, &cx.theme, "Nothing was done yet");
        }
        let area = self.draw_whole(area, buf, cx);
        self.table.draw(area, buf, cx, &View(&self.page, cx), "Nothing was done yet");
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        self.table.click(x, y, &View(&self.page, cx))
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        self.selected()?.devices.first().cloned()
    }

    fn columns(&self) -> Vec<&'static str> {
        self.table.names()
    }

    fn filter(&self) -> Option<&str> {
        Some(self.table.filter())
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) {
        self.table.set_filter(text, &View(&self.page, cx));
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let entry = self.selected()?;
        Some(format!("{}\t{}\t{}\t{}", entry.seq, cx.date(entry.at), entry.who, entry.in_a_line()))
    }

    fn disabled(&self, line: &str, _cx: &Cx) -> Option<String> {
        match line {
            "older" if !self.page.more => Some("there is nothing older".into()),
            "shift-right" | "shift-left" => Some("there is no long text here".into()),
            _ => None,
        }
    }
}

/// One entry.
struct Entry {
    number: u64,
    asked: bool,
    detail: Option<Arc<AuditDetail>>,
    failed: Option<String>,
    pager: Pager,
}

/// A line of what is told of an entry: its text, its look, and what `enter` opens.
struct Told {
    name: String,
    text: String,
    token: Token,
    opens: Option<String>,
}

impl Entry {
    fn new(number: u64) -> Self {
        Self { number, asked: false, detail: None, failed: None, pager: Pager::default() }
    }

    /// What `enter` opens on the selected line.
    fn opens(&self, cx: &Cx) -> Option<String> {
        self.lines(cx).into_iter().nth(self.pager.cursor)?.opens
    }

    fn lines(&self, cx: &Cx) -> Vec<Told> {
        let Some(detail) = &self.detail else { return Vec::new() };
        let plain = |name: &str, text: &str, token| Told {
            name: name.to_owned(),
            text: clean_line(text).into_owned(),
            token,
            opens: None,
        };
        let mut lines: Vec<Told> = Vec::new();
        for (name, value) in detail.entry.facts() {
            // in the zone of who looks, not that of the engine's host
            let value = if name == "at" { cx.full(detail.entry.at) } else { value };
            let token = match name {
                "clock" => Token::Bad,
                "hash" | "prev" => Token::Dim,
                "kind" => look(&detail.entry),
                _ => Token::Text,
            };
            lines.push(plain(name, &value, token));
        }
        for changed in &detail.changed {
            let text = format!("{} {}: {}", changed.table, changed.key, changed.what);
            lines.push(plain("changed", &text, Token::Text));
        }
        let more = detail.entry.changes.saturating_sub(detail.changed.len());
        if more > 0 {
            lines.push(plain("", &format!("and {more} more"), Token::Dim));
        }
        for lead in &detail.leads {
            let opens = opens(lead);
            lines.push(Told { opens, ..plain("see", lead, Token::Key) });
        }
        lines
    }
}

/// The pane that shows what a command line shows.
fn opens(lead: &str) -> Option<String> {
    let panes = [("backup show ", "config "), ("recording show ", "recording "), ("incident show ", "incident ")];
    panes.into_iter().find_map(|(command, pane)| Some(format!("{pane}{}", lead.strip_prefix(command)?)))
}

impl Pane for Entry {
    fn subject(&self) -> String {
        self.number.to_string()
    }

    fn wants(&mut self, _cx: &Cx) -> Option<Query> {
        (!std::mem::replace(&mut self.asked, true)).then_some(Query::AuditEntry(self.number))
    }

    fn answer(&mut self, answer: Answer, cx: &Cx) {
        match answer {
            Answer::AuditEntry(detail) => {
                (self.detail, self.failed) = (Some(detail), None);
                // what `enter` opens is what one comes for
                let first = self.lines(cx).iter().position(|line| line.opens.is_some());
                self.pager.cursor = first.unwrap_or(0);
            }
            Answer::Failed(why) => self.failed = Some(clean_line(&why).into_owned()),
            _ => {}
        }
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match words {
            ["open"] => {
                self.opens(cx).map_or(Outcome::Done, Outcome::Line)
            }
            ["again"] => {
                self.asked = false;
                Outcome::Done
            }
            ["shift-left"] => self.pager.act(&["left"], 0),
            ["shift-right"] => self.pager.act(&["right"], 0),
            _ => self.pager.act(words, self.lines(cx).len()),
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let lines = self.lines(cx);
        if lines.is_empty() {
            let sentence = self.failed.as_deref().unwrap_or("Reading the entry …");
            return notice(area, buf, &cx.theme, sentence);
        }
        for (at, y) in self.pager.window(lines.len(), area).zip(area.y..) {
            let line = &lines[at];
            let base = if at == self.pager.cursor { cx.theme.style(Token::Selected) } else { Default::default() };
            buf.set_style(Rect { y, height: 1, ..area }, base);
            let style = |token| theme::over(base, cx.theme.style(token));
            text::put(buf, area.x + 1, y, area.width.saturating_sub(1), &line.name, style(Token::Dim));
            let x = area.x + 10;
            let shown = shifted(&line.text, self.pager.left);
            text::put(buf, x, y, area.right().saturating_sub(x), shown, style(line.token));
        }
    }

    fn click(&mut self, _x: u16, y: u16, _cx: &Cx) -> Outcome {
        self.pager.click(y)
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        self.detail.as_ref()?.entry.devices.first().cloned()
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let lines: Vec<String> =
            self.lines(cx).iter().map(|line| format!("{:<9} {}", line.name, line.text)).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn disabled(&self, line: &str, cx: &Cx) -> Option<String> {
        if line == "open" && self.opens(cx).is_none() {
            return Some("there is nothing more behind this line".to_owned());
        }
        let of_trail = matches!(line, "verify" | "older") || line.starts_with("filter");
        of_trail.then(|| "this is one entry: Esc goes back to all".to_owned())
    }
}
