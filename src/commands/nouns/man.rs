//! `man`: the page of the manual, for a host where it is not installed.

use serde::Serialize;

use crate::commands::{Call, Command, Exit, Needs, man};
use crate::engine::ActError;
use crate::model::{Danger, Role};

inventory::submit! { Command {
    name: "man",
    aliases: &[],
    about: "Print the manual page; read it with: noctule man | man -l -",
    args: &[],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Folders,
    run: |call| Box::pin(async { print(call) }),
} }

/// The page as `--json` shows it.
#[derive(Serialize)]
struct Page {
    page: String,
}

fn print(call: &Call) -> Result<Exit, ActError> {
    let page = man::page();
    if call.json {
        call.object(&Page { page })?;
    } else {
        page.lines().for_each(|line| call.say(line));
    }
    Ok(Exit::Done)
}
