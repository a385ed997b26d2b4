//! What a command may do for somebody whose role is for a part of the network alone.
//!
//! A command keeps within that part by its arguments: a device, a group, an incident that is named is looked at here, and
//! a selection takes nothing from outside. Only the commands that are known to do so run at all; any other, and so any new
//! one, is refused in words until somebody has looked at it.

use super::arg::Kind;
use super::args::Args;
use super::call::Door;
use super::table::Command;
use crate::model::{IncidentId, Within};

/// Commands that name no device, and tell of none.
const ABOUT_NO_DEVICE: &[&str] = &[
    "complete",
    "completions",
    "console",
    "driver list",
    "driver show",
    "driver test",
    "keys",
    "lab",
    "wallboard",
];

/// Commands that look at and touch nothing but what their arguments name, and what [`super::Call::rows`] and
/// [`super::Call::snapshot`] show.
const KEEP_WITHIN: &[&str] = &[
    "backup accept",
    "backup diff",
    "backup export",
    "backup list",
    "backup run",
    "backup show",
    "backup verify",
    "credential explain",
    "device changes",
    "device export",
    "device list",
    "device show",
    "device web",
    "event list",
    "identity list",
    "identity run",
    "identity unknown",
    "incident ack",
    "incident assign",
    "incident close",
    "incident comment",
    "incident list",
    "incident show",
    "job list",
    "maintenance add",
    "maintenance list",
    "pulse history",
    "pulse list",
    "pulse pause",
    "pulse resume",
    "recording list",
    "recording show",
    "report availability",
    "search",
    "terminal export",
    "terminal list",
    "terminal open",
];

/// Why a command does not run for whoever asks, whose role holds in a part of the network alone.
pub fn refusal(door: &Door, command: &Command, args: &Args) -> Option<String> {
    let within = &args.within;
    if within.is_everything() || ABOUT_NO_DEVICE.contains(&command.name) {
        return None;
    }
    let (name, who) = (command.name, &door.person.name);
    if !KEEP_WITHIN.contains(&name) {
        return Some(format!("{name} is for the whole network, and {who} has {} alone", door.person.rights));
    }
    let engine = door.engine.as_ref()?;
    let outside = |what: &str| Some(format!("{what} is not yours: {who} has {}", door.person.rights));
    if args.has("--behind") {
        return outside("what hangs on a device");
    }
    for arg in command.args {
        for word in args.many(arg.name) {
            match arg.kind {
                Kind::Device | Kind::DeletedDevice if !is_theirs(within, engine, word) => {
                    return outside(&format!("the device {word:?}"));
                }
                Kind::Group if name == "maintenance add" && !within.holds_group(word) => {
                    return outside(&format!("the group {word:?}"));
                }
                Kind::Number(..) if arg.name == "incident" => {
                    let id = IncidentId(word.parse().unwrap_or_default());
                    let mine = engine.snapshot_for(&door.person);
                    if !mine.incidents.iter().any(|incident| incident.id == id) {
                        return outside(&format!("the incident {word}"));
                    }
                }
                _ => {}
            }
        }
    }
    None
}

/// A name that nobody has is as far outside as another's.
fn is_theirs(within: &Within, engine: &crate::engine::Engine, name: &str) -> bool {
    let rows = engine.rows();
    let mut named = rows.iter().filter(|row| row.device.name.as_str() == name).peekable();
    named.peek().is_some() && named.all(|row| within.holds(&row.device))
}
