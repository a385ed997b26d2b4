//! New drivers, and recordings that become tests of the operator's own drivers.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::device::new;
use crate::device::proof;
use crate::device::transcript::{Expectation, Step, Transcript};
use crate::model::{Device, DeviceId, DriverId, clean_line};

use super::actor::Actor;
use super::error::{ActError, ActErrorKind};
use super::start::Engine;

/// The longest name of a test, in bytes.
const LONGEST_STEM: usize = 64;

/// A recording that was saved as a test.
#[derive(Clone, Debug)]
pub struct SavedTest {
    /// The recording's number.
    pub recording: u64,
    /// The driver that it tests.
    pub driver: DriverId,
    /// The transcript's file.
    pub path: PathBuf,
    /// What must come of it.
    pub expect: Expectation,
    /// Where the driver leaves the recording's path: the test fails until the driver, or the transcript, is mended.
    pub leaves: Option<String>,
    /// Whether the driver was the program's, and was copied to be the operator's own.
    pub copied: bool,
}

impl Engine {
    /// Writes the files that a new driver begins with into the operator's own folder, and knows it from now on. A
    /// recording of a device, the newest unless it is named, becomes one of its transcripts.
    ///
    /// # Errors
    /// When there is such a driver, or no such recording, or the folder cannot be written.
    pub async fn new_driver(
        self: &Arc<Self>,
        actor: &Actor,
        id: &DriverId,
        from: Option<(DeviceId, Option<u64>)>,
    ) -> Result<PathBuf, ActError> {
        let recording = match from {
            Some((device, number)) => Some(self.transcript(device, number).await?.1),
            None => None,
        };
        let begun = id.clone();
        let folder = self.aside(move |engine| engine.write_new_driver(&begun, recording.as_ref())).await?;
        let message = format!("driver {id} begun by {}", actor.name);
        self.tell_of_files(actor, "driver new", None, &message).await?;
        Ok(folder)
    }

    /// Saves a recording as a test of its driver, the newest unless it is named. What the driver makes of it now is what
    /// must come of it; saved again after the driver was mended, it takes the new outcome.
    ///
    /// # Errors
    /// When there is no such recording, its driver has a mistake, another test has that name, or the folder cannot be
    /// written.
    pub async fn save_recording(
        self: &Arc<Self>,
        actor: &Actor,
        device: &Device,
        number: Option<u64>,
        stem: &str,
    ) -> Result<SavedTest, ActError> {
        check_stem(stem)?;
        let (number, mut transcript) = self.transcript(device.id, number).await?;
        let id = transcript.driver.clone();
        let drivers = self.drivers();
        let driver = drivers.get(&id).map_err(|problem| ActError::usage(problem.to_string()))?;
        // silences are for people: a test does not wait
        transcript.steps.retain(|(_, step)| !matches!(step, Step::Wait(_)));
        let (ended, leaves) = proof::play(&driver, &transcript).await;
        let mut config = None;
        match ended {
            _ if leaves.is_some() => {}
            Ok(capture) if capture.doubt.is_some() => transcript.expect = Expectation::Quarantined,
            Ok(capture) => (transcript.expect, config) = (Expectation::Good, Some(capture.exact)),
            Err(failure) => transcript.expect = Expectation::Failure(failure.kind),
        }
        let (test, wanted) = (stem.to_owned(), transcript.expect);
        let copied = drivers.folder(&id).is_none();
        let path = self.aside(move |engine| engine.write_test(&test, &transcript, config.as_deref())).await?;
        let message = format!("recording {number} saved as test {stem} of driver {id} by {}", actor.name);
        self.tell_of_files(actor, "recording save", Some(device.name.clone()), &message).await?;
        let leaves = leaves.map(|leaves| clean_line(&leaves).into_owned());
        Ok(SavedTest { recording: number, driver: id, path, expect: wanted, leaves, copied })
    }

    /// A recording, read; the newest unless it is named.
    async fn transcript(
        self: &Arc<Self>,
        device: DeviceId,
        number: Option<u64>,
    ) -> Result<(u64, Transcript), ActError> {
        let number = match number {
            Some(number) => number,
            None => self.newest_recording(device).await?,
        };
        let (_, text) = self.recording(device, number).await?;
        let transcript =
            text.parse().map_err(|error| ActError::storage(&format!("reading recording {number}"), error))?;
        Ok((number, transcript))
    }

    fn write_new_driver(&self, id: &DriverId, recording: Option<&Transcript>) -> Result<PathBuf, ActError> {
        if self.drivers().knows(id) {
            return Err(ActError::conflict(format!(
                "there is a driver {id} already: take another id, or change that one with driver save"
            )));
        }
        let folder = self.drivers_dir().join(id.as_str());
        let written = std::fs::create_dir_all(self.drivers_dir()).and_then(|()| std::fs::create_dir(&folder));
        written.map_err(|error| not_written(&folder, &error))?;
        let written = std::fs::create_dir(folder.join("transcripts")).and_then(|()| {
            new::files(id, recording).iter().try_for_each(|file| put(&folder.join(file.path), &file.text))
        });
        if let Err(error) = written {
            // half a driver would be a mistake on the first screen; the folder was made a moment ago
            let _ = std::fs::remove_dir_all(&folder);
            return Err(not_written(&folder, &error));
        }
        self.reload_drivers();
        Ok(folder)
    }

    fn write_test(
        &self,
        stem: &str,
        transcript: &Transcript,
        config: Option<&str>,
    ) -> Result<PathBuf, ActError> {
        let id = &transcript.driver;
        let drivers = self.drivers();
        let taken = drivers.transcripts(id).into_iter().find(|file| file.stem == stem);
        if taken.is_some_and(|file| !is_of(&file.text, transcript)) {
            return Err(ActError::conflict(format!(
                "driver {id} has another test {stem:?}: name this one with --as STEM"
            )));
        }
        if drivers.folder(id).is_none() {
            let (_, text) = drivers.text(id).map_err(|problem| ActError::usage(problem.to_string()))?;
            self.write_driver(id, &text)?;
        }
        let folder = self.drivers_dir().join(id.as_str()).join("transcripts");
        let path = folder.join(format!("{stem}.transcript"));
        let golden = path.with_extension("config");
        let written = std::fs::create_dir_all(&folder)
            .and_then(|()| config.map_or(Ok(()), |config| put(&golden, config)))
            .and_then(|()| put(&path, &transcript.to_string()));
        written.map_err(|error| not_written(&path, &error))?;
        self.reload_drivers();
        Ok(path)
    }
}

/// Whether a file is of the same session, saved before.
fn is_of(text: &str, transcript: &Transcript) -> bool {
    let steps = |transcript: &Transcript| -> Vec<Step> {
        transcript.steps.iter().map(|(_, step)| step.clone()).collect()
    };
    text.parse::<Transcript>().is_ok_and(|saved| steps(&saved) == steps(transcript))
}

fn check_stem(stem: &str) -> Result<(), ActError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if stem.is_empty() || stem.len() > LONGEST_STEM || !stem.chars().all(fits) {
        return Err(ActError::usage(format!(
            "{stem:?} names no test: letters, digits, - and _ do, at most {LONGEST_STEM} of them"
        )));
    }
    Ok(())
}

/// Writes a file, whole or not at all, for its owner alone: what a device said may hold secrets that no pattern knows.
fn put(path: &Path, text: &str) -> std::io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&fresh, path)
}

fn not_written(path: &Path, error: &std::io::Error) -> ActError {
    let message = format!("writing {}: {error}; may this user write there?", path.display());
    ActError::new(ActErrorKind::Storage, message)
}
