//! A command line as others may see it: in the journal and in the list of jobs, without secrets.

use std::str::FromStr;

use super::arg::Kind;
use super::table::Command;
use crate::engine::fields::Field;

/// The line of `command` with `words` after its name; the value of a secret field is left out.
pub fn line(command: &Command, words: &[String]) -> String {
    let holds_fields = command.args.iter().any(|arg| matches!(arg.kind, Kind::Field));
    let shown = words.iter().map(|word| match word.split_once('=') {
        Some((name, _)) if holds_fields && is_secret(name) => format!("{name}=…"),
        _ => quoted(word),
    });
    [command.name.to_owned()].into_iter().chain(shown).collect::<Vec<_>>().join(" ")
}

/// The line of these words, whatever they are; what is no command is no more than its first word.
pub fn words(words: &[String]) -> String {
    match super::run::find(words) {
        Some((command, rest)) => line(command, rest),
        None => words.first().map_or_else(String::new, |word| quoted(word)),
    }
}

/// Whether a line that is being typed may hold a secret: it gives one to a field.
pub fn holds_secret(line: &str) -> bool {
    line.split(|c: char| c.is_whitespace() || "'\"".contains(c))
        .filter_map(|word| word.split_once('='))
        .any(|(name, _)| is_secret(name.trim()))
}

fn is_secret(name: &str) -> bool {
    Field::from_str(name).is_ok_and(Field::is_secret)
}

fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), |quoted| quoted.into_owned())
}
