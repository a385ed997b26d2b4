//! `config`: the files of the configuration folder, and the settings in force.

use std::path::PathBuf;

use serde::Serialize;

use crate::commands::answer::{Table, count};
use crate::commands::config_files::{self, Checked, LARGEST};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::settings::{FILE, Settings, keys};
use crate::model::{Danger, Role};

inventory::submit! { Command {
    name: "config check",
    aliases: &[],
    about: "Say what is wrong with the files of the configuration folder, each mistake with its line",
    args: &[Arg::optional("file", Kind::Path, "this one alone, by its name: config.toml, themes/NAME.toml, …")],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Folders,
    run: |call| Box::pin(async { check(call) }),
} }

inventory::submit! { Command {
    name: "config show",
    aliases: &[],
    about: "Show the settings in force and where each comes from, without secrets",
    args: &[],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::EngineIfOpen,
    run: |call| Box::pin(async { show(call) }),
} }

inventory::submit! { Command {
    name: "config example",
    aliases: &[],
    about: "Print a config.toml with every key, its default and what it is",
    args: &[],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Folders,
    run: |call| Box::pin(async { example(call) }),
} }

fn check(call: &Call) -> Result<Exit, ActError> {
    let checked = match call.args.get("file") {
        None => config_files::check_folder(&call.door.options.config_dir),
        Some(file) => check_file(call, file)?,
    };
    for mistake in &checked.mistakes {
        if call.json {
            call.object(mistake)?;
        } else {
            call.say(mistake.to_string());
        }
    }
    if checked.mistakes.is_empty() {
        call.note(match checked.files {
            0 => format!("there is no file in {}: the defaults hold", call.door.options.config_dir.display()),
            files => format!("{}: nothing is wrong", count(files, "file")),
        });
        return Ok(Exit::Done);
    }
    call.note(format!("{} in {}", count(checked.mistakes.len(), "mistake"), count(checked.files, "file")));
    Ok(Exit::Failed)
}

fn check_file(call: &Call, file: &str) -> Result<Checked, ActError> {
    let bytes = call.door.io.read_file(file, LARGEST).map_err(ActError::not_found)?;
    let text = String::from_utf8(bytes).map_err(|_| ActError::conflict(format!("{file} is not UTF-8")))?;
    let mistakes = config_files::check_text(&PathBuf::from(file), &text).ok_or_else(|| {
        let places = config_files::places().join(", ");
        ActError::usage(format!("{file} has no name of noctule's files: {places}"))
    })?;
    Ok(Checked { files: 1, mistakes })
}

/// A setting as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    key: &'a str,
    /// As it stands in the file, or null.
    value: Option<&'a str>,
    /// `default`, `file`, `command-line`.
    from: &'static str,
    line: Option<usize>,
    /// Whether it is in force only after a restart.
    waits: bool,
}

fn show(call: &Call) -> Result<Exit, ActError> {
    let engine = call.door.engine.as_ref();
    let settings = match engine {
        Some(engine) => engine.settings(),
        None => Settings::read(&call.door.options.config_dir)
            .map_err(|error| ActError::conflict(error.to_string()))?
            .into(),
    };
    let waiting = engine.map(|engine| engine.settings_waiting()).unwrap_or_default();
    let is_asked = call.door.options.concurrency.is_some();
    let mut table = Table::new(&["key", "value", "from"]);
    for (name, key) in keys::all() {
        let value = (key.value)(&settings);
        let line = settings.written.get(&name).copied();
        let from = match line {
            _ if is_asked && name == "backup.concurrency" => "command-line",
            Some(_) => "file",
            None => "default",
        };
        let waits = waiting.contains(&name);
        if call.json {
            let value = Some(value.shown()).filter(|_| !matches!(value, keys::Value::Unset(_)));
            call.object(&Shown { key: &name, value, from, line, waits })?;
            continue;
        }
        let from = line.filter(|_| from == "file").map_or(from.replace('-', " "), |line| format!("{FILE}:{line}"));
        let waits = if waits { ", after a restart" } else { "" };
        table.row([name.as_str(), value.shown(), &format!("{from}{waits}")]);
    }
    if !call.json {
        table.print(call, "");
    }
    if let Some(mistake) = engine.and_then(|engine| engine.settings_mistake()) {
        call.note(format!("these are the settings before this mistake: {mistake}"));
    }
    Ok(Exit::Done)
}

/// The example as `--json` shows it.
#[derive(Serialize)]
struct Example {
    text: String,
}

fn example(call: &Call) -> Result<Exit, ActError> {
    let text = keys::example();
    if call.json {
        call.object(&Example { text })?;
    } else {
        text.lines().for_each(|line| call.say(line));
    }
    Ok(Exit::Done)
}
