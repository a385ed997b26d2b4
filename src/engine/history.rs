//! A device's past: its revisions and runs, and the texts behind them.

use std::sync::Arc;

use crate::model::{Device, DeviceId, Revision, Run};
use crate::store::RevisionKey;

use super::error::ActError;
use super::query::{ConfigText, RevisionRef};
use super::records::{of_device, values};
use super::start::Engine;

/// The most runs that a history shows.
const RUNS: usize = 500;

/// A device's past.
#[derive(Clone, Debug)]
pub struct History {
    /// Newest first.
    pub revisions: Vec<Revision>,
    /// Newest first, at most 500.
    pub runs: Vec<Run>,
}

/// Which text of a revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Noise dropped, secrets as fingerprints.
    #[default]
    Normal,
    /// As the device sent it.
    Exact,
}

impl Engine {
    /// A device's revisions and runs.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn history(self: &Arc<Self>, device: DeviceId) -> Result<History, ActError> {
        self.aside(move |engine| engine.read_history(device)).await
    }

    /// The revision of `device` that `which` names: `12`; `newest` for the newest good one; `-1` for the good one
    /// before it, `-2` …
    ///
    /// # Errors
    /// When there is no such revision.
    pub async fn revision(self: &Arc<Self>, device: &Device, which: &str) -> Result<Revision, ActError> {
        let (id, name, which) = (device.id, device.name.clone(), which.to_owned());
        self.aside(move |engine| {
            let revisions = engine.stored_revisions(id)?;
            resolve(&revisions, &which).cloned().map_err(|why| {
                ActError::not_found(format!("{name}: {why}; `backup list {name}` shows what is stored"))
            })
        })
        .await
    }

    /// One revision's normalised text, and how it folds.
    ///
    /// # Errors
    /// When there is no such revision, or its text is damaged.
    pub async fn config(self: &Arc<Self>, which: RevisionRef) -> Result<ConfigText, ActError> {
        self.aside(move |engine| engine.read_config(which)).await
    }

    /// One revision's text, exact or normalised.
    ///
    /// # Errors
    /// When its text is damaged.
    pub async fn text(self: &Arc<Self>, revision: &Revision, view: View) -> Result<Vec<u8>, ActError> {
        let (exact, normal) = (revision.exact, revision.normal);
        self.aside(move |engine| match view {
            View::Exact => engine.sealed_bytes(&exact),
            View::Normal => engine.plain_text(&normal).map(String::into_bytes),
        })
        .await
    }

    /// Runs a read that touches the disk away from the reactor.
    pub(super) async fn aside<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Arc<Self>) -> Result<T, ActError> + Send + 'static,
    ) -> Result<T, ActError> {
        let engine = Arc::clone(self);
        tokio::task::spawn_blocking(move || read(&engine))
            .await
            .map_err(|error| ActError::internal(format!("a read broke down: {error}")))?
    }

    pub(super) fn read_history(&self, device: DeviceId) -> Result<History, ActError> {
        let mut revisions = self.stored_revisions(device)?;
        revisions.reverse();
        let runs: Vec<Run> = self
            .store
            .scan_last(&of_device(device), RUNS)
            .map(values)
            .map_err(|error| ActError::storage("reading the runs", error))?;
        Ok(History { revisions, runs })
    }

    /// Every revision of a device, oldest first.
    pub(super) fn stored_revisions(&self, device: DeviceId) -> Result<Vec<Revision>, ActError> {
        self.store
            .scan(&of_device(device))
            .map(values)
            .map_err(|error| ActError::storage("reading the revisions", error))
    }

    pub(super) fn read_config(&self, which: RevisionRef) -> Result<ConfigText, ActError> {
        let device = self
            .present()
            .device(which.device)
            .ok_or_else(|| ActError::not_found(format!("there is no device number {}", which.device.0)))?;
        let revision = match which.number {
            None => self.present().status(which.device).newest.clone(),
            Some(number) => self
                .store
                .get::<Revision>(&RevisionKey(which.device, number))
                .map_err(|error| ActError::storage("reading a revision", error))?
                .map(Arc::new),
        };
        let revision = revision.ok_or_else(|| {
            let what =
                which.number.map_or_else(|| "no good revision".to_owned(), |n| format!("no revision {n}"));
            ActError::not_found(format!("{0} has {what} stored; `backup run {0}` reads one", device.name))
        })?;
        let text = self.plain_text(&revision.normal)?;
        let sections = device
            .driver
            .as_ref()
            .and_then(|id| self.drivers().get(id).ok())
            .map(|driver| driver.driver.sections.clone())
            .unwrap_or_default();
        Ok(ConfigText { revision, text: text.into(), style: sections.style, section_start: sections.start })
    }
}

/// Finds a revision by what a person writes; `revisions` come oldest first.
///
/// # Errors
/// There is none; a sentence that begins small says why.
pub fn resolve<'a>(revisions: &'a [Revision], which: &str) -> Result<&'a Revision, String> {
    let which = which.trim();
    let good: Vec<&Revision> = revisions.iter().filter(|r| r.state.is_good()).collect();
    let back = match which {
        "newest" | "" | "0" | "-0" => Some(0),
        _ => which.strip_prefix('-').and_then(|steps| steps.parse::<usize>().ok()),
    };
    if let Some(back) = back {
        let found = good.len().checked_sub(back.saturating_add(1)).and_then(|place| good.get(place));
        return found.copied().ok_or_else(|| match good.len() {
            0 => "no good revision is stored".to_owned(),
            stored => format!("{which} goes back further than the {stored} good revisions that are stored"),
        });
    }
    let number: u32 = which.parse().map_err(|_| {
        format!("{which:?} is not a revision: write a number, -1 for the one before the newest, or newest")
    })?;
    revisions.iter().find(|r| r.number == number).ok_or_else(|| format!("there is no revision {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BlobId, BlobRef, Evidence, RevisionState, Timestamp};

    fn revision(number: u32, good: bool) -> Revision {
        let body = BlobRef { id: BlobId([0; 32]), len: 0 };
        Revision {
            device: DeviceId(1),
            number,
            at: Timestamp(0),
            last_seen: Timestamp(0),
            exact: body,
            normal: body,
            sha256: String::new(),
            lines: 0,
            evidence: Evidence::default(),
            state: if good {
                RevisionState::Good
            } else {
                RevisionState::Quarantined { reason: "cut off".into() }
            },
        }
    }

    #[test]
    fn revisions_are_found_as_people_name_them() {
        let stored =
            [revision(1, true), revision(3, true), revision(4, false), revision(5, true), revision(6, false)];
        for (which, number) in [("newest", 5), ("-1", 3), ("-2", 1), ("4", 4), ("6", 6)] {
            assert_eq!(resolve(&stored, which).unwrap().number, number, "{which}");
        }
        for (which, says) in
            [("-3", "3 good"), ("2", "no revision 2"), ("x", "not a revision"), ("--1", "not a revision")]
        {
            assert!(resolve(&stored, which).unwrap_err().contains(says), "{which}");
        }
        assert!(resolve(&[], "newest").unwrap_err().contains("no good revision"));
    }
}
