//! Backup runs through the engine, its transports and its sessions.

use std::path::Path;
use std::sync::Arc;

use noctule::engine::backup::{Network, RunReport, Transports};
use noctule::engine::{Engine, Options, Selection};

use crate::engine_fixture::{Hand, back_up};

/// An engine of somebody with this home folder.
pub async fn engine(home: &Path, settings: &str) -> Arc<Engine> {
    let config = home.join("config");
    std::fs::create_dir(&config).unwrap();
    std::fs::write(config.join("config.toml"), format!("[backup]\nretries = 0\n{settings}")).unwrap();
    let mut options = Options::new(home.join("data"), config);
    options.schedule = false;
    options.pulse = false;
    options.clock = Hand::new().clock();
    let transports = Transports::of(Some(home.to_owned()), None);
    Engine::start_with(options, Arc::new(Network::new(transports))).await.unwrap()
}

/// Backs the only device up.
pub async fn one(engine: &Arc<Engine>) -> RunReport {
    back_up(engine, &Selection::all()).await.remove(0)
}
