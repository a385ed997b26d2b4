//! The table as a page of the manual: docs/commands.md.

use std::fmt::Write;

use super::help::usage;
use super::table::{Command, Needs, all};

const HEAD: &str = "# Commands

Every command of noctule, made from the command table. `noctule COMMAND --help` says the same at a shell, and each
runs on the console's `:` line too, unless it is said otherwise.

Every command takes `--json` (an answer for programs), `--why TEXT` (a reason, for the journal) and `--help`.
Exit status: 0 when everything was done, 1 when some or all of it failed, 2 when the command line makes no sense,
128 and its number when a signal broke it off (130 for Ctrl-C).
";

/// Every command as Markdown, by name.
pub fn commands() -> String {
    let mut text = String::from(HEAD);
    for command in all() {
        section(&mut text, command);
    }
    text
}

fn section(text: &mut String, command: &Command) {
    let _ = write!(text, "\n## {}\n\n{}.\n\n```\n{}\n```\n\n", command.name, command.about, usage(command));
    for arg in command.args {
        let _ = writeln!(text, "- `{}`: {}", arg.shown(), arg.about);
    }
    if !command.args.is_empty() {
        text.push('\n');
    }
    let _ = write!(text, "Role: {}.", command.role);
    if !command.aliases.is_empty() {
        let _ = write!(text, " Also: {}.", command.aliases.join(", "));
    }
    text.push_str(match command.needs {
        Needs::Folders | Needs::EngineIfOpen | Needs::Engine => "\n",
        Needs::ClosedStore => " Runs at a shell alone, while no console is open.\n",
        Needs::Terminal => " Starts at a shell, in a terminal.\n",
    });
}
