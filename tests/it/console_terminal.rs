//! Terminals over simulated devices: typed into, resized, recorded without secrets, journalled, and refused.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use noctule::console::{Dial, Request, Settings, TerminalId};
use noctule::device::driver::Drivers;
use noctule::device::transport::Window;
use noctule::engine::audit::AuditFilter;
use noctule::engine::backup::{Network, Transports};
use noctule::engine::fields::{Change, Field};
use noctule::engine::import::Format;
use noctule::engine::query::{Answer, Query};
use noctule::engine::terminal::{Cast, CastEvent, Said, TerminalHandle, Typed};
use noctule::engine::{Actor, Engine, Options, Person};
use noctule::lab::{ENABLE_PASSWORD, Fault, Fleet, PASSWORD, Spec, USERNAME};
use noctule::model::{Grant, Reach, Rights, Role, TransportKind};
use tokio::sync::mpsc;

use crate::console_fixture::{HOSTILE, Operator, State, World};
use crate::screens;

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
pub struct Seat {
    handle: Option<TerminalHandle>,
    says: mpsc::Receiver<Said>,
    seen: String,
}

impl Seat {
    pub fn open(engine: &Arc<Engine>, role: Role) -> Self {
        Self::of(engine, &Person::fixed("ann", role))
    }

    fn of(engine: &Arc<Engine>, person: &Person) -> Self {
        let (said, says) = mpsc::channel(8);
        let handle = engine.open_terminal(person, "core-1", WINDOW, said);
        Self { handle: Some(handle), says, seen: String::new() }
    }

    /// Waits until the device has sent this after what was seen before.
    pub async fn sees(&mut self, text: &str) {
        let from = self.seen.len();
        while !self.seen[from..].contains(text) {
            let said = tokio::time::timeout(Duration::from_secs(30), self.says.recv()).await;
            let said = said.unwrap_or_else(|_| panic!("{text:?} never comes after {:?}", self.seen));
            match said {
                Some(Said::Bytes(bytes)) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Some(Said::Open) => {}
                other => panic!("{other:?} instead of {text:?} after {}", self.seen),
            }
        }
    }

    /// Waits until the person is told something, and says what.
    async fn is_told(&mut self) -> String {
        loop {
            match tokio::time::timeout(Duration::from_secs(30), self.says.recv()).await.unwrap() {
                Some(Said::Told(sentence)) => return sentence,
                Some(Said::Bytes(bytes)) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Some(Said::Open) => {}
                other => panic!("{other:?} after {}", self.seen),
            }
        }
    }

    /// Types to the device.
    pub fn types(&self, text: &str) {
        self.handle.as_ref().unwrap().send(Typed::Bytes(text.into())).unwrap();
    }

    /// Leaves, and waits until the session is over. Why it is.
    async fn leaves(mut self) -> String {
        self.handle = None;
        self.over().await
    }

    /// Their window has another size.
    pub fn resizes(&self, window: Window) {
        self.handle.as_ref().unwrap().send(Typed::Resize(window)).unwrap();
    }

