//! `audit`: who did what, when, from where and why; and whether that record is what was written.

use serde::Serialize;

use crate::commands::answer::{Table, count, date};
use crate::commands::moment::past_moment;
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::audit::{
    AuditDetail, AuditEntry, AuditFilter, AuditKind, AuditReport, ChangedRecord, LARGEST_ANCHORS, RunLink,
    Known, closed_report,
};
use crate::engine::settings::Settings;
use crate::model::{BlobId, Danger, Role};

/// `--since MOMENT`
const SINCE: Arg =
    Arg::optional("--since", Kind::Text, "not older than this: 7d, 2026-11-01, \"2026-11-01 08:00\"");
/// `--until MOMENT`
const UNTIL: Arg = Arg::optional("--until", Kind::Text, "older than this");

inventory::submit! { Command {
    name: "audit list",
    aliases: &[],
    about: "List what was done, by whom, from where and why, the newest first",
    args: &[
        Arg::optional("--who", Kind::Text, "by this person; schedule and engine are noctule itself"),
        Arg::optional("--verb", Kind::Text, "whose command line begins like this: 'device edit'"),
        Arg::optional("--device", Kind::Device, "about this device"),
        SINCE,
        UNTIL,
        Arg::optional("--kind", Kind::Choice(&AuditKind::WORDS), "of this kind"),
        Arg::optional("--text", Kind::Text, "with this text in any of its texts"),
        Arg::optional("--before", Kind::Number(1, u64::MAX), "with a number below this: the next page"),
        Arg::optional("--limit", Kind::Number(1, 10_000), "the most entries; else 100"),
    ],
    role: Role::READS_AUDIT,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(list(call)),
} }

inventory::submit! { Command {
    name: "audit show",
    aliases: &[],
    about: "Show an entry with all that it changed, and what shows what lies behind it",
    args: &[Arg::one("entry", Kind::Number(1, u64::MAX), "its number")],
    role: Role::READS_AUDIT,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(show(call)),
} }

inventory::submit! { Command {
    name: "audit verify",
    aliases: &[],
    about: "Read the whole journal and say whether it is what was written, also of a store that does not open",
    args: &[
        Arg::optional("--anchors", Kind::Path, "a file with anchors, or a log that holds some; - is standard input"),
        Arg::optional("--from", Kind::Number(1, u64::MAX), "leave out what is wrong with entries before this one"),
    ],
    role: Role::READS_AUDIT,
    danger: Danger::None,
    needs: Needs::EngineIfOpen,
    run: |call| Box::pin(verify(call)),
} }

inventory::submit! { Command {
    name: "audit ack",
    aliases: &[],
    about: "Take note of what audit verify finds wrong with an entry; --why says why that is no reason to worry",
    args: &[Arg::one("entry", Kind::Number(1, u64::MAX), "its number, as the finding names it")],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(acknowledge(call)),
} }

inventory::submit! { Command {
    name: "audit export",
    aliases: &[],
    about: "Write the entries to a file, one JSON object a line, the oldest first",
    args: &[Arg::one("--output", Kind::Path, "the file"), SINCE, UNTIL],
    role: Role::READS_AUDIT,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(export(call)),
} }

/// An entry as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    entry: u64,
    at: String,
    who: &'a str,
    from: Option<&'a str>,
    kind: AuditKind,
    verb: &'a str,
    why: Option<&'a str>,
    what: Option<&'a str>,
    devices: &'a [String],
    more_devices: usize,
    run: Option<ShownRun<'a>>,
    changes: usize,
    set_back: Option<u64>,
    hash: String,
    prev: String,
}

/// What a backup run came to.
#[derive(Serialize)]
struct ShownRun<'a> {
    device: &'a str,
    status: &'a str,
    revision: Option<u32>,
    recording: Option<u64>,
}

