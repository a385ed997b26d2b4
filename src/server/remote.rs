//! The side of a command that a client without a full screen has asked for: its lines go over the socket.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::asking::Asking;
use super::link::Files;
use super::outgoing::Outgoing;
use super::wire::{Answer, Ask, Told};
use crate::commands::Io;
use crate::model::Secret;

/// See the file's head.
pub struct Remote {
    outgoing: Outgoing,
    asking: Arc<Asking>,
    /// Whether a person reads the answer, on a terminal.
    is_person: bool,
    zone: TimeZone,
    interrupted: watch::Sender<bool>,
    /// The command has asked to be told of an interruption.
    listens: AtomicBool,
}

impl Remote {
    /// Nothing is said yet.
    pub fn new(outgoing: Outgoing, asking: Arc<Asking>, is_person: bool, zone: TimeZone) -> Self {
        let interrupted = watch::Sender::new(false);
        Self { outgoing, asking, is_person, zone, interrupted, listens: AtomicBool::new(false) }
    }

    /// The person wants the command to end.
    pub fn interrupt(&self) {
        self.interrupted.send_replace(true);
    }

    /// Whether the command ends by itself when it is told to.
    pub fn listens(&self) -> bool {
        self.listens.load(Ordering::Relaxed)
    }
}

impl Io for Remote {
    fn line(&self, line: &str) {
        self.outgoing.tell_from_work(&Told::Line(line.to_owned()));
    }

    fn note(&self, line: &str) {
        self.outgoing.tell_from_work(&Told::Note(line.to_owned()));
    }

    fn bytes(&self, bytes: &[u8]) {
        // in parts, so that a large answer waits for its reader too
        for part in bytes.chunks(super::wire::LONGEST_FRAME) {
            self.outgoing.tell_from_work(&Told::Bytes(part.to_vec()));
        }
    }

    fn is_person(&self) -> bool {
        self.is_person
    }

    fn zone(&self) -> TimeZone {
        self.zone.clone()
    }

    fn read_file(&self, path: &str, at_most: usize) -> Result<Vec<u8>, String> {
        self.asking.read(path, at_most)
    }

    fn write_file(&self, path: &str, bytes: &[u8], private: bool) -> Result<(), String> {
        self.asking.write(path, bytes, private)
    }

    fn whole_path(&self, path: &str) -> PathBuf {
        self.asking.whole_path(path)
    }

    fn confirm(&self, question: &str) -> Option<bool> {
        match self.asking.ask(Ask::Confirm(question.to_owned())) {
            Some(Answer::Confirmed(answer)) => answer,
            // who has gone has not said yes
            _ => Some(false),
        }
    }

    fn secret(&self, prompt: &str) -> Option<Secret> {
        match self.asking.ask(Ask::Secret(prompt.to_owned())) {
            Some(Answer::Secret(answer)) => answer.map(Secret::new),
            _ => None,
        }
    }

    fn interrupted(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.listens.store(true, Ordering::Relaxed);
        Box::pin(async {
            // the sender lives in self
            let _ = self.interrupted.subscribe().wait_for(|interrupted| *interrupted).await;
        })
    }
}
