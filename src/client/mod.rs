//! What runs at the operator's terminal: raw mode, size, restore; copies bytes; opens files.

mod attach;
mod connection;
mod console;
mod demo;
mod demo_folder;
mod editor;
mod files;
mod home;
mod no_core;
pub mod panics;
mod process;
mod prompt;
mod raw;
mod relay;
mod remote;
mod screenshot;
mod serve;
mod settings;
mod shared_account;
mod shell;
pub mod signals;
mod start;
mod starter;
pub mod terminal;
mod tty;
mod unlock;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::commands::{self, Args, Exit, Needs};
use start::{Asked, Start};

/// Runs the process's command line and says how it ended: see [`Exit::code`].
pub fn main() -> ExitCode {
    no_core::forbid();
    ExitCode::from(run(std::env::args_os().skip(1)).code())
}

/// Runs a command line, given as the words after the program's name.
pub fn run(words: impl Iterator<Item = OsString>) -> Exit {
    match Start::read(words) {
        Ok(Asked::Version) => shell::say(&format!("noctule {}", env!("CARGO_PKG_VERSION"))),
        Ok(Asked::Start(start)) => {
            if start.speaks_for.is_some() {
                shared_account::close();
            }
            begin(&start)
        }
        Err(why) => complain(&why, Exit::Usage),
    }
}

fn begin(start: &Start) -> Exit {
    let wants_help = start.words.iter().any(|word| word == "--help" || word == "-h");
    match commands::find(&start.words) {
        None if start.words.is_empty() => console::open(start, &Args::default()),
        Some((command, rest)) if command.needs == Needs::Terminal && !wants_help => {
            match (Args::read(command.name, command.args, rest), command.name) {
                (Err(why), _) => complain(&why, Exit::Usage),
                (Ok(args), "demo") => demo::open(start, &args),
                (Ok(args), "serve") => serve::run(start, &args),
                (Ok(args), "wallboard") => console::open_wallboard(start, &args),
                (Ok(_), "watch") if start.embedded => {
                    complain("watch needs the engine that others are attached to", Exit::Usage)
                }
                (Ok(args), _) => console::open(start, &args),
            }
        }
        _ => shell::run(start),
    }
}

/// Says why something was not done.
fn complain(why: &str, exit: Exit) -> Exit {
    shell::note(&format!("noctule: {why}"));
    exit
}

/// The threads that the engine and commands run on.
fn workers() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("starting threads: {error}"))
}
