//! Who may do what, and how loudly an act must be confirmed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a person is allowed to do. Each command names the role that it needs; [`Role::includes`] says which roles have it.
///
/// They are no line from least to most: an auditor reads what an engineer does not, and changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads everything but secrets and the audit trail.
    Viewer,
    /// Answers subscribers.
    Helpdesk,
    /// Connects subscribers.
    Installer,
    /// Runs backups, looks after incidents and planned work.
    Operator,
    /// Changes the inventory and devices.
    Engineer,
    /// Approves what others want to change.
    Approver,
    /// Reads everything, the audit trail included, but for secrets; changes nothing.
    Auditor,
    /// Everything that an engineer may, and users and the store.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::Viewer,
        Self::Helpdesk,
        Self::Installer,
        Self::Operator,
        Self::Engineer,
        Self::Approver,
        Self::Auditor,
        Self::Admin,
    ];

    /// The names of [`Role::ALL`].
    pub const NAMES: &'static [&'static str] =
        &["viewer", "helpdesk", "installer", "operator", "engineer", "approver", "auditor", "admin"];

    /// What may read what a device said as it said it, in exact texts and recordings: it holds secrets that no pattern
    /// knows.
    pub const READS_SECRETS: Self = Self::Engineer;

    /// What may read the audit trail and the log of logins: they say what everybody does.
    pub const READS_AUDIT: Self = Self::Auditor;

    /// What may look over a colleague's shoulder: their screen may show everything that they may see.
    pub const WATCHES: Self = Self::Admin;

    /// The roles that this one has beside itself.
    fn others(self) -> &'static [Self] {
        match self {
            Self::Viewer => &[],
            Self::Helpdesk | Self::Installer | Self::Operator | Self::Approver | Self::Auditor => {
                &[Self::Viewer]
            }
            Self::Engineer => &[Self::Operator, Self::Viewer],
            Self::Admin => &[Self::Engineer, Self::Operator, Self::Auditor, Self::Viewer],
        }
    }

    /// Whether whoever has this role may do what `needed` may.
    pub fn includes(self, needed: Self) -> bool {
        self == needed || self.others().contains(&needed)
    }

    /// Whether it can be had for the whole network only: users and the audit trail lie in no group and at no site.
    pub fn is_for_everything(self) -> bool {
        matches!(self, Self::Auditor | Self::Admin)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no role: {}", Self::NAMES.join(", ")))
    }
}

/// How an act is confirmed before it runs in the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Danger {
    /// Reads, or is undone by itself: no question.
    None,
    /// Changes something that can be brought back: y/n, focus on Cancel.
    Ask,
    /// Cannot be brought back, or hits many: the name must be typed.
    Type,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_includes_whom_is_this_table() {
        let includes = |role: Role| {
            let names = Role::ALL.into_iter().filter(|needed| role.includes(*needed)).map(Role::as_str);
            names.collect::<Vec<_>>().join(" ")
        };
        for (role, all) in [
            (Role::Viewer, "viewer"),
            (Role::Helpdesk, "viewer helpdesk"),
            (Role::Installer, "viewer installer"),
            (Role::Operator, "viewer operator"),
            (Role::Engineer, "viewer operator engineer"),
            (Role::Approver, "viewer approver"),
            (Role::Auditor, "viewer auditor"),
            (Role::Admin, "viewer operator engineer auditor admin"),
        ] {
            assert_eq!(includes(role), all, "{role}");
        }
    }

    #[test]
    fn a_name_is_read_back_and_another_word_is_no_role() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        for wrong in ["", "Admin", "root", "admin "] {
            assert!(wrong.parse::<Role>().is_err(), "{wrong:?}");
        }
    }
}
