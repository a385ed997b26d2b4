//! A console session without an engine: a made-up network, answers to what panes ask, keys as a person presses them.

use std::sync::Arc;
use std::time::Duration;

use noctule::console::{Caps, LineId, Output, Request, Session, Settings};
use noctule::device::driver::{Drivers, SectionStyle};
use noctule::device::explain::explain;
use noctule::engine::driver_files::{DriverInfo, DriverText, Outcome, Replay};
use noctule::engine::edits::{Edit, FieldChange};
use noctule::engine::fields::blank;
use noctule::engine::notify::{Overview, State as TargetState, TargetView, WaitingView};
use noctule::engine::query::{Answer, ConfigText, Hit, PastOf, Query, SearchAnswer};
use noctule::engine::series::{Availability, DeviceHistory, History, Outage, Point, Total};
use noctule::engine::snapshot::{BackupState, DeviceRow, Job, JobTask, Snapshot, Stage, Totals, Versions};
use noctule::engine::trust::KnownKey;
use noctule::model::{
    BlobId, BlobRef, DeviceId, DeviceName, DriverId, Event, EventKind, Evidence, Failure, FailureKind,
    Revision, RevisionState, Run, RunStatus, Severity, Timestamp, TransportKind,
};
use ratatui::buffer::Buffer;

use crate::{
    console_audit, console_credentials, console_identity, console_pulse, console_sessions, console_timeline,
    console_users,
};

/// 2026-11-24 12:00 UTC.
pub const NOW: Timestamp = Timestamp(1_795_521_600_000);

/// How a network is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is there yet; where a pane is about a device, one that was never backed up.
    Empty,
    /// All is well.
    Normal,
    /// One device in every bad state.
    Trouble,
    /// Ten thousand devices.
    Many,
    /// Every text that others wrote holds what could confuse a terminal or a reader.
    Hostile,
}

/// What devices and people may write.
pub const HOSTILE: &str = "deny ip any\rpermit ip \u{202e}txet\u{202c} e\u{301}\u{301}\u{301}\u{301} 描述 \u{1b}[31mred \u{200b}zero\0";

fn minutes_ago(minutes: i64) -> Timestamp {
    Timestamp(NOW.0 - minutes * 60_000)
}

/// A made-up network.
pub struct World {
    pub state: State,
    pub snapshot: Snapshot,
    /// Why no read is answered, where none is.
    pub failing: Option<String>,
}

impl World {
    /// A network in this state. `with_device` gives an empty one its one device.
    pub fn new(state: State, with_device: bool) -> Self {
        let devices = match state {
            State::Empty if with_device => vec![row(1, "core-1", BackupState::Never)],
            State::Empty => Vec::new(),
            State::Normal => normal(),
            State::Trouble => trouble(),
            State::Many => (1..=10_000).map(one_of_many).collect(),
            State::Hostile => hostile(),
        };
        let mut world = Self { state, snapshot: Snapshot { at: NOW, ..Snapshot::default() }, failing: None };
        world.snapshot.next_backup =
            (state != State::Empty).then_some(Timestamp(NOW.0 + 14 * 3_600_000 + 1_800_000));
        world.snapshot.jobs = if state == State::Empty { Arc::default() } else { jobs(state, &devices) };
        world.snapshot.events = if state == State::Empty { Arc::default() } else { events(state) };
        world.snapshot.incidents = console_pulse::incidents(state);
        world.snapshot.maintenance = console_pulse::maintenance(state);
        world.set_devices(devices);
        world
    }

    /// Other devices; the picture counts as moved.
    pub fn set_devices(&mut self, mut devices: Vec<DeviceRow>) {
        devices.sort_by(|a, b| a.device.name.cmp(&b.device.name));
        self.snapshot.totals = totals(&devices);
        self.snapshot.pulse = console_pulse::picture(self.state, &devices);
        self.snapshot.devices = devices.into();
        let versions = self.snapshot.versions;
        self.snapshot.versions = Versions {
            devices: versions.devices + 1,
            jobs: versions.jobs + 1,
            events: versions.events + 1,
            pulse: versions.pulse + 1,
            answers: versions.answers + 1,
            incidents: versions.incidents + 1,
            identities: versions.identities + 1,
        };
    }

    /// Changes one device; the picture counts as moved.
    pub fn change(&mut self, at: usize, change: impl Fn(&mut DeviceRow)) {
        let mut devices = self.snapshot.devices.to_vec();
        change(&mut devices[at]);
        self.set_devices(devices);
    }

