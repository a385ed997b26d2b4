//! The operator's own driver files, and drivers tried on recordings without touching a device.

use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::device::driver::{CompiledDriver, Drivers, compile};
use crate::device::explain::{Reading, explain};
use crate::device::proof;
use crate::device::transcript::{Step, Transcript};
use crate::model::{BlobId, DeviceId, DriverId, Timestamp, clean_line};

use super::actor::Actor;
use super::error::ActError;
use super::start::Engine;

/// A driver's file.
#[derive(Clone, Debug)]
pub struct DriverText {
    /// Which driver.
    pub id: DriverId,
    /// Where it is read from.
    pub file: String,
    /// What it says.
    pub text: Arc<str>,
    /// Whether it is the operator's own; else it is the program's, and saving makes it the operator's own.
    pub own: bool,
}

/// A driver in a list.
#[derive(Clone, Debug)]
pub struct DriverInfo {
    /// Its id.
    pub id: DriverId,
    /// Who makes the device, and what it is called; empty where the file cannot be read.
    pub device: String,
    /// Transports, the preferred one first.
    pub transports: String,
    /// What it was tried on.
    pub tried: String,
    /// Whether it is the operator's own.
    pub own: bool,
    /// What is wrong with its file.
    pub problem: Option<String>,
}

/// A recording, and what a driver makes of it.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The recording's number.
    pub id: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// What was tried then, and how it was reached.
    pub about: String,
    /// The driver that read it now.
    pub driver: DriverId,
    /// The steps.
    pub readings: Arc<[Reading]>,
    /// What comes of a session with this driver now.
    pub outcome: Outcome,
}

/// What comes of a session that a recording answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A configuration of so many lines; what speaks against its being whole.
    Configuration {
        /// Its lines.
        lines: usize,
        /// `None` where it is proven.
        doubt: Option<String>,
    },
    /// It fails, for this reason.
    Failed(String),
    /// The driver got to the recording's end, and would have gone on by typing this: only a device can say more.
    GoesOn(String),
    /// The driver does something else than what was done then, in this line of the recording.
    Differs {
        /// The line, counting from 1.
        line: usize,
        /// What the recording has there and what the driver does, in words.
        what: String,
    },
}

impl Outcome {
    /// Whether nothing in the recording speaks against the driver: it brings a proven configuration, or gets to the end.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Configuration { doubt: None, .. } | Self::GoesOn(_))
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Configuration { lines, doubt: None } => {
                write!(f, "With this driver the recording brings a whole configuration of {lines} lines")
            }
            Self::Configuration { lines, doubt: Some(doubt) } => {
                write!(f, "With this driver {lines} lines come, and they are put aside: {doubt}")
            }
            Self::Failed(why) => write!(f, "With this driver it fails: {why}"),
            Self::GoesOn(next) => write!(
                f,
                "With this driver it gets to the recording's end, and would go on with {next:?}: try the device"
            ),
            Self::Differs { line, what } => write!(f, "With this driver it differs at line {line}: {what}"),
        }
    }
}

/// The SHA-256 of a driver's text, in hex: what somebody has seen who wants to overwrite it.
pub fn digest(text: &str) -> String {
    BlobId(Sha256::digest(text.as_bytes()).into()).to_string()
}

/// Every driver, by id. Compiles those that were not used yet. Blocks.
pub fn list(drivers: &Drivers) -> Vec<DriverInfo> {
    let info = |id: &DriverId| {
        let own = drivers.folder(id).is_some();
        let clean = |text: &str| clean_line(text).into_owned();
        match drivers.get(id) {
            Ok(driver) => {
                let transports = driver.transports.iter().map(|transport| transport.as_str());
                DriverInfo {
                    id: id.clone(),
                    device: clean(&format!("{} {}", driver.vendor, driver.name)),
                    transports: transports.collect::<Vec<_>>().join(" "),
                    tried: clean(&driver.tried),
                    own,
                    problem: None,
                }
            }
            Err(problem) => DriverInfo {
                id: id.clone(),
                device: String::new(),
                transports: String::new(),
                tried: String::new(),
                own,
                problem: Some(clean(&problem.to_string())),
            },
        }
    };
    drivers.ids().map(info).collect()
}

impl Engine {
    /// A driver's file. Blocks.
    pub(super) fn read_driver(&self, id: &DriverId) -> Result<DriverText, ActError> {
        let drivers = self.drivers();
        let (file, text) = drivers.text(id).map_err(|problem| ActError::not_found(problem.to_string()))?;
        Ok(DriverText { id: id.clone(), file, text: text.into(), own: drivers.folder(id).is_some() })
    }

    /// As [`list`], of the drivers in use. Blocks.
    pub(super) fn list_drivers(&self) -> Vec<DriverInfo> {
        list(&self.drivers())
    }

    /// Saves a driver's file as the operator's own, after it was found well made, and uses it from now on. Transcripts
    /// of the program's driver of that name are copied beside it, so that `driver test` has something to prove.
    ///
    /// # Errors
    /// When the text has a mistake (nothing is written then), or the folder cannot be written.
    pub async fn save_driver(
        self: &Arc<Self>,
        actor: &Actor,
        id: &DriverId,
        text: &str,
    ) -> Result<PathBuf, ActError> {
        self.save_driver_seen(actor, id, None, text).await
    }

