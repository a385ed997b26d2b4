//! What an entry changed, in words. Never a sealed value, and never more than fits a screen.

use crate::engine::fields::Field;
use crate::engine::records::{DeviceStatus, RefusedKey};
use crate::engine::vault::{self, KeptList};
use crate::model::{
    Credential, Device, DeviceId, Event, Identity, IdentityFailure, Incident, IncidentId, Login, Maintenance,
    Revision, RevisionState, Run, User, clean_line,
};
use crate::store::{
    Change, HostKey, Key, Record, Recording, RecordingKey, RevisionKey, RunKey, TerminalRecording, decode,
};

use super::known::KnownFinding;
use super::note::AuditNote;

/// The longest value that is repeated, in characters.
const LONGEST_VALUE: usize = 120;

/// One changed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedRecord {
    /// Its table: `device`.
    pub table: String,
    /// What finds it: `core-1`, `core-1 revision 5`.
    pub key: String,
    /// What became of it: `group: campus → core`.
    pub what: String,
}

/// The names of devices by number, as they are now.
pub type Names<'a> = &'a dyn Fn(DeviceId) -> Option<String>;

/// What became of a secret between two states of a device: each is sealed anew with every revision of its record.
pub type Secrets<'a> = &'a dyn Fn(&Device, &Device, Field) -> Option<&'static str>;

/// The device that a change is about, where its table says so.
pub fn device_of(change: &Change) -> Option<DeviceId> {
    const BY_DEVICE: [&str; 8] = [
        Device::TABLE,
        DeviceStatus::TABLE,
        Identity::TABLE,
        IdentityFailure::TABLE,
        Revision::TABLE,
        Run::TABLE,
        Recording::TABLE,
        TerminalRecording::TABLE,
    ];
    let key = change.key.get(..8).filter(|_| BY_DEVICE.contains(&change.table.as_str()))?;
    DeviceId::decode(key)
}

/// A change in words; `before` is what the record was, where that is known.
pub fn of(change: &Change, before: Option<&Change>, names: Names<'_>, secrets: Secrets<'_>) -> ChangedRecord {
    let (key, what) = in_words(change, before, names, secrets);
    let clean = |text: String| clean_line(&text).into_owned();
    ChangedRecord { table: clean(change.table.clone()), key: clean(key), what: clean(what) }
}

fn in_words(
    change: &Change,
    before: Option<&Change>,
    names: Names<'_>,
    secrets: Secrets<'_>,
) -> (String, String) {
    let name = || device_of(change).map_or_else(String::new, |id| named(id, names));
    let number = || u64::decode(&change.key).map_or_else(|| plain(&change.key), |number| number.to_string());
    match change.table.as_str() {
        Device::TABLE => {
            (name(), told(change, |device| device_words(device, value::<Device>(before).as_ref(), secrets)))
        }
        DeviceStatus::TABLE => {
            (name(), told(change, |_: DeviceStatus| "what is known of its backups".into()))
        }
        Identity::TABLE => (name(), told(change, identity_words)),
        IdentityFailure::TABLE => {
            (name(), told(change, |_: IdentityFailure| "why its identity was not read".into()))
        }
        Revision::TABLE => {
            let number = RevisionKey::decode(&change.key).map(|key| format!(" revision {}", key.1));
            (name() + &number.unwrap_or_default(), told(change, revision_words))
        }
        Run::TABLE => {
            let at = RunKey::decode(&change.key).map(|key| format!(" {}", key.1.local()));
            (name() + &at.unwrap_or_default(), told(change, run_words))
        }
        Recording::TABLE => {
            let id = RecordingKey::decode(&change.key).map(|key| format!(" recording {}", key.1));
            let words = |recording: Recording| format!("a session of {}", recording.at.local());
            (name() + &id.unwrap_or_default(), told(change, words))
        }
        TerminalRecording::TABLE => {
            let id = RecordingKey::decode(&change.key).map(|key| format!(" terminal {}", key.1));
            let words = |recording: TerminalRecording| format!("a terminal of {}", recording.at.local());
            (name() + &id.unwrap_or_default(), told(change, words))
        }
        Event::TABLE => (number(), told(change, |event: Event| event.message)),
        Incident::TABLE => {
            (number(), told(change, |incident: Incident| format!("{}: {}", incident.name, incident.cause)))
        }
        Maintenance::TABLE => (number(), told(change, |window: Maintenance| window.why)),
        HostKey::TABLE => {
            (plain(&change.key), told(change, |keys: HostKey| format!("{} keys are pinned", keys.keys.len())))
        }
        RefusedKey::TABLE => {
            (plain(&change.key), told(change, |key: RefusedKey| format!("{} was refused", key.shown)))
        }
        KnownFinding::TABLE => (plain(&change.key), told(change, |known: KnownFinding| known.what)),
        AuditNote::TABLE => (plain(&change.key), told(change, |note: AuditNote| note.what)),
        Credential::TABLE => {
            let words = |is: Credential| vault::of_credential(&is, value::<Credential>(before).as_ref());
            (number(), told(change, words))
        }
        User::TABLE => (number(), told(change, |user| user_words(&user))),
        Login::TABLE => (number(), told(change, |login| login_words(&login))),
        KeptList::TABLE => ("list".to_owned(), told(change, |list: KeptList| vault::of_list(&list))),
        _ => (plain(&change.key), removed_or(change, "stored")),
    }
}

