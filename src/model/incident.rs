//! One trouble with one cause: the device that it began at, and those that cannot be reached because of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{DeviceId, DeviceName, DeviceSet, Timestamp, length};

/// What happens at the same time may be dated so far apart.
const TOGETHER: Duration = Duration::from_secs(10);

/// An incident's number, counting up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub u64);

impl std::fmt::Display for IncidentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0.to_string())
    }
}

/// See the file's head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number.
    pub id: IncidentId,
    /// The device that is down although the way to it is not.
    pub root: DeviceId,
    /// That device's name when the incident was opened.
    pub name: DeviceName,
    /// Since when nothing was heard of it.
    pub since: Timestamp,
    /// When it was known to be down.
    pub opened: Timestamp,
    /// When it was over.
    pub closed: Option<Timestamp>,
    /// How it came to be over.
    pub ending: Option<Ending>,
    /// What is said against the root's probes: `no answer`, `host unreachable, says 10.0.0.1`.
    pub cause: String,
    /// Devices that are down behind the root: those of now, or of its end; by name.
    pub behind: Vec<DeviceName>,
    /// The most of them that there were at once.
    pub most_behind: u32,
    /// How often the root went down while the incident was open, the first time included.
    pub times_down: u32,
    /// What was changed shortly before on the root, on the way to it or behind it; newest first, clean lines.
    pub before: Vec<ChangeBefore>,
    /// Who has taken note of it.
    pub acknowledged: Option<Acknowledgement>,
    /// Who looks after it.
    pub assigned: Option<String>,
    /// What people wrote, oldest first.
    pub comments: Vec<Comment>,
    /// Every device that has lain behind the root. Of an incident that is open it is kept only once one of them does
    /// not lie there any more; until then `behind` tells all. `None` as well where it ended before this was kept.
    pub been_behind: Option<DeviceSet>,
    /// How long the root was down, by a clock that nobody sets; `None` while it goes on, or where the engine was
    /// started in between.
    pub lasted: Option<Duration>,
}

/// How an incident came to be over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The root answers again.
    Recovered,
    /// Its root hangs on a device that is down itself: that incident has it now.
    PartOf(IncidentId),
    /// The root is no longer watched: deleted, paused, or in planned work.
    Unwatched,
    /// A person closed it.
    Closed {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
}

/// Something that was changed before an incident began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeBefore {
    /// When.
    pub at: Timestamp,
    /// On which device.
    pub device: DeviceName,
    /// What, on one clean line.
    pub what: String,
}

/// Somebody has taken note of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Who.
    pub by: String,
    /// In their words.
    pub why: String,
    /// When.
    pub at: Timestamp,
    /// Until when that holds; `None` for as long as the incident lasts.
    pub until: Option<Timestamp>,
}

/// What somebody wrote about an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// In their words, on one clean line.
    pub text: String,
}

impl Incident {
    /// Whether it goes on.
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Whether a device lies behind the root or has done so, as far as that is kept.
    pub fn has_had_behind(&self, device: DeviceId, name: &DeviceName) -> bool {
        self.been_behind.as_ref().is_some_and(|been| been.contains(device)) || self.behind.contains(name)
    }

    /// Whether every device that lay behind it is known.
    pub fn knows_who_lay_behind(&self) -> bool {
        self.is_open() || self.been_behind.is_some()
    }

    /// How long it has lasted; `None` where its end, or now, lies before its begin: the clock was set back.
    pub fn lasts(&self, now: Timestamp) -> Option<Duration> {
        let until = self.closed.unwrap_or(now);
        self.lasted.or_else(|| (self.since <= until.after(TOGETHER)).then(|| self.since.age(until)))
    }

    /// The same in words: `4 min 12 s`, `an unknown time`.
    pub fn lasts_in_words(&self, now: Timestamp) -> String {
        self.lasts(now).map_or_else(|| "an unknown time".to_owned(), length)
    }

    /// Whether somebody has taken note, and that still holds.
    pub fn is_acknowledged(&self, now: Timestamp) -> bool {
        self.acknowledged.as_ref().is_some_and(|note| note.until.is_none_or(|until| now < until))
    }
}
