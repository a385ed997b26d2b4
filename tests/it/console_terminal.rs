//! Terminals over simulated devices: typed into, resized, recorded without secrets, journalled, and refused.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use noctule::console::{Dial, Request, Settings};
use noctule::device::driver::Drivers;
use noctule::device::transport::Window;
use noctule::engine::audit::AuditFilter;
use noctule::engine::backup::{Network, Transports};
use noctule::engine::import::Format;
use noctule::engine::query::{Answer, Query};
use noctule::engine::terminal::{Cast, CastEvent, Said, TerminalHandle, Typed};
use noctule::engine::{Actor, Engine, Options, Person};
use noctule::lab::{ENABLE_PASSWORD, Fault, Fleet, PASSWORD, Spec, USERNAME};
use noctule::model::{Role, TransportKind};
use tokio::sync::mpsc;

use crate::console_fixture::{HOSTILE, Operator, State, World};

const WINDOW: Window = Window { columns: 80, rows: 24 };

/// An engine and a simulated device `core-1` of this transport.
async fn network(folder: &std::path::Path, transport: TransportKind) -> (Fleet, Arc<Engine>) {
    let spec = Spec {
        name: "core-1".into(),
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        transport,
        driver: "cisco_ios".parse().unwrap(),
        delay: Duration::ZERO,
        bytes: None,
        fault: Fault::None,
    };
    let fleet = Fleet::start(&Drivers::embedded(), vec![spec]).await.unwrap();
    let options =
        Options { schedule: false, pulse: false, ..Options::new(folder.join("data"), folder.join("config")) };
    let reader = Arc::new(Network::new(Transports::of(None, None)));
    let engine = Engine::start_with(options, reader).await.unwrap();
    let port = fleet.devices()[0].spec.address.port();
    let csv = format!(
        "name,address,driver,transport,port,username,password,enable_password\n\
         core-1,127.0.0.1,cisco_ios,{transport},{port},{USERNAME},{PASSWORD},{ENABLE_PASSWORD}\n"
    );
    let by = Actor::new("ann", "", "device import");
    let imported = engine.import(&by, csv.into_bytes(), Format::Csv, false).await.unwrap();
    assert!(imported.plan.bad.is_empty(), "{:?}", imported.plan.bad);
    (fleet, engine)
}

/// A person at a terminal: everything that it said.
struct Seat {
    handle: Option<TerminalHandle>,
    says: mpsc::Receiver<Said>,
    seen: String,
}

impl Seat {
    fn open(engine: &Arc<Engine>, role: Role) -> Self {
        let (said, says) = mpsc::channel(8);
        let handle = engine.open_terminal(&Person::fixed("ann", role), "core-1", WINDOW, said);
        Self { handle: Some(handle), says, seen: String::new() }
    }

    /// Waits until the device has sent this after what was seen before.
    async fn sees(&mut self, text: &str) {
        let from = self.seen.len();
        while !self.seen[from..].contains(text) {
            match tokio::time::timeout(Duration::from_secs(30), self.says.recv()).await.unwrap() {
                Some(Said::Bytes(bytes)) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Some(Said::Open) => {}
                other => panic!("{other:?} instead of {text:?} after {}", self.seen),
            }
        }
    }

    fn types(&self, text: &str) {
        self.handle.as_ref().unwrap().send(Typed::Bytes(text.into())).unwrap();
    }

    /// Leaves, and waits until the session is over. Why it is.
    async fn leaves(mut self) -> String {
        self.handle = None;
        self.over().await
    }

    async fn over(&mut self) -> String {
        loop {
            match self.says.recv().await {
                Some(Said::Closed(why)) => return why,
                Some(_) => {}
                None => return String::new(),
            }
        }
    }
}

async fn journal(engine: &Arc<Engine>) -> String {
    let page = engine.audit_list(AuditFilter::default(), 100).await.unwrap();
    page.entries.iter().map(|entry| format!("{} {}\n", entry.who, entry.in_a_line())).collect()
}

