//! `backup accept`: a person answers for a revision that was put aside.

use serde::Serialize;

use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Acceptance, Danger, RevisionState, Role};

inventory::submit! { Command {
    name: "backup accept",
    aliases: &[],
    about: "Accept a quarantined revision as whole: it counts as a good one from then on",
    args: &[
        Arg::one("device", Kind::Device, "whose"),
        Arg::one("revision", Kind::Revision, "its number, see backup list"),
        Arg::one("--reason", Kind::Text, "why it is whole, for the history and the journal"),
    ],
    role: Role::Engineer,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(accept(call)),
} }

/// What was accepted, as `--json` shows it.
#[derive(Serialize)]
struct Accepted<'a> {
    device: &'a str,
    revision: u32,
    newest: bool,
    lacked: &'a str,
    by: &'a str,
    why: &'a str,
    at: String,
}

async fn accept(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let device = engine.device(call.args.one("device"))?;
    let by = call.actor.clone().because(call.args.one("--reason"));
    let revision = engine.accept_revision(&by, &device, call.args.one("revision")).await?;
    let newest = engine.revision(&device, "newest").await?.number == revision.number;
    let RevisionState::Accepted(Acceptance { lacked, by, why, at }) = &revision.state else {
        return Err(ActError::internal("an accepted revision is not accepted"));
    };
    if call.json {
        let (device, revision, at) = (device.name.as_str(), revision.number, at.rfc3339());
        call.object(&Accepted { device, revision, newest, lacked, by, why, at })?;
    } else {
        let rank = if newest { ", and is the newest one" } else { "" };
        let number = revision.number;
        call.say_clean(&format!("revision {number} of {} counts as a good one{rank}", device.name));
    }
    Ok(Exit::Done)
}
