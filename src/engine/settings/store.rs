//! `[store]`: how noctule's own store is copied by itself.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::keys::{Key, Value, moment, plain, text};
use super::{Mistake, number, or_usual, time_of_day};

/// How the store is copied by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// The local time, minutes after midnight; `None` is "never by itself".
    pub backup_at: Option<u16>,
    /// Where to; `None` is the folder `backups` of the data folder.
    pub backup_to: Option<PathBuf>,
    /// How many copies are kept there.
    pub backup_keep: usize,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { backup_at: Some(3 * 60 + 30), backup_to: None, backup_keep: 7 }
    }
}

pub(super) const KEYS: &[Key] = &[
    Key::new("backup", "the local time at which the store is copied every day, or \"off\"", |s| {
        moment(s.store.backup_at)
    }),
    Key::new(
        "backup_to",
        "the folder of the copies, a whole path; the folder backups of the data folder where it is not set",
        |s| match &s.store.backup_to {
            Some(folder) => text(&folder.display().to_string()),
            None => Value::Unset("\"/srv/noctule-backups\""),
        },
    ),
    Key::new("backup_keep", "copies kept there; 1 to 1000", |s| plain(s.store.backup_keep)),
];

/// The table as it is written.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StoreTable {
    backup: Option<Spanned<String>>,
    backup_to: Option<Spanned<PathBuf>>,
    backup_keep: Option<Spanned<u32>>,
}

impl StoreTable {
    pub(super) fn into_settings(self) -> Result<StoreSettings, Mistake> {
        let usual = StoreSettings::default();
        Ok(StoreSettings {
            backup_at: or_usual(self.backup, usual.backup_at, time_of_day)?,
            backup_to: or_usual(self.backup_to, usual.backup_to, a_whole_path)?,
            backup_keep: or_usual(self.backup_keep, usual.backup_keep, |keep| {
                number(keep, 1, 1000).map(|keep| keep as usize)
            })?,
        })
    }
}

/// From where noctule is started must not decide where the copies are.
fn a_whole_path(folder: PathBuf) -> Result<Option<PathBuf>, String> {
    if folder.is_absolute() { Ok(Some(folder)) } else { Err("write the whole path, from / on".to_owned()) }
}
