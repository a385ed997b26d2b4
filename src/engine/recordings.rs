//! The kept transcripts of failed sessions, the newest few of each device.

use std::sync::Arc;

use crate::model::DeviceId;

use super::error::ActError;
use super::records::{Recording, of_device, recording_key};
use super::start::Engine;

impl Engine {
    /// The recordings of a device, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn recordings(self: &Arc<Self>, device: DeviceId) -> Result<Vec<Recording>, ActError> {
        self.aside(move |engine| {
            let mut recordings = engine.stored_recordings(device)?;
            recordings.reverse();
            Ok(recordings)
        })
        .await
    }

    /// One recording and its transcript, in the format of `device/transcript.rs`, without secrets.
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
            .get(&recording_key(device, id))
            .map_err(|error| ActError::storage("reading a recording", error))?;
        let recording = recording.ok_or_else(|| {
            let most = self.settings.keep_recordings;
            ActError::not_found(format!(
                "there is no recording {id} (any more: the newest {most} of a device are kept)"
            ))
        })?;
        let text = self.sealed_bytes(&recording.text)?;
        Ok((recording, String::from_utf8_lossy(&text).into()))
    }

    /// The recordings that a new one, numbered `newest`, pushes out.
    pub(super) fn recordings_beyond(
        &self,
        device: DeviceId,
        newest: u64,
    ) -> Result<Vec<Recording>, ActError> {
        let keep = self.settings.keep_recordings as u64;
        let mut old = self.stored_recordings(device)?;
        old.retain(|recording| recording.id.saturating_add(keep) <= newest);
        Ok(old)
    }

    fn stored_recordings(&self, device: DeviceId) -> Result<Vec<Recording>, ActError> {
        self.store
            .scan(&of_device(device))
            .map_err(|error| ActError::storage("reading the recordings", error))
    }
}
