//! What a start costs: `cargo bench --bench start`.
//!
//! Builds a store of 10 000 devices, each with three revisions and a month of daily runs, closes it, and starts an
//! engine over it, as a person does who opens the console.

use std::sync::Arc;
use std::time::{Duration, Instant};

use noctule::engine::fields::blank;
use noctule::engine::records::DeviceStatus;
use noctule::engine::{Engine, Options};
use noctule::model::{
    BlobId, BlobRef, DeviceId, Evidence, Revision, RevisionState, Run, RunStatus, Timestamp, TransportKind,
};
use noctule::store::{Entry, RevisionKey, RunKey, Store};

const DEVICES: u64 = 10_000;
const RUNS: u64 = 30;
const REVISIONS: u32 = 3;
const DAY: u64 = 86_400;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let begun = Instant::now();
    fill(&data)?;
    println!(
        "store of {DEVICES} devices, {REVISIONS} revisions and {RUNS} runs each, built in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    for _ in 0..5 {
        let begun = Instant::now();
        let (store, report) = Store::open(&data, Timestamp::now())?;
        let opened = begun.elapsed();
        drop(store);
        let begun = Instant::now();
        let mut options = Options::new(data.clone(), folder.path().join("config"));
        options.schedule = false;
        options.pulse = false;
        let engine = runtime.block_on(Engine::start(options))?;
        let devices = engine.snapshot().devices.len();
        println!(
            "store opened in {} ms {:?}; engine started in {} ms, {devices} devices in its first picture",
            opened.as_millis(),
            report.notes,
            begun.elapsed().as_millis()
        );
        runtime.block_on(engine.stop());
    }
    Ok(())
}

fn fill(data: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let (store, _) = Store::open(data, Timestamp::now())?;
    let first = Timestamp(1_790_000_000_000);
    let body = |device: u64, number: u32| {
        let mut id = [7; 32];
        id[..8].copy_from_slice(&device.to_be_bytes());
        id[8..12].copy_from_slice(&number.to_be_bytes());
        BlobRef { id: BlobId(id), len: 40_000 }
    };
    for day in 0..RUNS {
        let at = first.after(Duration::from_secs(day * DAY));
        for devices in (1..=DEVICES).collect::<Vec<_>>().chunks(500) {
            let mut entry = Entry::new(at, "schedule", "the daily backup", "backup run --all");
            for &device in devices {
                let id = DeviceId(device);
                let number = u32::try_from(day * u64::from(REVISIONS) / RUNS)? + 1;
                let revision = Revision {
                    device: id,
                    number,
                    at,
                    last_seen: at,
                    exact: body(device, number),
                    normal: body(device, number),
                    sha256: body(device, number).id.to_string(),
                    lines: 1000,
                    evidence: Evidence {
                        end_marker: Some(true),
                        prompt_confirmed: true,
                        ..Evidence::default()
                    },
                    state: RevisionState::Good,
                };
                let run = Run {
                    device: id,
                    at,
                    millis: 900,
                    status: RunStatus::Unchanged,
                    revision: Some(number),
                    bytes: 40_000,
                    failure: None,
                    recording: None,
                    by: "schedule".into(),
                };
                if day == 0 {
                    let address = std::net::Ipv4Addr::from(0x0a00_0000 + u32::try_from(device)?).to_string();
                    let mut record = blank(id, format!("device-{device:05}").parse()?, address.parse()?, at);
                    record.transport = Some(TransportKind::Ssh);
                    record.driver = Some("cisco_ios".parse()?);
                    entry.add(&id, &record);
                }
                entry.add(&RunKey(id, at), &run);
                entry.add(&RevisionKey(id, number), &revision);
                let status = DeviceStatus {
                    last_run: Some(Arc::new(run)),
                    newest: Some(Arc::new(revision)),
                    revisions: number,
                    next_revision: number + 1,
                    ..DeviceStatus::of(id)
                };
                entry.add(&id, &status);
            }
            store.commit_blocking(entry)?;
        }
    }
    Ok(())
}
