//! Rotation: everything that is sealed and live is sealed anew by a new key, while everybody works on.
//!
//! Each step is on disk before the next, and what has been sealed anew is told by what opens it: a rotation that was broken
//! off, however, goes on where it was. Old keys stay in the ring for the journal's old entries, which are never rewritten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::slots::checked_reason;
use super::{Held, KeptList, LIST, place};
use crate::engine::actor::Actor;
use crate::engine::audit::AuditNote;
use crate::engine::error::ActError;
use crate::engine::fields::Field;
use crate::engine::inventory::{entry, place as place_of};
use crate::engine::start::Engine;
use crate::model::{BlobRef, Credential, Device, DeviceId, Revision};
use crate::store::{Recording, Renewing, SealedBy, TerminalRecording};

/// Devices of one entry of the journal, and credentials.
const RECORDS: usize = 64;
/// Texts between two looks at whether to go on.
const BODIES: usize = 32;

/// How far a rotation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done: `devices`, `credentials`, `texts`, `checked`.
    pub what: &'static str,
    /// So many are done …
    pub done: usize,
    /// … of these.
    pub of: usize,
}

/// A rotation that is over.
#[derive(Clone, Debug)]
pub struct Rotated {
    /// The key that seals everything live now.
    pub key: u32,
    /// Records and texts that it was found to open.
    pub counted: Counted,
    /// Texts that no key opens: they were damaged before.
    pub damaged: u64,
}

/// What a key has sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// The key's number; 0 of what no key opens.
    pub key: u32,
    /// Devices, credentials and the vault's list: each secret of them is one.
    pub records: u64,
    /// Exact configurations and recordings.
    pub bodies: u64,
}

/// How it goes, and whether it is to go on.
pub struct Watch {
    /// Told of each step.
    pub tell: Box<dyn Fn(Progress) + Send + Sync>,
    /// Set to break it off.
    pub stop: Arc<AtomicBool>,
}

impl Watch {
    fn step(&self, what: &'static str, done: usize, of: usize) -> Result<(), ActError> {
        (self.tell)(Progress { what, done, of });
        if self.stop.load(Ordering::Relaxed) {
            return Err(ActError::conflict(
                "it was broken off; everything opens as before, and `vault rotate` goes on with it",
            ));
        }
        Ok(())
    }
}

impl Engine {
    /// Seals everything that is live by a new key; or goes on with what was broken off.
    ///
    /// # Errors
    /// When there is no reason, one is going on, the vault is in doubt, or the journal or the disk does not take it. What was
    /// done until then stays, and everything opens.
    pub async fn rotate_key(
        self: &Arc<Self>,
        by: &Actor,
        reason: &str,
        watch: Arc<Watch>,
    ) -> Result<Rotated, ActError> {
        let reason = checked_reason(reason)?;
        let _rotating = self.vault.rotating.try_lock().map_err(|_| {
            ActError::conflict("a rotation is going on already; `vault show` says since when")
        })?;
        self.begin_rotation(by, reason).await?;
        self.reseal_devices(by, &watch).await?;
        self.reseal_credentials(by, &watch).await?;
        self.reseal_bodies(&watch).await?;
        let all = self.count_sealed(true, Some(Arc::clone(&watch))).await?;
        let newest = self.store_keys().keys.last().map_or(0, |key| key.number);
        let of = |key| all.iter().find(|counted| counted.key == key).copied().unwrap_or_default();
        if let Some(left) = all.iter().find(|counted| counted.key != newest && counted.key != 0) {
            let Counted { key, records, bodies } = left;
            return Err(ActError::conflict(format!(
                "{records} secrets and {bodies} texts are sealed by key {key} still: run `vault rotate` again"
            )));
        }
        if of(0).records > 0 {
            return Err(ActError::storage(
                "checking what was sealed anew",
                format!("{} secrets open with no key: `doctor` names them; set them again", of(0).records),
            ));
        }
        let now = self.now();
        self.aside(move |engine| {
            engine
                .store
                .end_renewal(newest, now)
                .map_err(|error| ActError::storage("retiring the old keys", error))
        })
        .await?;
        let Counted { records, bodies, .. } = of(newest);
        let message = format!(
            "key {newest} seals everything since {} rotated it: {records} secrets and {bodies} texts were checked",
            by.name
        );
        self.tell_of_keys(by, &message).await?;
        Ok(Rotated { key: newest, counted: of(newest), damaged: of(0).bodies })
    }

