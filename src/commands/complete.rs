//! What may stand next on a command line: one answer for the console's Tab and for every shell's.

use std::path::PathBuf;

use super::arg::{Arg, Kind};
use super::call::Door;
use super::run::find;
use super::table::{Command, all};
use crate::device::driver::Drivers;
use crate::engine::Engine;
use crate::engine::fields::Field;
use crate::engine::snapshot::DeviceRow;
use crate::model::Role;
use crate::model::is_hostile;
use crate::store::Store;

/// What stands at the program, before every command.
pub(super) const BEFORE: &[(&str, &str)] = &[
    ("--data", "the folder of the store"),
    ("--config", "the folder of settings, drivers and themes"),
    ("--socket", "where the engine listens: else NOCTULE_SOCKET, one's own data folder, the host's service"),
    ("--embedded", "in this process, beside no engine"),
    ("--as", "whom a trusted account speaks for"),
    ("--read-only", "look, and change nothing"),
    ("--version", "the program's version"),
    ("--help", "the commands"),
];

/// What every command takes.
pub(super) const EVERYWHERE: &[(&str, &str)] = &[
    ("--json", "an answer for programs"),
    ("--why", "a reason, for the journal"),
    ("--help", "what the command takes"),
];

/// A word that may stand next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The word.
    pub word: String,
    /// What it is, in a few words; may be empty.
    pub about: String,
}

/// What may stand next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// Words that begin with what was typed.
    pub words: Vec<Offer>,
    /// Whether it may also be a file or a folder.
    pub files: bool,
}

/// The names that are known.
#[derive(Clone, Copy, Default)]
pub struct Names<'a> {
    /// The devices, deleted ones included.
    pub rows: &'a [DeviceRow],
    /// Driver ids, beside those of the devices.
    pub drivers: &'a [String],
}

impl Names<'_> {
    /// The words of this kind that begin with `last`, in order, each once.
    pub fn of(&self, kind: &Kind, last: &str) -> Vec<String> {
        let rows = self.rows.iter();
        let mut words: Vec<String> = match kind {
            Kind::Device | Kind::DeletedDevice => {
                let deleted = matches!(kind, Kind::DeletedDevice);
                let rows = rows.filter(|row| row.device.deleted.is_some() == deleted);
                rows.map(|row| row.device.name.to_string()).collect()
            }
            Kind::Group => {
                let groups = rows.map(|row| &row.device.group).filter(|group| !group.is_empty());
                let odd = |c: char| [' ', '\'', '"'].contains(&c) || is_hostile(c);
                groups.filter(|group| !group.contains(odd)).cloned().collect()
            }
            Kind::Driver => {
                let used = rows.filter_map(|row| row.device.driver.as_ref()).map(ToString::to_string);
                used.chain(self.drivers.iter().cloned()).collect()
            }
            Kind::Choice(words) => words.iter().map(|word| (*word).to_owned()).collect(),
            Kind::Field => Field::ALL.iter().map(|field| format!("{field}=")).collect(),
            _ => Vec::new(),
        };
        words.retain(|word| word.starts_with(last));
        words.sort();
        words.dedup();
        words
    }
}

/// What may stand after `words` of a command, the first of them its name, and begin with `last`.
pub fn after(command: &Command, words: &[&str], last: &str, names: Names<'_>) -> Offers {
    let before = words.last().copied().unwrap_or_default();
    let valued = command.args.iter().find(|arg| arg.name == before && !matches!(arg.kind, Kind::Switch));
    if let Some(flag) = valued {
        return values(flag, last, names);
    }
    if let Some((name, begun)) = last.split_once('=')
        && let Some(flag) = command.args.iter().find(|arg| arg.name == name && arg.is_flag())
    {
        let mut offers = values(flag, begun, names);
        offers.words.iter_mut().for_each(|offer| offer.word = format!("{name}={}", offer.word));
        return offers;
    }
    let mut offers = Offers::default();
    for arg in command.args {
        match arg.is_flag() {
            true if last.starts_with('-') && arg.name.starts_with(last) && !words.contains(&arg.name) => {
                offers.words.push(Offer { word: arg.name.to_owned(), about: arg.about.to_owned() });
            }
            false if !last.starts_with('-') => {
                let found = values(arg, last, names);
                offers.words.extend(found.words);
                offers.files |= found.files;
            }
            _ => {}
        }
    }
    offers
}

fn values(arg: &Arg, last: &str, names: Names<'_>) -> Offers {
    let words = names.of(&arg.kind, last);
    let words = words.into_iter().map(|word| Offer { word, about: String::new() }).collect();
    Offers { words, files: matches!(arg.kind, Kind::Path) }
}

