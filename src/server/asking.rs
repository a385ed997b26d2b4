//! What only the client can do, asked over its socket: its files, and questions to its person.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, oneshot};

use super::link::Files;
use super::outgoing::Outgoing;
use super::wire::{Answer, Ask, LONGEST_SAID, Told};

/// The most questions of one session at once: each holds a thread.
const AT_ONCE: usize = 4;
/// The longest text that an editor gives back, in bytes.
const LONGEST_TEXT: usize = 64 << 20;
const GONE: &str = "the client has gone";

/// The client of one session, as somebody to ask.
pub struct Asking {
    outgoing: Outgoing,
    /// Where the client stands: its relative paths begin there.
    folder: PathBuf,
    turns: Semaphore,
    /// The operator's editor has a text.
    text_is_out: AtomicBool,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    last: u32,
    waiting: HashMap<u32, Waiting>,
}

struct Waiting {
    answer: oneshot::Sender<Answer>,
    /// The longest answer that makes sense, in bytes.
    longest: usize,
}

impl Asking {
    /// Nothing is asked yet.
    pub fn new(outgoing: Outgoing, folder: PathBuf) -> Self {
        Self {
            outgoing,
            folder,
            turns: Semaphore::new(AT_ONCE),
            text_is_out: AtomicBool::new(false),
            open: Mutex::default(),
        }
    }

    /// The longest message that the client may say now, in bytes: what it was asked for has room.
    pub fn longest(&self) -> usize {
        let text = if self.text_is_out.load(Ordering::Relaxed) { LONGEST_TEXT } else { 0 };
        let answers = self.open().waiting.values().map(|waiting| waiting.longest).max().unwrap_or(0);
        LONGEST_SAID + text.max(answers)
    }

    /// The operator's editor has a text, which may come back; or it has come back.
    pub fn expect_text(&self, is_out: bool) {
        self.text_is_out.store(is_out, Ordering::Relaxed);
    }

    /// The client has answered; an answer that nobody waits for is nothing.
    pub fn answered(&self, number: u32, answer: Answer) {
        if let Some(waiting) = self.open().waiting.remove(&number) {
            // who asked may have given up
            let _ = waiting.answer.send(answer);
        }
    }

    /// Asks, and waits for the answer from a thread that may wait; `None` when the client is gone.
    pub fn ask(&self, ask: Ask) -> Option<Answer> {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(self.wait_for(ask)))
    }

    async fn wait_for(&self, ask: Ask) -> Option<Answer> {
        let gone = self.outgoing.gone();
        tokio::select! {
            biased;
            () = gone => None,
            answer = async {
                let _turn = self.turns.acquire().await.ok()?;
                let longest = match &ask {
                    Ask::Read { at_most, .. } => usize::try_from(*at_most).unwrap_or(usize::MAX / 2),
                    _ => 0,
                };
                let (answer, answered) = oneshot::channel();
                let number = {
                    let mut open = self.open();
                    open.last = open.last.wrapping_add(1);
                    let number = open.last;
                    open.waiting.insert(number, Waiting { answer, longest });
                    number
                };
                let forget = Forget(self, number);
                self.outgoing.tell(&Told::Ask(number, ask)).await;
                let answer = answered.await.ok();
                drop(forget);
                answer
            } => answer,
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that is not waited for any more has no room kept for its answer.
struct Forget<'a>(&'a Asking, u32);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.open().waiting.remove(&self.1);
    }
}

impl Files for Asking {
    fn read(&self, path: &str, at_most: usize) -> Result<Vec<u8>, String> {
        match self.ask(Ask::Read { path: path.to_owned(), at_most: at_most as u64 }) {
            Some(Answer::File(Ok(bytes))) if bytes.len() > at_most => {
                Err(format!("cannot read {path}: it is larger than {at_most} bytes"))
            }
            Some(Answer::File(read)) => read,
            _ => Err(format!("cannot read {path}: {GONE}")),
        }
    }

    fn write(&self, path: &str, bytes: &[u8], private: bool) -> Result<(), String> {
        match self.ask(Ask::Write { path: path.to_owned(), bytes: bytes.to_vec(), private }) {
            Some(Answer::Wrote(written)) => written,
            _ => Err(format!("cannot write {path}: {GONE}")),
        }
    }

    fn whole_path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }
}