    fn name_of(&self, id: DeviceId) -> &str {
        let row = self.snapshot.devices.iter().find(|row| row.device.id == id).expect("a device");
        row.device.name.as_str()
    }

    /// What the engine would answer.
    pub fn answer(&self, query: &Query) -> Answer {
        if let Some(why) = &self.failing {
            return Answer::Failed(why.clone());
        }
        if let Some(answer) = console_audit::answer(query, self.state) {
            return answer;
        }
        match query {
            Query::PulseHistory(past) => Answer::PulseHistory(Arc::new(past_of(*past, self.state))),
            Query::Timeline(of) => Answer::Timeline(console_timeline::timeline(of, self.state)),
            Query::History(_) if self.state == State::Empty => {
                Answer::History { revisions: Arc::default(), runs: Arc::default() }
            }
            Query::History(device) => {
                let revisions: Vec<Revision> =
                    (1..=5).rev().map(|number| revision(*device, number, self.state)).collect();
                Answer::History { runs: runs(*device, self.state).into(), revisions: revisions.into() }
            }
            Query::Watch(_) => Answer::Watching(console_sessions::watching(self.state)),
            Query::Watched { seen, .. } => Answer::Watched(console_sessions::picture(self.state, *seen)),
            Query::Sessions => Answer::Sessions(console_sessions::sessions(self.state)),
            Query::Terminal(..) => Answer::Terminal(7, Arc::new(crate::console_terminal::cast(self.state))),
            Query::Users => Answer::Users(console_users::users(self.state)),
            Query::Credentials => console_credentials::vault(self.state),
            Query::Credential(name) => console_credentials::page(self.state, name),
            Query::CredentialsOf(_) => console_credentials::of_device(self.state),
            Query::Notifications => Answer::Notifications(notifications(self.state).into()),
            Query::Identities => {
                Answer::Identities(console_identity::identities(self.state, &self.snapshot.devices))
            }
            _ if self.state == State::Empty && !matches!(query, Query::Search(_)) => {
                Answer::Failed("core-1 has no good revision stored; `backup run core-1` reads one".into())
            }
            Query::Config(which) => Answer::Config(self.text(which.device, which.number.unwrap_or(5))),
            Query::Pair(old, new) => Answer::Pair(
                self.text(old.device, old.number.unwrap_or(5)),
                self.text(new.device, new.number.unwrap_or(5)),
            ),
            Query::Search(_) => Answer::Search(self.hits()),
            other => self.answer_more(other),
        }
    }

    fn text(&self, device: DeviceId, number: u32) -> ConfigText {
        ConfigText {
            revision: Arc::new(revision(device, number, self.state)),
            text: config(self.name_of(device), number, self.state).into(),
            style: SectionStyle::Indent,
            section_start: None,
        }
    }