async fn a_session_is_typed_recorded_and_journalled(transport: TransportKind) {
    let folder = tempfile::tempdir().unwrap();
    let (_fleet, engine) = network(folder.path(), transport).await;
    let mut seat = Seat::open(&engine, Role::Engineer);
    seat.sees(if transport == TransportKind::Ssh { ">" } else { "#" }).await;
    seat.handle.as_ref().unwrap().send(Typed::Resize(Window { columns: 100, rows: 30 })).unwrap();
    // the simulated Telnet device is privileged from the beginning
    if transport == TransportKind::Ssh {
        seat.types("enable\r");
        seat.sees("assword:").await;
        seat.types(ENABLE_PASSWORD);
        seat.types("\r");
        seat.sees("#").await;
    }
    seat.types("show version\r");
    seat.sees("#").await;
    assert_eq!(seat.leaves().await, "the terminal was closed");
    let device = engine.device("core-1").unwrap().id;
    let kept = engine.terminals(device).await.unwrap();
    assert_eq!((kept.len(), kept[0].1.by.as_str()), (1, "ann"));
    let (_, _, text) = engine.terminal_cast(device, None).await.unwrap();
    assert!(!text.contains(PASSWORD) && !text.contains(ENABLE_PASSWORD), "{text}");
    assert!(text.contains("100x30") && text.contains("show version"), "{text}");
    let played = engine.query(&Person::fixed("ann", Role::Engineer), Query::Terminal(device, None)).await;
    let Answer::Terminal(1, cast) = played else { panic!("{played:?}") };
    assert!(cast.events.iter().any(|(_, event)| matches!(event, CastEvent::Output(_))));
    let journal = journal(&engine).await;
    assert!(
        journal.contains("a terminal is opened") && journal.contains("a terminal was closed after"),
        "{journal}"
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_session_over_ssh_is_typed_recorded_and_journalled() {
    a_session_is_typed_recorded_and_journalled(TransportKind::Ssh).await;
}

#[tokio::test]
async fn a_session_over_telnet_is_typed_recorded_and_journalled() {
    a_session_is_typed_recorded_and_journalled(TransportKind::Telnet).await;
}

#[tokio::test]
async fn whoever_may_not_change_devices_is_refused_and_that_is_journalled() {
    let folder = tempfile::tempdir().unwrap();
    let (_fleet, engine) = network(folder.path(), TransportKind::Ssh).await;
    for role in [Role::Viewer, Role::Operator, Role::Auditor] {
        let why = Seat::open(&engine, role).over().await;
        assert!(why.contains("needs the role engineer"), "{why}");
    }
    assert!(journal(&engine).await.contains("needs the role engineer"));
    assert!(engine.terminals(engine.device("core-1").unwrap().id).await.unwrap().is_empty());
    engine.stop().await;
}

/// A recording to play; its device writes what it likes.
pub fn cast(state: State) -> Cast {
    let said = match state {
        State::Hostile => format!("\x1b[2J\x1b[5;5H{HOSTILE}\x1b]0;owned\x07\r\ncore-1#"),
        _ => "core-1>\x1b[1;32menable\x1b[m\r\nPassword: \r\ncore-1#".to_owned(),
    };
    let events = vec![
        (Duration::ZERO, CastEvent::Output(said.into_bytes())),
        (Duration::from_secs(65), CastEvent::Output(b"exit\r\n".to_vec())),
    ];
    Cast { window: WINDOW, events }
}

/// An operator at an open terminal that has said `text`.
fn at_terminal(text: &[u8]) -> Operator {
    let mut operator = Operator::new(World::new(State::Normal, true), 80, 24);
    operator.command("terminal core-1");
    operator.frame();
    operator.serve();
    let opened = operator.requests.iter().find_map(|request| match request {
        Request::Terminal(id, Dial::Open { device, window }) => {
            assert_eq!((device.as_str(), *window), ("core-1", Window { columns: 80, rows: 22 }));
            Some(*id)
        }
        _ => None,
    });
    let id = opened.expect("a terminal is opened");
    operator.session.terminal(id, Said::Open);
    operator.session.terminal(id, Said::Bytes(text.to_vec()));
    operator.requests.clear();
    operator
}

/// What was typed to the device.
fn typed(operator: &mut Operator) -> Vec<u8> {
    operator.serve();
    let bytes = operator.requests.drain(..).filter_map(|request| match request {
        Request::Terminal(_, Dial::Type(Typed::Bytes(bytes))) => Some(bytes),
        _ => None,
    });
    bytes.collect::<Vec<_>>().concat()
}

#[test]
fn keys_go_to_the_device_until_the_chord_that_leaves() {
    let mut operator = at_terminal(b"core-1>");
    operator.press("q:?<up>").sees("core-1>").sees("ctrl-] leaves");
    assert_eq!(typed(&mut operator), b"q:?\x1b[A");
    operator.press("<ctrl-]>").sees("keys are the console's");
    operator.press("x<enter>");
    assert_eq!(typed(&mut operator), b"");
    operator.press("show").sees("ctrl-] leaves");
    assert_eq!(typed(&mut operator), b"show");
    operator.press("<ctrl-]><esc>").sees_not("core-1>");
    assert!(!operator.requests.iter().any(|request| matches!(request, Request::Terminal(_, Dial::Type(_)))));
}

#[test]
fn several_pasted_lines_are_shown_before_they_are_sent() {
    let mut operator = at_terminal(b"core-1#");
    let paste = |operator: &mut Operator, text: &str| {
        let now = operator.now;
        operator.session.feed(format!("\x1b[200~{text}\x1b[201~").as_bytes(), now);
    };
    paste(&mut operator, "show clock");
    assert_eq!(typed(&mut operator), b"show clock");
    paste(&mut operator, "conf t\r\nno ip routing\r\n");
    operator.sees("Paste 2 lines to core-1?").sees("no ip routing");
    assert_eq!(typed(&mut operator), b"");
    operator.press("n").sees_not("Paste 2 lines");
    assert_eq!(typed(&mut operator), b"");
    paste(&mut operator, "conf t\nend");
    operator.press("y");
    assert_eq!(typed(&mut operator), b"conf t\rend");
}

#[test]
fn what_scrolled_away_is_found() {
    let text: String = (0..100).map(|line| format!("line {line}\r\n")).collect();
    let mut operator = at_terminal(text.as_bytes());
    operator.press("<ctrl-]>/line 42<enter>").sees("line 42").sees_not("line 99");
    operator.press("G").sees("line 99");
}

#[test]
fn a_device_reaches_nothing_but_its_pane() {
    let mut operator = at_terminal(b"");
    operator.frame();
    let id = noctule::console::TerminalId(0);
    // a terminal that nobody has is nobody's
    operator.session.terminal(id, Said::Bytes(b"stray".to_vec()));
    let mut operator = at_terminal(b"\x1b]52;c;aGFja2Vk\x07\x1b]0;owned\x07\x07\x1b[2J\x1b[1;1Hhere");
    let frame = String::from_utf8_lossy(&operator.frame()).into_owned();
    assert!(!frame.contains("\x1b]52") && !frame.contains("owned") && !frame.contains("stray"), "{frame:?}");
    operator.sees("Terminal core-1");
}

#[test]
fn a_viewer_opens_no_pane() {
    let settings = Settings { rights: Role::Viewer.into(), ..Settings::default() };
    let mut operator = Operator::with(World::new(State::Normal, true), 80, 24, &settings);
    operator.command("terminal core-1").sees("A terminal needs the role engineer");
}
