//! One device: everything that is known of it, and what can be done with it.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::answering;
use crate::console::cx::Cx;
use crate::console::given;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::text;
use crate::console::theme::Token;
use crate::console::widgets::pager::shifted;
use crate::console::widgets::{ChangePreview, Pager, notice};
use crate::console::words::{self, Field};
use crate::engine::query::{Answer, Query};
use crate::engine::snapshot::DeviceRow;
use crate::engine::timeline::{Timeline, TimelineOf};
use crate::engine::trust::KnownKey;
use crate::engine::vault::Explained;
use crate::model::{DeviceId, Revision, Timestamp, clean_line};

inventory::submit! { Decl {
    name: "device",
    aliases: &[],
    title: "Device",
    about: "Show everything that is known of a device",
    args: "DEVICE",
    tab: None,
    reads: &[Topic::Devices, Topic::Jobs, Topic::Events, Topic::Pulse, Topic::Incidents],
    keys: &[
        Bind::hint("enter", "history {device}", "History"),
        Bind::hint("c", "config {device}", "Config"),
        Bind::hint("d", "diff {device}", "Diff"),
        Bind::hint("b", "backup run {device}", "Back up"),
        Bind::hint("r", "show-recording", "Recording of the failure"),
        Bind::hint("T", "timeline {device}", "Timeline"),
        Bind::new("S", "terminal {device}", "Open a terminal: SSH or Telnet"),
        Bind::new("i", "history {device}", "History"),
        Bind::new("P", "pulse-history {device}", "The pulse over time"),
        Bind::new("I", "identity device:{device}", "What it says it is"),
        Bind::new("E", "edit device {device}", "Change the record"),
        Bind::new("D", "edit driver {driver}", "The driver's file"),
        Bind::new("W", "device web {device}", "Open its web page through its jump hosts"),
        Bind::new("t", "device trust {device}", "Trust the new host key"),
        Bind::new("p", "toggle-pause", "Leave out of scheduled work, or take in again"),
        Bind::new("X", "device rm {device}", "Delete"),
    ],
    make: |args, cx| match args {
        [name] => {
            let row = cx.device_named(name).ok_or_else(|| format!("There is no device {name}"))?;
            Ok(Box::new(DevicePage {
                id: row.device.id,
                name: name.clone(),
                pager: Pager::default(),
                count: 0,
                keys: Vec::new(),
                read_at: None,
                gets: None,
                gets_read_at: None,
                revisions: Arc::new([]),
                revisions_read_at: None,
                timeline: Arc::default(),
                timeline_read_at: None,
                waits: false,
                waits_for_credentials: false,
                preview: ChangePreview::default(),
            }))
        }
        _ => Err("device needs one device: :device core-1".into()),
    },
} }

/// The newest entries of the timeline that the page shows, of so many milliseconds.
const LAST: usize = 12;
/// See [`LAST`].
const LATELY: i64 = 7 * 86_400_000;

/// The newest event of the device, its last run, and since when it stands as it does.
type Known = (Option<u64>, Option<Timestamp>, Option<Timestamp>);

struct DevicePage {
    id: DeviceId,
    name: String,
    pager: Pager,
    /// The lines that can be the first one shown, at the last drawing.
    count: usize,
    keys: Vec<KnownKey>,
    /// The version of the picture in which the keys were read.
    read_at: Option<u64>,
    /// Which credentials it gets and why, or why that is not told.
    gets: Option<Result<Arc<Explained>, String>>,
    /// The version of the picture in which that was read.
    gets_read_at: Option<u64>,
    /// Newest first; read only where there is room for the preview.
    revisions: Arc<[Revision]>,
    /// The version of the picture in which the revisions were read.
    revisions_read_at: Option<u64>,
    /// The newest of what happened.
    timeline: Arc<Timeline>,
    /// What was known when that was read: something else means reading again.
    timeline_read_at: Option<Known>,
    /// An answer is on its way: another read would make it void.
    waits: bool,
    /// It is that to which credentials.
    waits_for_credentials: bool,
    preview: ChangePreview,
}

