//! Credentials of the vault, and to which devices they are given.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::user::shown;
use super::{Device, DeviceId, Reach, Sealed, SnmpAuth, SnmpPrivacy, SnmpVersion, Timestamp, is_hostile};

/// A credential's number, given once and never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CredentialId(pub u64);

/// What a credential is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// A login over SSH or Telnet.
    Login,
    /// A community of SNMP 1 and 2c.
    Community,
    /// A user of SNMP 3.
    SnmpUser,
    /// A token of an API.
    Token,
}

impl CredentialKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Login, Self::Community, Self::SnmpUser, Self::Token];
    /// Their names.
    pub const NAMES: &'static [&'static str] = &["login", "community", "snmp-user", "token"];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The secrets that it may hold.
    pub fn parts(self) -> &'static [SecretPart] {
        match self {
            Self::Login => &[SecretPart::Password, SecretPart::EnablePassword],
            Self::Community => &[SecretPart::Community],
            Self::SnmpUser => &[SecretPart::AuthPassword, SecretPart::PrivPassword],
            Self::Token => &[SecretPart::Token],
        }
    }

    /// Whether an SNMP agent is asked with it.
    pub fn is_snmp(self) -> bool {
        matches!(self, Self::Community | Self::SnmpUser)
    }
}

impl FromStr for CredentialKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| format!("{} is no kind of credential: {}", shown(text), Self::NAMES.join(", ")))
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One of the secrets of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretPart {
    /// The login password.
    Password,
    /// The password of the privileged mode.
    EnablePassword,
    /// The community of SNMP 1 and 2c.
    Community,
    /// The password of SNMP 3's digest.
    AuthPassword,
    /// The password of SNMP 3's cipher.
    PrivPassword,
    /// The token of an API.
    Token,
}

impl SecretPart {
    /// Every part.
    pub const ALL: [Self; 6] = [
        Self::Password,
        Self::EnablePassword,
        Self::Community,
        Self::AuthPassword,
        Self::PrivPassword,
        Self::Token,
    ];
    /// Their names.
    pub const NAMES: &'static [&'static str] =
        &["password", "enable_password", "community", "auth_password", "priv_password", "token"];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

impl FromStr for SecretPart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|part| part.as_str() == text);
        found.ok_or_else(|| format!("that is no secret of a credential: {} are", Self::NAMES.join(", ")))
    }
}

impl fmt::Display for SecretPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One credential. Its secrets are sealed for this number and this revision of it: one that was moved to another
/// record, or brought back from an older one, does not open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Its number.
    pub id: CredentialId,
    /// Its name, unique; see [`credential_name`].
    pub name: String,
    /// What it is for.
    pub kind: CredentialKind,
    /// The login or SNMP 3 user; empty for none, and for a login that takes the device's own.
    pub user: String,
    /// The digest of SNMP 3.
    pub auth: Option<SnmpAuth>,
    /// The cipher of SNMP 3.
    pub privacy: Option<SnmpPrivacy>,
    /// The version that a community is for; `None` tries 2c, then 1.
    pub version: Option<SnmpVersion>,
    /// Free text.
    pub description: String,
    /// The secrets that are there, in the order of [`SecretPart::ALL`].
    pub secrets: Vec<(SecretPart, Sealed)>,
    /// Counts up with every change.
    pub revision: u32,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// Who changed it last; empty where that was not noted.
    pub changed_by: String,
}

impl Credential {
    /// The sealed secret of a part.
    pub fn sealed(&self, part: SecretPart) -> Option<&Sealed> {
        self.secrets.iter().find(|(own, _)| *own == part).map(|(_, sealed)| sealed)
    }
}

/// A name of a credential: 1 to 64 of `A-Z a-z 0-9 . _ -`, the first a letter or digit.
///
/// # Errors
/// When it is none.
pub fn credential_name(text: &str) -> Result<String, String> {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let made_well = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    (starts_well && made_well && text.len() <= 64).then(|| text.to_owned()).ok_or_else(|| {
        format!(
            "{} is no name of a credential: 1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit",
            shown(text)
        )
    })
}

/// Which devices an assignment, or an exception from one, is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Those {
    /// One device; it stays meant when it is renamed.
    Device(DeviceId),
    /// Those of a part of the network.
    Part(Reach),
    /// Those whose name fits a pattern: `*` is any text, `?` one character.
    Match(String),
}

impl Those {
    /// Those whose names fit `pattern`.
    ///
    /// # Errors
    /// When it is empty, longer than 64 characters, or holds what no name holds.
    pub fn matching(pattern: &str) -> Result<Self, String> {
        let is_good = !pattern.is_empty()
            && pattern.len() <= 64
            && pattern.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-*?".contains(&b));
        is_good.then(|| Self::Match(pattern.to_owned())).ok_or_else(|| {
            format!("{} is no pattern of names: 1 to 64 of A-Z a-z 0-9 . _ - * ?", shown(pattern))
        })
    }

    /// Those of a group (`group`) or a location (`site`).
    ///
    /// # Errors
    /// When the place is empty, too long or not visible.
    pub fn part(what: &str, place: &str) -> Result<Self, String> {
        if place.chars().any(is_hostile) {
            return Err(format!("{} holds characters that cannot be seen", shown(place)));
        }
        format!("{what}:{place}").parse().map(Self::Part)
    }

    /// Whether a device is one of them.
    pub fn holds(&self, device: &Device) -> bool {
        match self {
            Self::Device(id) => device.id == *id,
            Self::Part(reach) => reach.holds(device),
            Self::Match(pattern) => fits(pattern.as_bytes(), device.name.as_str().as_bytes()),
        }
    }
}

/// Whether `text` fits a pattern of `*` and `?`; in time of their lengths' product at most.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // where the last star stands, and how much it has eaten
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), star) {
            (Some(b'*'), _) => {
                star = Some((p, t));
                p += 1;
            }
            (Some(b), _) if *b == b'?' || *b == text[t] => (p, t) = (p + 1, t + 1),
            (_, Some((at, eaten))) => {
                star = Some((at, eaten + 1));
                (p, t) = (at + 1, eaten + 1);
            }
            _ => return false,
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// A credential is given to devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Its number, given once.
    pub number: u64,
    /// Which credential.
    pub credential: CredentialId,
    /// To which devices.
    pub to: Those,
    /// But to none of these.
    pub except: Vec<Those>,
}

impl Assignment {
    /// Whether the device gets the credential by it.
    pub fn holds(&self, device: &Device) -> bool {
        self.to.holds(device) && !self.is_excepted(device)
    }

    /// Whether the device would get it but for an exception.
    pub fn is_excepted(&self, device: &Device) -> bool {
        self.to.holds(device) && self.except.iter().any(|those| those.holds(device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_a_shell() {
        for (pattern, text, is_fit) in [
            ("core-*", "core-1", true),
            ("core-*", "xcore-1", false),
            ("*", "", true),
            ("*-?", "olt-1", true),
            ("*-?", "olt-12", false),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXbd", false),
            ("core", "core-1", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), is_fit, "{pattern} {text}");
        }
        let (pattern, text) = ("*a".repeat(32), "a".repeat(63) + "b");
        assert!(!fits(pattern.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn names_of_kinds_and_parts_come_back() {
        for kind in CredentialKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        for part in SecretPart::ALL {
            assert_eq!(part.as_str().parse(), Ok(part));
        }
        assert!(credential_name("-x").is_err() && credential_name("noc.1").is_ok());
        assert!(Those::matching("a b").is_err());
    }
}
