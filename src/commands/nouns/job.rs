//! `job`: work that goes on.

use crate::commands::{Arg, Call, Command, Count, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Danger, Role};

inventory::submit! { Command {
    name: "job cancel",
    aliases: &[],
    about: "End a job: what is at work is broken off, what waits is skipped",
    args: &[Arg { name: "job", kind: Kind::Number(1, u64::MAX), count: Count::One, about: "its number" }],
    role: Role::Operator,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(cancel(call)),
} }

async fn cancel(call: &Call) -> Result<Exit, ActError> {
    let id = call.args.number("job").unwrap_or_default();
    call.engine()?.cancel_job(id)?;
    call.say(format!("job {id} ends"));
    Ok(Exit::Done)
}
