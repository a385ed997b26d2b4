//! What a run leaves behind: the texts, once per content; the run; the revision; the events. One journal entry, so
//! that a revision and the run that read it are there together or not at all.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::engine::actor::Actor;
use crate::engine::error::ActError;
use crate::engine::events::with_events;
use crate::engine::inventory::entry;
use crate::engine::records::DeviceStatus;
use crate::engine::start::Engine;
use crate::model::{
    BlobId, BlobRef, Device, Evidence, Failure, FailureKind, Revision, RevisionState, Run, RunStatus,
    Timestamp,
};

use crate::store::{Recording, RecordingKey, RevisionKey, RunKey};

use super::{Broken, Reading, RunReport};

/// How the attempts of one device ended.
pub(super) struct Outcome {
    pub device: Arc<Device>,
    pub at: Timestamp,
    pub millis: u64,
    pub by: Actor,
    pub result: Result<Reading, Broken>,
}

/// A configuration that came.
struct Came<'a> {
    device: &'a Device,
    at: Timestamp,
    before: &'a DeviceStatus,
    exact: String,
    sha256: String,
    evidence: Evidence,
}

/// What is going to be stored.
struct Kept {
    run: Run,
    /// The revision that is new, or whose `last_seen` moved.
    revision: Option<Revision>,
    status: DeviceStatus,
    recording: Option<(RecordingKey, Recording)>,
    /// A body that this device's revision does not name any more once the entry is stored.
    let_go: Option<BlobId>,
}

impl Engine {
    /// Stores how a run ended and shows it. A run that cannot be stored is reported as failed: what the store did
    /// not take was not backed up.
    pub(super) async fn keep(self: &Arc<Self>, outcome: Outcome) -> RunReport {
        let (device, at, millis, by) =
            (Arc::clone(&outcome.device), outcome.at, outcome.millis, outcome.by.name.clone());
        let before = self.present().status(device.id);
        match self.try_keep(outcome).await {
            Ok(report) => report,
            Err(error) => {
                let failure = Failure::new(FailureKind::Storage, error.message);
                let run = run_of(&device, at, millis, by, RunStatus::Failed, Some(failure.clone()));
                let shown = DeviceStatus { last_run: Some(Arc::new(run.clone())), ..(*before).clone() };
                self.present().put_status(Arc::new(shown), at);
                let event = self.failure_event(at, &device, &failure);
                self.tell(vec![event]);
                RunReport::new(device.name.clone(), device.driver.clone(), &run, None)
            }
        }
    }

    async fn try_keep(self: &Arc<Self>, outcome: Outcome) -> Result<RunReport, ActError> {
        let _storing = self.storing.read().await;
        let by = outcome.by.clone();
        let device = Arc::clone(&outcome.device);
        let before = self.present().status(device.id);
        let kept = {
            let _turn = self.queue.storing.acquire().await;
            // compressing and normalising take a millisecond or two: off the reactor
            let (engine, before) = (Arc::clone(self), Arc::clone(&before));
            tokio::task::spawn_blocking(move || engine.prepare(outcome, &before))
                .await
                .map_err(|error| ActError::internal(format!("storing a run: {error}")))??
        };
        let now = self.now();
        let events = self.events_of(&device, &before, &kept.run, now);
        let mut entry = entry(now, &by, "backup run")
            .put(&RunKey(device.id, kept.run.at), &kept.run)
            .put(&device.id, &kept.status);
        if let Some(revision) = &kept.revision {
            entry.add(&RevisionKey(device.id, revision.number), revision);
        }
        let mut let_go: Vec<BlobId> = kept.let_go.into_iter().collect();
        if let Some((key, recording)) = &kept.recording {
            entry.add(key, recording);
            for (old, recording) in self.recordings_beyond(*key)? {
                entry.remove::<Recording>(&old);
                let_go.push(recording.body.id);
            }
        }
        self.commit(with_events(entry, &events), "storing a backup run").await?;
        self.present().put_status(Arc::new(kept.status), now);
        self.tell(events);
        self.let_go(let_go);
        Ok(RunReport::new(device.name.clone(), device.driver.clone(), &kept.run, kept.revision.as_ref()))
    }

