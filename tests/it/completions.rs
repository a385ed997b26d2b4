//! Tab at a shell: the scripts run in the shells that are installed, over the program itself.

use std::path::Path;
use std::process::{Command, Output};

use portable_pty::CommandBuilder;

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, Network, add, engine};
use crate::terminal::Terminal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_noctule");

/// A store with two devices that nobody has open.
async fn stored(folder: &Path) {
    let engine = engine(folder, "", Network::new(), &Hand::new()).await;
    add(&engine, &["core-1", "edge-1"]).await;
    let shell = Shell::over(&engine);
    shell.run("device edit core-1 group=campus/north").await;
    engine.stop().await;
}

/// A shell that has this folder of programs before the others, and the store's folders in D and C.
fn shell(name: &str, folder: &Path, script: &str) -> Option<String> {
    let bin = folder.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let link = bin.join("noctule");
    if !link.exists() {
        std::os::unix::fs::symlink(PROGRAM, &link).unwrap();
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let run = Command::new(name)
        .args(if name == "bash" { &["--norc", "--noprofile", "-c"][..] } else { &["-c"][..] })
        .arg(script)
        .env("PATH", path)
        .env("HOME", folder)
        .env("D", folder.join("data"))
        .env("C", folder.join("config"))
        .current_dir(folder)
        .output();
    let Ok(Output { status, stdout, stderr }) = run else {
        eprintln!("skipped: {name} is not installed");
        return None;
    };
    let told = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{name}: {told}");
    Some(String::from_utf8(stdout).unwrap())
}

/// What bash would offer for a line of words, the last one being typed.
fn bash(folder: &Path, words: &[&str]) -> Option<Vec<String>> {
    let quoted: Vec<String> = words.iter().map(|word| shlex::try_quote(word).unwrap().into_owned()).collect();
    let script = format!(
        "source <(noctule completions bash) || exit 1; complete -p noctule >/dev/null || exit 1
         COMP_WORDS=(noctule --data \"$D\" --config \"$C\" {}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
         _noctule; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        quoted.join(" ")
    );
    let offered = shell("bash", folder, &script)?;
    Some(offered.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[tokio::test]
async fn bash_completes_nouns_verbs_flags_and_names() {
    let folder = tempfile::tempdir().unwrap();
    stored(folder.path()).await;
    std::fs::write(folder.path().join("two words.csv"), "").unwrap();
    for (words, offered) in [
        (&["dev"][..], &["device"][..]),
        (&["device", "l"], &["list"]),
        (&["device", "show", ""], &["core-1", "edge-1"]),
        (&["backup", "diff", "core-1", "--with", "e"], &["edge-1"]),
        (&["driver", "show", "mikro"], &["mikrotik_routeros"]),
        (&["backup", "run", "--gr"], &["--group"]),
        (&["backup", "run", "--group", "cam"], &["campus/north"]),
        (&["backup", "run", "--group", "=", "cam"], &["campus/north"]),
        (&["backup", "run", "--group", "="], &["campus/north"]),
        (&["backup", "show", "core-1", "--view", "n"], &["normal"]),
        (&["device", "edit", "core-1", "asset"], &["asset_tag="]),
        (&["device", "restore", ""], &[]),
        (&["device", "list", "--js"], &["--json"]),
        (&["device", "import", "two"], &["two words.csv"]),
        (&["completions", "f"], &["fish"]),
        (&["nothing", "like", "it"], &[]),
    ] {
        let Some(got) = bash(folder.path(), words) else { return };
        assert_eq!(got, offered, "{words:?}");
    }
}

#[tokio::test]
async fn a_tab_makes_no_store_and_says_nothing_where_one_is_open() {
    let folder = tempfile::tempdir().unwrap();
    if bash(folder.path(), &["device", "show", ""]).is_none() {
        return;
    }
    assert!(!folder.path().join("data").exists(), "nothing was made");
    let engine = engine(folder.path(), "", Network::new(), &Hand::new()).await;
    add(&engine, &["core-1"]).await;
    assert_eq!(bash(folder.path(), &["device", "show", ""]), Some(Vec::new()));
    let (_, told) = Shell::over(&engine).run("complete -- device show ''").await;
    assert_eq!(told.lines, ["core-1\t"], "the engine that is open knows");
}

/// A shell without anybody's settings, on a terminal, with a prompt that says when it listens.
fn at(folder: &Path, shell: &str, args: &[&str]) -> Option<Terminal> {
    // makes the link to the program
    self::shell(shell, folder, "true")?;
    let mut command = CommandBuilder::new(shell);
    command.args(args);
    command.env_clear();
    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap());
    for (name, value) in
        [("PATH", path.as_str()), ("TERM", "xterm-256color"), ("LC_ALL", "C.UTF-8"), ("PS1", "ready> ")]
    {
        command.env(name, value);
    }
    command.env("HOME", folder);
    command.cwd(folder);
    Some(Terminal::start(command, 120, 24))
}

/// Types a line and sees that Tab makes `whole` of it.
fn tab(terminal: &Terminal, typed: &str, whole: &str) {
    terminal.type_keys(&format!("{typed}\t"));
    terminal.wait_for(&format!("> {whole}"));
    // throws the line away
    terminal.type_keys("\x15");
}

#[tokio::test]
async fn tab_works_in_each_shell_that_is_installed() {
    let folder = tempfile::tempdir().unwrap();
    stored(folder.path()).await;
    let fish = "function fish_prompt; echo -n 'ready> '; end; set -U fish_greeting";
    for (shell, args, setup) in [
        ("bash", &["--norc", "--noprofile", "-i"][..], "source <(noctule completions bash)"),
        (
            "zsh",
            &["-f", "-i"],
            "autoload -U compinit && compinit -u -d $HOME/dump && source <(noctule completions zsh)",
        ),
        ("fish", &["--no-config", "-i"], "noctule completions fish | source"),
    ] {
        let Some(terminal) = at(folder.path(), shell, args) else { continue };
        if shell == "fish" {
            terminal.type_keys(&format!("{fish}\r"));
        }
        terminal.wait_for("ready> ");
        terminal.type_keys(&format!("{setup}; clear; echo set''up\r"));
        terminal.wait_for("setup\n");
        tab(&terminal, "noctule dev", "noctule device ");
        tab(&terminal, "noctule device tim", "noctule device timeline ");
        tab(
            &terminal,
            "noctule --data data --config config device show ed",
            "noctule --data data --config config device show edge-1",
        );
        tab(&terminal, "noctule device list --js", "noctule device list --json");
        terminal.type_keys("exit\r");
        terminal.wait_for_end();
    }
}

#[tokio::test]
async fn the_words_of_a_shell_stand_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let shell = Shell::closed(folder.path());
    for command in noctule::commands::all() {
        let (before, last) = command.name.rsplit_once(' ').unwrap_or(("", command.name));
        let (_, told) = shell.run(&format!("complete -- {before} {last}")).await;
        let offered = told.lines.iter().any(|line| line.split('\t').next() == Some(last));
        assert!(offered, "{}: {:?}", command.name, told.lines);
    }
}