    async fn begin_rotation(self: &Arc<Self>, by: &Actor, reason: String) -> Result<(), ActError> {
        let _acting = self.vault.acting.lock().await;
        self.held_to_change()?;
        let what = match self.store_keys().renewing {
            Some(begun) => format!("the rotation that {} began goes on: {reason}", begun.by),
            None => format!("the store's key is rotated: {reason}"),
        };
        self.note_began(by, AuditNote::began(by, &what)).await?;
        let renewing = Renewing { since: self.now(), by: by.name.clone(), reason };
        self.aside(move |engine| {
            let begun = engine.store.begin_renewal(renewing);
            begun.map(drop).map_err(|error| ActError::storage("making a new key", error))
        })
        .await
    }

    async fn reseal_devices(self: &Arc<Self>, by: &Actor, watch: &Watch) -> Result<(), ActError> {
        let ids: Vec<DeviceId> = {
            let present = self.present();
            present.devices().map(|device| device.id).collect()
        };
        for (batch, some) in ids.chunks(RECORDS).enumerate() {
            watch.step("devices", batch * RECORDS, ids.len())?;
            // nobody changes a record between its reading and its writing
            let _acting = self.acting.lock().await;
            let mut changed = Vec::new();
            for id in some {
                let Some(device) = self.present().device(*id) else { continue };
                changed.extend(self.resealed_device(&device)?.map(Arc::new));
            }
            if changed.is_empty() {
                continue;
            }
            let now = self.now();
            let mut entry = entry(now, by, "vault rotate");
            for device in &changed {
                entry.add(&device.id, device.as_ref());
            }
            self.commit(entry, "storing devices that were sealed anew").await?;
            let mut present = self.present();
            for device in changed {
                present.put_device(device, now);
            }
        }
        Ok(())
    }

    /// The record with its secrets sealed by the newest key; `None` where they are. One that opens with no key stays as it is.
    fn resealed_device(&self, device: &Device) -> Result<Option<Device>, ActError> {
        let mut new = device.clone();
        let mut is_changed = false;
        for field in Field::ALL {
            let Some(sealed) = field.sealed(device) else { continue };
            let again = self.store.reseal(&place_of(device, field), sealed);
            if let Some(again) = again
                && let Some(held) = field.sealed_in(&mut new)
            {
                *held = Some(again);
                is_changed = true;
            }
        }
        Ok(is_changed.then_some(new))
    }

    async fn reseal_credentials(self: &Arc<Self>, by: &Actor, watch: &Watch) -> Result<(), ActError> {
        let _acting = self.vault.acting.lock().await;
        let held = self.held_to_change()?;
        let of = held.credentials.len();
        for batch in 0..=of / RECORDS {
            watch.step("credentials", batch * RECORDS, of)?;
            let mut held = Held::clone(&self.held());
            let now = self.now();
            let mut entry = entry(now, by, "vault rotate");
            for credential in held.credentials.iter_mut().skip(batch * RECORDS).take(RECORDS) {
                if let Some(again) = self.resealed_credential(credential) {
                    entry.add(&again.id, &again);
                    *credential = Arc::new(again);
                }
            }
            // the list's proof, too; there is none in a vault that was never used
            if held.list.revision > 0 {
                entry.add(&0, &KeptList::new(&self.store, &held.list));
            }
            if !entry.is_empty() {
                self.commit(entry, "storing credentials that were sealed anew").await?;
            }
            self.vault.held.store(Arc::new(held));
        }
        Ok(())
    }