    /// Writes the bodies, and says which records go with them.
    fn prepare(&self, outcome: Outcome, before: &DeviceStatus) -> Result<Kept, ActError> {
        let Outcome { device, at, millis, by, result } = outcome;
        let run = |status, failure| run_of(&device, at, millis, by.name.clone(), status, failure);
        match result {
            Err(broken) => {
                let recording = self.put_recording(at, before, broken.recording)?;
                Ok(failed(before, run(RunStatus::Failed, Some(broken.failure)), None, recording))
            }
            Ok(Reading { exact, evidence, doubt: Some(reason), recording }) => {
                let came = Came { device: &device, at, before, sha256: sha256_of(&exact), exact, evidence };
                if self.is_accepted(&came)? {
                    return self.proven(came, run(RunStatus::Unchanged, None));
                }
                let failure = Failure::new(FailureKind::Truncated, format!("put aside: {reason}"));
                let recording = self.put_recording(at, before, recording)?;
                self.quarantined(came, run(RunStatus::Failed, Some(failure)), reason, recording)
            }
            Ok(Reading { exact, evidence, doubt: None, .. }) => {
                let run = run(RunStatus::Unchanged, None);
                let came = Came { device: &device, at, before, sha256: sha256_of(&exact), exact, evidence };
                self.proven(came, run)
            }
        }
    }

    /// Whether it is the configuration that a person has accepted though it could not be proven whole.
    fn is_accepted(&self, came: &Came<'_>) -> Result<bool, ActError> {
        match came.before.newest.as_ref().filter(|newest| matches!(newest.state, RevisionState::Accepted(_)))
        {
            Some(newest) if newest.sha256 == came.sha256 => Ok(true),
            Some(newest) => Ok(newest.normal == self.put_normal(came.device, &came.exact)?),
            None => Ok(false),
        }
    }

    fn quarantined(
        &self,
        came: Came<'_>,
        mut run: Run,
        reason: String,
        recording: Option<(RecordingKey, Recording)>,
    ) -> Result<Kept, ActError> {
        run.bytes = came.exact.len() as u64;
        let before = came.before;
        let revision = match self.same_quarantined(before, &came.sha256)? {
            Some(known) => Revision { last_seen: came.at, ..known },
            None => {
                let normal = self.put_normal(came.device, &came.exact)?;
                Revision { state: RevisionState::Quarantined { reason }, ..self.new_revision(came, normal)? }
            }
        };
        Ok(failed(before, run, Some(revision), recording))
    }

    fn proven(&self, came: Came<'_>, mut run: Run) -> Result<Kept, ActError> {
        run.bytes = came.exact.len() as u64;
        let before = came.before;
        // what was damaged since is stored anew below
        let same = |newest: &&Arc<Revision>| newest.sha256 == came.sha256 && self.is_whole(newest);
        if let Some(newest) = before.newest.as_ref().filter(same) {
            let revision = Revision { last_seen: came.at, evidence: came.evidence, ..(**newest).clone() };
            return Ok(good(before, run, revision));
        }
        let normal = self.put_normal(came.device, &came.exact)?;
        match before.newest.as_ref().filter(|newest| newest.normal == normal) {
            Some(newest) => self.only_noise(came, run, newest),
            None => {
                run.status = RunStatus::Changed;
                Ok(good(before, run, self.new_revision(came, normal)?))
            }
        }
    }

    /// Only noise differs, such as the salt of a hash: still the same revision, but its exact text becomes the one
    /// that the device holds now, since a secret that is masked as rotating may have changed with its salt.
    fn only_noise(&self, came: Came<'_>, run: Run, newest: &Revision) -> Result<Kept, ActError> {
        let before = came.before;
        let fresh = self.new_revision(came, newest.normal)?;
        let revision =
            Revision { number: newest.number, at: newest.at, state: newest.state.clone(), ..fresh };
        Ok(Kept { let_go: Some(newest.exact.id), ..good(before, run, revision) })
    }

