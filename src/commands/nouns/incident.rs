//! `incident`: troubles with one cause each.

use serde::Serialize;

use crate::commands::answer::{Table, date, rfc3339};
use crate::commands::seen::HOLDER;
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::{ActError, Engine};
use crate::model::{Danger, Ending, Incident, IncidentId, Role, Timestamp, length};

const ID: Arg = Arg::one("incident", Kind::Number(1, u64::MAX), "its number, see incident list");

inventory::submit! { Command {
    name: "incident list",
    aliases: &[],
    about: "List the incidents: those that are open, then those that ended lately",
    args: &[
        Arg::switch("--open", "those that are open alone"),
        Arg::optional("--limit", Kind::Number(1, 2000), "the most incidents; else 50"),
    ],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(list(call)),
} }

inventory::submit! { Command {
    name: "incident show",
    aliases: &[],
    about: "Show an incident: its cause, what lies behind it, what was changed before, what people wrote",
    args: &[ID],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(show(call)),
} }

inventory::submit! { Command {
    name: "incident ack",
    aliases: &["ack"],
    about: "Take note of an incident; --why says why",
    args: &[
        ID,
        Arg::optional("--for", Kind::Duration, "how long that holds; else as long as the incident lasts"),
        HOLDER,
    ],
    role: Role::Operator,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(acknowledge(call)),
} }

inventory::submit! { Command {
    name: "incident assign",
    aliases: &[],
    about: "Say who looks after an incident",
    args: &[
        ID,
        Arg::optional("who", Kind::Text, "a person; else you"),
        Arg::switch("--nobody", "nobody does"),
        HOLDER,
    ],
    role: Role::Operator,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(assign(call)),
} }

inventory::submit! { Command {
    name: "incident comment",
    aliases: &[],
    about: "Write something about an incident that is open",
    args: &[ID, Arg::many("text", Kind::Text, "what")],
    role: Role::Operator,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(comment(call)),
} }

inventory::submit! { Command {
    name: "incident close",
    aliases: &[],
    about: "End an incident whose root is not down any more; --why says why",
    args: &[ID],
    role: Role::Operator,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(close(call)),
} }

/// An incident as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    incident: u64,
    device: &'a str,
    since: String,
    opened: String,
    closed: Option<String>,
    seconds: Option<u64>,
    ending: Option<&'static str>,
    part_of: Option<u64>,
    cause: &'a str,
    behind: Vec<&'a str>,
    been_behind: Option<Vec<String>>,
    most_behind: u32,
    subscribers: Option<u64>,
    times_down: u32,
    before: Vec<ShownChange<'a>>,
    acknowledged: Option<ShownNote<'a>>,
    assigned: Option<&'a str>,
    comments: Vec<ShownComment<'a>>,
}

#[derive(Serialize)]
struct ShownChange<'a> {
    at: String,
    device: &'a str,
    what: &'a str,
}

#[derive(Serialize)]
struct ShownNote<'a> {
    by: &'a str,
    why: &'a str,
    at: String,
    until: Option<String>,
}

#[derive(Serialize)]
struct ShownComment<'a> {
    by: &'a str,
    at: String,
    text: &'a str,
}

fn shown<'a>(incident: &'a Incident, engine: &Engine, now: Timestamp) -> Shown<'a> {
    Shown {
        incident: incident.id.0,
        device: incident.name.as_str(),
        since: incident.since.rfc3339(),
        opened: incident.opened.rfc3339(),
        closed: rfc3339(incident.closed),
        seconds: incident.lasts(now).map(|lasts| lasts.as_secs()),
        ending: incident.ending.as_ref().map(ending),
        part_of: match incident.ending {
            Some(Ending::PartOf(other)) => Some(other.0),
            _ => None,
        },
        cause: &incident.cause,
        behind: incident.behind.iter().map(|name| name.as_str()).collect(),
        been_behind: been_behind(incident, engine),
        most_behind: incident.most_behind,
        // who hangs on which device is not known yet
        subscribers: None,
        times_down: incident.times_down,
        before: incident
            .before
            .iter()
            .map(|change| ShownChange {
                at: change.at.rfc3339(),
                device: change.device.as_str(),
                what: &change.what,
            })
            .collect(),
        acknowledged: incident.acknowledged.as_ref().map(|note| ShownNote {
            by: &note.by,
            why: &note.why,
            at: note.at.rfc3339(),
            until: rfc3339(note.until),
        }),
        assigned: incident.assigned.as_deref(),
        comments: incident
            .comments
            .iter()
            .map(|comment| ShownComment { by: &comment.by, at: comment.at.rfc3339(), text: &comment.text })
            .collect(),
    }
}

/// The names of every device that lay behind an incident that is over; `None` where that is not known.
fn been_behind(incident: &Incident, engine: &Engine) -> Option<Vec<String>> {
    let known = incident.been_behind.as_ref().filter(|_| !incident.is_open());
    known.map(|devices| engine.names_of(devices.iter()))
}

