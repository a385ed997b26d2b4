//! `device import` and `device export`: the inventory from files and back.

use serde::Serialize;

use crate::commands::answer::count;
use crate::commands::devices::{ALL, DRIVER, FILTER, GROUP, TAG};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::import::{Format, ImportPlan, Planned, csv_of, toml_of};
use crate::model::{Danger, Role};

/// The largest file, in bytes; the engine says so when it is larger than it takes.
const LARGEST: usize = (64 << 20) + 1;

inventory::submit! { Command {
    name: "device import",
    aliases: &[],
    about: "Add and change devices as a CSV or TOML file says",
    args: &[
        Arg::one("file", Kind::Path, "the file; - is standard input"),
        Arg::switch("--dry-run", "show what would be done and stop"),
        Arg::switch("--skip-bad", "leave out bad lines; else one of them stops the whole file"),
    ],
    role: Role::Engineer,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(import(call)),
} }

inventory::submit! { Command {
    name: "device export",
    aliases: &[],
    about: "Write the inventory as CSV or TOML, without secrets",
    args: &[
        Arg::optional("file", Kind::Path, "where to; else it is printed"),
        Arg::optional("--format", Kind::Choice(&["csv", "toml"]), "else as the file's name ends, or csv"),
        GROUP, TAG, DRIVER, FILTER, ALL,
    ],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(export(call)),
} }

/// One line of an import as `--json` shows it.
#[derive(Serialize)]
struct Line<'a> {
    line: usize,
    action: &'static str,
    device: Option<&'a str>,
    fields: Vec<&'static str>,
    reason: Option<&'a str>,
    applied: bool,
}

async fn import(call: &Call) -> Result<Exit, ActError> {
    let (engine, file) = (call.engine()?, call.args.one("file"));
    let bytes = call.door.io.read_file(file, LARGEST).map_err(ActError::usage)?;
    let format = Format::of(file, &bytes);
    let plan = engine.plan_import(bytes.clone(), format).await?;
    let (dry, skip_bad) = (call.args.has("--dry-run"), call.args.has("--skip-bad"));
    if !call.json {
        print(call, &plan);
    }
    let stopped = !plan.bad.is_empty() && !skip_bad;
    if !dry && !stopped && may_apply(call, &plan) {
        let imported = engine.import_as_previewed(&call.actor, bytes, format, skip_bad, Some(&plan)).await?;
        return told(call, &imported.plan, imported.applied);
    }
    if stopped && !dry {
        call.note(format!(
            "nothing was imported: mend {}, or say --skip-bad to leave them out",
            count(plan.bad.len(), "bad line")
        ));
    } else if dry && !call.json {
        let (add, change, same) = (plan.add.len(), plan.change.len(), plan.same.len());
        let bad = count(plan.bad.len(), "bad line");
        call.note(format!("{add} to add, {change} to change, {same} as they are, {bad}; nothing was imported (--dry-run)"));
    } else if !call.json {
        call.note("nothing was imported");
    }
    objects(call, &plan, false)?;
    Ok(if stopped || !dry { Exit::Failed } else { Exit::Done })
}

/// Asks, where somebody is there to be asked and there is something to ask about.
fn may_apply(call: &Call, plan: &ImportPlan) -> bool {
    let changes = plan.add.len() + plan.change.len();
    if call.json || changes == 0 {
        return true;
    }
    let question = format!("Add {} and change {}?", count(plan.add.len(), "device"), plan.change.len());
    call.door.io.confirm(&question).unwrap_or(true)
}

fn told(call: &Call, plan: &ImportPlan, applied: bool) -> Result<Exit, ActError> {
    objects(call, plan, applied)?;
    if !applied {
        // the inventory moved between the preview and the answer
        call.note("nothing was imported: some lines went bad meanwhile; look at the preview again");
        return Ok(Exit::Failed);
    }
    if !call.json {
        call.say(format!(
            "{} added, {} changed, {} as they were, {} left out",
            plan.add.len(),
            plan.change.len(),
            plan.same.len(),
            count(plan.bad.len(), "bad line")
        ));
    }
    Ok(Exit::Done)
}

/// The preview, in the order of the file.
fn print(call: &Call, plan: &ImportPlan) {
    for (line, action, name, fields, reason) in in_order(plan) {
        let what = match reason {
            Some(reason) => reason.to_owned(),
            None if action == "add" || fields.is_empty() => name.unwrap_or_default().to_owned(),
            None => format!("{}: {}", name.unwrap_or_default(), fields.join(", ")),
        };
        call.say_clean(&format!("line {line:<6} {action:<7} {what}"));
    }
}

fn objects(call: &Call, plan: &ImportPlan, applied: bool) -> Result<(), ActError> {
    if !call.json {
        return Ok(());
    }
    in_order(plan).into_iter().try_for_each(|(line, action, device, fields, reason)| {
        let applied = applied && matches!(action, "add" | "change");
        call.object(&Line { line, action, device, fields, reason, applied })
    })
}

type Planning<'a> = (usize, &'static str, Option<&'a str>, Vec<&'static str>, Option<&'a str>);

fn in_order(plan: &ImportPlan) -> Vec<Planning<'_>> {
    fn planned<'a>(action: &'static str, planned: &'a [Planned]) -> impl Iterator<Item = Planning<'a>> {
        planned.iter().map(move |one| {
            let fields = one.fields.iter().map(|field| field.as_str()).collect();
            (one.line, action, Some(one.name.as_str()), fields, None)
        })
    }
    let bad = plan.bad.iter().map(|bad| (bad.line, "bad", None, Vec::new(), Some(bad.reason.as_str())));
    let mut lines: Vec<Planning<'_>> = planned("add", &plan.add)
        .chain(planned("change", &plan.change))
        .chain(planned("skip", &plan.same))
        .chain(bad)
        .collect();
    lines.sort_by_key(|line| line.0);
    lines
}

/// What an export to a file answers.
#[derive(Serialize)]
struct Written<'a> {
    path: &'a str,
    devices: usize,
    bytes: usize,
}

async fn export(call: &Call) -> Result<Exit, ActError> {
    let devices = call.engine()?.select(&call.args.selection_or_all()?)?;
    let file = call.args.get("file");
    let named_toml = file.is_some_and(|file| file.to_ascii_lowercase().ends_with(".toml"));
    let toml = call.args.get("--format").map_or(named_toml, |format| format == "toml");
    let records = devices.iter().map(AsRef::as_ref);
    let text = if toml { toml_of(records) } else { csv_of(records)? };
    match file {
        Some(path) => {
            call.door.io.write_file(path, text.as_bytes(), false).map_err(ActError::conflict)?;
            if call.json {
                call.object(&Written { path, devices: devices.len(), bytes: text.len() })?;
            } else {
                call.say_clean(&format!("{} written to {path}", count(devices.len(), "device")));
            }
        }
        None => call.content(text.as_bytes()),
    }
    Ok(Exit::Done)
}
