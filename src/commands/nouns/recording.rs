//! `recording`: the transcripts that failed sessions leave.

use serde::Serialize;

use crate::commands::answer::{Table, date};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::device::transcript::{Expectation, Transcript};
use crate::engine::ActError;
use crate::engine::audit::AuditNote;
use crate::model::{Danger, Role, Timestamp, clean_line};

/// `DEVICE`
const DEVICE: Arg = Arg::one("device", Kind::Device, "whose");
/// `[RECORDING]`
const NUMBER: Arg =
    Arg::optional("recording", Kind::Number(0, u64::MAX), "its number; the newest where it is left out");

inventory::submit! { Command {
    name: "recording list",
    aliases: &[],
    about: "List the kept recordings of a device's failed sessions, the newest first",
    args: &[DEVICE],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(list(call)),
} }

inventory::submit! { Command {
    name: "recording show",
    aliases: &[],
    about: "Show a recording's transcript, secrets on the device's screen too",
    args: &[DEVICE, NUMBER],
    role: Role::READS_SECRETS,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(show(call)),
} }

inventory::submit! { Command {
    name: "recording save",
    aliases: &[],
    about: "Save a recording as a test of its driver in your drivers folder: driver test plays it",
    args: &[DEVICE, NUMBER, Arg::optional("--as", Kind::Text, "the test's name; else recorded-DEVICE-N")],
    role: Role::Engineer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(save(call)),
} }

/// A recording as `--json` lists it.
#[derive(Serialize)]
struct Listed<'a> {
    device: &'a str,
    recording: u64,
    at: String,
    driver: Option<String>,
    about: Option<String>,
    ended: Option<String>,
    problem: Option<String>,
}

/// A recording as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    device: &'a str,
    recording: u64,
    at: String,
    text: &'a str,
}

/// A saved test as `--json` shows it.
#[derive(Serialize)]
struct Saved<'a> {
    device: &'a str,
    recording: u64,
    driver: &'a str,
    file: String,
    expect: String,
    leaves: Option<&'a str>,
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let device = engine.device(call.args.one("device"))?;
    let mut table = Table::new(&["recording", "at", "driver", "ended with", "about"]);
    for (number, recording) in engine.recordings(device.id).await? {
        let read = engine.recording(device.id, number).await.map_err(|error| error.to_string());
        let read = read.and_then(|(_, text)| text.parse::<Transcript>().map_err(|error| error.to_string()));
        if call.json {
            call.object(&listed(device.name.as_str(), number, recording.at, &read))?;
            continue;
        }
        let (number, at) = (number.to_string(), date(Some(recording.at)));
        match read {
            Ok(read) => table.row([&number, &at, read.driver.as_str(), &expected(read.expect), &read.about]),
            Err(problem) => table.row([&number, &at, "unknown", "unknown", &format!("problem: {problem}")]),
        }
    }
    if !call.json {
        table.print(call, "no recording is kept of this device: sessions that fail leave one");
    }
    Ok(Exit::Done)
}

fn listed<'a>(device: &'a str, recording: u64, at: Timestamp, read: &Result<Transcript, String>) -> Listed<'a> {
    let known = read.as_ref().ok();
    Listed {
        device,
        recording,
        at: at.rfc3339(),
        driver: known.map(|read| read.driver.to_string()),
        about: known.map(|read| clean_line(&read.about).into_owned()),
        ended: known.map(|read| expected(read.expect)),
        problem: read.as_ref().err().map(|problem| clean_line(problem).into_owned()),
    }
}

fn expected(expect: Expectation) -> String {
    match expect {
        Expectation::Good => "ok".to_owned(),
        Expectation::Quarantined => "quarantined".to_owned(),
        Expectation::Failure(kind) => kind.to_string(),
    }
}

async fn show(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let device = engine.device(call.args.one("device"))?;
    let number = match call.args.number(NUMBER.name) {
        Some(number) => number,
        None => engine.newest_recording(device.id).await?,
    };
    let note = AuditNote::read(&call.actor, "a recording was shown").of_recording(device.id, number);
    engine.note_read(&call.actor, note).await?;
    let (recording, text) = engine.recording(device.id, number).await?;
    if call.json {
        let at = recording.at.rfc3339();
        call.object(&Shown { device: device.name.as_str(), recording: number, at, text: &text })?;
    } else {
        text.lines().for_each(|line| call.say_clean(line));
    }
    Ok(Exit::Done)
}

async fn save(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let device = engine.device(call.args.one("device"))?;
    let number = match call.args.number(NUMBER.name) {
        Some(number) => number,
        None => engine.newest_recording(device.id).await?,
    };
    let stem = match call.args.get("--as") {
        Some(stem) => stem.to_owned(),
        None => usual_stem(device.name.as_str(), number),
    };
    call.begin().await?;
    let saved = engine.save_recording(&call.actor, &device, Some(number), &stem).await?;
    if call.json {
        call.object(&Saved {
            device: device.name.as_str(),
            recording: number,
            driver: saved.driver.as_str(),
            file: saved.path.display().to_string(),
            expect: expected(saved.expect),
            leaves: saved.leaves.as_deref(),
        })?;
        return Ok(Exit::Done);
    }
    let (driver, file, expect) = (&saved.driver, saved.path.display(), expected(saved.expect));
    call.say_clean(&format!("recording {number} saved as {file}; it must end with: {expect}"));
    if saved.copied {
        call.note(format!("the driver {driver} was copied into your drivers folder, and is your own from now on"));
    }
    if let Some(leaves) = &saved.leaves {
        call.note(format!("driver test {driver} fails until the driver or this file is mended: {leaves}"));
    }
    call.note("it holds what the device said, secrets on its screen too: look through it before you share it");
    Ok(Exit::Done)
}

/// A name of letters, digits and `-`, whatever the device is called.
fn usual_stem(device: &str, number: u64) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let device: String = device.chars().take(32).map(plain).collect();
    format!("recorded-{device}-{number}")
}