/// An entry with its changes as `--json` shows it.
#[derive(Serialize)]
struct ShownDetail<'a> {
    #[serde(flatten)]
    entry: Shown<'a>,
    changed: Vec<ShownChange<'a>>,
    leads: &'a [String],
}

#[derive(Serialize)]
struct ShownChange<'a> {
    table: &'a str,
    key: &'a str,
    what: &'a str,
}

impl<'a> Shown<'a> {
    fn of(entry: &'a AuditEntry) -> Self {
        let told = |text: &'a str| (!text.is_empty()).then_some(text);
        let run = |run: &'a RunLink| ShownRun {
            device: &run.device,
            status: run.status.as_str(),
            revision: run.revision,
            recording: run.recording,
        };
        Self {
            entry: entry.seq,
            at: entry.at.rfc3339(),
            who: &entry.who,
            from: told(&entry.from),
            kind: entry.kind,
            verb: &entry.verb,
            why: told(&entry.why),
            what: told(&entry.what),
            devices: &entry.devices,
            more_devices: entry.more_devices,
            run: entry.run.as_ref().map(run),
            changes: entry.changes,
            set_back: entry.set_back,
            hash: BlobId(entry.hash).to_string(),
            prev: BlobId(entry.prev).to_string(),
        }
    }
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let word = |name: &str| call.args.get(name).map(str::to_owned);
    let zone = call.door.io.zone();
    let moment =
        |name: &str| call.args.get(name).map(|text| past_moment(name, text, engine.now(), &zone)).transpose();
    let kind = word("--kind").and_then(|word| AuditKind::ALL.into_iter().find(|kind| kind.as_str() == word));
    // what was done to a device that was put away is still told
    let device = word("--device").map(|name| engine.known_device(&name).map(|device| (device.id, name))).transpose()?;
    let filter = AuditFilter {
        who: word("--who"),
        verb: word("--verb"),
        device,
        since: moment("--since")?,
        until: moment("--until")?,
        kind,
        text: word("--text"),
        before: call.args.number("--before"),
    };
    let limit = call.args.number("--limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(100);
    let page = engine.audit_list(filter, limit).await?;
    let mut table = Table::new(&["entry", "at", "who", "kind", "devices", "what"]);
    for entry in &page.entries {
        if call.json {
            call.object(&Shown::of(entry))?;
            continue;
        }
        table.row([
            entry.seq.to_string(),
            date(Some(entry.at)),
            entry.who.clone(),
            entry.kind.as_str().to_owned(),
            entry.about_devices(),
            entry.in_a_line(),
        ]);
    }
    if !call.json {
        table.print(call, "no entry is like that");
        if let Some(oldest) = page.entries.last().filter(|_| page.more) {
            call.note(format!("there are older ones: audit list --before {}", oldest.seq));
        }
    }
    for damage in &page.damage {
        call.note(format!("noctule: the journal is damaged: {damage}; audit verify says what is still proven"));
    }
    Ok(if page.damage.is_empty() { Exit::Done } else { Exit::Failed })
}

async fn show(call: &Call) -> Result<Exit, ActError> {
    let number = call.args.number("entry").unwrap_or_default();
    let detail = call.engine()?.audit_entry(number).await?;
    if call.json {
        let change =
            |changed: &'_ ChangedRecord| (changed.table.clone(), changed.key.clone(), changed.what.clone());
        let changed: Vec<_> = detail.changed.iter().map(change).collect();
        let changed = changed.iter().map(|(table, key, what)| ShownChange { table, key, what }).collect();
        call.object(&ShownDetail { entry: Shown::of(&detail.entry), changed, leads: &detail.leads })?;
    } else {
        tell(call, &detail);
    }
    Ok(Exit::Done)
}

fn tell(call: &Call, detail: &AuditDetail) {
    for (name, value) in detail.entry.facts() {
        call.say_clean(&format!("{name:<9} {value}"));
    }
    for changed in &detail.changed {
        call.say_clean(&format!("changed   {} {}: {}", changed.table, changed.key, changed.what));
    }
    let more = detail.entry.changes.saturating_sub(detail.changed.len());
    if more > 0 {
        call.say(format!("          and {more} more"));
    }
    for lead in &detail.leads {
        call.say_clean(&format!("see       {lead}"));
    }
}

