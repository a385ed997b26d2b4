//! `driver`: the device kinds, the program's and the operator's own.

use serde::Serialize;

use crate::commands::answer::{Table, count};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::device::proof::{Proof, prove};
use crate::engine::ActError;
use crate::engine::driver_files::{self, DriverInfo, digest};
use crate::model::{Danger, DriverId, Role, clean_line};

inventory::submit! { Command {
    name: "driver list",
    aliases: &[],
    about: "List the device kinds that are known",
    args: &[],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Folders,
    run: |call| Box::pin(list(call)),
} }

inventory::submit! { Command {
    name: "driver show",
    aliases: &[],
    about: "Show a driver's file",
    args: &[Arg::one("driver", Kind::Driver, "its id")],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Folders,
    run: |call| Box::pin(show(call)),
} }

inventory::submit! { Command {
    name: "driver test",
    aliases: &[],
    about: "Play the transcripts of drivers to them, and say what does not come out as it must",
    args: &[Arg::many("driver", Kind::Driver, "their ids; every driver where none is named")],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Folders,
    run: |call| Box::pin(test(call)),
} }

/// A driver as `--json` lists it.
#[derive(Serialize)]
struct Listed<'a> {
    driver: &'a str,
    device: &'a str,
    transports: Vec<&'a str>,
    own: bool,
    tried: &'a str,
    problem: Option<&'a str>,
}

/// A driver's file as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    driver: &'a str,
    file: &'a str,
    own: bool,
    sha256: String,
    text: &'a str,
}

/// A transcript that was played, as `--json` shows it.
#[derive(Serialize)]
struct Played<'a> {
    driver: &'a str,
    transcript: &'a str,
    file: &'a str,
    passed: bool,
    problem: Option<&'a str>,
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let drivers = call.drivers();
    // compiling every driver takes a while: beside the workers that answer people
    let infos = tokio::task::spawn_blocking(move || driver_files::list(&drivers))
        .await
        .map_err(|error| ActError::internal(format!("listing the drivers: {error}")))?;
    if call.json {
        infos.iter().try_for_each(|info| call.object(&listed(info)))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["driver", "device", "transports", "origin", "tried or problem"]);
    for info in &infos {
        let origin = if info.own { "own" } else { "embedded" };
        let problem = info.problem.as_ref().map(|problem| format!("problem: {problem}"));
        let last = problem.as_deref().unwrap_or(&info.tried);
        table.row([info.id.as_str(), &info.device, &info.transports, origin, last]);
    }
    table.print(call, "no drivers");
    Ok(Exit::Done)
}

fn listed(info: &DriverInfo) -> Listed<'_> {
    Listed {
        driver: info.id.as_str(),
        device: &info.device,
        transports: info.transports.split_whitespace().collect(),
        own: info.own,
        tried: &info.tried,
        problem: info.problem.as_deref(),
    }
}

async fn show(call: &Call) -> Result<Exit, ActError> {
    let id: DriverId = call.args.one("driver").parse().map_err(ActError::usage)?;
    let drivers = call.drivers();
    if !drivers.knows(&id) {
        return Err(ActError::not_found(drivers.unknown(&id)));
    }
    let (file, text) = drivers.text(&id).map_err(|problem| ActError::not_found(problem.to_string()))?;
    if call.json {
        let (own, sha256) = (drivers.folder(&id).is_some(), digest(&text));
        call.object(&Shown { driver: id.as_str(), file: &file, own, sha256, text: &text })?;
    } else {
        call.content(text.as_bytes());
    }
    Ok(Exit::Done)
}

async fn test(call: &Call) -> Result<Exit, ActError> {
    let drivers = call.drivers();
    let named = call.args.many("driver").iter().map(|id| id.parse().map_err(ActError::usage));
    let mut ids = named.collect::<Result<Vec<DriverId>, _>>()?;
    if ids.is_empty() {
        ids = drivers.ids().cloned().collect();
    }
    if let Some(unknown) = ids.iter().find(|id| !drivers.knows(id)) {
        return Err(ActError::not_found(drivers.unknown(unknown)));
    }
    // some transcripts are of devices that fall silent: the drivers are proven beside each other
    let proving: Vec<_> = ids
        .into_iter()
        .map(|id| {
            let drivers = drivers.clone();
            tokio::spawn(async move { (prove(&drivers, &id).await, id) })
        })
        .collect();
    let (mut passed, mut failed) = (0, 0);
    for proof in proving {
        let (proofs, id) =
            proof.await.map_err(|error| ActError::internal(format!("playing transcripts: {error}")))?;
        for proof in &proofs {
            *(if proof.fault.is_none() { &mut passed } else { &mut failed }) += 1;
            told(call, &id, proof)?;
        }
    }
    call.note(format!("{} passed, {failed} failed", count(passed, "transcript")));
    Ok(if failed == 0 { Exit::Done } else { Exit::Failed })
}

fn told(call: &Call, id: &DriverId, proof: &Proof) -> Result<(), ActError> {
    if call.json {
        let problem = proof.fault.as_deref().map(clean_line);
        return call.object(&Played {
            driver: id.as_str(),
            transcript: &proof.stem,
            file: &proof.path,
            passed: proof.fault.is_none(),
            problem: problem.as_deref(),
        });
    }
    match &proof.fault {
        None => call.say_clean(&format!("{id} {} ok", proof.stem)),
        Some(why) if proof.path.is_empty() || why.contains(&proof.path) => {
            call.say_clean(&format!("{id} {} FAILED: {why}", proof.stem));
        }
        Some(why) => call.say_clean(&format!("{id} {} FAILED: {}: {why}", proof.stem, proof.path)),
    }
    Ok(())
}
