//! The arguments by which commands say which devices they mean.

use super::arg::{Arg, Kind};
use super::args::Args;
use crate::engine::{ActError, Selection};

/// `[DEVICE …]`
pub const NAMES: Arg = Arg::many("device", Kind::Device, "by name");
/// `--group GROUP`
pub const GROUP: Arg = Arg::optional("--group", Kind::Group, "those of a group and of the groups inside it");
/// `--tag TAG`
pub const TAG: Arg = Arg::many("--tag", Kind::Text, "those with this tag; several must all be there");
/// `--driver ID`
pub const DRIVER: Arg = Arg::optional("--driver", Kind::Driver, "those of a driver");
/// `--filter TEXT`
pub const FILTER: Arg = Arg::optional(
    "--filter",
    Kind::Text,
    "those that the console's / would leave: core, !good, ~cr1, driver:huawei",
);
/// `--all`
pub const ALL: Arg = Arg::switch("--all", "every device");

impl Args {
    /// The devices that [`NAMES`], [`GROUP`], [`TAG`], [`DRIVER`], [`FILTER`] and [`ALL`] mean; those that a command does not
    /// have are never there.
    ///
    /// # Errors
    /// When a driver's id cannot be one: the table has seen to it.
    pub fn selection(&self) -> Result<Selection, ActError> {
        Ok(Selection {
            names: self.many("device").to_vec(),
            all: self.has("--all"),
            group: self.get("--group").map(str::to_owned),
            tags: self.many("--tag").to_vec(),
            driver: self.get("--driver").map(str::parse).transpose().map_err(ActError::usage)?,
            filter: self.get("--filter").unwrap_or_default().to_owned(),
            within: self.within.clone(),
        })
    }

    /// The same, and every device where nothing is said.
    ///
    /// # Errors
    /// As [`Args::selection`].
    pub fn selection_or_all(&self) -> Result<Selection, ActError> {
        let selection = self.selection()?;
        let all = Selection { within: self.within.clone(), ..Selection::all() };
        Ok(if selection.is_empty() { all } else { selection })
    }
}
