//! Joins the terminal of a full screen to its session in the engine: copies messages both ways, and opens files.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncWriteExt;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::connection::{Connection, Incoming};
use super::files::LocalFiles;
use crate::server::wire::{self, Answer, Ask, Said, Told};
use crate::server::{ClientEnd, Files, FromClient, ToClient, link};

/// Why the engine has ended a session that its operator had not left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parted {
    /// The sentence that says so.
    pub why: String,
    /// Whether it is worth to wait for the engine.
    pub comes_back: bool,
}

/// A session in the engine, as a terminal sees it.
pub struct Relay {
    tasks: JoinSet<()>,
    parted: Arc<Mutex<Option<Parted>>>,
}

impl Relay {
    /// Joins a connection to the link that is returned. Call it inside a tokio runtime.
    pub fn join(connection: Connection) -> (ClientEnd, Self) {
        let (client, server) = link();
        let parted = Arc::new(Mutex::new(None));
        let (say, said) = mpsc::channel(16);
        let mut tasks = JoinSet::new();
        tasks.spawn(write(connection.writing, said));
        tasks.spawn(hear(server.heard, say.clone()));
        tasks.spawn(tell(connection.incoming, server.tell, say, Arc::clone(&parted)));
        (client, Self { tasks, parted })
    }

    /// What the engine has said of the end; `None` where the operator has left, or it has gone without a word.
    pub fn parted(&mut self) -> Option<Parted> {
        self.tasks.abort_all();
        self.parted.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

async fn write(mut socket: OwnedWriteHalf, mut said: mpsc::Receiver<Said>) {
    while let Some(said) = said.recv().await {
        let Ok(bytes) = wire::frames(&said) else { continue };
        // an engine that has gone is noticed by its silence
        if socket.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

async fn hear(mut heard: mpsc::Receiver<FromClient>, say: mpsc::Sender<Said>) {
    while let Some(message) = heard.recv().await {
        let _ = say.send(Said::Screen(message)).await;
    }
    let _ = say.send(Said::HangUp).await;
}

async fn tell(
    mut incoming: Incoming,
    tell: mpsc::Sender<ToClient>,
    say: mpsc::Sender<Said>,
    parted: Arc<Mutex<Option<Parted>>>,
) {
    while let Some((told, size)) = incoming.next().await {
        match told {
            Told::Screen(message) => {
                // the terminal takes it when it has taken the one before
                if tell.send(message).await.is_err() {
                    return;
                }
            }
            Told::Ask(number, ask) => {
                let say = say.clone();
                tokio::spawn(async move {
                    let answer = open_file(ask).await;
                    let _ = say.send(Said::Answer(number, answer)).await;
                });
            }
            Told::Bye { why, comes_back } => {
                let mut parted = parted.lock().unwrap_or_else(PoisonError::into_inner);
                *parted = Some(Parted { why: crate::model::clean_line(&why).into_owned(), comes_back });
            }
            Told::Line(_) | Told::Note(_) | Told::Bytes(_) | Told::Exit(_) => {}
        }
        let _ = say.send(Said::Took(size)).await;
    }
}

/// Does what the engine asks of the operator's files, with the operator's rights. A full screen asks no questions here.
pub async fn open_file(ask: Ask) -> Answer {
    let work = tokio::task::spawn_blocking(move || match ask {
        Ask::Read { path, at_most } => {
            Answer::File(LocalFiles.read(&path, usize::try_from(at_most).unwrap_or(usize::MAX)))
        }
        Ask::Write { path, bytes, private } => Answer::Wrote(LocalFiles.write(&path, &bytes, private)),
        Ask::Confirm(_) => Answer::Confirmed(None),
        Ask::Secret(_) => Answer::Secret(None),
    });
    // it has no way to fail but a panic, which was said
    work.await.unwrap_or_else(|_| Answer::File(Err("opening a file broke down".to_owned())))
}
