//! The side of a command that was started in a console: its lines go to the session.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};

use super::link::Files;
use crate::commands::Io;
use crate::console::{LineId, Output};
use crate::model::{Secret, clean_line};

/// The most lines that a command may send to a session.
const MOST_LINES: usize = 10_000;

/// Where a command's output goes.
pub struct ToSession {
    id: LineId,
    lines: mpsc::UnboundedSender<(LineId, Output)>,
    sent: AtomicUsize,
    /// What stands for the file `-`.
    input: Option<String>,
    files: Arc<dyn Files>,
    over: watch::Receiver<bool>,
    zone: TimeZone,
}

impl ToSession {
    /// The output of the command line `id`; `input` is what it reads as the file `-`, and `over` turns true when the
    /// session ends.
    pub fn new(
        id: LineId,
        lines: mpsc::UnboundedSender<(LineId, Output)>,
        input: Option<String>,
        files: Arc<dyn Files>,
        over: watch::Receiver<bool>,
        zone: TimeZone,
    ) -> Self {
        Self { id, lines, sent: AtomicUsize::new(0), input, files, over, zone }
    }

    fn send(&self, line: &str) {
        let text = match self.sent.fetch_add(1, Ordering::Relaxed) {
            count if count < MOST_LINES => clean_line(line).into_owned(),
            MOST_LINES => format!("… and more than the {MOST_LINES} lines that a console keeps"),
            _ => return,
        };
        // the session may be over: then nobody reads it
        let _ = self.lines.send((self.id, Output::Line(text)));
    }
}

impl Io for ToSession {
    fn line(&self, line: &str) {
        self.send(line);
    }

    fn note(&self, line: &str) {
        line.lines().for_each(|line| self.send(line));
    }

    fn bytes(&self, bytes: &[u8]) {
        String::from_utf8_lossy(bytes).lines().for_each(|line| self.send(line));
    }

    fn is_person(&self) -> bool {
        true
    }

    fn zone(&self) -> TimeZone {
        self.zone.clone()
    }

    fn is_screen(&self) -> bool {
        true
    }

    fn read_file(&self, path: &str, at_most: usize) -> Result<Vec<u8>, String> {
        match (path, &self.input) {
            ("-", Some(input)) if input.len() > at_most => Err(format!("the text is over {at_most} bytes")),
            ("-", Some(input)) => Ok(input.clone().into_bytes()),
            ("-", None) => Err("a console has no standard input: name a file".into()),
            _ => self.files.read(path, at_most),
        }
    }

    fn write_file(&self, path: &str, bytes: &[u8], private: bool) -> Result<(), String> {
        self.files.write(path, bytes, private)
    }

    fn whole_path(&self, path: &str) -> PathBuf {
        self.files.whole_path(path)
    }

    fn confirm(&self, _question: &str) -> Option<bool> {
        // the session has asked already, as the command's danger wants it
        None
    }

    fn secret(&self, _prompt: &str) -> Option<Secret> {
        None
    }

    fn interrupted(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut over = self.over.clone();
        Box::pin(async move {
            // a sender that is gone means the same
            let _ = over.wait_for(|over| *over).await;
        })
    }
}
