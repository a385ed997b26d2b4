//! Two people on one record: one wins, the other is told who it was, and nothing that anybody typed is lost.

use std::sync::{Arc, Mutex};

use noctule::commands::{Door, Io, run};
use noctule::console::{Caps, Output, Request, Session, Settings};
use noctule::engine::fields::{Change, Field};
use noctule::engine::import::Format;
use noctule::engine::{ActErrorKind, Actor, Engine, Options, Person};
use noctule::model::{Device, Role, Secret, Timestamp};
use noctule::server::Hello;
use noctule::store::Entry;

use crate::attach_fixture::{Client, Served, hello};
use crate::command_fixture::Shell;
use crate::console_fixture::{HOSTILE, NOW, Operator, State, World, text_of};
use crate::engine_fixture::*;

fn bob() -> Actor {
    Actor::new("bob", "moved to the cellar", "device edit")
}

fn location(value: &str) -> [Change; 1] {
    [Change::new(Field::Location, value)]
}

async fn start(folder: &tempfile::TempDir, names: &[&str]) -> Arc<Engine> {
    let engine = engine(folder.path(), "", Network::new(), &Hand::new()).await;
    add(&engine, names).await;
    engine
}

/// An engine with an admin, `boss`, who is this account, and `ann`, whom it speaks for.
async fn with_ann() -> Served {
    let own = noctule::server::account_name(nix::unistd::Uid::effective());
    let served = Served::start_with(&format!("[serve]\ntrusted = [{own:?}]\n")).await;
    for line in
        [format!("user add boss --account {own}"), "user add ann --key ann --role engineer".to_owned()]
    {
        let (told, code) = Client::command(&served.place, &line).await.run_out().await;
        assert_eq!(code, 0, "{told}");
    }
    served
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_clients_who_change_one_device_one_wins_and_the_other_is_told_who() {
    let served = with_ann().await;
    let by = |who: &str, line: &str| Hello {
        speaks_for: (who == "ann").then(|| "ann".to_owned()),
        ..hello(line, None)
    };
    for round in 0..300 {
        let seen = served.engine.device("core-1").unwrap().revision;
        let line = |who: &str| format!("device edit core-1 location={who}-{round} --revision {seen}");
        // whoever says hello first is not always the first
        let order = if round % 2 == 0 { ["ann", "boss"] } else { ["boss", "ann"] };
        let mut clients = Vec::new();
        for who in order {
            clients.push(Client::welcome(&served.place, &by(who, &line(who))).await);
        }
        let (mut second, mut first) = (clients.pop().unwrap(), clients.pop().unwrap());
        let told = tokio::join!(first.run_out(), second.run_out());
        let (winner, loser) = match [told.0.1, told.1.1] {
            [0, 1] => (order[0], &told.1.0),
            [1, 0] => (order[1], &told.0.0),
            codes => panic!("round {round}: {codes:?}: {told:?}"),
        };
        let after = served.engine.device("core-1").unwrap();
        assert_eq!((after.location.clone(), after.revision), (format!("{winner}-{round}"), seen + 1));
        let says = format!("{winner} changed location");
        assert!(loser.contains("was changed meanwhile") && loser.contains(&says), "{loser}");
    }
    served.assert_alive().await;
}

#[tokio::test]
async fn at_the_same_moment_the_same_field_has_one_winner_and_different_fields_both_stay() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder, &["core-1"]).await;
    for round in 0..300 {
        let (one, other) = (location(&format!("ann {round}")), location(&format!("bob {round}")));
        let (me, them) = (ann(), bob());
        let (one, other) = tokio::join!(
            engine.edit_device(&me, "core-1", &one),
            engine.edit_device(&them, "core-1", &other)
        );
        let (winner, lost) = match (one, other) {
            (Ok(_), Err(lost)) => ("ann", lost),
            (Err(lost), Ok(_)) => ("bob", lost),
            both => panic!("{both:?}"),
        };
        assert_eq!(engine.device("core-1").unwrap().location, format!("{winner} {round}"));
        assert_eq!(lost.kind, ActErrorKind::Conflict);
        assert!(lost.message.contains(&format!("{winner} changed location")), "{lost}");
    }
    let role = [Change::new(Field::Role, "core")];
    let (me, them, here) = (ann(), bob(), location("hall"));
    let (one, other) =
        tokio::join!(engine.edit_device(&me, "core-1", &here), engine.edit_device(&them, "core-1", &role));
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    let device = engine.device("core-1").unwrap();
    assert_eq!((device.location.as_str(), device.role.as_str()), ("hall", "core"));
    assert_eq!(engine.passwords(&device).unwrap().login.expose(), "not-a-real-password");
}

