//! What the pulse heard and how devices stood, kept: for charts, percentiles and availability.
//!
//! The pulse hands over what it heard and goes on; a thread of its own packs it, writes it once a minute, and puts each
//! hour into files when it is over (see `store/series`). A crash may cost the last minute.

mod availability;
mod history;
mod keeper;
mod open;
mod service;
mod stretches;
mod walk;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock, mpsc};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::engine::clock::Clock;
use crate::engine::pulse::State;
use crate::engine::start::lock;
use crate::model::{DeviceId, Timestamp};
use crate::store::StoreError;
use crate::store::series::Folder;

pub use availability::{Availability, Outage};
pub use history::{History, Point, Total};
pub use service::DeviceHistory;
pub use stretches::Stretch;

pub use crate::store::series::Standing;

use keeper::Order;
use open::Open;

/// So many samples may wait for the thread that packs them; more are let go, and that is told.
const MOST_WAITING: usize = 2_000_000;

/// What the pulse heard of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Whose.
    pub device: DeviceId,
    /// When it was asked.
    pub at: Timestamp,
    /// How long the answer took; `None` where it was lost.
    pub rtt: Option<Duration>,
}

/// A change of a device's state, or of whether it is in planned work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// Whose.
    pub device: DeviceId,
    /// When.
    pub at: Timestamp,
    /// What it is from then on; unknown where it is watched no longer.
    pub state: State,
    /// Whether it is in planned work from then on.
    pub planned: bool,
}

/// How long what is kept. Files are counted, not days: an hour or a day in which nothing was watched takes no place,
/// and a clock that was set wrong for a while throws nothing away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Every sample.
    pub samples: Duration,
    /// The rows of the hours, and the changes of state.
    pub rows: Duration,
}

impl Default for Keeping {
    /// Samples for a month (`cargo bench --bench series` says what they cost); rows for a year and a month more,
    /// so that the year can be reported when it is over.
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self { samples: DAY * 30, rows: DAY * 400 }
    }
}

/// The samples of one data folder. Dropping it writes what was handed over.
pub struct Series {
    shared: Arc<Shared>,
    orders: mpsc::Sender<Order>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

/// What the keeping thread and readers share.
struct Shared {
    folder: Folder,
    clock: Clock,
    /// What is in no file of an hour yet.
    open: Mutex<Open>,
    /// Held for writing while samples go from `open` into files, so that no reader meets them twice or not at all.
    moving: RwLock<()>,
    /// Samples that the thread has not taken yet.
    waiting: AtomicUsize,
    /// Samples that found too many before them.
    let_go: AtomicUsize,
    /// Sentences for the event log.
    tell: UnboundedSender<Vec<String>>,
    told: Mutex<std::collections::HashSet<String>>,
    trouble: Mutex<Option<String>>,
}

impl Shared {
    /// Says a sentence once.
    fn tell_once(&self, sentence: String) {
        if lock(&self.told).insert(sentence.clone()) {
            let _ = self.tell.send(vec![sentence]);
        }
    }
}

impl Series {
    /// Opens the samples in the folder `path`, which is made where there is none, and takes up what was not in files yet.
    /// What there is to say goes to `tell`, in sentences for the event log.
    ///
    /// # Errors
    /// The disk refuses it.
    pub fn open(
        path: &Path,
        keeping: Keeping,
        clock: Clock,
        tell: UnboundedSender<Vec<String>>,
    ) -> Result<Self, StoreError> {
        let folder = Folder::open(path)?;
        let shared = Arc::new(Shared {
            folder,
            clock,
            open: Mutex::default(),
            moving: RwLock::default(),
            waiting: AtomicUsize::new(0),
            let_go: AtomicUsize::new(0),
            tell,
            told: Mutex::default(),
            trouble: Mutex::default(),
        });
        let (orders, ordered) = mpsc::channel();
        let (holding, held) = mpsc::channel();
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("series".to_owned())
            .spawn(move || keeper::work(theirs, keeping, ordered, holding))
            .map_err(|source| StoreError::File {
                act: "start the thread that keeps",
                path: path.to_owned(),
                source,
            })?;
        // from here on readers wait until all is taken up
        let _ = held.recv();
        Ok(Self { shared, orders, thread: Mutex::new(Some(thread)) })
    }

    /// Hands over what was heard. Never waits; where the disk has not kept up with millions of samples, newer ones are
    /// let go and that is told.
    pub fn add(&self, samples: &[Sample]) {
        if samples.is_empty() {
            return;
        }
        if self.shared.waiting.load(Ordering::Relaxed) + samples.len() > MOST_WAITING {
            self.shared.let_go.fetch_add(samples.len(), Ordering::Relaxed);
            return;
        }
        self.shared.waiting.fetch_add(samples.len(), Ordering::Relaxed);
        // a thread that is gone has said why
        let _ = self.orders.send(Order::Samples(samples.into()));
    }

    /// Hands over changes of state. Never waits.
    pub fn change(&self, changes: &[StateChange]) {
        if !changes.is_empty() {
            let _ = self.orders.send(Order::Changes(changes.into()));
        }
    }

    /// Waits until everything that was handed over is on the disk, as far as the disk takes it.
    pub fn flush(&self) {
        let (done, wait) = mpsc::channel();
        if self.orders.send(Order::Flush(done)).is_ok() {
            let _ = wait.recv();
        }
    }

    /// Writes everything, says in the log of states that nobody watches any more, and ends.
    pub fn close(&self) {
        let _ = self.orders.send(Order::Stop);
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }

    /// Why the disk takes nothing; `None` while it does.
    pub fn trouble(&self) -> Option<String> {
        lock(&self.shared.trouble).clone()
    }

    /// The memory that samples take which are in no file of an hour yet, in bytes.
    pub fn room(&self) -> usize {
        lock(&self.shared.open).room()
    }

    /// How many bytes lie on the disk.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn size(&self) -> Result<u64, StoreError> {
        self.shared.folder.size()
    }
}

impl Drop for Series {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests;
