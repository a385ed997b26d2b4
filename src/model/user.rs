//! A user: a person whom the engine knows, by which accounts they come in, and what they may do where.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Grant, Role, Timestamp, is_hostile};

/// A user's number, counting up; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub u64);

/// A user's name: 1 to 32 characters of `a-z 0-9 . _ -`, the first a letter. It stands in the journal and in command lines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(String);

/// What the program's own work is called in the journal: no person has these names.
pub const OWN_NAMES: [&str; 3] = ["engine", "schedule", "noctule"];
/// The account that owns the machine, and the made-up person of the demo: no user has these names either.
const RESERVED: [&str; 2] = ["root", "demo"];

impl UserName {
    /// The longest name, in characters.
    pub const MAX: usize = 32;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = String;

    /// A name for somebody new.
    fn from_str(text: &str) -> Result<Self, String> {
        if OWN_NAMES.contains(&text) || RESERVED.contains(&text) {
            return Err(format!("{text} is not a person's name: the journal means something else by it"));
        }
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for UserName {
    type Error = String;

    /// A name as it is stored: which ones are reserved may have been fewer then.
    fn try_from(text: String) -> Result<Self, String> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        let made_well =
            text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
        if !starts_well || !made_well || text.len() > Self::MAX {
            return Err(format!(
                "{} is not a user name: use 1 to {} of a-z 0-9 . _ -, starting with a letter",
                shown(&text),
                Self::MAX
            ));
        }
        Ok(Self(text))
    }
}

impl From<UserName> for String {
    fn from(name: UserName) -> Self {
        name.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// An account of the engine's host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Account {
    /// By its number: digits alone.
    Uid(u32),
    /// By its login name, 1 to 64 printable ASCII characters without blanks and `:`.
    Login(String),
}

impl Account {
    /// Whether somebody with this uid and login name has it. The kernel says the one, the host's user database the
    /// other.
    pub fn is_of(&self, uid: u32, login: Option<&str>) -> bool {
        match self {
            Self::Uid(own) => *own == uid,
            Self::Login(own) => login == Some(own.as_str()),
        }
    }
}

impl FromStr for Account {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            let uid = text.parse().map_err(|_| format!("{} is no uid", shown(text)))?;
            return Ok(Self::Uid(uid));
        }
        is_word(text).then(|| Self::Login(text.to_owned())).ok_or_else(|| {
            format!(
                "{} is no account: a uid, or a login name of at most 64 characters without blanks",
                shown(text)
            )
        })
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uid(uid) => write!(f, "{uid}"),
            Self::Login(name) => f.write_str(name),
        }
    }
}

/// Checks the name of a key, by which an account that is trusted says on whose behalf it asks (`--as NAME`).
///
/// # Errors
/// When it is no word of at most 64 printable ASCII characters.
pub fn key_name(text: &str) -> Result<String, String> {
    let refused = || format!("{} is no key name: at most 64 characters without blanks and :", shown(text));
    is_word(text).then(|| text.to_owned()).ok_or_else(refused)
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && !b":,\"'\\`".contains(&b))
}

/// What somebody typed, as an error shows it: a little of it.
pub(super) fn shown(text: &str) -> String {
    let begin: String = text.chars().take(40).collect();
    let more = if begin.len() < text.len() { "…" } else { "" };
    format!("{begin:?}{more}")
}

/// Checks a person's name in full.
///
/// # Errors
/// When it is longer than 80 characters, holds an invisible or control character, or more than two marks on one letter.
pub fn full_name(text: &str) -> Result<String, String> {
    if text.chars().any(is_hostile) {
        return Err("the full name holds a control or invisible character".into());
    }
    if text.chars().count() > 80 {
        return Err("the full name is longer than 80 characters".into());
    }
    let mut marks = 0;
    for c in text.chars() {
        marks = if unicode_width::UnicodeWidthChar::width(c) == Some(0) { marks + 1 } else { 0 };
        if marks > 2 {
            return Err("the full name has more than two marks on one letter".into());
        }
    }
    Ok(text.trim().to_owned())
}

/// See the file's head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The number.
    pub id: UserId,
    /// The name.
    pub name: UserName,
    /// The person's name in full; empty where not told.
    pub full_name: String,
    /// The accounts of the engine's host that are this user; no account is two users.
    pub accounts: Vec<Account>,
    /// The names of keys, see [`key_name`]; no key is two users.
    pub keys: Vec<String>,
    /// What they may do where.
    pub grants: Vec<Grant>,
    /// Whether they are let in.
    pub enabled: bool,
    /// Counts up with every change: whoever changes a user says which one they saw.
    pub revision: u32,
    /// When the record was made.
    pub created: Timestamp,
    /// When it was changed last.
    pub updated: Timestamp,
    /// When it was removed: the record stays, for who did what, and its number means nobody else ever.
    pub removed: Option<Timestamp>,
}

impl User {
    /// Whether an admin who is let in.
    pub fn is_admin(&self) -> bool {
        let may_come = self.enabled && !(self.accounts.is_empty() && self.keys.is_empty());
        may_come && self.grants.iter().any(|grant| grant.role == Role::Admin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_deceive_are_no_names() {
        for good in ["alice", "a.b-c_1"] {
            assert_eq!(good.parse::<UserName>().map(String::from), Ok(good.to_owned()));
        }
        let marks = format!("a{}", "\u{301}".repeat(10_000));
        for bad in ["", "..", "-x", "1a", "Alice", "a b", "a/b", "\u{1b}[31m", "a\u{202e}b", "root", &marks] {
            let why = bad.parse::<UserName>().unwrap_err();
            assert!(why.len() < 500 && !why.chars().any(|c| c.is_control()), "{why:?}");
        }
        assert!("a".repeat(33).parse::<UserName>().is_err());
        for own in OWN_NAMES {
            assert!(own.parse::<UserName>().is_err(), "{own}");
            // somebody may have it since before it was reserved
            assert!(UserName::try_from(own.to_owned()).is_ok(), "{own}");
        }
        for bad in ["\u{1b}[31m", "a\u{202e}b", marks.as_str(), &"x".repeat(81)] {
            assert!(full_name(bad).is_err(), "{bad:?}");
        }
        assert_eq!(full_name(" Zoë O\u{301}lafs "), Ok("Zoë O\u{301}lafs".to_owned()));
        for bad in ["", "a b", "a:b", "99999999999", "\u{1b}", "ü"] {
            assert!(bad.parse::<Account>().is_err(), "{bad:?}");
        }
        assert_eq!("1000".parse(), Ok(Account::Uid(1000)));
        assert!(
            Account::Login("eve".into()).is_of(5, Some("eve"))
                && !Account::Login("eve".into()).is_of(5, None)
        );
    }
}
