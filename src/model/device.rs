//! The device record.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Address, DeviceName, SnmpAccess, Timestamp};

/// A device's number, given once and never used again: history survives a rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(pub u64);

/// A driver's id, netmiko's device type where it has one: `cisco_ios`. 1 to 40 of `a-z 0-9 _`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DriverId(String);

impl DriverId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DriverId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let good = (1..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("{text:?} is not a driver id: 1 to 40 of a-z 0-9 _ are, such as cisco_ios"))
        }
    }
}

impl TryFrom<String> for DriverId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<DriverId> for String {
    fn from(id: DriverId) -> Self {
        id.0
    }
}

impl fmt::Display for DriverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How a device's command line is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportKind {
    /// SSH 2, port 22 unless the record says otherwise.
    Ssh,
    /// Telnet (RFC 854), port 23 unless the record says otherwise.
    Telnet,
}

impl TransportKind {
    /// `ssh` or `telnet`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ssh => "ssh",
            Self::Telnet => "telnet",
        }
    }

    /// The port where none is given.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Ssh => 22,
            Self::Telnet => 23,
        }
    }
}

impl FromStr for TransportKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ssh" => Ok(Self::Ssh),
            "telnet" => Ok(Self::Telnet),
            _ => Err(format!("{text:?} is not a transport: ssh and telnet are")),
        }
    }
}

impl fmt::Display for TransportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A sealed secret: nonce and AEAD ciphertext, bound to the record and field it belongs to (store/seal.rs).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// One device, managed (it has a transport) or an asset that is only listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its number.
    pub id: DeviceId,
    /// Its name, unique among devices that are not deleted.
    pub name: DeviceName,
    /// Where it is reached.
    pub address: Address,
    /// The port; `None` is the transport's own.
    pub port: Option<u16>,
    /// How it is reached; `None` is an unmanaged asset.
    pub transport: Option<TransportKind>,
    /// What kind it is; a managed device without one cannot be backed up yet.
    pub driver: Option<DriverId>,
    /// Group, `/`-separated from the outside in, empty for none: `campus/north`.
    pub group: String,
    /// Building, floor, rack, room: free text.
    pub location: String,
    /// `core`, `distribution`, `access`, `olt` …: free word, empty for none.
    pub role: String,
    /// Free words for filters, sorted, no duplicates.
    pub tags: Vec<String>,
    /// The owner's inventory number.
    pub asset_tag: String,
    /// Free text.
    pub description: String,
    /// The login name; empty where the device asks for none.
    pub username: String,
    /// The login password.
    pub password: Option<Sealed>,
    /// The password of the privileged mode.
    pub enable_password: Option<Sealed>,
    /// A private key file of the host, for SSH.
    pub identity_file: String,
    /// Jump hosts, as OpenSSH's ProxyJump writes them; empty follows `~/.ssh/config`.
    pub proxy_jump: String,
    /// Whether SHA-1, CBC and other old algorithms may be offered to this device.
    pub legacy_algorithms: bool,
    /// A character set label (WHATWG) that overrides the driver's; empty for none.
    pub charset: String,
    /// Left out of scheduled work.
    pub paused: bool,
    /// When the record was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// When it was put away; `device restore` brings it back.
    pub deleted: Option<Timestamp>,
    /// How its SNMP agent is reached.
    pub snmp: SnmpAccess,
    /// The device that it hangs on, seen from here: it cannot be reached while that one is down.
    pub parent: Option<DeviceName>,
    /// Counts up with every change of the record, from 1: whoever changes it may say which one they saw, and its secrets
    /// are sealed for it. 0 in a record of before that was counted.
    pub revision: u32,
}

impl Device {
    /// Whether a session can be opened: it has a transport and a driver.
    pub fn is_managed(&self) -> bool {
        self.transport.is_some()
    }
}
