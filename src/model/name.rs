//! A device's name: what a person types, what an exported file is called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// 1 to 64 characters of `A-Z a-z 0-9 . _ -`, the first a letter or digit.
///
/// Narrow on purpose: the name becomes a file name, a command's argument and a line of CSV.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName(String);

impl DeviceName {
    /// The longest name, in characters.
    pub const MAX: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let made_well = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if starts_well && made_well && text.len() <= Self::MAX {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "{text:?} is not a device name: use 1 to {} of A-Z a-z 0-9 . _ -, starting with a letter or digit",
                Self::MAX
            ))
        }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_usual_names_and_refuses_what_a_file_or_a_shell_would_misread() {
        for good in ["core-1", "sw.noc_2", "1a"] {
            assert_eq!(good.parse::<DeviceName>().map(String::from), Ok(good.to_owned()));
        }
        for bad in ["", "-rf", "../etc", "a b", "a/b", "ünï", "a\nb", &"x".repeat(65)] {
            assert!(bad.parse::<DeviceName>().is_err(), "{bad:?}");
        }
    }
}
