//! How soon a cut is one incident: a core device with 143 behind it, over simulated links, each probed every 2 s with the
//! usual thresholds.
//!
//! `cargo bench --bench incident` cuts 40 networks, each an engine of its own, at a random moment, ten at a time, and
//! prints from the cut how long it took until the incident was open and until it had all 143, and how many incidents
//! were told of.

#![allow(clippy::expect_used, reason = "a measurement that cannot be made ends the bench")]

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noctule::engine::import::Format;
use noctule::engine::snapshot::Snapshot;
use noctule::engine::{Actor, Engine, Options};
use noctule::lab::{Linked, Links};
use noctule::model::EventKind;

const NETWORKS: usize = 40;
const AT_ONCE: usize = 10;
const BEHIND: usize = 143;
const SETTINGS: &str = "[backup]\ndaily = \"off\"\n[pulse]\ninterval = \"2s\"\nrule = []\ncanaries = []\n";

/// What one cut came to.
struct Cut {
    open: Duration,
    whole: Duration,
    told: usize,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    let cuts: Vec<Cut> = runtime.block_on(async {
        let mut cuts = Vec::new();
        for _ in 0..NETWORKS / AT_ONCE {
            let mut some = tokio::task::JoinSet::new();
            (0..AT_ONCE).for_each(|_| _ = some.spawn(cut()));
            cuts.extend(some.join_all().await);
        }
        cuts
    });
    let of = |time: fn(&Cut) -> Duration| {
        let mut times: Vec<f64> = cuts.iter().map(|cut| time(cut).as_secs_f64()).collect();
        times.sort_by(f64::total_cmp);
        format!("median {:.2} s, most {:.2} s", times[times.len() / 2], times[times.len() - 1])
    };
    println!("{} cuts, {BEHIND} behind each", cuts.len());
    println!("  incident open           {}", of(|cut| cut.open));
    println!("  with all that is behind {}", of(|cut| cut.whole));
    let (least, most) = (cuts.iter().map(|cut| cut.told).min(), cuts.iter().map(|cut| cut.told).max());
    println!("  incidents told of       {} to {}", least.unwrap_or(0), most.unwrap_or(0));
}

async fn cut() -> Cut {
    let folder = tempfile::tempdir().expect("a folder");
    let links = Arc::new(Links::new(network()).expect("a network"));
    let engine = start(folder.path(), &links).await;
    until(&engine, |now| now.pulse.totals.up as usize == BEHIND + 2).await;
    tokio::time::sleep(Duration::from_millis(rand::random_range(2_000..4_000))).await;

    let begun = Instant::now();
    links.set_cut("core", true);
    until(&engine, |now| !now.incidents.is_empty()).await;
    let open = begun.elapsed();
    until(&engine, |now| now.incidents.iter().any(|one| one.behind.len() == BEHIND)).await;
    let whole = begun.elapsed();
    // whatever else would be told has had its time
    tokio::time::sleep(Duration::from_secs(12)).await;
    let snapshot = engine.snapshot();
    let told = snapshot.events.iter().filter(|event| event.kind == EventKind::IncidentOpened).count();
    engine.stop().await;
    Cut { open, whole, told }
}

/// An edge, the core behind it, eleven devices behind that, twelve behind each of these.
fn network() -> Vec<Linked> {
    let linked = |number: usize, name: String, parent: Option<String>| Linked {
        name,
        address: IpAddr::from([
            127,
            90,
            u8::try_from(number / 200).unwrap_or(0),
            u8::try_from(number % 200 + 1).unwrap_or(1),
        ]),
        parent,
        rtt: Duration::from_micros(400),
        loss_percent: 0,
        flaps: false,
        down: false,
    };
    let mut devices = vec![linked(0, "edge".into(), None), linked(1, "core".into(), Some("edge".into()))];
    for dist in 0..11 {
        let above = format!("dist-{dist}");
        devices.push(linked(devices.len(), above.clone(), Some("core".into())));
        for access in 0..12 {
            devices.push(linked(devices.len(), format!("acc-{dist}-{access}"), Some(above.clone())));
        }
    }
    devices
}

async fn start(folder: &Path, links: &Arc<Links>) -> Arc<Engine> {
    let config = folder.join("config");
    std::fs::create_dir(&config).expect("a folder");
    std::fs::write(config.join("config.toml"), SETTINGS).expect("settings");
    let mut options = Options::new(folder.join("data"), config);
    options.schedule = false;
    options.probers = links.probers();
    let engine = Engine::start(options).await.expect("an engine");
    let mut csv = String::from("name,address,parent\n");
    for device in network() {
        csv += &format!("{},{},{}\n", device.name, device.address, device.parent.unwrap_or_default());
    }
    let by = Actor::new("bench", "a measurement", "device import");
    engine.import(&by, csv.into_bytes(), Format::Csv, false).await.expect("an inventory");
    engine
}

async fn until(engine: &Arc<Engine>, is_so: impl Fn(&Snapshot) -> bool) {
    let mut pictures = engine.watch();
    let waiting = pictures.wait_for(|picture| is_so(picture));
    let waited = tokio::time::timeout(Duration::from_secs(120), waiting).await;
    drop(waited.expect("within two minutes").expect("an engine that runs"));
}
