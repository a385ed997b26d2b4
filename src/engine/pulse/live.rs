//! The pulse at work: every device of the inventory is watched, by one thread, for as long as the engine runs.
//!
//! `plan` says who is to be watched and how; `thread` does it and shows a picture about once a second; `names` looks
//! up the addresses of devices that are known by a host name.

mod gateway;
mod names;
mod plan;
mod record;
mod thread;

use std::collections::HashSet;
use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::engine::series::Series;
use crate::engine::settings::{Canaries, Settings};
use crate::engine::start::{Engine, lock};
use crate::model::{Device, DeviceId, EventKind, Severity};

use super::picture::PulsePicture;
use names::Names;
use record::Record;
use thread::{Order, Probing};

/// How often it is looked whether somebody else is to be watched, at the least.
const LOOK: Duration = Duration::from_secs(1);

/// A pulse that runs; dropping it ends its thread.
pub(in crate::engine) struct Live {
    orders: mpsc::Sender<Order>,
    pictures: watch::Receiver<Arc<PulsePicture>>,
}

/// What the devices are watched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// For as long as the engine runs, with incidents.
    Watch,
    /// For one look: every device is probed once a second, and no incident is opened.
    Look,
}

impl Engine {
    /// Starts to watch the devices; does nothing where they are watched already. Call it inside a tokio runtime.
    pub fn start_pulse(self: &Arc<Self>, purpose: Purpose) {
        let mut live = lock(&self.live_pulse);
        if live.is_some() {
            return;
        }
        let settings = self.settings();
        let (orders, ordered) = mpsc::channel();
        let (show, pictures) = watch::channel(Arc::new(PulsePicture::default()));
        let probing = Probing {
            probers: self.options.probers.clone(),
            clock: self.options.clock.clone(),
            timeout: settings.pulse.timeout,
            canaries: match &settings.pulse.canaries {
                Canaries::These(addresses) => addresses.clone(),
                Canaries::Gateway => gateway::of_this_host().into_iter().collect(),
            },
            orders: ordered,
            record: Record::new((purpose == Purpose::Watch).then(|| self.series_or_tell()).flatten()),
            show,
            counters: Arc::clone(&self.counters),
        };
        let spawned = std::thread::Builder::new().name("pulse".to_owned()).spawn(move || probing.run());
        if let Err(error) = spawned {
            let message = format!("the devices are not watched: starting the thread that probes: {error}");
            let event = self.event(self.now(), EventKind::Pulse, Severity::Error, None, &message);
            return self.tell(vec![event]);
        }
        self.add_worker(tokio::spawn(keep_plan(Arc::downgrade(self), orders.clone(), purpose)));
        self.add_worker(tokio::spawn(show_pictures(Arc::downgrade(self), pictures.clone())));
        if purpose == Purpose::Watch {
            let look = crate::engine::incident::work(Arc::downgrade(self), pictures.clone());
            self.add_worker(tokio::spawn(look));
        }
        *live = Some(Live { orders, pictures });
    }

    /// Ends the watch. What is under way counts for nothing.
    pub(in crate::engine) fn stop_pulse(&self) {
        if let Some(live) = lock(&self.live_pulse).take() {
            // a thread that is gone has stopped already
            let _ = live.orders.send(Order::Stop);
        }
    }

    /// What the pulse knows, as it moves; `None` where it does not run.
    pub fn watch_pulse(&self) -> Option<watch::Receiver<Arc<PulsePicture>>> {
        lock(&self.live_pulse).as_ref().map(|live| live.pictures.clone())
    }

    /// Where what is heard is kept; a pulse without it is better than none.
    fn series_or_tell(self: &Arc<Self>) -> Option<Arc<Series>> {
        let opened = self.series();
        if let Err(error) = &opened {
            let message = format!("what the pulse hears is not kept: {}", error.message);
            let event = self.event(self.now(), EventKind::Pulse, Severity::Error, None, &message);
            self.tell(vec![event]);
        }
        opened.ok()
    }

    fn add_worker(&self, worker: JoinHandle<()>) {
        lock(&self.workers).push(worker);
    }
}

/// The worker that tells the thread whom to watch, whenever that changes.
async fn keep_plan(engine: Weak<Engine>, orders: mpsc::Sender<Order>, purpose: Purpose) {
    let mut names = Names::default();
    let mut planned: Vec<Arc<Device>> = Vec::new();
    let mut in_work: HashSet<DeviceId> = HashSet::new();
    let mut settings: Option<Arc<Settings>> = None;
    loop {
        let Some(alive) = engine.upgrade() else { return };
        let devices = alive.present().living_devices();
        let planned_work = alive.devices_in_planned_work(&devices, &in_work).await;
        let looked_up = names.look_up(&devices, alive.now());
        let same = devices.len() == planned.len()
            && devices.iter().zip(&planned).all(|(one, other)| Arc::ptr_eq(one, other));
        let said = alive.settings();
        let same_settings = settings.as_ref().is_some_and(|settings| settings.pulse == said.pulse);
        if !same || looked_up || planned_work != in_work || !same_settings {
            let mut wanted = plan::plan(&devices, &said.pulse, &planned_work, &names);
            if purpose == Purpose::Look {
                wanted.iter_mut().for_each(|one| one.interval = LOOK);
            }
            if orders.send(Order::Watch(wanted)).is_err() {
                return;
            }
            (planned, in_work, settings) = (devices, planned_work, Some(said));
        }
        let bell = Arc::clone(&alive.replan);
        drop(alive);
        tokio::select! {
            () = names.answered() => {}
            () = bell.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// The worker that puts pictures into the snapshot, and says aloud when this host is cut off.
async fn show_pictures(engine: Weak<Engine>, mut pictures: watch::Receiver<Arc<PulsePicture>>) {
    let (mut cut_off, mut notices) = (false, Vec::new());
    while pictures.changed().await.is_ok() {
        let picture = pictures.borrow_and_update().clone();
        let Some(alive) = engine.upgrade() else { return };
        if picture.cut_off.is_some() != cut_off {
            cut_off = picture.cut_off.is_some();
            let (severity, message) = match cut_off {
                true => (
                    Severity::Error,
                    "this host is cut off: every canary is silent; states stand as they were",
                ),
                false => (Severity::Info, "this host sees again"),
            };
            let event = alive.event(alive.now(), EventKind::Pulse, severity, None, message);
            alive.tell(vec![event]);
        }
        if picture.notices != notices {
            notices.clone_from(&picture.notices);
            let say =
                |notice: &String| alive.event(alive.now(), EventKind::Pulse, Severity::Warning, None, notice);
            alive.tell(notices.iter().map(say).collect());
        }
        alive.present().put_pulse(picture);
        alive.publisher.ring();
    }
}
