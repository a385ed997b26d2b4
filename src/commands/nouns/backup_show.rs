//! `backup show`, `backup diff`, `backup export`: reading stored configurations.

use serde::Serialize;

use crate::commands::answer::count;
use crate::commands::devices::{ALL, DRIVER, FILTER, GROUP, NAMES, TAG};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::audit::AuditNote;
use crate::engine::diff::{self, Diff, LineKind};
use crate::engine::history::View;
use crate::model::{Danger, Revision, Role};

/// `--view normal|exact`
const VIEW: Arg = Arg::optional(
    "--view",
    Kind::Choice(&["normal", "exact"]),
    "normal (default): without noise, secrets as fingerprints; exact: as the device sent it, for engineers",
);

inventory::submit! { Command {
    name: "backup show",
    aliases: &[],
    about: "Show a stored configuration",
    args: &[
        Arg::one("device", Kind::Device, "whose"),
        Arg::optional("revision", Kind::Revision, "which; the newest good one where it is left out"),
        VIEW,
    ],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(show(call)),
} }

inventory::submit! { Command {
    name: "backup diff",
    aliases: &[],
    about: "Show what differs between two revisions, or two devices",
    args: &[
        Arg::one("device", Kind::Device, "whose"),
        Arg::optional("revision", Kind::Revision, "the old one; else the one before the newest"),
        Arg::optional("other", Kind::Revision, "the new one; else the newest good one"),
        Arg::optional("--with", Kind::Device, "compare with this device's newest, or its OTHER"),
        Arg::optional("--context", Kind::Number(0, 100_000), "unchanged lines around a change; else 3"),
    ],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(diff(call)),
} }

inventory::submit! { Command {
    name: "backup export",
    aliases: &[],
    about: "Write the newest good configuration of each device to a file with the device's name",
    args: &[Arg::one("folder", Kind::Path, "where to"), VIEW, NAMES, GROUP, TAG, DRIVER, FILTER, ALL],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(export(call)),
} }

/// The view that was asked for, if this person may have it.
async fn view(call: &Call) -> Result<View, ActError> {
    if call.args.get(VIEW.name) != Some("exact") {
        return Ok(View::Normal);
    }
    let person = &call.door.person;
    if !person.rights.may(Role::READS_SECRETS) {
        return Err(no_secrets(call).await);
    }
    Ok(View::Exact)
}

async fn no_secrets(call: &Call) -> ActError {
    let person = &call.door.person;
    let why = format!(
        "exact texts hold secrets and need the role {}, {} has {}; the normal view shows fingerprints in their place",
        Role::READS_SECRETS, person.name, person.rights
    );
    if let Ok(engine) = call.engine() {
        // it is refused also where that cannot be journalled
        let _ = engine.note_refused(&call.actor, &why).await;
    }
    ActError::conflict(why)
}

/// A configuration as `--json` shows it.
#[derive(Serialize)]
struct Text<'a> {
    device: &'a str,
    revision: u32,
    at: String,
    view: &'static str,
    text: &'a str,
}

async fn show(call: &Call) -> Result<Exit, ActError> {
    let (engine, view) = (call.engine()?, view(call).await?);
    let device = engine.device(call.args.one("device"))?;
    if view == View::Exact && !call.may(Role::READS_SECRETS, &device) {
        return Err(no_secrets(call).await);
    }
    let revision = engine.revision(&device, call.args.get("revision").unwrap_or("newest")).await?;
    if view == View::Exact {
        let note = AuditNote::read(&call.actor, "an exact text was shown");
        engine.note_read(&call.actor, note.of_revision(device.id, revision.number)).await?;
    }
    let text = engine.text(&revision, view).await?;
    if call.json {
        call.object(&Text {
            device: device.name.as_str(),
            revision: revision.number,
            at: revision.at.rfc3339(),
            view: if view == View::Exact { "exact" } else { "normal" },
            text: &String::from_utf8_lossy(&text),
        })?;
    } else {
        call.content(&text);
    }
    Ok(Exit::Done)
}

/// One side of a difference.
struct Side {
    device: String,
    revision: Revision,
    text: String,
}

impl Side {
    async fn read(call: &Call, name: &str, which: &str) -> Result<Self, ActError> {
        let engine = call.engine()?;
        let device = engine.device(name)?;
        let revision = engine.revision(&device, which).await?;
        let text = engine.text(&revision, View::Normal).await?;
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(Self { device: device.name.to_string(), revision, text })
    }

    fn heading(&self) -> String {
        format!("{} revision {} ({})", self.device, self.revision.number, self.revision.at.rfc3339())
    }

