//! An engine that listens, in this process, and a client that says exactly what a test wants.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use noctule::engine::sessions::Sessions;
use noctule::engine::{Engine, Options};
use noctule::server::wire::{self, Answer, LONGEST_TOLD, PROTOCOL, Receiver, Reply, Said, Told};
use noctule::server::{FromClient, Hello, Log, Screen, Server, SocketPlace, ToClient};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::engine_fixture::{Hand, Network, add, engine};

/// The longest that a wait may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// An engine with two devices, `core-1` and `edge-1`, that listens.
pub struct Served {
    pub engine: Arc<Engine>,
    pub server: Server,
    pub place: SocketPlace,
    pub folder: tempfile::TempDir,
    pub network: Arc<Network>,
    hand: Hand,
}

impl Served {
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// With these settings.
    pub async fn start_with(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (hand, network) = (Hand::new(), Network::new());
        let engine = engine(folder.path(), settings, network.clone(), &hand).await;
        add(&engine, &["core-1", "edge-1"]).await;
        let options = Options::new(engine.data_dir(), engine.config_dir());
        let place = SocketPlace::in_data(engine.data_dir());
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let bound = place.listen().unwrap();
        let workers = tokio::runtime::Handle::current();
        let server = Server::begin(engine.clone(), options, bound, workers, Log::file(log));
        Self { engine, server, place, folder, network, hand }
    }

    pub fn sessions(&self) -> &Arc<Sessions> {
        self.server.sessions()
    }

    /// The engine's clock goes from now on, as long as what is returned.
    pub fn tick(&self) -> tokio::task::JoinSet<()> {
        let hand = self.hand.clone();
        let mut ticking = tokio::task::JoinSet::new();
        ticking.spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                hand.move_by(20);
            }
        });
        ticking
    }

    /// What its log says.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Waits until nobody is in.
    pub async fn empty(&self) {
        within(self.sessions().empty()).await;
    }

    /// It still takes a client and answers it.
    pub async fn assert_alive(&self) {
        let mut client = Client::command(&self.place, "device list").await;
        let (told, code) = client.run_out().await;
        assert!(code == 0 && told.contains("core-1"), "{code} {told}");
    }
}

pub async fn within<T>(waiting: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes in time")
}

/// What a well-meaning client says first.
pub fn hello(line: &str, screen: Option<Screen>) -> Hello {
    Hello {
        protocol: PROTOCOL,
        version: "test".into(),
        words: shlex::split(line).unwrap(),
        folder: "/nowhere".into(),
        speaks_for: None,
        read_only: false,
        ssh: None,
        tty: None,
        input_is_terminal: false,
        output_is_terminal: false,
        zone: String::new(),
        screen,
    }
}

/// A full screen of so many columns and rows.
pub fn screen(columns: u16, rows: u16) -> Screen {
    Screen {
        columns,
        rows,
        term: "xterm-256color".into(),
        lang: "C.UTF-8".into(),
        theme: "dark".into(),
        ..Screen::default()
    }
}

/// A client.
pub struct Client {
    incoming: Receiver<OwnedReadHalf>,
    writing: OwnedWriteHalf,
    /// What its terminal shows.
    terminal: vt100::Parser,
    /// Bytes of the largest frame.
    pub largest: usize,
}

impl Client {
    pub async fn connect(place: &SocketPlace) -> Self {
        let (reading, writing) = place.connect().await.unwrap().into_split();
        Self { incoming: Receiver::new(reading), writing, terminal: terminal(80, 24), largest: 0 }
    }

    /// One that is welcome.
    pub async fn welcome(place: &SocketPlace, hello: &Hello) -> Self {
        let mut client = Self::connect(place).await;
        match client.greet(hello).await {
            Some(Reply::Welcome { .. }) => client,
            other => panic!("not welcome: {other:?}"),
        }
    }

    /// One that runs a command.
    pub async fn command(place: &SocketPlace, line: &str) -> Self {
        Self::welcome(place, &hello(line, None)).await
    }

    /// One with a full screen.
    pub async fn screen(place: &SocketPlace, columns: u16, rows: u16) -> Self {
        let mut client = Self::welcome(place, &hello("", Some(screen(columns, rows)))).await;
        client.terminal = terminal(columns, rows);
        client
    }

    /// Says who it is, and hears the answer; `None` where there is none.
    pub async fn greet(&mut self, hello: &Hello) -> Option<Reply> {
        self.send(&wire::frames(hello).unwrap()).await;
        self.reply().await
    }

    pub async fn reply(&mut self) -> Option<Reply> {
        let body = within(self.incoming.body(|| LONGEST_TOLD)).await.ok()?;
        Some(wire::message(&body).unwrap())
    }

    /// Any bytes, as far as they are taken.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = within(self.writing.write_all(bytes)).await;
    }

    pub async fn say(&mut self, said: &Said) {
        self.send(&wire::frames(said).unwrap()).await;
    }

    pub async fn type_keys(&mut self, keys: &[u8]) {
        self.say(&Said::Screen(FromClient::Input(keys.to_vec()))).await;
    }

    /// What it is told next; `None` when the engine has closed. It says that it took it.
    pub async fn told(&mut self) -> Option<Told> {
        let body = within(self.incoming.body(|| LONGEST_TOLD)).await.ok()?;
        self.say(&Said::Took(wire::framed(body.len()) as u32)).await;
        Some(wire::message(&body).unwrap())
    }

    /// Looks on, as a terminal that answers, until the screen contains `text`.
    pub async fn wait_for(&mut self, text: &str) -> String {
        loop {
            match self.told().await.unwrap_or_else(|| panic!("it closed before it said {text:?}")) {
                Told::Screen(ToClient::Screen(bytes)) => {
                    self.largest = self.largest.max(bytes.len());
                    self.terminal.process(&bytes);
                    if bytes.windows(3).any(|window| window == b"\x1b[c") {
                        self.type_keys(b"\x1b[?62;22c").await;
                    }
                    let shown = self.terminal.screen().contents();
                    if shown.contains(text) {
                        return shown;
                    }
                }
                other => panic!("instead of {text:?}: {other:?}"),
            }
        }
    }

    /// What a command says, and its exit status; what it asks is answered with no.
    pub async fn run_out(&mut self) -> (String, u8) {
        let mut all = String::new();
        loop {
            match self.told().await.expect("an exit status") {
                Told::Line(line) | Told::Note(line) => all += &(line + "\n"),
                Told::Bytes(bytes) => all += &String::from_utf8_lossy(&bytes),
                Told::Exit(code) => return (all, code),
                Told::Ask(number, _) => self.say(&Said::Answer(number, Answer::Confirmed(Some(false)))).await,
                other => panic!("a command says {other:?}"),
            }
        }
    }

    /// Its socket, read by nobody.
    pub fn into_socket(self) -> (Receiver<OwnedReadHalf>, OwnedWriteHalf) {
        (self.incoming, self.writing)
    }
}

fn terminal(columns: u16, rows: u16) -> vt100::Parser {
    let side = |length: u16, most: u16| std::num::NonZeroU16::new(length.clamp(1, most)).unwrap();
    vt100::Parser::new(side(rows, 200), side(columns, 500), 0)
}

/// A connection to a socket, without a word.
pub async fn silent(path: &Path) -> UnixStream {
    loop {
        match UnixStream::connect(path).await {
            Ok(socket) => return socket,
            // so many wait to be taken in
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}
