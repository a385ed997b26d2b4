//! What a search through the whole network costs: `cargo bench --bench search`.
//!
//! Builds a store of 10 000 devices with a configuration of 40 kB each in a temporary folder, starts an engine over it
//! and searches every newest configuration, with a warm page cache. Also prints how long the start took.

use std::sync::Arc;
use std::time::{Duration, Instant};

use noctule::engine::fields::blank;
use noctule::engine::query::SearchQuery;
use noctule::engine::records::DeviceStatus;
use noctule::engine::{Engine, Options};
use noctule::model::{
    BlobRef, DeviceId, Evidence, Revision, RevisionState, Run, RunStatus, Timestamp, TransportKind,
};
use noctule::store::{Entry, Store};

const DEVICES: u64 = 10_000;
const BYTES: usize = 40_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let begun = Instant::now();
    fill(&data)?;
    println!("store of {DEVICES} x {BYTES} B built in {:.1} s", begun.elapsed().as_secs_f64());

    let begun = Instant::now();
    let mut options = Options::new(data, folder.path().join("config"));
    options.schedule = false;
    options.pulse = false;
    let engine = runtime.block_on(Engine::start(options))?;
    let devices = engine.snapshot().devices.len();
    println!("start to first snapshot, {devices} devices: {} ms", begun.elapsed().as_millis());

    for (about, pattern, regex) in [
        ("text in one device", "description customer 4711-12", false),
        ("text in every device, first 1000", "ip address", false),
        ("text in none", "no such line anywhere", false),
        ("regular expression in none", r"^ neighbor 10\.(\d+)\.1\.1 password", true),
        ("regular expression in one device", r"customer 4711-\d+$", true),
    ] {
        let query = || SearchQuery { pattern: pattern.to_owned(), regex, history: false, limit: 1000 };
        let mut best = Duration::MAX;
        let mut last = None;
        for _ in 0..3 {
            let begun = Instant::now();
            last = Some(runtime.block_on(engine.search(query(), noctule::model::Within::everything()))?);
            best = best.min(begun.elapsed());
        }
        let (hits, texts) = last.map_or((0, 0), |answer| (answer.hits.len(), answer.texts));
        println!("{about:36} {:6} ms  {hits:5} hits in {texts} texts", best.as_millis());
    }
    runtime.block_on(engine.stop());
    Ok(())
}

fn fill(data: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let (store, _) = Store::open(data, Timestamp::now())?;
    let bodies: Vec<BlobRef> = std::thread::scope(|scope| {
        // writing waits for the disk, not for the processor
        let workers: Vec<_> = (0..16)
            .map(|worker| {
                let blobs = store.blobs();
                scope.spawn(move || {
                    let own = (1..=DEVICES).filter(|device| device % 16 == worker);
                    own.map(|device| Ok((device, blobs.put_plain(configuration(device).as_bytes())?)))
                        .collect::<Result<Vec<_>, noctule::store::StoreError>>()
                })
            })
            .collect();
        let mut bodies = Vec::new();
        for worker in workers {
            bodies.extend(worker.join().map_err(|_| "a writer broke down")??);
        }
        bodies.sort_unstable_by_key(|(device, _)| *device);
        Ok::<_, Box<dyn std::error::Error>>(bodies.into_iter().map(|(_, body)| body).collect())
    })?;
    let mut entry = Entry::new(Timestamp::now(), "bench", "", "fill");
    for (device, body) in (1..=DEVICES).zip(bodies) {
        let id = DeviceId(device);
        let at = Timestamp::now();
        let address = std::net::Ipv4Addr::from(0x0a00_0000 + device as u32).to_string();
        let mut record = blank(id, format!("device-{device:05}").parse()?, address.parse()?, at);
        record.transport = Some(TransportKind::Ssh);
        record.driver = Some("cisco_ios".parse()?);
        let revision = Revision {
            device: id,
            number: 1,
            at,
            last_seen: at,
            exact: body,
            normal: body,
            sha256: body.id.to_string(),
            lines: 1000,
            evidence: Evidence::default(),
            state: RevisionState::Good,
        };
        let run = Run {
            device: id,
            at,
            millis: 900,
            status: RunStatus::Changed,
            revision: Some(1),
            bytes: body.len,
            failure: None,
            recording: None,
            by: "bench".into(),
        };
        let status = DeviceStatus {
            last_run: Some(Arc::new(run)),
            newest: Some(Arc::new(revision)),
            revisions: 1,
            next_revision: 2,
            ..DeviceStatus::of(id)
        };
        entry.add(&id, &record);
        entry.add(&id, &status);
    }
    store.commit_blocking(entry)?;
    Ok(())
}

/// A configuration that no other device has, line for line.
fn configuration(device: u64) -> String {
    let mut text = format!("hostname device-{device:05}\n!\n");
    for port in 0.. {
        let interface = format!(
            "interface GigabitEthernet{}/0/{}\n description customer {device}-{port}\n switchport access vlan {}\n ip address 10.{}.{}.{} 255.255.255.252\n no shutdown\n!\n",
            port / 48,
            port % 48,
            (device * 7 + port * 13) % 4094,
            device % 250,
            port % 250,
            (device * port) % 250,
        );
        if text.len() + interface.len() > BYTES {
            break;
        }
        text.push_str(&interface);
    }
    text.push_str("end\n");
    text
}
