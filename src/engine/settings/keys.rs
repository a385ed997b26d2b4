//! Every key of `config.toml`: what it is, its unit and range, and its value. The example, `config show` and the
//! words about a change are made of this one list; a test holds it against what the file may say.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde::de::IgnoredAny;
use toml::Spanned;

use super::{HostKeyPolicy, Settings, audit, line_of, pulse, serve, snmp, store};
use crate::model::Secret;

/// A table of the file.
pub struct Table {
    /// `backup`.
    pub name: &'static str,
    /// What it is about, in one sentence.
    pub about: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// A key of a table.
pub struct Key {
    /// `daily`.
    pub name: &'static str,
    /// What it is, with its unit and range, in one sentence.
    pub about: &'static str,
    /// What it is in some settings.
    pub value: fn(&Settings) -> Value,
    /// Whether what runs already goes on with the value of its start.
    pub at_restart: bool,
}

/// The value of a key.
#[derive(Clone, Debug)]
pub enum Value {
    /// As it stands in the file.
    Plain(String),
    /// The file says nothing, and that differs from every value; this is one that it might have.
    Unset(&'static str),
    /// What may be shown of secrets, and what they are.
    Hidden(String, Secret),
}

impl Value {
    /// For a screen: without secrets.
    pub fn shown(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Hidden(text, _) => text,
            Self::Unset(_) => "-",
        }
    }

    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plain(one), Self::Plain(other)) => one == other,
            (Self::Unset(_), Self::Unset(_)) => true,
            (Self::Hidden(_, one), Self::Hidden(_, other)) => one.expose() == other.expose(),
            _ => false,
        }
    }
}

impl Key {
    /// One that is taken up while noctule runs.
    pub(super) const fn new(name: &'static str, about: &'static str, value: fn(&Settings) -> Value) -> Self {
        Self { name, about, value, at_restart: false }
    }

    /// One that is read at the start.
    pub(super) const fn at_start(
        name: &'static str,
        about: &'static str,
        value: fn(&Settings) -> Value,
    ) -> Self {
        Self { name, about, value, at_restart: true }
    }
}

/// Every table, in the order of the example.
pub const TABLES: &[Table] = &[
    Table { name: "backup", about: "When and how devices are backed up.", keys: BACKUP },
    Table {
        name: "retention",
        about: "What is forgotten; nothing is, where nothing is said.",
        keys: RETENTION,
    },
    Table { name: "ssh", about: "How devices are trusted.", keys: SSH },
    Table { name: "limits", about: "How long each step of a session may take.", keys: LIMITS },
    Table { name: "pulse", about: "How devices are probed for whether they answer.", keys: pulse::KEYS },
    Table { name: "snmp", about: "How agents are asked who they are, and by whom.", keys: snmp::KEYS },
    Table {
        name: "serve",
        about: "Whom the engine believes about who uses it, and who may look at its metrics.",
        keys: serve::KEYS,
    },
    Table { name: "store", about: "How noctule's own store is copied.", keys: store::KEYS },
    Table {
        name: "audit",
        about: "Where the head of the journal is noted outside of it.",
        keys: audit::KEYS,
    },
];

const BACKUP: &[Key] = &[
    Key::new("daily", "the local time of the daily backup, or \"off\"", |s| moment(s.daily_at)),
    Key::new("jitter", "over how long the devices are spread; at most 23h", |s| length(s.jitter)),
    Key::new("concurrency", "sessions at once; 1 to 5000", |s| plain(s.concurrency)),
    Key::new("retries", "how often a passing failure is tried again; 0 to 10", |s| plain(s.retries)),
    Key::new("retry_wait", "the wait before the first retry, twice as long before each next one", |s| {
        length(s.retry_wait)
    }),
    Key::new("late_after", "the age at which a proven configuration counts as late", |s| {
        length(s.late_after)
    }),
];

