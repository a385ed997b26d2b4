//! `job`: work that goes on.

use serde::Serialize;

use crate::commands::answer::{Table, rfc3339};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::snapshot::{Job, Stage};
use crate::model::{Danger, Role};

inventory::submit! { Command {
    name: "job list",
    aliases: &[],
    about: "List work that goes on or ended lately, in the engine that is asked",
    args: &[],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(list(call)),
} }

inventory::submit! { Command {
    name: "job cancel",
    aliases: &[],
    about: "End a job: what is at work is broken off, what waits is skipped",
    args: &[Arg::one("job", Kind::Number(1, u64::MAX), "its number")],
    role: Role::Operator,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(cancel(call)),
} }

/// A job as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    job: u64,
    line: &'a str,
    by: &'a str,
    at: String,
    ended: Option<String>,
    devices: usize,
    done: usize,
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let snapshot = call.snapshot()?;
    let mut table = Table::new(&["job", "by", "began", "ended", "done", "line"]);
    for job in snapshot.jobs.iter() {
        if call.json {
            call.object(&shown(job))?;
        } else {
            let ended = job.ended.map_or_else(|| "-".to_owned(), crate::model::Timestamp::local);
            let done = format!("{}/{}", done(job), job.tasks.len());
            table.row([job.id.to_string(), job.by.clone(), job.at.local(), ended, done, job.line.clone()]);
        }
    }
    if !call.json {
        table.print(call, "no work goes on");
    }
    Ok(Exit::Done)
}

fn shown(job: &Job) -> Shown<'_> {
    let (devices, done) = (job.tasks.len(), done(job));
    let (at, ended) = (job.at.rfc3339(), rfc3339(job.ended));
    Shown { job: job.id, line: &job.line, by: &job.by, at, ended, devices, done }
}

fn done(job: &Job) -> usize {
    job.tasks.iter().filter(|task| matches!(task.stage, Stage::Done(_))).count()
}

async fn cancel(call: &Call) -> Result<Exit, ActError> {
    let id = call.args.number("job").unwrap_or_default();
    call.begin().await?;
    call.engine()?.cancel_job(id)?;
    if call.json {
        #[derive(Serialize)]
        struct Cancelled {
            job: u64,
        }
        call.object(&Cancelled { job: id })?;
    } else {
        call.say(format!("job {id} ends"));
    }
    Ok(Exit::Done)
}
