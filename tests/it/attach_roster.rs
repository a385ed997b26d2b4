//! Who is in, and how a session is ended by somebody else.

use noctule::server::wire::Told;
use noctule::server::{Hello, Leave, ToClient};

use crate::attach_fixture::{Client, Served, hello, screen};

/// An engine with an admin, `boss`, who is this account, and `ann`, whom it speaks for.
async fn with_ann() -> Served {
    let own = noctule::server::account_name(nix::unistd::Uid::effective());
    let served = Served::start_with(&format!("[serve]\ntrusted = [{own:?}]\n")).await;
    for line in
        [format!("user add boss --account {own}"), "user add ann --key ann --role engineer".to_owned()]
    {
        boss(&served, &line, 0).await;
    }
    served
}

async fn boss(served: &Served, line: &str, expected: u8) -> String {
    let (told, code) = Client::command(&served.place, line).await.run_out().await;
    assert_eq!(code, expected, "{line}: {told}");
    told
}

/// What `ann` says first, from a place that lies about its name.
fn ann(line: &str, is_screen: bool) -> Hello {
    Hello {
        speaks_for: Some("ann".into()),
        ssh: Some("192.0.2.7\x1b]0;x\x07\u{202e}".into()),
        tty: Some("/dev/pts/3".into()),
        ..hello(line, is_screen.then(|| screen(80, 24)))
    }
}

async fn ann_comes(served: &Served) -> Client {
    let mut client = Client::welcome(&served.place, &ann("", true)).await;
    client.wait_for("core-1").await;
    client
}

