//! The engine itself: opened once per process, shared by every session.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinHandle;

use crate::device::driver::{Drivers, Limits};
use crate::device::icmp::Probers;
use crate::device::snmp::Sockets;
use crate::device::transport::KnownHostsFiles;
use crate::model::{BlobId, Device, DeviceName, Event, Timestamp};
use crate::store::{OpenReport, Store, StoreError, Unlock};

use super::audit::{self, Anchoring, ReadLately, Refusals};
use super::backup::{Network, Queue, Reader, Transports};
use super::clock::Clock;
use super::counters::Counters;
use super::drafts::Drafts;
use super::error::ActError;
use super::identity::CurrentRules;
use super::incident::Ledger;
use super::notify::{self, Notifier};
use super::present::{EVENTS, Present};
use super::publish::{self, Publisher};
use super::pulse::Purpose;
use super::pulse::live::Live;
use super::records::values;
use super::schedule::Asked;
use super::selection::{Selection, unknown_name};
use super::series::Series;
use super::sessions::Sessions;
use super::settings::{self, Reload, Settings, SettingsError};
use super::snapshot::{DeviceRow, Snapshot};
use super::store_backup::{self, Copies};
use super::store_watch;
use super::users::Book;
use super::vault::Vault;

/// How an engine is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the store lies.
    pub data_dir: PathBuf,
    /// Where `config.toml` and the operator's own drivers lie; need not exist.
    pub config_dir: PathBuf,
    /// Overrides the settings' limits.
    pub limits: Option<Limits>,
    /// Overrides the settings' number of sessions at once.
    pub concurrency: Option<usize>,
    /// Whether the daily backup runs by itself; a one-shot command line says no.
    pub schedule: bool,
    /// Whether devices are asked who they are by themselves also where the schedule does not run.
    pub identify: bool,
    /// Whether the devices are watched by themselves; a one-shot command line says no.
    pub pulse: bool,
    /// By what they are probed.
    pub probers: Probers,
    /// What opens the store, beside the files in its folder.
    pub unlock: Unlock,
    /// The time.
    pub clock: Clock,
}

impl Options {
    /// The usual engine over these folders, with the schedule and the pulse on.
    pub fn new(data_dir: impl Into<PathBuf>, config_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            config_dir: config_dir.into(),
            limits: None,
            concurrency: None,
            schedule: true,
            identify: false,
            pulse: true,
            probers: Probers::default(),
            unlock: Unlock::default(),
            clock: Clock::system(),
        }
    }
}

/// Why the engine did not start.
#[derive(Debug)]
pub enum StartError {
    /// The configuration file has a mistake.
    Settings(SettingsError),
    /// The store did not open; the sentence says why and what to do.
    Store(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(error) => write!(f, "reading the settings: {error}"),
            Self::Store(error) => f.write_str(error),
        }
    }
}

impl std::error::Error for StartError {}

/// See the file's head. Its services are methods, a file each.
pub struct Engine {
    pub(super) options: Options,
    /// Read anew when the file is changed: see `settings/reload`.
    pub(super) settings: watch::Sender<Arc<Settings>>,
    pub(super) reload: Mutex<Reload>,
    pub(super) opening_notes: Vec<String>,
    pub(super) store: Store,
    pub(super) reader: Arc<dyn Reader>,
    /// Read anew when an operator's driver file is saved.
    pub(super) drivers: ArcSwap<Drivers>,
    pub(super) queue: Queue,
    pub(super) snmp: Arc<Sockets>,
    /// A permit per device's web page that is open.
    pub(super) web_pages: Arc<tokio::sync::Semaphore>,
    pub(super) identity_rules: Mutex<CurrentRules>,
    pub(super) publisher: Arc<Publisher>,
    pub(super) bus: broadcast::Sender<Event>,
    /// Held while an act on the inventory checks, stores and shows: two people never take one name.
    pub(super) acting: tokio::sync::Mutex<()>,
    /// Read by each run from its first body to its entry, written by the sweep of bodies.
    pub(super) storing: tokio::sync::RwLock<()>,
    /// Bodies that may have no name left.
    pub(super) let_go: Mutex<HashSet<BlobId>>,
    /// Files of OpenSSH, as they were when they were last looked into.
    pub(super) known_hosts: KnownHostsFiles,
    /// Whom the schedule has asked for.
    pub(super) asked: Mutex<Asked>,
    /// The watch over the devices, where one runs.
    pub(super) live_pulse: Mutex<Option<Live>>,
    /// Planned work has changed: the watch should look at once.
    pub(super) replan: Arc<Notify>,
    pub(super) incidents: tokio::sync::Mutex<Ledger>,
    /// What the pulse has heard; opened when it is wanted.
    pub(super) series: Mutex<Option<Arc<Series>>>,
    /// The store's copies.
    pub(super) copies: Copies,
    /// Who is told of what happens.
    pub(super) notifier: Arc<Notifier>,
    /// How the anchoring of the journal fares.
    pub(super) anchoring: tokio::sync::Mutex<Anchoring>,
    /// How many refusals of whom were journalled lately.
    pub(super) refusals: Mutex<Refusals>,
    /// Whose reading of what was journalled lately.
    pub(super) read_lately: Mutex<ReadLately>,
    /// Who may do what, and who came in.
    pub(super) book: Book,
    /// What those who were cut off were writing.
    pub(super) drafts: Mutex<Drafts>,
    /// Who is in.
    pub(super) sessions: Arc<Sessions>,
    /// Credentials, and to whom they are given.
    pub(super) vault: Vault,
    /// What is counted, for metrics.
    pub(super) counters: Arc<Counters>,
    /// Held by whoever asks the disk for figures.
    pub(super) disk_turn: Arc<tokio::sync::Mutex<()>>,
    present: Mutex<Present>,
    pub(super) workers: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    /// Opens the store, reads the present into memory and starts the workers. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// When the settings have a mistake, or the store does not open.
    pub async fn start(options: Options) -> Result<Arc<Self>, StartError> {
        Self::start_with(options, Arc::new(Network::new(Transports::new()))).await
    }

