//! What the event log says about a run: what changed, what failed anew, what works again.

use std::sync::Arc;

use crate::engine::records::DeviceStatus;
use crate::engine::start::Engine;
use crate::model::{Device, Event, EventKind, Failure, FailureKind, Run, RunStatus, Severity, Timestamp};

impl Engine {
    /// The events of a run, `before` being what was known until then.
    pub(super) fn events_of(
        &self,
        device: &Device,
        before: &DeviceStatus,
        run: &Run,
        at: Timestamp,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let mut say = |kind, severity, message: String| {
            events.push(self.event(at, kind, severity, Some(device.name.clone()), &message));
        };
        let failed = |run: &&Arc<Run>| run.status == RunStatus::Failed && !before.is_last_accepted();
        let failed_before = before.last_run.as_ref().filter(failed);
        match (&run.failure, run.revision) {
            (Some(failure), Some(number)) => {
                if failed_before.and_then(|run| run.revision) != Some(number) {
                    say(
                        EventKind::Quarantined,
                        Severity::Warning,
                        format!("revision {number} {}", failure.message),
                    );
                }
            }
            (Some(failure), None) => {
                // the same failure night after night is one event, not one a night
                let known = failed_before.and_then(|run| run.failure.as_ref());
                if known.is_none_or(|known| known.kind != failure.kind) {
                    events.push(self.failure_event(at, device, failure));
                }
            }
            (None, number) => {
                if failed_before.is_some() {
                    say(EventKind::BackupRecovered, Severity::Info, "can be backed up again".to_owned());
                }
                if let (RunStatus::Changed, Some(number)) = (run.status, number) {
                    let message = match before.newest {
                        Some(_) => format!("the configuration changed: revision {number}"),
                        None => {
                            "the first configuration is stored: revision 1".replace('1', &number.to_string())
                        }
                    };
                    say(EventKind::ConfigChanged, Severity::Info, message);
                }
            }
        }
        events
    }

    /// The event of a failed run.
    pub(super) fn failure_event(&self, at: Timestamp, device: &Device, failure: &Failure) -> Event {
        let severity = match failure.kind {
            FailureKind::Cancelled => Severity::Info,
            FailureKind::HostKey | FailureKind::Storage | FailureKind::Internal => Severity::Error,
            _ => Severity::Warning,
        };
        self.event(at, EventKind::BackupFailed, severity, Some(device.name.clone()), &failure.to_string())
    }
}