    fn hits(&self) -> SearchAnswer {
        let mut hits = Vec::new();
        for row in self.snapshot.devices.iter().take(40) {
            let text = config(row.device.name.as_str(), 5, self.state);
            let lines: Vec<&str> = text.lines().collect();
            for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("vlan")) {
                let from = line.find("vlan").expect("it is there");
                hits.push(Hit {
                    device: row.device.id,
                    name: row.device.name.as_str().into(),
                    revision: 5,
                    line: at as u32 + 1,
                    text: (*line).into(),
                    span: (from, from + 4),
                    section: if line.starts_with(' ') {
                        "interface GigabitEthernet0/1".into()
                    } else {
                        "".into()
                    },
                    before: lines.get(at.wrapping_sub(1)).copied().unwrap_or_default().into(),
                    after: lines.get(at + 1).copied().unwrap_or_default().into(),
                });
            }
        }
        let texts = self.snapshot.devices.len() as u64;
        SearchAnswer { hits: hits.into(), texts, more: self.state == State::Many, millis: 41 }
    }

    fn answer_more(&self, query: &Query) -> Answer {
        let drivers = Drivers::embedded();
        match query {
            Query::Edits(_, since) => {
                let text = |text: &str| {
                    if self.state == State::Hostile { HOSTILE.to_owned() } else { text.to_owned() }
                };
                let field = |field, before: &str, after: &str| FieldChange {
                    field,
                    before: text(before),
                    after: text(after),
                };
                let edit = |later, by: &str, why: &str, fields| Edit {
                    revision: since + later,
                    at: minutes_ago(9 - 3 * i64::from(later)),
                    by: text(by),
                    why: text(why),
                    fields,
                };
                let moved = vec![field("location", "Main building, rack 4", "Cellar")];
                let role = vec![field("role", "access", "core")];
                Answer::Edits([edit(1, "bob", "moved", moved), edit(2, "carol", "", role)].into())
            }
            Query::HostKeys(_) => Answer::HostKeys(vec![KnownKey {
                place: "10.0.0.1:22".into(),
                pinned: vec!["ssh-ed25519 SHA256:q0Kl8ZrKZ6Q1kDqZzv5H2pZ8yXv0oJ3bYc1n7mT4dXk".into()],
                since: minutes_ago(90_000),
                refused: (self.state == State::Trouble)
                    .then(|| ("SHA256:AbC1kDqZzv5H2pZ8yXv0oJ3bYc1n7mT4dXk".into(), minutes_ago(6))),
            }]),
            Query::Drivers => {
                let info = |id: &DriverId| {
                    let driver = drivers.get(id).expect("it is well made");
                    let broken = self.state != State::Normal && id.as_str() == "huawei_vrp";
                    let problem =
                        "/etc/noctule/drivers/huawei_vrp/driver.toml:7: prompt.privileged: regex parse error";
                    DriverInfo {
                        id: id.clone(),
                        device: format!("{} {}", driver.vendor, driver.name),
                        transports: "ssh telnet".into(),
                        tried: driver.tried.clone(),
                        own: broken,
                        problem: broken.then(|| problem.into()),
                    }
                };
                let ids =
                    ["cisco_ios", "huawei_vrp", "mikrotik_routeros"].map(|id| id.parse().expect("an id"));
                Answer::Drivers(ids.iter().map(info).collect())
            }
            Query::Driver(id) => {
                let (file, text) = drivers.text(id).expect("a driver");
                Answer::Driver(DriverText { id: id.clone(), file, text: text.into(), own: false })
            }
            Query::Replay { driver: Some(_), .. } => {
                Answer::Failed("driver.toml:7: prompt.privileged: regex parse error".into())
            }
            Query::Replay { .. } => Answer::Replay(self.replay(&drivers)),
            other => panic!("no answer to {other:?}"),
        }
    }

    /// A session that ended at a prompt which its driver does not know.
    fn replay(&self, drivers: &Drivers) -> Replay {
        let more = match self.state {
            State::Hostile => "<. deny ip any\\rpermit ip \\e[31m \\x9b \u{202e}txet\u{202c} 描述\n",
            _ => "",
        };
        let text = format!(
            "noctule transcript 1\ndriver: cisco_ios\ntransport: telnet\nabout: core-1\nexpect: failure prompt\necho: off\n---\n\
             <. Welcome to core-1\n< Username:\\x20\n> {{username}}\n<. backup\n< Password:\\x20\n>! {{password}}\n<.\n\
             @ wait 1300\n{more}<. Last login: Mon Nov 23\n< [core-1]\n@ wait 30000\n@ close\n"
        );
        let transcript = text.parse().expect("a transcript");
        let driver = drivers.get(&"cisco_ios".parse().expect("an id")).expect("a driver");
        Replay {
            id: 7,
            at: NOW,
            about: "core-1".into(),
            driver: driver.id.clone(),
            readings: explain(&driver, &transcript).into(),
            outcome: Outcome::Failed("prompt: no prompt of the driver `cisco_ios` was recognised within 30s at `login`; last seen: Last login: Mon Nov 23 ⏎ [core-1]; does the driver fit?".into()),
        }
    }
}