    /// Waits until the session is over. Why it is.
    pub async fn over(&mut self) -> String {
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
    seat.resizes(Window { columns: 100, rows: 30 });
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
    seat.types("show running-config\r");
    // the simulated Telnet device pages
    for _ in 0..if transport == TransportKind::Telnet { 2 } else { 0 } {
        seat.sees("--More-- ").await;
        seat.types(" ");
    }
    seat.sees("\r\nend\r\n").await;
    assert!(seat.seen.contains("fake"), "the person sees what the device shows: {}", seat.seen);
    assert_eq!(seat.leaves().await, "the terminal was closed");
    let device = engine.device("core-1").unwrap().id;
    let kept = engine.terminals(device).await.unwrap();
    assert_eq!((kept.len(), kept[0].1.by.as_str()), (1, "ann"));
    let (_, _, text) = engine.terminal_cast(device, None).await.unwrap();
    assert!(!text.contains(PASSWORD) && !text.contains(ENABLE_PASSWORD), "{text}");
    assert!(!text.contains("fake") && text.contains("{secret}") && text.contains("hostname"), "{text}");
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
async fn the_stored_enable_password_answers_its_question_unseen_and_is_journalled() {
    let folder = tempfile::tempdir().unwrap();
    let (_fleet, engine) = network(folder.path(), TransportKind::Ssh).await;
    let mut seat = Seat::open(&engine, Role::Engineer);
    seat.sees(">").await;
    let type_it = |seat: &Seat| seat.handle.as_ref().unwrap().send(Typed::EnablePassword).unwrap();
    type_it(&seat);
    assert!(seat.is_told().await.contains("asks for no enable password now: nothing was typed"));
    seat.types("enable\r");
    seat.sees("assword:").await;
    type_it(&seat);
    seat.sees("#").await;
    assert!(!seat.seen.contains(ENABLE_PASSWORD), "{}", seat.seen);
    seat.leaves().await;
    let (_, _, text) = engine.terminal_cast(engine.device("core-1").unwrap().id, None).await.unwrap();
    assert!(!text.contains(ENABLE_PASSWORD), "{text}");
    let journal = journal(&engine).await;
    assert!(journal.contains("the enable password is typed into a terminal"), "{journal}");
    assert!(!journal.contains(ENABLE_PASSWORD), "{journal}");
    engine.stop().await;
}

#[tokio::test]
async fn what_is_typed_before_the_login_is_over_goes_to_the_prompt_and_to_no_question() {
    for transport in [TransportKind::Ssh, TransportKind::Telnet] {
        let folder = tempfile::tempdir().unwrap();
        let (_fleet, engine) = network(folder.path(), transport).await;
        let mut seat = Seat::open(&engine, Role::Engineer);
        seat.types("show version\r");
        let prompt = if transport == TransportKind::Ssh { ">" } else { "#" };
        seat.sees(&format!("{prompt}show version")).await;
        assert!(!seat.seen.contains("invalid"), "{}", seat.seen);
        seat.leaves().await;
        engine.stop().await;
    }
}

#[tokio::test]
async fn what_is_typed_early_is_not_sent_where_the_login_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_fleet, engine) = network(folder.path(), TransportKind::Telnet).await;
    let by = Actor::new("ann", "", "device edit");
    let wrong = [Change::new(Field::Password, "not-the-one")];
    engine.edit_device(&by, "core-1", &wrong).await.unwrap();
    let mut seat = Seat::open(&engine, Role::Engineer);
    seat.types("configure terminal\r");
    let told = seat.is_told().await;
    assert!(told.contains("was not sent"), "{told}");
    assert!(!seat.seen.contains("configure"), "{}", seat.seen);
    seat.leaves().await;
    engine.stop().await;
}

#[tokio::test]
async fn who_loses_the_device_loses_the_session_with_words() {
    for puts_away in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (_fleet, engine) = network(folder.path(), TransportKind::Ssh).await;
        let by = Actor::new("ann", "", "");
        engine.edit_device(&by, "core-1", &[Change::new(Field::Group, "core")]).await.unwrap();
        let part = Grant { role: Role::Engineer, reach: Reach::Group("core".into()) };
        let person = Person { rights: Rights::new(vec![part]), ..Person::fixed("ann", Role::Viewer) };
        let mut seat = Seat::of(&engine, &person);
        seat.sees(">").await;
        if puts_away {
            engine.remove_devices(&by, &["core-1".to_owned()]).await.unwrap();
        } else {
            engine.edit_device(&by, "core-1", &[Change::new(Field::Group, "edge")]).await.unwrap();
        }
        let why = seat.over().await;
        let words = if puts_away { "was put away" } else { "ann has the role engineer for core-1 no more" };
        assert!(why.contains(words) && why.contains("the session was ended"), "{why}");
        engine.stop().await;
    }
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
    at_terminal_of(80, 24, text).0
}

/// The same, on a screen of this size, and the terminal.
fn at_terminal_of(width: u16, height: u16, text: &[u8]) -> (Operator, TerminalId) {
    let mut operator = Operator::new(World::new(State::Normal, true), width, height);
    operator.command("terminal core-1");
    operator.frame();
    operator.serve();
    let opened = operator.requests.iter().find_map(|request| match request {
        Request::Terminal(id, Dial::Open { device, window }) => {
            assert_eq!((device.as_str(), *window), ("core-1", Window { columns: width, rows: height - 2 }));
            Some(*id)
        }
        _ => None,
    });
    let id = opened.expect("a terminal is opened");
    operator.session.terminal(id, Said::Open);
    operator.session.terminal(id, Said::Bytes(text.to_vec()));
    operator.requests.clear();
    (operator, id)
}

