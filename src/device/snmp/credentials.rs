//! What proves to an agent that it may answer.

use crate::model::{Secret, SnmpAuth, SnmpPrivacy, SnmpVersion};

/// A community, or a user of SNMPv3.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// Version 1 or 2c.
    Community {
        /// Whether it is 1; else it is 2c.
        is_v1: bool,
        /// The community.
        community: Secret,
    },
    /// Version 3.
    User {
        /// The name.
        name: String,
        /// The digest and its password; without one nothing is proven.
        auth: Option<(SnmpAuth, Secret)>,
        /// The cipher and its password; asks for a digest too.
        privacy: Option<(SnmpPrivacy, Secret)>,
    },
}

impl Credentials {
    /// The version that they are for.
    pub fn version(&self) -> SnmpVersion {
        match self {
            Self::Community { is_v1: true, .. } => SnmpVersion::V1,
            Self::Community { .. } => SnmpVersion::V2c,
            Self::User { .. } => SnmpVersion::V3,
        }
    }

    /// `SNMP 2c`, or `SNMP 3 as admin, sha256 and aes`: for people, without secrets.
    pub fn shown(&self) -> String {
        match self {
            Self::Community { .. } => format!("SNMP {}", self.version()),
            Self::User { name, auth: None, .. } => format!("SNMP 3 as {name}, without a digest"),
            Self::User { name, auth: Some((auth, _)), privacy: None } => format!("SNMP 3 as {name}, {auth}"),
            Self::User { name, auth: Some((auth, _)), privacy: Some((privacy, _)) } => {
                format!("SNMP 3 as {name}, {auth} and {privacy}")
            }
        }
    }
}
