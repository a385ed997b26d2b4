//! One device's revisions and runs, newest first, and what speaks for each.

use std::borrow::Cow;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::evidence;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::theme::{self, Token};
use crate::console::widgets::{ChangePreview, Column, Rows, Table, notice};
use crate::engine::query::{Answer, Query};
use crate::model::{DeviceId, Revision, RevisionState, Run, RunStatus, Timestamp, clean_line};

inventory::submit! { Decl {
    name: "history",
    aliases: &["h"],
    title: "History",
    about: "Show the revisions and runs of a device",
    args: "DEVICE",
    tab: None,
    reads: &[Topic::Devices],
    keys: &[
        Bind::hint("enter", "open", "Open"),
        Bind::hint("c", "show-config", "Config"),
        Bind::hint("d", "show-diff", "Diff; with the one before, or of two marked"),
        Bind::hint("b", "backup run {device}", "Back up"),
        Bind::new("A", "accept", "Accept a revision that was put aside"),
    ],
    make: |args, cx| match args {
        [name] => {
            let row = cx.device_named(name).ok_or_else(|| format!("There is no device {name}"))?;
            Ok(Box::new(History::new(row.device.id, name)))
        }
        _ => Err("history needs one device: :history core-1".into()),
    },
} }

const COLUMNS: &[Column] = &[
    Column::new("at", 11, 0),
    Column::new("what", 12, 0),
    Column::new("revision", 8, 0).right(),
    Column::new("bytes", 9, 2).right(),
    Column::new("took", 7, 3).right(),
    Column::new("by", 10, 4),
    Column::new("evidence", 34, 0).grow(),
];

/// The command behind the action.
const ACCEPT: &str = "backup accept";

struct History {
    device: DeviceId,
    name: String,
    table: Table,
    entries: Vec<Entry>,
    /// Newest first.
    revisions: Arc<[Revision]>,
    preview: ChangePreview,
    failed: Option<String>,
    loaded: bool,
    /// What was known when the history was read: something else means reading again.
    read_at: Option<Known>,
}

/// The last run, the newest good revision, and how many revisions this session has accepted.
type Known = (Option<Timestamp>, Option<u32>, usize);

/// A run, and the revision that it stored or confirmed; or a revision whose run is forgotten.
struct Entry {
    at: Timestamp,
    run: Option<Run>,
    revision: Option<Arc<Revision>>,
    /// Whether this is where the revision was first read.
    first: bool,
}

impl History {
    fn new(device: DeviceId, name: &str) -> Self {
        Self {
            device,
            name: name.to_owned(),
            table: Table::new(COLUMNS, None),
            entries: Vec::new(),
            revisions: Arc::new([]),
            preview: ChangePreview::default(),
            failed: None,
            loaded: false,
            read_at: None,
        }
    }

    fn rows<'a>(&'a self, cx: &'a Cx) -> View<'a> {
        View { entries: &self.entries, cx }
    }

