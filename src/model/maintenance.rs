//! Planned work: devices that may be down without an incident.

use serde::{Deserialize, Serialize};

use super::{DeviceName, Timestamp};

/// A window's number, counting up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MaintenanceId(pub u64);

impl std::fmt::Display for MaintenanceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0.to_string())
    }
}

/// What a window is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// One device.
    Device(DeviceName),
    /// A group and those inside it: `campus` means `campus/north` too.
    Group(String),
    /// A device and all that hang on it.
    Subtree(DeviceName),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Device(name) => write!(f, "{name}"),
            Self::Group(group) => write!(f, "group {group}"),
            Self::Subtree(name) => write!(f, "{name} and behind"),
        }
    }
}

/// A maintenance window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// Its number.
    pub id: MaintenanceId,
    /// When it was announced.
    pub announced: Timestamp,
    /// What it is about.
    pub scope: Scope,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends; moved forward when somebody ends it early.
    pub until: Timestamp,
    /// Who planned it.
    pub by: String,
    /// Why, in their words.
    pub why: String,
    /// Who ended it early.
    pub ended_by: Option<String>,
}

impl Maintenance {
    /// Whether `now` lies in it.
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    /// `on`, `ahead` or `over` at `now`; called off before it began, it is over. The words are part of the `--json`
    /// shapes.
    pub fn phase(&self, now: Timestamp) -> &'static str {
        if self.until <= now {
            "over"
        } else if now < self.from {
            "ahead"
        } else {
            "on"
        }
    }

    /// Whether somebody ended it before it began.
    pub fn is_called_off(&self) -> bool {
        self.until < self.from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_called_off_is_over_and_not_ahead() {
        let mut window = Maintenance {
            id: MaintenanceId(1),
            announced: Timestamp(0),
            scope: Scope::Group("core".into()),
            from: Timestamp(100),
            until: Timestamp(200),
            by: "alice".into(),
            why: "test".into(),
            ended_by: None,
        };
        let phases = |window: &Maintenance| [99, 100, 199, 200].map(|at| window.phase(Timestamp(at)));
        assert_eq!(phases(&window), ["ahead", "on", "on", "over"]);
        assert!(!window.is_called_off());
        window.until = Timestamp(50);
        assert_eq!((window.phase(Timestamp(50)), window.is_called_off()), ("over", true));
    }
}
