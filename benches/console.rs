//! What the console costs a person and a link: first frame, idle bytes, key to frame, a key held on a slow link.
//!
//! `cargo bench --bench console` runs the real program on a PTY with 10 000 devices in its store, 200 of them simulated
//! devices that are backed up meanwhile; all of them are probed, each every ten seconds.

#![allow(clippy::expect_used, reason = "a measurement that cannot be made ends the bench")]

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const NOCTULE: &str = env!("CARGO_BIN_EXE_noctule");
const DEVICES: usize = 10_000;
const BACKED_UP: usize = 200;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    // nothing may begin by itself while idleness is measured
    let config = folder.path().join("config");
    std::fs::create_dir(&config).expect("a folder");
    std::fs::write(config.join("config.toml"), "[backup]\ndaily = \"off\"\n[pulse]\ncanaries = []\n")
        .expect("settings");
    let lab = fill(folder.path(), &data);
    println!("{DEVICES} devices in the store, {BACKED_UP} of them simulated");

    for (columns, rows) in [(80, 24), (200, 60)] {
        println!("\n{columns}×{rows}");
        let started = Instant::now();
        let console = Console::start(&data, columns, rows, Link::default());
        let first = console.wait_for_bytes(1_000) - started;
        console.wait_until_still(Duration::from_millis(800));
        println!("  first frame                     {:>8.0} ms  {:>7} bytes", millis(first), console.bytes());
        report_idle(&console);
        // by name, so that no row moves away under the cursor
        console.type_keys(":sort name\r");
        console.wait_until_still(Duration::from_millis(500));
        report_keys(&console, "quiet");
        console.type_keys(":backup run --all\r");
        console.wait_until_moving();
        report_keys(&console, "200 backups running");
        println!("  resident memory                 {:>8.0} MB", resident_megabytes(console.pid));
    }

    println!("\n200×60, `j` held for 20 s at 30/s");
    for (rate, delay) in [(9_600.0, 150), (2_000.0, 300), (56_000.0, 80)] {
        let link = Link { bytes_per_second: Some(rate), delay: Duration::from_millis(delay) };
        let console = Console::start(&data, 200, 60, link);
        console.wait_until_still(Duration::from_secs(3));
        let before = console.bytes();
        let still = hold(&console, 'j', Duration::from_secs(20));
        println!(
            "  {:>5.1} kB/s, {delay:>3} ms                still after {:>5.2} s, {:>7} bytes",
            rate / 1000.0,
            still.as_secs_f64(),
            console.bytes() - before
        );
    }
    drop(lab);
}

/// Imports a lab's devices and as many assets as are missing to [`DEVICES`].
fn fill(folder: &Path, data: &Path) -> Lab {
    let inventory = folder.join("lab.csv");
    let lab = Command::new(NOCTULE)
        .args(["lab", "--devices", &BACKED_UP.to_string(), "--delay", "100", "--inventory"])
        .arg(&inventory)
        .stdout(Stdio::null())
        .spawn()
        .expect("the lab starts");
    let lab = Lab(lab);
    while !inventory.exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut csv = String::from("name,address,group,location\n");
    for number in 0..DEVICES - BACKED_UP {
        csv += &format!(
            "asset-{number:05},127.{}.{}.1,campus/b{},rack {}\n",
            100 + number / 250,
            number % 250,
            number % 40,
            number % 14
        );
    }
    let assets = folder.join("assets.csv");
    std::fs::write(&assets, csv).expect("a file");
    for file in [&inventory, &assets] {
        let done =
            Command::new(NOCTULE).arg("--data").arg(data).args(["device", "import"]).arg(file).output();
        assert!(done.expect("import runs").status.success());
    }
    lab
}

struct Lab(Child);

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn report_idle(console: &Console) {
    let (bytes, cpu, started) = (console.bytes(), cpu_seconds(console.pid), Instant::now());
    std::thread::sleep(Duration::from_secs(20));
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "  idle                            {:>8.1} B/s  {:>6.2} % of a core",
        (console.bytes() - bytes) as f64 / seconds,
        100.0 * (cpu_seconds(console.pid) - cpu) / seconds
    );
}

fn report_keys(console: &Console, while_what: &str) {
    let mut waits = Vec::new();
    let before = console.bytes();
    for press in 0..300 {
        let key = if press % 40 < 20 { "j" } else { "k" };
        let (count, pressed) = (console.bytes(), Instant::now());
        console.type_keys(key);
        waits.push(console.wait_for_bytes(count + 1) - pressed);
        std::thread::sleep(Duration::from_millis(33));
    }
    waits.sort();
    println!(
        "  key to frame, {while_what:<20} p50 {:>5.1} ms  p99 {:>5.1} ms  {:>5} bytes a key",
        millis(waits[waits.len() / 2]),
        millis(waits[waits.len() * 99 / 100]),
        (console.bytes() - before) / waits.len() as u64
    );
}

