//! `search`: where a text stands in the configurations of the whole network.

use serde::Serialize;

use crate::commands::answer::count;
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::query::{Hit, SearchQuery};
use crate::model::{Danger, Role};

/// The hits that are shown where nobody says how many.
const LIMIT: usize = 10_000;

inventory::submit! { Command {
    name: "search",
    aliases: &[],
    about: "Find a text in every device's newest good configuration",
    args: &[
        Arg::one("pattern", Kind::Text, "a text as it stands in a configuration"),
        Arg::switch("--regex", "the pattern is a regular expression"),
        Arg::switch("--history", "search every stored revision too"),
        Arg::optional("--limit", Kind::Number(1, 1_000_000), "the most hits; else 10000"),
    ],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(search(call)),
} }

/// A hit as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    device: &'a str,
    revision: u32,
    line: u32,
    text: &'a str,
    section: &'a str,
    before: &'a str,
    after: &'a str,
}

async fn search(call: &Call) -> Result<Exit, ActError> {
    let limit = call.args.number("--limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(LIMIT);
    let query = SearchQuery {
        pattern: call.args.one("pattern").to_owned(),
        regex: call.args.has("--regex"),
        history: call.args.has("--history"),
        limit,
    };
    let found = call.engine()?.search(query, call.within().clone()).await?;
    let mut last = None;
    for hit in found.hits.iter() {
        if call.json {
            call.object(&shown(hit))?;
            continue;
        }
        let place = (hit.device, hit.revision);
        if last.replace(place) != Some(place) {
            call.say_clean(&format!("{} revision {}", hit.name, hit.revision));
        }
        if !hit.section.is_empty() {
            call.say_clean(&format!("         {}", hit.section.trim_end()));
        }
        call.say_clean(&format!("{:>7}  {}", hit.line, hit.text));
    }
    let texts = format!("{} searched in {} ms", count(usize::try_from(found.texts).unwrap_or(usize::MAX), "text"), found.millis);
    let more = if found.more { "; there are more: --limit shows them" } else { "" };
    call.note(format!("{}, {texts}{more}", count(found.hits.len(), "hit")));
    Ok(Exit::Done)
}

fn shown(hit: &Hit) -> Shown<'_> {
    Shown {
        device: &hit.name,
        revision: hit.revision,
        line: hit.line,
        text: &hit.text,
        section: &hit.section,
        before: &hit.before,
        after: &hit.after,
    }
}
