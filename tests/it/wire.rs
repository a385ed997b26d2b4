//! A simulated wire: addresses that answer probes or not, as a test says.

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use noctule::device::icmp::{Heard, Mark, Means, Method, Probe, Prober, Probers, Unsent};
use noctule::engine::fields::{Change, Field};
use noctule::engine::snapshot::Snapshot;
use noctule::engine::{Clock, Engine, Options};
use noctule::model::Moment;

use crate::engine_fixture::{Network, ann};

/// See the file's head.
#[derive(Clone, Default)]
pub struct Wire(Arc<Inner>);

#[derive(Default)]
struct Inner {
    silent: Mutex<HashSet<IpAddr>>,
    bell: Condvar,
}

impl Wire {
    /// These addresses answer no more.
    pub fn silence(&self, addresses: &[&str]) {
        self.0.silent.lock().unwrap().extend(addresses.iter().map(|one| one.parse::<IpAddr>().unwrap()));
    }

    /// These addresses answer again.
    pub fn mend(&self, addresses: &[&str]) {
        let mut silent = self.0.silent.lock().unwrap();
        for one in addresses {
            silent.remove(&one.parse::<IpAddr>().unwrap());
        }
    }

    pub fn probers(&self) -> Probers {
        let wire = self.clone();
        Probers::from_fn(move || {
            let means = Means { v4: Method::Raw, v6: None, buffer: None, notices: Vec::new() };
            Box::new(Simulated { wire: wire.clone(), answers: Vec::new(), means })
        })
    }
}

struct Simulated {
    wire: Wire,
    answers: Vec<Heard>,
    means: Means,
}

impl Prober for Simulated {
    fn send(&mut self, probes: &[Probe], _unsent: &mut Vec<Unsent>) {
        let silent = self.wire.0.silent.lock().unwrap();
        for probe in probes.iter().filter(|probe| !silent.contains(&probe.address)) {
            let mark = Mark { target: probe.target, number: probe.number, sent: Moment::now() };
            let rtt = Duration::from_micros(200);
            self.answers.push(Heard::Reply { from: probe.address, mark, rtt });
        }
    }

    fn receive(&mut self, heard: &mut Vec<Heard>) {
        heard.append(&mut self.answers);
    }

    fn wait(&mut self, at_most: Duration) {
        if self.answers.is_empty() {
            let silent = self.wire.0.silent.lock().unwrap();
            // nobody rings: it is a rest, and the watch takes what is due
            drop(self.wire.0.bell.wait_timeout(silent, at_most).unwrap());
        }
    }

    fn means(&self) -> &Means {
        &self.means
    }
}

/// An engine that watches over `wire`: a second from probe to probe, and down after three misses.
pub async fn watching(folder: &Path, wire: &Wire, canaries: &[&str], clock: Clock) -> Arc<Engine> {
    watching_by(folder, wire.probers(), canaries, clock).await
}

/// An engine that watches by these probers, in the same way.
pub async fn watching_by(folder: &Path, probers: Probers, canaries: &[&str], clock: Clock) -> Arc<Engine> {
    let config = folder.join("config");
    std::fs::create_dir_all(&config).unwrap();
    let text = format!(
        "[backup]\ndaily = \"off\"\n[pulse]\ninterval = \"1s\"\nmisses = 3\nsilence = \"0s\"\ncanaries = {canaries:?}\n"
    );
    std::fs::write(config.join("config.toml"), text).unwrap();
    let mut options = Options::new(folder.join("data"), config);
    options.schedule = false;
    options.probers = probers;
    options.clock = clock;
    Engine::start_with(options, Network::new()).await.unwrap()
}

/// Adds devices: name, address, what it hangs on (or nothing).
pub async fn hang(engine: &Arc<Engine>, devices: &[(&str, &str, &str)]) {
    for (name, address, parent) in devices {
        engine.add_device(&ann(), name, address, &[Change::new(Field::Parent, *parent)]).await.unwrap();
    }
}

/// Waits until the snapshot is so.
pub async fn until(engine: &Arc<Engine>, what: &str, is_so: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let mut pictures = engine.watch();
    let waiting = pictures.wait_for(|picture| is_so(picture));
    match tokio::time::timeout(Duration::from_secs(60), waiting).await {
        Ok(picture) => picture.unwrap().clone(),
        Err(_) => {
            let now = engine.snapshot();
            panic!("within a minute not so: {what}; {:?} {:?}", now.pulse.totals, now.incidents)
        }
    }
}
