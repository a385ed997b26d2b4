//! The thread that checks the tables of the past while the first frame is already there.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::StoreError;
use super::index::Index;

/// Checks once; ends with the store.
pub struct Checker {
    index: Arc<Index>,
    thread: Option<JoinHandle<()>>,
    notes: Mutex<Option<oneshot::Receiver<Vec<String>>>>,
}

impl Checker {
    pub(super) fn start(folder: &Path, index: Arc<Index>) -> Result<Self, StoreError> {
        let (found, notes) = oneshot::channel();
        let checked = Arc::clone(&index);
        let thread = std::thread::Builder::new()
            .name("check".into())
            .spawn(move || {
                let notes = match checked.settle() {
                    Ok(notes) => notes.to_vec(),
                    Err(error) => vec![error.to_string()],
                };
                // nobody may want to know
                let _ = found.send(notes);
            })
            .map_err(StoreError::file("start a thread for", folder))?;
        Ok(Self { index, thread: Some(thread), notes: Mutex::new(Some(notes)) })
    }

    /// See [`super::Store::late_notes`].
    pub(super) fn notes(&self) -> Option<oneshot::Receiver<Vec<String>>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Checker {
    fn drop(&mut self) {
        self.index.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
