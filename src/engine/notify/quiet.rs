//! Quiet hours: a part of each day during which messages wait.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ToSpan};

use crate::model::Timestamp;

/// From one local time of day until another one, over midnight where the second comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// Minutes after midnight.
    from: u16,
    /// The same; not in it any more.
    until: u16,
}

impl Quiet {
    /// When the quiet hours that `now` lies in end; `None` where it lies in none.
    pub fn end(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = Instant::from_millisecond(now.0).ok()?.to_zoned(zone.clone());
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        let over_midnight = self.until <= self.from;
        let is_in = match over_midnight {
            false => (self.from..self.until).contains(&minute),
            true => minute >= self.from || minute < self.until,
        };
        if !is_in {
            return None;
        }
        let days = i64::from(over_midnight && minute >= self.from);
        let day = local.date().checked_add(days.days()).ok()?;
        let end = day.to_datetime(time(self.until)?).to_zoned(zone.clone()).ok()?;
        let end = Timestamp(end.timestamp().as_millisecond());
        // where autumn repeats the hour of the end, its first pass may lie behind `now`
        (end > now).then_some(end)
    }
}

fn time(minutes: u16) -> Option<Time> {
    Time::new(i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?, 0, 0).ok()
}

impl FromStr for Quiet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} are no quiet hours: write \"22:00-06:00\"");
        let (from, until) = text.split_once('-').ok_or_else(wrong)?;
        let (from, until) = (minutes(from).ok_or_else(wrong)?, minutes(until).ok_or_else(wrong)?);
        if from == until {
            return Err(format!("{text:?} begin when they end: nothing would ever be told"));
        }
        Ok(Self { from, until })
    }
}

fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    match (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?) {
        (hours @ 0..=23, minutes @ 0..=59) => Some(hours * 60 + minutes),
        _ => None,
    }
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        write!(f, "{}-{}", part(self.from), part(self.until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let zoned: jiff::Zoned = format!("{text}[Europe/Berlin]").parse().unwrap();
        Timestamp(zoned.timestamp().as_millisecond())
    }

    fn end(quiet: &str, now: Timestamp) -> Option<Timestamp> {
        quiet.parse::<Quiet>().unwrap().end(now, &TimeZone::get("Europe/Berlin").unwrap())
    }

    #[test]
    fn a_night_over_midnight_and_a_noon() {
        for (quiet, now, until) in [
            ("22:00-06:00", "2026-11-24T21:59:59", None),
            ("22:00-06:00", "2026-11-24T22:00", Some("2026-11-25T06:00")),
            ("22:00-06:00", "2026-11-25T05:59:59", Some("2026-11-25T06:00")),
            ("22:00-06:00", "2026-11-25T06:00", None),
            ("12:00-13:30", "2026-11-24T12:00", Some("2026-11-24T13:30")),
            ("12:00-13:30", "2026-11-24T13:30", None),
        ] {
            assert_eq!(end(quiet, at(now)), until.map(at), "{quiet} at {now}");
        }
    }

    #[test]
    fn the_hours_that_spring_skips_and_autumn_repeats() {
        // 02:30 does not exist on 2026-03-29
        assert_eq!(end("22:00-02:30", at("2026-03-29T01:30")), Some(at("2026-03-29T03:30")));
        // 02:30 is twice on 2026-10-25: 00:30 and 01:30 UTC; the second pass of 02:15 waits no day
        let second = Timestamp("2026-10-25T01:15:00Z".parse::<Instant>().unwrap().as_millisecond());
        assert_eq!(end("22:00-02:30", second), None);
    }

    #[test]
    fn what_is_no_quiet_hours_is_refused() {
        for wrong in ["", "22:00", "22:00-", "25:00-06:00", "22:60-06:00", "22:00-22:00", "-1:00-06:00"] {
            assert!(wrong.parse::<Quiet>().is_err(), "{wrong}");
        }
        assert_eq!("22:00 - 6:05".parse::<Quiet>().unwrap().to_string(), "22:00-06:05");
    }
}
