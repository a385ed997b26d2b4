//! The keys of a known_hosts file, pinned for the devices that it knows.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::device::transport::{Fault, KnownHosts};
use crate::model::{DeviceName, EventKind, Severity, TransportKind};
use crate::store::HostKey;

use super::actor::Actor;
use super::error::ActError;
use super::events::with_events;
use super::inventory::entry;
use super::records::RefusedKey;
use super::start::Engine;

/// What a file says of the devices.
#[derive(Clone, Debug, Default)]
pub struct HostKeyImport {
    /// A place each, by device; a jump host stands with the first device behind it.
    pub places: Vec<PlaceImport>,
    /// The lines that noctule cannot use.
    pub faults: Vec<Fault>,
}

/// What a file says of one place.
#[derive(Clone, Debug)]
pub struct PlaceImport {
    /// A device that is reached there.
    pub device: DeviceName,
    /// `address:port`.
    pub place: String,
    /// Its keys, as OpenSSH writes them.
    pub keys: Vec<String>,
    /// What follows.
    pub verdict: Verdict,
}

/// What follows from what a file says of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No key is pinned there: these are to be.
    Pin,
    /// They are pinned.
    Same,
    /// Another key is pinned, which stays.
    Differs,
    /// The pinned key is revoked.
    Revoked,
}

impl Verdict {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::Same => "same",
            Self::Differs => "differs",
            Self::Revoked => "revoked",
        }
    }

    /// Whether a person has to look.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Differs | Self::Revoked)
    }
}

impl Engine {
    /// What a known_hosts file says of the devices' host keys. Hashes one name for each hashed line and host.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn plan_host_keys(self: &Arc<Self>, text: String) -> Result<HostKeyImport, ActError> {
        let engine = Arc::clone(self);
        let planning = tokio::task::spawn_blocking(move || engine.compare(&KnownHosts::parse(&text)));
        planning.await.map_err(|error| ActError::internal(format!("reading host keys: {error}")))?
    }

    fn compare(&self, file: &KnownHosts) -> Result<HostKeyImport, ActError> {
        let mut import = HostKeyImport { places: Vec::new(), faults: file.faults().to_vec() };
        let mut seen = BTreeSet::new();
        for row in self.rows() {
            let device = row.device;
            if device.deleted.is_some() || device.transport != Some(TransportKind::Ssh) {
                continue;
            }
            for host in self.reader.hosts(&device) {
                let place = host.place.to_ascii_lowercase();
                if !seen.insert(place.clone()) {
                    continue;
                }
                let found = file.of(&host.known_as, "");
                let pinned = self.pinned_at(&place)?;
                let revoked = |key: &String| found.revoked.iter().any(|revoked| revoked.key == *key);
                let mut keys: Vec<String> = found.keys.iter().map(|known| known.key.clone()).collect();
                keys.retain(|key| !revoked(key));
                let verdict = match () {
                    () if pinned.keys.iter().any(revoked) => Verdict::Revoked,
                    () if keys.is_empty() => continue,
                    () if pinned.keys.is_empty() => Verdict::Pin,
                    () if pinned.keys.iter().any(|key| keys.contains(key)) => Verdict::Same,
                    () => Verdict::Differs,
                };
                import.places.push(PlaceImport { device: device.name.clone(), place, keys, verdict });
            }
        }
        Ok(import)
    }

    /// Pins what an import says is to be pinned, all or nothing.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn pin_host_keys(&self, by: &Actor, import: &HostKeyImport) -> Result<usize, ActError> {
        let now = self.now();
        let to_pin: Vec<&PlaceImport> =
            import.places.iter().filter(|place| place.verdict == Verdict::Pin).collect();
        if to_pin.is_empty() {
            return Ok(0);
        }
        let mut entry = entry(now, by, "hostkey import");
        for place in &to_pin {
            entry.add(&place.place, &HostKey { keys: place.keys.clone(), since: now });
            entry.remove::<RefusedKey>(&place.place);
        }
        let message =
            format!("the host keys of {} places were pinned from a file by {}", to_pin.len(), by.name);
        let events = vec![self.event(now, EventKind::HostKeyPinned, Severity::Info, None, &message)];
        self.commit(with_events(entry, &events), "pinning host keys").await?;
        self.tell(events);
        self.publish_now();
        Ok(to_pin.len())
    }
}