/// What ends a session: the sentence, and that the terminal is given back.
async fn end_of(client: &mut Client) -> String {
    let mut said = None;
    while let Some(told) = client.told().await {
        match told {
            Told::Bye { why, comes_back } => {
                assert!(!comes_back, "{why}");
                said = Some(why);
            }
            Told::Screen(ToClient::End { leave: Leave { bytes, .. } }) => {
                assert!(bytes.windows(8).any(|window| window == b"\x1b[?1049l"));
            }
            _ => {}
        }
    }
    said.expect("a last word")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_in_is_listed_and_clean() {
    let served = with_ann().await;
    let mut client = ann_comes(&served).await;
    client.type_keys(b"4").await;
    client.wait_for("Events").await;
    let told = boss(&served, "session list --json", 0).await;
    let rows: Vec<serde_json::Value> =
        told.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let row = |user: &str| rows.iter().find(|row| row["user"] == user).expect("a row");
    let theirs = row("ann");
    assert_eq!(
        (&theirs["kind"], &theirs["columns"], &theirs["rows"]),
        (&"console".into(), &80.into(), &24.into())
    );
    assert_eq!(theirs["roles"], "engineer");
    let from = theirs["from"].as_str().expect("a place");
    assert!(
        from.starts_with("pts/3 ssh 192.0.2.7") && !from.contains(['\x1b', '\x07', '\u{202e}']),
        "{from:?}"
    );
    assert_eq!(
        (&row("boss")["kind"], &row("boss")["doing"]),
        (&"command".into(), &"session list --json".into())
    );
    let table = boss(&served, "session list", 0).await;
    assert!(table.contains("80x24") && table.contains("pts/3 ssh 192.0.2.7"), "{table}");
    // who may not is refused
    let (told, code) = Client::welcome(&served.place, &ann("session list", false)).await.run_out().await;
    assert!(code == 1 && told.contains("needs the role auditor"), "{told}");
    drop(client);
    served.empty().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_screen_is_watched_live_and_nothing_goes_back() {
    let served = with_ann().await;
    let _ticking = served.tick();
    let mut theirs = ann_comes(&served).await;
    // as `noctule watch ann` at a shell
    let mut watcher = Client::welcome(&served.place, &hello("watch ann", Some(screen(80, 24)))).await;
    // both terminals read on
    tokio::join!(theirs.wait_for("watched by boss"), watcher.wait_for("read-only ann 80x24"));
    theirs.type_keys(b":history core-1\r").await;
    tokio::join!(theirs.wait_for("History core-1"), watcher.wait_for("History core-1"));
    // keys of the watcher are the watcher's
    watcher.type_keys(b":edit device core-1x\r").await;
    watcher.wait_for("There is no device core-1x").await;
    watcher.say(&noctule::server::wire::Said::HangUp).await;
    let mut shown = theirs.wait_for("").await;
    while shown.contains("watched by") {
        shown = theirs.wait_for("").await;
    }
    assert!(shown.contains("History core-1") && !shown.contains("core-1x"), "{shown}");
    let journal = boss(&served, "audit list --json", 0).await;
    assert!(journal.contains("of ann (console)") && journal.contains("watches session"), "{journal}");
    drop(theirs);
    served.empty().await;

    // who may not sees nothing, and whom nobody has either
    let mut own = Client::screen(&served.place, 100, 30).await;
    own.wait_for("core-1").await;
    for (line, says) in [("watch boss", "needs the role admin"), ("watch nobody", "needs the role admin")] {
        let mut client = Client::welcome(&served.place, &ann(line, true)).await;
        client.wait_for(says).await;
    }
    own.type_keys(b":watch nobody\r").await;
    own.wait_for("has no screen open here").await;
    own.type_keys(b":watch boss\r").await;
    let shown = own.wait_for("a screen of your own").await;
    assert!(!shown.contains("watched by"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_turns_to_another_pane_watches_no_more_until_they_come_back() {
    let served = with_ann().await;
    let _ticking = served.tick();
    let mut theirs = ann_comes(&served).await;
    let mut watcher = Client::welcome(&served.place, &hello("watch ann", Some(screen(80, 24)))).await;
    tokio::join!(theirs.wait_for("watched by boss"), watcher.wait_for("read-only ann 80x24"));
    watcher.type_keys(b":events\r").await;
    watcher.wait_for("Events").await;
    let mut shown = theirs.wait_for("").await;
    while shown.contains("watched by") {
        shown = theirs.wait_for("").await;
    }
    // back at the view before
    watcher.type_keys(b"-").await;
    tokio::join!(theirs.wait_for("watched by boss"), watcher.wait_for("read-only ann 80x24"));
    drop((theirs, watcher));
    served.empty().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_watcher_that_reads_nothing_holds_up_nobody() {
    let served = with_ann().await;
    let mut theirs = ann_comes(&served).await;
    let watcher = Client::welcome(&served.place, &hello("watch ann", Some(screen(80, 24)))).await;
    theirs.wait_for("watched by boss").await;
    let deaf = watcher.into_socket();
    for _ in 0..50 {
        theirs.type_keys(b":history core-1\r").await;
        theirs.wait_for("History core-1").await;
        theirs.type_keys(b"\x1b[27u").await;
        theirs.wait_for("WHY").await;
    }
    drop(deaf);
    drop(theirs);
    served.empty().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_being_written_is_offered_again_after_the_terminal_went_away() {
    let served = with_ann().await;
    for goes in ["by SIGHUP", "without a word"] {
        let mut client = ann_comes(&served).await;
        client.type_keys(b":edit device core-1\r").await;
        client.wait_for("location =").await;
        client.type_keys(b"\x1b[Bpassword = not-a-real-one\rlocation = Cellar\r").await;
        client.wait_for("location = Cellar").await;
        if goes == "by SIGHUP" {
            client.say(&noctule::server::wire::Said::HangUp).await;
        }
        drop(client);
        served.empty().await;
        // nobody else is offered it
        let mut other = Client::screen(&served.place, 80, 24).await;
        assert!(!other.wait_for("core-1").await.contains("A draft was kept"));
        other.say(&noctule::server::wire::Said::HangUp).await;
        drop(other);
        let mut client = Client::welcome(&served.place, &ann("", true)).await;
        client.wait_for("A draft was kept").await;
        client.type_keys(b"\r").await;
        let shown = client.wait_for("location = Cellar").await;
        assert!(!shown.contains("not-a-real-one"), "{shown}");
        client.type_keys(b"\x1b[27u").await;
        client.wait_for("is not saved").await;
        client.type_keys(b"y").await;
        client.wait_for("WHY").await;
        client.type_keys(b":quit\r").await;
        while client.told().await.is_some() {}
        served.empty().await;
    }
    // a line that holds a secret is not kept, another one is; Esc forgets it
    for (line, kept) in [("device edit core-1 password=x", false), ("backup run core-1", true)] {
        let mut client = ann_comes(&served).await;
        client.type_keys(format!(":{line}").as_bytes()).await;
        client.wait_for(&format!(":{line}")).await;
        drop(client);
        served.empty().await;
        let mut client = Client::welcome(&served.place, &ann("", true)).await;
        let shown = client.wait_for("Devices").await;
        assert_eq!(shown.contains("A draft was kept") && shown.contains(line), kept, "{shown}");
        if kept {
            client.type_keys(b"\x1b[27u").await;
            client.wait_for("The draft is forgotten").await;
        }
        client.type_keys(b":quit\r").await;
        while client.told().await.is_some() {}
        served.empty().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_admin_ends_a_session_with_a_reason_which_its_person_reads() {
    let served = with_ann().await;
    let mut bystander = Client::screen(&served.place, 80, 24).await;
    bystander.wait_for("core-1").await;
    let mut client = ann_comes(&served).await;
    let all = served.sessions().list();
    let number = all.iter().find(|one| one.person == "ann").expect("she is in").number;
    let (told, code) =
        Client::welcome(&served.place, &ann(&format!("session end {number} --reason x"), false))
            .await
            .run_out()
            .await;
    assert!(code == 1 && told.contains("needs the role admin"), "{told}");
    client.type_keys(b":backup run edge-1").await;
    client.wait_for(":backup run edge-1").await;
    boss(&served, &format!("session end {number}"), 2).await;
    boss(&served, "session end 4711 --reason 'nobody'", 1).await;
    boss(&served, &format!("session end {number} --reason 'the shift\u{202e} is over'"), 0).await;
    let said = end_of(&mut client).await;
    assert!(
        said.starts_with("boss has ended this session: the shift") && said.ends_with(" is over"),
        "{said}"
    );
    assert!(!said.contains('\u{202e}'), "{said:?}");
    let journal = boss(&served, "audit list --json", 0).await;
    assert!(journal.contains(&format!("session {number} of ann (console) is ended")), "{journal}");

    // every session of hers, a command that runs included, and nobody else's
    let (mut first, mut second) = (ann_comes(&served).await, ann_comes(&served).await);
    // an admin may want to get out what is being written: it waits for nobody
    first.type_keys(b":zq").await;
    let shown = first.wait_for(":zq").await;
    assert!(!shown.contains("A draft was kept"), "{shown}");
    boss(&served, "user logout ann --reason 'come in again'", 0).await;
    for client in [&mut first, &mut second] {
        assert_eq!(end_of(client).await, "boss has ended this session: come in again");
    }
    boss(&served, "user logout nobody-at-all --reason x", 1).await;

    // whoever is disabled sees nothing more
    let mut client = ann_comes(&served).await;
    boss(&served, "user disable ann", 0).await;
    let said = end_of(&mut client).await;
    assert!(said.contains("boss has ended this session") && said.contains("is disabled"), "{said}");
    bystander.type_keys(b"?").await;
    bystander.wait_for("What can be done here").await;
    served.assert_alive().await;
}