    /// The same; `seen` is the SHA-256 of the text that who asks has seen, see [`digest`].
    ///
    /// # Errors
    /// As [`Engine::save_driver`]; also when the file says something else than what was seen.
    pub async fn save_driver_seen(
        self: &Arc<Self>,
        actor: &Actor,
        id: &DriverId,
        seen: Option<&str>,
        text: &str,
    ) -> Result<PathBuf, ActError> {
        let _acting = self.acting.lock().await;
        if let Some(seen) = seen {
            let read = id.clone();
            let now = self.aside(move |engine| engine.read_driver(&read)).await?;
            if digest(&now.text) != seen.to_ascii_lowercase() {
                let who = self.last_act(&format!("driver save {id} ")).await;
                let who = who.unwrap_or_else(|| "somebody has changed the file".to_owned());
                return Err(ActError::conflict(format!(
                    "the driver {id} was changed meanwhile, and nothing was overwritten: {who}; look again with `driver show {id}`"
                )));
            }
        }
        let (saved, text) = (id.clone(), text.to_owned());
        let path = self.aside(move |engine| engine.write_driver(&saved, &text)).await?;
        let message = format!("driver {id} saved by {}", actor.name);
        self.tell_of_files(actor, "driver save", None, &message).await?;
        Ok(path)
    }

    pub(super) fn write_driver(&self, id: &DriverId, text: &str) -> Result<PathBuf, ActError> {
        compile(id, "driver.toml", text).map_err(|problem| ActError::usage(problem.to_string()))?;
        let drivers = self.drivers();
        let folder = self.drivers_dir().join(id.as_str());
        let path = folder.join("driver.toml");
        let failed = |error: std::io::Error| {
            ActError::new(
                super::ActErrorKind::Storage,
                format!("writing {}: {error}; may this user write there?", path.display()),
            )
        };
        let copied = if drivers.folder(id).is_none() { drivers.transcripts(id) } else { Vec::new() };
        std::fs::create_dir_all(folder.join("transcripts")).map_err(failed)?;
        for file in copied {
            let place = folder.join("transcripts").join(&file.stem);
            std::fs::write(place.with_extension("transcript"), &file.text).map_err(failed)?;
            if let Some(config) = &file.config {
                std::fs::write(place.with_extension("config"), config).map_err(failed)?;
            }
        }
        // whole or not at all: a driver that is cut short would fail the next night's backups
        let fresh = folder.join("driver.toml.new");
        std::fs::write(&fresh, text).and_then(|()| std::fs::rename(&fresh, &path)).map_err(failed)?;
        self.reload_drivers();
        Ok(path)
    }

    /// What a driver makes of a recording, the newest one unless it is named: the driver of then as it is now, or the
    /// text of one that is being written.
    ///
    /// # Errors
    /// When there is no such recording, or the driver has a mistake.
    pub async fn replay(
        self: &Arc<Self>,
        device: DeviceId,
        id: Option<u64>,
        driver: Option<&str>,
    ) -> Result<Replay, ActError> {
        let id = match id {
            Some(id) => id,
            None => self.newest_recording(device).await?,
        };
        let (recording, text) = self.recording(device, id).await?;
        let transcript: Transcript =
            text.parse().map_err(|error| ActError::storage(&format!("reading recording {id}"), error))?;
        let compiled = self.driver_for(&transcript.driver, driver)?;
        let readings = explain(&compiled, &transcript).into();
        let outcome = outcome(&compiled, &transcript).await;
        Ok(Replay {
            id,
            at: recording.at,
            about: clean_line(&transcript.about).into_owned(),
            driver: transcript.driver,
            readings,
            outcome,
        })
    }

    /// The newest recording of a device.
    ///
    /// # Errors
    /// When none is kept.
    pub async fn newest_recording(self: &Arc<Self>, device: DeviceId) -> Result<u64, ActError> {
        let newest = self.recordings(device).await?.first().map(|(id, _)| *id);
        newest.ok_or_else(|| {
            ActError::not_found("no recording is kept of this device: sessions that fail leave one")
        })
    }

    fn driver_for(&self, id: &DriverId, text: Option<&str>) -> Result<Arc<CompiledDriver>, ActError> {
        let wrong = |problem: crate::device::driver::Problem| ActError::usage(problem.to_string());
        match text {
            Some(text) => compile(id, "driver.toml", text).map(Arc::new).map_err(wrong),
            None => self.drivers().get(id).map_err(wrong),
        }
    }
}

async fn outcome(driver: &Arc<CompiledDriver>, transcript: &Transcript) -> Outcome {
    // silences are for people: a replay does not wait
    let mut quick = transcript.clone();
    quick.steps.retain(|(_, step)| !matches!(step, Step::Wait(_)));
    let (ended, mismatch) = proof::play_on(driver, &quick).await;
    match (ended, mismatch) {
        (Ok(capture), None) => {
            Outcome::Configuration { lines: capture.exact.lines().count(), doubt: capture.doubt }
        }
        (_, Some(mismatch)) if mismatch.is_at_end() => {
            Outcome::GoesOn(clean_line(&mismatch.got).into_owned())
        }
        (_, Some(mismatch)) => Outcome::Differs {
            line: mismatch.line,
            what: format!(
                "the recording has {}, the driver types {:?}",
                clean_line(&mismatch.expected),
                clean_line(&mismatch.got)
            ),
        },
        (Err(failure), None) => Outcome::Failed(failure.to_string()),
    }
}
