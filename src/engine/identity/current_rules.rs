//! The rules that are in force: read when they are first needed, and anew when a file of the operator's was changed.

use std::ffi::OsString;
use std::path::Path;
use std::time::SystemTime;

use crate::device::identity::Rules;
use crate::engine::start::{Engine, lock};

/// See the file's head. Nothing is read yet.
#[derive(Default)]
pub(in crate::engine) struct CurrentRules {
    rules: Option<Rules>,
    files: Files,
}

/// The operator's files as they are: their names, when each was changed, and its length.
type Files = Vec<(OsString, Option<SystemTime>, u64)>;

impl Engine {
    /// The rules by which devices are known. Where a file has a mistake, what it said before holds, and an event says so.
    pub(in crate::engine) fn identity_rules(&self) -> Rules {
        let folder = self.options.config_dir.join("identity");
        let files = files_in(&folder);
        let mut current = lock(&self.identity_rules);
        if let Some(rules) = current.rules.as_ref().filter(|_| current.files == files) {
            return rules.clone();
        }
        let rules = Rules::load_after(&current.rules.clone().unwrap_or_default(), Some(&folder));
        *current = CurrentRules { rules: Some(rules.clone()), files };
        drop(current);
        let notes: Vec<String> = rules.problems().iter().map(ToString::to_string).collect();
        self.tell_notes(&notes);
        rules
    }

    /// Reads the rules anew where a file was changed: a mistake is told when it is made, not when a device is asked.
    pub(super) fn look_at_identity_rules(&self) {
        let files = files_in(&self.options.config_dir.join("identity"));
        if lock(&self.identity_rules).files != files {
            self.identity_rules();
        }
    }
}

fn files_in(folder: &Path) -> Files {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let rules = entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "toml"));
    let mut files: Files = rules
        .map(|entry| {
            let metadata = std::fs::metadata(entry.path()).ok();
            let changed = metadata.as_ref().and_then(|file| file.modified().ok());
            (entry.file_name(), changed, metadata.map_or(0, |file| file.len()))
        })
        .collect();
    files.sort();
    files
}
