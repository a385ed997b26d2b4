//! Incidents in words: the lines of events.

use std::time::Duration;

use crate::model::{Ending, Incident};

/// `core-1 is down, 143 behind it: no answer`.
pub(super) fn opened(incident: &Incident) -> String {
    format!("{} is down{}: {}", incident.name, behind(incident.behind.len()), incident.cause)
}

/// `core-1 is up again after 4 min 12 s; 143 were behind it`.
pub(super) fn ended(incident: &Incident) -> String {
    let name = &incident.name;
    let lasted = incident
        .closed
        .map_or_else(String::new, |closed| format!(" after {}", length(incident.since.age(closed))));
    match &incident.ending {
        Some(Ending::PartOf(other)) => format!("{name} is part of incident {other} now"),
        Some(Ending::Unwatched) => format!("{name} is not watched any more: planned work, paused or deleted"),
        Some(Ending::Closed { by, why }) => format!("{name}: closed by {by}{lasted}: {why}"),
        Some(Ending::Recovered) | None => {
            let were = match incident.most_behind {
                0 => String::new(),
                1 => "; 1 was behind it".to_owned(),
                many => format!("; {many} were behind it"),
            };
            format!("{name} is up again{lasted}{were}")
        }
    }
}

fn behind(count: usize) -> String {
    if count == 0 { String::new() } else { format!(", {count} behind it") }
}

/// `45 s`, `4 min 12 s`, `3 h 5 min`, `2 d 4 h`.
pub(super) fn length(length: Duration) -> String {
    let seconds = length.as_secs();
    let two = |large: u64, one: &str, small: u64, other: &str| match small {
        0 => format!("{large} {one}"),
        _ => format!("{large} {one} {small} {other}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_two_units_at_most() {
        for (seconds, words) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (252, "4 min 12 s"),
            (11_100, "3 h 5 min"),
            (187_200, "2 d 4 h"),
        ] {
            assert_eq!(length(Duration::from_secs(seconds)), words);
        }
    }
}