async fn verify(call: &Call) -> Result<Exit, ActError> {
    let anchors = match call.args.get("--anchors") {
        None => None,
        Some(path) => {
            let bytes = call.door.io.read_file(path, LARGEST_ANCHORS).map_err(ActError::usage)?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
    };
    let from = call.args.number("--from").unwrap_or(0);
    let report = match &call.door.engine {
        Some(engine) => engine.audit_verify(anchors, from).await?,
        None => {
            let options = call.door.options.clone();
            let settings = Settings::read(&options.config_dir);
            let settings = settings.map_err(|error| ActError::usage(error.to_string()))?.audit;
            let check = move || {
                closed_report(&options.data_dir, &settings, anchors.as_deref(), from, options.clock.now())
            };
            let done = tokio::task::spawn_blocking(check).await;
            done.map_err(|error| ActError::internal(format!("verifying the journal: {error}")))??
        }
    };
    if call.json { call.object(&report)? } else { tell_report(call, &report) }
    Ok(if report.problems.is_empty() && report.more_problems == 0 { Exit::Done } else { Exit::Failed })
}

async fn acknowledge(call: &Call) -> Result<Exit, ActError> {
    let number = call.args.number("entry").unwrap_or_default();
    for known in call.engine()?.acknowledge_finding(&call.actor, number).await? {
        if call.json {
            call.object(&ShownKnown { entry: known.entry, kind: &known.kind, what: &known.what })?;
        } else {
            call.say_clean(&format!("known from now on: {}", known.what));
        }
    }
    Ok(Exit::Done)
}

/// A finding that was taken note of, as `--json` shows it.
#[derive(Serialize)]
struct ShownKnown<'a> {
    entry: u64,
    kind: &'a str,
    what: &'a str,
}

fn tell_report(call: &Call, report: &AuditReport) {
    for known in &report.known {
        let Known { what, by, why, .. } = known;
        call.say_clean(&format!("known  {what} ({by} took note of it: {why})"));
    }
    for problem in &report.problems {
        call.say_clean(&format!("WRONG  {}", problem.what));
    }
    if report.more_problems > 0 {
        call.say(format!("       and {} more", report.more_problems));
    }
    if let Some(first) = report.first_bad {
        call.say(format!("the first bad entry is {first}"));
    }
    let anchors = count(report.anchors, "anchor");
    call.say_clean(&format!("{} whole entries, {anchors} compared; {}", report.entries, report.proven()));
}

/// A written file as `--json` shows it.
#[derive(Serialize)]
struct Written<'a> {
    path: &'a str,
    entries: u64,
    bytes: usize,
    sha256: &'a str,
}

async fn export(call: &Call) -> Result<Exit, ActError> {
    let (engine, path) = (call.engine()?, call.args.one("--output"));
    let zone = call.door.io.zone();
    let moment =
        |name: &str| call.args.get(name).map(|text| past_moment(name, text, engine.now(), &zone)).transpose();
    let exported = engine.audit_export(&call.actor, moment("--since")?, moment("--until")?).await?;
    call.door.io.write_file(path, &exported.bytes, true).map_err(ActError::usage)?;
    let (entries, bytes, sha256) = (exported.entries, exported.bytes.len(), &exported.sha256);
    if call.json {
        call.object(&Written { path, entries, bytes, sha256 })?;
    } else {
        call.say_clean(&format!("{entries} entries written to {path}, sha256 {sha256}"));
    }
    for damage in &exported.damage {
        call.note(format!("noctule: the journal is damaged, what it lost is not in the file: {damage}"));
    }
    Ok(if exported.damage.is_empty() { Exit::Done } else { Exit::Failed })
}
