//! The newest good configurations, as files that the client's side writes.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::error::ActError;
use super::history::View;
use super::selection::Selection;
use super::start::Engine;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Its name, made of the device's: `core-1.cfg`. Holds no path.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl Engine {
    /// The newest good revision of each device that has one, in the order of names. A text that cannot be read comes
    /// as an error in its place, and the others follow.
    ///
    /// # Errors
    /// When a name is unknown, or nothing was asked for.
    pub fn export(
        self: &Arc<Self>,
        selection: &Selection,
        view: View,
    ) -> Result<mpsc::Receiver<Result<Exported, ActError>>, ActError> {
        let devices = self.select(selection)?;
        // a few at a time: the exact texts of ten thousand devices need not fit into memory
        let (sender, files) = mpsc::channel(8);
        let engine = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            for device in devices {
                let Some(newest) = engine.present().status(device.id).newest.clone() else { continue };
                let bytes = match view {
                    View::Exact => engine.sealed_bytes(&newest.exact),
                    View::Normal => engine.plain_text(&newest.normal).map(String::into_bytes),
                };
                let file =
                    bytes.map(|bytes| Exported { name: format!("{}.cfg", device.name), bytes }).map_err(
                        |error| ActError::new(error.kind, format!("{}: {}", device.name, error.message)),
                    );
                if sender.blocking_send(file).is_err() {
                    return;
                }
            }
        });
        Ok(files)
    }
}
