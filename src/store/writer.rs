//! The one thread that writes: it takes all entries that wait, puts them on disk together, and only then lets
//! readers and askers see them.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::index::Index;
use super::journal::{Appender, Position};
use super::{Entry, StoreError};

/// The most entries of one group.
const GROUP: usize = 1024;

type Answer = oneshot::Sender<Result<u64, StoreError>>;

/// Hands entries to the thread.
pub struct Writer {
    queue: Option<Sender<(Entry, Answer)>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(folder: &Path, end: Position, index: Arc<Index>) -> Result<Self, StoreError> {
        let appender = Appender::open(folder, end)?;
        let (queue, waiting) = channel();
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || write_groups(&waiting, appender, &index))
            .map_err(StoreError::file("start a thread for", folder))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// See [`super::Store::commit`].
    pub async fn commit(&self, entry: Entry) -> Result<u64, StoreError> {
        self.hand_over(entry)?.await.unwrap_or(Err(StoreError::Closed))
    }

    /// See [`super::Store::commit_blocking`].
    pub fn commit_blocking(&self, entry: Entry) -> Result<u64, StoreError> {
        self.hand_over(entry)?.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }

    fn hand_over(&self, entry: Entry) -> Result<oneshot::Receiver<Result<u64, StoreError>>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        queue.send((entry, answer)).map_err(|_| StoreError::Closed)?;
        Ok(answered)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_groups(waiting: &Receiver<(Entry, Answer)>, mut appender: Appender, index: &Index) {
    while let Ok(first) = waiting.recv() {
        let mut staged = Vec::new();
        let mut changes = Vec::new();
        for (entry, answer) in std::iter::once(first).chain(waiting.try_iter().take(GROUP - 1)) {
            match appender.stage(entry) {
                Ok(record) => {
                    staged.push((record.seq, answer));
                    changes.extend(record.changes);
                }
                Err(error) => drop(answer.send(Err(error))),
            }
        }
        let end = match appender.sync() {
            Ok(end) => end,
            Err(error) => {
                refuse(staged, error);
                continue;
            }
        };
        match index.apply(changes, &end) {
            Ok(()) => staged.into_iter().for_each(|(seq, answer)| drop(answer.send(Ok(seq)))),
            // The journal has what the index has not: no further write may go past that. The next start mends it.
            Err(error) => return refuse(staged, error),
        }
    }
}

/// Tells the first asker the error itself, and the others what it said.
fn refuse(staged: Vec<(u64, Answer)>, error: StoreError) {
    let again = error.to_string();
    let kind = match &error {
        StoreError::File { source, .. } => source.kind(),
        _ => std::io::ErrorKind::Other,
    };
    let mut first = Some(error);
    for (_, answer) in staged {
        let error = first.take().unwrap_or_else(|| StoreError::File {
            act: "write",
            path: "the journal".into(),
            source: std::io::Error::new(kind, again.clone()),
        });
        drop(answer.send(Err(error)));
    }
}
