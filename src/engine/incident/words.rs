//! Incidents in words: the lines of events.

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
        .map_or_else(String::new, |closed| format!(" after {}", incident.lasts_in_words(closed)));
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
