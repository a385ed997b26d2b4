//! `--revision N`: which revision of a record whoever changes it has seen. One flag, one meaning, for every such command.

use super::arg::{Arg, Kind};
use super::call::Call;

/// The flag.
pub const SEEN: Arg = Arg::optional(
    "--revision",
    Kind::Number(0, u32::MAX as u64),
    "the revision that you saw: refused, with who did it, where somebody has changed it since",
);

/// `--instead-of NAME`, where one person has something, and another takes it.
pub const HOLDER: Arg = Arg::optional(
    "--instead-of",
    Kind::Text,
    "who has it now, as you saw: else it is refused where another has it",
);

impl Call {
    /// The revision that whoever asks has seen; `None` where they do not say.
    pub fn seen(&self) -> Option<u32> {
        self.args.number(SEEN.name).and_then(|seen| u32::try_from(seen).ok())
    }
}
