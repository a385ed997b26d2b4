//! The vault as a person at a shell meets it: who gets what, and nothing secret anywhere but where it is asked for.

use std::sync::Arc;

use noctule::commands::Exit;
use noctule::engine::fields::{Change, Field};
use noctule::engine::query::{Answer, Query};
use noctule::engine::vault::{CredentialChange, NewCredential, Source};
use noctule::engine::{Engine, Person, Selection};
use noctule::model::{CredentialKind, Grant, Reach, Rights, Role, Secret, SecretPart, Timestamp};
use noctule::store::Store;
use serde_json::Value;

use crate::attach_fixture::{Client, Served};
use crate::command_fixture::{Shell, Told};
use crate::engine_fixture::{Hand, NOON, Network, Script, add, ann, back_up, engine};

const SECRET: &str = "not-a-real-vault-secret";

/// An engine with devices in two groups, none of which has a password of its own.
async fn worked(folder: &std::path::Path, network: Arc<Network>) -> Arc<Engine> {
    let engine = engine(folder, "[backup]\nretries = 0\n", network, &Hand::new()).await;
    add(&engine, &["core-1", "core-2", "olt-1"]).await;
    for (name, group) in [("core-1", "core"), ("core-2", "core"), ("olt-1", "access/north")] {
        let changes = [
            Change::new(Field::Group, group),
            Change::new(Field::Username, ""),
            Change::new(Field::Password, ""),
            Change::new(Field::EnablePassword, ""),
        ];
        engine.edit_device(&ann(), name, &changes).await.unwrap();
    }
    engine
}

async fn done(shell: &Shell, line: &str) -> Told {
    let (exit, told) = shell.run(line).await;
    assert_eq!(exit, Exit::Done, "{line}: {:?}", told.notes);
    told
}

async fn refused(shell: &Shell, line: &str, why: &str) {
    let (exit, told) = shell.run(line).await;
    assert_ne!(exit, Exit::Done, "{line}");
    let said = told.notes.join("\n");
    assert!(said.contains(why), "{line}: {said}");
    assert!(!said.contains(SECRET) && !told.lines.join("\n").contains(SECRET), "{line}");
}

fn user_of(engine: &Engine, name: &str) -> (String, Source) {
    let login = engine.login(&engine.device(name).unwrap()).unwrap();
    (login.username, login.source)
}