impl DevicePage {
    fn row<'a>(&self, cx: &'a Cx) -> Option<&'a DeviceRow> {
        cx.device(self.id)
    }

    /// The number of the newest good revision.
    fn number(&self) -> Option<u32> {
        let good = self.revisions.iter().find(|revision| revision.state.is_good());
        good.map(|revision| revision.number)
    }

    /// Whether the operator may see which credentials it gets: who may not does not ask.
    fn may_see_credentials(&self, cx: &Cx) -> bool {
        let within = cx.rights.within(Query::CredentialsOf(self.id).role());
        self.row(cx).is_some_and(|row| within.holds(&row.device))
    }

    /// The record and what happened, as lines: a name, a value, its look.
    fn fields(&self, row: &DeviceRow, cx: &Cx) -> Vec<Field> {
        let mut fields = words::fields(row, cx);
        fields.extend(answering::fields(row, cx));
        if let Some(gets) = &self.gets {
            fields.extend(given::fields(gets, cx));
        }
        if !self.keys.is_empty() {
            fields.push(Field::head("Host keys"));
        }
        for key in &self.keys {
            let pinned = if key.pinned.is_empty() { "none is pinned".to_owned() } else { key.pinned.join(", ") };
            let since = if key.pinned.is_empty() { String::new() } else { format!(", since {}", cx.date(key.since)) };
            fields.push(Field::new(key.place.clone(), format!("{pinned}{since}"), Token::Text));
            if let Some((shown, at)) = &key.refused {
                let line = format!("{shown} was shown at {} and refused: t trusts it", cx.date(*at));
                fields.push(Field::new("", line, Token::Bad));
            }
        }
        fields.extend(self.last_fields(row, cx));
        fields
    }

    /// What happened last: the newest of the timeline; the events that the picture has while that is not read.
    fn last_fields(&self, row: &DeviceRow, cx: &Cx) -> Vec<Field> {
        let line = |at, severity, what: &str| {
            let value = format!("{} {}", cx.theme.severity_glyph(severity), clean_line(what));
            Field::new(cx.date(at), value, crate::console::theme::severity(severity))
        };
        let told = self.timeline.entries.iter();
        let mut lines: Vec<Field> = told.map(|entry| line(entry.at, entry.severity, &entry.what)).collect();
        if lines.is_empty() {
            let events =
                cx.snapshot.events.iter().filter(|event| event.device.as_ref() == Some(&row.device.name));
            lines = events.take(LAST).map(|event| line(event.at, event.severity, &event.message)).collect();
        }
        if !lines.is_empty() {
            lines.insert(0, Field::head("What happened last: T shows all of it"));
        }
        lines
    }

    fn known(&self, cx: &Cx) -> Known {
        let mut events = cx.snapshot.events.iter();
        let event = events.find(|event| event.device.as_ref().is_some_and(|name| name.as_str() == self.name));
        let run = self.row(cx).and_then(|row| row.last_run.as_ref()).map(|run| run.at);
        let since = cx.snapshot.pulse.row(self.id).and_then(|row| row.since);
        (event.map(|event| event.seq), run, since)
    }
}

impl Pane for DevicePage {
    fn subject(&self) -> String {
        self.name.clone()
    }

    fn wants(&mut self, cx: &Cx) -> Option<Query> {
        if self.waits {
            return None;
        }
        // a key is pinned, refused or trusted with an event, and so is a revision stored
        let now = Some(cx.snapshot.versions.events);
        let query = if std::mem::replace(&mut self.read_at, now) != now {
            Some(Query::HostKeys(self.id))
        } else if self.may_see_credentials(cx) && std::mem::replace(&mut self.gets_read_at, now) != now {
            Some(Query::CredentialsOf(self.id))
        } else if self.timeline_read_at.replace(self.known(cx)) != Some(self.known(cx)) {
            let from = Timestamp(cx.now.0.saturating_sub(LATELY));
            Some(Query::Timeline(TimelineOf { device: self.id, from, until: None, most: LAST }))
        } else if self.preview.fits && std::mem::replace(&mut self.revisions_read_at, now) != now {
            Some(Query::History(self.id))
        } else {
            self.preview.wants(self.id, self.number(), &self.revisions)
        };
        self.waits = query.is_some();
        self.waits_for_credentials = matches!(query, Some(Query::CredentialsOf(_)));
        query
    }

