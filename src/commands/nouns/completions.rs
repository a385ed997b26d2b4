//! `completions` and `complete`: Tab at a shell. The script of a shell only asks `complete`, so that it never grows old.

use serde::Serialize;

use crate::commands::complete::{self, Offer};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Danger, Role, clean_line};

/// The scripts, as packages install them: assets/completions/.
const BASH: &str = include_str!("../../../assets/completions/noctule.bash");
const ZSH: &str = include_str!("../../../assets/completions/_noctule");
const FISH: &str = include_str!("../../../assets/completions/noctule.fish");

/// The line that says that a file may stand here, too: no word of the table has a `/`.
const FILES: &str = "/files/";

inventory::submit! { Command {
    name: "completions",
    aliases: &[],
    about: "Print a shell's completion script; source it where that shell starts",
    args: &[Arg::one("shell", Kind::Choice(&["bash", "zsh", "fish"]), "which shell")],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Folders,
    run: |call| Box::pin(async { print(call) }),
} }

inventory::submit! { Command {
    name: "complete",
    aliases: &[],
    about: "Say what may stand next on a command line; the completion scripts ask this",
    args: &[Arg::many("word", Kind::Text, "after -- the words behind noctule, the last one being typed")],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Folders,
    run: |call| Box::pin(offer(call)),
} }

/// A script as `--json` shows it.
#[derive(Serialize)]
struct Script<'a> {
    shell: &'a str,
    script: &'a str,
}

fn print(call: &Call) -> Result<Exit, ActError> {
    let shell = call.args.one("shell");
    let script = match shell {
        "bash" => BASH,
        "zsh" => ZSH,
        _ => FISH,
    };
    if call.json {
        call.object(&Script { shell, script })?;
    } else {
        script.lines().for_each(|line| call.say(line));
    }
    Ok(Exit::Done)
}

/// A word that may stand next, as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    word: &'a str,
    about: &'a str,
}

async fn offer(call: &Call) -> Result<Exit, ActError> {
    let offers = complete::line(&call.door, &joined(call.args.many("word"))).await;
    for Offer { word, about } in &offers.words {
        if call.json {
            call.object(&Shown { word, about })?;
        } else {
            call.say(format!("{}\t{}", clean_line(word), clean_line(about)));
        }
    }
    if offers.files && !call.json {
        call.say(FILES);
    }
    Ok(Exit::Done)
}

/// The words as they were typed: bash takes `--group=core` apart at the `=`.
fn joined(words: &[String]) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let after_flag = joined.last().is_some_and(|before| before.starts_with("--") && !before.contains('='));
        match word.as_str() {
            // the value is a word of its own, then
            "=" if after_flag && place + 1 == words.len() => joined.push(String::new()),
            "=" if after_flag => {}
            _ => joined.push(word.clone()),
        }
    }
    joined
}
