//! The kept transcripts of failed sessions, the newest few of each device.

use std::sync::Arc;

use crate::model::DeviceId;
use crate::store::{Recording, RecordingKey};

use super::error::ActError;
use super::records::of_device;
use super::start::Engine;

impl Engine {
    /// The recordings of a device with their numbers, newest first. Why each session failed stands in its run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn recordings(self: &Arc<Self>, device: DeviceId) -> Result<Vec<(u64, Recording)>, ActError> {
        self.aside(move |engine| {
            let recordings = engine.stored_recordings(device)?;
            Ok(recordings.into_iter().rev().map(|(RecordingKey(_, id), recording)| (id, recording)).collect())
        })
        .await
    }

    /// One recording and its transcript, in the format of `device/transcript.rs`, without the login's secrets.
    ///
    /// # Errors
    /// When there is no such recording, or its text is damaged.
    pub async fn recording(
        self: &Arc<Self>,
        device: DeviceId,
        id: u64,
    ) -> Result<(Recording, Arc<str>), ActError> {
        self.aside(move |engine| engine.read_recording(device, id)).await
    }

    pub(super) fn read_recording(
        &self,
        device: DeviceId,
        id: u64,
    ) -> Result<(Recording, Arc<str>), ActError> {
        let recording: Option<Recording> = self
            .store
            .get(&RecordingKey(device, id))
            .map_err(|error| ActError::storage("reading a recording", error))?;
        let recording = recording.ok_or_else(|| {
            let most = self.settings().keep_recordings;
            ActError::not_found(format!(
                "there is no recording {id} (any more: the newest {most} of a device are kept)"
            ))
        })?;
        let text = self.sealed_bytes(&recording.body)?;
        Ok((recording, String::from_utf8_lossy(&text).into()))
    }

    /// The recordings that a new one pushes out.
    pub(super) fn recordings_beyond(
        &self,
        newest: RecordingKey,
    ) -> Result<Vec<(RecordingKey, Recording)>, ActError> {
        let keep = self.settings().keep_recordings as u64;
        let mut old = self.stored_recordings(newest.0)?;
        old.retain(|(key, _)| key.1.saturating_add(keep) <= newest.1);
        Ok(old)
    }

    fn stored_recordings(&self, device: DeviceId) -> Result<Vec<(RecordingKey, Recording)>, ActError> {
        self.store
            .scan(&of_device(device))
            .map_err(|error| ActError::storage("reading the recordings", error))
    }
}