#[tokio::test]
async fn whoever_says_what_they_saw_is_told_what_was_changed_since_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder, &["core-1"]).await;
    let shell = Shell::over(&engine);
    let (_, told) = shell.run("device show core-1 --json").await;
    let shown: serde_json::Value = serde_json::from_str(&told.lines[0]).unwrap();
    let seen = shown["record_revision"].as_u64().unwrap();
    let changes = [
        Change::new(Field::Location, "cellar"),
        Change::new(Field::Password, "another-fake"),
        Change::new(Field::Group, "campus"),
    ];
    engine.edit_device(&bob(), "core-1", &changes).await.unwrap();
    engine.edit_device(&bob(), "core-1", &[Change::new(Field::Role, "core")]).await.unwrap();

    let (exit, told) = shell.run(&format!("device edit core-1 description=x --revision {seen}")).await;
    let said = told.notes.join(" ");
    assert_eq!(exit, noctule::commands::Exit::Failed);
    for part in ["you saw revision 1, and it has 3", "bob changed", "location → cellar", "role → core"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(said.contains("password → another one") && !said.contains("fake"), "{said}");
    assert!(engine.device("core-1").unwrap().description.is_empty());
    let (_, told) = shell.run(&format!("device changes core-1 --since {seen} --json")).await;
    let rows: Vec<serde_json::Value> =
        told.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["by"], &rows[0]["record_revision"]), (&"bob".into(), &2.into()));
    assert_eq!(rows[0]["fields"][0]["field"], "password");
    assert_eq!(rows[1]["fields"], serde_json::json!([{"field": "role", "before": "", "after": "core"}]));
    // what is stored again as it was, since a key was rotated, is nobody's change
    let device = engine.device("core-1").unwrap();
    let again = Entry::new(Timestamp(NOON), "boss", "", "vault rotate").put(&device.id, device.as_ref());
    engine.store().commit(again).await.unwrap();
    assert_eq!(shell.run("device changes core-1 --since 1").await.1.lines.len(), 2);
    // named fields alone are changed by whoever does not say what they saw
    let (exit, _) = shell.run("device edit core-1 description=x").await;
    assert_eq!(exit, noctule::commands::Exit::Done);
    assert_eq!(engine.device("core-1").unwrap().location, "cellar");
}

#[tokio::test]
async fn two_who_put_away_and_bring_back_are_told_who_was_first() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder, &["core-1"]).await;
    let names = ["core-1".to_owned()];
    let (me, them) = (ann(), bob());
    let role = [Change::new(Field::Role, "x")];
    let (gone, late) =
        tokio::join!(engine.remove_devices(&me, &names), engine.edit_device(&them, "core-1", &role));
    assert!(gone.is_ok());
    let why = late.unwrap_err().message;
    assert!(why.contains("ann changed record → put away"), "{why}");
    let why = engine.remove_devices(&bob(), &names).await.unwrap_err().message;
    assert!(why.contains("there is no device core-1 any more: ann changed record → put away"), "{why}");

    let (me, them) = (ann(), bob());
    let (back, late) =
        tokio::join!(engine.restore_device(&them, "core-1"), engine.restore_device(&me, "core-1"));
    assert!(back.is_ok());
    let why = late.unwrap_err().message;
    assert!(why.contains("bob changed record → brought back"), "{why}");
    // an edit that comes between the look and the removal
    let seen = Some(engine.device("core-1").unwrap().revision);
    engine.edit_device(&bob(), "core-1", &location("cellar")).await.unwrap();
    let why = engine.remove_devices_seen(&ann(), &names, seen).await.unwrap_err().message;
    assert!(why.contains("bob changed location → cellar"), "{why}");
    assert!(engine.device("core-1").is_ok());
}

