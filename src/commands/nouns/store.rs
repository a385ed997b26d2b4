//! `store`: looking after the store as a whole.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Danger, Role, Timestamp};
use crate::store::{self, Entry, Store, StoreError};

inventory::submit! { Command {
    name: "store verify",
    aliases: &[],
    about: "Read the whole store and check it against its checksums",
    args: &[],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(verify(call)),
} }

inventory::submit! { Command {
    name: "store rebuild",
    aliases: &[],
    about: "Throw the index away and make it anew from the journal",
    args: &[],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::ClosedStore,
    run: |call| Box::pin(rebuild(call)),
} }

inventory::submit! { Command {
    name: "store backup",
    aliases: &[],
    about: "Copy the store, open or not, into a new folder; the copy holds the key, keep it safe",
    args: &[Arg::one("folder", Kind::Path, "where to; must not exist")],
    role: Role::Admin,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(backup(call)),
} }

inventory::submit! { Command {
    name: "store restore",
    aliases: &[],
    about: "Put a copy in the store's place; what was there is moved aside",
    args: &[Arg::one("folder", Kind::Path, "a copy that store backup made")],
    role: Role::Admin,
    danger: Danger::Type,
    needs: Needs::ClosedStore,
    run: |call| Box::pin(restore(call)),
} }

/// Runs what reads or writes much beside the workers that answer people.
async fn aside<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ActError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ActError::internal(format!("{doing}: {error}")))?
        .map_err(|error| ActError::storage(doing, error))
}

async fn verify(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?.clone();
    let report = aside("verifying the store", move || engine.verify_store()).await?;
    if call.json {
        call.object(&report)?;
    } else {
        for found in &report.findings {
            call.say_clean(&format!("DAMAGED  {}", found.what));
            call.say_clean(&format!("         {}", found.advice));
        }
        let (entries, bodies, blocks) = (report.entries, report.bodies, report.sample_blocks);
        call.say(format!("{entries} journal entries, {bodies} bodies and {blocks} blocks of samples are whole"));
    }
    Ok(if report.findings.is_empty() { Exit::Done } else { Exit::Failed })
}

/// What is journalled of an act on a store that no engine has open.
fn entry(call: &Call, now: Timestamp) -> Entry {
    Entry::new(now, &call.actor.name, &call.actor.why, &call.actor.line)
}

/// Writes it there: whoever reads the trail must see that what stands before was put in place.
fn journal(folder: &Path, now: Timestamp, entry: Entry) -> Result<(), StoreError> {
    Store::open(folder, now)?.0.commit_blocking(entry).map(drop)
}

/// What the store's opening had to say, as `--json` shows it.
#[derive(Serialize)]
struct Rebuilt {
    notes: Vec<String>,
}

async fn rebuild(call: &Call) -> Result<Exit, ActError> {
    let folder = call.door.options.data_dir.clone();
    let now = call.door.options.clock.now();
    let entry = entry(call, now);
    let work = move || store::rebuild(&folder, now).and_then(|report| journal(&folder, now, entry).map(|()| report));
    let report = aside("rebuilding the index", work).await?;
    if call.json {
        call.object(&Rebuilt { notes: report.notes })?;
    } else {
        report.notes.iter().for_each(|note| call.say_clean(note));
        call.say("the index is made anew from the journal");
    }
    Ok(Exit::Done)
}

/// A folder that was written, as `--json` shows it.
#[derive(Serialize)]
struct Written<'a> {
    folder: &'a Path,
    /// Where the store that was there before lies now.
    before: Option<&'a Path>,
}

async fn backup(call: &Call) -> Result<Exit, ActError> {
    let (engine, folder) = (call.engine()?.clone(), PathBuf::from(call.args.one("folder")));
    let to = folder.clone();
    call.begin().await?;
    aside("copying the store", move || store::backup(engine.store(), &to)).await?;
    told(call, &folder, None, "the store is copied to")
}

async fn restore(call: &Call) -> Result<Exit, ActError> {
    let from = PathBuf::from(call.args.one("folder"));
    let folder = call.door.options.data_dir.clone();
    if call.door.io.confirm(&format!("Put {} in the place of {}?", from.display(), folder.display())) == Some(false) {
        call.note("nothing was done");
        return Ok(Exit::Failed);
    }
    let (to, now): (_, Timestamp) = (folder.clone(), call.door.options.clock.now());
    let entry = entry(call, now);
    let work = move || store::restore(&from, &to, now).and_then(|before| journal(&to, now, entry).map(|()| before));
    let before = aside("restoring the store", work).await?;
    if let Some(before) = &before {
        call.note(format!("what was there lies in {}", before.display()));
    }
    told(call, &folder, before.as_deref(), "the store is restored in")
}

fn told(call: &Call, folder: &Path, before: Option<&Path>, what: &str) -> Result<Exit, ActError> {
    if call.json {
        call.object(&Written { folder, before })?;
    } else {
        call.say_clean(&format!("{what} {}", folder.display()));
    }
    Ok(Exit::Done)
}
