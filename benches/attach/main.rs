//! What operators cost an engine that all of them share, and how long they wait: one alone, then fifty.
//!
//! `cargo bench --bench attach` runs `noctule serve` with 10 000 devices, each probed every ten seconds, and attaches
//! sessions of 200×60 over its Unix socket. The same engine serves one session, then fifty, so that the two compare. Then
//! (as root, with OpenSSH) a key is held over a real SSH session whose TCP link is slow. `NOCTULE=PATH` measures that program
//! instead of this one: before and after beside each other.

#![allow(clippy::expect_used, clippy::panic, reason = "a measurement that cannot be made ends the bench")]

mod client;
mod slow;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use client::{Order, Seen, Session};
use noctule::server::SocketPlace;
use tokio::sync::watch;

const DEVICES: usize = 10_000;
const SESSIONS: usize = 50;
/// How many attach at the same time: no more clients of one account are heard at once.
const AT_ONCE: usize = 10;
const COLUMNS: u16 = 200;
const ROWS: u16 = 60;

/// The program that is measured.
fn noctule() -> String {
    std::env::var("NOCTULE").unwrap_or_else(|_| env!("CARGO_BIN_EXE_noctule").to_owned())
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let config = folder.path().join("config");
    std::fs::create_dir(&config).expect("a folder");
    // nothing may begin by itself while idleness is measured
    std::fs::write(config.join("config.toml"), "[backup]\ndaily = \"off\"\n[pulse]\ncanaries = []\n")
        .expect("settings");
    fill(folder.path(), &data);
    let engine = Serving::start(&data, &config);
    let place = SocketPlace::in_data(&data);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measure(&engine, &place));
    slow::report(place.path());
}

/// Stores the devices.
fn fill(folder: &Path, data: &Path) {
    let mut csv = String::from("name,address,group,location\n");
    for number in 0..DEVICES {
        csv += &format!(
            "asset-{number:05},127.{}.{}.1,campus/b{},rack {}\n",
            100 + number / 250,
            number % 250,
            number % 40,
            number % 14
        );
    }
    let file = folder.join("assets.csv");
    std::fs::write(&file, csv).expect("a file");
    let done = Command::new(noctule()).arg("--data").arg(data).args(["device", "import"]).arg(file).output();
    assert!(done.expect("import runs").status.success());
}

async fn measure(engine: &Serving, place: &SocketPlace) {
    while place.connect().await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // until every device has been probed, and the prober has found its pace
    tokio::time::sleep(Duration::from_secs(25)).await;
    let (cpu, began) = (engine.cpu_seconds(), Instant::now());
    tokio::time::sleep(Duration::from_secs(15)).await;
    println!(
        "{DEVICES} devices, nobody attached: {:.2} % of a core, {:.1} MB",
        100.0 * (engine.cpu_seconds() - cpu) / began.elapsed().as_secs_f64(),
        engine.resident_megabytes()
    );

    let (orders, obeyed) = watch::channel(Order::Look);
    let (waits, waited) = mpsc::channel();
    let mut seen = Vec::new();
    for wanted in [1, SESSIONS] {
        let before = engine.resident_megabytes();
        let more = wanted - seen.len();
        let attached = attach(more, place).await;
        for (session, has_seen) in attached {
            tokio::spawn(session.obey(obeyed.clone(), waits.clone()));
            seen.push(has_seen);
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        println!("\n{wanted} attached at {COLUMNS}×{ROWS}");
        let mut first: Vec<Duration> = seen[wanted - more..].iter().map(|seen| seen.first_frame).collect();
        first.sort();
        println!(
            "  attach to first frame, {:>2} at once  p50 {:>6.1} ms  slowest {:>6.1} ms",
            more.min(AT_ONCE),
            millis(first[first.len() / 2]),
            millis(first[first.len() - 1])
        );
        let held = [("idle", Order::Look, 15), ("3 keys/s", pace(3), 15), ("a key held, 30/s", pace(30), 15)];
        for (name, order, seconds) in held {
            orders.send_replace(order);
            report(name, &seen, &waited, engine, Duration::from_secs(seconds)).await;
        }
        orders.send_replace(Order::Look);
        tokio::time::sleep(Duration::from_secs(2)).await;
        println!(
            "  memory a session                {:>8.2} MB",
            (engine.resident_megabytes() - before) / more as f64
        );
    }
}

/// Attaches so many, [`AT_ONCE`] at the same time.
async fn attach(count: usize, place: &SocketPlace) -> Vec<(Session, Seen)> {
    let mut attached = Vec::new();
    while attached.len() < count {
        let mut attaching = tokio::task::JoinSet::new();
        for _ in 0..AT_ONCE.min(count - attached.len()) {
            let place = place.clone();
            attaching.spawn(async move { Session::attach(&place, COLUMNS, ROWS).await });
        }
        attached.extend(attaching.join_all().await);
    }
    attached
}

fn pace(keys_a_second: u32) -> Order {
    Order::Type(Duration::from_secs(1) / keys_a_second)
}

async fn report(
    name: &str,
    seen: &[Seen],
    waited: &mpsc::Receiver<Duration>,
    engine: &Serving,
    long: Duration,
) {
    let bytes = || seen.iter().map(|seen| seen.bytes.load(Ordering::Relaxed)).sum::<u64>();
    while waited.try_recv().is_ok() {}
    let (before, cpu, clients, began) =
        (bytes(), engine.cpu_seconds(), cpu_seconds(std::process::id()), Instant::now());
    tokio::time::sleep(long).await;
    let seconds = began.elapsed().as_secs_f64();
    let share = |cpu: f64| 100.0 * cpu / seconds;
    let mut waits: Vec<Duration> = waited.try_iter().collect();
    waits.sort();
    let keys = match waits.len() {
        0 => String::new(),
        count => format!(
            "  key to frame p50 {:>5.1} ms  p99 {:>5.1} ms of {count}",
            millis(waits[count / 2]),
            millis(waits[count * 99 / 100])
        ),
    };
    println!(
        "  {name:<20} {:>8.1} B/s each  {:>6.2} % of a core, the clients {:>5.2} %{keys}",
        (bytes() - before) as f64 / seconds / seen.len() as f64,
        share(engine.cpu_seconds() - cpu),
        share(cpu_seconds(std::process::id()) - clients)
    );
}

/// An engine that serves.
struct Serving(Child);

impl Serving {
    fn start(data: &Path, config: &Path) -> Self {
        let mut command = Command::new(noctule());
        command.arg("--data").arg(data).arg("--config").arg(config).arg("serve").stderr(Stdio::null());
        Self(command.spawn().expect("the engine starts"))
    }

    fn cpu_seconds(&self) -> f64 {
        cpu_seconds(self.0.id())
    }

    fn resident_megabytes(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
        line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<f64>().ok()).unwrap_or(0.0)
            / 1024.0
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The CPU that a process has used.
fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