#[tokio::test]
async fn an_import_that_was_previewed_on_another_state_is_nothing_and_says_what_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder, &["core-1", "core-2", "other"]).await;
    let csv = |location: &str| {
        format!("name,address,location\ncore-1,127.0.0.1,{location}\ncore-2,127.0.0.1,{location}\nnew-1,10.0.0.1,\n")
            .into_bytes()
    };
    let plan = engine.plan_import(csv("hall"), Format::Csv).await.unwrap();
    // what the file does not name is nobody's concern
    engine.edit_device(&bob(), "other", &location("attic")).await.unwrap();
    engine.edit_device(&bob(), "core-2", &location("cellar")).await.unwrap();
    let why =
        engine.import_as_previewed(&ann(), csv("hall"), Format::Csv, false, Some(&plan)).await.unwrap_err();
    assert!(why.message.contains("core-2: bob changed location → cellar"), "{why}");
    assert!(engine.device("core-1").unwrap().location.is_empty() && engine.device("new-1").is_err());

    let plan = engine.plan_import(csv("hall"), Format::Csv).await.unwrap();
    engine.add_device(&bob(), "new-1", "10.0.0.9", &[]).await.unwrap();
    let why =
        engine.import_as_previewed(&ann(), csv("hall"), Format::Csv, false, Some(&plan)).await.unwrap_err();
    assert!(why.message.contains("new-1 was added by bob"), "{why}");
    let plan = engine.plan_import(csv("hall"), Format::Csv).await.unwrap();
    let done =
        engine.import_as_previewed(&ann(), csv("hall"), Format::Csv, false, Some(&plan)).await.unwrap();
    assert!(done.applied && engine.device("core-2").unwrap().location == "hall");
}

#[tokio::test]
async fn the_vault_says_who_was_first() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder, &["core-1", "core-2"]).await;
    let mut shells = [Shell::over(&engine), Shell::over(&engine)];
    shells[1].person = Some(Person::fixed("bob", Role::Admin));
    let [ann, bob] = &shells;
    let done = noctule::commands::Exit::Done;
    bob.file("secrets", "password=not-a-real-one\n");
    assert_eq!(bob.run("credential add lab --user x --secrets-from secrets").await.0, done);
    assert_eq!(bob.run("credential edit lab --user bobs --revision 1").await.0, done);
    let (exit, told) = ann.run("credential edit lab --user anns --revision 1").await;
    let said = told.notes.join(" ");
    assert!(exit != done && said.contains("bob changed user x → bobs"), "{said}");
    assert_eq!(engine.credential("lab").unwrap().user, "bobs");

    assert_eq!(bob.run("credential assign lab --device core-1").await.0, done);
    let (_, told) = ann.run("credential order --json").await;
    let row: serde_json::Value = serde_json::from_str(&told.lines[0]).unwrap();
    let seen = row["list_revision"].as_u64().unwrap();
    assert_eq!(bob.run("credential assign lab --device core-2").await.0, done);
    let (exit, told) = ann.run(&format!("credential assign lab --match 'x-*' --revision {seen}")).await;
    let said = told.notes.join(" ");
    assert!(
        exit != done && said.contains("bob changed assignments") && said.contains("2 to device core-2"),
        "{said}"
    );
    assert_eq!(engine.assignments().len(), 2);
}

#[tokio::test]
async fn a_secret_of_an_older_revision_does_not_open_in_the_record_of_today() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(&folder, &["core-1", "core-2"]).await;
    let old = first.device("core-1").unwrap();
    first.edit_device(&bob(), "core-1", &[Change::new(Field::Password, "another-fake")]).await.unwrap();
    let now = first.device("core-1").unwrap();
    assert_eq!(first.passwords(&now).unwrap().login.expose(), "another-fake");
    let other = first.device("core-2").unwrap();
    for moved in [&old, &other] {
        let forged = Device { password: moved.password.clone(), ..(*now).clone() };
        assert!(first.passwords(&forged).unwrap_err().message.contains("does not open"));
    }

    // one of before records had a revision opens still, and in no record of today; the next change binds it
    let place = format!("device/{}/password", now.id.0);
    let unbound = Some(first.store().seal(&place, &Secret::new("of-before")));
    let legacy = Device { revision: 0, password: unbound.clone(), ..(*now).clone() };
    let forged = Device { password: unbound, ..(*now).clone() };
    assert!(first.passwords(&forged).is_err());
    let entry = Entry::new(Timestamp(NOON), "ann", "", "of before").put(&legacy.id, &legacy);
    first.store().commit(entry).await.unwrap();
    first.stop().await;
    drop(first);
    let engine = engine(folder.path(), "", Network::new(), &Hand::new()).await;
    let before = engine.device("core-1").unwrap();
    assert_eq!((before.revision, engine.passwords(&before).unwrap().login.expose()), (0, "of-before"));
    engine.edit_device(&ann(), "core-1", &location("hall")).await.unwrap();
    let after = engine.device("core-1").unwrap();
    assert_eq!((after.revision, engine.passwords(&after).unwrap().login.expose()), (1, "of-before"));
    let forged = Device { password: before.password.clone(), ..(*after).clone() };
    assert!(engine.passwords(&forged).is_err());
}

