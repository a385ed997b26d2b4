//! How a device's SNMP agent is reached: part of the device record.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Sealed;

/// The port of an agent where the record says nothing (RFC 3417).
pub const SNMP_PORT: u16 = 161;

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SnmpVersion {
    /// RFC 1157: a community in the clear, no bulk.
    V1,
    /// RFC 1901: a community in the clear.
    V2c,
    /// RFC 3414: users, digests, encryption.
    V3,
}

/// A digest that proves a v3 message (RFC 3414, RFC 7860).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SnmpAuth {
    /// HMAC-MD5-96.
    Md5,
    /// HMAC-SHA-96.
    Sha1,
    /// HMAC-SHA-224.
    Sha224,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-384.
    Sha384,
    /// HMAC-SHA-512.
    Sha512,
}

/// A cipher that hides a v3 message (RFC 3414, RFC 3826). Longer AES keys are no standard; two ways to stretch the key
/// are in use, and `-c` is Cisco's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SnmpPrivacy {
    /// CBC-DES.
    Des,
    /// CFB-AES-128.
    Aes128,
    /// AES-192, the key stretched as net-snmp does.
    Aes192,
    /// AES-256, the key stretched as net-snmp does.
    Aes256,
    /// AES-192, the key stretched as Cisco does.
    Aes192Cisco,
    /// AES-256, the key stretched as Cisco does.
    Aes256Cisco,
}

/// The words of a choice: the first of each is how it is shown, all are understood.
type Words<T> = &'static [(T, &'static [&'static str])];

const VERSIONS: Words<SnmpVersion> = &[
    (SnmpVersion::V1, &["1", "v1"]),
    (SnmpVersion::V2c, &["2c", "v2c", "2", "v2"]),
    (SnmpVersion::V3, &["3", "v3"]),
];

const AUTHS: Words<SnmpAuth> = &[
    (SnmpAuth::Md5, &["md5"]),
    (SnmpAuth::Sha1, &["sha", "sha1", "sha-1"]),
    (SnmpAuth::Sha224, &["sha224", "sha-224"]),
    (SnmpAuth::Sha256, &["sha256", "sha-256"]),
    (SnmpAuth::Sha384, &["sha384", "sha-384"]),
    (SnmpAuth::Sha512, &["sha512", "sha-512"]),
];

const PRIVACIES: Words<SnmpPrivacy> = &[
    (SnmpPrivacy::Des, &["des"]),
    (SnmpPrivacy::Aes128, &["aes", "aes128", "aes-128"]),
    (SnmpPrivacy::Aes192, &["aes192", "aes-192"]),
    (SnmpPrivacy::Aes256, &["aes256", "aes-256"]),
    (SnmpPrivacy::Aes192Cisco, &["aes192-c", "aes-192-c", "aes192c"]),
    (SnmpPrivacy::Aes256Cisco, &["aes256-c", "aes-256-c", "aes256c"]),
];

fn shown<T: PartialEq>(words: Words<T>, value: &T) -> &'static str {
    words.iter().find(|(one, _)| one == value).and_then(|(_, names)| names.first()).copied().unwrap_or("")
}

fn read<T: Copy>(words: Words<T>, text: &str, what: &str) -> Result<T, String> {
    let lower = text.to_ascii_lowercase();
    let found = words.iter().find(|(_, names)| names.contains(&lower.as_str()));
    found.map(|(one, _)| *one).ok_or_else(|| {
        let all: Vec<&str> = words.iter().filter_map(|(_, names)| names.first()).copied().collect();
        format!("{text:?} is not {what}: {} are", all.join(", "))
    })
}

macro_rules! worded {
    ($type:ty, $words:ident, $what:literal) => {
        impl $type {
            /// The word of the record.
            pub fn as_str(self) -> &'static str {
                shown($words, &self)
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                read($words, text, $what)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

worded!(SnmpVersion, VERSIONS, "a version of SNMP");
worded!(SnmpAuth, AUTHS, "a digest of SNMPv3");
worded!(SnmpPrivacy, PRIVACIES, "a cipher of SNMPv3");

/// How a device's agent is reached, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnmpAccess {
    /// The version; `None` tries what the other fields allow.
    pub version: Option<SnmpVersion>,
    /// The port; `None` is [`SNMP_PORT`].
    pub port: Option<u16>,
    /// The community of v1 and v2c.
    pub community: Option<Sealed>,
    /// The user of v3; empty for none.
    pub user: String,
    /// The digest of v3.
    pub auth: Option<SnmpAuth>,
    /// Its password.
    pub auth_password: Option<Sealed>,
    /// The cipher of v3.
    pub privacy: Option<SnmpPrivacy>,
    /// Its password.
    pub privacy_password: Option<Sealed>,
}

impl SnmpAccess {
    /// Whether the record says how to ask this device; else the settings' list is tried.
    pub fn is_told(&self) -> bool {
        self.community.is_some() || !self.user.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_were_read() {
        for (version, _) in VERSIONS {
            assert_eq!(version.to_string().parse(), Ok(*version));
        }
        for (auth, _) in AUTHS {
            assert_eq!(auth.to_string().parse(), Ok(*auth));
        }
        for (privacy, _) in PRIVACIES {
            assert_eq!(privacy.to_string().parse(), Ok(*privacy));
        }
        assert_eq!("SHA-256".parse(), Ok(SnmpAuth::Sha256));
        assert!("rot13".parse::<SnmpPrivacy>().unwrap_err().contains("des, aes"));
    }
}