/// Holds a key, and says how long after its release the screen still moved.
fn hold(console: &Console, key: char, long: Duration) -> Duration {
    let started = Instant::now();
    let mut pressed = 0;
    while started.elapsed() < long {
        if started.elapsed().as_secs_f64() * 30.0 >= f64::from(pressed) {
            console.type_keys(&key.to_string());
            pressed += 1;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let released = Instant::now();
    console.wait_until_still(Duration::from_secs(4)).saturating_duration_since(released)
}

/// What lies between the program and the screen.
#[derive(Clone, Copy, Default)]
struct Link {
    /// Bytes that pass in a second, towards the screen; `None` is no limit.
    bytes_per_second: Option<f64>,
    /// One way.
    delay: Duration,
}

struct Console {
    pid: u32,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keyboard: std::sync::mpsc::Sender<(Instant, Vec<u8>)>,
    delay: Duration,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

struct Seen {
    bytes: u64,
    last: Instant,
}

impl Console {
    fn start(data: &Path, columns: u16, rows: u16, link: Link) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 })
            .expect("a PTY");
        let mut command = CommandBuilder::new(NOCTULE);
        command.arg("--data");
        command.arg(data);
        command.arg("--config");
        command.arg(data.with_file_name("config"));
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        let child = pair.slave.spawn_command(command).expect("the console starts");
        drop(pair.slave);
        let reader = pair.master.try_clone_reader().expect("a reader");
        let mut writer = pair.master.take_writer().expect("a writer");
        let seen = Arc::new((Mutex::new(Seen { bytes: 0, last: Instant::now() }), Condvar::new()));
        let (keyboard, keys) = std::sync::mpsc::channel::<(Instant, Vec<u8>)>();
        std::thread::spawn(move || {
            for (due, bytes) in keys {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                if writer.write_all(&bytes).and_then(|()| writer.flush()).is_err() {
                    return;
                }
            }
        });
        let (answers, shown) = (keyboard.clone(), Arc::clone(&seen));
        std::thread::spawn(move || carry(reader, link, &answers, &shown));
        Self {
            pid: child.process_id().expect("a process number"),
            child,
            keyboard,
            delay: link.delay,
            seen,
            _master: pair.master,
        }
    }

    fn type_keys(&self, keys: &str) {
        let _ = self.keyboard.send((Instant::now() + self.delay, keys.as_bytes().to_vec()));
    }

    fn bytes(&self) -> u64 {
        self.seen.0.lock().expect("seen").bytes
    }

    /// Waits until so many bytes have come in all; the moment of the last of them.
    fn wait_for_bytes(&self, count: u64) -> Instant {
        let (lock, changed) = &*self.seen;
        let seen = lock.lock().expect("seen");
        let (seen, wait) = changed
            .wait_timeout_while(seen, Duration::from_secs(20), |seen| seen.bytes < count)
            .expect("seen");
        assert!(!wait.timed_out(), "the console stays at {} bytes", seen.bytes);
        seen.last
    }

    fn wait_until_moving(&self) {
        self.wait_for_bytes(self.bytes() + 2_000);
    }

    /// Waits until nothing has come for `quiet`; the moment of the last byte.
    fn wait_until_still(&self, quiet: Duration) -> Instant {
        loop {
            let last = self.seen.0.lock().expect("seen").last;
            if last.elapsed() >= quiet {
                return last;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Carries the program's bytes over the link, and the terminal's answers back.
///
/// Reads no more than the link has passed, so that the kernel's PTY buffer is the only queue, as on a real link.
fn carry(
    mut reader: Box<dyn Read + Send>,
    link: Link,
    answers: &std::sync::mpsc::Sender<(Instant, Vec<u8>)>,
    (lock, changed): &(Mutex<Seen>, Condvar),
) {
    let mut chunk = [0; 4096];
    let mut tail = Vec::new();
    while let Ok(count) = reader.read(&mut chunk) {
        if count == 0 {
            return;
        }
        if let Some(rate) = link.bytes_per_second {
            std::thread::sleep(Duration::from_secs_f64(count as f64 / rate));
        }
        let arrives = Instant::now() + link.delay;
        let mut seen = lock.lock().expect("seen");
        seen.bytes += count as u64;
        seen.last = arrives;
        drop(seen);
        changed.notify_all();
        tail.extend_from_slice(&chunk[..count]);
        while let Some(at) = tail.windows(3).position(|window| window == b"\x1b[c") {
            tail.drain(..at + 3);
            let _ = answers.send((arrives + link.delay, b"\x1b[?62;22c".to_vec()));
        }
        let keep = tail.len().min(2);
        tail.drain(..tail.len() - keep);
    }
}

fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn resident_megabytes(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
