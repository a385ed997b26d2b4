//! The words after a command's name, checked against its table.

use std::collections::BTreeMap;
use std::time::Duration;

use super::table::{Arg, Command, Count, Kind};
use crate::model::{DriverId, clean_line};

/// The arguments of one call. Names are those of the table: a name that is not in it is never there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args {
    values: BTreeMap<&'static str, Vec<String>>,
}

impl Args {
    /// Reads `words` as `command` wants them. `--flag value` and `--flag=value` are the same; after `--` nothing is a
    /// flag. A word that begins with one `-` is a value: revisions count back with `-1`.
    ///
    /// # Errors
    /// One sentence: which word is wrong, and what would be right.
    pub fn read(command: &'static Command, words: &[String]) -> Result<Self, String> {
        let mut args = Self::default();
        let mut places = command.args.iter().filter(|arg| !arg.is_flag());
        let mut place = places.next();
        let mut words = words.iter();
        let mut flags = true;
        while let Some(word) = words.next() {
            if flags && word == "--" {
                flags = false;
            } else if flags && word.starts_with("--") {
                args.take_flag(command, word, &mut words)?;
            } else {
                let arg = place.ok_or_else(|| format!("{} takes no {:?}", command.name, shown(word)))?;
                args.add(arg, word)?;
                if arg.count != Count::Many {
                    place = places.next();
                }
            }
        }
        let given = |arg: &Arg| args.values.contains_key(arg.name);
        match command.args.iter().find(|arg| arg.count == Count::One && !given(arg)) {
            Some(missing) => Err(format!("{} needs {}: {}", command.name, missing.shown(), missing.about)),
            None => Ok(args),
        }
    }

    fn take_flag<'a>(
        &mut self,
        command: &'static Command,
        word: &str,
        words: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), String> {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let Some(flag) = command.args.iter().find(|arg| arg.name == name) else {
            return Err(format!("{} has no flag {}", command.name, shown(name)));
        };
        match (&flag.kind, value) {
            (Kind::Switch, None) => self.put(flag, ""),
            (Kind::Switch, Some(_)) => Err(format!("{name} takes no value")),
            (_, Some(value)) => self.add(flag, value),
            (_, None) => {
                let value = words.next().ok_or_else(|| format!("{name} needs a value: {}", flag.about))?;
                self.add(flag, value)
            }
        }
    }

    fn add(&mut self, arg: &'static Arg, word: &str) -> Result<(), String> {
        arg.kind.check(word).map_err(|why| format!("{}: {why}", arg.name))?;
        self.put(arg, word)
    }

    fn put(&mut self, arg: &'static Arg, word: &str) -> Result<(), String> {
        let values = self.values.entry(arg.name).or_default();
        if !values.is_empty() && arg.count != Count::Many {
            return Err(format!("{} stands twice", arg.name));
        }
        values.push(word.to_owned());
        Ok(())
    }

    /// Whether a flag or an argument stands.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The value of an argument that may stand once.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.first().map(String::as_str)
    }

    /// The value of an argument that stands exactly once: the table has seen to it.
    pub fn one(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Every value of an argument.
    pub fn many(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// The value of a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// The value of a duration.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        duration(self.get(name)?).ok()
    }

    /// The value of a number of seconds.
    pub fn seconds(&self, name: &str) -> Option<Duration> {
        seconds(self.get(name)?).ok()
    }
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

    fn check(&self, word: &str) -> Result<(), String> {
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
fn duration(word: &str) -> Result<Duration, String> {
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
fn seconds(word: &str) -> Result<Duration, String> {
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

fn shown(word: &str) -> String {
    clean_line(word).chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{Exit, Needs};
    use crate::model::{Danger, Role};

    const fn arg(name: &'static str, kind: Kind, count: Count) -> Arg {
        Arg { name, kind, count, about: "what it is" }
    }

    static COMMAND: Command = Command {
        name: "thing do",
        aliases: &[],
        about: "Do a thing",
        args: &[
            arg("device", Kind::Device, Count::One),
            arg("revision", Kind::Revision, Count::Optional),
            arg("rest", Kind::Text, Count::Many),
            arg("--dry-run", Kind::Switch, Count::Optional),
            arg("--limit", Kind::Number(1, 9), Count::Optional),
            arg("--tag", Kind::Text, Count::Many),
            arg("--every", Kind::Duration, Count::Optional),
            arg("--interval", Kind::Seconds, Count::Optional),
            arg("--view", Kind::Choice(&["normal", "exact"]), Count::Optional),
        ],
        role: Role::Viewer,
        danger: Danger::None,
        needs: Needs::Folders,
        run: |_| Box::pin(async { Ok(Exit::Done) }),
    };

    fn read(line: &str) -> Result<Args, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Args::read(&COMMAND, &words)
    }

    #[test]
    fn places_and_flags_in_any_order() {
        let args = read("--limit 3 core-1 -1 a b --tag=x --dry-run --tag y --every 5m -- --c").expect("good");
        assert_eq!((args.one("device"), args.get("revision")), ("core-1", Some("-1")));
        assert_eq!(args.many("rest"), ["a", "b", "--c"]);
        assert_eq!((args.number("--limit"), args.many("--tag").len()), (Some(3), 2));
        assert_eq!(args.duration("--every"), Some(Duration::from_secs(300)));
        assert!(args.has("--dry-run") && !args.has("--view"));
    }

    #[test]
    fn seconds_are_plain_or_have_a_unit() {
        for (word, millis) in [("2", 2000), ("0.5", 500), ("500ms", 500), ("30s", 30_000), ("2m", 120_000)] {
            let args = read(&format!("a --interval {word}")).expect(word);
            assert_eq!(args.seconds("--interval"), Some(Duration::from_millis(millis)), "{word}");
        }
        for word in ["", "-1", "1x", "1.2.3", "99999999999999999999999999h", "nan", "inf", "1e9"] {
            assert!(read(&format!("a --interval={word}")).is_err(), "{word:?}");
        }
    }

    #[test]
    fn a_wrong_word_is_named_with_what_would_be_right() {
        for (line, part) in [
            ("", "thing do needs DEVICE: what it is"),
            ("a --nope", "no flag --nope"),
            ("a x", "revision: \"x\" is no revision"),
            ("a --limit 10", "from 1 to 9"),
            ("a --limit", "--limit needs a value"),
            ("a --limit 1 --limit 2", "stands twice"),
            ("a --view odd", "none of normal, exact"),
            ("a --every 5x", "no duration"),
            ("a --every 99999999999999999999d", "no duration"),
            ("a --dry-run=yes", "takes no value"),
        ] {
            let error = read(line).expect_err(line);
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
