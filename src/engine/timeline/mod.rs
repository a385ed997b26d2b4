//! One device's timeline: everything that is known to have happened to it, side by side, so that what came just before
//! it broke is one look.
//!
//! `told` makes entries of what the store and the present hold; here they are read, put in order and bounded.

mod told;

use std::sync::Arc;

use serde::Serialize;

use super::error::ActError;
use super::incident::in_scope;
use super::series::Series;
use super::start::Engine;
use crate::model::{Device, DeviceId, Incident, Severity, Timestamp, clean_line};
use crate::store::series::FOLDER;

/// The most entries that are answered at once.
pub const MOST: usize = 2000;
/// The most incidents that are read: the newest of all devices.
const INCIDENTS: usize = 5000;
/// The most devices between one and the top of what it hangs on.
const DEEPEST: usize = 64;

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A configuration was stored, put aside or accepted.
    Config,
    /// A backup found nothing new, failed, was skipped, or works again.
    Backup,
    /// It stopped answering, or answers again.
    Pulse,
    /// An incident at it, or at what it hangs on; acknowledgements and comments.
    Incident,
    /// Planned work that covers it.
    Maintenance,
    /// It is not what it was: another serial number, software, name.
    Identity,
    /// A host key was pinned, or differs.
    HostKey,
    /// Its record was changed by a person.
    Record,
    /// Anything else that names it.
    Other,
}

impl Kind {
    /// Every kind, in the order in which they are offered.
    pub const ALL: [Self; 9] = [
        Self::Config,
        Self::Backup,
        Self::Pulse,
        Self::Incident,
        Self::Maintenance,
        Self::Identity,
        Self::HostKey,
        Self::Record,
        Self::Other,
    ];

    /// The kinds in words, in the order of [`Self::ALL`]: those of the `--json` shapes.
    pub const WORDS: [&str; 9] =
        ["config", "backup", "pulse", "incident", "maintenance", "identity", "host-key", "record", "other"];

    /// The kind in a word.
    pub fn as_str(self) -> &'static str {
        let place = Self::ALL.iter().position(|kind| *kind == self);
        place.map_or("other", |place| Self::WORDS[place])
    }
}

/// The thing behind an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Behind {
    /// A stored configuration, by its number.
    Revision(u32),
    /// The recording of a failed session, by its number.
    Recording(u64),
    /// An incident, by its number.
    Incident(u64),
    /// Planned work, by its number.
    Maintenance(u64),
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub kind: Kind,
    /// How much it wants to be seen.
    pub severity: Severity,
    /// What, on one clean line.
    pub what: String,
    /// Who did it, where that is known; clean.
    pub by: Option<String>,
    /// The thing behind it.
    pub behind: Option<Behind>,
}

/// Which part of a device's timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineOf {
    /// Whose.
    pub device: DeviceId,
    /// Nothing from before this.
    pub from: Timestamp,
    /// Nothing of this moment and after it; `None` is up to now.
    pub until: Option<Timestamp>,
    /// At most so many entries, the newest; no more than [`MOST`].
    pub most: usize,
}

/// A device's timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Newest first.
    pub entries: Vec<TimelineEntry>,
    /// Whether more had happened since `from` than was asked for.
    pub more: bool,
}

impl Engine {
    /// What is known to have happened to a device.
    ///
    /// # Errors
    /// When there is no such device, or the store or the log of states cannot be read.
    pub async fn timeline(self: &Arc<Self>, of: TimelineOf) -> Result<Timeline, ActError> {
        let device = self
            .present()
            .device(of.device)
            .ok_or_else(|| ActError::not_found(format!("there is no device number {}", of.device.0)))?;
        let windows = self.maintenance().await;
        // where nothing was ever watched, nothing is begun for this
        let is_kept = self.data_dir().join(FOLDER).exists();
        let series = is_kept.then(|| self.series()).transpose()?;
        self.aside(move |engine| {
            let history = engine.read_history(device.id)?;
            let snapshot = engine.snapshot();
            let mut entries = told::backups(&history.revisions, &history.runs);
            let incidents = engine.incidents_about(&device)?;
            entries.extend(incidents.iter().flat_map(|incident| told::incident(incident, &device)));
            let own = std::slice::from_ref(&device);
            let covering = windows.iter().filter(|window| match &window.scope {
                // what it hangs on now
                crate::model::Scope::Subtree(_) => {
                    in_scope(&window.scope, &engine.present().living_devices()).contains(&device.id)
                }
                scope => in_scope(scope, own).contains(&device.id),
            });
            entries.extend(covering.flat_map(|window| told::planned(window, engine.now())));
            let events = snapshot.events.iter().filter(|event| event.device.as_ref() == Some(&device.name));
            entries.extend(events.filter_map(|event| told::event(event, &incidents)));
            if let Some(series) = series {
                entries.extend(engine.pulse_entries(&series, &device, of.from)?);
            }
            Ok(bounded(entries, of))
        })
        .await
    }

