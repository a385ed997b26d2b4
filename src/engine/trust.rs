//! Host keys: pinned at first contact, refused when changed, trusted again by a person.
//!
//! The pinned keys in the store are what counts. OpenSSH's known_hosts files are a second source: at first contact a key
//! that they know is known, another one than theirs is a changed one; a key that they revoke is refused at every contact.

use std::sync::{Arc, Weak};

use crate::device::transport::{Found, Trust, TrustFuture, fingerprint};
use crate::model::{Device, DeviceId, Event, EventKind, Failure, FailureKind, Severity, Timestamp};

use crate::store::{Entry, HostKey};

use super::actor::Actor;
use super::error::ActError;
use super::events::with_events;
use super::inventory::entry;
use super::records::RefusedKey;
use super::settings::HostKeyPolicy;
use super::start::Engine;

/// What is known of the host key of one place on the way to a device: its own, or a jump host's.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// `address:port`.
    pub place: String,
    /// The pinned keys: `ssh-ed25519 SHA256:…`.
    pub pinned: Vec<String>,
    /// Since when they are.
    pub since: Timestamp,
    /// A key that was shown and refused, and when that was first.
    pub refused: Option<(String, Timestamp)>,
}

/// The pinned keys in the store, and the known_hosts files.
pub(super) struct StoredTrust {
    engine: Weak<Engine>,
    device: Arc<Device>,
}

impl StoredTrust {
    /// For a session with `device`.
    pub fn new(engine: &Arc<Engine>, device: Arc<Device>) -> Self {
        Self { engine: Arc::downgrade(engine), device }
    }
}

impl Trust for StoredTrust {
    fn check<'a>(&'a self, place: &'a str, key: &'a str, shown: &'a str) -> TrustFuture<'a> {
        Box::pin(self.judge(place.to_ascii_lowercase(), key, shown))
    }

    fn pinned(&self, place: &str) -> Vec<String> {
        let Some(engine) = self.engine.upgrade() else { return Vec::new() };
        // a record that cannot be read is told by the check that follows
        let pinned = engine.pinned_at(&place.to_ascii_lowercase()).unwrap_or_default().keys;
        match pinned[..] {
            [] => {
                engine.known_in_files(&self.device, place).keys.into_iter().map(|known| known.key).collect()
            }
            _ => pinned,
        }
    }
}

impl StoredTrust {
    async fn judge(&self, place: String, key: &str, shown: &str) -> Result<(), Failure> {
        let stopping = || Failure::new(FailureKind::Cancelled, "the engine is stopping");
        let engine = self.engine.upgrade().ok_or_else(stopping)?;
        let pinned = engine.pinned_at(&place).map_err(|error| {
            Failure::new(FailureKind::Storage, format!("the pinned host key of {place}: {error}"))
        })?;
        let found = engine.known_in_files(&self.device, &place);
        if let Some(revoked) = found.revoked.iter().find(|revoked| revoked.key == key) {
            return Err(self.refuse_revoked(&engine, &place, shown, &revoked.at).await);
        }
        if pinned.keys.iter().any(|pinned| pinned == key) {
            return Ok(());
        }
        if pinned.keys.is_empty() {
            let known = found.keys.iter().find(|known| known.key == key);
            let is_new = found.keys.is_empty() && engine.settings().host_keys == HostKeyPolicy::AcceptNew;
            if known.is_some() || is_new {
                self.pin(&engine, &place, key, shown, known.map(|known| known.at.as_str()));
                return Ok(());
            }
        }
        Err(self.refuse(&engine, place, key, shown, &pinned, &found).await)
    }

    fn pin(&self, engine: &Arc<Engine>, place: &str, key: &str, shown: &str, known_at: Option<&str>) {
        let at = engine.now();
        let known = known_at.map_or_else(String::new, |at| format!(", as {at} has it"));
        let message = format!("first contact with {place}: host key {shown} was pinned{known}");
        let event = engine.event(
            at,
            EventKind::HostKeyPinned,
            Severity::Info,
            Some(self.device.name.clone()),
            &message,
        );
        let record = HostKey { keys: vec![key.to_owned()], since: at };
        let entry = entry(at, &Actor::engine("host key"), "host key").put(&place.to_owned(), &record);
        // aside: the session need not wait for the disk, and a pin that a power cut takes is made again at the next
        // contact
        let engine = Arc::clone(engine);
        tokio::spawn(async move { keep(&engine, entry, event).await });
    }

    async fn refuse(
        &self,
        engine: &Arc<Engine>,
        place: String,
        key: &str,
        shown: &str,
        pinned: &HostKey,
        found: &Found,
    ) -> Failure {
        let name = &self.device.name;
        let then = format!("compare it with the device's own, then `device trust {name}`");
        let changed = |known: &str| {
            format!(
                "the host key of {place} is not {known}: it shows {shown}. The device was replaced or reset, or somebody stands between; {then}"
            )
        };
        let (kind, message) = match (pinned.keys.is_empty(), found.keys.first()) {
            (false, _) => (EventKind::HostKeyChanged, changed("the pinned one")),
            (true, Some(known)) => (EventKind::HostKeyChanged, changed(&format!("that of {}", known.at))),
            (true, None) => (
                EventKind::System,
                format!(
                    "the host key {shown} of {place} is not known and the policy is strict; {then}, or pin the keys of a known_hosts file: `hostkey import FILE`"
                ),
            ),
        };
        let known = engine.store.get::<RefusedKey>(&place).ok().flatten();
        if known.is_none_or(|known| known.key != key) {
            let at = engine.now();
            let event = engine.event(at, kind, Severity::Error, Some(name.clone()), &message);
            let record = RefusedKey { key: key.to_owned(), shown: shown.to_owned(), at };
            let entry = entry(at, &Actor::engine("host key"), "host key").put(&place, &record);
            keep(engine, entry, event).await;
        }
        Failure::new(FailureKind::HostKey, message)
    }