#[tokio::test]
async fn the_first_assignment_that_fits_gives_the_login_and_exceptions_and_records_come_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = worked(folder.path(), Network::new()).await;
    let shell = Shell::over(&engine);
    *shell.side.secret.lock().unwrap() = Some(SECRET);
    for line in [
        "credential add wide --user wide",
        "credential add core --user core",
        "credential add one --user one",
        "credential assign wide --match *",
        "credential assign core --group core --before 1",
        "credential assign one --device core-2 --before 2",
    ] {
        done(&shell, line).await;
    }
    let vault = |number, name: &str| Source::Vault(number, name.to_owned());
    assert_eq!(user_of(&engine, "core-1"), ("core".into(), vault(2, "core")));
    assert_eq!(user_of(&engine, "core-2"), ("one".into(), vault(3, "one")));
    assert_eq!(user_of(&engine, "olt-1"), ("wide".into(), vault(1, "wide")));

    // an exception lets the next one through
    done(&shell, "credential unassign 2").await;
    done(&shell, "credential assign core --group core --except core-1 --except 'x*' --before 1").await;
    assert_eq!(user_of(&engine, "core-1"), ("wide".into(), vault(1, "wide")));
    let told = done(&shell, "credential explain core-1").await.lines.join("\n");
    assert!(told.contains("login   wide, by assignment 1"), "{told}");
    assert!(told.contains("not     assignment 4: core (login): the device is an exception"), "{told}");

    // the order is what counts
    done(&shell, "credential move 1 --before 3").await;
    assert_eq!(user_of(&engine, "core-2"), ("wide".into(), vault(1, "wide")));

    // a record of its own comes first; another user there is not given this one's password
    let changes = [Change::new(Field::Username, "own")];
    engine.edit_device(&ann(), "olt-1", &changes).await.unwrap();
    assert_eq!(user_of(&engine, "olt-1"), ("own".into(), Source::Host));
    let changes = [Change::new(Field::Password, "not-a-real-one")];
    engine.edit_device(&ann(), "olt-1", &changes).await.unwrap();
    assert_eq!(user_of(&engine, "olt-1"), ("own".into(), Source::Record));

    // a device that is renamed keeps what it was given
    engine.edit_device(&ann(), "core-2", &[Change::new(Field::Name, "dist-2")]).await.unwrap();
    done(&shell, "credential unassign 1").await;
    assert_eq!(user_of(&engine, "dist-2"), ("one".into(), vault(3, "one")));

    // one that goes takes its assignments along
    let told = done(&shell, "credential remove one --json").await;
    assert_eq!(told.lines, [r#"{"credential":"one","assignments":1}"#]);
    assert_eq!(user_of(&engine, "dist-2").1, vault(4, "core"));
}

#[tokio::test]
async fn a_screen_counts_who_gets_what_and_shows_it_to_nobody_who_may_not_list_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = worked(folder.path(), Network::new()).await;
    let shell = Shell::over(&engine);
    *shell.side.secret.lock().unwrap() = Some(SECRET);
    for line in [
        "credential add wide",
        "credential add core --user noc",
        "credential add ro --kind community",
        "credential assign wide --match *",
        "credential assign core --group core --except core-1 --before 1",
        "credential assign ro --match core-*",
        "credential assign ro --device core-1",
    ] {
        done(&shell, line).await;
    }
    let engineer = Person::fixed("eve", Role::Engineer);
    let Answer::Credentials(vault) = engine.query(&engineer, Query::Credentials).await else { panic!() };
    let told: Vec<_> = vault
        .credentials
        .iter()
        .map(|one| (one.name.as_str(), one.devices, one.changed_by.as_str()))
        .collect();
    // one that is given twice is counted once
    assert_eq!(told, [("core", 1, "ann"), ("ro", 2, "ann"), ("wide", 2, "ann")]);
    let order: Vec<_> = vault.assignments.iter().map(|one| (one.place, one.number, one.devices)).collect();
    assert_eq!(order, [(1, 2, 1), (2, 1, 2), (3, 3, 2), (4, 4, 1)]);
    assert_eq!(vault.assignments[0].except, ["device core-1"]);
    let query = Query::Credential("wide".into());
    let Answer::Credential(page) = engine.query(&engineer, query).await else { panic!() };
    let gets: Vec<_> = page.devices.iter().map(|one| (one.device.as_str(), one.assignment)).collect();
    assert_eq!(gets, [("core-1", 1), ("olt-1", 1)]);
    assert!(!format!("{vault:?}{page:?}").contains(SECRET));
    let Answer::Failed(why) = engine.query(&engineer, Query::Credential("wid".into())).await else {
        panic!()
    };
    assert!(why.contains("did you mean wide?"), "{why}");

    // who has a part of the network alone is told of its devices, and of nothing else
    let grant = Grant { role: Role::Engineer, reach: Reach::Group("core".into()) };
    let part = Person { rights: Rights::new(vec![grant]), ..engineer };
    let id = |name: &str| engine.device(name).unwrap().id;
    let own = engine.query(&part, Query::CredentialsOf(id("core-1"))).await;
    assert!(
        matches!(&own, Answer::CredentialsOf(gets) if gets.login_in_words() == "wide, by assignment 1"),
        "{own:?}"
    );
    for query in [Query::Credentials, Query::Credential("core".into()), Query::CredentialsOf(id("olt-1"))] {
        let answer = engine.query(&part, query.clone()).await;
        assert!(
            matches!(&answer, Answer::Failed(why) if why.contains("group:core")),
            "{query:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_session_is_logged_in_with_what_the_vault_gives_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::new();
    let first = worked(folder.path(), Arc::clone(&network)).await;
    let shell = Shell::over(&first);
    shell.file("secrets", &format!("# of the core\npassword={SECRET}\nenable_password={SECRET}-2\n"));
    done(&shell, "credential add core --user noc --secrets-from secrets").await;
    done(&shell, "credential assign core --group core").await;
    drop(shell);
    first.stop().await;
    drop(first);

    let again = engine(folder.path(), "[backup]\nretries = 0\n", Arc::clone(&network), &Hand::new()).await;
    network.play("core-1", [Script::Read("hostname core-1\nend\n".into())]);
    back_up(&again, &Selection::names(["core-1"])).await;
    let logins = network.logins.lock().unwrap().clone();
    assert_eq!(logins, [["core-1", "noc", SECRET, "not-a-real-vault-secret-2"]]);
}

#[tokio::test]
async fn snmp_is_asked_with_each_that_the_vault_gives_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let engine = worked(folder.path(), Network::new()).await;
    let shell = Shell::over(&engine);
    *shell.side.secret.lock().unwrap() = Some(SECRET);
    for line in [
        "credential add ro --kind community --version 2c",
        "credential add v3 --kind snmp-user --user noc --auth sha256 --priv aes",
        "credential assign v3 --match '*'",
        "credential assign ro --match 'core-*'",
    ] {
        done(&shell, line).await;
    }
    let told = done(&shell, "credential explain core-1 --json").await;
    let told: Value = serde_json::from_str(&told.lines[0]).unwrap();
    assert_eq!(told["snmp"]["credential"], "v3");
    assert_eq!(told["login"]["from"], "host");
    assert_eq!(told["considered"].as_array().unwrap().len(), 2);
    let agents = noctule::lab::snmp::agents().unwrap();
    let objects = agents[0].objects("core-1", "here", 0).unwrap();
    let address = "127.62.1.9:0".parse().unwrap();
    let agent = noctule::lab::snmp::SnmpAgent::start(address, SECRET, objects).await.unwrap();
    let port = agent.address().port().to_string();
    let changes = [
        Change::new(Field::Address, "127.62.1.9"),
        Change::new(Field::SnmpPort, &port),
        Change::new(Field::SnmpVersion, "2c"),
    ];
    engine.edit_device(&ann(), "core-1", &changes).await.unwrap();
    let told = done(&shell, "identity run core-1 --json").await;
    let told: Value = serde_json::from_str(&told.lines[0]).unwrap();
    assert_eq!(told["sysname"], "core-1", "{told}");
}

#[tokio::test]
async fn a_secret_is_revealed_for_a_reason_that_the_journal_has_before_and_to_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let engine = worked(folder.path(), Network::new()).await;
    let mut shell = Shell::over(&engine);
    *shell.side.secret.lock().unwrap() = Some(SECRET);
    done(&shell, "credential add core --user noc --secret enable_password").await;
    refused(&shell, "credential reveal core", "--reason").await;
    refused(&shell, "credential reveal core --reason ' '", "--reason").await;
    refused(&shell, "credential reveal cor --reason x", "did you mean core?").await;
    let told = done(&shell, "credential reveal core --reason 'the engine is down' --json").await;
    let object: Value = serde_json::from_str(&told.lines[0]).unwrap();
    assert_eq!(object["password"], SECRET);
    let told = done(&shell, "audit list --kind read --json").await;
    let entry: Value = serde_json::from_str(&told.lines[0]).unwrap();
    assert_eq!(entry["who"], "ann");
    let told = done(&shell, &format!("audit show {}", entry["entry"])).await.lines.join("\n");
    assert!(told.contains("the engine is down"), "{told}");
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Admin) {
        shell.role = role;
        refused(&shell, "credential reveal core --reason x", "needs the role admin").await;
    }
}

