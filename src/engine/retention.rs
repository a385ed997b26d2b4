//! What is forgotten: revisions beyond a count or an age, where the operator set one. By default, nothing is.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{DeviceId, Revision, Timestamp};
use crate::store::RevisionKey;

use super::actor::Actor;
use super::error::ActError;
use super::inventory::entry;
use super::records::DeviceStatus;
use super::start::Engine;

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Devices that were looked at.
    pub devices: u64,
    /// Revisions that are gone.
    pub revisions: u64,
}

impl Engine {
    /// Forgets, of every device, what the settings say is too much or too old. Never the newest good revision.
    ///
    /// # Errors
    /// When the store cannot be read or written; what was done until then stays done.
    pub async fn apply_retention(self: &Arc<Self>, by: &Actor) -> Result<Forgotten, ActError> {
        let settings = self.settings();
        let (most, age) = (settings.keep_revisions, settings.keep_for);
        let mut forgotten = Forgotten::default();
        if most.is_some() || age.is_some() {
            let statuses: Vec<Arc<DeviceStatus>> = self.present().statuses().cloned().collect();
            for status in statuses {
                forgotten.devices += 1;
                forgotten.revisions += self.forget(by, &status, most, age).await?;
            }
        }
        self.aside(|engine| engine.sweep_bodies()).await?;
        if forgotten.revisions > 0 {
            self.publish_now();
        }
        Ok(forgotten)
    }

    async fn forget(
        self: &Arc<Self>,
        by: &Actor,
        status: &DeviceStatus,
        most: Option<u32>,
        age: Option<Duration>,
    ) -> Result<u64, ActError> {
        // never while a run of this device could be adding one
        let id = status.device;
        if !self.present().begin_session(id, self.now()) {
            return Ok(0);
        }
        let done = self.forget_idle(by, most, age, id).await;
        self.present().end_session(id, self.now());
        done
    }

    async fn forget_idle(
        self: &Arc<Self>,
        by: &Actor,
        most: Option<u32>,
        age: Option<Duration>,
        id: DeviceId,
    ) -> Result<u64, ActError> {
        let now = self.now();
        let revisions = self.aside(move |engine| engine.stored_revisions(id)).await?;
        let gone = surplus(&revisions, most, age, now);
        if gone.is_empty() {
            return Ok(0);
        }
        let status = self.present().status(id);
        let left = u32::try_from(revisions.len() - gone.len()).unwrap_or(u32::MAX);
        let status = DeviceStatus { revisions: left, ..(*status).clone() };
        let mut entry = entry(now, by, "retention").put(&id, &status);
        for number in &gone {
            entry.remove::<Revision>(&RevisionKey(id, *number));
        }
        self.commit(entry, "forgetting old revisions").await?;
        self.present().put_status(Arc::new(status), now);
        let dropped = revisions.iter().filter(|revision| gone.contains(&revision.number));
        self.let_go(dropped.flat_map(|revision| [revision.exact.id, revision.normal.id]));
        Ok(gone.len() as u64)
    }
}

/// The numbers of the revisions that are too many or too old. `revisions` come oldest first.
fn surplus(revisions: &[Revision], most: Option<u32>, age: Option<Duration>, now: Timestamp) -> Vec<u32> {
    let newest_good = revisions.iter().rfind(|r| r.state.is_good()).map(|r| r.number);
    let too_many = revisions.len().saturating_sub(most.map_or(usize::MAX, |most| most as usize));
    let gone = revisions.iter().enumerate().filter(|(place, revision)| {
        let too_old = age.is_some_and(|age| revision.last_seen.age(now) > age);
        Some(revision.number) != newest_good && (*place < too_many || too_old)
    });
    gone.map(|(_, revision)| revision.number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BlobId, BlobRef, Evidence, RevisionState};

    const DAY: Duration = Duration::from_secs(86_400);

    /// Revisions 1, 2, 3 … last seen on these days; a minus marks a quarantined one.
    fn seen_on(days: &[i64]) -> Vec<Revision> {
        let body = BlobRef { id: BlobId([0; 32]), len: 0 };
        let revision = |(number, day): (u32, &i64)| {
            let at = Timestamp(0).after(DAY * day.unsigned_abs() as u32);
            let state = match day {
                ..0 => RevisionState::Quarantined { reason: "cut off".into() },
                _ => RevisionState::Good,
            };
            Revision {
                device: DeviceId(1),
                number,
                at,
                last_seen: at,
                exact: body,
                normal: body,
                sha256: String::new(),
                lines: 1,
                evidence: Evidence::default(),
                state,
            }
        };
        (1..).zip(days).map(revision).collect()
    }

    fn gone(days: &[i64], most: Option<u32>, age: Option<Duration>) -> Vec<u32> {
        surplus(&seen_on(days), most, age, Timestamp(0).after(DAY * 100))
    }

    #[test]
    fn without_a_rule_nothing_goes() {
        assert!(gone(&[1, 2, 3], None, None).is_empty());
    }

    #[test]
    fn by_count_the_oldest_go() {
        assert_eq!(gone(&[1, 2, 3, 4], Some(2), None), [1, 2]);
        assert!(gone(&[1, 2], Some(2), None).is_empty());
    }

    #[test]
    fn by_age_counts_when_a_text_was_last_seen() {
        assert_eq!(gone(&[10, 60, 99], None, Some(DAY * 50)), [1]);
    }

    #[test]
    fn the_newest_good_one_never_goes() {
        assert_eq!(gone(&[1, 2, -98, -99], Some(1), Some(DAY * 50)), [1, 3]);
        assert!(gone(&[1], Some(1), Some(DAY)).is_empty());
    }
}