fn user_words(user: &User) -> String {
    let grants: Vec<String> = user.grants.iter().map(ToString::to_string).collect();
    let grants = if grants.is_empty() { "no role".to_owned() } else { grants.join(", ") };
    let state = match (user.removed, user.enabled) {
        (Some(_), _) => "removed",
        (None, true) => "enabled",
        (None, false) => "disabled",
    };
    format!("{}: {state}, {grants}, revision {}", user.name, user.revision)
}

fn login_words(login: &Login) -> String {
    let who = login.user.as_deref().or(login.account.as_deref());
    let who = who.map_or_else(|| format!("uid {}", login.uid), str::to_owned);
    match &login.refused {
        Some(why) => format!("{who} was not let in by {}: {why}", login.method),
        None => format!("{who} was let in by {}", login.method),
    }
}

/// The record that a change has put.
pub fn value<R: Record>(change: Option<&Change>) -> Option<R> {
    decode(change?.value.as_deref()?).ok()
}

fn told<R: Record>(change: &Change, words: impl FnOnce(R) -> String) -> String {
    match change.value.as_deref().map(decode) {
        None => "removed".to_owned(),
        Some(Ok(record)) => words(record),
        Some(Err(why)) => format!("stored; it cannot be read: {why}"),
    }
}

fn removed_or(change: &Change, stored: &str) -> String {
    if change.value.is_some() { stored } else { "removed" }.to_owned()
}

fn named(id: DeviceId, names: Names<'_>) -> String {
    names(id).unwrap_or_else(|| format!("device number {}", id.0))
}

/// A key as text, or in hex.
fn plain(key: &[u8]) -> String {
    match std::str::from_utf8(key) {
        Ok(text) if !text.is_empty() && !text.chars().any(crate::model::is_hostile) => short(text),
        _ => key.iter().take(32).map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn device_words(device: Device, before: Option<&Device>, secrets: Secrets<'_>) -> String {
    let blank;
    let old = match before {
        Some(old) => old,
        None => {
            blank = crate::engine::fields::blank(
                device.id,
                device.name.clone(),
                device.address.clone(),
                device.created,
            );
            &blank
        }
    };
    let mut words = Vec::new();
    if before.is_none() {
        words.push(format!("name: {}", device.name));
        words.push(format!("address: {}", short(&device.address.to_string())));
    }
    for field in Field::ALL {
        words.extend(secrets(old, &device, field).map(|what| format!("{field}: {what}")));
        let (was, is) = (field.read(old), field.read(&device));
        if was != is && before.is_some() {
            words.push(format!("{field}: {} → {}", or_empty(&was), or_empty(&is)));
        } else if was != is {
            words.push(format!("{field}: {}", short(&is)));
        }
    }
    match (old.deleted, device.deleted) {
        (None, Some(_)) => words.push("put away".into()),
        (Some(_), None) => words.push("brought back".into()),
        _ => {}
    }
    if words.is_empty() { "stored as it was".into() } else { words.join("; ") }
}

fn or_empty(value: &str) -> String {
    if value.is_empty() { "(empty)".to_owned() } else { short(value) }
}

fn identity_words(identity: Identity) -> String {
    let known = [identity.vendor, identity.model, identity.version, identity.serial];
    let known: Vec<String> = known.into_iter().flatten().map(|word| short(&word)).collect();
    if known.is_empty() { "read; nothing of it is known".into() } else { known.join(", ") }
}

fn revision_words(revision: Revision) -> String {
    let state = match &revision.state {
        RevisionState::Good => "good".to_owned(),
        RevisionState::Quarantined { reason } => format!("put aside: {}", short(reason)),
        RevisionState::Accepted(accepted) => format!("accepted by {}: {}", accepted.by, short(&accepted.why)),
    };
    format!("{state}, {} lines, sha256 {}", revision.lines, revision.sha256)
}

fn run_words(run: Run) -> String {
    let mut words = run.status.to_string();
    if let Some(revision) = run.revision {
        words += &format!(", revision {revision}");
    }
    if let Some(recording) = run.recording {
        words += &format!(", recording {recording}");
    }
    if let Some(failure) = &run.failure {
        words += &format!(": {}", short(&failure.to_string()));
    }
    words
}

/// The incident that a change is about.
pub fn incident_of(change: &Change) -> Option<IncidentId> {
    (change.table == Incident::TABLE).then(|| IncidentId::decode(&change.key)).flatten()
}