    fn answer(&mut self, answer: Answer, _cx: &Cx) {
        self.waits = false;
        let of_credentials = std::mem::take(&mut self.waits_for_credentials);
        match answer {
            Answer::CredentialsOf(gets) => self.gets = Some(Ok(gets)),
            Answer::Failed(why) if of_credentials => self.gets = Some(Err(why)),
            Answer::HostKeys(keys) => self.keys = keys,
            Answer::Timeline(timeline) => self.timeline = timeline,
            Answer::History { revisions, .. } => self.revisions = revisions,
            answer => self.preview.answer(answer),
        }
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        let Some(row) = self.row(cx) else { return Outcome::Unknown };
        match words {
            ["open"] => Outcome::Line("history {device}".into()),
            ["show-recording"] => words::recording(Some(row)),
            ["toggle-pause"] => {
                let paused = if row.device.paused { "no" } else { "yes" };
                Outcome::Line(format!("device edit {} paused={paused}", self.name))
            }
            ["edit", "driver", "{driver}"] => match &row.device.driver {
                Some(driver) => Outcome::Line(format!("edit driver {driver}")),
                None => Outcome::refused("The device has no driver"),
            },
            _ => self.pager.act(words, self.count),
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let Some(row) = self.row(cx) else {
            return notice(area, buf, &cx.theme, "This device is not known any more.");
        };
        let (area, preview) = self.preview.split(area);
        if let Some(area) = preview.filter(|_| self.number().is_some()) {
            self.preview.draw(self.number(), "", area, buf, cx);
        }
        let label = if area.width >= 60 { 21 } else { 12 };
        let columns = area.width.saturating_sub(label + 2);
        let mut lines: Vec<(String, String, Token)> = Vec::new();
        for field in self.fields(row, cx).into_iter().filter(|field| !field.value.is_empty()) {
            let mut name = field.name;
            for value in text::wrap(&clean_line(&field.value), usize::from(columns)) {
                lines.push((std::mem::take(&mut name), value, field.token));
            }
        }
        // the page scrolls as a whole: no line of it is selected
        self.pager.page = usize::from(area.height);
        self.count = lines.len().saturating_sub(self.pager.page) + 1;
        self.pager.cursor = self.pager.cursor.min(self.count - 1);
        for ((name, value, token), y) in lines[self.pager.cursor..].iter().zip(area.top()..area.bottom()) {
            let (x, style) = (area.x + 1, cx.theme.style(*token));
            if *token == Token::Section && name.is_empty() {
                text::put(buf, x, y, area.width.saturating_sub(1), value, style.bold());
                continue;
            }
            text::put(buf, x, y, label.min(area.width.saturating_sub(1)), name, cx.theme.style(Token::Dim));
            text::put(buf, x + label, y, columns, shifted(value, self.pager.left), style);
        }
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        Some(self.name.clone())
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let fields = self.fields(self.row(cx)?, cx);
        let lines = fields.iter().filter(|field| !field.value.is_empty());
        Some(lines.map(|field| format!("{}\t{}", field.name, field.value)).collect::<Vec<_>>().join("\n"))
    }

    fn disabled(&self, line: &str, cx: &Cx) -> Option<String> {
        let row = self.row(cx)?;
        match line.split(' ').next() {
            Some("config" | "diff") if row.newest.is_none() => Some("no revision is stored yet".into()),
            Some("device") if line.starts_with("device trust") && self.keys.iter().all(|key| key.refused.is_none()) => {
                Some("no host key was refused".into())
            }
            Some("backup") if !row.device.is_managed() => Some("the device is not managed".into()),
            Some("show-recording") if !words::has_recording(row) => {
                Some("the last run left no recording".into())
            }
            _ if line == "edit driver {driver}" && row.device.driver.is_none() => {
                Some("the device has no driver".into())
            }
            _ => None,
        }
    }
}
