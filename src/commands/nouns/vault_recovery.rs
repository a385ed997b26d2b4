//! `vault recovery`, `vault recover`: the store opens with a key that was kept elsewhere, when all else is lost.

use base64ct::{Base64, Encoding};
use serde::Serialize;

use super::vault::{PASSPHRASE_FROM, REASON, ShownSlot, first_line, new_passphrase, shown};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Danger, Role};
use crate::store::{Entry, NewSlot, SlotKind, Store, keyring_in};

/// Characters of a line of age's armour.
const COLUMNS: usize = 64;

inventory::submit! { Command {
    name: "vault recovery",
    aliases: &[],
    about: "Write what an offline key opens: age -d makes of it the key that vault recover wants",
    args: &[Arg::optional("slot", Kind::Number(1, u32::MAX as u64), "the slot; else the last one of an offline key")],
    role: Role::Admin,
    danger: Danger::None,
    needs: Needs::EngineIfOpen,
    run: |call| Box::pin(async { recovery(call) }),
} }

inventory::submit! { Command {
    name: "vault recover",
    aliases: &[],
    about: "Open the store with what age -d has given, and give it a new passphrase",
    args: &[
        Arg::optional("--key-from", Kind::Path, "a file whose first line is the recovery key; - is standard input; else it is asked for"),
        PASSPHRASE_FROM,
        REASON,
    ],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::ClosedStore,
    run: |call| Box::pin(recover(call)),
} }

/// What an offline key opens, as `--json` shows it.
#[derive(Serialize)]
struct Recovery {
    #[serde(flatten)]
    slot: ShownSlot,
    file: String,
}

fn recovery(call: &Call) -> Result<Exit, ActError> {
    let folder = &call.door.options.data_dir;
    let keyring = keyring_in(folder).map_err(|error| ActError::storage("reading the keyring", error))?;
    let wanted = call.args.number("slot");
    let slots = keyring.map(|keyring| keyring.slots).unwrap_or_default();
    let fits = |number: u32| wanted.is_none_or(|wanted| wanted == u64::from(number));
    let slot = slots.iter().rfind(|slot| slot.kind == SlotKind::Age && fits(slot.number));
    let slot = slot.ok_or_else(|| {
        ActError::not_found("there is no such slot of an offline key; `vault show` lists them, `vault add age` makes one")
    })?;
    let file = armour(&slot.file());
    if call.json {
        call.object(&Recovery { slot: shown(slot, false), file })?;
        return Ok(Exit::Done);
    }
    file.lines().for_each(|line| call.say(line));
    call.note("with the offline key: noctule vault recovery | age -d -i KEY-FILE | noctule vault recover --key-from - --reason TEXT");
    Ok(Exit::Done)
}

/// A file of age as text.
fn armour(file: &[u8]) -> String {
    let text = Base64::encode_string(file);
    let lines = text.as_bytes().chunks(COLUMNS).map(String::from_utf8_lossy);
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    format!("-----BEGIN AGE ENCRYPTED FILE-----\n{lines}-----END AGE ENCRYPTED FILE-----\n")
}

async fn recover(call: &Call) -> Result<Exit, ActError> {
    let key = match call.args.get("--key-from") {
        Some(file) => first_line(call, file)?,
        None => call.door.io.secret("recovery key").ok_or_else(|| {
            ActError::usage("nobody has said the recovery key; where there is nobody to ask: --key-from FILE")
        })?,
    };
    let reason = call.args.get(REASON.name).map(str::trim).unwrap_or_default();
    if reason.is_empty() {
        return Err(ActError::usage("the journal keeps why the keys were changed: --reason TEXT"));
    }
    let options = &call.door.options;
    let (folder, now) = (options.data_dir.clone(), options.clock.now());
    let failed = |error| ActError::storage("opening the store with a recovery key", error);
    let unlock = options.unlock.with_recovery_key(&key).map_err(failed)?;
    let passphrase = new_passphrase(call)?;
    let begun = Entry::new(now, &call.actor.name, &call.actor.why, &call.actor.line);
    let work = move || {
        let (store, _) = Store::open_with(&folder, &unlock, now)?;
        store.commit_blocking(begun)?;
        store.add_slot(NewSlot::Passphrase(passphrase), now)
    };
    let added = tokio::task::spawn_blocking(work).await;
    let added = added.map_err(|error| ActError::internal(error.to_string()))?.map_err(failed)?;
    if call.json {
        call.object(&shown(&added.slot, false))?;
    } else {
        call.say(format!("slot {} ({}) opens the store", added.slot.number, added.slot.kind));
        call.note("take away what was lost (vault remove), then run `vault rotate`: who found it opens old copies");
    }
    Ok(Exit::Done)
}
