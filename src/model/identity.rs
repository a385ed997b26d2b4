//! What a device says it is.

use serde::{Deserialize, Serialize};

use super::{DeviceId, Failure, Timestamp};

/// What a device's SNMP agent said of it, and what the rules make of that. Every text is clean and bounded; what was
/// not said, or no rule knows, is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Whose.
    pub device: DeviceId,
    /// When it was read.
    pub at: Timestamp,
    /// Who made it.
    pub vendor: Option<String>,
    /// What it is called in its maker's price list.
    pub model: Option<String>,
    /// The name of its operating system.
    pub os: Option<String>,
    /// The version of that.
    pub version: Option<String>,
    /// The serial number of the chassis.
    pub serial: Option<String>,
    /// SNMPv2-MIB sysName.
    pub sysname: Option<String>,
    /// SNMPv2-MIB sysLocation.
    pub location: Option<String>,
    /// SNMPv2-MIB sysContact.
    pub contact: Option<String>,
    /// The base address, `00:11:22:33:44:55`.
    pub mac: Option<String>,
    /// SNMPv2-MIB sysObjectID, `1.3.6.1.4.1.9.1.1208`.
    pub sysobjectid: Option<String>,
    /// SNMPv2-MIB sysDescr on one line.
    pub sysdescr: Option<String>,
    /// How long it runs, in seconds.
    pub uptime: Option<u64>,
    /// The driver that the rules know for it.
    pub driver: Option<String>,
}

impl Identity {
    /// Whether a rule is missing. Software that runs on anybody's hardware, such as Linux, is known by its name alone.
    pub fn is_unknown(&self) -> bool {
        match self.vendor {
            Some(_) => self.model.is_none(),
            None => self.os.is_none(),
        }
    }

    /// Whether `other` says the same; when it was said, and how long the device ran then, aside.
    pub fn is_same_as(&self, other: &Self) -> bool {
        Self { at: other.at, uptime: other.uptime, ..self.clone() } == *other
    }

    /// When it was read, and what alone may differ between readings that say the same.
    pub fn reading(&self) -> IdentityReading {
        IdentityReading { at: self.at, uptime: self.uptime }
    }

    /// The same identity, as it was read last.
    #[must_use]
    pub fn read_again(self, last: Option<IdentityReading>) -> Self {
        match last.filter(|last| last.at > self.at) {
            Some(IdentityReading { at, uptime }) => Self { at, uptime, ..self },
            None => self,
        }
    }

    /// What differs from `before` and says that the device, its software or its name is another one, in words:
    /// `serial A → B`. Times do not count, nor what was not told on one side.
    pub fn changes(&self, before: &Self) -> Vec<String> {
        let pairs = [
            ("serial", &before.serial, &self.serial),
            ("vendor", &before.vendor, &self.vendor),
            ("model", &before.model, &self.model),
            ("os", &before.os, &self.os),
            ("version", &before.version, &self.version),
            ("mac", &before.mac, &self.mac),
            ("sysname", &before.sysname, &self.sysname),
            ("location", &before.location, &self.location),
            ("contact", &before.contact, &self.contact),
        ];
        let differ = pairs.into_iter().filter_map(|(name, old, new)| match (old, new) {
            (Some(old), Some(new)) if old != new => Some(format!("{name} {old} → {new}")),
            _ => None,
        });
        differ.collect()
    }

    /// Whether another device answers at the address: another serial number or, where one side told none, another
    /// base address.
    pub fn is_replacement_of(&self, before: &Self) -> bool {
        match (&before.serial, &self.serial) {
            (Some(old), Some(new)) => old != new,
            _ => matches!((&before.mac, &self.mac), (Some(old), Some(new)) if old != new),
        }
    }
}

/// A reading that said what the one before had said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityReading {
    /// When.
    pub at: Timestamp,
    /// How long the device ran then, in seconds.
    pub uptime: Option<u64>,
}

/// That the last reading of a device's identity failed. It is gone with the first reading that does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityFailure {
    /// Whose.
    pub device: DeviceId,
    /// Since when it fails for this reason.
    pub since: Timestamp,
    /// Why.
    pub failure: Failure,
}