    /// Not kept as a refused key: `device trust` must not bring it back.
    async fn refuse_revoked(&self, engine: &Arc<Engine>, place: &str, shown: &str, at: &str) -> Failure {
        let message = format!(
            "the host key {shown} of {place} is revoked by {at}: who holds it may be anybody. Give the device a new key, then `device trust {}`",
            self.device.name
        );
        let now = engine.now();
        let device = Some(self.device.name.clone());
        let event = engine.event(now, EventKind::HostKeyChanged, Severity::Error, device, &message);
        keep(engine, entry(now, &Actor::engine("host key"), "host key"), event).await;
        Failure::new(FailureKind::HostKey, message)
    }
}

/// An OpenSSH key line's fingerprint for people: `SHA256:…`.
pub fn named(key: &str) -> String {
    fingerprint(key).unwrap_or_else(|| "a key that cannot be read".to_owned())
}

/// Stores what was decided.
async fn keep(engine: &Arc<Engine>, entry: Entry, event: Event) {
    let events = vec![event];
    if engine.commit(with_events(entry, &events), "storing a host key").await.is_ok() {
        engine.tell(events);
    }
}

impl Engine {
    /// Every place whose host key is pinned, with its keys.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn host_keys(&self) -> Result<Vec<(String, HostKey)>, ActError> {
        self.store.scan(&[]).map_err(|error| ActError::storage("reading the host keys", error))
    }

    /// The keys that are pinned at a place, which is in lower case.
    pub(super) fn pinned_at(&self, place: &str) -> Result<HostKey, ActError> {
        let pinned = self.store.get::<HostKey>(&place.to_owned());
        Ok(pinned.map_err(|error| ActError::storage("reading a host key", error))?.unwrap_or_default())
    }

    /// What known_hosts files say of a place on the way to a device.
    fn known_in_files(&self, device: &Device, place: &str) -> Found {
        let hosts = self.reader.hosts(device);
        let host = hosts.into_iter().find(|host| host.place.eq_ignore_ascii_case(place));
        host.map(|host| self.known_hosts.of(&host.files, &host.known_as)).unwrap_or_default()
    }

    /// Trusts the key that a device showed last and that was refused; it takes the place of the pinned one.
    ///
    /// # Errors
    /// When there is no such device, or it showed no key that was refused.
    pub async fn trust_host_key(&self, by: &Actor, name: &str) -> Result<RefusedKey, ActError> {
        let device = self.device(name)?;
        let places = self.reader.places(&device);
        let (place, refused) = self.refused_on(&places)?.ok_or_else(|| {
            ActError::not_found(format!(
                "{name} ({}) showed no host key that was refused; there is nothing to trust",
                places.join(", ")
            ))
        })?;
        let now = self.now();
        let message = format!("the host key {} of {place} is trusted by {}", refused.shown, by.name);
        let events = vec![self.event(
            now,
            EventKind::HostKeyPinned,
            Severity::Info,
            Some(device.name.clone()),
            &message,
        )];
        let entry = entry(now, by, "device trust")
            .put(&place, &HostKey { keys: vec![refused.key.clone()], since: now })
            .delete::<RefusedKey>(&place);
        self.commit(with_events(entry, &events), "trusting a host key").await?;
        self.tell(events);
        self.publish_now();
        Ok(refused)
    }

    /// What is known of the host keys on the way to a device. Blocks.
    pub(super) fn known_keys(&self, device: DeviceId) -> Result<Vec<KnownKey>, ActError> {
        let device = self.present().device(device);
        let device = device.ok_or_else(|| ActError::not_found("the device is not known any more"))?;
        let failed = |error: crate::store::StoreError| ActError::storage("reading the host key", error);
        let mut known = Vec::new();
        for place in self.reader.places(&device) {
            let place = place.to_ascii_lowercase();
            let pinned = self.store.get::<HostKey>(&place).map_err(failed)?.unwrap_or_default();
            let refused = self.store.get::<RefusedKey>(&place).map_err(failed)?;
            if pinned.keys.is_empty() && refused.is_none() {
                continue;
            }
            known.push(KnownKey {
                place,
                pinned: pinned.keys.iter().map(|key| named(key)).collect(),
                since: pinned.since,
                refused: refused.map(|refused| (refused.shown, refused.at)),
            });
        }
        Ok(known)
    }

    /// The first refused key on the way to a device: that of a jump host, or its own.
    fn refused_on(&self, places: &[String]) -> Result<Option<(String, RefusedKey)>, ActError> {
        for place in places {
            let place = place.to_ascii_lowercase();
            let refused =
                self.store.get(&place).map_err(|error| ActError::storage("reading the host key", error))?;
            if let Some(refused) = refused {
                return Ok(Some((place, refused)));
            }
        }
        Ok(None)
    }
}
