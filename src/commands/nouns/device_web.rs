//! `device web`: a device's web page, through the jump hosts of its SSH session.

use std::time::Duration;

use serde::Serialize;

use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::web::{PageWanted, Served, WebPage};
use crate::model::{Danger, Role};

inventory::submit! { Command {
    name: "device web",
    aliases: &[],
    about: "Open a device's web page on a port of this host alone, through the jump hosts of its SSH session, until it is \
            interrupted",
    args: &[
        Arg::one("device", Kind::Device, "whose"),
        Arg::optional("--port", Kind::Number(1, 65_535), "the device's port; else 443, with --http 80"),
        Arg::switch("--http", "the page is not encrypted"),
        Arg::optional("--for", Kind::Duration, "the longest that it stays open; else 1h"),
    ],
    role: Role::Engineer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(web(call)),
} }

/// How long it stays open where nothing is said.
const USUALLY: Duration = Duration::from_secs(3600);

/// A page that is open, as `--json` shows it.
#[derive(Serialize)]
struct Opened<'a> {
    device: &'a str,
    url: String,
    port: u16,
    jumps: usize,
    until: String,
    job: u64,
}

/// One that is closed.
#[derive(Serialize)]
struct Closed<'a> {
    device: &'a str,
    connections: u64,
    refused: u64,
    failed: u64,
}

async fn web(call: &Call) -> Result<Exit, ActError> {
    let tls = !call.args.has("--http");
    let usual = if tls { 443 } else { 80 };
    let port = call.args.number("--port").and_then(|port| u16::try_from(port).ok()).unwrap_or(usual);
    let wanted = PageWanted { port, tls, limit: call.args.duration("--for").unwrap_or(USUALLY) };
    let name = call.args.one("device");
    let page = call.engine()?.open_web_page(&call.actor, &call.door.person, name, wanted).await?;
    tell(call, &page, port)?;
    let note = |why: &str| call.note(format!("noctule: {why}"));
    let Served { connections, refused, failed } = page.serve(call.door.io.interrupted(), &note).await?;
    if call.json {
        call.object(&Closed { device: name, connections, refused, failed })?;
    } else {
        call.say_clean(&format!("closed: {connections} connections, {refused} refused, {failed} failed"));
    }
    Ok(Exit::Done)
}

fn tell(call: &Call, page: &WebPage, port: u16) -> Result<(), ActError> {
    let (url, jumps, job) = (page.url(), page.jumps(), page.job());
    if call.json {
        let (device, until) = (page.device(), page.until().rfc3339());
        return call.object(&Opened { device, url, port, jumps, until, job });
    }
    let way = match jumps {
        0 => "straight".to_owned(),
        1 => "through 1 jump host".to_owned(),
        jumps => format!("through {jumps} jump hosts"),
    };
    call.say_clean(&url);
    call.say_clean(&format!("port {port} of {}, {way}, until {} or `job cancel {job}`", page.device(), page.until().local()));
    let place = url.split_once("//").map_or("", |(_, place)| place.trim_end_matches('/'));
    call.note(format!(
        "the port is on the engine's own host, and for your account there alone; from elsewhere: ssh -L 8443:{place} HOST"
    ));
    Ok(())
}
