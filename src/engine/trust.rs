//! Host keys: pinned at first contact, refused when changed, trusted again by a person.

use std::sync::{Arc, Weak};

use crate::model::{Device, DeviceName, EventKind, Failure, FailureKind, Severity, TransportKind};

use super::actor::Actor;
use super::error::ActError;
use super::events::with_events;
use super::inventory::entry;
use super::records::HostKey;
use super::settings::HostKeyPolicy;
use super::start::Engine;

/// Says whether a host key may be trusted.
pub trait Trust: Send + Sync {
    /// Looks at `key`, as OpenSSH writes it (`ssh-ed25519 AAAA…`), that `place` (`address:port`) shows; `shown` is
    /// its fingerprint for people (`SHA256:…`).
    ///
    /// # Errors
    /// A failure of the kind `host-key` that says what to do.
    fn check(&self, place: &str, key: &str, shown: &str) -> Result<(), Failure>;
}

/// The pinned keys in the store.
pub(super) struct StoredTrust {
    engine: Weak<Engine>,
    device: DeviceName,
}

impl StoredTrust {
    /// For a session with `device`.
    pub fn new(engine: &Arc<Engine>, device: &Device) -> Self {
        Self { engine: Arc::downgrade(engine), device: device.name.clone() }
    }
}

impl Trust for StoredTrust {
    fn check(&self, place: &str, key: &str, shown: &str) -> Result<(), Failure> {
        let engine = self
            .engine
            .upgrade()
            .ok_or_else(|| Failure::new(FailureKind::Cancelled, "the engine is stopping"))?;
        let known: Option<HostKey> = engine.store.get(place).map_err(|error| {
            Failure::new(FailureKind::Storage, format!("reading the pinned host key: {error}"))
        })?;
        let pinned = known.as_ref().map_or("", |known| known.pinned.as_str());
        if pinned == key {
            return Ok(());
        }
        let at = engine.now();
        let strict = engine.settings.host_keys == HostKeyPolicy::Strict;
        if pinned.is_empty() && !strict {
            let record = HostKey {
                place: place.to_owned(),
                pinned: key.to_owned(),
                since: at,
                by: "first contact".to_owned(),
                refused: None,
            };
            let message = format!("first contact with {place}: host key {shown} was pinned");
            self.keep(&engine, record, EventKind::HostKeyPinned, Severity::Info, &message);
            return Ok(());
        }
        let name = &self.device;
        let (kind, message) = if pinned.is_empty() {
            (
                EventKind::System,
                format!(
                    "the host key {shown} of {place} is not known and the policy is strict; compare it with the device's own, then `device trust {name}`"
                ),
            )
        } else {
            (
                EventKind::HostKeyChanged,
                format!(
                    "the host key of {place} is not the pinned one: it shows {shown}. The device was replaced or reset, or somebody stands between; compare it with the device's own, then `device trust {name}`"
                ),
            )
        };
        let seen_before =
            known.as_ref().and_then(|known| known.refused.as_ref()).is_some_and(|(seen, _)| seen == key);
        if !seen_before {
            let blank = HostKey {
                place: place.to_owned(),
                pinned: String::new(),
                since: at,
                by: String::new(),
                refused: None,
            };
            let record = HostKey { refused: Some((key.to_owned(), at)), ..known.unwrap_or(blank) };
            self.keep(&engine, record, kind, Severity::Error, &message);
        }
        Err(Failure::new(FailureKind::HostKey, message))
    }
}

impl StoredTrust {
    /// Stores what was decided, aside: the session need not wait for the disk, and a pin that a power cut takes is
    /// made again at the next contact.
    fn keep(
        &self,
        engine: &Arc<Engine>,
        record: HostKey,
        kind: EventKind,
        severity: Severity,
        message: &str,
    ) {
        let event = engine.event(engine.now(), kind, severity, Some(self.device.clone()), message);
        let by = Actor::engine("host key");
        let engine = Arc::clone(engine);
        tokio::spawn(async move {
            let events = vec![event];
            let entry = entry(engine.now(), &by, "host key").put(&record);
            if engine.commit(with_events(entry, &events), "pinning a host key").await.is_ok() {
                engine.tell(events);
            }
        });
    }
}

impl Engine {
    /// Every host key that is known, by place.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn host_keys(&self) -> Result<Vec<HostKey>, ActError> {
        self.store.scan("").map_err(|error| ActError::storage("reading the host keys", error))
    }

    /// Trusts the key that a device showed last and that was refused.
    ///
    /// # Errors
    /// When there is no such device, or it showed no key that was refused.
    pub async fn trust_host_key(&self, by: &Actor, name: &str) -> Result<HostKey, ActError> {
        let device = self.device(name)?;
        let port = device.port.unwrap_or(TransportKind::Ssh.default_port());
        let place = format!("{}:{port}", device.address);
        let known: Option<HostKey> =
            self.store.get(&place).map_err(|error| ActError::storage("reading the host key", error))?;
        let refused = known.and_then(|known| known.refused);
        let (key, _) = refused.ok_or_else(|| {
            ActError::not_found(format!(
                "{name} ({place}) showed no host key that was refused; there is nothing to trust"
            ))
        })?;
        let now = self.now();
        let record = HostKey { place, pinned: key, since: now, by: by.name.clone(), refused: None };
        let message = format!("the new host key of {} is trusted by {}", record.place, by.name);
        let events = vec![self.event(
            now,
            EventKind::HostKeyPinned,
            Severity::Info,
            Some(device.name.clone()),
            &message,
        )];
        let entry = entry(now, by, "device trust").put(&record);
        self.commit(with_events(entry, &events), "trusting a host key").await?;
        self.tell(events);
        self.publish_now();
        Ok(record)
    }
}
