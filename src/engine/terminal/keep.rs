//! What a session leaves: an entry of the journal, and its recording, sealed; the newest few of each device.

use std::sync::Arc;
use std::time::Duration;

use super::Cast;
use super::line::Line;
use crate::engine::actor::Actor;
use crate::engine::audit::AuditNote;
use crate::engine::error::ActError;
use crate::engine::inventory::entry;
use crate::engine::records::of_device;
use crate::engine::start::Engine;
use crate::model::{Device, DeviceId, Timestamp};
use crate::store::{RecordingKey, TerminalRecording};

impl Engine {
    /// Journals that a session has ended, and keeps its recording.
    pub(super) async fn keep_terminal(
        self: &Arc<Self>,
        by: &Actor,
        device: &Arc<Device>,
        at: Timestamp,
        lasted: Duration,
        line: Option<Line>,
    ) -> Result<(), ActError> {
        let _storing = self.storing.read().await;
        let what = |came, typed| {
            let seconds = lasted.as_secs();
            format!("a terminal was closed after {seconds} s: {came} bytes came, {typed} were typed")
        };
        let Some(line) = line else {
            let note = AuditNote::ended(by, "a terminal was not opened").of(device.id);
            return self.commit(ended(self.now(), by, &note), "journalling a terminal's end").await;
        };
        let (came, typed) = line.counts();
        let note = AuditNote::ended(by, &what(came, typed));
        let keep = self.settings().keep_recordings as u64;
        if keep == 0 || came == 0 {
            return self
                .commit(ended(self.now(), by, &note.of(device.id)), "journalling a terminal's end")
                .await;
        }
        let broken = |error| ActError::internal(format!("keeping a terminal's recording: {error}"));
        let (engine, of, id, who) = (Arc::clone(self), Arc::clone(device), device.id, by.name.clone());
        let cast = tokio::task::spawn_blocking(move || line.into_cast(at, &of, &engine.known_secrets(&of)));
        let (engine, cast) = (Arc::clone(self), cast.await.map_err(broken)?);
        // one after the other, so that no two get one number
        let _numbering = self.acting.lock().await;
        let (key, recording, old) = tokio::task::spawn_blocking(move || {
            let body = engine.put_sealed(cast.as_bytes())?;
            let kept = engine.stored_terminals(id)?;
            let number = kept.last().map_or(1, |(key, _)| key.1 + 1);
            let old: Vec<_> =
                kept.into_iter().filter(|(key, _)| key.1.saturating_add(keep) <= number).collect();
            let millis = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
            Ok::<_, ActError>((
                RecordingKey(id, number),
                TerminalRecording { at, by: who, millis, bytes: came, body },
                old,
            ))
        })
        .await
        .map_err(broken)??;
        let note = note.of_recording(device.id, key.1);
        let mut entry = ended(self.now(), by, &note).put(&key, &recording);
        for (old, _) in &old {
            entry.remove::<TerminalRecording>(old);
        }
        self.commit(entry, "keeping a terminal's recording").await?;
        self.let_go(old.into_iter().map(|(_, recording)| recording.body.id));
        Ok(())
    }

    /// The recordings of a device's terminals with their numbers, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn terminals(
        self: &Arc<Self>,
        device: DeviceId,
    ) -> Result<Vec<(u64, TerminalRecording)>, ActError> {
        self.aside(move |engine| {
            let kept = engine.stored_terminals(device)?;
            Ok(kept.into_iter().rev().map(|(key, recording)| (key.1, recording)).collect())
        })
        .await
    }

    /// One recording as asciicast v2, without the secrets that were found; the newest where no number is given.
    ///
    /// # Errors
    /// There is none, or it is damaged.
    pub async fn terminal_cast(
        self: &Arc<Self>,
        device: DeviceId,
        number: Option<u64>,
    ) -> Result<(u64, TerminalRecording, String), ActError> {
        self.aside(move |engine| engine.read_terminal(device, number)).await
    }

    fn read_terminal(
        &self,
        device: DeviceId,
        number: Option<u64>,
    ) -> Result<(u64, TerminalRecording, String), ActError> {
        let kept = self.stored_terminals(device)?;
        let found = match number {
            Some(number) => kept.into_iter().find(|(key, _)| key.1 == number),
            None => kept.into_iter().next_back(),
        };
        let (key, recording) = found.ok_or_else(|| {
            ActError::not_found(
                "there is no such recording of a terminal: `terminal list DEVICE` shows those that are kept",
            )
        })?;
        let text = self.sealed_bytes(&recording.body)?;
        Ok((key.1, recording, String::from_utf8_lossy(&text).into_owned()))
    }

    /// The same, read for playing it.
    pub(in crate::engine) fn read_cast(
        &self,
        device: DeviceId,
        number: Option<u64>,
    ) -> Result<(u64, TerminalRecording, Cast), ActError> {
        let (number, recording, text) = self.read_terminal(device, number)?;
        let cast = Cast::read(&text)
            .map_err(|why| ActError::internal(format!("reading recording {number}: {why}")))?;
        Ok((number, recording, cast))
    }

    fn stored_terminals(&self, device: DeviceId) -> Result<Vec<(RecordingKey, TerminalRecording)>, ActError> {
        let read = self.store.scan(&of_device(device));
        read.map_err(|error| ActError::storage("reading the recordings of terminals", error))
    }
}

fn ended(at: Timestamp, by: &Actor, note: &AuditNote) -> crate::store::Entry {
    entry(at, by, "terminal open").put(&"ended".to_owned(), note)
}
