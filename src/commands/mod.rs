//! The command table: what the shell, the `:` line, keys, mouse and tests all speak.
//!
//! A command is declared where it is written, a file per noun: `inventory::submit! { Command { … } }`.
//! Nothing else has to be touched.

mod answer;
mod arg;
mod args;
mod call;
pub mod complete;
mod config_files;
mod devices;
mod help;
mod io;
pub mod man;
pub mod manual;
mod moment;
mod nouns;
mod period;
mod run;
mod said;
mod scope;
mod secrets;
mod seen;
mod shown;
pub mod spark;
mod table;
mod unlock;

pub use arg::{Arg, Count, Kind};
pub use args::Args;
pub use call::{Call, Door, Exit};
pub use config_files::ConfigFile;
pub use io::Io;
pub use run::{find, note_refused, run};
pub use shown::{holds_secret, words as shown};
pub use table::{Command, Needs, Run, Running, all};
pub use unlock::{Unlocked, unlocked};

pub use crate::engine::Person;
