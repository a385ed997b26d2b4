//! `notify.toml` in the configuration folder: who is told, and of what.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::Selection;
use crate::engine::selection::Sieve;
use crate::engine::settings::SettingsError;
use crate::engine::snapshot::DeviceRow;
use crate::model::{EventKind, Secret, Severity, clean_line};

use super::quiet::Quiet;
use super::written;

/// The file's name in the configuration folder.
pub const FILE: &str = "notify.toml";
/// The largest such file, in bytes.
const LARGEST: u64 = 256 << 10;

/// Who is told, and of what. Nobody and nothing, where there is no file.
#[derive(Clone, Debug, Default)]
pub struct NotifySettings {
    /// Where messages go, in the file's order; their names are unique.
    pub targets: Vec<Arc<Target>>,
    /// What goes there, in the file's order.
    pub rules: Vec<Rule>,
}

/// Where messages go.
#[derive(Debug)]
pub struct Target {
    /// Its name: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// How long one delivery may take in all.
    pub timeout: Duration,
    /// How it is reached.
    pub way: Way,
}

/// How a target is reached.
#[derive(Debug)]
pub enum Way {
    /// A POST of a JSON document.
    Webhook(Webhook),
    /// What speaks Telegram's bot API.
    Telegram(Telegram),
    /// A mail.
    Smtp(Smtp),
    /// A program of this host.
    Command(Vec<String>),
}

/// See [`Way::Webhook`].
#[derive(Debug)]
pub struct Webhook {
    /// The whole address: its path and query are often a secret.
    pub url: Url,
    /// Further headers.
    pub headers: Vec<(String, Secret)>,
    /// Who signs the server's certificate, where the host's own authorities do not: a PEM file.
    pub ca: Option<PathBuf>,
}

/// An address whose path is shown to nobody.
#[derive(Clone, Debug)]
pub struct Url {
    /// Whether by TLS.
    pub tls: bool,
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query.
    pub path: Secret,
}

impl Url {
    /// `https://hooks.example.net`, without what may be a secret.
    pub fn shown(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }

    /// What the header `Host` says: `hooks.example.net`, `[::1]:8080`.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if self.tls { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }
}

/// See [`Way::Telegram`].
#[derive(Debug)]
pub struct Telegram {
    /// Where the bot API is.
    pub base: Url,
    /// The bot's token.
    pub token: Password,
    /// The chat's number, or `@name` of a channel.
    pub chat: String,
    /// See [`Webhook::ca`].
    pub ca: Option<PathBuf>,
}

/// See [`Way::Smtp`].
#[derive(Debug)]
pub struct Smtp {
    /// The server's name or address.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// Whether and when TLS begins.
    pub tls: Tls,
    /// Who it comes from.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
    /// Who logs in, where that is asked for.
    pub login: Option<(String, Password)>,
    /// See [`Webhook::ca`].
    pub ca: Option<PathBuf>,
}

/// Whether and when TLS begins on a connection of SMTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// At once (RFC 8314).
    Implicit,
    /// After the greeting; it is an error where the server cannot (RFC 3207).
    Starttls,
    /// Never: a relay on this host or in a network of one's own.
    None,
}

/// A secret of a target.
#[derive(Clone, Debug)]
pub enum Password {
    /// It stands in the file itself.
    Clear(Secret),
    /// It is read from this file at each delivery.
    File(PathBuf),
}

/// What goes where.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its kinds of events; empty is every kind but what is only noted about an incident: that one goes up and down, that
    /// somebody wrote about it.
    pub on: Vec<EventKind>,
    /// Events that are less loud do not count. What is said of a trouble that the target knows of always does.
    pub severity: Severity,
    /// Which devices' events; empty is every event, those without a device too.
    pub devices: Selection,
    /// The names of targets.
    pub to: Vec<String>,
    /// When nobody wants to be disturbed.
    pub quiet: Option<Quiet>,
    /// What is as loud as this is told during the quiet hours too.
    pub quiet_except: Option<Severity>,
    /// Events within this time become one message.
    pub group_for: Duration,
    /// After how long a trouble that goes on, and that nobody has taken note of, is told again; each next time after
    /// twice as long.
    pub remind: Option<Duration>,
}

