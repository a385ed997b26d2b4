//! An engine over a store in a temporary folder, and a scripted network under it.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use noctule::device::driver::CompiledDriver;
use noctule::engine::backup::{
    BackupOptions, Broken, Call, CheckedHost, JobHandle, Reader, Reading, ReadingFuture, RunReport,
};
use noctule::engine::fields::{Change, Field};
use noctule::engine::{Actor, Clock, Engine, Options, Person, Selection};
use noctule::model::{Device, Evidence, Failure, FailureKind, Role, Timestamp};
use tokio::sync::watch;

/// 2026-11-24 12:00 UTC.
pub const NOON: i64 = 1_795_521_600_000;

/// What the next session with a device does.
#[derive(Clone)]
pub enum Script {
    /// It reads this text, proven.
    Read(String),
    /// It reads this text, not proven.
    Doubtful(String),
    /// It fails.
    Fail(FailureKind),
    /// It fails and leaves this transcript.
    Recorded(FailureKind, &'static str),
    /// It panics.
    Panic,
    /// It shows this host key.
    Key(&'static str),
    /// It waits until [`Network::release`], then reads this text.
    Held(String),
}

/// Devices by name, each with its coming sessions; the last one repeats.
pub struct Network {
    scripts: Mutex<HashMap<String, VecDeque<Script>>>,
    pub sessions: AtomicUsize,
    pub at_once: AtomicUsize,
    pub most_at_once: AtomicUsize,
    /// Device, user, password, enable password of each session.
    pub logins: Mutex<Vec<[String; 4]>>,
    gate: watch::Sender<bool>,
    /// Files of OpenSSH that are looked into.
    pub known_hosts: Mutex<Vec<PathBuf>>,
}

impl Network {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            scripts: Mutex::default(),
            sessions: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            logins: Mutex::default(),
            gate: watch::Sender::new(false),
            known_hosts: Mutex::default(),
        })
    }

    pub fn play(&self, device: &str, scripts: impl IntoIterator<Item = Script>) {
        self.scripts.lock().unwrap().insert(device.to_owned(), scripts.into_iter().collect());
    }

    pub fn release(&self) {
        self.gate.send_replace(true);
    }

    /// Waits until so many sessions are open at once.
    pub async fn open(&self, sessions: usize) {
        while self.at_once.load(Ordering::SeqCst) < sessions {
            tokio::task::yield_now().await;
        }
    }

    fn next(&self, device: &str) -> Script {
        let mut scripts = self.scripts.lock().unwrap();
        let queue = scripts.get_mut(device).unwrap_or_else(|| panic!("no script for {device}"));
        if queue.len() > 1 { queue.pop_front().unwrap() } else { queue.front().unwrap().clone() }
    }
}

struct AtOnce<'a>(&'a Network);

impl Drop for AtOnce<'_> {
    fn drop(&mut self) {
        self.0.at_once.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Reader for Network {
    fn hosts(&self, device: &Device) -> Vec<CheckedHost> {
        let host = device.address.to_string();
        let files = self.known_hosts.lock().unwrap().clone();
        vec![CheckedHost { place: format!("{host}:22"), known_as: host, files }]
    }

    fn read(&self, call: Call) -> ReadingFuture<'_> {
        Box::pin(async move {
            self.sessions.fetch_add(1, Ordering::SeqCst);
            let open = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(open, Ordering::SeqCst);
            let _open = AtOnce(self);
            let (device, passwords) = (&call.device, &call.passwords);
            let (name, login, enable) =
                (device.name.as_str(), passwords.login.expose(), passwords.enable.expose());
            let login = [name, &device.username, login, enable].map(str::to_owned);
            self.logins.lock().unwrap().push(login);
            (call.progress)("show running-config");
            tokio::task::yield_now().await;
            let reading = |exact: String, doubt: Option<String>| Reading {
                recording: doubt.as_ref().map(|_| "noctule transcript 1\n---\n".to_owned()),
                exact,
                evidence: Evidence::default(),
                doubt,
            };
            match self.next(call.device.name.as_str()) {
                Script::Read(text) => Ok(reading(text, None)),
                Script::Doubtful(text) => Ok(reading(text, Some("the end marker is missing".to_owned()))),
                Script::Held(text) => {
                    self.gate.subscribe().wait_for(|open| *open).await.unwrap();
                    Ok(reading(text, None))
                }
                Script::Panic => panic!("as the script says"),
                Script::Key(key) => {
                    call.trust.check("127.0.0.1:22", key, "SHA256:shown").await?;
                    Ok(reading("hostname sw\n".to_owned(), None))
                }
                Script::Recorded(kind, recording) => Err(Broken {
                    failure: Failure::new(kind, "as the script says"),
                    recording: Some(recording.to_owned()),
                }),
                Script::Fail(kind) => Err(Broken {
                    failure: Failure::new(kind, "as the script says"),
                    recording: Some("noctule transcript 1\n---\n".to_owned()),
                }),
            }
        })
    }

    /// Drops lines that begin with `!`; what follows `secret ` becomes a fingerprint.
    fn normalise(&self, _: &CompiledDriver, exact: &str, fingerprint: &dyn Fn(&str) -> String) -> String {
        let lines = exact.lines().filter(|line| !line.starts_with('!'));
        let masked = lines.map(|line| match line.split_once("secret ") {
            Some((head, secret)) => format!("{head}secret <secret:{}>\n", fingerprint(secret)),
            None => format!("{line}\n"),
        });
        masked.collect()
    }
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub struct Hand(Arc<AtomicI64>);

impl Hand {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOON)))
    }

    pub fn move_by(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub fn clock(&self) -> Clock {
        let hand = self.0.clone();
        Clock::from_fn(move || Timestamp(hand.load(Ordering::SeqCst)))
    }
}

/// An engine in `folder`, with `settings` as its `config.toml`.
pub async fn engine(folder: &Path, settings: &str, network: Arc<Network>, hand: &Hand) -> Arc<Engine> {
    let config = folder.join("config");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("config.toml"), settings).unwrap();
    let mut options = Options::new(folder.join("data"), config);
    options.schedule = false;
    options.pulse = false;
    options.clock = hand.clock();
    Engine::start_with(options, network).await.unwrap()
}

/// Somebody who may do everything.
pub fn admin() -> Person {
    Person::fixed("ann", Role::Admin)
}

pub fn ann() -> Actor {
    Actor::new("ann", "a test", "a command line")
}

/// How long the journal of the engine in `folder` is.
pub fn journal_bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder.join("data/journal")).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

/// Adds managed devices of these names.
pub async fn add(engine: &Arc<Engine>, names: &[&str]) {
    for name in names {
        let changes = [
            Change::new(Field::Transport, "ssh"),
            Change::new(Field::Driver, "cisco_ios"),
            Change::new(Field::Username, "backup"),
            Change::new(Field::Password, "not-a-real-password"),
        ];
        engine.add_device(&ann(), name, "127.0.0.1", &changes).await.unwrap();
    }
}

/// Runs a backup to its end; the reports by device name.
pub async fn back_up(engine: &Arc<Engine>, selection: &Selection) -> Vec<RunReport> {
    let handle = engine.backup(&ann(), selection, BackupOptions::default()).unwrap();
    reports(handle).await
}

/// Every report of a job, by device name.
pub async fn reports(mut handle: JobHandle) -> Vec<RunReport> {
    let mut reports = Vec::new();
    while let Some(report) = handle.reports.recv().await {
        reports.push(report);
    }
    reports.sort_by(|a, b| a.device.cmp(&b.device));
    reports
}
