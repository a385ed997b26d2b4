//! Metrics, as Prometheus collects them: of a real engine, read strictly; and what comes to the same place and is no
//! collector.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use noctule::engine::Selection;
use noctule::model::FailureKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::attach_fixture::{Client, Served, hello, silent, within};
use crate::engine_fixture::{Script, add, back_up};
use crate::metrics_format::{LOOK, Page, ask, scrape};
use crate::terminal_program::NOCTULE;

const PATIENCE: Duration = Duration::from_secs(120);
const GET: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

/// A port that nobody has: on an address of this test's own.
fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.94.70.1:0").expect("a port").local_addr().expect("its address")
}

/// An engine that serves metrics at a port.
async fn served() -> (Served, SocketAddr) {
    let port = free_port();
    let served = Served::start_with(&format!("[backup]\nretries = 0\n[serve]\nmetrics = \"{port}\"\n")).await;
    drop(connect(port).await);
    (served, port)
}

/// A connection, as soon as somebody listens.
async fn connect(port: SocketAddr) -> TcpStream {
    within(async {
        loop {
            match TcpStream::connect(port).await {
                Ok(stream) => return stream,
                Err(_) => tokio::time::sleep(LOOK).await,
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_scraped_is_what_happened() {
    let (served, port) = served().await;
    add(&served.engine, &["bad-1", "odd-1", "never-1"]).await;
    let text = |name: &str| Script::Read(format!("hostname {name}\n"));
    served.network.play("core-1", [text("core-1")]);
    served.network.play("edge-1", [text("edge-1")]);
    served.network.play("bad-1", [Script::Fail(FailureKind::Timeout)]);
    served.network.play("odd-1", [Script::Doubtful("hostname odd-1\n".into())]);
    for names in [&["core-1", "edge-1", "bad-1", "odd-1"][..], &["core-1"]] {
        let selection =
            Selection { names: names.iter().map(|name| (*name).to_owned()).collect(), ..Default::default() };
        back_up(&served.engine, &selection).await;
    }
    let mut console = Client::screen(&served.place, 80, 24).await;
    console.wait_for("core-1").await;
    let refused = hello("device list", None);
    let refused = noctule::server::Hello { speaks_for: Some("eve".into()), ..refused };
    assert!(Client::connect(&served.place).await.greet(&refused).await.is_some());
    within(async {
        // published at most four times a second
        loop {
            let now = served.engine.snapshot();
            if now.totals.failed + now.totals.suspect == 2 && now.jobs.iter().all(|job| job.ended.is_some()) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    })
    .await;
    let page = scrape(connect(port).await).await;
    let head = served.engine.store().head().seq as f64;
    for (sample, value) in [
        ("noctule_sessions{kind=\"console\"}", 1.0),
        ("noctule_sessions{kind=\"wallboard\"}", 0.0),
        ("noctule_sessions{kind=\"command\"}", 0.0),
        ("noctule_sessions_begun_total", 1.0),
        ("noctule_sessions_dropped_total", 0.0),
        ("noctule_strangers", 0.0),
        ("noctule_clients_refused_total{reason=\"unwelcome\"}", 1.0),
        ("noctule_clients_refused_total{reason=\"crowded\"}", 0.0),
        ("noctule_devices{kind=\"managed\"}", 5.0),
        ("noctule_devices{kind=\"unmanaged\"}", 0.0),
        ("noctule_devices_backup_state{state=\"good\"}", 2.0),
        ("noctule_devices_backup_state{state=\"failed\"}", 1.0),
        ("noctule_devices_backup_state{state=\"suspect\"}", 1.0),
        ("noctule_devices_backup_state{state=\"never\"}", 1.0),
        ("noctule_devices_backup_state{state=\"off\"}", 0.0),
        ("noctule_backup_runs_total{result=\"changed\"}", 2.0),
        ("noctule_backup_runs_total{result=\"unchanged\"}", 1.0),
        ("noctule_backup_runs_total{result=\"failed\"}", 1.0),
        ("noctule_backup_runs_total{result=\"quarantined\"}", 1.0),
        ("noctule_backup_newest_success_timestamp_seconds", 1_795_521_600.0),
        ("noctule_jobs", 0.0),
        ("noctule_pulse_running", 0.0),
        ("noctule_pulse_probes_total{result=\"sent\"}", 0.0),
        ("noctule_incidents{acknowledged=\"no\"}", 0.0),
        ("noctule_store_writable", 1.0),
        ("noctule_store_damaged_indexes", 0.0),
        ("noctule_audit_head_sequence", head),
        ("noctule_audit_anchor_failures_total", 0.0),
    ] {
        assert_eq!(page.value(sample), Some(value), "{sample}");
    }
    for positive in [
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds",
        "noctule_store_journal_bytes",
        "noctule_store_filesystem_size_bytes",
        "noctule_events_total{severity=\"info\"}",
        "noctule_backup_last_run_duration_seconds",
    ] {
        // a run of a script may take less than a millisecond
        let least = if positive.ends_with("duration_seconds") { 0.0 } else { 0.001 };
        assert!(
            page.value(positive).is_some_and(|value| value >= least),
            "{positive}: {:?}",
            page.value(positive)
        );
    }
    // what nobody knows is not there: no pulse runs, nothing is anchored, the store was never copied
    for unknown in [
        "noctule_pulse_cut_off",
        "noctule_pulse_devices{state=\"up\"}",
        "noctule_audit_anchored_sequence",
        "noctule_audit_anchor_failing",
        "noctule_store_copy_timestamp_seconds",
        "noctule_backup_next_timestamp_seconds",
    ] {
        assert_eq!(page.value(unknown), None, "{unknown}");
    }
    let counter = &page.0["noctule_backup_runs_total"];
    assert!(counter.kind == "counter" && counter.help.contains("quarantined"));
    // nobody is named, and more devices are no more series
    let answer = ask(connect(port).await, GET).await.expect("an answer");
    for name in ["core-1", "edge-1", "ann", "127.0.0.1", "root"] {
        assert!(!answer.body.contains(name), "{name}:\n{}", answer.body);
    }
    add(
        &served.engine,
        &(0..50)
            .map(|n| format!("sw-{n}"))
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
    )
    .await;
    within(async {
        loop {
            let now = scrape(connect(port).await).await;
            if now.value("noctule_devices{kind=\"managed\"}") == Some(55.0) {
                return assert_eq!(now.series(), page.series());
            }
            tokio::time::sleep(LOOK).await;
        }
    })
    .await;
    promtool(&answer.body);
}

/// Prometheus' own check, where it is installed.
fn promtool(page: &str) {
    let run = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut run) = run else {
        return eprintln!("skipped: promtool (Debian's prometheus) is not installed");
    };
    run.stdin.take().expect("its input").write_all(page.as_bytes()).expect("it reads");
    let run = run.wait_with_output().expect("its end");
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && told.is_empty(), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_but_the_metrics_is_answered() {
    let (served, port) = served().await;
    let large = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 404),
        ("GET /metrics/../../etc/passwd HTTP/1.1\r\n\r\n", 404),
        ("POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 405),
        ("GET /metrics HTTP/2.0\r\n\r\n", 505),
        ("hello\r\n\r\n", 400),
        ("\u{1}\u{2}\u{3}", 400),
        (&large, 431),
    ] {
        let answer = ask(connect(port).await, request.as_bytes()).await.expect("an answer");
        assert_eq!(answer.status, status, "{}", &request[..request.len().min(60)]);
        assert_eq!(answer.fields.get("allow").map(String::as_str), (status == 405).then_some("GET"));
        assert!(!answer.body.contains("noctule_"), "{}", answer.body);
    }
    // who asks twice over one connection gets one answer
    let answer = ask(connect(port).await, &GET.repeat(2)).await.expect("an answer");
    assert_eq!((answer.status, answer.body.matches("# HELP process_open_fds").count()), (200, 1));
    served.assert_alive().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_flood_keeps_a_collector_from_its_answer() {
    more_files();
    let (served, port) = served().await;
    let mut held = Vec::new();
    // they connect and say nothing; they begin and never end; they say rubbish; they ask and never read
    for begin in [&b""[..], b"GET /metrics HTTP/1.1\r\nX: ", b"\x16\x03\x01\x02\x00\x01\x00", GET] {
        for _ in 0..500 {
            let mut stream = connect(port).await;
            // it may be gone already
            let _ = within(stream.write_all(begin)).await;
            held.push(stream);
        }
        let begun = Instant::now();
        scrape(connect(port).await).await;
        // less than the time after which the first of them is given up
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        served.assert_alive().await;
    }
    assert_eq!(held.len(), 2000);
    // one that trickles goes on trickling, and is given up all the same
    let mut slow = connect(port).await;
    let trickling = async {
        let mut answer = Vec::new();
        loop {
            tokio::select! {
                read = slow.read_buf(&mut answer) => if !matches!(read, Ok(1..)) { return answer },
                () = tokio::time::sleep(LOOK) => drop(slow.write_all(b"X").await),
            }
        }
    };
    let answer = String::from_utf8(within(trickling).await).expect("UTF-8");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer:?}");
    // half of a connection is closed, and the answer comes over the other
    let mut half = connect(port).await;
    half.write_all(GET).await.unwrap();
    half.shutdown().await.unwrap();
    let mut answer = String::new();
    within(half.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    drop(held);
    scrape(connect(port).await).await;
    served.assert_alive().await;
}

/// As many descriptors as this process may have: two thousand connections have two ends each, in one process here.
fn more_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).expect("its own limit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_socket_is_for_its_group_and_what_was_planted_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.sock");
    let settings = format!("[serve]\nmetrics = {:?}\n", path.display().to_string());
    // a stale one is replaced
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let served = Served::start_with(&settings).await;
    within(async {
        while UnixStream::connect(&path).await.is_err() {
            tokio::time::sleep(LOOK).await;
        }
    })
    .await;
    let data = std::fs::symlink_metadata(&path).unwrap();
    assert!(data.file_type().is_socket());
    assert_eq!(data.permissions().mode() & 0o777, 0o660);
    assert_eq!(data.gid(), std::fs::metadata(folder.path()).unwrap().gid());
    let page = scrape(silent(&path).await).await;
    assert_eq!(page.value("noctule_build_info{version=\"0.1.0\"}"), Some(1.0));
    // another engine with the same settings goes on without it
    let other = Served::start_with(&settings).await;
    within(async {
        while !other.log().contains("another program listens there") {
            tokio::time::sleep(LOOK).await;
        }
    })
    .await;
    other.assert_alive().await;
    within(async {
        let is_told =
            |told: &str| told.contains("there are no metrics at") && told.contains("another program");
        while !is_told(&Client::command(&other.place, "event list").await.run_out().await.0) {
            tokio::time::sleep(LOOK).await;
        }
    })
    .await;
    let Served { server, folder: kept, .. } = served;
    server.drain("a test").await;
    within(async {
        while path.exists() {
            tokio::time::sleep(LOOK).await;
        }
    })
    .await;
    drop((other, kept));
    // what is no socket stays as it is
    let precious = folder.path().join("precious");
    std::fs::write(&precious, "precious").unwrap();
    for planted in ["a link", "a file"] {
        match planted {
            "a link" => symlink(&precious, &path).unwrap(),
            _ => std::fs::write(&path, "precious").unwrap(),
        }
        let served = Served::start_with(&settings).await;
        within(async {
            while !served.log().contains("something that is no socket") {
                tokio::time::sleep(LOOK).await;
            }
        })
        .await;
        served.assert_alive().await;
        assert_eq!(
            (std::fs::read(&path).unwrap(), std::fs::read(&precious).unwrap()),
            (b"precious".into(), b"precious".into())
        );
        std::fs::remove_file(&path).unwrap();
    }
}

/// The program, as it serves; ended with the test.
struct Program(Child);

impl Program {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(NOCTULE);
        command
            .args(["--data", "data", "--config", "config", "serve"])
            .current_dir(folder)
            .stderr(Stdio::null());
        Self(command.spawn().expect("it starts"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// With curl, as a person looks at it; through a socket, then through a port, as the settings change under it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_moves_its_metrics_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    let say = |metrics: &str| {
        // as an editor does it
        let (new, file) = (config.join("new"), config.join("config.toml"));
        std::fs::write(&new, format!("[pulse]\nwatch = false\n{metrics}")).unwrap();
        std::fs::rename(new, file).unwrap();
    };
    let (socket, port) = (folder.path().join("m.sock"), free_port());
    say(&format!("[serve]\nmetrics = {:?}\n", socket.display().to_string()));
    let program = Program::start(folder.path());
    let curl = |args: &[&str]| {
        Command::new("curl").args(["--silent", "--fail", "--max-time", "10"]).args(args).output()
    };
    if let Err(error) = curl(&["--version"]) {
        return eprintln!("skipped: curl: {error}");
    }
    let until = |what: &str, args: &[&str]| -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let run = curl(args).expect("it runs");
            if run.status.success() {
                return String::from_utf8(run.stdout).expect("UTF-8");
            }
            assert!(Instant::now() < deadline, "{what}: {run:?}");
            std::thread::park_timeout(LOOK);
        }
    };
    let through_socket = ["--unix-socket", socket.to_str().unwrap(), "http://localhost/metrics"];
    let page = Page::parse(&until("through the socket", &through_socket));
    assert_eq!(page.value("noctule_devices{kind=\"managed\"}"), Some(0.0));
    let url = format!("http://{port}/metrics");
    say(&format!("[serve]\nmetrics = \"{port}\"\n"));
    let page = Page::parse(&until("through the port", &[&url]));
    assert!(page.value("process_start_time_seconds").is_some() && !socket.exists());
    say("");
    let deadline = Instant::now() + PATIENCE;
    while curl(&[&url]).expect("it runs").status.success() {
        assert!(Instant::now() < deadline, "it goes on");
        std::thread::park_timeout(LOOK);
    }
    drop(program);
}
