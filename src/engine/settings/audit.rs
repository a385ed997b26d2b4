//! `[audit]`: where the head of the journal is noted outside of it.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::keys::{Key, Value, plain, text};
use super::{Mistake, or_usual};

/// Where the head of the journal is noted outside of it, so that a journal that is rewritten as a whole is found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditSettings {
    /// A file that a line is appended to; best on another disk, or one that only grows (`chattr +a`).
    pub anchor_file: Option<PathBuf>,
    /// Whether the system's log gets the same line.
    pub syslog: bool,
}

impl AuditSettings {
    /// Whether anything is noted anywhere.
    pub fn is_anchored(&self) -> bool {
        self.anchor_file.is_some() || self.syslog
    }
}

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "anchor_file",
        "a file, by its whole path, that the head of the journal is noted in; best on another disk",
        |s| match &s.audit.anchor_file {
            Some(file) => text(&file.display().to_string()),
            None => Value::Unset("\"/var/log/noctule/anchors\""),
        },
    ),
    Key::new("syslog", "whether the system's log gets the same line: true or false", |s| {
        plain(s.audit.syslog)
    }),
];

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AuditTable {
    anchor_file: Option<Spanned<String>>,
    syslog: bool,
}

impl AuditTable {
    pub(super) fn into_settings(self) -> Result<AuditSettings, Mistake> {
        let anchor_file = or_usual(self.anchor_file, None, |text| absolute(text).map(Some))?;
        Ok(AuditSettings { anchor_file, syslog: self.syslog })
    }
}

/// The engine's working folder is nobody's business.
fn absolute(text: String) -> Result<PathBuf, String> {
    let path = PathBuf::from(&text);
    if path.is_absolute() && path.file_name().is_some() {
        Ok(path)
    } else {
        Err(format!("{text:?} is no file by its whole path: write \"/var/log/noctule/anchors\""))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Settings;
    use super::*;

    #[test]
    fn reads_where_anchors_go() {
        let read =
            |text: &str| Settings::parse(text, "config.toml", Path::new("/")).map(|settings| settings.audit);
        assert!(!read("").unwrap().is_anchored());
        let both = read("[audit]\nanchor_file = \"/var/log/noctule/anchors\"\nsyslog = true").unwrap();
        assert_eq!(both.anchor_file, Some(PathBuf::from("/var/log/noctule/anchors")));
        assert!(both.syslog && both.is_anchored());
        for (text, line) in [("anchor_file = \"anchors\"", 2), ("anchor_file = \"/\"", 2), ("syslog = 1", 2)]
        {
            let error = read(&format!("[audit]\n{text}")).unwrap_err();
            assert_eq!(error.line, Some(line), "{text}: {error}");
        }
    }
}
