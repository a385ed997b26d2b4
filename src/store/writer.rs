//! The one thread that writes: it takes all entries that wait, puts them on disk together, and only then lets
//! readers and askers see them.
//!
//! What fails is tried again with the next group: a disk that was full and has room again needs no restart. An index
//! that failed is opened again and brought up to the journal before anything else is written.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::index::Index;
use super::journal::{Appender, Change, Position};
use super::versions::Versions;
use super::{Entry, StoreError};

/// The most entries of one group.
const GROUP: usize = 1024;
/// How long an index that failed is left alone where nobody writes.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Records by table and key as a group leaves them.
type Staged = HashMap<(String, Vec<u8>), Option<Vec<u8>>>;

type Answer = oneshot::Sender<Result<u64, StoreError>>;

/// Whether the store takes entries: the reason why not, or nothing.
pub type Health = Option<Arc<str>>;

/// Hands entries to the thread.
pub struct Writer {
    queue: Option<Sender<(Entry, Answer)>>,
    thread: Option<JoinHandle<()>>,
    health: watch::Receiver<Health>,
    head: Arc<Mutex<Position>>,
}

impl Writer {
    pub(super) fn start(
        folder: &Path,
        end: Position,
        index: Arc<Index>,
        versions: Versions,
        notes: mpsc::UnboundedSender<Vec<String>>,
    ) -> Result<Self, StoreError> {
        let appender = Appender::open(folder, end)?;
        let head = Arc::new(Mutex::new(appender.end().clone()));
        let (queue, waiting) = channel();
        let (told, health) = watch::channel(None);
        let mut work = Work {
            folder: folder.to_owned(),
            appender,
            index,
            versions,
            failed: None,
            health: told,
            notes,
            head: Arc::clone(&head),
        };
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || work.write_groups(&waiting))
            .map_err(StoreError::file("start a thread for", folder))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), health, head })
    }

    /// See [`super::Store::health`].
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// See [`super::Store::head`].
    pub fn head(&self) -> Position {
        self.head.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// See [`super::Store::commit`].
    pub async fn commit(&self, entry: Entry) -> Result<u64, StoreError> {
        self.hand_over(entry)?.await.unwrap_or_else(|_| Err(self.ended()))
    }

    /// See [`super::Store::commit_blocking`].
    pub fn commit_blocking(&self, entry: Entry) -> Result<u64, StoreError> {
        self.hand_over(entry)?.blocking_recv().unwrap_or_else(|_| Err(self.ended()))
    }

    fn hand_over(&self, entry: Entry) -> Result<oneshot::Receiver<Result<u64, StoreError>>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        queue.send((entry, answer)).map_err(|_| self.ended())?;
        Ok(answered)
    }

    /// The thread does not end before the store does, unless it broke down.
    fn ended(&self) -> StoreError {
        match &*self.health.borrow() {
            Some(why) => StoreError::Stopped { why: why.to_string(), now: "its writer has ended".into() },
            None => StoreError::Closed,
        }
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

/// What the thread holds.
struct Work {
    folder: PathBuf,
    appender: Appender,
    index: Arc<Index>,
    versions: Versions,
    /// What the index said when it failed; nothing while it holds what the journal does.
    failed: Option<String>,
    health: watch::Sender<Health>,
    notes: mpsc::UnboundedSender<Vec<String>>,
    /// The end of the journal, for readers.
    head: Arc<Mutex<Position>>,
}

impl Work {
    fn write_groups(&mut self, waiting: &Receiver<(Entry, Answer)>) {
        loop {
            let written = match self.next(waiting) {
                Ok(first) => {
                    self.write(std::iter::once(first).chain(waiting.try_iter().take(GROUP - 1)).collect())
                }
                // readers wait for the index too, and they hand over nothing
                Err(RecvTimeoutError::Timeout) => self.mend_index().map_err(|error| error.to_string()),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            self.tell(written.err().map(|error| error.as_str().into()));
        }
    }

    fn next(&self, waiting: &Receiver<(Entry, Answer)>) -> Result<(Entry, Answer), RecvTimeoutError> {
        match self.failed {
            Some(_) => waiting.recv_timeout(TRY_AGAIN),
            None => waiting.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Writes a group and answers it. What went wrong, if something did.
    fn write(&mut self, group: Vec<(Entry, Answer)>) -> Result<(), String> {
        if let Err(error) = self.mend_index().and_then(|()| self.copy_before_upgrade(&group)) {
            return Err(refuse(group.into_iter().map(|(_, answer)| answer), &error));
        }
        let mut staged = Vec::new();
        let mut changes = Vec::new();
        // what entries of this group have changed, where one of them expects something
        let mut changed = Staged::default();
        let is_expected = group.iter().any(|(entry, _)| !entry.expects.is_empty());
        for (entry, answer) in group {
            if let Err(error) = self.holds(&entry, &changed) {
                drop(answer.send(Err(error)));
                continue;
            }
            match self.appender.stage(entry) {
                Ok(record) => {
                    for change in record.changes.iter().filter(|_| is_expected) {
                        changed.insert((change.table.clone(), change.key.clone()), change.value.clone());
                    }
                    staged.push((record.seq, answer));
                    changes.extend(record.changes);
                }
                Err(error) => drop(answer.send(Err(error))),
            }
        }
        match self.put_down(changes) {
            Ok(()) => {
                staged.into_iter().for_each(|(seq, answer)| drop(answer.send(Ok(seq))));
                Ok(())
            }
            Err(error) => Err(refuse(staged.into_iter().map(|(_, answer)| answer), &error)),
        }
    }

    /// Whether what an entry expects is there.
    fn holds(&self, entry: &Entry, changed: &Staged) -> Result<(), StoreError> {
        for expected in &entry.expects {
            let holds = match changed.get(&(expected.table.to_owned(), expected.key.clone())) {
                Some(value) => expected.holds(value.as_deref()),
                None => expected.holds(self.index.raw(expected.table, &expected.key)?.as_deref()),
            };
            if !holds {
                return Err(StoreError::Moved { table: expected.table });
            }
        }
        Ok(())
    }

    /// Copies the store where the group brings records of a newer layout.
    fn copy_before_upgrade(&mut self, group: &[(Entry, Answer)]) -> Result<(), StoreError> {
        let Some((first, _)) = group.first() else { return Ok(()) };
        let changes = group.iter().flat_map(|(entry, _)| &entry.changes);
        if let Some(copy) = self.versions.before(changes, self.appender.end(), first.at)? {
            let copy = copy.display();
            let note = format!(
                "from now on this store holds what an older noctule cannot read; as it was, it is kept in {copy}"
            );
            // nobody may want to know
            let _ = self.notes.send(vec![note]);
        }
        Ok(())
    }

    fn put_down(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        let end = self.appender.sync()?;
        self.show_head();
        let Err(error) = self.index.apply(changes, &end) else { return Ok(()) };
        // The journal has what the index has not: no further write may go past that.
        self.failed = Some(error.to_string());
        self.mend_index()
    }

    /// Brings an index that failed up to the journal again.
    fn mend_index(&mut self) -> Result<(), StoreError> {
        let Some(why) = self.failed.clone() else { return Ok(()) };
        let again = self
            .index
            .open_again(self.appender.end())
            .and_then(|(end, notes)| Appender::open(&self.folder, end).map(|appender| (appender, notes)));
        match again {
            Ok((appender, mut notes)) => {
                self.appender = appender;
                self.show_head();
                self.failed = None;
                notes.insert(0, format!("the index was opened again, since it failed: {why}"));
                // nobody may want to know
                let _ = self.notes.send(notes);
                Ok(())
            }
            Err(error) => Err(StoreError::Stopped { why, now: error.to_string() }),
        }
    }

    fn show_head(&self) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = self.appender.end().clone();
    }

    fn tell(&self, health: Health) {
        self.health.send_if_modified(|told| {
            let differs = *told != health;
            *told = health;
            differs
        });
    }
}

/// Tells every asker; what it is that they are told.
fn refuse(answers: impl Iterator<Item = Answer>, error: &StoreError) -> String {
    for answer in answers {
        drop(answer.send(Err(error.told_again())));
    }
    error.to_string()
}