/// A device that was backed up an hour ago.
pub fn row(id: u64, name: &str, state: BackupState) -> DeviceRow {
    let name: DeviceName = name.parse().expect("a name");
    let octets = [10, (id >> 16) as u8, (id >> 8) as u8, id as u8];
    let mut device = blank(
        DeviceId(id),
        name,
        std::net::IpAddr::from(octets).to_string().parse().expect("an address"),
        minutes_ago(90_000),
    );
    device.transport = Some(if id.is_multiple_of(4) { TransportKind::Telnet } else { TransportKind::Ssh });
    device.driver = ["cisco_ios", "huawei_vrp", "mikrotik_routeros"][id as usize % 3].parse().ok();
    device.group = ["core", "campus/north", "campus/south"][id as usize % 3].into();
    device.location = "Main building, rack 4".into();
    device.role = "access".into();
    device.tags = vec!["edge".into(), "poe".into()];
    let known = state != BackupState::Never && state != BackupState::Off;
    let failure = match state {
        BackupState::Failed => Some(failure(id)),
        BackupState::Suspect => Some(Failure::new(
            FailureKind::Truncated,
            "the end marker `end` is missing: the last line was ` ip addr`",
        )),
        _ => None,
    };
    let run = Run {
        device: DeviceId(id),
        at: minutes_ago(60 + id as i64 % 50),
        millis: 1_840,
        status: if failure.is_some() { RunStatus::Failed } else { RunStatus::Unchanged },
        revision: Some(5),
        bytes: 4_096,
        recording: failure.as_ref().map(|_| 7),
        failure,
        by: "schedule".into(),
    };
    DeviceRow {
        state,
        last_run: known.then(|| Arc::new(run)),
        newest: known.then(|| Arc::new(revision(DeviceId(id), 5, State::Normal))),
        proven: known.then(|| minutes_ago(60 + id as i64 % 50)),
        changed: known.then(|| minutes_ago(4_000 + 100 * (id as i64 % 90))),
        revisions: if known { 5 } else { 0 },
        device: Arc::new(device),
    }
}

fn failure(id: u64) -> Failure {
    match id % 3 {
        0 => Failure::new(
            FailureKind::Authentication,
            "the device refused the password of user backup; it is not tried again before the record changes",
        ),
        1 => Failure::new(
            FailureKind::Timeout,
            "nothing came for 30s at `show running-config`; last seen: interface GigabitEthernet0/7 ⏎  switchport",
        ),
        _ => Failure::new(
            FailureKind::Unreachable,
            "no answer from 10.0.0.9 port 22 within 10s: is the device up, and is there a route?",
        ),
    }
}

fn normal() -> Vec<DeviceRow> {
    let names = [
        "core-1",
        "core-2",
        "dist-north-1",
        "dist-north-2",
        "acc-n-101",
        "acc-n-102",
        "acc-n-103",
        "acc-s-201",
        "acc-s-202",
        "edge-1",
        "edge-2",
        "olt-1",
    ];
    let mut rows: Vec<DeviceRow> =
        names.iter().zip(1..).map(|(name, id)| row(id, name, BackupState::Good)).collect();
    rows[4].state = BackupState::Running;
    rows
}

fn trouble() -> Vec<DeviceRow> {
    let mut rows = normal();
    rows.push(row(21, "fails-auth", BackupState::Failed));
    rows.push(row(22, "fails-hang", BackupState::Failed));
    rows.push(row(23, "fails-down", BackupState::Failed));
    rows.push(row(24, "cut-off", BackupState::Suspect));
    rows.push(row(25, "old-news", BackupState::Late));
    rows.push(row(26, "new-box", BackupState::Never));
    rows.push(row(27, "shelf", BackupState::Off));
    let late = rows.iter_mut().find(|row| row.state == BackupState::Late).expect("a late one");
    late.proven = Some(minutes_ago(60 * 24 * 5));
    let off = rows.last_mut().expect("the shelf");
    Arc::make_mut(&mut off.device).transport = None;
    rows
}

fn one_of_many(id: u64) -> DeviceRow {
    let state = match id % 500 {
        1 => BackupState::Failed,
        2 => BackupState::Late,
        _ => BackupState::Good,
    };
    row(id, &format!("sw-{id:05}"), state)
}

fn hostile() -> Vec<DeviceRow> {
    let mut rows = trouble();
    for row in &mut rows {
        let device = Arc::make_mut(&mut row.device);
        for field in [
            &mut device.group,
            &mut device.location,
            &mut device.role,
            &mut device.description,
            &mut device.asset_tag,
        ] {
            *field = HOSTILE.to_owned();
        }
        device.tags = vec![HOSTILE.to_owned()];
        if let Some(run) = &mut row.last_run {
            let run = Arc::make_mut(run);
            run.by = HOSTILE.to_owned();
            if let Some(failure) = &mut run.failure {
                failure.message = HOSTILE.to_owned();
            }
        }
    }
    rows
}