const RETENTION: &[Key] = &[
    Key::new("revisions", "revisions kept of a device; every one where it is not set", |s| {
        match s.keep_revisions {
            Some(most) => plain(most),
            None => Value::Unset("100"),
        }
    }),
    Key::new("age", "how long a revision is kept; for good where it is not set", |s| match s.keep_for {
        Some(age) => length(age),
        None => Value::Unset("\"730d\""),
    }),
    Key::new("recordings", "recordings of failed sessions kept of a device; 0 to 1000", |s| {
        plain(s.keep_recordings)
    }),
];

const SSH: &[Key] = &[Key::new(
    "host_keys",
    "an unknown host key is pinned (accept-new), or refused until somebody trusts it (strict)",
    |s| {
        text(match s.host_keys {
            HostKeyPolicy::AcceptNew => "accept-new",
            HostKeyPolicy::Strict => "strict",
        })
    },
)];

const LIMITS: &[Key] = &[
    Key::new("connect", "for the connection, key exchange included", |s| length(s.limits.connect)),
    Key::new("login", "for the login, to the first prompt", |s| length(s.limits.login)),
    Key::new("idle", "without a byte, before a session is given up", |s| length(s.limits.idle)),
    Key::new("session", "for a session as a whole", |s| length(s.limits.whole)),
    Key::new("answer_megabytes", "megabytes of one answer; 1 to 1024", |s| {
        plain(s.limits.answer_bytes >> 20)
    }),
];

/// A number or a word without quotes.
pub(super) fn plain(value: impl std::fmt::Display) -> Value {
    Value::Plain(value.to_string())
}

/// A text in quotes.
pub(super) fn text(value: &str) -> Value {
    Value::Plain(quoted(value))
}

