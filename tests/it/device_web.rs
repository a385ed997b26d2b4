//! `device web`: a device's page through a port of the loopback, who may connect, and what stays of it.

use std::sync::Arc;
use std::time::Duration;

use noctule::commands::Exit;
use noctule::engine::users::Caller;
use noctule::engine::web::PageWanted;
use noctule::engine::{ActErrorKind, Engine, Person};
use noctule::model::Role;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::command_fixture::{Shell, Told};
use crate::engine_fixture::{admin, ann};
use crate::real_peers::runs;

/// A device whose page says who it is.
pub async fn page(port: &mut u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    *port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = Vec::new();
                while !asked.ends_with(b"\r\n\r\n") {
                    asked.push(socket.read_u8().await?);
                }
                socket.write_all(b"HTTP/1.0 200 OK\r\n\r\nthe page of edge-1").await
            });
        }
    });
}

/// What a browser gets of a URL.
pub async fn get(url: &str) -> std::io::Result<String> {
    let (_, place) = url.split_once("//").unwrap();
    let mut socket = TcpStream::connect(place.trim_end_matches('/')).await?;
    socket.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.map(|_| answer)
}

/// Runs the command, hands its URL to `act`, and presses Ctrl-C after it.
pub async fn while_open<T>(shell: &Shell, line: &str, act: impl AsyncFnOnce(String) -> T) -> (Exit, Told, T) {
    let browse = async {
        let url = loop {
            let line = shell.side.told.lock().unwrap().lines.first().cloned();
            match line {
                Some(line) => {
                    break serde_json::from_str::<Value>(&line).unwrap()["url"].as_str().unwrap().to_owned();
                }
                None => tokio::task::yield_now().await,
            }
        };
        let done = act(url).await;
        shell.interrupt();
        done
    };
    let ((exit, told), done) = tokio::join!(shell.run(line), browse);
    (exit, told, done)
}

async fn device(home: &std::path::Path) -> (Arc<Engine>, u16) {
    let mut port = 0;
    page(&mut port).await;
    let engine = runs::engine(home, "").await;
    engine.add_device(&ann(), "edge-1", "127.0.0.1", &[]).await.unwrap();
    (engine, port)
}

/// The verbs and lines of the journal that are about pages.
fn journalled(engine: &Engine) -> String {
    let entries = engine.store().journal(1).unwrap().map(|entry| entry.unwrap().unwrap());
    let about = entries.filter(|entry| entry.verb.starts_with("device web"));
    about.map(|entry| format!("{} {} {}\n", entry.actor, entry.verb, entry.changes.len())).collect()
}

