//! Object identifiers.

use std::fmt;
use std::str::FromStr;

/// An object identifier: at most 128 numbers (RFC 2578, 3.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(Vec<u32>);

/// The most numbers of an identifier.
const LONGEST: usize = 128;

impl Oid {
    /// Of these numbers; those beyond the longest are left out.
    pub fn new(numbers: &[u32]) -> Self {
        Self(numbers.iter().take(LONGEST).copied().collect())
    }

    /// The numbers.
    pub fn numbers(&self) -> &[u32] {
        &self.0
    }

    /// This, and `more` behind it.
    #[must_use]
    pub fn with(&self, more: &[u32]) -> Self {
        Self(self.0.iter().chain(more).take(LONGEST).copied().collect())
    }

    /// What stands behind `root`; `None` where this is not below it.
    pub fn below(&self, root: &Self) -> Option<&[u32]> {
        self.0.strip_prefix(root.0.as_slice())
    }
}

impl FromStr for Oid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not an object identifier: write numbers with dots between");
        let numbers: Option<Vec<u32>> =
            text.trim_start_matches('.').split('.').map(|part| part.parse().ok()).collect();
        match numbers {
            Some(numbers) if numbers.len() <= LONGEST => Ok(Self(numbers)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, number) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(".")?;
            }
            write!(f, "{number}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_writes_and_compares() {
        let system: Oid = "1.3.6.1.2.1.1".parse().unwrap();
        let name: Oid = ".1.3.6.1.2.1.1.5.0".parse().unwrap();
        assert_eq!(name.to_string(), "1.3.6.1.2.1.1.5.0");
        assert_eq!(name.below(&system), Some(&[5, 0][..]));
        assert_eq!(system.below(&name), None);
        assert!(system < name && system.with(&[4]) < name);
        for bad in ["", "1..2", "1.x", "4294967296", &"1.".repeat(200)] {
            assert!(bad.parse::<Oid>().is_err(), "{bad}");
        }
    }
}