fn totals(rows: &[DeviceRow]) -> Totals {
    let mut totals = Totals::default();
    for row in rows {
        *(if row.device.is_managed() { &mut totals.managed } else { &mut totals.unmanaged }) += 1;
        match row.state {
            BackupState::Good => totals.good += 1,
            BackupState::Late => totals.late += 1,
            BackupState::Never => totals.never += 1,
            BackupState::Suspect => totals.suspect += 1,
            BackupState::Failed => totals.failed += 1,
            BackupState::Running => totals.running += 1,
            BackupState::Off => {}
        }
    }
    totals
}

fn jobs(state: State, devices: &[DeviceRow]) -> Arc<[Job]> {
    let words = |text: &str| if state == State::Hostile { HOSTILE.to_owned() } else { text.to_owned() };
    let stage = |at: usize| match at {
        0 => Stage::At(words("show running-config 12 kB")),
        1 => Stage::At(words("login")),
        2 => Stage::Queued,
        3 => Stage::Retrying(2),
        4 if state != State::Normal => Stage::Done(RunStatus::Failed),
        5 => Stage::Done(RunStatus::Changed),
        _ => Stage::Done(RunStatus::Unchanged),
    };
    let tasks = devices.iter().take(8).enumerate();
    let tasks = tasks.map(|(at, row)| JobTask { device: row.device.id, stage: stage(at) }).collect();
    let done = devices
        .iter()
        .take(3)
        .map(|row| JobTask { device: row.device.id, stage: Stage::Done(RunStatus::Unchanged) });
    let job = |id, line: &str, by: &str, minutes, ended, tasks| Job {
        id,
        line: words(line),
        by: words(by),
        at: minutes_ago(minutes),
        ended,
        tasks,
    };
    Arc::new([
        job(12, "backup run --group campus", "alice", 2, None, tasks),
        job(
            11,
            "backup run core-1 core-2 dist-north-1",
            "schedule",
            600,
            Some(minutes_ago(599)),
            done.collect(),
        ),
    ])
}

fn events(state: State) -> Arc<[Event]> {
    let event = |seq, minutes, kind, severity, device: &str, message: &str| Event {
        seq,
        at: minutes_ago(minutes),
        kind,
        severity,
        device: device.parse().ok(),
        message: if state == State::Hostile { HOSTILE.to_owned() } else { message.to_owned() },
        incident: None,
    };
    let bad = [
        event(
            9,
            3,
            EventKind::BackupFailed,
            Severity::Error,
            "fails-auth",
            "authentication: the device refused the password of user backup",
        ),
        event(
            8,
            5,
            EventKind::Quarantined,
            Severity::Warning,
            "cut-off",
            "revision 6 is put aside: the end marker `end` is missing",
        ),
        event(
            7,
            6,
            EventKind::HostKeyChanged,
            Severity::Error,
            "core-2",
            "the host key differs from the pinned one: SHA256:AbC1 was shown, SHA256:XyZ9 is pinned",
        ),
    ];
    let good = [
        event(
            6,
            12,
            EventKind::ConfigChanged,
            Severity::Info,
            "acc-n-101",
            "revision 5: 3 lines added, 1 removed",
        ),
        event(
            5,
            40,
            EventKind::ConfigChanged,
            Severity::Info,
            "edge-1",
            "revision 5: 1 line added, 1 removed",
        ),
        event(
            4,
            90,
            EventKind::BackupRecovered,
            Severity::Info,
            "olt-1",
            "the device can be backed up again",
        ),
        event(3, 300, EventKind::Inventory, Severity::Info, "olt-1", "added by alice"),
        event(
            2,
            4_000,
            EventKind::HostKeyPinned,
            Severity::Info,
            "core-1",
            "SHA256:XyZ9 pinned at first contact",
        ),
        event(1, 4_001, EventKind::System, Severity::Info, "", "the store was opened"),
    ];
    let bad = bad.into_iter().filter(|_| state != State::Normal);
    bad.chain(good).collect()
}

