//! What a person may do, and in which part of the network.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::user::shown;
use super::{Device, Role, is_hostile};

/// The part of the network that a grant is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// All of it.
    Everything,
    /// A group and those inside it: `campus` means `campus/north` too.
    Group(String),
    /// Devices whose location is this, or begins with it and goes on after a character that is no letter and no digit:
    /// `Hill` means `Hill, room 3`, not `Hillside`.
    Site(String),
}

impl Reach {
    /// Whether a device lies in it.
    pub fn holds(&self, device: &Device) -> bool {
        match self {
            Self::Everything => true,
            Self::Group(group) => begins_with(&device.group, group, |c| c == '/'),
            Self::Site(site) => begins_with(&device.location, site, |c| !c.is_alphanumeric()),
        }
    }

    /// Whether a group and all inside it lie in it.
    pub fn holds_group(&self, group: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Group(own) => begins_with(group.trim_matches('/'), own, |c| c == '/'),
            Self::Site(_) => false,
        }
    }
}

fn begins_with(text: &str, begin: &str, ends: impl Fn(char) -> bool) -> bool {
    !begin.is_empty() && text.strip_prefix(begin).is_some_and(|rest| rest.chars().next().is_none_or(ends))
}

impl FromStr for Reach {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let place = |text: &str| {
            let text = text.trim();
            let is_good = !text.is_empty() && text.chars().count() <= 200 && !text.chars().any(is_hostile);
            is_good.then(|| text.to_owned()).ok_or("at most 200 visible characters, and not none")
        };
        let refused = |why: &str| format!("{} is no part of the network: {why}", shown(text));
        match text.split_once(':') {
            None if text == "all" => Ok(Self::Everything),
            Some(("group", group)) => place(group.trim_matches('/')).map(Self::Group).map_err(refused),
            Some(("site", site)) => place(site).map(Self::Site).map_err(refused),
            _ => Err(refused("all, group:GROUP, or site:LOCATION")),
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("all"),
            Self::Group(group) => write!(f, "group:{group}"),
            Self::Site(site) => write!(f, "site:{site}"),
        }
    }
}

/// What a user may do in a part of the network.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grant {
    /// What.
    pub role: Role,
    /// Where.
    pub reach: Reach,
}

impl Grant {
    /// A role everywhere.
    pub fn everywhere(role: Role) -> Self {
        Self { role, reach: Reach::Everything }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reach {
            Reach::Everything => write!(f, "{}", self.role),
            reach => write!(f, "{} of {reach}", self.role),
        }
    }
}

/// What a person may do where: the grants of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights(Vec<Grant>);

impl Rights {
    /// These grants.
    pub fn new(grants: Vec<Grant>) -> Self {
        Self(grants)
    }

    /// Whether somewhere in the network what `needed` may be done may be done.
    pub fn may(&self, needed: Role) -> bool {
        self.0.iter().any(|grant| grant.role.includes(needed))
    }

    /// Where that is; nowhere where no grant includes the role.
    pub fn within(&self, needed: Role) -> Within {
        let reaches = self.0.iter().filter(|grant| grant.role.includes(needed)).map(|grant| &grant.reach);
        Within(reaches.cloned().collect())
    }

    /// The same parts of the network, for a viewer.
    #[must_use]
    pub fn read_only(&self) -> Self {
        let viewer = |grant: &Grant| Grant { role: Role::Viewer, reach: grant.reach.clone() };
        Self(self.0.iter().map(viewer).collect())
    }
}

impl From<Role> for Rights {
    fn from(role: Role) -> Self {
        Self(vec![Grant::everywhere(role)])
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no role");
        }
        let grants: Vec<String> = self.0.iter().map(Grant::to_string).collect();
        f.write_str(&grants.join(", "))
    }
}

/// Parts of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within(Vec<Reach>);

impl Default for Within {
    fn default() -> Self {
        Self::everything()
    }
}

impl Within {
    /// All of it.
    pub fn everything() -> Self {
        Self(vec![Reach::Everything])
    }

    /// Whether it is all of it.
    pub fn is_everything(&self) -> bool {
        self.0.contains(&Reach::Everything)
    }

    /// Whether a device lies in it.
    pub fn holds(&self, device: &Device) -> bool {
        self.0.iter().any(|reach| reach.holds(device))
    }

    /// Whether a group and all inside it lie in it.
    pub fn holds_group(&self, group: &str) -> bool {
        self.0.iter().any(|reach| reach.holds_group(group))
    }
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(Reach::to_string).collect();
        f.write_str(if parts.is_empty() { "nothing" } else { "" })?;
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_holds_where_a_grant_that_includes_it_reaches() {
        let campus = Reach::Group("campus".into());
        let rights = Rights::new(vec![
            Grant::everywhere(Role::Viewer),
            Grant { role: Role::Engineer, reach: campus.clone() },
        ]);
        assert!(rights.may(Role::Operator) && !rights.may(Role::Admin));
        assert!(rights.within(Role::Viewer).is_everything());
        assert_eq!(rights.within(Role::Operator), Within(vec![campus]));
        assert!(rights.within(Role::Operator).holds_group("campus/north"));
        assert!(!rights.read_only().may(Role::Operator));
        assert_eq!(rights.within(Role::Admin).to_string(), "nothing");
        assert_eq!(rights.to_string(), "viewer, engineer of group:campus");
    }
}
