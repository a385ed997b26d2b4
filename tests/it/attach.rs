//! Many clients on one engine: each sees what the others do, and nothing that one of them says harms the others.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use noctule::engine::import::Format;
use noctule::server::wire::{self, Answer, Ask, LONGEST_HELLO, LONGEST_SAID, PROTOCOL, Reply, Said, Told};
use noctule::server::{FromClient, Hello, Leave, ToClient};

use crate::attach_fixture::{Client, Served, hello, screen, silent, within};
use crate::engine_fixture::ann;
use crate::terminal_program::NOCTULE;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_operator_sees_what_another_does() {
    let served = Served::start().await;
    let mut ann = Client::screen(&served.place, 200, 40).await;
    ann.wait_for("edge-1").await;
    let mut bob = Client::screen(&served.place, 80, 24).await;
    bob.wait_for("edge-1").await;
    assert_eq!(served.sessions().list().len(), 2);
    bob.type_keys(b":device edit core-1 location=Cellar\r").await;
    ann.wait_for("Cellar").await;
    let mut script = Client::command(&served.place, "device add new-1 192.0.2.9").await;
    assert_eq!(script.run_out().await.1, 0);
    ann.wait_for("new-1").await;
    bob.wait_for("new-1").await;
    // one leaves, the other stays
    bob.say(&Said::HangUp).await;
    while let Some(told) = bob.told().await {
        if matches!(told, Told::Screen(ToClient::End { .. })) {
            break;
        }
    }
    ann.type_keys(b"?").await;
    ann.wait_for("What can be done here").await;
    drop(ann);
    served.empty().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_asks_its_client_for_files_and_answers() {
    let served = Served::start().await;
    let mut client = Client::command(&served.place, "device import mine.csv").await;
    let (mut read, mut code) = (Vec::new(), None);
    while let Some(told) = client.told().await {
        match told {
            Told::Ask(number, Ask::Read { path, .. }) => {
                read.push(path);
                let csv = b"name,address\nfrom-file,192.0.2.77\n".to_vec();
                client.say(&Said::Answer(number, Answer::File(Ok(csv)))).await;
            }
            Told::Ask(number, Ask::Confirm(_)) => {
                client.say(&Said::Answer(number, Answer::Confirmed(Some(true)))).await;
            }
            Told::Exit(ended) => code = Some(ended),
            _ => {}
        }
    }
    assert_eq!((read, code), (vec!["mine.csv".to_owned()], Some(0)));
    assert!(served.engine.device("from-file").is_ok());

    // a file that is larger than what was asked for ends the session, not the engine
    let mut client = Client::command(&served.place, "device import mine.csv").await;
    let Some(Told::Ask(number, Ask::Read { at_most, .. })) = client.told().await else {
        panic!("no question")
    };
    let large = vec![b'x'; usize::try_from(at_most).unwrap() + 2 * LONGEST_SAID];
    client.say(&Said::Answer(number, Answer::File(Ok(large)))).await;
    served.empty().await;
    // a question that is never answered keeps nobody
    let client = Client::command(&served.place, "device import mine.csv").await;
    drop(client);
    served.empty().await;
    served.assert_alive().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exit_statuses_and_ctrl_c_come_back() {
    let served = Served::start().await;
    for (line, code) in
        [("device list", 0), ("device show nobody", 1), ("device lsit", 2), ("store rebuild", 1)]
    {
        let (told, ended) = Client::command(&served.place, line).await.run_out().await;
        assert_eq!(ended, code, "{line}: {told}");
    }
    // one that listens ends as it wants to
    let mut lab = Client::command(&served.place, "lab --devices 1").await;
    assert!(matches!(lab.told().await, Some(Told::Note(note)) if note.contains("listen")));
    lab.say(&Said::Signal(2)).await;
    assert_eq!(lab.run_out().await.1, 0);
    // one that waits for its person is broken off
    let mut asking = Client::command(&served.place, "device import mine.csv").await;
    assert!(matches!(asking.told().await, Some(Told::Ask(..))));
    asking.say(&Said::Signal(2)).await;
    assert!(matches!(asking.told().await, Some(Told::Exit(130))));
    served.empty().await;
    served.assert_alive().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_may_not_is_refused_with_a_sentence() {
    let served = Served::start_with("[serve]\ntrusted = [\"nobody-at-all\"]\n").await;
    let place = &served.place;
    let refused = |hello: Hello| async move {
        match Client::connect(place).await.greet(&hello).await {
            Some(Reply::Refused(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    let why = refused(Hello { speaks_for: Some("ann".into()), ..hello("device list", None) }).await;
    assert!(why.contains("does not trust this account to speak for others"), "{why}");
    let why = refused(Hello { protocol: PROTOCOL + 1, ..hello("", None) }).await;
    assert!(why.contains("use the same version"), "{why}");
    let why = refused(Hello { words: vec!["x".into(); 20_000], ..hello("", None) }).await;
    assert!(why.contains("at most"), "{why}");
    // read-only holds in the engine, whatever the client thinks
    let read_only = Hello { read_only: true, ..hello("device edit core-1 location=x", None) };
    let (told, code) = Client::welcome(&served.place, &read_only).await.run_out().await;
    assert!(code == 1 && told.contains("needs the role"), "{told}");
    assert!(served.log().contains("was refused"), "{}", served.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_that_is_trusted_says_who_uses_it() {
    let own = noctule::server::account_name(nix::unistd::Uid::effective());
    let served = Served::start_with(&format!("[serve]\ntrusted = [{own:?}]\n")).await;
    for line in
        [format!("user add boss --account {own}"), "user add ann --key ann --role engineer".to_owned()]
    {
        let (told, code) = Client::command(&served.place, &line).await.run_out().await;
        assert_eq!(code, 0, "{line}: {told}");
    }
    let hello = Hello { speaks_for: Some("eve\x1b[2J\u{202e}".into()), ..hello("device list", None) };
    let Some(Reply::Refused(why)) = Client::connect(&served.place).await.greet(&hello).await else {
        panic!("nobody knows eve")
    };
    assert!(!why.contains('\x1b') && !why.contains('\u{202e}'), "{why:?}");
    assert!(!served.log().contains('\x1b') && !served.log().contains('\u{202e}'), "{:?}", served.log());
    let hello = Hello {
        speaks_for: Some("ann".into()),
        words: vec!["device".into(), "edit".into(), "core-1".into(), "location=x".into()],
        ..hello
    };
    Client::welcome(&served.place, &hello).await.run_out().await;
    let (told, _) = Client::command(&served.place, "event list").await.run_out().await;
    assert!(told.contains("location changed by ann"), "{told}");
    // whoever came, and who was not let in, stands in the log of logins
    let (told, _) = Client::command(&served.place, "login list").await.run_out().await;
    assert!(told.contains("ann") && told.contains("boss") && told.contains("refused"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn garbage_and_huge_frames_end_their_own_connection_alone() {
    let served = Served::start().await;
    let mut bystander = Client::screen(&served.place, 80, 24).await;
    bystander.wait_for("core-1").await;
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    let garbage: Vec<u8> = std::iter::repeat_with(|| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance as u8
    })
    .take(1 << 20)
    .collect();
    let whole = wire::frames(&hello("device list", None)).unwrap();
    let too_long = wire::frames(&Hello { folder: "x".repeat(LONGEST_HELLO), ..hello("", None) }).unwrap();
    for bytes in [
        &garbage[..],
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        &u32::MAX.to_le_bytes(),
        &(u32::MAX >> 1).to_le_bytes(),
        &0_u32.to_le_bytes(),
        &too_long,
    ] {
        let mut client = Client::connect(&served.place).await;
        client.send(bytes).await;
        // it may be closed before the refusal is read
        assert!(!matches!(client.reply().await, Some(Reply::Welcome { .. })));
    }
    // the same from somebody who is in, whole and cut at every byte
    for at in 0..whole.len() {
        let mut client = Client::connect(&served.place).await;
        client.send(&whole[..at]).await;
    }
    for bytes in
        [&garbage[..], &u32::MAX.to_le_bytes(), &wire::frames(&vec![0_u8; LONGEST_SAID + 1]).unwrap()]
    {
        let mut client = Client::screen(&served.place, 80, 24).await;
        client.wait_for("core-1").await;
        client.send(bytes).await;
        within(served.sessions().count().wait_for(|count| *count == 1)).await.unwrap();
    }
    bystander.type_keys(b"?").await;
    bystander.wait_for("What can be done here").await;
    served.assert_alive().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_of_clients_without_a_word_leaves_room() {
    let served = Served::start().await;
    let mut inside = Client::screen(&served.place, 80, 24).await;
    inside.wait_for("core-1").await;
    let mut flood = Vec::new();
    for _ in 0..200 {
        flood.push(silent(served.place.path()).await);
    }
    inside.type_keys(b"?").await;
    inside.wait_for("What can be done here").await;
    // most were told so at once; the others are after their time
    let mut closed = 0;
    for client in &mut flood {
        let mut said = Vec::new();
        let ended = within(tokio::io::AsyncReadExt::read_to_end(client, &mut said)).await;
        closed += usize::from(ended.is_ok() && !said.is_empty());
    }
    assert_eq!(closed, 200, "each is told why");
    served.assert_alive().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_never_reads_is_dropped() {
    let served = Served::start().await;
    let rows: String = (0..4000).map(|n| format!("sw-{n},192.0.2.1,{}\n", "x".repeat(200))).collect();
    let csv = format!("name,address,location\n{rows}").into_bytes();
    let imported = served.engine.import(&ann(), csv, Format::Csv, false).await.unwrap();
    assert!(imported.plan.bad.is_empty(), "{:?}", imported.plan.bad.first());
    let deaf = Client::command(&served.place, "device list --json").await.into_socket();
    // one that reads gets everything meanwhile
    let (told, code) = Client::command(&served.place, "device list --json").await.run_out().await;
    assert_eq!((told.lines().count(), code), (4002, 0));
    served.empty().await;
    drop(deaf);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_takes_nothing_is_told_no_more_than_the_budget() {
    let served = Served::start().await;
    let rows: String = (0..6000).map(|n| format!("sw-{n},192.0.2.1,{}\n", "x".repeat(200))).collect();
    let csv = format!("name,address,location\n{rows}").into_bytes();
    served.engine.import(&ann(), csv, Format::Csv, false).await.unwrap();
    let (mut reading, _writing) = Client::command(&served.place, "device list --json").await.into_socket();
    let mut bytes = 0;
    // it reads on, and says nothing: at the budget nothing more comes
    while let Ok(body) = tokio::time::timeout(Duration::from_secs(2), reading.body(|| 1 << 20)).await {
        bytes += body.unwrap().len();
        assert!(bytes <= 4 << 20, "{bytes}");
    }
    assert!(bytes > 3 << 20, "{bytes}");
    served.assert_alive().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn absurd_sizes_are_clamped() {
    let served = Served::start().await;
    for (columns, rows) in [(0, 0), (1, 1), (65_535, 0), (0, 65_535), (65_535, 65_535)] {
        let mut client = Client::welcome(&served.place, &hello("", Some(screen(columns, rows)))).await;
        for (columns, rows) in [(0, 0), (65_535, 65_535), (100, 30)] {
            client.say(&Said::Screen(FromClient::Size(columns, rows))).await;
        }
        client.wait_for("").await;
        assert!(client.largest < 8 << 20, "{}", client.largest);
    }
    served.assert_alive().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_input_and_no_cut_of_it_harms_a_session() {
    let served = Served::start().await;
    let mut client = Client::screen(&served.place, 100, 30).await;
    client.wait_for("core-1").await;
    let sequences: [&[u8]; 12] = [
        b"\x1b[A",
        b"\x1bOP",
        b"\x1b[1;5C",
        b"\x1b[97;5u",
        b"\x1b[<0;10;20M",
        b"\x1b[<64;1;1M",
        b"\x1b[200~paste\xff\x1b[201~",
        b"\x1b]0;title\x07",
        b"\x1bPq#0\x1b\\",
        b"\xff\xfe\xc0\x80\xed\xa0\x80",
        b"\xf0\x9f\x98",
        b"\x1b[9999999999999999;99999999999999999H",
    ];
    for sequence in sequences {
        for byte in sequence {
            client.type_keys(&[*byte]).await;
        }
        for at in 0..sequence.len() {
            client.type_keys(&sequence[..at]).await;
            client.type_keys(&sequence[at..]).await;
        }
    }
    // what a client may say at any time, and what makes no sense
    for said in [
        Said::Signal(2),
        Said::Took(u32::MAX),
        Said::Answer(7, Answer::Confirmed(None)),
        Said::Screen(FromClient::Suspend),
        Said::Screen(FromClient::Returned { width: 0, height: 65_535, edited: Ok(Some("x\x1b".into())) }),
        Said::Screen(FromClient::Returned { width: 100, height: 30, edited: Ok(None) }),
    ] {
        client.say(&said).await;
    }
    drop(client);
    served.empty().await;
    let mut client = Client::screen(&served.place, 100, 30).await;
    client.wait_for("core-1").await;
    client.type_keys(b"?").await;
    client.wait_for("What can be done here").await;
    assert!(!served.log().contains("fault of noctule"), "{}", served.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_is_in_is_told_when_the_engine_stops() {
    let served = Served::start().await;
    let mut client = Client::screen(&served.place, 80, 24).await;
    client.wait_for("core-1").await;
    let Served { server, place, folder, .. } = served;
    let telling = tokio::spawn(async move { server.drain("a test").await });
    let (mut why, mut left) = (None, None);
    while let Some(told) = client.told().await {
        match told {
            Told::Bye { why: said, comes_back } => why = Some((said, comes_back)),
            Told::Screen(ToClient::End { leave: Leave { bytes, .. } }) => left = Some(bytes),
            _ => {}
        }
    }
    assert_eq!(why, Some(("the engine stops: a test".to_owned(), true)));
    assert!(left.is_some_and(|bytes| bytes.windows(8).any(|window| window == b"\x1b[?1049l")));
    within(telling).await.unwrap();
    assert!(!place.path().exists(), "the socket goes with it");
    drop(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_account_is_refused_by_either_side() {
    if !nix::unistd::Uid::effective().is_root() || Command::new("setpriv").arg("--version").output().is_err()
    {
        return eprintln!("skipped: only root with setpriv can be somebody else");
    }
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let as_nobody = |args: &[&std::ffi::OsStr]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(NOCTULE).args(args);
        command
    };
    if !as_nobody(&["--version".as_ref()]).output().is_ok_and(|run| run.status.success()) {
        return eprintln!("skipped: another account cannot start {NOCTULE}");
    }
    let served = Served::start().await;
    open(served.folder.path(), 0o755);
    open(served.engine.data_dir(), 0o711);
    open(served.place.path(), 0o666);
    let data = served.engine.data_dir().as_os_str();
    let run =
        as_nobody(&["--data".as_ref(), data, "--config".as_ref(), data, "device".as_ref(), "list".as_ref()])
            .output()
            .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.code() == Some(1) && said.contains("does not own the data folder"), "{said}");
    assert!(!String::from_utf8_lossy(&run.stdout).contains("core-1"));

    // an engine of somebody else, in a folder where everybody may put one
    let trap = tempfile::tempdir().unwrap();
    open(trap.path(), 0o1777);
    let socket = trap.path().join("n.sock");
    let theirs = trap.path().join("theirs");
    let args = ["--data".as_ref(), theirs.as_os_str(), "--config".as_ref(), theirs.as_os_str()];
    let serve = [&args[..], &["--socket".as_ref(), socket.as_os_str(), "serve".as_ref()]].concat();
    let mut child = as_nobody(&serve).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut words = String::new();
    let told = child.stderr.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(told), &mut words).unwrap();
    assert!(words.contains("listens on"), "{words}");
    let place = noctule::server::SocketPlace::named(socket, served.engine.data_dir());
    let refused = place.connect().await.unwrap_err().to_string();
    assert!(refused.contains("somebody may want to trick you"), "{refused}");
    child.kill().unwrap();
    child.wait().unwrap();
}
