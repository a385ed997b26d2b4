//! What a command takes: arguments, flags, and what each must be.

use std::time::Duration;

use crate::model::{DriverId, clean_line};

/// An argument or a flag.
pub struct Arg {
    /// `name`, or `--name` for a flag.
    pub name: &'static str,
    /// What it must be; drives parsing, checking and completion.
    pub kind: Kind,
    /// How often it may stand.
    pub count: Count,
    /// A few words for the help.
    pub about: &'static str,
}

impl Arg {
    /// One that must stand.
    pub const fn one(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, count: Count::One, about }
    }

    /// One that may stand.
    pub const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, count: Count::Optional, about }
    }

    /// One that may stand any number of times.
    pub const fn many(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, count: Count::Many, about }
    }

    /// A flag without a value.
    pub const fn switch(name: &'static str, about: &'static str) -> Self {
        Self { name, kind: Kind::Switch, count: Count::Optional, about }
    }
}

/// What an argument must be.
pub enum Kind {
    /// A flag without a value.
    Switch,
    /// The name of a device that is not deleted.
    Device,
    /// The name of a deleted device.
    DeletedDevice,
    /// A device group.
    Group,
    /// A driver's id.
    Driver,
    /// A revision's number; `-1` is the one before the newest.
    Revision,
    /// A file or folder; the client opens it.
    Path,
    /// A whole number from … to ….
    Number(u64, u64),
    /// `30s`, `5m`, `2h`, `7d`.
    Duration,
    /// `2`, `0.5`: seconds; or with a unit: `500ms`, `30s`, `5m`, `2h`.
    Seconds,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `key=value` pairs of a device record.
    Field,
    /// Anything.
    Text,
}

/// How often an argument may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Exactly once.
    One,
    /// Once or not at all.
    Optional,
    /// Any number of times.
    Many,
}

impl Arg {
    /// Whether it is a flag, by its name.
    pub fn is_flag(&self) -> bool {
        self.name.starts_with("--")
    }

    /// As it stands in a usage line: `DEVICE`, `--group GROUP`.
    pub fn shown(&self) -> String {
        match (&self.kind, self.is_flag()) {
            (Kind::Switch, _) => self.name.to_owned(),
            (kind, true) => format!("{} {}", self.name, kind.shown()),
            (_, false) => self.name.to_uppercase(),
        }
    }
}

impl Kind {
    /// The kind in one word, for usage lines.
    pub fn shown(&self) -> String {
        match self {
            Self::Switch => String::new(),
            Self::Device | Self::DeletedDevice => "DEVICE".into(),
            Self::Group => "GROUP".into(),
            Self::Driver => "DRIVER".into(),
            Self::Revision => "REVISION".into(),
            Self::Path => "PATH".into(),
            Self::Number(..) => "N".into(),
            Self::Duration => "DURATION".into(),
            Self::Seconds => "SECONDS".into(),
            Self::Choice(words) => words.join("|"),
            Self::Field => "FIELD=VALUE".into(),
            Self::Text => "TEXT".into(),
        }
    }

    /// Whether a word can be one; an error says what would be right.
    pub(super) fn check(&self, word: &str) -> Result<(), String> {
        match self {
            Self::Driver => word.parse::<DriverId>().map(drop),
            Self::Number(least, most) => match word.parse::<u64>() {
                Ok(number) if (*least..=*most).contains(&number) => Ok(()),
                _ => Err(format!("{:?} is no whole number from {least} to {most}", shown(word))),
            },
            Self::Duration => duration(word).map(drop),
            Self::Seconds => seconds(word).map(drop),
            Self::Choice(words) if !words.contains(&word) => {
                Err(format!("{:?} is none of {}", shown(word), words.join(", ")))
            }
            Self::Revision if word.parse::<i64>().is_err() => {
                Err(format!("{:?} is no revision: 12 is, and -1 for the one before the newest", shown(word)))
            }
            Self::Field if !word.contains('=') => {
                Err(format!("{:?} is no FIELD=VALUE, such as group=core", shown(word)))
            }
            _ => Ok(()),
        }
    }
}

/// `30s`, `5m`, `2h`, `7d`, or `0`.
pub(super) fn duration(word: &str) -> Result<Duration, String> {
    let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)];
    let seconds = match units.iter().find_map(|(unit, seconds)| Some((word.strip_suffix(*unit)?, *seconds))) {
        Some((number, unit)) => number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)),
        None if word == "0" => Some(0),
        None => None,
    };
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| format!("{:?} is no duration: 30s, 5m, 2h, 7d are", shown(word)))
}

/// `2`, `0.5`, `500ms`, `30s`, `5m`, `2h`.
pub(super) fn seconds(word: &str) -> Result<Duration, String> {
    let wrong = || format!("{:?} is no number of seconds: 2, 0.5, 500ms, 5m are", shown(word));
    let (number, unit) = match word.find(|c: char| !c.is_ascii_digit() && c != '.') {
        Some(at) => word.split_at(at),
        None => (word, "s"),
    };
    let unit = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())
}

/// A word as an error may quote it.
pub(super) fn shown(word: &str) -> String {
    clean_line(word).chars().take(80).collect()
}
