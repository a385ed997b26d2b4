//! What it costs to probe a whole network, and whether a reply is lost on the way: `cargo bench --bench pulse`.
//!
//! Every target is a loopback address of its own (127.10.0.1 and up), answered by this host's kernel; the CPU time of its
//! answers is counted with the prober's, for fping too. Without arguments: 10 000 every 2 s and 50 000 every 10 s, by
//! raw and by ping sockets, then fping (Debian package `fping`) over the same addresses at the same interval. With words
//! only the rows that have one of them in their name: `cargo bench --bench pulse -- '10000 every 2 s, raw'`.

use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use noctule::device::icmp::{Method, open_with};
use noctule::engine::pulse::{Flow, Histogram, Pace, Part, Target, Thresholds, Told, Watch, phase, run};
use noctule::model::Moment;

/// 127.10.0.1
const FIRST: u32 = 0x7f0a_0001;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:<28} {:>8} {:>8} {:>5}  {:>9}  {:>9}  rtt ms p50/p99/max",
        "", "sent", "lost", "other", "% of core", "us/probe"
    );
    // cargo puts an option of its own first
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    for (targets, interval, rounds) in [(10_000, 2, 10), (50_000, 10, 3)] {
        for method in [Method::Raw, Method::Ping] {
            let name = format!("{targets} every {interval} s, {method}");
            if wanted(&name) {
                ours(&name, targets, Duration::from_secs(interval), rounds, method)?;
            }
        }
        let name = format!("{targets} every {interval} s, fping");
        if wanted(&name) {
            fping(&name, targets, Duration::from_secs(interval), rounds)?;
        }
    }
    Ok(())
}

fn addresses(targets: u32) -> impl Iterator<Item = Ipv4Addr> {
    (FIRST..FIRST + targets).map(Ipv4Addr::from)
}

fn ours(
    name: &str,
    targets: u32,
    interval: Duration,
    rounds: u32,
    method: Method,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut prober = match open_with(method) {
        Ok(prober) => prober,
        Err(why) => {
            println!("{name:<28} not measured: {why}");
            return Ok(());
        }
    };
    let target = |(number, address): (u64, Ipv4Addr)| Target {
        address: address.into(),
        port: 9,
        interval,
        phase: phase(number, interval),
        thresholds: Thresholds::default(),
        part: Part::Device,
    };
    let begin = Moment::now();
    let mut watch = Watch::new((0..).zip(addresses(targets)).map(target).collect(), Pace::default(), begin);
    watch.end(begin.after(interval * rounds));
    let (mut rtt, mut lost, mut other) = (Histogram::default(), 0, 0);
    let (cpu, wall) = (thread_cpu()?, Instant::now());
    run(&mut watch, prober.as_mut(), |_, _, told| {
        for one in told {
            match one {
                Told::Reply { rtt: time, .. } => rtt.add(*time),
                Told::Lost { .. } | Told::Unsent { .. } => lost += 1,
                Told::Stray { .. } => other += 1,
                _ => {}
            }
        }
        Flow::On
    });
    let cpu = thread_cpu()? - cpu;
    let millis = |time: Option<Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    println!(
        "{name:<28} {:>8} {lost:>8} {other:>5}  {:>9.2}  {:>9.2}  {:.3}/{:.3}/{:.3}",
        rtt.count() + lost,
        cpu.as_secs_f64() * 100.0 / wall.elapsed().as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / (rtt.count() + lost) as f64,
        millis(rtt.percentile(50)),
        millis(rtt.percentile(99)),
        millis(rtt.max()),
    );
    prober.means().notices.iter().for_each(|notice| println!("    {notice}"));
    Ok(())
}

/// The same with fping, which sends one probe at a time: `-i` spreads them over the interval.
fn fping(
    name: &str,
    targets: u32,
    interval: Duration,
    rounds: u32,
) -> Result<(), Box<dyn std::error::Error>> {
    let between = interval.as_secs_f64() * 1e3 / f64::from(targets);
    let line = format!(
        "TIMEFORMAT='cpu %U %S'; time fping -q -c {rounds} -p {} -i {between} -t 2000",
        interval.as_millis()
    );
    let begun = Instant::now();
    let child = Command::new("bash")
        .args(["-c", &line])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child?;
    if let Some(mut input) = child.stdin.take() {
        let list: String = addresses(targets).map(|address| format!("{address}\n")).collect();
        input.write_all(list.as_bytes())?;
    }
    let output = String::from_utf8_lossy(&child.wait_with_output()?.stderr).into_owned();
    let wall = begun.elapsed().as_secs_f64();
    let (mut sent, mut received, mut cpu) = (0u64, 0u64, 0.0);
    for line in output.lines() {
        if let Some(times) = line.strip_prefix("cpu ") {
            cpu = times.split(' ').filter_map(|time| time.parse::<f64>().ok()).sum();
        } else if let Some((_, counts)) = line.split_once("xmt/rcv/%loss = ") {
            let mut counts = counts.split('/').filter_map(|count| count.parse::<u64>().ok());
            sent += counts.next().unwrap_or(0);
            received += counts.next().unwrap_or(0);
        }
    }
    if sent == 0 {
        println!("{name:<28} not measured: {}", output.lines().next().unwrap_or("it said nothing"));
        return Ok(());
    }
    println!(
        "{name:<28} {sent:>8} {:>8} {:>5}  {:>9.2}  {:>9.2}  ({wall:.0} s in all)",
        sent - received,
        "",
        cpu * 100.0 / wall,
        cpu * 1e6 / sent as f64
    );
    Ok(())
}

/// CPU time of this thread so far.
fn thread_cpu() -> Result<Duration, Box<dyn std::error::Error>> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Ok(Duration::new(u64::try_from(time.tv_sec)?, u32::try_from(time.tv_nsec)?))
}
