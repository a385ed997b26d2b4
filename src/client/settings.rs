//! What this operator wants of the console, and what their terminal can: files of the configuration folder, and the
//! environment.

use std::env;
use std::io;
use std::path::Path;

use jiff::tz::TimeZone;
use serde::Deserialize;

use super::files;
use super::terminal;
use crate::commands::{Args, ConfigFile};
use crate::console::{Caps, Settings};
use crate::engine::settings::every_mistake;
use crate::model::Rights;
use crate::server::is_utf8;

/// `theme` and `mouse`.
const FILE: &str = "console.toml";
/// The keys that differ.
const KEYMAP: &str = "keymap.toml";
/// The operator's own themes.
const THEMES: &str = "themes";
/// The largest of these files, in bytes: they travel with the first word to an engine.
const LARGEST: usize = 48 << 10;

inventory::submit! { ConfigFile { place: "console.toml", check: |_, text| every_mistake(text, |text| {
    let line = |at: usize| text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    let read = toml::from_str::<Written>(text).map(drop);
    read.map_err(|error| (error.span().map(|span| line(span.start)), error.message().to_owned()))
}) } }

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    theme: Option<String>,
    mouse: Option<bool>,
}

/// What the operator wants, from the flags of `console` and `demo` and from the files in `folder`.
///
/// # Errors
/// A sentence that says which file or name is wrong.
pub fn read(folder: &Path, args: &Args, rights: Rights) -> Result<Settings, String> {
    let usual = Settings::default();
    let path = folder.join(FILE);
    let written: Written = match text_of(&path)? {
        Some(text) => toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?,
        None => Written::default(),
    };
    let theme = args.get("--theme").map(str::to_owned).or(written.theme).unwrap_or(usual.theme);
    if theme.is_empty() || theme.contains(['/', '\\']) || theme.starts_with('.') {
        return Err(format!("{theme:?} is no name of a theme"));
    }
    Ok(Settings {
        first: None,
        wall: false,
        theme_file: text_of(&folder.join(THEMES).join(format!("{theme}.toml")))?,
        theme,
        keymap_file: text_of(&folder.join(KEYMAP))?,
        mouse: written.mouse.unwrap_or(usual.mouse) && !args.has("--no-mouse"),
        rights,
        zone: TimeZone::system(),
    })
}

fn text_of(path: &Path) -> Result<Option<String>, String> {
    if path.metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    let bytes = files::read(path, LARGEST)?;
    String::from_utf8(bytes).map(Some).map_err(|_| format!("{} is not UTF-8", path.display()))
}

/// What the terminal is and can, as the environment says.
pub fn caps() -> Caps {
    let (width, height) = terminal::size();
    let said = |name: &str| env::var(name).unwrap_or_default();
    Caps {
        width,
        height,
        term: said("TERM"),
        colorterm: said("COLORTERM"),
        no_color: env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
        unicode: is_utf8(&locale()),
    }
}

/// The locale of the terminal's text; empty where none is set.
pub fn locale() -> String {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(|name| env::var(name).ok());
    set.into_iter().find(|value| !value.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_say_what_is_wanted_and_a_mistake_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let read = |folder: &Path| read(folder, &Args::default(), crate::model::Role::Admin.into());
        let settings = read(folder.path()).unwrap();
        assert_eq!((settings.theme.as_str(), settings.theme_file, settings.mouse), ("dark", None, true));

        std::fs::write(folder.path().join(FILE), "theme = \"night\"\nmouse = false\n").unwrap();
        std::fs::create_dir(folder.path().join(THEMES)).unwrap();
        std::fs::write(folder.path().join("themes/night.toml"), "[good]\nbold = true\n").unwrap();
        std::fs::write(folder.path().join(KEYMAP), "").unwrap();
        let settings = read(folder.path()).unwrap();
        assert!(settings.theme_file.unwrap().contains("[good]"));
        assert_eq!((settings.keymap_file.as_deref(), settings.mouse), (Some(""), false));

        std::fs::write(folder.path().join(FILE), "theme = \"../../etc/passwd\"").unwrap();
        assert!(read(folder.path()).unwrap_err().contains("no name of a theme"));
        std::fs::write(folder.path().join(FILE), "colour = 1").unwrap();
        let error = read(folder.path()).unwrap_err();
        assert!(error.contains(FILE) && error.contains("colour"), "{error}");
    }
}
