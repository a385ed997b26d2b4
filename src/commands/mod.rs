//! The command table: what the shell, the `:` line, keys, mouse and tests all speak.
//!
//! A command is declared where it is written, a file per noun: `inventory::submit! { Command { … } }`.
//! Nothing else has to be touched.

mod table;

pub use table::*;