    fn resealed_credential(&self, credential: &Credential) -> Option<Credential> {
        let mut new = credential.clone();
        let mut is_changed = false;
        for (part, sealed) in &mut new.secrets {
            if let Some(again) = self.store.reseal(&place(credential, *part), sealed) {
                *sealed = again;
                is_changed = true;
            }
        }
        is_changed.then_some(new)
    }

    async fn reseal_bodies(self: &Arc<Self>, watch: &Watch) -> Result<(), ActError> {
        let bodies = self.aside(|engine| engine.sealed_bodies()).await?;
        let of = bodies.len();
        for (batch, some) in bodies.chunks(BODIES).enumerate() {
            watch.step("texts", batch * BODIES, of)?;
            let some = some.to_vec();
            // none of them is taken away between its reading and its writing
            let _storing = self.storing.read().await;
            self.aside(move |engine| {
                for body in some {
                    // one that is gone or damaged is found by the check at the end
                    engine.store.blobs().reseal(&body).map_err(|error| {
                        ActError::storage("sealing a text anew; everything opens as before", error)
                    })?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// The sealed texts that records name. Blocks.
    fn sealed_bodies(&self) -> Result<Vec<BlobRef>, ActError> {
        let failed = |error| ActError::storage("reading which texts are named", error);
        let revisions = self.store.scan::<Revision>(&[]).map_err(failed)?;
        let recordings = self.store.scan::<Recording>(&[]).map_err(failed)?;
        let terminals = self.store.scan::<TerminalRecording>(&[]).map_err(failed)?;
        let mut all: Vec<BlobRef> = revisions.into_iter().map(|(_, revision)| revision.exact).collect();
        all.extend(recordings.into_iter().map(|(_, recording)| recording.body));
        all.extend(terminals.into_iter().map(|(_, recording)| recording.body));
        all.sort_by_key(|body| body.id.0);
        all.dedup_by_key(|body| body.id.0);
        Ok(all)
    }

    /// By which keys the live secrets are sealed; the texts, too, where `bodies` says so, which reads every one of them.
    ///
    /// # Errors
    /// When the store cannot be read, or it was broken off.
    pub async fn count_sealed(
        self: &Arc<Self>,
        bodies: bool,
        watch: Option<Arc<Watch>>,
    ) -> Result<Vec<Counted>, ActError> {
        self.aside(move |engine| engine.read_sealed(bodies, watch.as_deref())).await
    }

    fn read_sealed(&self, bodies: bool, watch: Option<&Watch>) -> Result<Vec<Counted>, ActError> {
        let failed = |error| ActError::storage("reading what is sealed", error);
        let mut all = std::collections::BTreeMap::<u32, Counted>::new();
        let mut count = |by: SealedBy| {
            let key = by.unwrap_or_default();
            all.entry(key).or_insert(Counted { key, ..Counted::default() }).records += 1;
        };
        for (_, device) in self.store.scan::<Device>(&[]).map_err(failed)? {
            let secrets = Field::ALL.into_iter().filter_map(|field| Some((field, field.sealed(&device)?)));
            secrets
                .for_each(|(field, sealed)| count(self.store.sealed_by(&place_of(&device, field), sealed)));
        }
        for (_, credential) in self.store.scan::<Credential>(&[]).map_err(failed)? {
            let secrets = credential.secrets.iter();
            secrets
                .for_each(|(part, sealed)| count(self.store.sealed_by(&place(&credential, *part), sealed)));
        }
        if let Some(list) = self.store.get::<KeptList>(&0).map_err(failed)? {
            count(self.store.sealed_by(LIST, &list.proof));
        }
        if !bodies {
            return Ok(all.into_values().collect());
        }
        let named = self.sealed_bodies()?;
        for (done, body) in named.iter().enumerate() {
            if let Some(watch) = watch.filter(|_| done % BODIES == 0) {
                watch.step("checked", done, named.len())?;
            }
            let key = self.store.blobs().sealed_by(body).unwrap_or_default();
            all.entry(key).or_insert(Counted { key, ..Counted::default() }).bodies += 1;
        }
        Ok(all.into_values().collect())
    }
}

#[cfg(test)]
mod tests;
