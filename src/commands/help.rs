//! What the table says of itself: overview, one command, and what was perhaps meant.

use std::fmt::Write;

use super::arg::{Arg, Count};
use super::table::{Command, all};
use crate::model::{clean_line, nearest};

/// Every command in a line, or those whose name begins with `words`; `None` where none does.
pub fn overview(words: &[&str]) -> Option<String> {
    let begins = |name: &str| {
        let mut parts = name.split(' ');
        words.iter().all(|word| parts.next() == Some(word))
    };
    let commands: Vec<_> = all().filter(|command| begins(command.name)).collect();
    match commands[..] {
        [] => return None,
        [one] => return Some(of(one)),
        _ => {}
    }
    let mut text = String::from(
        "usage: noctule [--data DIR] [--config DIR] [--socket PATH] [--embedded] [--as NAME] [--read-only] [COMMAND …] \
         [--json] [--why TEXT]\n",
    );
    text += "Without a command the full-screen console opens, on the engine that runs or on one that it starts.\n\
             `noctule COMMAND --help` says more.\n\n";
    for command in commands {
        let _ = writeln!(text, "  {:<20} {}", command.name, command.about);
    }
    Some(text)
}

/// One command: what it does, its arguments, what it needs.
pub fn of(command: &Command) -> String {
    let mut text = format!("{}\n\nusage: {}\n", command.about, usage(command));
    if !command.args.is_empty() {
        text.push('\n');
    }
    for arg in command.args {
        let _ = writeln!(text, "  {:<26} {}", arg.shown(), arg.about);
    }
    let _ = write!(text, "\nRole: {}.", command.role);
    if !command.aliases.is_empty() {
        let _ = write!(text, " Also: {}.", command.aliases.join(", "));
    }
    text
}

/// The usage line.
pub fn usage(command: &Command) -> String {
    let args = command.args.iter().map(in_usage);
    ["noctule".to_owned(), command.name.to_owned()].into_iter().chain(args).collect::<Vec<_>>().join(" ")
}

fn in_usage(arg: &Arg) -> String {
    match arg.count {
        Count::One => arg.shown(),
        Count::Optional => format!("[{}]", arg.shown()),
        Count::Many => format!("[{} …]", arg.shown()),
    }
}

/// The sentence about words that are no command, with the ones that come near.
pub fn unknown(words: &[String]) -> String {
    let asked: Vec<String> =
        words.iter().take(2).map(|word| clean_line(word).chars().take(40).collect()).collect();
    let noun = words.first().map_or("", String::as_str);
    if noun.starts_with('-') {
        return format!("there is no flag {} before a command; `noctule help` lists what there is", asked[0]);
    }
    let names: Vec<&str> = all().map(|command| command.name).collect();
    let of_noun: Vec<&str> =
        names.iter().copied().filter(|name| name.split(' ').next() == Some(noun)).collect();
    let whole = asked.join(" ");
    if asked.len() == 1 && !of_noun.is_empty() {
        return format!("{whole} is no command by itself; there are {}", of_noun.join(", "));
    }
    // the words after a name of one word are its arguments
    let near = nearest(&whole, names.iter().copied())
        .or_else(|| nearest(&asked[0], names.iter().copied().filter(|name| !name.contains(' '))))
        .map(str::to_owned)
        .or_else(|| near_by_parts(&asked, &names));
    match (near, &of_noun[..]) {
        (Some(near), _) => format!("there is no command {whole:?}; did you mean {near}?"),
        (None, []) => format!("there is no command {whole:?}; `noctule help` lists them all"),
        (None, of_noun) => format!("there is no command {whole:?}; there are {}", of_noun.join(", ")),
    }
}

/// The command whose noun and verb are each a slip of the finger away: `devcie lsit`.
fn near_by_parts(asked: &[String], names: &[&str]) -> Option<String> {
    let nouns = names.iter().filter_map(|name| name.split(' ').next());
    let noun = nearest(asked.first()?, nouns)?;
    let verbs: Vec<&str> =
        names.iter().filter_map(|name| name.strip_prefix(noun)?.strip_prefix(' ')).collect();
    match asked.get(1) {
        Some(verb) => nearest(verb, verbs.iter().copied()).map(|verb| format!("{noun} {verb}")),
        None => (!verbs.is_empty()).then(|| format!("{noun} {}", verbs.join(&format!(", {noun} ")))),
    }
}