    /// The quarantined revision of the run before, where it is the same text: it is not stored twice.
    fn same_quarantined(&self, before: &DeviceStatus, sha256: &str) -> Result<Option<Revision>, ActError> {
        let suspect = before.last_run.as_ref().filter(|run| run.status == RunStatus::Failed);
        let Some(number) = suspect.and_then(|run| run.revision) else { return Ok(None) };
        let known: Option<Revision> = self
            .store
            .get(&RevisionKey(before.device, number))
            .map_err(|error| ActError::storage("reading the quarantined revision", error))?;
        Ok(known.filter(|known| known.sha256 == sha256 && !known.state.is_good()))
    }

    fn new_revision(&self, came: Came<'_>, normal: BlobRef) -> Result<Revision, ActError> {
        Ok(Revision {
            device: came.device.id,
            number: came.before.next_revision,
            at: came.at,
            last_seen: came.at,
            exact: self.put_sealed(came.exact.as_bytes())?,
            normal,
            sha256: came.sha256,
            lines: lines_of(&came.exact),
            evidence: came.evidence,
            state: RevisionState::Good,
        })
    }

    fn put_normal(&self, device: &Device, exact: &str) -> Result<BlobRef, ActError> {
        let id = device.driver.as_ref().ok_or_else(|| ActError::internal("a reading without a driver"))?;
        let driver = self.drivers().get(id).map_err(|problem| ActError::internal(problem.to_string()))?;
        let fingerprints = self.store.fingerprinter();
        let fingerprint = |secret: &str| fingerprints.fingerprint(secret);
        let normal = self.reader.normalise(&driver, exact, &fingerprint);
        self.put_plain(normal.as_bytes())
    }

    fn put_recording(
        &self,
        at: Timestamp,
        before: &DeviceStatus,
        transcript: Option<String>,
    ) -> Result<Option<(RecordingKey, Recording)>, ActError> {
        let Some(transcript) = transcript.filter(|_| self.settings().keep_recordings > 0) else {
            return Ok(None);
        };
        let body = self.put_sealed(transcript.as_bytes())?;
        Ok(Some((RecordingKey(before.device, before.next_recording), Recording { at, body })))
    }
}

fn good(before: &DeviceStatus, mut run: Run, revision: Revision) -> Kept {
    let mut status = before.clone();
    run.revision = Some(revision.number);
    count(&mut status, &revision);
    status.newest = Some(Arc::new(revision.clone()));
    status.last_run = Some(Arc::new(run.clone()));
    Kept { run, revision: Some(revision), status, recording: None, let_go: None }
}

fn failed(
    before: &DeviceStatus,
    mut run: Run,
    revision: Option<Revision>,
    recording: Option<(RecordingKey, Recording)>,
) -> Kept {
    let mut status = before.clone();
    if let Some(revision) = &revision {
        run.revision = Some(revision.number);
        count(&mut status, revision);
    }
    if let Some((RecordingKey(_, id), _)) = &recording {
        run.recording = Some(*id);
        status.next_recording = id.saturating_add(1);
    }
    status.last_run = Some(Arc::new(run.clone()));
    Kept { run, revision, status, recording, let_go: None }
}

fn count(status: &mut DeviceStatus, revision: &Revision) {
    if revision.number >= status.next_revision {
        status.next_revision = revision.number.saturating_add(1);
        status.revisions += 1;
    }
}

fn run_of(
    device: &Device,
    at: Timestamp,
    millis: u64,
    by: String,
    status: RunStatus,
    failure: Option<Failure>,
) -> Run {
    Run { device: device.id, at, millis, status, revision: None, bytes: 0, failure, recording: None, by }
}

fn sha256_of(text: &str) -> String {
    BlobId(Sha256::digest(text.as_bytes()).into()).to_string()
}

fn lines_of(text: &str) -> u32 {
    u32::try_from(text.lines().count()).unwrap_or(u32::MAX)
}
