//! A server for webhooks and bots that answers as it is told.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::engine::notify::deliver::Stream;

/// What a request is answered with.
#[derive(Clone)]
pub enum Play {
    /// This status line and headers, without `\r\n` at the end, and this body.
    Answer(&'static str, String),
    /// These bytes.
    Bytes(Vec<u8>),
    /// Nothing, and the connection stays.
    Hang,
    /// A good head, and then a body without end.
    Endless,
}

impl Play {
    pub fn ok() -> Self {
        Self::Answer("200 OK", "fine".into())
    }
}

/// A request that came.
#[derive(Debug)]
pub struct Got {
    pub line: String,
    pub headers: Vec<String>,
    pub body: String,
}

impl Got {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// See the file's head; dropped, it is gone.
pub struct HttpSink {
    pub at: SocketAddr,
    got: mpsc::UnboundedReceiver<Got>,
    _work: JoinSet<()>,
}

impl HttpSink {
    /// Each request gets the next answer; the last one repeats.
    pub async fn start(plays: Vec<Play>) -> Self {
        Self::start_with(plays, None).await
    }

    pub async fn start_with(plays: Vec<Play>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (tell, got) = mpsc::unbounded_channel();
        let mut work = JoinSet::new();
        work.spawn(async move {
            let mut connections = JoinSet::new();
            let plays = Arc::new(plays);
            let served = Arc::new(std::sync::atomic::AtomicUsize::new(0));
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tell, plays, served, tls) = (tell.clone(), plays.clone(), served.clone(), tls.clone());
                connections.spawn(async move {
                    let stream: Box<dyn Stream> = match tls {
                        None => Box::new(stream),
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => Box::new(stream),
                            Err(_) => return,
                        },
                    };
                    let mut stream = BufReader::new(stream);
                    let Some(got) = read(&mut stream).await else { return };
                    let turn = served.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let play = plays[turn.min(plays.len() - 1)].clone();
                    let _ = tell.send(got);
                    answer(stream.get_mut(), play).await;
                });
            }
        });
        Self { at, got, _work: work }
    }

    /// The next request.
    pub async fn next(&mut self) -> Got {
        self.got.recv().await.unwrap()
    }

    /// A request that came and was not taken yet.
    pub fn now(&mut self) -> Option<Got> {
        self.got.try_recv().ok()
    }

    pub fn toml(&self, name: &str) -> String {
        format!("[[target]]\nname = \"{name}\"\nkind = \"webhook\"\nurl = \"http://{}/hook\"\n", self.at)
    }
}

async fn read(stream: &mut BufReader<Box<dyn Stream>>) -> Option<Got> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length?.parse().ok()?];
    stream.read_exact(&mut body).await.ok()?;
    Some(Got { line: lines.remove(0), headers: lines, body: String::from_utf8(body).ok()? })
}

async fn answer(stream: &mut (dyn Stream + 'static), play: Play) {
    match play {
        Play::Answer(head, body) => {
            let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Play::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Play::Hang => std::future::pending().await,
        Play::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        }
    }
}