/// Somebody at a console over a real engine, whose command lines run.
struct Seat {
    engine: Arc<Engine>,
    session: Session,
    name: &'static str,
}

/// What a command says, as lines of the console.
struct Said(Mutex<Vec<String>>);

impl Io for Said {
    fn line(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }

    fn note(&self, line: &str) {
        self.line(line);
    }

    fn bytes(&self, _: &[u8]) {}

    fn is_person(&self) -> bool {
        false
    }

    fn read_file(&self, _: &str, _: usize) -> Result<Vec<u8>, String> {
        Err("there is no file here".into())
    }

    fn write_file(&self, _: &str, _: &[u8], _: bool) -> Result<(), String> {
        Err("there is no file here".into())
    }

    fn confirm(&self, _: &str) -> Option<bool> {
        None
    }

    fn secret(&self, _: &str) -> Option<noctule::model::Secret> {
        None
    }

    fn interrupted(&self) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

impl Seat {
    fn new(engine: &Arc<Engine>, name: &'static str) -> Self {
        let caps = Caps {
            width: 100,
            height: 40,
            term: "xterm-256color".into(),
            colorterm: String::new(),
            no_color: false,
            unicode: true,
        };
        let session = Session::new(&caps, &Settings::default(), engine.snapshot(), engine.now());
        Self { engine: engine.clone(), session, name }
    }