impl Rule {
    /// Whether it is about events of this kind.
    pub fn is_on(&self, kind: EventKind) -> bool {
        match self.on[..] {
            [] => kind != EventKind::IncidentNoted,
            _ => self.on.contains(&kind),
        }
    }

    /// Whether it is about one of these devices; about everything, where it names none.
    pub fn covers<'a>(&self, mut rows: impl Iterator<Item = &'a DeviceRow>) -> bool {
        if self.devices == Selection::default() {
            return true;
        }
        let narrows = self.devices.group.is_some() || !self.devices.filter.is_empty();
        let mut sieve: Option<Sieve<'_>> = narrows.then(|| self.devices.sieve());
        rows.any(|row| {
            self.devices.names.iter().any(|name| name == row.device.name.as_str())
                || sieve.as_mut().is_some_and(|sieve| sieve.passes(row))
        })
    }

    /// Until when an event of this severity must wait; `None` where it need not.
    pub fn held_until(
        &self,
        severity: Severity,
        now: crate::model::Timestamp,
        zone: &jiff::tz::TimeZone,
    ) -> Option<crate::model::Timestamp> {
        let quiet = self.quiet.as_ref()?;
        if self.quiet_except.is_some_and(|loud| severity >= loud) {
            return None;
        }
        quiet.end(now, zone)
    }
}

impl NotifySettings {
    /// Reads the file in `folder`.
    ///
    /// # Errors
    /// The first mistake, with its line. Also where other users may change the file: it names programs that are run.
    pub fn read(folder: &Path) -> Result<Self, SettingsError> {
        let path = folder.join(FILE);
        let file = path.display().to_string();
        let fail = |message: String| SettingsError { file: file.clone(), line: None, message };
        let metadata = match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(fail(error.to_string())),
            Ok(metadata) => metadata,
        };
        if !metadata.is_file() {
            return Err(fail("it is no regular file".to_owned()));
        }
        if metadata.len() > LARGEST {
            return Err(fail(format!("it is larger than {} kB", LARGEST >> 10)));
        }
        if metadata.permissions().mode() & 0o022 != 0 {
            return Err(fail(format!(
                "other users may change it, and it says what is run and where messages go: chmod go= {}",
                path.display()
            )));
        }
        let text = std::fs::read_to_string(&path).map_err(|error| fail(error.to_string()))?;
        Self::parse(&text, &file, folder)
    }

    /// Reads `text`; `file` is its name in errors, and `folder` where the files that it names lie.
    ///
    /// # Errors
    /// The first mistake, with its line. It never holds a secret.
    pub fn parse(text: &str, file: &str, folder: &Path) -> Result<Self, SettingsError> {
        written::read(text, folder).map_err(|(line, message)| SettingsError {
            file: file.to_owned(),
            line,
            message: clean_line(&message).into_owned(),
        })
    }

    /// The target of that name.
    pub fn target(&self, name: &str) -> Option<&Arc<Target>> {
        self.targets.iter().find(|target| target.name == name)
    }
}

impl Target {
    /// Its kind in a word, as in the file.
    pub fn kind(&self) -> &'static str {
        match &self.way {
            Way::Webhook(_) => "webhook",
            Way::Telegram(_) => "telegram",
            Way::Smtp(_) => "smtp",
            Way::Command(_) => "command",
        }
    }

    /// Where it is, on a clean line without secrets: `https://hooks.example.net`.
    pub fn place(&self) -> String {
        let place = match &self.way {
            Way::Webhook(hook) => hook.url.shown(),
            Way::Telegram(chat) => format!("chat {} at {}", chat.chat, chat.base.shown()),
            Way::Smtp(smtp) => format!("{} by {}:{}", smtp.to.join(", "), smtp.server, smtp.port),
            Way::Command(argv) => argv.first().cloned().unwrap_or_default(),
        };
        // the file may write any character as an escape
        clean_line(&place).into_owned()
    }

    /// The files with secrets that it names.
    pub fn secret_files(&self) -> Vec<&Path> {
        let password = match &self.way {
            Way::Telegram(chat) => Some(&chat.token),
            Way::Smtp(smtp) => smtp.login.as_ref().map(|(_, password)| password),
            Way::Webhook(_) | Way::Command(_) => None,
        };
        match password {
            Some(Password::File(path)) => vec![path],
            _ => Vec::new(),
        }
    }
}
