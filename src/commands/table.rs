//! What a command is.

use std::future::Future;
use std::pin::Pin;

use super::call::{Call, Exit};
use crate::engine::ActError;
use crate::model::{Danger, Role};

/// One command, `noun verb`.
pub struct Command {
    /// `backup run`. Unique.
    pub name: &'static str,
    /// Other names: `b`.
    pub aliases: &'static [&'static str],
    /// One sentence, in the imperative, without a full stop: the help and the man page.
    pub about: &'static str,
    /// What it takes.
    pub args: &'static [Arg],
    /// The least role that may run it.
    pub role: Role,
    /// How the console confirms it.
    pub danger: Danger,
    /// What must stand before it can run.
    pub needs: Needs,
    /// What it runs.
    pub run: Run,
}

inventory::collect!(Command);

/// What a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing but the folders: `driver list`, `lab`.
    Folders,
    /// The store, closed: `store restore`. Refused while an engine is open.
    ClosedStore,
    /// An open engine.
    Engine,
    /// A terminal, and nothing of this table: `console`, `demo`. The server starts these.
    Terminal,
}

/// An argument or a flag.
pub struct Arg {
    /// `name`, or `--name` for a flag.
    pub name: &'static str,
    /// What it must be; drives parsing, checking and completion.
    pub kind: Kind,
    /// How often it may stand.
    pub count: Count,
    /// A few words for the help.
    pub about: &'static str,
}

impl Arg {
    /// One that must stand.
    pub const fn one(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, count: Count::One, about }
    }

    /// One that may stand.
    pub const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, count: Count::Optional, about }
    }

    /// One that may stand any number of times.
    pub const fn many(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, count: Count::Many, about }
    }

    /// A flag without a value.
    pub const fn switch(name: &'static str, about: &'static str) -> Self {
        Self { name, kind: Kind::Switch, count: Count::Optional, about }
    }
}

/// What an argument must be.
pub enum Kind {
    /// A flag without a value.
    Switch,
    /// The name of a device that is not deleted.
    Device,
    /// The name of a deleted device.
    DeletedDevice,
    /// A device group.
    Group,
    /// A driver's id.
    Driver,
    /// A revision's number; `-1` is the one before the newest.
    Revision,
    /// A file or folder; the client opens it.
    Path,
    /// A whole number from … to ….
    Number(u64, u64),
    /// `30s`, `5m`, `2h`, `7d`.
    Duration,
    /// `2`, `0.5`: seconds; or with a unit: `500ms`, `30s`, `5m`, `2h`.
    Seconds,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `key=value` pairs of a device record.
    Field,
    /// Anything.
    Text,
}

/// How often an argument may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Exactly once.
    One,
    /// Once or not at all.
    Optional,
    /// Any number of times.
    Many,
}

/// What a running command comes to: how it ended, or why it did not do what was asked.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Exit, ActError>> + Send + 'a>>;

/// A command's function.
pub type Run = fn(&Call) -> Running<'_>;

/// Every command, by name.
pub fn all() -> Vec<&'static Command> {
    let mut all: Vec<&Command> = inventory::iter::<Command>.into_iter().collect();
    all.sort_by_key(|command| command.name);
    all
}