fn ending(ending: &Ending) -> &'static str {
    match ending {
        Ending::Recovered => "recovered",
        Ending::PartOf(_) => "part-of",
        Ending::Unwatched => "unwatched",
        Ending::Closed { .. } => "closed",
    }
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let (now, snapshot) = (engine.now(), call.snapshot()?);
    let limit = call.args.number("--limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(50);
    let only_open = call.args.has("--open");
    let incidents = snapshot.incidents.iter().filter(|incident| !only_open || incident.is_open());
    let mut table = Table::new(&["id", "since", "lasts", "device", "behind", "note", "cause"]);
    for incident in incidents.take(limit) {
        if call.json {
            call.object(&shown(incident, engine, now))?;
            continue;
        }
        let lasts = incident.lasts(now).map_or_else(|| "unknown".to_owned(), length);
        table.row([
            incident.id.to_string(),
            date(Some(incident.since)),
            if incident.is_open() { lasts } else { format!("{lasts}, over") },
            incident.name.to_string(),
            incident.behind.len().to_string(),
            note(incident, now),
            incident.cause.clone(),
        ]);
    }
    if !call.json {
        table.print(call, "no incident");
    }
    Ok(Exit::Done)
}

/// Who has it, in a few words.
fn note(incident: &Incident, now: Timestamp) -> String {
    match (&incident.assigned, &incident.acknowledged) {
        (Some(who), _) => who.clone(),
        (None, Some(note)) if incident.is_acknowledged(now) => format!("ack {}", note.by),
        _ => "-".to_owned(),
    }
}

async fn show(call: &Call) -> Result<Exit, ActError> {
    let incident = call.engine()?.find_incident(id(call)).await?;
    answer(call, &seen(call, incident)?)
}

async fn acknowledge(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let (length, holder) = (call.args.duration("--for"), call.args.get(HOLDER.name));
    let incident = engine.acknowledge_incident_of(&call.actor, id(call), length, holder).await?;
    answer(call, &seen(call, incident)?)
}

async fn assign(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let who = match (call.args.has("--nobody"), call.args.get("who")) {
        (true, Some(_)) => return Err(ActError::usage("a person, or --nobody, not both")),
        (true, None) => None,
        (false, who) => Some(who.unwrap_or(&call.actor.name)),
    };
    let holder = call.args.get(HOLDER.name);
    let incident = engine.assign_incident_of(&call.actor, id(call), who, holder).await?;
    answer(call, &seen(call, incident)?)
}

async fn comment(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let text = call.args.many("text").join(" ");
    let incident = engine.comment_incident(&call.actor, id(call), &text).await?;
    answer(call, &seen(call, incident)?)
}

async fn close(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let incident = engine.close_incident(&call.actor, id(call)).await?;
    answer(call, &seen(call, incident)?)
}

/// The incident as whoever asks may see it: it may have devices behind it that are not theirs to see.
fn seen(call: &Call, incident: Incident) -> Result<Incident, ActError> {
    if call.within().is_everything() {
        return Ok(incident);
    }
    let mine = call.snapshot()?;
    let found = mine.incidents.iter().find(|one| one.id == incident.id);
    found.cloned().ok_or_else(|| ActError::not_found("the incident is not yours to see any more"))
}

fn id(call: &Call) -> IncidentId {
    IncidentId(call.args.number("incident").unwrap_or_default())
}

fn answer(call: &Call, incident: &Incident) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let now = engine.now();
    if call.json {
        call.object(&shown(incident, engine, now))?;
        return Ok(Exit::Done);
    }
    let lasted = incident.lasts_in_words(now);
    let state = match &incident.ending {
        None => format!("open, {lasted} so far"),
        Some(Ending::Recovered) => format!("over after {lasted}: it answers again"),
        Some(Ending::PartOf(other)) => format!("part of incident {other} now"),
        Some(Ending::Unwatched) => "over: not watched any more".to_owned(),
        Some(Ending::Closed { by, why }) => format!("closed by {by} after {lasted}: {why}"),
    };
    call.say_clean(&format!("incident {}: {} is down, {}", incident.id, incident.name, incident.cause));
    call.say_clean(&format!("  {state}; since {}", incident.since.local()));
    if incident.times_down > 1 {
        call.say(format!("  it went down {} times", incident.times_down));
    }
    if let Some(note) = &incident.acknowledged {
        let holds = note.until.map_or_else(String::new, |until| format!(", until {}", until.local()));
        call.say_clean(&format!("  acknowledged by {} at {}{holds}: {}", note.by, note.at.local(), note.why));
    }
    if let Some(who) = &incident.assigned {
        call.say_clean(&format!("  {who} looks after it"));
    }
    match been_behind(incident, engine) {
        Some(names) if names.is_empty() => {}
        Some(names) => call.say_clean(&format!("  {} lay behind it: {}", names.len(), names.join(" "))),
        None if incident.behind.is_empty() => {}
        None => {
            let names: Vec<&str> = incident.behind.iter().map(|name| name.as_str()).collect();
            let end = if incident.is_open() { "" } else { " at its end" };
            call.say(format!("  {} behind it{end}: {}", names.len(), names.join(" ")));
        }
    }
    for change in &incident.before {
        call.say_clean(&format!("  before it, {} on {}: {}", change.at.local(), change.device, change.what));
    }
    for comment in &incident.comments {
        call.say_clean(&format!("  {} {}: {}", comment.at.local(), comment.by, comment.text));
    }
    Ok(Exit::Done)
}