/// Who is told of what: nobody, two that take it, one that does not.
fn notifications(state: State) -> Overview {
    let words = |text: &str| if state == State::Hostile { HOSTILE.to_owned() } else { text.to_owned() };
    let target = |name: &str, kind, place: &str, waiting, error: Option<&str>| TargetView {
        name: name.into(),
        kind,
        place: words(place),
        state: if error.is_some() { TargetState::Failing } else { TargetState::Good },
        last_success: Some(minutes_ago(90)),
        last_failure: error.map(|_| minutes_ago(4)),
        error: error.map(words),
        waiting,
    };
    let message = |id, target: &str, subject: &str| WaitingView {
        id,
        target: target.into(),
        created: minutes_ago(20),
        due: Some(Timestamp(NOW.0 + 60_000)),
        held: false,
        attempts: 0,
        error: None,
        given_up: false,
        events: 1,
        severity: Severity::Error,
        subject: words(subject),
    };
    let file = "/etc/noctule/notify.toml".to_owned();
    if state == State::Empty {
        return Overview { file, ..Overview::default() };
    }
    let mut targets = vec![target("noc", "smtp", "noc@example.net by mail.example.net:587", 0, None)];
    targets.push(TargetView {
        state: TargetState::Untried,
        last_success: None,
        ..target("page", "command", "/usr/local/bin/page", 0, None)
    });
    if state == State::Normal {
        return Overview { file, targets, ..Overview::default() };
    }
    let why = "connecting to hooks.example.net port 443: no answer within 5s";
    targets.insert(1, target("hook", "webhook", "https://hooks.example.net", 2, Some(why)));
    let waiting = vec![
        WaitingView {
            due: None,
            given_up: true,
            attempts: 53,
            error: Some(words(why)),
            ..message(3, "hook", "DOWN dist-north-1, 17 behind it")
        },
        WaitingView {
            attempts: 4,
            error: Some(words(why)),
            ..message(12, "hook", "UP dist-north-1 after 3h 4m")
        },
        WaitingView { held: true, ..message(14, "noc", "2 backup-failed: fails-auth, fails-hang") },
        WaitingView {
            due: None,
            error: Some(words("its target is not in the file any more")),
            ..message(9, "old", "DOWN edge-1")
        },
    ];
    Overview { file, targets, waiting, ..Overview::default() }
}

/// A stored revision; where there is trouble, the fourth is put aside.
pub fn revision(device: DeviceId, number: u32, state: State) -> Revision {
    let body = BlobRef { id: BlobId([number as u8; 32]), len: 4_000 + u64::from(number) };
    let doubtful = number == 4 && state != State::Normal;
    let reason = if state == State::Hostile { HOSTILE } else { "the end marker `end` is missing" };
    Revision {
        device,
        number,
        at: minutes_ago(4_000 - 700 * i64::from(number)),
        last_seen: minutes_ago(60),
        exact: body,
        normal: body,
        sha256: "5d2f".repeat(16),
        lines: 75,
        evidence: Evidence {
            end_marker: Some(!doubtful),
            stated_size: None,
            prompt_confirmed: true,
            length_percent: Some(if doubtful { 61 } else { 100 }),
        },
        state: match doubtful {
            true => RevisionState::Quarantined { reason: reason.into() },
            false => RevisionState::Good,
        },
    }
}

fn runs(device: DeviceId, state: State) -> Vec<Run> {
    let run = |minutes, status, revision, failure: Option<Failure>| Run {
        device,
        at: minutes_ago(minutes),
        millis: 1_840,
        status,
        revision,
        bytes: if failure.is_none() { 4_096 } else { 0 },
        recording: failure.as_ref().map(|_| 7),
        failure,
        by: if state == State::Hostile { HOSTILE.into() } else { "schedule".into() },
    };
    let mut runs = Vec::new();
    if state != State::Normal {
        let message =
            if state == State::Hostile { HOSTILE } else { "the device refused the password of user backup" };
        runs.push(run(
            30,
            RunStatus::Failed,
            None,
            Some(Failure { kind: FailureKind::Authentication, message: message.into() }),
        ));
    }
    runs.push(run(60, RunStatus::Unchanged, Some(5), None));
    for number in (1..=5).rev() {
        let doubt = revision(device, number, state).state != RevisionState::Good;
        let doubt = doubt.then(|| Failure::new(FailureKind::Truncated, "the end marker `end` is missing"));
        let status = if doubt.is_some() { RunStatus::Failed } else { RunStatus::Changed };
        runs.push(run(4_000 - 700 * i64::from(number), status, Some(number), doubt));
    }
    runs
}