    /// The same, with another way to read devices: a test's.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub async fn start_with(mut options: Options, reader: Arc<dyn Reader>) -> Result<Arc<Self>, StartError> {
        let (reload, settings) = Reload::begin(&options).map_err(StartError::Settings)?;
        let now = options.clock.now();
        let drivers = Drivers::load(Some(&options.config_dir.join("drivers")));
        let (dir, late_after) = (options.data_dir.clone(), settings.late_after);
        // what was said is not kept longer than it is needed
        let unlock = std::mem::take(&mut options.unlock);
        let (store, present, ledger, book, vault, report) =
            tokio::task::spawn_blocking(move || open(&dir, &unlock, late_after, now))
                .await
                .map_err(|error| StartError::Store(error.to_string()))??;
        let engine = Arc::new(Self {
            queue: Queue::new(settings.concurrency),
            snmp: Arc::default(),
            web_pages: Arc::new(tokio::sync::Semaphore::new(super::web::MOST_PAGES)),
            identity_rules: Mutex::default(),
            publisher: Arc::default(),
            bus: broadcast::channel(1024).0,
            acting: tokio::sync::Mutex::default(),
            storing: tokio::sync::RwLock::default(),
            let_go: Mutex::default(),
            workers: Mutex::default(),
            known_hosts: KnownHostsFiles::default(),
            asked: Mutex::default(),
            live_pulse: Mutex::default(),
            replan: Arc::default(),
            incidents: tokio::sync::Mutex::new(ledger),
            series: Mutex::default(),
            copies: Copies::default(),
            notifier: Arc::default(),
            anchoring: tokio::sync::Mutex::default(),
            refusals: Mutex::default(),
            read_lately: Mutex::default(),
            book,
            drafts: Mutex::default(),
            sessions: Arc::default(),
            vault,
            counters: Arc::default(),
            disk_turn: Arc::default(),
            present: Mutex::new(present),
            options,
            settings: watch::Sender::new(settings),
            reload: Mutex::new(reload),
            opening_notes: report.notes,
            store,
            reader,
            drivers: ArcSwap::from_pointee(drivers),
        });
        engine.tell_notes(&engine.opening_notes);
        engine.publish_now();
        engine.start_workers();
        if engine.options.pulse && engine.settings().pulse.watch {
            engine.start_pulse(Purpose::Watch);
        }
        Ok(engine)
    }

    fn start_workers(self: &Arc<Self>) {
        let mut workers =
            vec![tokio::spawn(publish::work(Arc::clone(&self.publisher), Arc::downgrade(self)))];
        match self.store.late_notes() {
            Ok(Some(notes)) => {
                workers.push(tokio::spawn(store_watch::tell_notes(notes, Arc::downgrade(self))))
            }
            Ok(None) => {}
            Err(error) => self.tell_notes(&[error.to_string()]),
        }
        let health = self.store.health();
        workers.push(tokio::spawn(store_watch::watch_health(health, Arc::downgrade(self))));
        // the settings may begin to want it while the engine runs
        workers.push(tokio::spawn(audit::work(Arc::downgrade(self))));
        if self.options.schedule {
            workers.push(tokio::spawn(super::schedule::work(Arc::downgrade(self))));
            workers.push(tokio::spawn(store_backup::work(Arc::downgrade(self))));
        }
        if self.options.schedule || self.options.identify {
            workers.push(tokio::spawn(super::identity::work(Arc::downgrade(self))));
        }
        if self.options.schedule || self.options.pulse {
            workers.push(tokio::spawn(notify::work(Arc::downgrade(self))));
            workers.push(tokio::spawn(settings::work(Arc::downgrade(self))));
        }
        lock(&self.workers).extend(workers);
    }

    /// How many sessions with devices are going on, as of this very moment.
    pub fn sessions_at_work(&self) -> usize {
        self.present().running()
    }

    /// Begins no further session with a device, and waits until those at work have ended, but no longer than `limit`.
    /// What waits is skipped. For an engine that is about to stop.
    pub async fn finish_backups(&self, limit: Duration) {
        self.queue.close();
        let _ = tokio::time::timeout(limit, self.queue.idle()).await;
    }

    /// Ends the workers and the sessions: what is at work is marked as cancelled, what waits is skipped. Returns
    /// within five seconds.
    pub async fn stop(self: &Arc<Self>) {
        self.stop_pulse();
        self.queue.stop();
        let _ = tokio::time::timeout(Duration::from_secs(5), self.queue.idle()).await;
        for worker in lock(&self.workers).drain(..) {
            worker.abort();
        }
        self.close_series().await;
        self.anchor().await;
        self.publish_now();
    }

    /// The present, at most a quarter of a second old.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.publisher.latest()
    }

    /// The present, as it moves.
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.publisher.watch()
    }

    /// Events as they happen. A reader that falls 1 024 behind is told so and goes on with the newest.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.bus.subscribe()
    }

    /// What the store had to say when it was opened.
    pub fn opening_notes(&self) -> &[String] {
        &self.opening_notes
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.borrow().clone()
    }

    /// The settings in force, as they change.
    pub fn watch_settings(&self) -> watch::Receiver<Arc<Settings>> {
        self.settings.subscribe()
    }

    /// The device kinds that are known.
    pub fn drivers(&self) -> Drivers {
        Drivers::clone(&self.drivers.load())
    }

    /// Reads the operator's driver files anew: sessions that begin from now on use what they say.
    pub fn reload_drivers(&self) {
        self.drivers.store(Arc::new(Drivers::load(Some(&self.drivers_dir()))));
    }

    /// The folder of the operator's own drivers; need not exist.
    pub fn drivers_dir(&self) -> PathBuf {
        self.options.config_dir.join("drivers")
    }

    /// The store, for the commands that look after it.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The time, by the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// The folder that the store lies in.
    pub fn data_dir(&self) -> &Path {
        &self.options.data_dir
    }

    /// The folder that the settings and the operator's drivers lie in.
    pub fn config_dir(&self) -> &Path {
        &self.options.config_dir
    }

    /// Every device by name, deleted ones included, as of this very moment.
    pub fn rows(&self) -> Vec<DeviceRow> {
        self.present().rows_by_name()
    }

    /// The device of that name that is not deleted.
    ///
    /// # Errors
    /// When there is none; the nearest name is suggested.
    pub fn device(&self, name: &str) -> Result<Arc<Device>, ActError> {
        let present = self.present();
        let known = name.parse::<DeviceName>().ok().and_then(|name| present.living(&name));
        known.ok_or_else(|| {
            let living = present.devices().filter(|device| device.deleted.is_none());
            unknown_name(name, living.map(|device| &device.name))
        })
    }

    /// The device of that name, also one that was put away.
    ///
    /// # Errors
    /// When there is none; the nearest name is suggested.
    pub fn known_device(&self, name: &str) -> Result<Arc<Device>, ActError> {
        self.device(name).or_else(|unknown| {
            let put_away = self.present().devices().find(|device| device.name.as_str() == name).cloned();
            put_away.ok_or(unknown)
        })
    }

    /// The devices that a selection means, by name.
    ///
    /// # Errors
    /// When a name is unknown, or nothing was asked for.
    pub fn select(&self, selection: &Selection) -> Result<Vec<Arc<Device>>, ActError> {
        Ok(selection.pick(self.rows())?.into_iter().map(|row| row.device).collect())
    }

    /// The present, locked: for moments, never across an await.
    pub(super) fn present(&self) -> MutexGuard<'_, Present> {
        lock(&self.present)
    }

    /// Shows the present at once: after an operator's own act.
    pub(super) fn publish_now(&self) {
        let now = self.now();
        // published under the lock: an older picture must never come after a newer one
        let mut present = self.present();
        let mut picture = present.picture(now);
        picture.store_trouble = self.store.health().borrow().clone();
        picture.next_backup = self.next_backup_of(&picture.devices, now);
        self.publisher.publish(picture);
    }
}

fn open(
    dir: &Path,
    unlock: &Unlock,
    late_after: Duration,
    now: Timestamp,
) -> Result<(Store, Present, Ledger, Book, Vault, OpenReport), StartError> {
    let failed = |error: StoreError| StartError::Store(error.to_string());
    let (store, report) = Store::open_with(dir, unlock, now).map_err(failed)?;
    let devices = values(store.scan(&[]).map_err(failed)?);
    let statuses = values(store.scan(&[]).map_err(failed)?);
    let events = values(store.scan_last(&[], EVENTS).map_err(failed)?);
    let ledger =
        Ledger::load(values(store.scan(&[]).map_err(failed)?), values(store.scan(&[]).map_err(failed)?));
    let mut present = Present::load(devices, statuses, events, late_after, now);
    present.put_incidents(ledger.shown(), ledger.windows(now));
    let book = Book::load(&store).map_err(failed)?;
    let vault = Vault::load(&store).map_err(failed)?;
    Ok((store, present, ledger, book, vault, report))
}

/// A panic while the lock was held broke one picture at most; the next change mends it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