    /// The numbers of the marked revisions, the oldest first.
    fn marked_revisions(&self) -> Vec<u32> {
        let marked = self.table.marked();
        let entries = self.entries.iter().filter(|entry| marked.contains(&id(entry)));
        let mut numbers: Vec<u32> =
            entries.filter_map(|entry| entry.revision.as_ref()).map(|revision| revision.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn selected(&self) -> Option<&Entry> {
        self.entries.get(self.table.selected()?)
    }

    /// The number of the selected revision.
    fn number(&self) -> Option<u32> {
        self.selected()?.revision.as_ref().map(|revision| revision.number)
    }

    fn known(&self, cx: &Cx) -> Known {
        let row = cx.device(self.device);
        let last = row.and_then(|row| row.last_run.as_ref()).map(|run| run.at);
        let newest = row.and_then(|row| row.newest.as_ref()).map(|newest| newest.number);
        let accept = format!("{ACCEPT} {} ", self.name);
        let accepted = cx.runs.iter().filter(|run| run.exit == Some(0) && run.line.starts_with(&accept));
        (last, newest, accepted.count())
    }

    fn accept(&self) -> Outcome {
        let revision = self.selected().and_then(|entry| entry.revision.as_deref());
        let put_aside = revision.and_then(|revision| match &revision.state {
            RevisionState::Quarantined { reason } => Some((revision, reason)),
            RevisionState::Good | RevisionState::Accepted(_) => None,
        });
        let Some((revision, reason)) = put_aside else {
            return Outcome::refused("Only a revision that was put aside can be accepted");
        };
        Outcome::Reason {
            line: format!("{ACCEPT} {} {} --reason", self.name, revision.number),
            question: format!(
                "Revision {} of {} was put aside: {}. Does it count as whole all the same?",
                revision.number,
                self.name,
                clean_line(reason)
            ),
        }
    }
}

fn entries(revisions: &[Revision], runs: &[Run]) -> Vec<Entry> {
    let by_number = |number: u32| revisions.iter().find(|revision| revision.number == number);
    let mut entries: Vec<Entry> = runs
        .iter()
        .map(|run| {
            let revision = run.revision.and_then(by_number);
            let first = revision.is_some() && run.status != RunStatus::Unchanged;
            Entry { at: run.at, run: Some(run.clone()), revision: revision.cloned().map(Arc::new), first }
        })
        .collect();
    for revision in revisions {
        let has_run = runs.iter().any(|run| {
            run.revision == Some(revision.number) && run.status != RunStatus::Unchanged
        });
        if !has_run {
            let revision = Some(Arc::new(revision.clone()));
            let at = revision.as_ref().map_or(Timestamp(0), |revision| revision.at);
            entries.push(Entry { at, run: None, revision, first: true });
        }
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    entries
}

fn id(entry: &Entry) -> u64 {
    entry.at.0.unsigned_abs()
}

struct View<'a> {
    entries: &'a [Entry],
    cx: &'a Cx,
}

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn id(&self, row: usize) -> u64 {
        id(&self.entries[row])
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        let entry = &self.entries[row];
        let run = entry.run.as_ref();
        match COLUMNS[column].name {
            "at" => self.cx.when(entry.at).into(),
            "what" => match run {
                Some(run) => format!("{} {}", self.cx.theme.run_glyph(run.status), run.status).into(),
                None => format!("{} stored", self.cx.theme.run_glyph(RunStatus::Changed)).into(),
            },
            "revision" => entry.revision.as_ref().map_or("".into(), |rev| format!("#{}", rev.number).into()),
            "bytes" => match (run, &entry.revision) {
                (Some(run), _) if run.bytes > 0 => run.bytes.to_string().into(),
                (None, Some(revision)) => revision.exact.len.to_string().into(),
                _ => "".into(),
            },
            "took" => run.map_or("".into(), |run| seconds(run.millis).into()),
            "by" => run.map_or("".into(), |run| clean_line(&run.by)),
            _ => proof(entry),
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        let entry = &self.entries[row];
        let status = entry.run.as_ref().map_or(RunStatus::Changed, |run| run.status);
        match COLUMNS[column].name {
            "what" => theme::run(status),
            "revision" if entry.first => Token::Text,
            "at" | "evidence" if entry.first || status == RunStatus::Failed => Token::Text,
            _ => Token::Dim,
        }
    }
}

/// `0.8 s`.
fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

/// Why the run failed, or what speaks for the revision.
fn proof(entry: &Entry) -> Cow<'_, str> {
    if let Some(RevisionState::Quarantined { reason }) = entry.revision.as_ref().map(|rev| &rev.state) {
        return format!("put aside: {}", clean_line(reason)).into();
    }
    if let Some(revision) = entry.revision.as_ref().filter(|_| entry.first)
        && matches!(revision.state, RevisionState::Accepted(_))
    {
        return evidence::proof(revision).into();
    }
    if let Some(failure) = entry.run.as_ref().and_then(|run| run.failure.as_ref()) {
        return clean_line(&failure.message);
    }
    let Some(revision) = &entry.revision else { return "".into() };
    if !entry.first {
        return "the same text".into();
    }
    evidence::sentence(&revision.evidence).into()
}

impl Pane for History {
    fn subject(&self) -> String {
        self.name.clone()
    }

