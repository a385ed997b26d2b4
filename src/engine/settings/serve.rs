//! `[serve]`: whom the engine believes about who uses it.

use serde::Deserialize;

use super::keys::{Key, Value, quoted};

pub(super) const KEYS: &[Key] = &[Key::new(
    "trusted",
    "accounts that may say which person uses them (--as NAME): those whose keys stand for people",
    |s| {
        let accounts: Vec<String> = s.trusted.iter().map(|account| quoted(account)).collect();
        Value::Plain(format!("[{}]", accounts.join(", ")))
    },
)];

/// The table as it is written.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ServeTable {
    pub trusted: Vec<String>,
}
