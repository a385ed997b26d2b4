//! What it takes to ask a thousand agents who they are, each of which needs 200 ms for an answer:
//! `cargo bench --bench identity`, `-- --agents 1000 --delay 200`.
//!
//! The agents live in a process of their own; CPU is the asking process's alone. Beside it, `snmpbulkwalk` (Debian
//! package `snmp`), a process for each agent and as many at once, walks mib-2 of the same agents.

#![allow(clippy::expect_used, reason = "a measurement that cannot be made ends the bench")]

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use noctule::engine::import::Format;
use noctule::engine::{Actor, Engine, Options, Selection};
use noctule::lab::snmp::{COMMUNITY, SnmpAgent, agents};

/// As many as the engine asks at once by default.
const AT_ONCE: usize = 200;
/// The first agent's address.
const FIRST: Ipv4Addr = Ipv4Addr::new(127, 70, 0, 1);
const PORT: u16 = 16_161;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let number = |name: &str, usual: usize| {
        let place = words.iter().position(|word| word == name);
        place.and_then(|place| words.get(place + 1)?.parse().ok()).unwrap_or(usual)
    };
    let (count, delay) = (number("--agents", 1000), number("--delay", 200));
    if words.iter().any(|word| word == "--serve") {
        return serve(count, Duration::from_millis(delay as u64));
    }
    let itself = std::env::current_exe().expect("this program");
    let mut fleet = Command::new(itself)
        .args(["--serve", "--agents", &count.to_string(), "--delay", &delay.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the agents");
    let mut ready = String::new();
    BufReader::new(fleet.stdout.take().expect("its output")).read_line(&mut ready).expect("their start");
    println!("{count} agents, {delay} ms for each answer, {AT_ONCE} asked at once");
    ours(count);
    theirs(count);
    fleet.kill().expect("an end");
    fleet.wait().expect("an end");
}

fn addresses(count: usize) -> impl Iterator<Item = Ipv4Addr> {
    (0..u32::try_from(count).unwrap_or(0)).map(|number| Ipv4Addr::from(u32::from(FIRST) + number))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads")
}

/// The agents, one kind after the other, until standard input ends.
fn serve(count: usize, delay: Duration) {
    let kinds = agents().expect("agents");
    runtime().block_on(async {
        let mut running = Vec::new();
        for (number, address) in addresses(count).enumerate() {
            let kind = &kinds[number % kinds.len()];
            let serial = u16::try_from(number).unwrap_or(u16::MAX);
            let objects = kind.objects(&format!("d-{number}"), "rack 3", serial).expect("objects");
            let address = SocketAddr::new(IpAddr::V4(address), PORT);
            let agent = SnmpAgent::start_slow(address, COMMUNITY, objects, Arc::new(|_| true), delay).await;
            running.push(agent.expect("an agent"));
        }
        println!("ready");
        let waited = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await;
        drop(waited);
    });
}

fn ours(count: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    runtime().block_on(async {
        let engine = start(folder.path(), count).await;
        let by = Actor::new("bench", "a measurement", "identity run");
        let everything = Selection { all: true, ..Selection::default() };
        // proc(5): the peak begins anew
        std::fs::write("/proc/self/clear_refs", "5").expect("/proc");
        let before = resident("VmRSS:");
        let (cpu, wall) = (cpu(), Instant::now());
        let mut reading = engine.identify(&by, &everything).expect("a reading");
        let (mut known, mut failed) = (0, 0);
        while let Some(report) = reading.reports.recv().await {
            failed += usize::from(report.error.is_some());
            known += usize::from(report.vendor.is_some() && report.model.is_some());
        }
        row("noctule", wall.elapsed(), self::cpu() - cpu, count);
        println!(
            "  {known} known, {failed} failed; {:.1} MB more memory at the most",
            resident("VmHWM:") - before
        );
        engine.stop().await;
    });
}

async fn start(folder: &std::path::Path, count: usize) -> Arc<Engine> {
    let config = folder.join("config");
    std::fs::create_dir(&config).expect("a folder");
    std::fs::write(config.join("config.toml"), "[backup]\ndaily = \"off\"\n").expect("settings");
    let mut options = Options::new(folder.join("data"), config);
    options.schedule = false;
    options.pulse = false;
    let engine = Engine::start(options).await.expect("an engine");
    let mut csv = String::from("name,address,snmp_version,snmp_community,snmp_port\n");
    for (number, address) in addresses(count).enumerate() {
        csv += &format!("d-{number},{address},2c,{COMMUNITY},{PORT}\n");
    }
    let by = Actor::new("bench", "a measurement", "device import");
    engine.import(&by, csv.into_bytes(), Format::Csv, false).await.expect("an inventory");
    engine
}

/// A process for each agent.
fn theirs(count: usize) {
    let addresses: Vec<Ipv4Addr> = addresses(count).collect();
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (cpu, wall) = (children_cpu(), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(address) = addresses.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let walked = Command::new("snmpbulkwalk")
                        .args([
                            "-v2c",
                            "-c",
                            COMMUNITY,
                            "-Cr20",
                            "-m",
                            "",
                            &format!("{address}:{PORT}"),
                            "1.3.6.1.2.1",
                        ])
                        .stdout(Stdio::null())
                        .stderr(Stdio::null())
                        .status();
                    let is_well = walked.is_ok_and(|status| status.success());
                    failed.fetch_add(usize::from(!is_well), Ordering::Relaxed);
                }
            });
        }
    });
    row("snmpbulkwalk", wall.elapsed(), children_cpu() - cpu, count);
    println!("  {} failed", failed.into_inner());
}

fn row(name: &str, wall: Duration, cpu: Duration, count: usize) {
    println!(
        "{name:<14} {:.1} s, {:.2} s of CPU, {:.2} ms for each agent",
        wall.as_secs_f64(),
        cpu.as_secs_f64(),
        cpu.as_secs_f64() * 1e3 / count as f64
    );
}

fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The CPU time of the processes that have ended: fields 16 and 17 of proc_pid_stat(5), in hundredths.
fn children_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc");
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 =
        behind_name.split_whitespace().skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// A field of /proc/self/status, in megabytes.
fn resident(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or("0");
    let kilobytes: f64 = line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0.0);
    kilobytes / 1e3
}
