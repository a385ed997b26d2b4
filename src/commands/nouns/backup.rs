//! `backup run`, `backup list`, `backup verify`, `backup prune`: making backups and looking after them.

use serde::Serialize;

use crate::commands::answer::{Table, count, date};
use crate::commands::devices::{ALL, DRIVER, FILTER, GROUP, NAMES, TAG};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::backup::{BackupOptions, RunReport};
use crate::model::{
    Acceptance, Danger, Evidence, FailureKind, Revision, RevisionState, Role, RunStatus,
};

inventory::submit! { Command {
    name: "backup run",
    aliases: &[],
    about: "Back devices up now; a line for each as it ends",
    args: &[
        NAMES, GROUP, TAG, DRIVER, FILTER, ALL,
        Arg::optional("--concurrency", Kind::Number(1, 5000), "sessions at once, for this run alone"),
        Arg::switch("--skip-done", "leave out those that today's round has proven already"),
    ],
    role: Role::Operator,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(run(call)),
} }

inventory::submit! { Command {
    name: "backup list",
    aliases: &[],
    about: "List a device's revisions, or every device's newest one",
    args: &[Arg::optional("device", Kind::Device, "whose; all of its revisions, newest first")],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(list(call)),
} }

inventory::submit! { Command {
    name: "backup verify",
    aliases: &[],
    about: "Read stored configurations and check them against their checksums",
    args: &[NAMES, GROUP, TAG, DRIVER, FILTER, ALL],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(verify(call)),
} }

inventory::submit! { Command {
    name: "backup prune",
    aliases: &[],
    about: "Forget revisions beyond the count and age of the settings; never a device's newest good one",
    args: &[],
    role: Role::Admin,
    danger: Danger::Type,
    needs: Needs::Engine,
    run: |call| Box::pin(prune(call)),
} }

async fn run(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let options = BackupOptions { skip_done_today: call.args.has("--skip-done") };
    let selection = call.args.selection()?;
    engine.select(&selection)?;
    call.begin().await?;
    let mut job = engine.backup(&call.actor, &selection, options)?;
    let mut tally = Tally::default();
    let mut interrupted = call.door.io.interrupted();
    let mut cancelled = false;
    loop {
        tokio::select! {
            report = job.reports.recv() => match report {
                Some(report) => {
                    tally.add(&report);
                    tell(call, &report)?;
                }
                None => break,
            },
            () = &mut interrupted, if !cancelled => {
                cancelled = true;
                call.note("interrupted: sessions are broken off");
                // a job that has just ended needs no end
                let _ = engine.cancel_job(job.id);
            }
        }
    }
    if !call.json {
        call.note(tally.words());
    }
    Ok(match tally {
        Tally { broken_off: 1.., .. } if cancelled => Exit::INTERRUPTED,
        Tally { failed: 1.., .. } => Exit::Failed,
        _ => Exit::Done,
    })
}

fn tell(call: &Call, report: &RunReport) -> Result<(), ActError> {
    if call.json {
        return call.object(report);
    }
    let status = report.status.as_str();
    let what = match (&report.error, report.revision) {
        (Some(error), _) => error.to_string(),
        (None, Some(revision)) => {
            format!("revision {revision}, {} bytes, {:.1} s", report.bytes, report.seconds)
        }
        (None, None) => String::new(),
    };
    call.say_clean(format!("{:<24} {status:<9} {what}", report.device).trim_end());
    Ok(())
}

/// How a job's devices ended.
#[derive(Default)]
struct Tally {
    changed: usize,
    unchanged: usize,
    failed: usize,
    skipped: usize,
    /// Those of the failed that did not end by themselves.
    broken_off: usize,
}

impl Tally {
    fn add(&mut self, report: &RunReport) {
        let broken_off = report.error.as_ref().is_some_and(|error| error.kind == FailureKind::Cancelled);
        self.broken_off += usize::from(broken_off);
        *match report.status {
            RunStatus::Changed => &mut self.changed,
            RunStatus::Unchanged => &mut self.unchanged,
            RunStatus::Failed => &mut self.failed,
            RunStatus::Skipped => &mut self.skipped,
        } += 1;
    }

    fn words(&self) -> String {
        let Self { changed, unchanged, failed, skipped, .. } = self;
        let all = count(changed + unchanged + failed + skipped, "device");
        format!("{all}: {changed} changed, {unchanged} unchanged, {failed} failed, {skipped} skipped")
    }
}

