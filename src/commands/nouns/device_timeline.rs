//! `device timeline`: everything that happened to a device.

use std::time::Duration;

use serde::Serialize;

use crate::commands::answer::Table;
use crate::commands::period::{DAYS, FROM, UNTIL};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::timeline::{Behind, Kind as Told, MOST, TimelineEntry, TimelineOf};
use crate::model::{Danger, Role, Severity};

inventory::submit! { Command {
    name: "device timeline",
    aliases: &[],
    about: "List everything that happened to a device, the newest first",
    args: &[
        Arg::one("device", Kind::Device, "by name"),
        Arg::optional("--since", Kind::Duration, "of the last 2h, 7d; else 30d"),
        DAYS,
        FROM,
        UNTIL,
        Arg::many("--kind", Kind::Choice(&Told::WORDS), "of this kind alone; may stand again"),
        Arg::optional("--limit", Kind::Number(1, MOST as u64), "the most entries; else 2000"),
    ],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(timeline(call)),
} }

/// How far back is looked where nothing is said.
const USUAL: Duration = Duration::from_secs(30 * 86_400);

/// An entry as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    device: &'a str,
    at: String,
    kind: &'static str,
    severity: Severity,
    what: &'a str,
    by: Option<&'a str>,
    revision: Option<u32>,
    recording: Option<u64>,
    incident: Option<u64>,
    maintenance: Option<u64>,
}

impl<'a> Shown<'a> {
    fn of(device: &'a str, entry: &'a TimelineEntry) -> Self {
        let mut shown = Self {
            device,
            at: entry.at.rfc3339(),
            kind: entry.kind.as_str(),
            severity: entry.severity,
            what: &entry.what,
            by: entry.by.as_deref(),
            revision: None,
            recording: None,
            incident: None,
            maintenance: None,
        };
        match entry.behind {
            Some(Behind::Revision(number)) => shown.revision = Some(number),
            Some(Behind::Recording(id)) => shown.recording = Some(id),
            Some(Behind::Incident(id)) => shown.incident = Some(id),
            Some(Behind::Maintenance(id)) => shown.maintenance = Some(id),
            None => {}
        }
        shown
    }
}

async fn timeline(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let device = engine.device(call.args.one("device"))?;
    let since = call.args.duration("--since");
    if since.is_some() && (call.args.has("--days") || call.args.has("--from")) {
        return Err(ActError::usage("--since, --days and --from: say one of them"));
    }
    let (from, until) = call.period(engine.now(), since.unwrap_or(USUAL))?;
    let limit = call.args.number("--limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(MOST);
    let kinds = call.args.many("--kind");
    let wanted = |entry: &&TimelineEntry| kinds.is_empty() || kinds.iter().any(|kind| kind == entry.kind.as_str());
    let of = TimelineOf { device: device.id, from, until: Some(until), most: MOST };
    let told = engine.timeline(of).await?;
    let mut table = Table::new(&["at", "kind", "what", "by"]);
    for entry in told.entries.iter().filter(wanted).take(limit) {
        if call.json {
            call.object(&Shown::of(device.name.as_str(), entry))?;
            continue;
        }
        let by = entry.by.as_deref().unwrap_or("-").to_owned();
        table.row([entry.at.local(), entry.kind.as_str().to_owned(), entry.what.clone(), by]);
    }
    if !call.json {
        table.print(call, "nothing is known to have happened to it in that time");
    }
    if let Some(oldest) = told.entries.last().filter(|_| told.more) {
        call.note(format!(
            "more than {MOST} entries: those before {} are left out, --until names an earlier end",
            oldest.at.local()
        ));
    }
    Ok(Exit::Done)
}
