//! What a command is.

use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;

use super::arg::Arg;
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
    /// The role that it needs.
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
    /// The engine that has the store open, where one has; else the folders: `audit verify`.
    EngineIfOpen,
    /// An open engine.
    Engine,
    /// A terminal, and nothing of this table: `console`, `demo`. The server starts these.
    Terminal,
}

/// What a running command comes to: how it ended, or why it did not do what was asked.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Exit, ActError>> + Send + 'a>>;

/// A command's function.
pub type Run = fn(&Call) -> Running<'_>;

/// Every command, by name.
pub fn all() -> impl Iterator<Item = &'static Command> {
    static ALL: LazyLock<Vec<&Command>> = LazyLock::new(|| {
        let mut all: Vec<&Command> = inventory::iter::<Command>.into_iter().collect();
        all.sort_by_key(|command| command.name);
        all
    });
    ALL.iter().copied()
}
