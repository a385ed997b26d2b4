//! The demo's life: its network in the inventory, backups that run by themselves, somebody who changes things, and
//! somebody who digs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::device::driver::Drivers;
use crate::engine::backup::{BackupOptions, Network, Transports};
use crate::engine::import::Format;
use crate::engine::{Actor, Engine, Options, Selection, StartError};
use crate::lab::{Demo, DemoError, Links};

/// The settings of the demo's engine: a person who looks at a device that hangs must see why within half a minute.
const SETTINGS: &str = r#"[backup]
daily = "off"
concurrency = 8
retries = 1
retry_wait = "2s"

[pulse]
interval = "1s"
rule = []
canaries = []

[snmp]
spread = "0s"
after_outage = "20s"

[limits]
connect = "5s"
login = "8s"
idle = "8s"
session = "60s"
"#;

/// From the end of a round to the first change, so that there is soon a diff to look at.
const FIRST_CHANGE: Duration = Duration::from_secs(3);
/// From a change to the round that finds it.
const FOUND_AFTER: Duration = Duration::from_secs(2);
/// From a round to the next change.
const PAUSE: Duration = Duration::from_secs(25);
/// From the first round to the first cut of a link.
const FIRST_CUT: Duration = Duration::from_secs(30);
/// How long a link is cut.
const CUT: Duration = Duration::from_secs(45);
/// From a link that was mended to the next that is cut.
const BETWEEN_CUTS: Duration = Duration::from_secs(150);

/// Why the demo did not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoStartError {
    /// Its folder could not be made.
    #[error("making the demo's folder {folder}: {source}; is there room, and may you write there?")]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Its devices did not start.
    #[error("starting the demo's devices: {0}")]
    Network(#[from] DemoError),
    /// Its engine did not start.
    #[error("starting the demo's engine: {0}")]
    Engine(#[from] StartError),
    /// Its inventory was not taken.
    #[error("importing the demo's inventory: {0}")]
    Inventory(String),
}

/// A simulated network and the engine that looks after it.
pub struct DemoNetwork {
    options: Options,
    engine: Arc<Engine>,
    demo: Arc<Demo>,
    life: Vec<JoinHandle<()>>,
}

impl DemoNetwork {
    /// Starts the devices and an engine in `folder`, which is there and has neither data nor settings, and imports the inventory. Call it
    /// inside a tokio runtime.
    ///
    /// # Errors
    /// See [`DemoStartError`].
    pub async fn start(folder: &Path) -> Result<Self, DemoStartError> {
        let demo = Arc::new(Demo::start(&Drivers::embedded()).await?);
        let options = Options {
            schedule: false,
            identify: true,
            // every loopback address answers real probes
            probers: demo.links().probers(),
            ..Options::new(folder.join("data"), folder.join("config"))
        };
        let config = &options.config_dir;
        fs::create_dir(config)
            .and_then(|()| fs::write(config.join(crate::engine::settings::FILE), SETTINGS))
            .map_err(|source| DemoStartError::Folder { folder: config.clone(), source })?;
        // a person's ~/.ssh/config and agent are for their own network
        let reader = Arc::new(Network::new(Transports::of(None, None)));
        let engine = Engine::start_with(options.clone(), reader).await?;
        let by = Actor::new("demo", "the demo's network", "device import demo.csv");
        let csv = demo.inventory_csv().as_bytes().to_vec();
        let imported = engine
            .import(&by, csv, Format::Csv, false)
            .await
            .map_err(|error| DemoStartError::Inventory(error.message))?;
        match imported.plan.bad.first() {
            Some(bad) => Err(DemoStartError::Inventory(format!("line {}: {}", bad.line, bad.reason))),
            None => Ok(Self { options, engine, demo, life: Vec::new() }),
        }
    }

    /// How its engine was started.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Its engine.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Its links, to cut one.
    pub fn links(&self) -> &Arc<Links> {
        self.demo.links()
    }

    /// From now on backups run by themselves, configurations change now and then, and so do links.
    pub fn come_alive(&mut self) {
        let (first_round, over) = tokio::sync::oneshot::channel();
        let (engine, demo) = (Arc::clone(&self.engine), Arc::clone(&self.demo));
        self.life.push(tokio::spawn(async move {
            back_up(&engine).await;
            // nobody may wait for it
            let _ = first_round.send(());
            let mut pause = FIRST_CHANGE;
            loop {
                tokio::time::sleep(pause).await;
                demo.change_something(rand::random());
                tokio::time::sleep(FOUND_AFTER).await;
                back_up(&engine).await;
                pause = PAUSE;
            }
        }));
        let demo = Arc::clone(&self.demo);
        self.life.push(tokio::spawn(async move {
            if over.await.is_ok() {
                tokio::time::sleep(FIRST_CUT).await;
                cut_links(&demo).await;
            }
        }));
    }

    /// One round of backups, then a change that the next round finds: for a picture of the demo.
    pub async fn live_for_a_picture(&self) {
        back_up(&self.engine).await;
        self.demo.change_something(rand::random());
        back_up(&self.engine).await;
        // the picture comes a moment after the work; the engine holds its other end
        let _ = self.engine.watch().wait_for(|picture| picture.totals.running == 0).await;
    }

    /// Ends everything that goes on.
    pub async fn stop(&mut self) {
        self.life.drain(..).for_each(|life| life.abort());
        self.engine.stop().await;
    }
}

/// Somebody digs where a cable lies, again and again, each time elsewhere.
async fn cut_links(demo: &Demo) {
    for name in demo.cuts().iter().cycle() {
        demo.links().set_cut(name, true);
        tokio::time::sleep(CUT).await;
        demo.links().set_cut(name, false);
        tokio::time::sleep(BETWEEN_CUTS).await;
    }
}

/// Backs up every device, and waits until all have ended.
async fn back_up(engine: &Arc<Engine>) {
    let by = Actor::new("demo", "the demo's own backup", "backup run --all");
    // refused where the operator has deleted every device: there is nothing to do then
    let Ok(mut job) = engine.backup(&by, &Selection::all(), BackupOptions::default()) else { return };
    while job.reports.recv().await.is_some() {}
}
