//! The console's own files in the configuration folder, for `config check`.

use super::keymap::Keymap;
use super::theme::Theme;
use crate::commands::ConfigFile;
use crate::engine::settings::every_mistake;

inventory::submit! { ConfigFile { place: "keymap.toml", check: |_, text| {
    every_mistake(text, |text| Keymap::patched(text).map(drop).map_err(|fault| (fault.line, fault.what)))
} } }

inventory::submit! { ConfigFile { place: "themes/*.toml", check: |_, text| {
    every_mistake(text, |text| Theme::parse("", text, true).map(drop).map_err(|fault| (fault.line, fault.what)))
} } }

/// Something wrong with one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, counting from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl Fault {
    /// Of a place in the text.
    pub fn at(text: &str, place: usize, what: impl Into<String>) -> Self {
        let line = text.as_bytes().iter().take(place).filter(|byte| **byte == b'\n').count() + 1;
        Self { line: Some(line), what: what.into() }
    }

    /// Of a text that is not what it should be.
    pub fn toml(text: &str, error: &toml::de::Error) -> Self {
        let what = error.message().trim().replace('\n', "; ");
        match error.span() {
            Some(span) => Self::at(text, span.start, what),
            None => Self { line: None, what },
        }
    }

    /// A sentence about the file that is called `name`.
    pub fn of(&self, name: &str) -> String {
        match self.line {
            Some(line) => format!("{name} line {line}: {}", self.what),
            None => format!("{name}: {}", self.what),
        }
    }
}
