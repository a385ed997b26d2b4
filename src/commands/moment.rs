//! Moments as people write them.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ToSpan};

use super::arg::duration;
use crate::engine::ActError;
use crate::model::Timestamp;

/// Reads a moment of the past: `7d` ago, a day, a day and a time in `zone`, or RFC 3339; `name` is the flag that takes it.
///
/// # Errors
/// A sentence that says what would be right.
pub fn past_moment(name: &str, text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, ActError> {
    if let Ok(length) = duration(text) {
        let millis = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        return Ok(Timestamp(now.0.saturating_sub(millis)));
    }
    super::period::moment(name, text, zone)
}

/// Reads `02:00` (the next time that the clock shows it), `2026-12-01 02:00`, both in `zone`, or RFC 3339.
///
/// # Errors
/// A sentence that says what would be right.
pub fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let wrong = || {
        format!("{:?} is no moment: write 02:00, \"2026-12-01 02:00\" or 2026-12-01T02:00:00Z", shown(text))
    };
    let text = text.trim();
    if let Ok(instant) = text.parse::<Instant>() {
        return Ok(Timestamp(instant.as_millisecond()));
    }
    let at = |date_time: DateTime| {
        let at = date_time.to_zoned(zone.clone()).map_err(|_| wrong())?;
        Ok(Timestamp(at.timestamp().as_millisecond()))
    };
    // a time of day can be read out of a date too: the date comes first
    if let Ok(date_time) = text.parse::<DateTime>() {
        return at(date_time);
    }
    if let Ok(time) = text.parse::<Time>() {
        let now_there = Instant::from_millisecond(now.0).map_err(|_| wrong())?.to_zoned(zone.clone());
        let today = at(now_there.date().to_datetime(time))?;
        if today > now {
            return Ok(today);
        }
        let tomorrow = now_there.date().checked_add(1.day()).map_err(|_| wrong())?;
        return at(tomorrow.to_datetime(time));
    }
    Err(wrong())
}

/// So much of a wrong text is repeated.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        // 2026-11-25 22:00 UTC
        let now = Timestamp(1_795_644_000_000);
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let read = |text: &str| moment(text, now, &zone).map(Timestamp::rfc3339);
        assert_eq!(read("02:00").unwrap(), "2026-11-26T00:00:00Z");
        assert_eq!(read("23:59").unwrap(), "2026-11-26T21:59:00Z", "it is midnight there already");
        assert_eq!(read("2026-12-01 02:00").unwrap(), "2026-12-01T00:00:00Z");
        assert_eq!(read("2026-12-01T02:00:00Z").unwrap(), "2026-12-01T02:00:00Z");
        for text in ["", "soon", "25:00", "2026-13-01 02:00", "\u{202e}"] {
            assert!(read(text).unwrap_err().contains("no moment"), "{text:?}");
        }
    }
}
