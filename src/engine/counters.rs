//! What is counted since the engine began: for metrics. A count only goes up.

use std::sync::atomic::{AtomicU64, Ordering};

use super::backup::RunReport;
use crate::model::{Event, FailureKind, RunStatus, Severity};

/// One count.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn one_more(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a client was refused before it had a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many clients had connected and not said who they are.
    Crowded,
    /// It did not say in time who it is.
    Silent,
    /// What it said makes no sense, or is of another version.
    Malformed,
    /// Nobody knows its account, its user is disabled, or it may not speak for somebody else.
    Unwelcome,
    /// There were too many sessions, or the engine was about to end.
    Full,
}

/// Every count.
#[derive(Debug, Default)]
pub struct Counters {
    /// Sessions that began.
    pub sessions: Count,
    /// Sessions that ended because their client did not read.
    pub sessions_dropped: Count,
    /// Sessions that ended by a fault of noctule.
    pub sessions_broken: Count,
    refused: [Count; 5],
    /// Events by severity.
    events: [Count; 3],
    /// Backup runs.
    pub runs: Runs,
    /// Probes of devices and canaries.
    pub probes: Probes,
    /// Tries to note the head of the journal that failed.
    pub anchors_failed: Count,
    /// Notifications that a target took.
    pub deliveries: Count,
    /// Tries to bring one to its target that failed.
    pub deliveries_failed: Count,
}

/// Backup runs, by how they ended.
#[derive(Debug, Default)]
pub struct Runs {
    /// A new revision was stored.
    pub changed: Count,
    /// The text is the one already stored.
    pub unchanged: Count,
    /// No proven configuration came.
    pub failed: Count,
    /// A text came and was put aside as not proven.
    pub quarantined: Count,
    /// Broken off, since the job was cancelled or the engine ended.
    pub cancelled: Count,
    /// Nothing was tried.
    pub skipped: Count,
    /// How long those took together that were tried, in milliseconds.
    pub millis: Count,
    /// How long the last one took that was tried, in milliseconds and one more; 0 before the first.
    last: AtomicU64,
}

/// Probes.
#[derive(Debug, Default)]
pub struct Probes {
    /// That left this host.
    pub sent: Count,
    /// That were answered.
    pub answered: Count,
    /// That were not answered in time.
    pub lost: Count,
    /// That did not leave this host.
    pub unsent: Count,
}

impl Counters {
    /// A client was refused.
    pub fn refuse(&self, why: Refusal) {
        self.refused[why as usize].one_more();
    }

    /// How many clients were refused for that.
    pub fn refused(&self, why: Refusal) -> u64 {
        self.refused[why as usize].get()
    }

    /// Something happened.
    pub(super) fn tell(&self, event: &Event) {
        self.events[event.severity as usize].one_more();
    }

    /// How many events of that severity there were.
    pub fn told(&self, severity: Severity) -> u64 {
        self.events[severity as usize].get()
    }
}

impl Runs {
    /// A device's run has ended.
    pub(super) fn end(&self, report: &RunReport) {
        let is_cancelled = report.error.as_ref().is_some_and(|why| why.kind == FailureKind::Cancelled);
        let count = match report.status {
            RunStatus::Skipped => return self.skipped.one_more(),
            RunStatus::Changed => &self.changed,
            RunStatus::Unchanged => &self.unchanged,
            RunStatus::Failed if is_cancelled => &self.cancelled,
            RunStatus::Failed if report.revision.is_some() => &self.quarantined,
            RunStatus::Failed => &self.failed,
        };
        count.one_more();
        let millis = (report.seconds * 1000.0).round() as u64;
        self.millis.add(millis);
        self.last.store(millis.saturating_add(1), Ordering::Relaxed);
    }

    /// How long the last run took that was tried, in milliseconds; `None` before the first.
    pub fn last_millis(&self) -> Option<u64> {
        self.last.load(Ordering::Relaxed).checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Failure;

    fn report(status: RunStatus, revision: Option<u32>, error: Option<FailureKind>) -> RunReport {
        RunReport {
            device: "core-1".parse().unwrap(),
            driver: None,
            status,
            revision,
            bytes: 0,
            sha256: None,
            seconds: 1.25,
            error: error.map(|kind| Failure::new(kind, "why")),
        }
    }

    #[test]
    fn each_run_counts_once_by_how_it_ended() {
        let runs = Runs::default();
        runs.end(&report(RunStatus::Skipped, None, Some(FailureKind::Incomplete)));
        assert_eq!((runs.last_millis(), runs.millis.get()), (None, 0), "nothing was tried");
        runs.end(&report(RunStatus::Changed, Some(1), None));
        runs.end(&report(RunStatus::Unchanged, Some(1), None));
        runs.end(&report(RunStatus::Failed, None, Some(FailureKind::Timeout)));
        runs.end(&report(RunStatus::Failed, Some(2), Some(FailureKind::Truncated)));
        runs.end(&report(RunStatus::Failed, None, Some(FailureKind::Cancelled)));
        let all =
            [&runs.changed, &runs.unchanged, &runs.failed, &runs.quarantined, &runs.cancelled, &runs.skipped];
        assert_eq!(all.map(Count::get), [1; 6]);
        assert_eq!((runs.last_millis(), runs.millis.get()), (Some(1250), 5 * 1250));
    }

    #[test]
    fn refusals_are_told_apart() {
        let counters = Counters::default();
        counters.refuse(Refusal::Silent);
        counters.refuse(Refusal::Full);
        let all = [Refusal::Crowded, Refusal::Silent, Refusal::Malformed, Refusal::Unwelcome, Refusal::Full];
        assert_eq!(all.map(|why| counters.refused(why)), [0, 1, 0, 0, 1]);
    }
}
