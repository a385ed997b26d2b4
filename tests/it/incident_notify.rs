//! From a link that is cut to the message that somebody gets: one for the trouble, none for what lies behind, one for
//! its end; and a target that hangs beside it holds nobody up.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use noctule::commands::Exit;
use noctule::server::DemoNetwork;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::command_fixture::Shell;
use crate::wire::until;

/// A server for webhooks that takes everything; dropped, it is gone.
struct Sink {
    at: SocketAddr,
    came: mpsc::UnboundedReceiver<Value>,
    _work: JoinSet<()>,
}

impl Sink {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (tell, came) = mpsc::unbounded_channel();
        let mut work = JoinSet::new();
        work.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if tell.send(take(stream).await).is_err() {
                    return;
                }
            }
        });
        Self { at, came, _work: work }
    }

    async fn next(&mut self) -> Value {
        self.came.recv().await.unwrap()
    }
}

/// Reads a request and answers that it is well.
async fn take(stream: TcpStream) -> Value {
    let mut stream = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while stream.read_line(&mut line).await.unwrap() > 2 {
        if let Some(told) = line.trim().to_ascii_lowercase().strip_prefix("content-length: ") {
            length = told.parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_is_one_message_and_its_end_another_whoever_else_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = DemoNetwork::start(folder.path()).await.unwrap();
    let engine = demo.engine().clone();
    let mut shell = Shell::over(&engine);
    shell.links = Some(demo.links().clone());
    until(&engine, "one device is down, the others are up", |now| {
        now.pulse.totals.down == 1 && now.pulse.totals.unknown == 0 && now.incidents.len() == 1
    })
    .await;

    let mut sink = Sink::start().await;
    // it takes connections, and never says a word
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let targets = [("hangs", hangs.local_addr().unwrap()), ("hook", sink.at)].map(|(name, at)| {
        format!(
            "[[target]]\nname = \"{name}\"\nkind = \"webhook\"\nurl = \"http://{at}/\"\ntimeout = \"2m\"\n"
        )
    });
    let rule = "[[rule]]\nto = [\"hangs\", \"hook\"]\ngroup_for = \"0s\"\n";
    let file = folder.path().join("config/notify.toml");
    std::fs::write(&file, targets.concat() + rule).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();

    assert_eq!(shell.run("lab cut campus-fw-1").await.0, Exit::Done);
    let down = sink.next().await;
    assert!(down["subject"].as_str().unwrap().starts_with("DOWN campus-fw-1"), "{down}");
    until(&engine, "eleven behind one root", |now| {
        now.incidents.iter().any(|one| one.name.as_str() == "campus-fw-1" && one.behind.len() == 11)
    })
    .await;
    until(&engine, "those are down too", |now| now.pulse.totals.down == 13).await;

    assert_eq!(shell.run("lab mend campus-fw-1").await.0, Exit::Done);
    let up = sink.next().await;
    assert!(up["subject"].as_str().unwrap().starts_with("UP campus-fw-1 after "), "{up}");
    until(&engine, "all that hung behind is up", |now| now.pulse.totals.down == 1).await;

    // what comes next is this: there was nothing in between
    assert_eq!(shell.run("notify test hook").await.0, Exit::Done);
    let test = sink.next().await;
    assert_eq!(test["test"], true, "{test}");
    let view = engine.notifications().await.unwrap();
    let waiting: Vec<(&str, usize)> =
        view.targets.iter().map(|target| (target.name.as_str(), target.waiting)).collect();
    assert!(waiting.contains(&("hook", 0)) && !waiting.contains(&("hangs", 0)), "{waiting:?}");
    demo.stop().await;
}
