//! The table as a page for `man`: assets/noctule.1.

use std::fmt::Write;

use super::complete::{BEFORE, EVERYWHERE};
use super::help::usage;
use super::table::{Command, Needs, all};

/// What stands before the commands, in the language of man(7).
const HEAD: &str = r#".SH NAME
noctule \- the operator console of a network
.SH SYNOPSIS
.B noctule
.RB [ \-\-data
.IR DIR ]
.RB [ \-\-config
.IR DIR ]
.RB [ \-\-read\-only ]
.RI [ "COMMAND ..." ]
.RB [ \-\-json ]
.RB [ \-\-why
.IR TEXT ]
.SH DESCRIPTION
Without a command the full-screen console opens.
It attaches to the engine that runs: the one that
.B \-\-socket
or
.B NOCTULE_SOCKET
names, else one's own, else the service of this host
.RI ( /run/noctule/noctule.sock ).
Where this host has no such service, an engine of one's own is started.
A command runs alike at a shell, on the console's
.B :
line and behind its keys.
.B noctule
.I COMMAND
.B \-\-help
says what stands here of it.
"#;

/// What stands after them.
const FOOT: &str = r#".SH EXIT STATUS
.TP
.B 0
Everything was done.
.TP
.B 1
Some of it failed, or all of it.
.TP
.B 2
The command line makes no sense.
.TP
.B 128+N
A signal of that number broke it off: 130 for Ctrl-C.
.SH FILES
The folders are those of
.B \-\-data
and
.BR \-\-config ,
else
.I ~/.local/share/noctule
and
.IR ~/.config/noctule .
.TP
.I config.toml
The settings;
.B noctule config example
writes one with every key.
.TP
.I notify.toml
Who is told of what happens.
.TP
.IR console.toml ", " keymap.toml ", " themes/
How the console looks, and its keys.
.TP
.IR drivers/ ", " identity/
Device kinds of one's own, and rules for who a device is.
.TP
.I data.key
In the data folder: the key of every secret in the store, or of its key slot of that kind.
.TP
.I keyring
In the data folder: the keys of the store, sealed for each of its key slots.
.TP
.IR /etc/noctule/ ", " /var/lib/noctule/store/
The folders of the service.
.SH SEE ALSO
.BR ssh (1),
.BR ssh_config (5)
"#;

/// The page.
pub fn page() -> String {
    let mut page =
        format!(".TH NOCTULE 1 \"\" \"noctule {}\" \"Network operations\"\n", env!("CARGO_PKG_VERSION"));
    page.push_str(HEAD);
    page.push_str(".SH OPTIONS\nBefore a command:\n");
    options(&mut page, BEFORE.iter().copied());
    page.push_str(".PP\nOf every command:\n");
    options(&mut page, EVERYWHERE.iter().copied());
    page.push_str(".SH COMMANDS\n");
    for command in all() {
        section(&mut page, command);
    }
    page.push_str(FOOT);
    page
}

fn section(page: &mut String, command: &Command) {
    let _ = write!(page, ".SS {}\n{}.\n.PP\n", roff(command.name), roff(command.about));
    let _ = writeln!(page, ".B {}", roff(&usage(command)));
    let args = command.args.iter().map(|arg| (arg.shown(), arg.about));
    options(page, args);
    let _ = writeln!(page, ".PP\nRole: {}.", command.role);
    if !command.aliases.is_empty() {
        let _ = writeln!(page, "Also: {}.", roff(&command.aliases.join(", ")));
    }
    page.push_str(match command.needs {
        Needs::Folders | Needs::EngineIfOpen | Needs::Engine => "",
        Needs::ClosedStore => "Runs at a shell alone, while no console is open.\n",
        Needs::Terminal => "Starts at a shell, in a terminal.\n",
    });
}

fn options<N: AsRef<str>>(page: &mut String, options: impl Iterator<Item = (N, &'static str)>) {
    for (name, about) in options {
        let _ = write!(page, ".TP\n.B {}\n{}\n", roff(name.as_ref()), roff(about));
    }
}

/// A line of text as roff takes it: nothing in it is a request or an escape, and it is ASCII.
fn roff(text: &str) -> String {
    let mut line = String::new();
    if text.starts_with(['.', '\'']) {
        line.push_str("\\&");
    }
    for c in text.chars() {
        match c {
            '\\' => line.push_str("\\e"),
            '-' => line.push_str("\\-"),
            '"' => line.push_str("\\(dq"),
            '…' => line.push_str("..."),
            c if c.is_ascii() => line.push(c),
            c => {
                let _ = write!(line, "\\[u{:04X}]", u32::from(c));
            }
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_taken_for_a_request() {
        assert_eq!(roff(".TH x"), "\\&.TH x");
        assert_eq!(roff("a \\n \"b\" --c … ä"), "a \\en \\(dqb\\(dq \\-\\-c ... \\[u00E4]");
    }

    #[test]
    fn every_line_is_a_request_of_man_7_or_text() {
        for line in page().lines().filter(|line| line.starts_with('.')) {
            let request = line.split(' ').next().unwrap_or_default();
            assert!(
                [".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".I", ".BR", ".RB", ".RI", ".IR"]
                    .contains(&request)
            );
        }
    }
}