    fn place(&self) -> Place<'_> {
        Place { device: &self.device, revision: self.revision.number, at: self.revision.at.rfc3339() }
    }
}

/// A difference as `--json` shows it.
#[derive(Serialize)]
struct Difference<'a> {
    old: Place<'a>,
    new: Place<'a>,
    added: usize,
    removed: usize,
    unseen_secrets: usize,
    hunks: Vec<ShownHunk>,
}

#[derive(Serialize)]
struct Place<'a> {
    device: &'a str,
    revision: u32,
    at: String,
}

#[derive(Serialize)]
struct ShownHunk {
    old_start: usize,
    old_lines: usize,
    new_start: usize,
    new_lines: usize,
    lines: Vec<ShownLine>,
}

#[derive(Serialize)]
struct ShownLine {
    kind: &'static str,
    text: String,
}

async fn diff(call: &Call) -> Result<Exit, ActError> {
    let name = call.args.one("device");
    let (revision, other) = (call.args.get("revision"), call.args.get("other"));
    let with = call.args.get("--with");
    let old = Side::read(call, name, revision.unwrap_or(if with.is_some() { "newest" } else { "-1" })).await?;
    let new = Side::read(call, with.unwrap_or(name), other.unwrap_or("newest")).await?;
    let context = call.args.number("--context").and_then(|lines| usize::try_from(lines).ok());
    let found = diff::lines(&old.text, &new.text, context.unwrap_or(diff::CONTEXT));
    if call.json {
        call.object(&shown(&old, &new, &found))?;
    } else if found.hunks.is_empty() {
        call.note(format!("{} and {} are the same", old.heading(), new.heading()));
    } else {
        call.content(diff::unified(&found, &old.heading(), &new.heading()).as_bytes());
    }
    if let Some(note) = diff::unseen_note(&new.text).filter(|_| !call.json) {
        call.note(note);
    }
    Ok(Exit::Done)
}

fn shown<'a>(old: &'a Side, new: &'a Side, found: &Diff) -> Difference<'a> {
    let kind = |kind| match kind {
        LineKind::Same => "same",
        LineKind::Removed => "removed",
        LineKind::Added => "added",
    };
    let hunks = found.hunks.iter().map(|hunk| ShownHunk {
        old_start: hunk.old_start,
        old_lines: hunk.old_lines,
        new_start: hunk.new_start,
        new_lines: hunk.new_lines,
        lines: hunk
            .lines
            .iter()
            .map(|line| ShownLine { kind: kind(line.kind), text: line.text() })
            .collect(),
    });
    let hunks = hunks.collect();
    Difference {
        old: old.place(),
        new: new.place(),
        added: found.added,
        removed: found.removed,
        unseen_secrets: diff::unseen_secrets(&new.text),
        hunks,
    }
}

/// A written file as `--json` shows it.
#[derive(Serialize)]
struct Written<'a> {
    path: Option<&'a str>,
    bytes: usize,
    error: Option<&'a str>,
}

async fn export(call: &Call) -> Result<Exit, ActError> {
    let view = view(call).await?;
    let mut selection = call.args.selection_or_all()?;
    let engine = call.engine()?;
    if view == View::Exact {
        selection.within = call.door.person.rights.within(Role::READS_SECRETS);
        let devices = count(engine.select(&selection)?.len(), "device");
        let note = AuditNote::read(&call.actor, &format!("the exact texts of {devices} were exported"));
        engine.note_read(&call.actor, note).await?;
    }
    let mut files = engine.export(&selection, view)?;
    let folder = call.args.one("folder").trim_end_matches('/');
    let (mut written, mut failed) = (0, 0);
    while let Some(file) = files.recv().await {
        let file = file.map_err(|error| error.message).and_then(|file| {
            let path = format!("{folder}/{}", file.name);
            call.door.io.write_file(&path, &file.bytes, view == View::Exact)?;
            Ok((path, file.bytes.len()))
        });
        match &file {
            Ok(_) => written += 1,
            Err(why) => {
                failed += 1;
                call.note(format!("noctule: {}", crate::model::clean_line(why)));
            }
        }
        if call.json {
            call.object(&match &file {
                Ok((path, bytes)) => Written { path: Some(path), bytes: *bytes, error: None },
                Err(error) => Written { path: None, bytes: 0, error: Some(error) },
            })?;
        }
    }
    if !call.json {
        call.say_clean(&format!("{} written to {folder}", count(written, "configuration")));
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::Failed })
}
