//! `vault`: what opens the store. Passphrases are asked for or read from a file, never typed on the line.

use serde::Serialize;

use crate::commands::answer::Table;
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::vault::Counted;
use crate::model::{Danger, Role, Secret};
use crate::store::{CREDENTIAL, KeyShown, NewSlot, Slot, SlotKind};

/// Why: every change of the keys has a reason.
pub(super) const REASON: Arg = Arg::optional("--reason", Kind::Text, "why: the journal keeps it");
/// Where a passphrase stands that nobody is there to say.
pub(super) const PASSPHRASE_FROM: Arg = Arg::optional(
    "--passphrase-from",
    Kind::Path,
    "a file whose first line is the passphrase; - is standard input; else it is asked for",
);
/// The largest file with a passphrase or a key, in bytes.
const LARGEST: usize = 4 << 10;

inventory::submit! { Command {
    name: "vault show",
    aliases: &[],
    about: "Show what opens the store, which of its keys seals since when, and what older ones have sealed",
    args: &[Arg::switch("--bodies", "also count the texts by each key: reads all of them")],
    role: Role::READS_AUDIT,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(show(call)),
} }

inventory::submit! { Command {
    name: "vault add passphrase",
    aliases: &[],
    about: "Let a passphrase open the store; it is asked for twice",
    args: &[PASSPHRASE_FROM, REASON],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(async { add(call, NewSlot::Passphrase(new_passphrase(call)?)).await.map(|_| Exit::Done) }),
} }

inventory::submit! { Command {
    name: "vault add file",
    aliases: &[],
    about: "Let the file data.key in the store's folder open it: whoever can read the folder reads every secret",
    args: &[REASON],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(async { add(call, NewSlot::File).await.map(|_| Exit::Done) }),
} }

inventory::submit! { Command {
    name: "vault add systemd",
    aliases: &[],
    about: "Let a credential of systemd open the store; its key is the answer, for systemd-creds to encrypt",
    args: &[REASON],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(add_systemd(call)),
} }

inventory::submit! { Command {
    name: "vault add age",
    aliases: &[],
    about: "Let a key of age that is kept elsewhere open the store when all else is lost; see vault recovery",
    args: &[Arg::one("recipient", Kind::Text, "its public half, age1…, as age-keygen prints it"), REASON],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(add_age(call)),
} }

inventory::submit! { Command {
    name: "vault remove",
    aliases: &["vault rm"],
    about: "Take a key slot away; what is sealed from then on is sealed by a new key",
    args: &[Arg::one("slot", Kind::Number(1, u32::MAX as u64), "its number, as vault show lists it"), REASON],
    role: Role::Admin,
    danger: Danger::Type,
    needs: Needs::Engine,
    run: |call| Box::pin(remove(call)),
} }

/// A slot as `--json` shows it.
#[derive(Serialize)]
pub(super) struct ShownSlot {
    /// Null where the store has no keyring yet.
    slot: Option<u32>,
    kind: SlotKind,
    /// Null where the store has no keyring yet.
    since: Option<String>,
    /// Of an offline key: its public half.
    recipient: Option<String>,
    opened: bool,
}

/// A key as `--json` shows it.
#[derive(Serialize)]
struct ShownKey {
    key: u32,
    since: Option<String>,
    retired: Option<String>,
    /// Live secrets by it.
    records: u64,
    /// Live texts by it; null where they were not counted.
    bodies: Option<u64>,
}

impl ShownKey {
    fn new(key: &KeyShown, counted: &[Counted], bodies: bool) -> Self {
        let counted = counted.iter().find(|counted| counted.key == key.number).copied().unwrap_or_default();
        Self {
            key: key.number,
            since: key.since.map(|at| at.rfc3339()),
            retired: key.retired.map(|at| at.rfc3339()),
            records: counted.records,
            bodies: bodies.then_some(counted.bodies),
        }
    }
}

/// All of it, as `--json` shows it.
#[derive(Serialize)]
struct Shown {
    slots: Vec<ShownSlot>,
    keys: Vec<ShownKey>,
    /// A rotation that is not over: since when.
    rotating_since: Option<String>,
}

/// A slot for people and programs.
pub(super) fn shown(slot: &Slot, opened: bool) -> ShownSlot {
    ShownSlot {
        slot: Some(slot.number),
        kind: slot.kind,
        since: Some(slot.made.rfc3339()),
        recipient: (slot.kind == SlotKind::Age).then(|| slot.recipient().to_string()),
        opened,
    }
}

