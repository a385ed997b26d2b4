//! From words to a running command: the one gate that the shell, the `:` line, keys and tests go through.

use super::args::Args;
use super::call::{Call, Door, Exit};
use super::help;
use super::scope;
use super::table::{Command, Needs, all};
use super::unlock;
use crate::engine::{ActErrorKind, Engine, Person};
use crate::model::clean_line;

/// Runs one command line, `words` being its words after the program's name and without its global flags.
///
/// What it says goes to the door's [`Io`](super::Io). Where no engine is open and the command needs one, one is started
/// for it and stopped after it.
pub async fn run(door: Door, words: &[String]) -> Exit {
    let line = match Line::read(words) {
        Ok(Asked::Line(line)) => line,
        Ok(Asked::Help(text)) => {
            text.lines().for_each(|line| door.io.line(line));
            return Exit::Done;
        }
        Err(Refused { why, usage }) => {
            refuse(&door, &why, Exit::Usage);
            if let Some(usage) = usage {
                door.io.note(&format!("usage: {usage}"));
            }
            return Exit::Usage;
        }
    };
    let door = match let_in(door, &line).await {
        Ok(door) => door,
        Err((door, why)) => return refuse(&door, &why, Exit::Failed),
    };
    let name = line.command.name;
    match (line.command.needs, &door.engine) {
        (Needs::Terminal, _) => {
            let why = format!("{name} opens the full screen: start it from a shell, in a terminal");
            refuse(&door, &why, Exit::Usage)
        }
        (Needs::ClosedStore, Some(_)) => refuse(
            &door,
            &format!("{name} needs the store closed: leave the console and run it from a shell"),
            Exit::Failed,
        ),
        (Needs::Engine, None) => run_with_own_engine(door, line).await,
        _ => run_line(door, line).await,
    }
}

/// Journals a line that a console has not let through, since its operator may not run it.
pub async fn note_refused(engine: &Engine, person: &Person, words: &[String]) {
    if let Ok(Asked::Line(line)) = Line::read(words)
        && let Some(why) = line.lacks_role(person)
    {
        journal_refusal(engine, person, &line, &why).await;
    }
}

async fn journal_refusal(engine: &Engine, person: &Person, line: &Line, why: &str) {
    // it is refused also where that cannot be journalled
    let _ = engine.note_refused(&person.actor(&line.why, &line.shown), why).await;
}

/// The door as its person stands at this moment, where they may run the line.
///
/// Where no engine is open, the files say who may: their owner does with them what they like, and a store that is damaged must
/// be mended whoever its users are.
async fn let_in(mut door: Door, line: &Line) -> Result<Door, (Door, String)> {
    if let Some(engine) = &door.engine {
        door.person = match engine.readmit(&door.person) {
            Ok(person) => person,
            Err(refused) => return Err((door, refused.0)),
        };
    }
    if let Some(why) = line.lacks_role(&door.person) {
        if let Some(engine) = &door.engine {
            journal_refusal(engine, &door.person, line, &why).await;
        }
        return Err((door, why));
    }
    Ok(door)
}

/// Why a line does not run, or how it ended.
fn refuse(door: &Door, why: &str, exit: Exit) -> Exit {
    door.io.note(&format!("noctule: {}", clean_line(why)));
    exit
}

async fn run_with_own_engine(mut door: Door, line: Line) -> Exit {
    door.options.schedule = false;
    door.options.pulse = false;
    if let Some(sessions) = line.args.number("--concurrency") {
        door.options.concurrency = usize::try_from(sessions).ok();
    }
    let options = match unlock::asked(&door.options, door.io.as_ref(), &door.options.data_dir).await {
        Ok(options) => options,
        Err(why) => return refuse(&door, &why, Exit::Failed),
    };
    let engine = match Engine::start(options).await {
        Ok(engine) => engine,
        Err(error) => return refuse(&door, &error.to_string(), Exit::Failed),
    };
    door.engine = Some(engine.clone());
    let admitted = match &door.person.caller {
        Some(caller) => engine.log_in(caller).await.map(drop).map_err(|refused| refused.0),
        None => Ok(()),
    };
    let let_in = match admitted {
        Ok(()) => let_in(door, &line).await,
        Err(why) => Err((door, why)),
    };
    let exit = match let_in {
        Ok(door) => run_line(door, line).await,
        Err((door, why)) => refuse(&door, &why, Exit::Failed),
    };
    engine.stop().await;
    exit
}

