//! The records of the spine and their keys.

use serde::{Deserialize, Serialize};

use super::record::{Key, Record};
use crate::model::{
    BlobRef, Device, DeviceId, DeviceName, Event, Identity, IdentityFailure, IdentityReading, Incident,
    IncidentId, Maintenance, MaintenanceId, Revision, Run, SnmpAccess, Timestamp,
};

impl Key for DeviceId {
    fn encode(&self) -> Vec<u8> {
        self.0.encode()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        u64::decode(bytes).map(Self)
    }
}

impl Record for Device {
    const TABLE: &'static str = "device";
    const VERSION: u8 = 3;
    type Key = DeviceId;

    fn upgrade(version: u8, bytes: &[u8]) -> Result<Self, String> {
        // version 2 added `snmp` and `parent`, version 3 `revision`, and postcard writes fields one behind the other
        let added = match version {
            1 => postcard::to_stdvec(&(SnmpAccess::default(), None::<DeviceName>, 0_u32)),
            2 => postcard::to_stdvec(&0_u32),
            _ => {
                return Err(format!(
                    "version {version} of the table `{}` is unknown to this noctule",
                    Self::TABLE
                ));
            }
        };
        let added = added.map_err(|error| error.to_string())?;
        postcard::from_bytes(&[bytes, &added].concat()).map_err(|error| error.to_string())
    }
}

impl Record for Identity {
    const TABLE: &'static str = "identity";
    const VERSION: u8 = 1;
    type Key = DeviceId;
}

impl Record for IdentityReading {
    const TABLE: &'static str = "identityreading";
    const VERSION: u8 = 1;
    type Key = DeviceId;
}

impl Record for IdentityFailure {
    const TABLE: &'static str = "identityfailure";
    const VERSION: u8 = 1;
    type Key = DeviceId;
}

/// Whose revision, which number. A device's revisions share the device's eight bytes as prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevisionKey(pub DeviceId, pub u32);

impl Key for RevisionKey {
    fn encode(&self) -> Vec<u8> {
        [&self.0.encode()[..], &self.1.to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (device, number) = bytes.split_at_checked(8)?;
        Some(Self(DeviceId::decode(device)?, u32::from_be_bytes(number.try_into().ok()?)))
    }
}

impl Record for Revision {
    const TABLE: &'static str = "revision";
    // 2: a person may have accepted it
    const VERSION: u8 = 2;
    const SAME_SINCE: u8 = 1;
    type Key = RevisionKey;
}

/// Whose run, when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunKey(pub DeviceId, pub Timestamp);

impl Key for RunKey {
    fn encode(&self) -> Vec<u8> {
        // Times before 1970 would sort behind: there are none.
        [self.0.encode(), self.1.0.unsigned_abs().encode()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (device, at) = bytes.split_at_checked(8)?;
        Some(Self(DeviceId::decode(device)?, Timestamp(i64::try_from(u64::decode(at)?).ok()?)))
    }
}

impl Record for Run {
    const TABLE: &'static str = "run";
    const VERSION: u8 = 1;
    type Key = RunKey;
}

impl Record for Event {
    const TABLE: &'static str = "event";
    const VERSION: u8 = 2;
    type Key = u64;

    fn upgrade(version: u8, bytes: &[u8]) -> Result<Self, String> {
        if version != 1 {
            return Err(format!(
                "version {version} of the table `{}` is unknown to this noctule",
                Self::TABLE
            ));
        }
        // version 2 added the incident at the end: none
        postcard::from_bytes(&[bytes, &[0]].concat()).map_err(|error| error.to_string())
    }
}

impl Key for IncidentId {
    fn encode(&self) -> Vec<u8> {
        self.0.encode()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        u64::decode(bytes).map(Self)
    }
}

impl Record for Incident {
    const TABLE: &'static str = "incident";
    const VERSION: u8 = 2;
    type Key = IncidentId;

    fn upgrade(version: u8, bytes: &[u8]) -> Result<Self, String> {
        if version != 1 {
            return Err(format!(
                "version {version} of the table `{}` is unknown to this noctule",
                Self::TABLE
            ));
        }
        // version 2 added who lay behind it and how long it lasted at the end: neither is known
        postcard::from_bytes(&[bytes, &[0, 0]].concat()).map_err(|error| error.to_string())
    }
}

impl Key for MaintenanceId {
    fn encode(&self) -> Vec<u8> {
        self.0.encode()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        u64::decode(bytes).map(Self)
    }
}

impl Record for Maintenance {
    const TABLE: &'static str = "maintenance";
    const VERSION: u8 = 1;
    type Key = MaintenanceId;
}

/// Where a host key was seen: `address:port`, lower case.
pub type HostKeyPlace = String;

/// The host keys that are pinned for one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKey {
    /// OpenSSH public key lines, `ssh-ed25519 AAAA…`, in the order in which they were pinned.
    pub keys: Vec<String>,
    /// When the first was pinned.
    pub since: Timestamp,
}

impl Record for HostKey {
    const TABLE: &'static str = "hostkey";
    const VERSION: u8 = 1;
    type Key = HostKeyPlace;
}

/// Whose recording, which number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordingKey(pub DeviceId, pub u64);

impl Key for RecordingKey {
    fn encode(&self) -> Vec<u8> {
        [self.0.encode(), self.1.encode()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (device, id) = bytes.split_at_checked(8)?;
        Some(Self(DeviceId::decode(device)?, u64::decode(id)?))
    }
}

/// The kept transcript of a failed session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// When the session began.
    pub at: Timestamp,
    /// The transcript, sealed: screens contain secrets that no pattern knows.
    pub body: BlobRef,
}

impl Record for Recording {
    const TABLE: &'static str = "recording";
    const VERSION: u8 = 1;
    type Key = RecordingKey;
}

/// The kept recording of a person's session with a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalRecording {
    /// When the session began.
    pub at: Timestamp,
    /// Whose it was.
    pub by: String,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// How many bytes the device sent.
    pub bytes: u64,
    /// The asciicast, sealed: screens contain secrets that no pattern knows.
    pub body: BlobRef,
}

impl Record for TerminalRecording {
    const TABLE: &'static str = "terminal";
    const VERSION: u8 = 1;
    type Key = RecordingKey;
}

/// A value of the engine's own: a counter, a mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting(pub String);

impl Record for Setting {
    const TABLE: &'static str = "setting";
    const VERSION: u8 = 1;
    type Key = String;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_of_before_is_read_with_what_it_knew() {
        let incident = Incident {
            id: IncidentId(7),
            root: DeviceId(1),
            name: "core-1".parse().unwrap(),
            since: Timestamp(3_600_000),
            opened: Timestamp(3_605_000),
            closed: Some(Timestamp(60_000)),
            ending: None,
            cause: "no answer".into(),
            behind: vec!["acc-1".parse().unwrap()],
            most_behind: 1,
            times_down: 1,
            before: Vec::new(),
            acknowledged: None,
            assigned: None,
            comments: Vec::new(),
            been_behind: None,
            lasted: None,
        };
        let mut bytes = postcard::to_stdvec(&incident).unwrap();
        bytes.truncate(bytes.len() - 2);
        let read = Incident::upgrade(1, &bytes).unwrap();
        assert_eq!(read, incident);
        assert_eq!((read.lasts(Timestamp(0)), read.knows_who_lay_behind()), (None, false));
        assert!(read.has_had_behind(DeviceId(9), &"acc-1".parse().unwrap()));
        assert!(Incident::upgrade(0, &bytes).is_err());
    }
}
