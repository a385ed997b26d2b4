//! One running command: who asked, with what, against what.

use std::path::Path;
use std::sync::Arc;

use super::args::Args;
use super::io::Io;
use crate::device::driver::Drivers;
use crate::engine::snapshot::{DeviceRow, Snapshot};
use crate::engine::{ActError, Actor, Engine, Options, Person};
use crate::lab::Links;
use crate::model::{Device, Role, Within};

/// What command lines run against.
#[derive(Clone)]
pub struct Door {
    /// The folders, and how an engine is started where none is open.
    pub options: Options,
    /// The open engine.
    pub engine: Option<Arc<Engine>>,
    /// Who asks.
    pub person: Person,
    /// The links of the network, where it is a simulated one.
    pub links: Option<Arc<Links>>,
    /// Their side.
    pub io: Arc<dyn Io>,
}

/// One running command.
pub struct Call {
    /// What it runs against.
    pub door: Door,
    /// Its arguments, checked.
    pub args: Args,
    /// Who asked and why, for the journal.
    pub actor: Actor,
    /// Whether the answer is for a program.
    pub json: bool,
}

impl Call {
    /// The open engine.
    ///
    /// # Errors
    /// When none is open: a fault of the table.
    pub fn engine(&self) -> Result<&Arc<Engine>, ActError> {
        self.door
            .engine
            .as_ref()
            .ok_or_else(|| ActError::internal("this command was started without an engine"))
    }

    /// The engine's picture, as far as whoever asks may see it.
    ///
    /// # Errors
    /// As [`Call::engine`].
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, ActError> {
        Ok(self.engine()?.snapshot_for(&self.door.person))
    }

    /// Every device that whoever asks may look at or touch with this command, deleted ones included, by name.
    ///
    /// # Errors
    /// As [`Call::engine`].
    pub fn rows(&self) -> Result<Vec<DeviceRow>, ActError> {
        let mut rows = self.engine()?.rows();
        rows.retain(|row| self.args.within.holds(&row.device));
        Ok(rows)
    }

    /// The part of the network that this command may look at and touch.
    pub fn within(&self) -> &Within {
        &self.args.within
    }

    /// Whether whoever asks has a role for a device, beyond that which the command needs.
    pub fn may(&self, role: Role, device: &Device) -> bool {
        self.door.person.rights.within(role).holds(device)
    }

    /// The device kinds, read anew: a driver's author tries what was saved a moment ago.
    pub fn drivers(&self) -> Drivers {
        Drivers::load(Some(&self.door.options.config_dir.join("drivers")))
    }

    /// Journals that the command begins, where it touches devices or files before it changes a record.
    ///
    /// # Errors
    /// The journal does not take it: the command must not begin.
    pub async fn begin(&self) -> Result<(), ActError> {
        self.engine()?.begin_act(&self.actor).await
    }

    /// The options, with what whoever asks says where the store in `folder` needs a passphrase.
    ///
    /// # Errors
    /// Nobody says it, or it is wrong.
    pub async fn unlocked(&self, folder: &Path) -> Result<Options, ActError> {
        let asked = super::unlock::asked(&self.door.options, self.door.io.as_ref(), folder).await;
        asked.map_err(ActError::conflict)
    }

    /// One line of the answer.
    pub fn say(&self, line: impl AsRef<str>) {
        self.door.io.line(line.as_ref());
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Done,
    /// Some of it failed, or all of it.
    Failed,
    /// It was asked for in a way that makes no sense.
    Usage,
    /// A signal of this number broke it off.
    Signal(u8),
}

impl Exit {
    /// Whoever asked has broken it off, as Ctrl-C does.
    pub const INTERRUPTED: Self = Self::Signal(2);

    /// The process's exit status: 0, 1, 2, or 128 and the signal's number, as shells have it.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Signal(number) => 128_u8.saturating_add(number),
        }
    }
}
