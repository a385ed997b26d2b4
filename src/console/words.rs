//! What several panes say of a device and of a job.

use std::borrow::Cow;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::action::Outcome;
use super::cx::Cx;
use super::evidence;
use super::text;
use super::theme::{self, Token, state};
use super::widgets::Table;
use crate::engine::snapshot::{BackupState, DeviceRow, Job, Stage};
use crate::model::{Device, DeviceId, RunStatus, Timestamp, clean_line};

/// A device's health: its glyph and its word.
pub fn health(row: &DeviceRow, cx: &Cx) -> String {
    format!("{} {}", cx.theme.state_glyph(row.state), state(row.state).0)
}

/// Why a device is as it is, in one line; empty where all is well.
pub fn why<'a>(row: &'a DeviceRow, cx: &'a Cx) -> Cow<'a, str> {
    let device = &row.device;
    let failure = row.last_run.as_ref().and_then(|run| run.failure.as_ref());
    match (row.state, failure) {
        (BackupState::Off, _) if device.deleted.is_some() => "deleted".into(),
        (BackupState::Off, _) if !device.is_managed() => "unmanaged".into(),
        (BackupState::Off, _) if device.paused => "paused".into(),
        (BackupState::Running, _) => stage(device.id, cx).unwrap_or_default(),
        (BackupState::Failed | BackupState::Suspect, Some(failure)) => {
            format!("{}: {}", failure.kind, clean_line(&failure.message)).into()
        }
        (BackupState::Never, _) if device.driver.is_none() => "no driver: it cannot be backed up".into(),
        (BackupState::Never, _) => "never backed up".into(),
        (BackupState::Late, _) => format!("last proven {} ago", cx.age(row.proven)).into(),
        _ => "".into(),
    }
}

/// What is being done with a device right now.
fn stage(device: DeviceId, cx: &Cx) -> Option<Cow<'_, str>> {
    let running = cx.snapshot.jobs.iter().filter(|job| job.ended.is_none());
    running.flat_map(|job| job.tasks.iter()).find_map(|task| match &task.stage {
        Stage::At(step) if task.device == device => Some(clean_line(step)),
        Stage::Retrying(attempt) if task.device == device => Some(format!("attempt {attempt}").into()),
        _ => None,
    })
}

/// The names of the devices that a command is about, in a table of devices: the marked ones, else the selected one.
pub fn chosen(table: &Table, cx: &Cx) -> Vec<String> {
    if table.has_marked() {
        return marked_or_selected(table, cx.snapshot.devices.iter().map(|row| &row.device));
    }
    let selected = table.selected_id().and_then(|id| cx.device(DeviceId(id)));
    selected.map(|row| row.device.name.to_string()).into_iter().collect()
}

/// The names of the devices that a command is about: those of `devices` that are marked in the table, else the selected one.
pub fn marked_or_selected<'a>(table: &Table, devices: impl Iterator<Item = &'a Arc<Device>>) -> Vec<String> {
    let (marks, cursor) = (table.marked(), table.selected_id());
    let (mut marked, mut selected) = (Vec::new(), Vec::new());
    for device in devices {
        if marks.contains(&device.id.0) {
            marked.push(device.name.to_string());
        } else if cursor == Some(device.id.0) {
            selected.push(device.name.to_string());
        }
    }
    if marked.is_empty() { selected } else { marked }
}

/// Whether a device's last run left a recording.
pub fn has_recording(row: &DeviceRow) -> bool {
    row.last_run.as_ref().is_some_and(|run| run.recording.is_some())
}

/// The line that shows the recording that a device's last run left.
pub fn recording(row: Option<&DeviceRow>) -> Outcome {
    let recording = row.and_then(|row| Some((row, row.last_run.as_ref()?.recording?)));
    match recording {
        Some((row, id)) => Outcome::Line(format!("recording {} {id}", row.device.name)),
        None => Outcome::refused("The last run left no recording"),
    }
}

/// A line of a record.
#[derive(Clone, Debug)]
pub struct Field {
    /// What it is; empty for a head.
    pub name: String,
    /// What it says; empty where it says nothing.
    pub value: String,
    /// Its look.
    pub token: Token,
}

impl Field {
    /// A line.
    pub fn new(name: impl Into<String>, value: impl Into<String>, token: Token) -> Self {
        Self { name: name.into(), value: value.into(), token }
    }

    /// A title over lines.
    pub fn head(title: &str) -> Self {
        Self::new("", title, Token::Section)
    }
}