async fn show(call: &Call) -> Result<Exit, ActError> {
    let bodies = call.args.has("--bodies");
    let engine = call.engine()?;
    let found = engine.store_keys();
    let counted = engine.count_sealed(bodies, None).await?;
    let mut slots: Vec<ShownSlot> =
        found.slots.iter().map(|slot| shown(slot, found.opened_by == Some(slot.number))).collect();
    if slots.is_empty() {
        // its file alone, which the first change makes a slot
        slots.push(ShownSlot { slot: None, kind: SlotKind::File, since: None, recipient: None, opened: true });
    }
    let keys: Vec<ShownKey> = found.keys.iter().map(|key| ShownKey::new(key, &counted, bodies)).collect();
    if call.json {
        let rotating_since = found.renewing.map(|renewing| renewing.since.rfc3339());
        call.object(&Shown { slots, keys, rotating_since })?;
        return Ok(Exit::Done);
    }
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let mut table = Table::new(&["slot", "kind", "since", "opened the store", "recipient"]);
    for slot in slots {
        let opened = if slot.opened { "yes" } else { "-" };
        table.row([
            dash(slot.slot.map(|number| number.to_string())),
            slot.kind.to_string(),
            dash(slot.since),
            opened.to_owned(),
            dash(slot.recipient),
        ]);
    }
    table.print(call, "");
    call.say("");
    let mut table = Table::new(&["key", "since", "retired", "secrets", "texts"]);
    for key in keys {
        let since = key.since.unwrap_or_else(|| "the store was made".into());
        let texts = dash(key.bodies.map(|bodies| bodies.to_string()));
        table.row([key.key.to_string(), since, dash(key.retired), key.records.to_string(), texts]);
    }
    table.print(call, "");
    if let Some(key) = found.keys.last() {
        call.say(format!(
            "key {} seals; the others open what was sealed before: what the last columns count, old entries of the journal, old copies",
            key.number
        ));
    }
    if let Some(lost) = counted.iter().find(|counted| counted.key == 0) {
        call.say(format!("{} secrets and {} texts open with no key; `doctor` names them", lost.records, lost.bodies));
    }
    if let Some(renewing) = found.renewing {
        call.say_clean(&format!(
            "a rotation that {} began at {} is not over: `vault rotate` goes on with it",
            renewing.by,
            renewing.since.local()
        ));
    }
    Ok(Exit::Done)
}

async fn add(call: &Call, new: NewSlot) -> Result<Secret, ActError> {
    let reason = call.args.get(REASON.name).unwrap_or_default();
    let added = call.engine()?.add_key_slot(&call.actor, reason, new).await?;
    let (number, kind) = (added.slot.number, added.slot.kind);
    if kind == SlotKind::Systemd {
        call.note(format!("slot {number} ({kind}) opens the store"));
    } else if call.json {
        call.object(&shown(&added.slot, false))?;
    } else {
        call.say(format!("slot {number} ({kind}) opens the store"));
    }
    Ok(added.credential)
}

async fn add_systemd(call: &Call) -> Result<Exit, ActError> {
    let pipe = format!(
        "noctule vault add systemd --reason TEXT | systemd-creds encrypt --name={CREDENTIAL} - /etc/credstore.encrypted/{CREDENTIAL}"
    );
    let line = format!("LoadCredentialEncrypted={CREDENTIAL}:/etc/credstore.encrypted/{CREDENTIAL}");
    if call.door.io.is_person() || call.door.io.is_screen() {
        return Err(ActError::usage(format!(
            "the answer is a secret, for systemd-creds and nobody's eyes. As root: {pipe}; then, in the unit's [Service]: {line}"
        )));
    }
    let key = add(call, NewSlot::Systemd).await?;
    call.note(format!("its key is for systemd-creds; in the unit's [Service]: {line}"));
    call.door.io.bytes(format!("{}\n", key.expose()).as_bytes());
    Ok(Exit::Done)
}

async fn add_age(call: &Call) -> Result<Exit, ActError> {
    let recipient = call.args.one("recipient").parse().map_err(ActError::usage)?;
    add(call, NewSlot::Age(recipient)).await?;
    call.note("try it before it is needed: noctule vault recovery | age -d -i KEY-FILE");
    Ok(Exit::Done)
}

async fn remove(call: &Call) -> Result<Exit, ActError> {
    let number = call.args.number("slot").and_then(|number| u32::try_from(number).ok()).unwrap_or_default();
    let reason = call.args.get(REASON.name).unwrap_or_default();
    let gone = call.engine()?.remove_key_slot(&call.actor, reason, number).await?;
    if call.json {
        call.object(&shown(&gone, false))?;
    } else {
        call.say(format!("slot {number} ({}) is gone; what is sealed from now on, it would not open", gone.kind));
        call.note("what was sealed before, an old copy of the store opens with it still: `vault rotate` seals it anew");
    }
    Ok(Exit::Done)
}

/// A passphrase to be: said twice, or read.
pub(super) fn new_passphrase(call: &Call) -> Result<Secret, ActError> {
    if let Some(file) = call.args.get(PASSPHRASE_FROM.name) {
        return first_line(call, file);
    }
    let ask = |prompt| {
        call.door.io.secret(prompt).ok_or_else(|| {
            let flag = PASSPHRASE_FROM.name;
            ActError::usage(format!("nobody has said a passphrase; where there is nobody to ask: {flag} FILE"))
        })
    };
    let said = ask("new passphrase of the store")?;
    if ask("the same again")?.expose() != said.expose() {
        return Err(ActError::usage("the two were not the same; nothing was changed"));
    }
    Ok(said)
}

/// The first line of a file.
pub(super) fn first_line(call: &Call, file: &str) -> Result<Secret, ActError> {
    let bytes = call.door.io.read_file(file, LARGEST).map_err(ActError::usage)?;
    let text = String::from_utf8(bytes).map(Secret::new);
    let text = text.map_err(|_| ActError::usage("the file with the secret is not UTF-8"))?;
    Ok(Secret::new(text.expose().lines().next().unwrap_or_default()))
}
