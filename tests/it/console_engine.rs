//! The console over a real engine: what was backed up is what a person reads.

use std::sync::Arc;

use noctule::console::{Caps, Request, Session, Settings};
use noctule::engine::query::{Answer, Query, RevisionRef, SearchQuery};
use noctule::engine::{Engine, Person, Selection};
use noctule::model::{FailureKind, Role};

use crate::console_fixture::text_of;
use crate::engine_fixture::*;

/// A person at the console.
pub struct Desk {
    engine: Arc<Engine>,
    session: Session,
    role: Role,
}

impl Desk {
    pub fn new(engine: &Arc<Engine>) -> Self {
        Self::of(engine, Role::Admin)
    }

    fn of(engine: &Arc<Engine>, role: Role) -> Self {
        let caps = Caps {
            width: 100,
            height: 40,
            term: "xterm-256color".into(),
            colorterm: String::new(),
            no_color: false,
            unicode: true,
        };
        let settings = Settings { rights: role.into(), ..Settings::default() };
        let session = Session::new(&caps, &settings, engine.snapshot(), engine.now());
        Self { engine: engine.clone(), session, role }
    }

    /// Types, lets the engine answer what is asked, and returns what is seen.
    pub async fn types(&mut self, keys: &str) -> String {
        self.session.notify(self.engine.snapshot(), self.engine.now());
        self.session.feed(keys.as_bytes(), self.engine.now());
        self.session.esc_timeout();
        loop {
            let requests = self.session.take_requests();
            if requests.is_empty() {
                return text_of(&self.session.draw().0);
            }
            for request in requests {
                match request {
                    Request::Query(id, query) => {
                        let answer = self.engine.query(&Person::fixed("ann", self.role), query).await;
                        self.session.answer(id, answer);
                    }
                    other => panic!("nothing but reads was expected: {other:?}"),
                }
            }
        }
    }
}

#[track_caller]
fn assert_shown(screen: &str, texts: &[&str]) {
    for text in texts {
        assert!(screen.contains(text), "{text:?} is not on the screen:\n{screen}");
    }
}

#[tokio::test]
async fn what_was_backed_up_is_listed_compared_searched_and_opened() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), "", network.clone(), &hand).await;
    add(&engine, &["core-1", "edge-1"]).await;
    let text =
        |vlan: &str| format!("hostname sw\nvlan 10\n name {vlan}\ninterface Gi0/1\n switchport\nend\n");
    network.play("core-1", [Script::Read(text("office")), Script::Read(text("guests"))]);
    network.play("edge-1", [Script::Read(text("office")), Script::Fail(FailureKind::Prompt)]);
    for _ in 0..2 {
        back_up(&engine, &Selection::all()).await;
        hand.move_by(60_000);
    }
    engine.watch().wait_for(|picture| picture.totals.failed == 1 && picture.totals.good == 1).await.unwrap();
    let mut desk = Desk::new(&engine);
    let list = desk.types("").await;
    assert_shown(&list, &["✖ failed   edge-1", "prompt: as the script says", "● good     core-1"]);
    assert_shown(&desk.types("jd").await, &["Diff core-1 #1-#2", "-  name office", "+  name guests"]);
    assert_shown(&desk.types("c").await, &["Config core-1 #2", "newest good", "▾ vlan 10"]);
    assert_shown(&desk.types("[").await, &["Config core-1 #1", "name office"]);
    assert_shown(&desk.types(":search office\r").await, &["edge-1  #1  1", "name office", "vlan 10"]);
    assert_shown(&desk.types("\r").await, &["Config edge-1 #1", "1 of 1"]);
    assert_shown(&desk.types(":history edge-1\r").await, &["✖ failed", "as the script says", "◆ changed"]);
    assert_shown(&desk.types(":diff core-1 --with edge-1\r").await, &["- core-1 #2", "+ edge-1 #1"]);
    assert_shown(&desk.types("2").await, &["✖ 1 failed", "edge-1", "Changed last"]);
    assert_shown(&desk.types("5").await, &["cisco_ios", "IOS and IOS XE", "built in"]);
    assert_shown(&desk.types(":config nothing\r").await, &["There is no device nothing"]);
}

/// Every read and the command that answers the same.
fn reads(device: noctule::model::DeviceId) -> Vec<(Query, &'static str)> {
    let which = RevisionRef { device, number: None };
    let search = SearchQuery { pattern: "vlan".into(), regex: false, history: true, limit: 10 };
    let ios = || "cisco_ios".parse().unwrap();
    let driver = Some(Arc::from("id = 'cisco_ios'"));
    vec![
        (Query::History(device), "backup list"),
        (Query::Config(which), "backup show"),
        (Query::Pair(which, which), "backup diff"),
        (Query::Search(search), "search"),
        (Query::HostKeys(device), "hostkey list"),
        (Query::Edits(device, 0), "device changes"),
        (Query::Drivers, "driver list"),
        (Query::Driver(ios()), "driver show"),
        (Query::Notifications, "notify list"),
        (Query::Users, "user list"),
        (Query::Credentials, "credential list"),
        (Query::Credential("core".into()), "credential show"),
        (Query::CredentialsOf(device), "credential explain"),
        (Query::Sessions, "session list"),
        (Query::Watch("bob".into()), "watch"),
        (Query::Terminal(device, None), "terminal export"),
        (Query::Replay { device, id: None, driver: None }, "recording show"),
        (Query::Replay { device, id: Some(1), driver }, "recording show"),
    ]
}

#[tokio::test]
async fn a_screen_shows_a_viewer_no_more_than_the_command_would() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), "[backup]\nretries = 0\n", network.clone(), &hand).await;
    add(&engine, &["core-1"]).await;
    network.play("core-1", [Script::Read("vlan 10\nend\n".into()), Script::Fail(FailureKind::Prompt)]);
    back_up(&engine, &Selection::all()).await;
    hand.move_by(1000);
    back_up(&engine, &Selection::all()).await;
    let device = engine.device("core-1").unwrap().id;
    for (query, name) in reads(device) {
        let command = noctule::commands::all().into_iter().find(|command| command.name == name).unwrap();
        assert_eq!(query.role(), command.role, "{name}");
        for role in Role::ALL {
            let answer = engine.query(&Person::fixed("ann", role), query.clone()).await;
            let refused = matches!(&answer, Answer::Failed(why) if why.contains("needs the role"));
            assert_eq!(refused, !role.includes(command.role), "{name} for {role}: {answer:?}");
        }
    }

    let mut viewer = Desk::of(&engine, Role::Viewer);
    assert_shown(&viewer.types(":config core-1\r").await, &["vlan 10", "newest good"]);
    let refused = viewer.types(":recording core-1\r").await;
    assert_shown(&refused, &["needs the role engineer, and yours is viewer"]);
    assert!(!refused.contains("step 1"), "{refused}");
    let mut engineer = Desk::of(&engine, Role::Engineer);
    let shown = engineer.types(":recording core-1\r").await;
    assert!(!shown.contains("needs the role"), "{shown}");
}
