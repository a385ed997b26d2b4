//! Where a device is reached: an IP address or a host name.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An IPv4 or IPv6 address, or a host name as in RFC 1123 (at most 253 characters).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// A numeric address.
    Ip(IpAddr),
    /// A name that the host's resolver, or `~/.ssh/config`, turns into an address.
    Host(String),
}

impl Address {
    /// The numeric address, where it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(*ip),
            Self::Host(_) => None,
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(ip) = text.parse() {
            return Ok(Self::Ip(ip));
        }
        let label_is_good = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let looks_numeric = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if text.len() <= 253 && !looks_numeric && text.split('.').all(label_is_good) {
            Ok(Self::Host(text.to_ascii_lowercase()))
        } else {
            Err(format!("{text:?} is neither an IP address nor a host name"))
        }
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => f.pad(&ip.to_string()),
            Self::Host(host) => f.pad(host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses_and_names() {
        assert_eq!("10.0.0.1".parse(), Ok(Address::Ip([10, 0, 0, 1].into())));
        assert!(matches!("2001:db8::1".parse(), Ok(Address::Ip(_))));
        assert_eq!("Core-1.NOC".parse(), Ok(Address::Host("core-1.noc".into())));
        for bad in ["", "10.0.0.256", "1.2.3", "-x", "a b", "a..b", "x\u{202e}y"] {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
    }
}
