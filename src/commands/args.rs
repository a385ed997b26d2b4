//! The words after a command's name, checked against its table.

use std::collections::BTreeMap;
use std::time::Duration;

use super::arg::{Arg, Count, Kind, duration, seconds, shown};
use crate::model::{Within, nearest};

/// The arguments of one call. Names are those of the table: a name that is not in it is never there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args {
    values: BTreeMap<&'static str, Vec<String>>,
    /// The part of the network that the command may look at and touch.
    pub(super) within: Within,
}

impl Args {
    /// Reads `words` as the command `name` wants them, which takes `wanted`. `--flag value` and `--flag=value` are
    /// the same; after `--` nothing is a flag. A word that begins with one `-` is a value: revisions count back with `-1`.
    ///
    /// # Errors
    /// One sentence: which word is wrong, and what would be right.
    pub fn read(name: &str, wanted: &'static [Arg], words: &[String]) -> Result<Self, String> {
        let mut args = Self::default();
        let mut places = wanted.iter().filter(|arg| !arg.is_flag());
        let mut place = places.next();
        let mut words = words.iter();
        let mut flags = true;
        while let Some(word) = words.next() {
            if flags && word == "--" {
                flags = false;
            } else if flags && word.starts_with("--") {
                args.take_flag(name, wanted, word, &mut words)?;
            } else {
                let arg = place.ok_or_else(|| format!("{name} takes no {:?}", shown(word)))?;
                args.add(arg, word)?;
                if arg.count != Count::Many {
                    place = places.next();
                }
            }
        }
        let given = |arg: &Arg| args.values.contains_key(arg.name);
        match wanted.iter().find(|arg| arg.count == Count::One && !given(arg)) {
            Some(missing) => Err(format!("{name} needs {}: {}", missing.shown(), missing.about)),
            None => Ok(args),
        }
    }

    fn take_flag<'a>(
        &mut self,
        command: &str,
        wanted: &'static [Arg],
        word: &str,
        words: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), String> {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let Some(flag) = wanted.iter().find(|arg| arg.name == name) else {
            return Err(no_flag(command, wanted, name));
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

/// The sentence about a flag that a command does not have.
fn no_flag(command: &str, wanted: &[Arg], name: &str) -> String {
    let flags = wanted.iter().map(|arg| arg.name).filter(|name| name.starts_with("--"));
    let hint = match (name, nearest(name, flags.chain(["--json", "--why", "--help"]))) {
        ("--data" | "--config" | "--read-only", _) => format!("; {name} stands before the command"),
        (_, Some(near)) => format!("; did you mean {near}?"),
        (_, None) => String::new(),
    };
    format!("{command} has no flag {}{hint}", shown(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn arg(name: &'static str, kind: Kind, count: Count) -> Arg {
        Arg { name, kind, count, about: "what it is" }
    }

    static WANTED: &[Arg] = &[
        arg("device", Kind::Device, Count::One),
        arg("revision", Kind::Revision, Count::Optional),
        arg("rest", Kind::Text, Count::Many),
        arg("--dry-run", Kind::Switch, Count::Optional),
        arg("--limit", Kind::Number(1, 9), Count::Optional),
        arg("--tag", Kind::Text, Count::Many),
        arg("--every", Kind::Duration, Count::Optional),
        arg("--interval", Kind::Seconds, Count::Optional),
        arg("--view", Kind::Choice(&["normal", "exact"]), Count::Optional),
    ];

    fn read(line: &str) -> Result<Args, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Args::read("thing do", WANTED, &words)
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
            ("a --dryrun", "did you mean --dry-run?"),
            ("a --data x", "--data stands before the command"),
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
