//! The pages that are lists: a line each, with what is worst first.

use std::cmp::Reverse;

use super::watched;
use crate::console::answering::{self, millis};
use crate::console::cx::Cx;
use crate::console::theme::{Token, state};
use crate::console::words;
use crate::engine::pulse::State;
use crate::engine::snapshot::{BackupState, DeviceRow};
use crate::model::{EventKind, clean_line};

/// A line of a list.
pub struct Line {
    /// What it is about.
    pub name: String,
    /// The figure or the word.
    pub figure: String,
    /// The rest.
    pub rest: String,
    /// How it looks.
    pub token: Token,
    /// How long its bar is beside the others'; 0 for none.
    pub share: u64,
}

/// Those with the most loss first, then the slowest.
pub fn slowest(cx: &Cx) -> Vec<Line> {
    let mut rows: Vec<_> =
        watched(cx).filter(|(_, row)| row.state != State::Down && row.recent.newest().is_some()).collect();
    rows.sort_by_key(|(_, row)| Reverse((row.recent.loss().1, row.recent.newest())));
    let line = |(device, row): (&DeviceRow, &crate::engine::pulse::PulseRow)| {
        let (probes, lost) = row.recent.loss();
        Line {
            name: format!("{} {}", answering::glyph(Some(row), &cx.theme), device.device.name),
            figure: row.recent.newest().map_or_else(|| "-".to_owned(), millis),
            rest: if lost > 0 { format!("{lost}/{probes} lost") } else { String::new() },
            token: if lost > 0 { Token::Warn } else { Token::Text },
            share: row.recent.newest().map_or(0, |rtt| u64::try_from(rtt.as_micros()).unwrap_or(0)),
        }
    };
    // nobody reads more of them from a wall
    rows.into_iter().take(MOST_SLOW).map(line).collect()
}

/// The most lines of the slowest.
const MOST_SLOW: usize = 100;

/// Every device whose backup is late or worse, the worst first.
pub fn backups(cx: &Cx) -> Vec<Line> {
    let bad = [BackupState::Failed, BackupState::Suspect, BackupState::Late, BackupState::Never];
    let mut rows: Vec<&DeviceRow> =
        cx.snapshot.devices.iter().filter(|row| bad.contains(&row.state)).collect();
    rows.sort_by_key(|row| Reverse(row.state));
    let line = |row: &DeviceRow| {
        let (word, token) = state(row.state);
        Line {
            name: format!("{} {}", cx.theme.state_glyph(row.state), row.device.name),
            figure: word.to_owned(),
            rest: words::why(row, cx).into_owned(),
            token,
            share: 0,
        }
    };
    rows.into_iter().map(line).collect()
}

/// Planned work, by its begin.
pub fn planned(cx: &Cx) -> Vec<Line> {
    let ahead = cx.snapshot.maintenance.iter().filter(|work| work.until > cx.now && work.ended_by.is_none());
    ahead
        .map(|work| Line {
            name: format!("{} {}", cx.theme.glyph("◇", "m"), clean_line(&work.scope.to_string())),
            figure: match work.is_on(cx.now) {
                true => format!("to {}", cx.format(work.until, "%H:%M")),
                false => cx.format(work.from, "%m-%d %H:%M"),
            },
            rest: format!("{}, {}", clean_line(&work.why), clean_line(&work.by)),
            token: if work.is_on(cx.now) { Token::Warn } else { Token::Text },
            share: 0,
        })
        .collect()
}

/// What was changed, the newest first.
pub fn changes(cx: &Cx) -> Vec<Line> {
    let kinds = [EventKind::ConfigChanged, EventKind::IdentityChanged];
    let events = cx.snapshot.events.iter().filter(|event| kinds.contains(&event.kind));
    events
        .take(MOST_CHANGES)
        .map(|event| Line {
            name: event.device.as_ref().map_or_else(String::new, |name| name.to_string()),
            figure: cx.when(event.at),
            rest: clean_line(&event.message).into_owned(),
            token: Token::Text,
            share: 0,
        })
        .collect()
}

/// The most changes that are told.
const MOST_CHANGES: usize = 50;
