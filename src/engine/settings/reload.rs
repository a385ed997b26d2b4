//! A changed `config.toml` is taken up while the engine runs, as a whole or not at all.

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::{FILE, Settings, SettingsError, Stamp, keys};
use crate::engine::actor::Actor;
use crate::engine::events::with_events;
use crate::engine::inventory::entry;
use crate::engine::start::{Engine, Options, lock};
use crate::model::{EventKind, Severity};

/// How often the files are looked at. They are taken up when they stood still from one look to the next: an editor may be
/// in the middle of writing one.
const LOOK: Duration = Duration::from_secs(1);

/// The file, and the files with secrets that the settings name.
fn stamps(folder: &Path, settings: &Settings) -> Vec<Stamp> {
    let secrets = settings.snmp.secret_files.iter().map(|file| Stamp::of(file));
    std::iter::once(Stamp::of(&folder.join(FILE))).chain(secrets).collect()
}

/// What the engine remembers of the files.
pub(in crate::engine) struct Reload {
    /// As they were when they were read.
    read: Vec<Stamp>,
    /// As they were at the last look.
    seen: Vec<Stamp>,
    /// The settings of the engine's start: some hold until its end.
    start: Arc<Settings>,
    /// What is wrong with the file now.
    mistake: Option<SettingsError>,
}

impl Reload {
    /// Reads the settings of an engine that starts.
    pub fn begin(options: &Options) -> Result<(Self, Arc<Settings>), SettingsError> {
        let folder = &options.config_dir;
        // looked at before they are read: a change in between is seen as one. Which they are is known when they were read
        let read = stamps(folder, &Settings::read(folder)?);
        let settings = Arc::new(overridden(Settings::read(folder)?, options));
        Ok((Self { seen: read.clone(), read, start: Arc::clone(&settings), mistake: None }, settings))
    }
}

/// What the command line asks for goes before the file.
fn overridden(mut settings: Settings, options: &Options) -> Settings {
    settings.limits = options.limits.unwrap_or(settings.limits);
    settings.concurrency = options.concurrency.unwrap_or(settings.concurrency).max(1);
    settings
}

/// Runs until the engine is let go.
pub(in crate::engine) async fn work(engine: Weak<Engine>) {
    loop {
        let Some(alive) = engine.upgrade() else { return };
        alive.look_at_settings_file().await;
        // an engine that nobody holds any more must not be held by this wait
        drop(alive);
        tokio::time::sleep(LOOK).await;
    }
}

impl Engine {
    /// What is wrong with `config.toml` since it was changed; the settings before it are in force.
    pub fn settings_mistake(&self) -> Option<SettingsError> {
        lock(&self.reload).mistake.clone()
    }

    /// The keys, by their whole names, whose values are in force only after a restart.
    pub fn settings_waiting(&self) -> Vec<String> {
        let start = Arc::clone(&lock(&self.reload).start);
        let waiting = keys::differences(&start, &self.settings()).into_iter();
        waiting.filter(|(_, key, _)| key.at_restart).map(|(name, ..)| name).collect()
    }

    /// Reads `config.toml` now, without waiting for it to stand still, and takes it up.
    ///
    /// # Errors
    /// What is wrong with it; the settings stay as they were.
    pub async fn reload_settings(self: &Arc<Self>) -> Result<(), SettingsError> {
        let now = stamps(&self.options.config_dir, &self.settings());
        let read = Settings::read(&self.options.config_dir);
        {
            let mut reload = lock(&self.reload);
            (reload.read, reload.seen) = (now.clone(), now);
        }
        match read {
            Ok(settings) => self.take_up_settings(overridden(settings, &self.options)).await,
            Err(error) => {
                self.keep_settings(error.clone());
                return Err(error);
            }
        }
        Ok(())
    }

    async fn look_at_settings_file(self: &Arc<Self>) {
        // where other files are named than before, these are looked at from the next time on, and read once more then
        let look = || stamps(&self.options.config_dir, &self.settings());
        let now = look();
        {
            let mut reload = lock(&self.reload);
            let stands_still = std::mem::replace(&mut reload.seen, now.clone()) == now;
            if now == reload.read || !stands_still {
                return;
            }
        }
        let read = Settings::read(&self.options.config_dir);
        if look() != now {
            return;
        }
        lock(&self.reload).read = now;
        match read {
            Ok(settings) => self.take_up_settings(overridden(settings, &self.options)).await,
            Err(error) => self.keep_settings(error),
        }
    }

    fn keep_settings(&self, error: SettingsError) {
        let message = format!("the settings stay as they were before this mistake: {error}");
        lock(&self.reload).mistake = Some(error);
        let event = self.event(self.now(), EventKind::System, Severity::Error, None, &message);
        self.tell(vec![event]);
    }

    async fn take_up_settings(self: &Arc<Self>, settings: Settings) {
        let was_wrong = lock(&self.reload).mistake.take().is_some();
        let before = self.settings();
        let differences = keys::differences(&before, &settings);
        let anchored_anew = before.audit != settings.audit;
        self.queue.set_sessions(settings.concurrency);
        self.present().set_late_after(settings.late_after, self.now());
        // also where no value differs: the lines do
        self.settings.send_replace(Arc::new(settings));
        self.replan.notify_one();
        if differences.is_empty() && !was_wrong {
            return;
        }
        let words: Vec<&str> = differences.iter().map(|(.., words)| words.as_str()).collect();
        let mut message = match &words[..] {
            [] => format!("{FILE} is well made again; the settings are as they were"),
            words => format!("{FILE} is taken up: {}", words.join(", ")),
        };
        let waiting = self.settings_waiting();
        if !waiting.is_empty() {
            message += &format!("; in force after a restart of noctule: {}", waiting.join(", "));
        }
        let (now, by) = (self.now(), Actor::engine("config reload"));
        let events = vec![self.event(now, EventKind::System, Severity::Info, None, &message)];
        // where the store refuses, the settings are in force all the same, and the screen says so
        let _ = self.commit(with_events(entry(now, &by, "config reload"), &events), "storing a change").await;
        self.tell(events);
        self.publish_now();
        if anchored_anew {
            // what is to vouch for the journal is there from now on, or says why not
            self.anchor().await;
        }
    }
}