/// A text as TOML has it.
pub(super) fn quoted(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

/// A length of time in its largest whole unit.
pub(super) fn length(length: Duration) -> Value {
    Value::Plain(quoted(&shown(length)))
}

/// `90s`, `5m`, `2h`, `7d`.
pub(super) fn shown(length: Duration) -> String {
    let seconds = length.as_secs();
    let units = [(86_400, 'd'), (3600, 'h'), (60, 'm')];
    match units.iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit)) {
        Some((unit, letter)) => format!("{}{letter}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

/// A local time of day, or `off`.
pub(super) fn moment(minutes: Option<u16>) -> Value {
    text(&minutes.map_or_else(|| "off".to_owned(), |at| format!("{:02}:{:02}", at / 60, at % 60)))
}

/// Every key with its whole name, `backup.daily`.
pub fn all() -> impl Iterator<Item = (String, &'static Key)> {
    TABLES.iter().flat_map(|table| table.keys.iter().map(|key| (format!("{}.{}", table.name, key.name), key)))
}

/// The keys that differ, with their values before and after, without secrets.
pub(super) fn differences(before: &Settings, after: &Settings) -> Vec<(String, &'static Key, String)> {
    let differing = all().filter_map(|(name, key)| {
        let (old, new) = ((key.value)(before), (key.value)(after));
        let words = format!("{name} {} → {}", old.shown(), new.shown());
        (!old.same(&new)).then_some((name, key, words))
    });
    differing.collect()
}

/// In which line, counting from 1, each key of a text without mistakes stands.
pub(super) fn lines(text: &str) -> BTreeMap<String, usize> {
    type File = BTreeMap<String, BTreeMap<Spanned<String>, IgnoredAny>>;
    let file: File = toml::from_str(text).unwrap_or_default();
    let tables = file.into_iter().flat_map(|(table, keys)| {
        keys.into_keys().map(move |key| (format!("{table}.{}", key.get_ref()), key.span().start))
    });
    tables.map(|(name, at)| (name, line_of(text, at))).collect()
}

/// A `config.toml` with every key, each with what it is and its default, all of them commented out.
pub fn example() -> String {
    let usual = Settings::default();
    let mut page = String::from(
        "# noctule's settings. Every key stands here with its default; take a # away and change what is behind it.\n\
         # Lengths of time are written 30s, 5m, 2h, 7d. `noctule config check` says what is wrong with this file and\n\
         # the others beside it. A running noctule takes a change up by itself; where it needs a restart, that is said.\n",
    );
    for table in TABLES {
        let _ = write!(page, "\n# {}\n[{}]\n", table.about, table.name);
        for key in table.keys {
            let restart = if key.at_restart { " (after a restart)" } else { "" };
            let _ = writeln!(page, "# {}{restart}", key.about);
            let value = match (key.value)(&usual) {
                Value::Plain(value) => value,
                Value::Unset(example) => example.to_owned(),
                Value::Hidden(shown, _) => shown,
            };
            let _ = writeln!(page, "#{} = {value}", key.name);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The names that the file takes where `text` has one that it does not.
    fn taken(text: &str) -> Vec<String> {
        let error = Settings::parse(text, "config.toml", Path::new("/")).unwrap_err();
        let (_, expected) = error.message.split_once("expected").expect("what is expected");
        let mut names: Vec<String> = expected.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        names.sort();
        names
    }

    #[test]
    fn every_key_that_the_file_takes_is_in_the_list() {
        let mut tables: Vec<String> = TABLES.iter().map(|table| table.name.to_owned()).collect();
        tables.sort();
        assert_eq!(taken("xyzzy = 1"), tables);
        for table in TABLES {
            let mut keys: Vec<String> = table.keys.iter().map(|key| key.name.to_owned()).collect();
            keys.sort();
            assert_eq!(taken(&format!("[{}]\nxyzzy = 1", table.name)), keys, "[{}]", table.name);
        }
        for list in ["pulse.rule", "snmp.user"] {
            let (_, key) = all().find(|(name, _)| name == list).expect("a list of tables");
            for name in taken(&format!("[[{list}]]\nxyzzy = 1")) {
                assert!(key.about.contains(&name), "{list} says nothing of {name}");
            }
        }
    }

    #[test]
    fn the_example_without_its_marks_is_the_defaults() {
        let usual = Settings::default();
        let unset: Vec<String> = all()
            .filter(|(_, key)| !matches!((key.value)(&usual), Value::Plain(_)))
            .map(|(_, key)| format!("#{} = ", key.name))
            .collect();
        let bare = |also: bool| -> String {
            let line = |line: &str| match line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')) {
                Some(rest) if also || !unset.iter().any(|unset| line.starts_with(unset)) => {
                    format!("{rest}\n")
                }
                _ => format!("{line}\n"),
            };
            example().lines().map(line).collect()
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("snmp.secret"), "c0mmunity\n").unwrap();
        let parse = |text: &str| Settings::parse(text, "config.toml", folder.path()).unwrap();
        let read = parse(&bare(false));
        assert!(
            differences(&usual, &read).is_empty(),
            "{:?}",
            differences(&usual, &read).first().map(|d| &d.2)
        );
        parse(&bare(true));
    }

    #[test]
    fn a_difference_of_secrets_is_named_without_them() {
        let read = |text: &str| Settings::parse(text, "config.toml", Path::new("/")).unwrap();
        let (before, after) = (
            read("[snmp]\ncommunities = ['s3cr3t']\n"),
            read("[snmp]\ncommunities = ['0th3r']\n[backup]\nretries = 3\n"),
        );
        let words: Vec<String> =
            differences(&before, &after).into_iter().map(|(_, _, words)| words).collect();
        assert_eq!(words, ["backup.retries 2 → 3", "snmp.communities [\"…\"] → [\"…\"]"]);
        assert_eq!(after.written["backup.retries"], 4);
    }

    #[test]
    fn lengths_are_written_as_they_are_read() {
        for written in ["0s", "90s", "5m", "36h", "7d"] {
            assert_eq!(shown(super::super::duration(written.to_owned()).unwrap()), written);
        }
    }
}
