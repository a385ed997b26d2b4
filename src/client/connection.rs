//! The way to the engine that runs: connects, says who it is, and hears whether it is welcome.

use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::start::Start;
use crate::model::clean_line;
use crate::server::wire::{self, LONGEST_TOLD, PROTOCOL, Receiver, Reply, Told, WireError};
use crate::server::{Hello, Screen, SocketError};

/// How long an engine has to say whether one is welcome: it may be at work.
const FOR_WELCOME: Duration = Duration::from_secs(20);

/// A session with the engine.
pub struct Connection {
    /// What the engine tells.
    pub incoming: Incoming,
    /// The way back.
    pub writing: OwnedWriteHalf,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum NoSession {
    /// No engine listens there.
    #[error("no engine listens")]
    Nobody,
    /// The sentence says why.
    #[error("{0}")]
    Refused(String),
    /// It went away before it said anything: it is about to end.
    #[error("the engine has closed the connection")]
    Lost,
    /// It says nothing: it is about to begin, where systemd listens for it.
    #[error("the engine listens and says nothing within {} s", FOR_WELCOME.as_secs())]
    Silent,
}

impl Connection {
    /// Asks the engine for a session; `screen` is what a full screen is like, or nothing for the command of `start`.
    ///
    /// # Errors
    /// When there is none, or it refuses.
    pub async fn open(start: &Start, screen: Option<Screen>) -> Result<Self, NoSession> {
        let socket = match start.place.connect().await {
            Ok(socket) => socket,
            Err(SocketError::Nobody(_)) => return Err(NoSession::Nobody),
            Err(error) => return Err(NoSession::Refused(error.to_string())),
        };
        let (reading, mut writing) = socket.into_split();
        let hello =
            wire::frames(&hello(start, screen)).map_err(|error| NoSession::Refused(error.to_string()))?;
        let mut receiver = Receiver::new(reading);
        // one that is full of clients may have closed already, and has said why
        let _ = writing.write_all(&hello).await;
        let body = match tokio::time::timeout(FOR_WELCOME, receiver.body(|| LONGEST_TOLD)).await {
            Err(_) => return Err(NoSession::Silent),
            Ok(Err(WireError::Closed | WireError::Socket(_))) => return Err(NoSession::Lost),
            Ok(body) => body.map_err(|error| NoSession::Refused(error.to_string()))?,
        };
        match wire::message(&body) {
            Ok(Reply::Welcome { .. }) => Ok(Self { incoming: Incoming(receiver), writing }),
            Ok(Reply::Refused(why)) => Err(NoSession::Refused(clean_line(&why).into_owned())),
            Err(error) => Err(NoSession::Refused(error.to_string())),
        }
    }
}

fn hello(start: &Start, screen: Option<Screen>) -> Hello {
    use std::io::{self, IsTerminal};
    let folder = std::env::current_dir().ok().and_then(|folder| folder.into_os_string().into_string().ok());
    let from = start.person.caller.as_ref().map(|caller| caller.from.clone()).unwrap_or_default();
    Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        words: start.words.clone(),
        folder: folder.unwrap_or_default(),
        speaks_for: start.speaks_for.clone(),
        read_only: start.person.read_only,
        ssh: from.ssh,
        tty: from.tty,
        input_is_terminal: io::stdin().is_terminal(),
        output_is_terminal: io::stdout().is_terminal(),
        zone: TimeZone::system().iana_name().unwrap_or_default().to_owned(),
        screen,
    }
}

/// What the engine tells.
pub struct Incoming(Receiver<OwnedReadHalf>);

impl Incoming {
    /// What it tells next, and how many bytes that took. `None` when it has gone. Cancel safe.
    pub async fn next(&mut self) -> Option<(Told, u32)> {
        let body = self.0.body(|| LONGEST_TOLD).await.ok()?;
        let size = wire::framed(body.len());
        let told = wire::message(&body).ok()?;
        Some((told, u32::try_from(size).unwrap_or(u32::MAX)))
    }
}