    /// The incidents at a device, and those that it lies or lay behind. Of those that ended before it was kept who lay
    /// behind them: those at what it hangs on now.
    fn incidents_about(&self, device: &Device) -> Result<Vec<Incident>, ActError> {
        let stored = self
            .store
            .scan_last::<Incident>(&[], INCIDENTS)
            .map_err(|error| ActError::storage("reading the incidents", error))?;
        let above = self.above(device);
        let is_about = |incident: &Incident| {
            incident.root == device.id
                || incident.has_had_behind(device.id, &device.name)
                || (!incident.knows_who_lay_behind() && above.contains(&incident.root))
        };
        Ok(stored.into_iter().map(|(_, incident)| incident).filter(is_about).collect())
    }

    /// What a device hangs on, step by step.
    fn above(&self, device: &Device) -> Vec<DeviceId> {
        let present = self.present();
        let mut above = Vec::new();
        let mut next = device.parent.clone();
        while let Some(parent) = next.as_ref().and_then(|name| present.living(name)) {
            // nobody keeps people from writing a circle
            if above.contains(&parent.id) || above.len() >= DEEPEST {
                break;
            }
            above.push(parent.id);
            next.clone_from(&parent.parent);
        }
        above
    }

    fn pulse_entries(
        &self,
        series: &Series,
        device: &Device,
        from: Timestamp,
    ) -> Result<Vec<TimelineEntry>, ActError> {
        let stretches = series
            .stretches(device.id, from, self.now())
            .map_err(|error| ActError::storage("reading the log of states", error))?;
        let mut entries = told::pulse(&stretches, from);
        // the log is written once a minute: what has just happened is in the picture only
        let snapshot = self.snapshot();
        entries.extend(snapshot.pulse.row(device.id).and_then(|row| told::just_now(row, &entries)));
        Ok(entries)
    }
}

/// The newest entries, newest first; each text clean.
fn bounded(mut entries: Vec<TimelineEntry>, of: TimelineOf) -> Timeline {
    entries.retain(|entry| of.from <= entry.at && of.until.is_none_or(|until| entry.at < until));
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    let most = of.most.min(MOST);
    let more = entries.len() > most;
    entries.truncate(most);
    for entry in &mut entries {
        entry.what = clean_line(&entry.what).into_owned();
        entry.by = entry.by.take().map(|by| clean_line(&by).into_owned());
    }
    Timeline { entries, more }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_json() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn what_is_answered_is_new_clean_and_bounded() {
        let entry = |at| TimelineEntry {
            at: Timestamp(at),
            kind: Kind::Other,
            severity: Severity::Info,
            what: "a\nb".into(),
            by: Some("\u{1b}x".into()),
            behind: None,
        };
        let of = TimelineOf { device: DeviceId(1), from: Timestamp(2), until: None, most: 2 };
        let timeline = bounded([1, 4, 2, 3].map(entry).to_vec(), of);
        let at: Vec<i64> = timeline.entries.iter().map(|entry| entry.at.0).collect();
        assert_eq!((at, timeline.more), (vec![4, 3], true));
        assert!(!timeline.entries[0].what.contains('\n'));
        assert!(!timeline.entries[0].by.as_ref().unwrap().contains('\u{1b}'));
        assert!(!bounded(vec![entry(2)], of).more);
        let before = TimelineOf { until: Some(Timestamp(4)), ..of };
        assert_eq!(bounded([1, 4, 2, 3].map(entry).to_vec(), before).entries[0].at, Timestamp(3));
    }
}