/// A revision as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    device: &'a str,
    revision: u32,
    at: String,
    last_seen: String,
    bytes: u64,
    lines: u32,
    sha256: &'a str,
    state: &'static str,
    reason: Option<&'a str>,
    accepted: Option<Accepted<'a>>,
    evidence: &'a Evidence,
}

/// Who answers for a revision that was put aside.
#[derive(Serialize)]
struct Accepted<'a> {
    by: &'a str,
    why: &'a str,
    at: String,
}

impl<'a> Shown<'a> {
    fn of(device: &'a str, revision: &'a Revision) -> Self {
        let (state, reason, accepted) = match &revision.state {
            RevisionState::Good => ("good", None, None),
            RevisionState::Quarantined { reason } => ("quarantined", Some(reason.as_str()), None),
            RevisionState::Accepted(Acceptance { lacked, by, why, at }) => {
                ("good", Some(lacked.as_str()), Some(Accepted { by, why, at: at.rfc3339() }))
            }
        };
        Self {
            device,
            revision: revision.number,
            at: revision.at.rfc3339(),
            last_seen: revision.last_seen.rfc3339(),
            bytes: revision.exact.len,
            lines: revision.lines,
            sha256: &revision.sha256,
            state,
            reason,
            accepted,
            evidence: &revision.evidence,
        }
    }
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let mut revisions: Vec<(String, Revision)> = Vec::new();
    match call.args.get("device") {
        Some(name) => {
            let device = engine.device(name)?;
            let history = engine.history(device.id).await?;
            revisions.extend(history.revisions.into_iter().map(|one| (device.name.to_string(), one)));
        }
        None => {
            let living = call.rows()?.into_iter().filter(|row| row.device.deleted.is_none());
            revisions.extend(living.filter_map(|row| {
                row.newest.map(|newest| (row.device.name.to_string(), newest.as_ref().clone()))
            }));
        }
    }
    if call.json {
        revisions.iter().try_for_each(|(device, one)| call.object(&Shown::of(device, one)))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["device", "revision", "first seen", "last seen", "bytes", "state"]);
    for (device, one) in &revisions {
        table.row([
            device.clone(),
            one.number.to_string(),
            date(Some(one.at)),
            date(Some(one.last_seen)),
            one.exact.len.to_string(),
            match &one.state {
                RevisionState::Good => "good".to_owned(),
                RevisionState::Quarantined { reason } => format!("quarantined: {reason}"),
                RevisionState::Accepted(Acceptance { by, why, .. }) => format!("accepted by {by}: {why}"),
            },
        ]);
    }
    table.print(call, "no revision is stored yet; `backup run` reads the first");
    Ok(Exit::Done)
}

/// What a check answers.
#[derive(Serialize)]
struct Checked<'a> {
    revisions: u64,
    bytes: u64,
    damaged: Vec<Damaged<'a>>,
}

#[derive(Serialize)]
struct Damaged<'a> {
    device: &'a str,
    revision: u32,
    reason: &'a str,
}

async fn verify(call: &Call) -> Result<Exit, ActError> {
    let verified = call.engine()?.verify(&call.args.selection_or_all()?).await?;
    if call.json {
        let damaged = verified.damaged.iter().map(|one| Damaged {
            device: one.device.as_str(),
            revision: one.revision,
            reason: &one.reason,
        });
        let damaged = damaged.collect();
        call.object(&Checked { revisions: verified.revisions, bytes: verified.bytes, damaged })?;
    } else {
        for one in &verified.damaged {
            call.say_clean(&format!("{} revision {}: {}", one.device, one.revision, one.reason));
        }
        let whole = verified.revisions - verified.damaged.len() as u64;
        call.say(format!(
            "{whole} of {} revisions are whole, {} bytes read",
            verified.revisions, verified.bytes
        ));
    }
    Ok(if verified.damaged.is_empty() { Exit::Done } else { Exit::Failed })
}

/// What a tidying answers.
#[derive(Serialize)]
struct Pruned {
    devices: u64,
    revisions: u64,
}

async fn prune(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let settings = engine.settings();
    if settings.keep_revisions.is_none() && settings.keep_for.is_none() {
        call.note("the settings keep every revision: nothing is forgotten but texts that nothing names");
    }
    let gone = engine.apply_retention(&call.actor).await?;
    if call.json {
        call.object(&Pruned { devices: gone.devices, revisions: gone.revisions })?;
    } else {
        call.say(format!("{} revisions of {} devices were forgotten", gone.revisions, gone.devices));
    }
    Ok(Exit::Done)
}