/// A configuration of 60 ports that differs a little from revision to revision.
pub fn config(name: &str, number: u32, state: State) -> String {
    let mut text = format!("version 15.2\nhostname {name}\n!\nenable secret <secret:4f21>\n!\n");
    for vlan in [10, 20, 30] {
        text.push_str(&format!("vlan {vlan}\n name users-{}\n!\n", vlan + number));
    }
    for port in 1..=12 {
        text.push_str(&format!(
            "interface GigabitEthernet0/{port}\n description port {port}\n switchport access vlan 10\n"
        ));
        if number >= 5 && port == 7 {
            text.push_str(" spanning-tree portfast\n spanning-tree bpduguard enable\n");
        }
        if state == State::Hostile && port == 1 {
            text.push_str(&format!(" {HOSTILE}\n"));
        }
        text.push_str("!\n");
    }
    if number >= 4 {
        text.push_str("ntp server 10.0.0.123\n");
    }
    text.push_str("line vty 0 4\n login local\n transport input ssh\n!\nend\n");
    text
}

/// An operator at a console.
pub struct Operator {
    pub session: Session,
    pub world: World,
    pub now: Timestamp,
    /// The command lines that the session wanted to be run, and their texts.
    pub lines: Vec<(LineId, String, Option<String>)>,
    /// Everything else that it wanted, but for reads.
    pub requests: Vec<Request>,
}

impl Operator {
    /// One at a terminal of this size.
    pub fn new(world: World, width: u16, height: u16) -> Self {
        Self::with(world, width, height, &Settings::default())
    }

    /// The same, with settings.
    pub fn with(world: World, width: u16, height: u16, settings: &Settings) -> Self {
        let caps = Caps {
            width,
            height,
            term: "xterm-256color".into(),
            colorterm: "truecolor".into(),
            no_color: false,
            unicode: true,
        };
        let session = Session::new(&caps, settings, Arc::new(world.snapshot.clone()), NOW);
        let mut operator = Self { session, world, now: NOW, lines: Vec::new(), requests: Vec::new() };
        operator.serve();
        operator
    }

    /// Presses keys as they are written in a keymap, `<…>` around those with a name: `/down<enter>`.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        let mut rest = keys;
        while let Some(first) = rest.chars().next() {
            let named = rest.strip_prefix('<').and_then(|inner| inner.split_once('>'));
            let bytes = match named {
                Some((name, after)) => {
                    rest = after;
                    bytes_of(name)
                }
                None => {
                    rest = &rest[first.len_utf8()..];
                    first.to_string().into_bytes()
                }
            };
            self.session.feed(&bytes, self.now);
            self.session.esc_timeout();
            self.serve();
        }
        self
    }

    /// Types a line after `:`.
    pub fn command(&mut self, line: &str) -> &mut Self {
        self.press(":").press(line).press("<enter>")
    }

    /// The engine shows its newest picture.
    pub fn tell(&mut self) {
        self.world.snapshot.at = self.now;
        self.session.notify(Arc::new(self.world.snapshot.clone()), self.now);
        self.serve();
    }

    /// The bytes of the next frame, which the terminal answers; none where nothing is to be drawn.
    pub fn frame(&mut self) -> Vec<u8> {
        let bytes = self.session.frame(self.now).unwrap_or_default();
        if bytes.ends_with(b"\x1b[c") {
            self.session.feed(b"\x1b[?62;22c", self.now);
        }
        bytes
    }

    /// Answers what the session asked for until it asks for nothing more.
    pub fn serve(&mut self) {
        loop {
            let requests = self.session.take_requests();
            if requests.is_empty() {
                return;
            }
            for request in requests {
                match request {
                    Request::Query(id, query) => {
                        let answer = self.world.answer(&query);
                        self.session.answer(id, answer);
                    }
                    Request::Run { id, line, input } => self.lines.push((id, line, input)),
                    other => self.requests.push(other),
                }
            }
        }
    }

    /// The newest command line says this and ends so.
    pub fn says(&mut self, output: &[&str], exit: u8) -> &mut Self {
        let id = self.lines.last().expect("a line that runs").0;
        for line in output {
            self.session.output(id, Output::Line((*line).to_owned()));
        }
        self.session.output(id, Output::Exit(exit));
        self.serve();
        self
    }

    /// The newest command line.
    pub fn line(&self) -> &str {
        self.lines.last().map_or("", |(_, line, _)| line)
    }

    /// What a person sees.
    pub fn screen(&mut self) -> String {
        text_of(&self.session.draw().0)
    }

    /// Fails with the screen where `text` is not on it.
    #[track_caller]
    pub fn sees(&mut self, text: &str) -> &mut Self {
        let screen = self.screen();
        assert!(screen.contains(text), "{text:?} is not on the screen:\n{screen}");
        self
    }

    /// Fails with the screen where `text` is on it.
    #[track_caller]
    pub fn sees_not(&mut self, text: &str) -> &mut Self {
        let screen = self.screen();
        assert!(!screen.contains(text), "{text:?} is on the screen:\n{screen}");
        self
    }
}

