//! What the table says of itself: overview, one command, and what was perhaps meant.

use std::fmt::Write;

use super::table::{Arg, Command, Count, all};
use crate::model::clean_line;

/// Every command in a line, or those whose name begins with `words`.
pub fn overview(words: &[&str]) -> String {
    let begin = words.join(" ");
    let commands: Vec<_> = all().into_iter().filter(|command| command.name.starts_with(&begin)).collect();
    if let [one] = commands[..] {
        return of(one);
    }
    let mut text =
        String::from("usage: noctule [--data DIR] [--config DIR] [COMMAND …] [--json] [--why TEXT]\n");
    text += "Without a command the full-screen console opens. `noctule COMMAND --help` says more.\n\n";
    for command in commands {
        let _ = writeln!(text, "  {:<20} {}", command.name, command.about);
    }
    text
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
    let near: Vec<&str> = all()
        .into_iter()
        .map(|command| command.name)
        .filter(|name| name.split(' ').next() == Some(noun))
        .collect();
    match &near[..] {
        [] => format!("there is no command {:?}; `noctule help` lists them all", asked.join(" ")),
        near => format!("there is no command {:?}; there are {}", asked.join(" "), near.join(", ")),
    }
}
