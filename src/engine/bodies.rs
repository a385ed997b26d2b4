//! The bodies behind records: exact texts and recordings, sealed; normalised texts, plain.

use std::collections::HashSet;

use crate::model::{BlobId, BlobRef, Revision};
use crate::store::{Recording, TerminalRecording};

use super::error::ActError;
use super::start::{Engine, lock};

impl Engine {
    /// Stores a text that may hold secrets. Blocks.
    pub(super) fn put_sealed(&self, bytes: &[u8]) -> Result<BlobRef, ActError> {
        self.store
            .blobs()
            .put_sealed(bytes)
            .map_err(|error| ActError::storage("storing a sealed text", error))
    }

    /// Stores a text without secrets; texts that are the same are stored once. Blocks.
    pub(super) fn put_plain(&self, bytes: &[u8]) -> Result<BlobRef, ActError> {
        self.store
            .blobs()
            .put_plain(bytes)
            .map_err(|error| ActError::storage("storing a normalised text", error))
    }

    /// A sealed text, checked. Blocks.
    pub(super) fn sealed_bytes(&self, body: &BlobRef) -> Result<Vec<u8>, ActError> {
        self.store.blobs().get_sealed(body).map_err(|error| ActError::storage("reading a sealed text", error))
    }

    /// A normalised text, checked. Blocks.
    pub(super) fn plain_bytes(&self, body: &BlobRef) -> Result<Vec<u8>, ActError> {
        self.store
            .blobs()
            .get_plain(body)
            .map_err(|error| ActError::storage("reading a normalised text", error))
    }

    /// A normalised text, checked. Blocks.
    pub(super) fn plain_text(&self, body: &BlobRef) -> Result<String, ActError> {
        String::from_utf8(self.plain_bytes(body)?)
            .map_err(|error| ActError::storage("reading a normalised text", error))
    }

    /// Notes bodies that a record named until now: [`Engine::sweep_bodies`] takes away those that none names.
    pub(super) fn let_go(&self, bodies: impl IntoIterator<Item = BlobId>) {
        lock(&self.let_go).extend(bodies);
    }

    /// Takes away the bodies that were let go and that no record names. Blocks, for as long as a scan of all
    /// revisions takes; no run stores anything meanwhile, so that a text is not taken away under the run that has just
    /// found it there.
    pub(super) fn sweep_bodies(&self) -> Result<(), ActError> {
        if lock(&self.let_go).is_empty() {
            return Ok(());
        }
        // a copy of the store that is being made may name them: the next sweep takes them
        let Ok(_no_copy) = self.copies.going_on.try_lock() else { return Ok(()) };
        let _still = self.storing.blocking_write();
        let mut loose = std::mem::take(&mut *lock(&self.let_go));
        for id in self.named_bodies()? {
            loose.remove(&id);
        }
        for id in loose {
            self.store
                .blobs()
                .remove(id)
                .map_err(|error| ActError::storage("taking away a forgotten text", error))?;
        }
        Ok(())
    }

    fn named_bodies(&self) -> Result<HashSet<BlobId>, ActError> {
        let failed = |error| ActError::storage("reading which texts are named", error);
        let revisions = self.store.scan::<Revision>(&[]).map_err(failed)?;
        let recordings = self.store.scan::<Recording>(&[]).map_err(failed)?;
        let terminals = self.store.scan::<TerminalRecording>(&[]).map_err(failed)?;
        let recordings = recordings.into_iter().map(|(_, recording)| recording.body.id);
        let recordings = recordings.chain(terminals.into_iter().map(|(_, recording)| recording.body.id));
        let of_revisions = revisions.iter().flat_map(|(_, revision)| [revision.exact.id, revision.normal.id]);
        Ok(of_revisions.chain(recordings).collect())
    }
}
