//! Hands what is heard over to be kept: samples as they are, states when they change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::pulse::{Mode, PulsePicture, PulseRow, State};
use crate::engine::series::{Sample, Series, StateChange};
use crate::model::{DeviceId, Timestamp};

/// See the file's head.
pub(super) struct Record {
    /// `None` where nothing is kept.
    series: Option<Arc<Series>>,
    samples: Vec<Sample>,
    /// What was last said of each device: its state, and whether it was in planned work.
    said: BTreeMap<DeviceId, (State, bool)>,
}

impl Record {
    pub fn new(series: Option<Arc<Series>>) -> Self {
        Self { series, samples: Vec::new(), said: BTreeMap::new() }
    }

    /// A probe of `device` was sent at `at`, and is decided.
    pub fn hear(&mut self, device: DeviceId, at: Timestamp, rtt: Option<Duration>) {
        if self.series.is_some() {
            self.samples.push(Sample { device, at, rtt });
        }
    }

    /// Hands over what was heard since the last time, and what the picture tells of states.
    pub fn hand_over(&mut self, picture: &PulsePicture) {
        let Some(series) = &self.series else { return };
        series.add(&std::mem::take(&mut self.samples));
        let now = picture.at.unwrap_or_default();
        let mut changes = Vec::new();
        let mut gone = std::mem::take(&mut self.said);
        for row in &picture.rows {
            // while this host is cut off nothing is known of anybody
            let state = if picture.cut_off.is_some() { State::Unknown } else { row.state };
            let (state, planned) = (settled(state), row.mode == Mode::Maintenance);
            let before = gone.remove(&row.device);
            self.said.insert(row.device, (state, planned));
            if before != Some((state, planned)) {
                let turned = before.map(|before| before.0) != Some(state);
                let at = if turned { since(row, state, now) } else { now };
                changes.push(StateChange { device: row.device, at, state, planned });
            }
        }
        let unknown = |device| StateChange { device, at: now, state: State::Unknown, planned: false };
        changes.extend(gone.into_keys().map(unknown));
        series.change(&changes);
    }
}

/// A single loss is no change.
fn settled(state: State) -> State {
    if state == State::Loss { State::Up } else { state }
}

/// When a device came into the state that it is in: an outage begins with the first probe that was not answered.
fn since(row: &PulseRow, state: State, now: Timestamp) -> Timestamp {
    match state {
        State::Down => row.silent_since.or(row.since).unwrap_or(now),
        State::Up if row.state == State::Up => row.since.unwrap_or(now),
        State::Up | State::Loss | State::Unknown => now,
    }
}