    fn status(&self, _cx: &Cx) -> String {
        self.table.status(self.entries.len())
    }

    fn wants(&mut self, cx: &Cx) -> Option<Query> {
        let known = self.known(cx);
        if self.read_at == Some(known) {
            let number = self.number().filter(|_| self.loaded);
            return self.preview.wants(self.device, number, &self.revisions);
        }
        self.loaded = false;
        self.preview.forget();
        self.read_at = Some(known);
        Some(Query::History(self.device))
    }

    fn answer(&mut self, answer: Answer, cx: &Cx) {
        match answer {
            Answer::History { revisions, runs } => {
                self.failed = None;
                self.entries = entries(&revisions, &runs);
                self.revisions = revisions;
            }
            answer if self.loaded => return self.preview.answer(answer),
            Answer::Failed(why) => self.failed = Some(clean_line(&why).into_owned()),
            _ => return,
        }
        self.loaded = true;
        let view = View { entries: &self.entries, cx };
        self.table.update(&view);
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        let name = &self.name;
        let revision = self.number();
        let recording = self.selected().and_then(|entry| entry.run.as_ref()).and_then(|run| run.recording);
        match (words, revision) {
            (["open"], _) if recording.is_some() => {
                Outcome::Line(format!("recording {name} {}", recording.unwrap_or_default()))
            }
            (["open" | "show-config"], Some(number)) => Outcome::Line(format!("config {name} {number}")),
            (["accept"], _) => self.accept(),
            (["show-diff"], number) => match (&self.marked_revisions()[..], number) {
                ([old, new], _) => Outcome::Line(format!("diff {name} {old} {new}")),
                (_, Some(number)) => Outcome::Line(format!("diff {name} {number}")),
                _ => Outcome::refused("This run stored no revision: there is nothing to compare"),
            },
            (["open" | "show-config"], None) => {
                Outcome::refused("This run stored no revision: there is nothing to show")
            }
            _ => {
                let view = View { entries: &self.entries, cx };
                self.table.act(words, &view)
            }
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let (list, preview) = self.preview.split(area);
        if let Some(why) = &self.failed {
            return notice(area, buf, &cx.theme, why);
        }
        if !self.loaded && self.entries.is_empty() {
            return notice(area, buf, &cx.theme, "Reading the history …");
        }
        if self.entries.is_empty() {
            let sentence = "This device was never backed up. b starts a backup.";
            return notice(area, buf, &cx.theme, sentence);
        }
        let view = View { entries: &self.entries, cx };
        self.table.draw(list, buf, cx, &view, "Nothing yet");
        if let Some(area) = preview {
            let why = self.selected().map_or("".into(), proof);
            self.preview.draw(self.number(), &why, area, buf, cx);
        }
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        let view = View { entries: &self.entries, cx };
        self.table.click(x, y, &view)
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        Some(self.name.clone())
    }

    fn columns(&self) -> Vec<&'static str> {
        self.table.names()
    }

    fn filter(&self) -> Option<&str> {
        Some(self.table.filter())
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) {
        let view = View { entries: &self.entries, cx };
        self.table.set_filter(text, &view);
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let view = self.rows(cx);
        let row = self.table.selected()?;
        Some((0..COLUMNS.len()).map(|column| view.cell(row, column)).collect::<Vec<_>>().join("\t"))
    }

    fn disabled(&self, line: &str, _cx: &Cx) -> Option<String> {
        let entry = self.selected();
        match (line, entry.and_then(|entry| entry.revision.as_ref())) {
            ("show-config" | "show-diff", None) => Some("no revision here".to_owned()),
            ("accept", revision) => match revision.map(|revision| revision.state.is_good()) {
                Some(false) => None,
                _ => Some("nothing put aside here".to_owned()),
            },
            _ => None,
        }
    }
}