#[tokio::test]
async fn a_page_is_open_on_the_loopback_until_ctrl_c_and_journalled() {
    let home = tempfile::tempdir().unwrap();
    let (engine, port) = device(home.path()).await;
    let shell = Shell::over(&engine);
    let line = format!("device web edge-1 --http --port {port} --json");
    let (exit, told, url) = while_open(&shell, &line, async |url| {
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        for _ in 0..3 {
            assert!(get(&url).await.unwrap().ends_with("the page of edge-1"));
        }
        url
    })
    .await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let end: Value = serde_json::from_str(&told.lines[1]).unwrap();
    assert_eq!((&end["connections"], &end["refused"], &end["failed"]), (&3.into(), &0.into(), &0.into()));
    assert!(get(&url).await.is_err(), "nobody listens any more");
    let journalled = journalled(&engine);
    assert_eq!(
        journalled.lines().filter(|entry| entry.starts_with("ann device web edge-1")).count(),
        3,
        "{journalled}"
    );
    let events = shell.run("event list").await.1.lines.join("\n");
    for part in [format!("ann opened port {port} of it"), format!("ann closed port {port} of it after")] {
        assert!(events.contains(&part), "{part}: {events}");
    }
    let jobs = shell.run("job list --json").await.1.lines.join("\n");
    assert!(jobs.contains("device web edge-1") && !jobs.contains(r#""ended":null"#), "{jobs}");
}

#[tokio::test]
async fn a_page_ends_with_its_job_and_with_its_time() {
    let home = tempfile::tempdir().unwrap();
    let (engine, port) = device(home.path()).await;
    let wanted = PageWanted { port, tls: true, limit: Duration::from_secs(3600) };
    let page = engine.open_web_page(&ann(), &admin(), "edge-1", wanted).await.unwrap();
    engine.cancel_job(page.job()).unwrap();
    page.serve(std::future::pending(), &|_| ()).await.unwrap();
    let wanted = PageWanted { limit: Duration::ZERO, ..wanted };
    let page = engine.open_web_page(&ann(), &admin(), "edge-1", wanted).await.unwrap();
    page.serve(std::future::pending(), &|_| ()).await.unwrap();
    // a person who goes away takes the page along
    let page = engine.open_web_page(&ann(), &admin(), "edge-1", wanted).await.unwrap();
    let (job, url) = (page.job(), page.url());
    drop(page);
    assert!(engine.cancel_job(job).is_err() && get(&url).await.is_err());
}

#[tokio::test]
async fn another_account_of_the_host_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let (engine, port) = device(home.path()).await;
    let wanted = PageWanted { port, tls: false, limit: Duration::from_secs(3600) };
    let me = rustix::process::getuid().as_raw();
    for (uid, refused) in [(me, 0), (me + 1, 1)] {
        let caller = Caller { uid, over_socket: true, ..Caller::default() };
        let person = Person { caller: Some(caller), ..Person::fixed("ann", Role::Engineer) };
        let page = engine.open_web_page(&ann(), &person, "edge-1", wanted).await.unwrap();
        let (url, (done, over)) = (page.url(), tokio::sync::oneshot::channel::<()>());
        let notes = std::sync::Mutex::new(Vec::new());
        let note = |why: &str| notes.lock().unwrap().push(why.to_owned());
        let browse = async {
            let answer = get(&url).await;
            done.send(()).unwrap();
            answer
        };
        let (served, answer) = tokio::join!(page.serve(async { drop(over.await) }, &note), browse);
        let served = served.unwrap();
        assert_eq!((served.connections, served.refused), (1 - refused, refused));
        assert_eq!(answer.is_ok_and(|answer| answer.contains("the page")), refused == 0);
        assert_eq!(notes.lock().unwrap().concat().contains("another account"), refused == 1);
    }
}

#[tokio::test]
async fn pages_are_bounded_and_what_fails_is_told() {
    let home = tempfile::tempdir().unwrap();
    let (engine, port) = device(home.path()).await;
    let wanted = PageWanted { port, tls: false, limit: Duration::from_secs(3600) };
    let mut pages = Vec::new();
    let refused = loop {
        match engine.open_web_page(&ann(), &admin(), "edge-1", wanted).await {
            Ok(page) => pages.push(page),
            Err(refused) => break refused,
        }
    };
    assert_eq!((pages.len(), refused.kind), (16, ActErrorKind::Conflict), "{refused}");
    pages.clear();
    // nobody listens on a port that was given back
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let shell = Shell::over(&engine);
    let line = format!("device web edge-1 --http --port {free} --json");
    let (exit, told, _) = while_open(&shell, &line, async |url| {
        assert_eq!(get(&url).await.unwrap_or_default(), "");
        while shell.side.told.lock().unwrap().notes.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(exit, Exit::Done);
    assert!(told.notes.concat().contains("refused port"), "{:?}", told.notes);
    let mut shell = Shell::over(&engine);
    shell.role = Role::Operator;
    let (exit, told) = shell.run("device web edge-1").await;
    assert_eq!(exit, Exit::Failed);
    assert!(told.notes.concat().contains("needs the role engineer"), "{:?}", told.notes);
}