/// What may stand next in a shell: `words` are those after the program's name, the last one being typed.
///
/// Names of devices are read from the store where nobody else has it open; no store is made for it.
pub async fn line(door: &Door, words: &[String]) -> Offers {
    let Some((last, words)) = words.split_last() else { return Offers::default() };
    let mut door = door.clone();
    let rest = match take_folders(&mut door, words) {
        Ok(rest) => rest,
        Err(Unfinished) => return Offers { files: true, ..Offers::default() },
    };
    let head: Vec<&str> = rest.iter().map(String::as_str).collect();
    let Some((command, after_name)) = find(rest) else {
        let flags = if rest.is_empty() { BEFORE } else { &[] };
        return Offers { words: next_of_names(&head, last, flags), files: false };
    };
    if head.last() == Some(&"--why") {
        return Offers::default();
    }
    let (rows, drivers) = known(&door, command).await;
    let shown: Vec<&str> = [command.name].into_iter().chain(after_name.iter().map(String::as_str)).collect();
    let mut offers = after(command, &shown, last, Names { rows: &rows, drivers: &drivers });
    if last.starts_with('-') {
        let free = EVERYWHERE.iter().filter(|(name, _)| !head.contains(name));
        offers.words.extend(free.filter(|(name, _)| name.starts_with(last.as_str())).map(offer));
    }
    // `device` is a noun that other names begin with
    offers.words.extend(next_of_names(&head, last, &[]));
    offers
}

fn offer((word, about): &(&str, &str)) -> Offer {
    Offer { word: (*word).to_owned(), about: (*about).to_owned() }
}

/// The flag that takes a folder stands last, without it.
struct Unfinished;

/// Takes the folders that the line names out of it.
fn take_folders<'a>(door: &mut Door, mut words: &'a [String]) -> Result<&'a [String], Unfinished> {
    while let Some((word, rest)) = words.split_first() {
        let (name, value) =
            word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
        let mut other = PathBuf::new();
        let place = match name {
            "--data" => &mut door.options.data_dir,
            "--config" => &mut door.options.config_dir,
            "--socket" | "--as" => &mut other,
            "--read-only" | "--embedded" => {
                words = rest;
                continue;
            }
            _ => break,
        };
        words = match value {
            Some(folder) => {
                *place = folder.into();
                rest
            }
            None => {
                let (folder, rest) = rest.split_first().ok_or(Unfinished)?;
                *place = folder.into();
                rest
            }
        };
    }
    Ok(words)
}

/// The next words of the commands whose name begins with `head`: nouns, then verbs.
fn next_of_names(head: &[&str], last: &str, flags: &[(&str, &str)]) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    for command in all() {
        let parts: Vec<&str> = command.name.split(' ').collect();
        let Some(next) = parts.get(head.len()).filter(|_| parts.starts_with(head)) else { continue };
        if !next.starts_with(last) || offers.iter().any(|offer| offer.word == *next) {
            continue;
        }
        let whole = parts.len() == head.len() + 1;
        let about = if whole { command.about.to_owned() } else { String::new() };
        offers.push(Offer { word: (*next).to_owned(), about });
    }
    if last.starts_with('-') {
        offers.extend(flags.iter().filter(|(name, _)| name.starts_with(last)).map(offer));
    }
    offers
}

/// The devices and the driver ids, as far as the command asks for them. What cannot be read offers nothing: a person
/// at a prompt wants no error there.
async fn known(door: &Door, command: &Command) -> (Vec<DeviceRow>, Vec<String>) {
    let takes = |wanted: fn(&Kind) -> bool| command.args.iter().any(|arg| wanted(&arg.kind));
    let drivers = match takes(|kind| matches!(kind, Kind::Driver)) {
        true => {
            let drivers = Drivers::load(Some(&door.options.config_dir.join("drivers")));
            drivers.ids().map(ToString::to_string).collect()
        }
        false => Vec::new(),
    };
    let rows = match takes(|kind| matches!(kind, Kind::Device | Kind::DeletedDevice | Kind::Group)) {
        true => rows(door).await,
        false => Vec::new(),
    };
    (rows, drivers)
}

async fn rows(door: &Door) -> Vec<DeviceRow> {
    if let Some(engine) = &door.engine {
        return theirs(engine, door);
    }
    if !Store::is_in(&door.options.data_dir) {
        return Vec::new();
    }
    let mut options = door.options.clone();
    options.schedule = false;
    options.pulse = false;
    let Ok(engine) = Engine::start(options).await else { return Vec::new() };
    let rows = theirs(&engine, door);
    engine.stop().await;
    rows
}

/// The devices that whoever asks may see.
fn theirs(engine: &Engine, door: &Door) -> Vec<DeviceRow> {
    let Ok(person) = engine.readmit(&door.person) else { return Vec::new() };
    let within = person.rights.within(Role::Viewer);
    engine.rows().into_iter().filter(|row| within.holds(&row.device)).collect()
}
