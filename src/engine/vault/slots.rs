//! What opens the store: key slots that an admin adds and takes away.

use std::sync::Arc;

use crate::engine::actor::Actor;
use crate::engine::audit::AuditNote;
use crate::engine::doctor::Finding;
use crate::engine::error::ActError;
use crate::engine::events::with_events;
use crate::engine::inventory::entry;
use crate::engine::start::Engine;
use crate::model::{EventKind, Severity, clean_line};
use crate::store::{Added, KeysShown, NewSlot, Slot, SlotKind};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 500;

impl Engine {
    /// The store's key slots and keys; nothing of it is secret.
    pub fn store_keys(&self) -> KeysShown {
        self.store.keys()
    }

    /// Adds a key slot.
    ///
    /// # Errors
    /// When there is no reason, there is such a slot already, or the journal or the disk does not take it.
    pub async fn add_key_slot(
        self: &Arc<Self>,
        by: &Actor,
        reason: &str,
        new: NewSlot,
    ) -> Result<Added, ActError> {
        let reason = checked_reason(reason)?;
        let _acting = self.vault.acting.lock().await;
        let kind = new.kind();
        self.note_began(by, AuditNote::began(by, &format!("a key slot ({kind}) is added: {reason}"))).await?;
        let now = self.now();
        let added = self
            .aside(move |engine| {
                engine.store.add_slot(new, now).map_err(|error| ActError::storage("adding a key slot", error))
            })
            .await?;
        let number = added.slot.number;
        self.tell_of_keys(by, &format!("key slot {number} ({kind}) added by {}: {reason}", by.name)).await?;
        Ok(added)
    }

    /// Takes a key slot away.
    ///
    /// # Errors
    /// When there is no reason or no such slot, it is the last one that opens the store at a start, or the journal or the
    /// disk does not take it.
    pub async fn remove_key_slot(
        self: &Arc<Self>,
        by: &Actor,
        reason: &str,
        number: u32,
    ) -> Result<Slot, ActError> {
        let reason = checked_reason(reason)?;
        let _acting = self.vault.acting.lock().await;
        let note = AuditNote::began(by, &format!("key slot {number} is taken away: {reason}"));
        self.note_began(by, note).await?;
        let now = self.now();
        let gone = self
            .aside(move |engine| {
                let gone = engine.store.remove_slot(number, now);
                gone.map_err(|error| ActError::storage("taking a key slot away", error))
            })
            .await?;
        let message = format!("key slot {number} ({}) taken away by {}: {reason}", gone.kind, by.name);
        self.tell_of_keys(by, &message).await?;
        Ok(gone)
    }

    /// Journals what was done to the keys, and tells everybody.
    pub(super) async fn tell_of_keys(&self, by: &Actor, message: &str) -> Result<(), ActError> {
        let now = self.now();
        let events = vec![self.event(now, EventKind::System, Severity::Warning, None, message)];
        let note = AuditNote::ended(by, message);
        let entry = entry(now, by, "vault").put(&"ended".to_owned(), &note);
        self.commit(with_events(entry, &events), &format!("it is done, but noting that {message}")).await?;
        self.tell(events);
        self.publish_now();
        Ok(())
    }

    /// Whether the store's key is kept as it should be.
    pub(in crate::engine) fn look_at_keys(&self) -> Vec<Finding> {
        let topic = "keys";
        let KeysShown { slots, renewing, .. } = self.store_keys();
        let has = |kind| slots.iter().any(|slot| slot.kind == kind);
        let mut found = Vec::new();
        let mut warn = |message: String, advice| {
            found.push(Finding::bad(topic, Severity::Warning, message, advice));
        };
        if let Some(renewing) = renewing {
            let message = format!("a rotation of the store's key by {} is not over", renewing.by);
            warn(message, "run `vault rotate`: it goes on where it was broken off");
        }
        if !slots.is_empty() && !has(SlotKind::Age) {
            warn(
                "the store's key has no slot for a rescue: who loses the others loses every secret".into(),
                "make a key of age, keep it away from this host, and name it: vault add age age1…",
            );
        }
        if slots.iter().all(|slot| slot.kind == SlotKind::File) && !slots.is_empty() {
            warn(
                "the store's keyring opens with the file data.key alone, which lies beside it".into(),
                "add another slot (vault add passphrase, vault add systemd), then take the file away: vault remove",
            );
        }
        if found.is_empty() {
            let message = match slots.len() {
                0 => "the store's key is the file data.key, for its owner alone; `vault add` offers more"
                    .into(),
                _ => {
                    let kinds: Vec<String> = slots.iter().map(|slot| slot.kind.to_string()).collect();
                    format!("the store opens with {}", kinds.join(", "))
                }
            };
            found.push(Finding::good(topic, message));
        }
        found
    }
}

/// A reason as it is journalled.
pub(super) fn checked_reason(reason: &str) -> Result<String, ActError> {
    let reason = clean_line(reason.trim());
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        return Err(ActError::usage(format!(
            "the journal keeps why the keys were changed: --reason TEXT, at most {LONGEST_REASON} characters"
        )));
    }
    Ok(reason.into_owned())
}