#[tokio::test]
async fn no_answer_journal_event_export_or_file_of_the_store_holds_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let engine = worked(folder.path(), Network::new()).await;
    let shell = Shell::over(&engine);
    *shell.side.secret.lock().unwrap() = Some(SECRET);
    shell.file("bad", &format!("{SECRET}\n"));
    shell.file("worse", &format!("passwort={SECRET}\n"));
    done(&shell, "credential add core --user noc").await;
    done(&shell, "credential assign core --group core").await;
    done(&shell, "credential edit core --secret enable_password --description 'of the core'").await;
    refused(&shell, "credential add b --secrets-from bad", "line 1 of the file of secrets").await;
    refused(&shell, "credential add b --secrets-from worse", "line 1 of the file of secrets").await;
    refused(&shell, &format!("credential add b --secret {SECRET}"), "no secret of a credential").await;
    refused(&shell, "credential add core", "already").await;
    refused(&shell, "credential assign core", "say to whom").await;
    done(&shell, "credential reveal core --reason 'a test'").await;
    for line in [
        "credential list",
        "credential show core",
        "credential order",
        "credential explain core-1",
        "event list",
        "audit list",
        "audit export --output all.jsonl",
        "device export --all",
        "device show core-1",
        "doctor",
    ] {
        for json in ["", " --json"] {
            let (_, told) = shell.run(&format!("{line}{json}")).await;
            let mut said =
                told.lines.join("\n") + &told.notes.join("\n") + &String::from_utf8_lossy(&told.bytes);
            told.written.values().for_each(|(bytes, _)| said += &String::from_utf8_lossy(bytes));
            assert!(!said.contains(SECRET), "{line}{json}: {said}");
        }
    }
    assert!(!format!("{:?}", engine.snapshot()).contains(SECRET));
    let mut folders = vec![folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                let found = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
                assert!(!found, "{}", path.display());
            }
        }
    }
}