/// Everything that is known of a device, in the order in which people look for it.
pub fn fields(row: &DeviceRow, cx: &Cx) -> Vec<Field> {
    let device = &row.device;
    let plain = |name: &str, value: &str| Field::new(name, value, Token::Text);
    let mut fields =
        vec![Field::head(device.name.as_str()), Field::new("status", health(row, cx), state(row.state).1)];
    if row.state != BackupState::Good {
        fields.push(plain("why", &why(row, cx)));
    }
    let port = device.port.map_or_else(String::new, |port| format!(" port {port}"));
    let transport = device.transport.map_or("unmanaged", |transport| transport.as_str());
    let driver = device.driver.as_ref().map_or("none", |driver| driver.as_str());
    let yes = |yes: bool| if yes { "yes" } else { "" };
    fields.extend([
        plain("address", &format!("{} {transport}{port}", device.address)),
        plain("driver", driver),
        plain("login name", &device.username),
        plain("password", if device.password.is_some() { "stored, sealed" } else { "none" }),
        plain("enable password", if device.enable_password.is_some() { "stored, sealed" } else { "" }),
        plain("key file", &device.identity_file),
        plain("jump hosts", &device.proxy_jump),
        plain("old algorithms", yes(device.legacy_algorithms)),
        plain("character set", &device.charset),
        plain("group", &device.group),
        plain("location", &device.location),
        plain("role", &device.role),
        plain("tags", &device.tags.join(" ")),
        plain("asset tag", &device.asset_tag),
        plain("about", &device.description),
        plain("paused", yes(device.paused)),
        Field::head("Backups"),
        plain("last proven", &row.proven.map_or_else(|| "never".into(), |at| moment(at, cx))),
        plain("last change", &row.changed.map_or_else(|| "never seen".into(), |at| moment(at, cx))),
        plain("revisions", &row.revisions.to_string()),
    ]);
    if let Some(run) = &row.last_run {
        let took = format!("{}.{} s", run.millis / 1000, run.millis % 1000 / 100);
        let line =
            format!("{} {}, {took}, by {}", cx.theme.run_glyph(run.status), moment(run.at, cx), run.by);
        fields.push(Field::new("last run", line, theme::run(run.status)));
    }
    if let Some(revision) = &row.newest {
        let size = format!(
            "#{} {} lines, {} bytes, read {}",
            revision.number,
            revision.lines,
            revision.exact.len,
            moment(revision.at, cx)
        );
        fields.push(plain("newest good", &size));
        fields.push(Field::new("evidence", evidence::proof(revision), Token::Good));
        fields.push(plain("sha256", &revision.sha256));
    }
    fields
}

/// A moment and how long ago it was.
fn moment(at: Timestamp, cx: &Cx) -> String {
    format!("{} ({} ago)", cx.date(at), cx.age(Some(at)))
}

/// The columns of a bar.
const BAR: u16 = 20;

/// A full and an empty part in the proportion of `done` to `all`, in `columns`. It is full when all is done, not before.
pub fn draw_bar(done: u64, all: u64, area: Rect, buf: &mut Buffer, cx: &Cx, token: Token) {
    let columns = area.width;
    let part = u64::from(columns) * done.min(all) / all.max(1);
    let mut full = u16::try_from(part).unwrap_or(columns);
    if done < all {
        full = full.min(columns.saturating_sub(1));
    }
    let line = |glyph: &str, count: u16| glyph.repeat(usize::from(count));
    let filled = line(cx.theme.glyph("━", "#"), full);
    let x = text::put(buf, area.x, area.y, full, &filled, cx.theme.style(token));
    let empty = line(cx.theme.glyph("─", "-"), columns - full);
    text::put(buf, x, area.y, columns - full, &empty, cx.theme.style(Token::Dim));
}

/// How far a job is, in one row.
pub fn draw_progress(job: &Job, area: Rect, buf: &mut Buffer, cx: &Cx) {
    let over = job.tasks.iter().filter(|task| matches!(task.stage, Stage::Done(_))).count();
    let failed = job.tasks.iter().filter(|task| task.stage == Stage::Done(RunStatus::Failed)).count();
    let (done, all) = (over as u64, job.tasks.len() as u64);
    let bar = Rect { x: area.x + 1, width: BAR.min(area.width.saturating_sub(1)), ..area };
    draw_bar(done, all, bar, buf, cx, Token::Running);
    let room = |x: u16| area.right().saturating_sub(x);
    let x = bar.right() + 1;
    let mut x =
        text::put(buf, x, area.y, room(x), &format!("{over} of {all}"), cx.theme.style(Token::Running));
    if failed > 0 {
        let failures = format!(", {} {failed} failed", cx.theme.run_glyph(RunStatus::Failed));
        x = text::put(buf, x, area.y, room(x), &failures, cx.theme.style(Token::Bad));
    }
    let what = format!("  {}  by {}, {}", clean_line(&job.line), clean_line(&job.by), cx.age(Some(job.at)));
    text::put(buf, x, area.y, room(x), &what, cx.theme.style(Token::Text));
}