async fn run_line(door: Door, mut line: Line) -> Exit {
    line.args.within = door.person.rights.within(line.command.role);
    if let Some(why) = scope::refusal(&door, line.command, &line.args) {
        return refuse(&door, &why, Exit::Failed);
    }
    let actor = door.person.actor(&line.why, &line.shown);
    let call = Call { door, args: line.args, actor, json: line.json };
    match (line.command.run)(&call).await {
        Ok(exit) => exit,
        Err(error) => {
            let exit = if error.kind == ActErrorKind::Usage { Exit::Usage } else { Exit::Failed };
            refuse(&call.door, &format!("{}: {error}", line.command.name), exit)
        }
    }
}

/// A command line, read.
struct Line {
    command: &'static Command,
    args: Args,
    json: bool,
    why: String,
    /// For the journal: without secrets.
    shown: String,
}

enum Asked {
    Line(Line),
    Help(String),
}

/// Words that make no sense.
struct Refused {
    /// The sentence that says why.
    why: String,
    /// How the command is called, where it is known.
    usage: Option<String>,
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self { why, usage: None }
    }
}

impl Line {
    /// Why this person's role may not run it.
    fn lacks_role(&self, person: &Person) -> Option<String> {
        let needed = self.command.role;
        let (name, who) = (self.command.name, &person.name);
        (!person.rights.may(needed))
            .then(|| format!("{name} needs the role {needed}, {who} has {}", person.rights))
    }

    fn read(words: &[String]) -> Result<Asked, Refused> {
        let (flags, words) = take_global(words)?;
        let Some((command, rest)) = find(&words) else {
            if flags.help || words.is_empty() || words[0] == "help" {
                let about: Vec<String> = words.into_iter().filter(|word| *word != "help").collect();
                let asked: Vec<&str> = about.iter().map(String::as_str).collect();
                return help::overview(&asked).map(Asked::Help).ok_or_else(|| help::unknown(&about).into());
            }
            return Err(help::unknown(&words).into());
        };
        if flags.help {
            return Ok(Asked::Help(help::of(command)));
        }
        let args = Args::read(command.name, command.args, rest)
            .map_err(|why| Refused { why, usage: Some(help::usage(command)) })?;
        let shown = super::shown::line(command, rest);
        Ok(Asked::Line(Self { command, args, json: flags.json, why: flags.why, shown }))
    }
}

#[derive(Default)]
struct Flags {
    json: bool,
    help: bool,
    why: String,
}

/// Takes out the flags that every command has.
fn take_global(words: &[String]) -> Result<(Flags, Vec<String>), String> {
    let (mut flags, mut rest) = (Flags::default(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => flags.json = true,
            "--help" | "-h" => flags.help = true,
            "--why" => {
                flags.why = words.next().ok_or("--why needs a value: the reason, for the journal")?.clone()
            }
            "--" => {
                rest.push(word.clone());
                rest.extend(words.by_ref().cloned());
            }
            _ => match word.strip_prefix("--why=") {
                Some(why) => flags.why = why.to_owned(),
                None => rest.push(word.clone()),
            },
        }
    }
    Ok((flags, rest))
}

/// The command that the words begin with, and the words after its name; the longest name wins.
pub fn find<W: AsRef<str>>(words: &[W]) -> Option<(&'static Command, &[W])> {
    // how many words it takes, where they begin with them
    let begins = |name: &str| {
        let mut given = words.iter();
        let fits = name.split(' ').all(|part| given.next().is_some_and(|word| word.as_ref() == part));
        fits.then(|| words.len() - given.len())
    };
    all()
        .filter_map(|command| {
            let names = command.aliases.iter().chain([&command.name]);
            Some((names.filter_map(|name| begins(name)).max()?, command))
        })
        .max_by_key(|(count, _)| *count)
        .map(|(count, command)| (command, &words[count..]))
}
