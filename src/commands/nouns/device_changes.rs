//! `device changes`: who changed a device's record, when and how.

use serde::Serialize;

use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::edits::Edit;
use crate::model::{Danger, Role};

inventory::submit! { Command {
    name: "device changes",
    aliases: &[],
    about: "Show who changed a device's record, when and what, as the journal has it",
    args: &[
        Arg::one("device", Kind::Device, "which"),
        Arg::optional("--since", Kind::Number(0, u32::MAX as u64), "what came after this revision of the record; else the last ten"),
    ],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(changes(call)),
} }

/// So many are shown where nobody says since when.
const LAST: u32 = 10;

/// A change as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    device: &'a str,
    record_revision: u32,
    at: String,
    by: &'a str,
    why: &'a str,
    fields: Vec<ShownField<'a>>,
}

/// A field of it.
#[derive(Serialize)]
struct ShownField<'a> {
    field: &'static str,
    before: &'a str,
    after: &'a str,
}

async fn changes(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let device = engine.device(call.args.one("device"))?;
    let since = call.args.number("--since").and_then(|since| u32::try_from(since).ok());
    let since = since.unwrap_or_else(|| device.revision.saturating_sub(LAST));
    let edits = engine.device_edits(&device, since).await?;
    for edit in &edits {
        if call.json {
            call.object(&shown(device.name.as_str(), edit))?;
        } else {
            call.say_clean(&format!("revision {}: {}", edit.revision, edit.in_words()));
        }
    }
    if edits.is_empty() && !call.json {
        call.say(format!("{}: nothing was changed after revision {since} of its record, or the journal does not reach so far", device.name));
    }
    Ok(Exit::Done)
}

fn shown<'a>(device: &'a str, edit: &'a Edit) -> Shown<'a> {
    let fields = edit.fields.iter().map(|one| ShownField { field: one.field, before: &one.before, after: &one.after });
    Shown {
        device,
        record_revision: edit.revision,
        at: edit.at.rfc3339(),
        by: &edit.by,
        why: &edit.why,
        fields: fields.collect(),
    }
}
