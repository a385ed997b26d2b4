//! `vault rotate`: everything that is live is sealed by a new key.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use serde::Serialize;
use tokio::sync::mpsc;

use super::vault::REASON;
use crate::commands::{Call, Command, Exit, Needs};
use crate::engine::ActError;
use crate::engine::vault::{Progress, Rotated, Watch};
use crate::model::{Danger, Role};

inventory::submit! { Command {
    name: "vault rotate",
    aliases: &[],
    about: "Seal every secret, exact configuration and recording by a new key; go on with it where it was broken off",
    args: &[REASON],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(rotate(call)),
} }

/// A rotation that is over, as `--json` shows it.
#[derive(Serialize)]
struct Shown {
    key: u32,
    records: u64,
    bodies: u64,
    damaged: u64,
}

async fn rotate(call: &Call) -> Result<Exit, ActError> {
    let (tell, mut told) = mpsc::unbounded_channel();
    let stop = Arc::new(AtomicBool::new(false));
    let watch = Watch {
        tell: Box::new(move |progress| {
            // who asked may have gone
            let _ = tell.send(progress);
        }),
        stop: Arc::clone(&stop),
    };
    let (engine, by) = (Arc::clone(call.engine()?), call.actor.clone());
    let reason = call.args.get(REASON.name).unwrap_or_default().to_owned();
    // a task of its own: a step that was begun is ended, whatever becomes of who asked
    let mut rotating = tokio::spawn(async move { engine.rotate_key(&by, &reason, Arc::new(watch)).await });
    let mut interrupted = call.door.io.interrupted();
    let mut last: Option<Progress> = None;
    let rotated = loop {
        tokio::select! {
            rotated = &mut rotating => break rotated,
            Some(progress) = told.recv() => {
                if is_news(last, progress) {
                    call.note(words(progress));
                    last = Some(progress);
                }
            }
            () = &mut interrupted, if !stop.load(Ordering::Relaxed) => stop.store(true, Ordering::Relaxed),
        }
    };
    let rotated = rotated.map_err(|error| ActError::internal(format!("the rotation broke down: {error}")))?;
    let Rotated { key, counted, damaged } = match rotated {
        Err(error) if stop.load(Ordering::Relaxed) => {
            call.note(format!("noctule: {error}"));
            return Ok(Exit::INTERRUPTED);
        }
        rotated => rotated?,
    };
    if damaged > 0 {
        call.note(format!("{damaged} texts open with no key: `store verify` names them"));
    }
    if call.json {
        call.object(&Shown { key, records: counted.records, bodies: counted.bodies, damaged })?;
    } else {
        let (records, bodies) = (counted.records, counted.bodies);
        call.say(format!("key {key} seals everything that is live: {records} secrets and {bodies} texts were checked"));
        call.say("older keys are kept for old entries of the journal alone, which are never rewritten, and for old copies");
    }
    Ok(if damaged == 0 { Exit::Done } else { Exit::Failed })
}

/// Whether a step is worth a line: another kind of thing, or a tenth more of it.
fn is_news(last: Option<Progress>, now: Progress) -> bool {
    let tenth = |progress: Progress| progress.done * 10 / progress.of.max(1);
    now.of > 0 && last.is_none_or(|last| last.what != now.what || tenth(last) != tenth(now))
}

fn words(progress: Progress) -> String {
    let Progress { what, done, of } = progress;
    match what {
        "checked" => format!("checking: {done} of {of} texts"),
        what => format!("sealing anew: {done} of {of} {what}"),
    }
}
