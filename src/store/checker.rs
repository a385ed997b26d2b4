//! The thread that checks the tables of the past, behind the first frame.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::mpsc::UnboundedSender;

use super::StoreError;
use super::index::Index;

/// Checks once, when it is told to; ends with the store.
pub struct Checker {
    folder: PathBuf,
    index: Arc<Index>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Checker {
    pub(super) fn new(folder: &Path, index: Arc<Index>) -> Self {
        Self { folder: folder.to_owned(), index, thread: Mutex::default() }
    }

    /// Begins, unless it did before; what is found goes to `notes`.
    pub(super) fn begin(&self, notes: UnboundedSender<Vec<String>>) -> Result<(), StoreError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_some() {
            return Ok(());
        }
        let index = Arc::clone(&self.index);
        let check = move || {
            let found = index.settle().unwrap_or_else(|error| vec![error.to_string()]);
            // nobody may want to know
            let _ = notes.send(found);
        };
        let begun = std::thread::Builder::new().name("check".into()).spawn(check);
        *thread = Some(begun.map_err(StoreError::file("start a thread for", &self.folder))?);
        Ok(())
    }
}

impl Drop for Checker {
    fn drop(&mut self) {
        self.index.stop();
        if let Some(thread) = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}
