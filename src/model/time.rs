//! Wall-clock time as it is stored.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The host's clock. Only the outermost layers call this; all else is handed the time.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// How long before `now` this was; zero where it lies ahead.
    pub fn age(self, now: Self) -> Duration {
        Duration::from_millis(u64::try_from(now.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// This moment moved on by `by`.
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// `2026-11-24T16:00:00Z`: for JSON, files and logs.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_millisecond(self.0 - self.0.rem_euclid(1000))
            .map_or_else(|_| "unknown".to_owned(), |t| t.to_string())
    }

    /// `2026-11-24 16:00:00` in the zone of the host: for people.
    pub fn local(self) -> String {
        self.local_as("%Y-%m-%d %H:%M:%S")
    }

    /// In the zone of the host, in a strftime `format`.
    pub fn local_as(self, format: &str) -> String {
        jiff::Timestamp::from_millisecond(self.0).map_or_else(
            |_| "unknown".to_owned(),
            |t| t.to_zoned(jiff::tz::TimeZone::system()).strftime(format).to_string(),
        )
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.rfc3339())
    }
}