fn bytes_of(name: &str) -> Vec<u8> {
    match name {
        "enter" => b"\r".to_vec(),
        "esc" => b"\x1b".to_vec(),
        "tab" => b"\t".to_vec(),
        "shift-tab" => b"\x1b[Z".to_vec(),
        "space" => b" ".to_vec(),
        "backspace" => b"\x7f".to_vec(),
        "up" => b"\x1b[A".to_vec(),
        "down" => b"\x1b[B".to_vec(),
        "right" => b"\x1b[C".to_vec(),
        "left" => b"\x1b[D".to_vec(),
        "home" => b"\x1b[H".to_vec(),
        "end" => b"\x1b[F".to_vec(),
        "delete" => b"\x1b[3~".to_vec(),
        "pgup" => b"\x1b[5~".to_vec(),
        "pgdn" => b"\x1b[6~".to_vec(),
        "shift-pgup" => b"\x1b[5;2~".to_vec(),
        "shift-pgdn" => b"\x1b[6;2~".to_vec(),
        name => match name.strip_prefix("ctrl-").and_then(|key| key.bytes().next()) {
            Some(key) => vec![key & 0x1f],
            None => panic!("no key {name}"),
        },
    }
}

/// The text of a picture, without blanks at the ends of lines.
pub fn text_of(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A day with a slow afternoon, some losses, an outage and planned work; in trouble it is down at the end.
fn past_of(past: PastOf, state: State) -> DeviceHistory {
    let span = past.until.0 - past.from.0;
    let step = span / past.points as i64;
    let down = |at: i64| match state {
        State::Empty => true,
        State::Trouble => (200..210).contains(&at) || at > 340,
        _ => (200..210).contains(&at),
    };
    let point = |place: i64| {
        let micros = |factor: i64| {
            let slow = if (120..180).contains(&place) { 2000 } else { 0 };
            Duration::from_micros((1000 + slow + place * 37 % 290) as u64 * factor as u64 / 10)
        };
        let lost = if down(place) { 24 } else { u64::from(place % 50 == 7) * 6 };
        let answered = |time| (lost < 24).then_some(time);
        Point {
            at: Timestamp(past.from.0 + place * step),
            sent: if state == State::Empty || place < 20 { 0 } else { 24 },
            lost,
            min: answered(micros(8)),
            median: answered(micros(10)),
            p95: answered(micros(15)),
            max: answered(micros(60)),
        }
    };
    let points: Vec<Point> = (0..past.points as i64).map(point).collect();
    let empty = state == State::Empty;
    let time = |micros| (!empty).then(|| Duration::from_micros(micros));
    let total = Total {
        point: Point {
            at: past.from,
            sent: points.iter().map(|point| point.sent).sum(),
            lost: if empty { 0 } else { points.iter().map(|point| point.lost).sum() },
            min: time(804),
            median: time(1140),
            p95: time(3870),
            max: time(19_600),
        },
        p99: time(4210),
        from_rows: false,
    };
    let at = |place: i64| Timestamp(past.from.0 + place * step);
    let outage = |from, until, planned| Outage { from: at(from), until: at(until), planned };
    let mut outages = vec![outage(100, 104, true), outage(200, 210, false)];
    if state == State::Trouble {
        outages.push(Outage { until: past.until, ..outage(341, 360, false) });
    }
    let millis = |length: i64| Duration::from_millis(length as u64);
    let sum = |planned| {
        let of = outages.iter().filter(|outage| outage.planned == planned);
        millis(of.map(|outage| outage.until.0 - outage.from.0).sum())
    };
    let availability = match empty {
        true => Availability { unknown: millis(span), ..Availability::default() },
        false => Availability {
            up: millis(span - 20 * step) - sum(true) - sum(false),
            down: sum(false),
            planned_down: sum(true),
            unknown: millis(20 * step),
            outages: outages.clone(),
        },
    };
    DeviceHistory {
        from: past.from,
        until: past.until,
        history: History { step: millis(step), points, total },
        availability,
    }
}
