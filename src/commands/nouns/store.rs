//! `store`: looking after the store as a whole.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Danger, Role, Timestamp};
use crate::store::backup::{self, Copied};
use crate::store::{self, Entry, Store, StoreError, Unlock};

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
    about: "Copy the store, open or not; the copy holds the key of every secret where data.key opens it, keep it safe",
    args: &[Arg::optional("--output", Kind::Path, "a new folder; else beside the daily copies, see [store] in config.toml")],
    role: Role::Admin,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(copy(call)),
} }

inventory::submit! { Command {
    name: "store restore",
    aliases: &[],
    about: "Check a copy and put it in the store's place; what was there is kept beside it",
    args: &[
        Arg::one("folder", Kind::Path, "a copy that store backup or the day made"),
        Arg::switch("--damaged", "also where some of it is damaged: what is lost is named"),
    ],
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
fn journal(folder: &Path, unlock: &Unlock, now: Timestamp, entry: Entry) -> Result<(), StoreError> {
    Store::open_with(folder, unlock, now)?.0.commit_blocking(entry).map(drop)
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
    let unlock = call.unlocked(&folder).await?.unlock;
    let work = move || {
        let report = store::rebuild_with(&folder, &unlock, now)?;
        journal(&folder, &unlock, now, entry).map(|()| report)
    };
    let report = aside("rebuilding the index", work).await?;
    if call.json {
        call.object(&Rebuilt { notes: report.notes })?;
    } else {
        report.notes.iter().for_each(|note| call.say_clean(note));
        call.say("the index is made anew from the journal");
    }
    Ok(Exit::Done)
}

/// A copy that was made, as `--json` shows it.
#[derive(Serialize)]
struct Written<'a> {
    folder: &'a Path,
    entries: u64,
    shared: u64,
    bytes: u64,
    damage: &'a [String],
}

async fn copy(call: &Call) -> Result<Exit, ActError> {
    let to = call.args.get("--output").map(|folder| call.door.io.whole_path(folder));
    call.begin().await?;
    let copied = call.engine()?.copy_store(&call.actor, to).await?;
    let Copied { folder, entries, shared, bytes, damage } = &copied;
    if call.json {
        call.object(&Written { folder, entries: *entries, shared: *shared, bytes: *bytes, damage })?;
    } else {
        call.say_clean(&format!("the store is copied to {} up to entry {entries}", folder.display()));
        damage.iter().for_each(|damage| call.note(damage));
    }
    Ok(if damage.is_empty() { Exit::Done } else { Exit::Failed })
}

/// A store that was brought back, as `--json` shows it.
#[derive(Serialize)]
struct BroughtBack<'a> {
    folder: &'a Path,
    /// Where the store that was there before lies now.
    before: Option<&'a Path>,
    entries: u64,
    bodies: u64,
    sample_blocks: u64,
    findings: &'a [store::Finding],
}

async fn restore(call: &Call) -> Result<Exit, ActError> {
    let from = PathBuf::from(call.args.one("folder"));
    let folder = call.door.options.data_dir.clone();
    if call.door.io.confirm(&format!("Put {} in the place of {}?", from.display(), folder.display())) == Some(false) {
        call.note("nothing was done");
        return Ok(Exit::Failed);
    }
    let (to, now, also_damaged) = (folder.clone(), call.door.options.clock.now(), call.args.has("--damaged"));
    let entry = entry(call, now);
    let unlock = call.unlocked(&from).await?.unlock;
    let work = move || {
        let restored = backup::restore_with(&from, &to, &unlock, now, also_damaged)?;
        journal(&to, &unlock, now, entry).map(|()| restored)
    };
    let restored = aside("restoring the store", work).await?;
    let (before, report) = (restored.before.as_deref(), &restored.report);
    if let Some(before) = before {
        call.note(format!("what was there lies in {}", before.display()));
    }
    let (entries, bodies, findings) = (report.entries, report.bodies, &report.findings[..]);
    if call.json {
        let sample_blocks = report.sample_blocks;
        call.object(&BroughtBack { folder: &folder, before, entries, bodies, sample_blocks, findings })?;
    } else {
        findings.iter().for_each(|found| call.say_clean(&format!("DAMAGED  {}", found.what)));
        let folder = folder.display();
        call.say_clean(&format!("the store is restored in {folder}: {entries} journal entries, {bodies} bodies"));
    }
    Ok(if findings.is_empty() { Exit::Done } else { Exit::Failed })
}