    /// Types, sees to what is asked for, and returns what is seen.
    async fn types(&mut self, keys: &str) -> String {
        self.look();
        self.session.feed(keys.as_bytes(), self.engine.now());
        self.session.esc_timeout();
        loop {
            let requests = self.session.take_requests();
            if requests.is_empty() {
                return text_of(&self.session.draw().0);
            }
            let person = Person::fixed(self.name, Role::Admin);
            for request in requests {
                match request {
                    Request::Query(id, query) => {
                        let answer = self.engine.query(&person, query).await;
                        self.session.answer(id, answer);
                    }
                    Request::Run { id, line, .. } => {
                        let io = Arc::new(Said(Mutex::default()));
                        let door = Door {
                            options: Options::new(self.engine.data_dir(), self.engine.config_dir()),
                            engine: Some(self.engine.clone()),
                            person: person.clone(),
                            links: None,
                            io: io.clone(),
                        };
                        let exit = run(door, &shlex::split(&line).unwrap()).await;
                        for line in io.0.lock().unwrap().drain(..) {
                            self.session.output(id, Output::Line(line));
                        }
                        let code = if exit == noctule::commands::Exit::Done { 0 } else { 1 };
                        self.session.output(id, Output::Exit(code));
                        self.look();
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn look(&mut self) {
        self.session.notify(self.engine.snapshot(), self.engine.now());
    }

    /// Opens the record of core-1, and puts `text` behind the value of the line `down` from the top.
    async fn edits(&mut self, down: usize, text: &str) -> String {
        self.types(":edit device core-1\r").await;
        self.types(&format!("{}\x1b[F{text}", "\x1b[B".repeat(down))).await
    }
}

/// The lines of the record's text on which these fields stand, from the top.
const LOCATION: usize = 9;
const ROLE: usize = 10;

async fn picture(engine: &Arc<Engine>, revision: u32) {
    let is_there = |picture: &noctule::engine::snapshot::Snapshot| {
        picture
            .devices
            .iter()
            .any(|row| row.device.name.as_str() == "core-1" && row.device.revision == revision)
    };
    engine.watch().wait_for(|picture| is_there(picture)).await.unwrap();
}

#[tokio::test]
async fn two_consoles_on_one_device_the_second_sees_what_the_first_did_and_chooses() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder, &["core-1"]).await;
    engine.edit_device(&ann(), "core-1", &location("hall")).await.unwrap();
    picture(&engine, 2).await;
    let (mut ann, mut bob) = (Seat::new(&engine, "ann"), Seat::new(&engine, "bob"));
    assert!(ann.edits(LOCATION, " of ann").await.contains("location = hall of ann"));
    bob.edits(LOCATION, " of bob").await;
    bob.types("\x1b[B\x1b[Fcore").await;
    bob.types("\x13").await;
    picture(&engine, 3).await;
    assert_eq!(engine.device("core-1").unwrap().location, "hall of bob");

    // she sees it while she writes, and what it was when she saves
    assert!(ann.types("!").await.contains("somebody else changed it"));
    let shown = ann.types("\x13").await;
    for part in [
        "you began with revision 2, it has 3",
        "both changed it: choose",
        "before  hall",
        "theirs  hall of bob   bob, ",
        "mine    hall of ann!",
        "theirs is taken",
        "theirs  core   bob, ",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    // not before she has chosen; a look back loses nothing
    assert!(ann.types("\r").await.contains("Choose for location first"));
    assert!(ann.types("\x1b").await.contains("location = hall of ann!"));
    assert_eq!(engine.device("core-1").unwrap().location, "hall of bob");
    ann.types("\x13").await;
    ann.types("m").await;
    let shown = ann.types("\r").await;
    assert!(shown.contains("location = hall of ann!") && shown.contains("role = core"), "{shown}");
    let device = engine.device("core-1").unwrap();
    assert_eq!(
        (device.location.as_str(), device.role.as_str(), device.revision),
        ("hall of ann!", "core", 4)
    );

    // the other way round: bob writes on, and takes hers
    picture(&engine, 4).await;
    bob.types("s").await;
    assert!(bob.types("\x13").await.contains("theirs  hall of ann!   ann, "));
    let shown = bob.types("t\r").await;
    assert!(shown.contains("location = hall of ann!") && shown.contains("role =cores"), "{shown}");
    let device = engine.device("core-1").unwrap();
    assert_eq!((device.location.as_str(), device.role.as_str()), ("hall of ann!", "cores"));
    engine.stop().await;
}

#[tokio::test]
async fn who_was_overtaken_before_the_screen_knew_it_sees_it_too_and_keeps_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder, &["core-1"]).await;
    picture(&engine, 1).await;
    let mut ann = Seat::new(&engine, "ann");
    ann.edits(ROLE, "edge").await;
    // her screen has not heard of it
    let asked = {
        ann.session.feed(b"\x13", engine.now());
        ann.session.take_requests()
    };
    let [Request::Run { id, line, .. }] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(line, "device edit core-1 'role=edge' --revision 1");
    engine.edit_device(&bob(), "core-1", &[Change::new(Field::Role, "core")]).await.unwrap();
    picture(&engine, 2).await;
    ann.session.output(*id, Output::Line("core-1 was changed meanwhile".into()));
    ann.session.output(*id, Output::Exit(1));
    ann.look();
    let shown = ann.types("").await;
    assert!(shown.contains("both changed it: choose") && shown.contains("mine    edge"), "{shown}");
    assert!(shown.contains("theirs  core   bob, ") && shown.contains("moved to the cellar"), "{shown}");
    engine.stop().await;
}

#[test]
fn a_conflict_as_it_is_seen() {
    for (width, height) in [(80, 24), (200, 60)] {
        let mut shown = String::new();
        for theirs in ["Cellar", HOSTILE] {
            let mut operator = Operator::new(World::new(State::Normal, true), width, height);
            operator.command("edit device core-1").press(&format!("{}<end>!", "<down>".repeat(LOCATION)));
            let rows = operator.world.snapshot.devices.to_vec();
            let at = rows.iter().position(|row| row.device.name.as_str() == "core-1").unwrap();
            if theirs == HOSTILE {
                // what the journal says of who it was may be anything too
                operator.world.state = State::Hostile;
            }
            operator.world.change(at, |row| {
                let device = Arc::make_mut(&mut row.device);
                (device.location, device.role, device.revision) = (theirs.into(), "core".into(), 3);
            });
            operator.now = Timestamp(NOW.0 + 1_000);
            operator.tell();
            operator.press("<ctrl-s>").sees("both changed it: choose");
            let screen = operator.screen();
            assert!(!screen.chars().any(|c| c != '\n' && noctule::model::is_hostile(c)), "{screen}");
            shown += &format!(
                "── {}\n{}\n",
                if theirs == HOSTILE { "hostile" } else { "plain" },
                screen.trim_end()
            );
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("conflict-{width}x{height}"), shown);
        });
    }
}
