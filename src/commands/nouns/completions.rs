//! `completions` and `complete`: Tab at a shell. The script of a shell only asks `complete`, so that it never grows old.

use serde::Serialize;

use crate::commands::complete::{self, Offer};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Danger, Role, clean_line};

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

const BASH: &str = r#"# noctule: completion for bash. In ~/.bashrc: source <(noctule completions bash)
_noctule() {
    local cur=${COMP_WORDS[COMP_CWORD]} word about files=
    [[ $cur == = ]] && cur=
    COMPREPLY=()
    while IFS=$'\t' read -r word about; do
        if [[ $word == /files/ ]]; then files=1; else COMPREPLY+=("$word"); fi
    done < <("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    if [[ $files ]]; then
        compopt -o filenames 2>/dev/null
        while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
    fi
    # a field's value is typed right behind its =
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -F _noctule noctule
"#;

const ZSH: &str = r#"#compdef noctule
# noctule: completion for zsh. Write it to a file _noctule in a folder of $fpath, or in ~/.zshrc after compinit:
# source <(noctule completions zsh)
_noctule() {
    local line files
    local -a offers
    while IFS= read -r line; do
        if [[ $line == /files/* ]]; then
            files=1
        else
            local word=${line%%$'\t'*} about=${line#*$'\t'}
            offers+=("${word//:/\\:}${about:+:$about}")
        fi
    done < <("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( $#offers )) && _describe -V noctule offers
    [[ -n $files ]] && _files
    return 0
}
if [[ $funcstack[1] == _noctule ]]; then _noctule "$@"; else compdef _noctule noctule; fi
"#;

const FISH: &str = r#"# noctule: completion for fish. noctule completions fish > ~/.config/fish/completions/noctule.fish
function __noctule_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (command $words[1] complete -- $words[2..-1] 2>/dev/null)
        if test "$line" = /files/
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c noctule -f -a '(__noctule_complete)'
"#;
