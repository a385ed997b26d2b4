//! The period that a report is about.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::arg::{Arg, Kind, shown};
use super::call::Call;
use crate::engine::ActError;
use crate::model::Timestamp;

/// `--from MOMENT`
pub const FROM: Arg = Arg::optional("--from", Kind::Text, "from when: 2026-11-01, \"2026-11-01 08:00\"");
/// `--until MOMENT`
pub const UNTIL: Arg = Arg::optional("--until", Kind::Text, "until when, that moment left out; else now");
/// `--days N`
pub const DAYS: Arg = Arg::optional("--days", Kind::Number(1, 3650), "the last so many days");

impl Call {
    /// The period that [`FROM`], [`UNTIL`] and [`DAYS`] mean, up to `now` at most; where nothing is said, the last
    /// `usual` of it.
    ///
    /// # Errors
    /// A moment is none, or the period has no length.
    pub fn period(&self, now: Timestamp, usual: Duration) -> Result<(Timestamp, Timestamp), ActError> {
        let zone = self.door.io.zone();
        let moment = |name: &str| self.args.get(name).map(|text| moment(name, text, &zone)).transpose();
        let until = moment("--until")?.unwrap_or(now).min(now);
        let days = self.args.number("--days").map(|days| Duration::from_secs(days * 86_400));
        let from = match (moment("--from")?, days) {
            (Some(_), Some(_)) => return Err(ActError::usage("--from and --days: say one of them")),
            (Some(from), None) => from,
            (None, days) => {
                let length = days.unwrap_or(usual);
                Timestamp(until.0.saturating_sub(i64::try_from(length.as_millis()).unwrap_or(i64::MAX)))
            }
        };
        if from >= until {
            return Err(ActError::usage(
                "the period has no length: --from must be before --until and before now",
            ));
        }
        Ok((from, until))
    }
}

/// A moment, a day or a day and a time in `zone`, or an RFC 3339 one.
pub(super) fn moment(name: &str, text: &str, zone: &TimeZone) -> Result<Timestamp, ActError> {
    let local = |time: DateTime| time.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
    let at = text
        .parse::<jiff::Timestamp>()
        .ok()
        .or_else(|| local(text.parse::<DateTime>().ok()?))
        .or_else(|| local(text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight())));
    at.map(|at| Timestamp(at.as_millisecond())).ok_or_else(|| {
        let text = shown(text);
        ActError::usage(format!(
            "{name}: {text:?} is no moment: 2026-11-01, \"2026-11-01 08:00\", 2026-11-01T08:00:00Z are"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let zone = TimeZone::get("Asia/Tashkent").unwrap();
        let z = moment("--from", "2026-11-25T08:00:00Z", &zone).unwrap();
        assert_eq!(z, Timestamp(1_795_593_600_000));
        let (day, time) = (
            moment("--from", "2026-11-25", &zone).unwrap(),
            moment("--from", "2026-11-25 00:00", &zone).unwrap(),
        );
        assert_eq!(day, time);
        for wrong in ["", "yesterday", "2026-13-01", "2026-11-25 25:00", "\u{1b}[2J"] {
            let error = moment("--from", wrong, &zone).unwrap_err();
            assert!(error.message.contains("no moment") && !error.message.contains('\u{1b}'), "{error}");
        }
    }
}
