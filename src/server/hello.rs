//! The first message of a client: who it is, what it wants, what its terminal can. Whatever it says is taken for hostile.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::wire::{self, PROTOCOL, Reply, WireError};
use crate::console::{Caps, Settings};
use crate::model::{Rights, clean_line};

/// The most words of a command line.
const MOST_WORDS: usize = 10_000;
/// The longest name of a person, a theme or a kind of terminal, in characters.
const LONGEST_NAME: usize = 64;

/// What a client says first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`]. It stays the first field: another version must find it.
    pub protocol: u16,
    /// The client's version, for people.
    pub version: String,
    /// The words of the command line, without those that belong to the program; nothing is the console.
    pub words: Vec<String>,
    /// The folder that it runs in, against which a path of the command line is meant.
    pub folder: String,
    /// `--as`: who the caller says it speaks for.
    pub speaks_for: Option<String>,
    /// `--read-only`.
    pub read_only: bool,
    /// The address in its `SSH_CONNECTION`.
    pub ssh: Option<String>,
    /// The terminal that standard input is.
    pub tty: Option<String>,
    /// Whether standard input is a terminal.
    pub input_is_terminal: bool,
    /// Whether standard output is a terminal.
    pub output_is_terminal: bool,
    /// The time zone's name, in which its person writes moments; empty where it has none.
    pub zone: String,
    /// The full screen that it wants; `None` is a command.
    pub screen: Option<Screen>,
}

/// A full screen: what the terminal is, and what its operator wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screen {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
    /// `TERM`.
    pub term: String,
    /// `COLORTERM`.
    pub colorterm: String,
    /// Whether `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// The locale: the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set.
    pub lang: String,
    /// The time zone's name; empty where it has none.
    pub zone: String,
    /// The theme's name.
    pub theme: String,
    /// The text of a theme file of the operator's own.
    pub theme_file: Option<String>,
    /// The text of the operator's keymap file.
    pub keymap_file: Option<String>,
    /// Whether the mouse belongs to the console.
    pub mouse: bool,
    /// Whether it hangs on a wall.
    pub wall: bool,
    /// Seconds from page to page there.
    pub cycle: Option<u16>,
}

impl Hello {
    /// Reads the body of a client's first message: what is too long in it is cut or refused, names are cleaned.
    ///
    /// # Errors
    /// A refusal for the client: another version, or no message at all.
    pub fn read(body: &[u8]) -> Result<Self, Reply> {
        let nonsense = |error: WireError| Reply::Refused(error.to_string());
        let (protocol, _) =
            postcard::take_from_bytes::<u16>(body).map_err(|_| nonsense(WireError::Nonsense))?;
        if protocol != PROTOCOL {
            return Err(Reply::Refused(format!(
                "the engine is noctule {} and speaks protocol {PROTOCOL}, this client speaks {protocol}: use the same \
                 version on both sides, or restart the engine after an update",
                env!("CARGO_PKG_VERSION")
            )));
        }
        let mut hello: Self = wire::message(body).map_err(nonsense)?;
        if hello.words.len() > MOST_WORDS {
            return Err(Reply::Refused(format!("a command line has at most {MOST_WORDS} words")));
        }
        hello.version = name(&hello.version);
        for said in [&mut hello.speaks_for, &mut hello.ssh, &mut hello.tty] {
            *said = said.as_deref().map(name);
        }
        Ok(hello)
    }
}

impl Screen {
    /// What the terminal is and can.
    pub fn caps(&self) -> Caps {
        Caps {
            width: self.columns,
            height: self.rows,
            term: name(&self.term),
            colorterm: name(&self.colorterm),
            no_color: self.no_color,
            unicode: is_utf8(&self.lang),
        }
    }

    /// What its operator wants, who has these rights.
    pub fn settings(&self, rights: Rights) -> Settings {
        let cycle = self.cycle.map(|seconds| format!(" {}", seconds.clamp(2, 3600))).unwrap_or_default();
        Settings {
            theme: name(&self.theme),
            theme_file: self.theme_file.clone(),
            keymap_file: self.keymap_file.clone(),
            mouse: self.mouse,
            rights: if self.wall { rights.read_only() } else { rights },
            zone: zone(&self.zone),
            first: self.wall.then(|| format!("wallboard{cycle}")),
            wall: self.wall,
        }
    }
}

/// A time zone by its name; a client's file system is not looked into.
pub fn zone(name: &str) -> TimeZone {
    let is_plain = name.len() <= LONGEST_NAME
        && name.split('/').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-_".contains(&b))
        });
    if is_plain { TimeZone::get(name).unwrap_or_else(|_| TimeZone::system()) } else { TimeZone::system() }
}

fn name(said: &str) -> String {
    clean_line(said).trim().chars().take(LONGEST_NAME).collect()
}

/// Whether a locale's text is UTF-8.
pub fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Role;

    #[test]
    fn another_version_is_told_so_whatever_else_it_says() {
        let body = [&postcard::to_stdvec(&(PROTOCOL + 1)).unwrap()[..], b"\xff\xff\xff"].concat();
        let Err(Reply::Refused(why)) = Hello::read(&body) else { panic!("it was taken") };
        assert!(why.contains("this client speaks 3"), "{why}");
        assert!(Hello::read(&[]).is_err());
        assert!(Hello::read(&postcard::to_stdvec(&PROTOCOL).unwrap()).is_err());
    }

    #[test]
    fn locales() {
        assert!(is_utf8("en_US.UTF-8") && is_utf8("C.utf8") && !is_utf8("C") && !is_utf8("de_DE.ISO-8859-1"));
    }

    #[test]
    fn names_are_clean_and_short_and_no_path_is_a_zone() {
        let screen =
            Screen { term: "xterm\x1b]0;x\x07".repeat(50), zone: "../../etc/x".into(), ..Screen::default() };
        let caps = screen.caps();
        assert!(caps.term.chars().count() == LONGEST_NAME && !caps.term.contains('\x1b'));
        assert!(screen.settings(Role::Admin.into()).first.is_none());
        let wall = Screen { wall: true, cycle: Some(0), zone: "Europe/Berlin".into(), ..Screen::default() };
        let settings = wall.settings(Role::Admin.into());
        assert_eq!(settings.first.as_deref(), Some("wallboard 2"));
        assert!(!settings.rights.may(Role::Operator));
        assert_eq!(settings.zone.iana_name(), Some("Europe/Berlin"));
    }
}
