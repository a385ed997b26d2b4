//! The keys as a page and as a command: docs/keys.md and `keys` say what the tables of the program say.

use std::fmt::Write;

use serde::Serialize;

use super::keymap::{Bound, GLOBAL, Keymap};
use super::pane;
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Danger, Role};

/// The largest keymap file, in bytes.
const LARGEST: usize = 1 << 20;

const HEAD: &str = "# Keys

Every key of the console, made from its own tables. `?` on a screen lists what that screen can do, and runs it;
`noctule keys` prints this page's tables at a shell.

A key stands for a command line, the same words that are typed after `:`. `{device}` is the selected device, `{devices}`
the marked ones, or the selected one where none is marked. A screen's own keys come before those of every screen.

`keymap.toml` in the configuration folder names only what differs: a table per screen, `global` for every screen; an
empty line takes a key away. `noctule keys FILE` checks a file, and shows the keys with it.

```toml
[global]
\"ctrl-q\" = \"quit\"
[devices]
\"B\" = \"backup run --all\"
```
";

inventory::submit! { Command {
    name: "keys",
    aliases: &[],
    about: "List the console's keys, screen by screen",
    args: &[Arg::optional("file", Kind::Path, "a keymap.toml: checked, and its differences shown in place")],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Folders,
    run: |call| Box::pin(async { list(call) }),
} }

/// The page as Markdown.
pub fn page() -> String {
    let mut text = String::from(HEAD);
    for (scope, title, bounds) in sections(&Keymap::default()) {
        let _ = write!(text, "\n## {title}\n\n");
        if scope != GLOBAL {
            let _ = write!(text, "`:{scope}`\n\n");
        }
        text.push_str("| key | what it does | command line |\n|---|---|---|\n");
        for bound in bounds {
            let _ = writeln!(text, "| {} | {} | `{}` |", quoted(&bound.keys()), bound.about, bound.line);
        }
    }
    text
}

/// A chord as code, each key by itself; a `|` would end the table's cell.
fn quoted(keys: &str) -> String {
    keys.split(' ').map(|key| format!("`{}`", key.replace('|', "\\|"))).collect::<Vec<_>>().join(" ")
}

/// The scopes with what they are called: every screen, then the screens by name.
fn sections(keymap: &Keymap) -> Vec<(String, String, Vec<Bound>)> {
    let mut panes: Vec<(&str, &str)> = pane::all().map(|decl| (decl.name, decl.title)).collect();
    panes.sort_unstable();
    [(GLOBAL, "Every screen")]
        .into_iter()
        .chain(panes)
        .map(|(scope, title)| (scope.to_owned(), title.to_owned(), keymap.own(scope).to_vec()))
        .filter(|(_, _, bounds)| !bounds.is_empty())
        .collect()
}

/// A binding as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    screen: &'a str,
    keys: String,
    line: &'a str,
    about: &'a str,
}

fn list(call: &Call) -> Result<Exit, ActError> {
    let keymap = match call.args.get("file") {
        None => Keymap::default(),
        Some(file) => {
            let bytes = call.door.io.read_file(file, LARGEST).map_err(ActError::usage)?;
            let text =
                String::from_utf8(bytes).map_err(|_| ActError::usage(format!("{file} is not UTF-8")))?;
            Keymap::patched(&text).map_err(|fault| ActError::usage(fault.of(file)))?
        }
    };
    for (place, (scope, title, bounds)) in sections(&keymap).iter().enumerate() {
        if call.json {
            bounds.iter().try_for_each(|bound| {
                let (line, about) = (&bound.line, &bound.about);
                call.object(&Shown { screen: scope, keys: bound.keys(), line, about })
            })?;
            continue;
        }
        if place > 0 {
            call.say("");
        }
        call.say_clean(title);
        for bound in bounds {
            call.say_clean(&format!("  {:<12} {}", bound.keys(), bound.about));
        }
    }
    Ok(Exit::Done)
}