/// Somebody who can write the store's index puts an older record back, or gives a credential to a device of theirs.
#[tokio::test]
async fn a_record_that_was_brought_back_or_moved_is_found_and_nothing_is_opened() {
    use noctule::model::{Credential, CredentialId};
    use noctule::store::Entry;

    let folder = tempfile::tempdir().unwrap();
    let first = worked(folder.path(), Network::new()).await;
    let shell = Shell::over(&first);
    *shell.side.secret.lock().unwrap() = Some(SECRET);
    done(&shell, "credential add core --user noc").await;
    done(&shell, "credential add other --user noc").await;
    done(&shell, "credential assign core --match *").await;
    let old: Credential = first.store().get(&CredentialId(1)).unwrap().unwrap();
    *shell.side.secret.lock().unwrap() = Some("not-a-real-newer-secret");
    done(&shell, "credential edit core --secret password").await;
    let new: Credential = first.store().get(&CredentialId(1)).unwrap().unwrap();
    drop(shell);
    first.stop().await;
    let data = first.data_dir().to_owned();
    drop(first);

    let other = |store: &Store| store.get::<Credential>(&CredentialId(2)).unwrap().unwrap();
    let (store, _) = Store::open(&data, Timestamp(NOON)).unwrap();
    let moved = Credential { secrets: other(&store).secrets, ..new.clone() };
    let forged = Credential { revision: new.revision, ..old.clone() };
    drop(store);
    for (what, record) in [("brought back", &old), ("forged", &forged), ("moved", &moved)] {
        let (store, _) = Store::open(&data, Timestamp(NOON)).unwrap();
        let entry = Entry::new(Timestamp(NOON), "mallory", "", "").put(&CredentialId(1), record);
        store.commit(entry).await.unwrap();
        drop(store);
        let engine = engine(folder.path(), "", Network::new(), &Hand::new()).await;
        let device = engine.device("core-1").unwrap();
        assert!(engine.login(&device).is_err(), "{what}");
        assert!(engine.reveal_credential(&ann(), "core", "a test").await.is_err(), "{what}");
        engine.stop().await;
    }
    let (store, _) = Store::open(&data, Timestamp(NOON)).unwrap();
    store.commit(Entry::new(Timestamp(NOON), "mallory", "", "").put(&CredentialId(1), &new)).await.unwrap();
    drop(store);
    let engine = engine(folder.path(), "", Network::new(), &Hand::new()).await;
    assert!(engine.login(&engine.device("core-1").unwrap()).is_ok());
    engine.stop().await;
}

/// The whole program: a password comes over standard input, is kept, and shown for a reason; and the process that held it
/// leaves no core.
#[test]
fn the_program_takes_a_secret_from_a_pipe_and_leaves_no_core() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let folder = tempfile::tempdir().unwrap();
    let program = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_noctule"));
        command.arg("--data").arg(folder.path().join("data"));
        command.arg("--config").arg(folder.path().join("config"));
        command.arg("--embedded").args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut adding =
        program(&["credential", "add", "core", "--user", "noc", "--secrets-from", "-"]).spawn().unwrap();
    let limits = format!("/proc/{}/limits", adding.id());
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let limits = std::fs::read_to_string(&limits).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        if core.split_whitespace().skip(4).take(2).eq(["0", "0"]) {
            break;
        }
        assert!(Instant::now() < until, "{core}");
        std::thread::yield_now();
    }
    adding.stdin.take().unwrap().write_all(format!("password={SECRET}\n").as_bytes()).unwrap();
    let added = adding.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&added.stdout).into_owned() + &String::from_utf8_lossy(&added.stderr);
    assert!(added.status.success() && !said.contains(SECRET), "{said}");

    let shown = program(&["credential", "reveal", "core", "--reason", "a test"]).output().unwrap();
    let said = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success() && said.contains(SECRET), "{said}");
    let refused = program(&["credential", "reveal", "core"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stdout.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_console_draws_no_secret_however_it_is_asked() {
    let served = Served::start().await;
    let new = NewCredential {
        name: "core".into(),
        kind: CredentialKind::Login,
        change: CredentialChange {
            secrets: vec![(SecretPart::Password, Secret::new(SECRET))],
            ..CredentialChange::default()
        },
    };
    served.engine.add_credential(&ann(), new).await.unwrap();
    let mut console = Client::screen(&served.place, 200, 40).await;
    console.wait_for("edge-1").await;
    console.type_keys(b":credential reveal core --reason x\r").await;
    console.wait_for("Show a credential's secrets").await;
    console.type_keys(b"y").await;
    let screen = console.wait_for("run it from a shell").await;
    assert!(!screen.contains(SECRET), "{screen}");
}