#[test]
fn the_pane_in_each_state_of_its_session() {
    let text: String =
        (1..=100).map(|line| format!("interface Vlan{line}\r\n")).collect::<String>() + "core-1#";
    for (width, height) in [(80, 24), (200, 60)] {
        let at = || at_terminal_of(width, height, text.as_bytes());
        let mut shown = String::new();
        let mut show = |state: &str, operator: &mut Operator| {
            shown += &format!("── {state}\n{}\n", operator.screen().trim_end());
        };
        let mut connecting = Operator::new(World::new(State::Normal, true), width, height);
        connecting.command("terminal core-1");
        show("connecting", &mut connecting);
        show("open", &mut at().0);
        show("held", at().0.press("<ctrl-]>"));
        show("searched", at().0.press("<ctrl-]>/vlan42<enter>"));
        show("back", at().0.press("<shift-pgup>"));
        let (mut pasting, _) = at();
        let now = pasting.now;
        pasting.session.feed(b"\x1b[200~conf t\r\nno ip routing\r\nend\r\n\x1b[201~", now);
        show("a paste of several lines", &mut pasting);
        show("leaving", at().0.press("<ctrl-]><esc>"));
        for (state, why) in [
            ("ended", "the device closed the connection"),
            ("lost", "the connection ended: Connection reset by peer (os error 104)"),
            ("refused", "the device core-1 is not yours: ann has engineer in group:edge"),
            ("taken away", "ann has the role engineer for core-1 no more: the session was ended"),
        ] {
            let (mut operator, id) = at();
            operator.session.terminal(id, Said::Closed(why.to_owned()));
            show(state, &mut operator);
        }
        screens::snapshot(&format!("terminal-states-{width}x{height}"), &shown);
    }
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
    operator.press("<ctrl-]><esc>").sees("A session with core-1 goes on. End it?");
    operator.press("<esc>").sees("core-1>");
    operator.press("<esc>y").sees_not("core-1>");
    assert!(!operator.requests.iter().any(|request| matches!(request, Request::Terminal(_, Dial::Type(_)))));
}

#[test]
fn a_page_back_is_one_chord_also_while_one_types_and_typing_returns() {
    let text: String = (0..100).map(|line| format!("line {line}\r\n")).collect();
    let mut operator = at_terminal(text.as_bytes());
    operator.press("<shift-pgup>").sees("22 lines up").sees_not("line 99");
    assert_eq!(typed(&mut operator), b"");
    operator.press("<shift-pgdn>").sees("line 99");
    operator.press("<shift-pgup>x").sees("line 99");
    assert_eq!(typed(&mut operator), b"x");
    operator.press("<ctrl-]><pgup>").sees("lines up").sees_not("line 99");
}

#[test]
fn the_enable_password_is_asked_of_the_engine_and_keys_go_on_to_the_device() {
    let mut operator = at_terminal(b"core-1>enable\r\nPassword: ");
    operator.press("<ctrl-]>E").sees("ctrl-] leaves");
    operator.serve();
    let asked =
        |request: &Request| matches!(request, Request::Terminal(_, Dial::Type(Typed::EnablePassword)));
    assert!(operator.requests.iter().any(asked), "{:?}", operator.requests);
    let id = operator.requests.iter().find_map(|request| match request {
        Request::Terminal(id, _) => Some(*id),
        _ => None,
    });
    operator.session.terminal(id.unwrap(), Said::Told("no enable password is stored".into()));
    operator.sees("core-1: no enable password is stored");
}

#[test]
fn what_is_typed_while_it_connects_goes_to_the_session() {
    let mut operator = Operator::new(World::new(State::Normal, true), 80, 24);
    operator.command("terminal core-1");
    operator.frame();
    operator.press("q");
    operator.sees("Connecting to core-1");
    assert_eq!(typed(&mut operator), b"q");
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
    let id = TerminalId(0);
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
