//! The bodies behind records: exact texts and recordings, sealed; normalised texts, plain.

use crate::model::{BlobId, BlobRef};

use super::error::ActError;
use super::start::Engine;

impl Engine {
    /// Stores a text that may hold secrets. Blocks.
    pub(super) fn put_sealed(&self, bytes: &[u8]) -> Result<BlobRef, ActError> {
        self.store.put_blob(bytes).map_err(|error| ActError::storage("storing a sealed text", error))
    }

    /// Stores a text without secrets; texts that are the same are stored once. Blocks.
    pub(super) fn put_plain(&self, bytes: &[u8]) -> Result<BlobRef, ActError> {
        self.store.put_blob(bytes).map_err(|error| ActError::storage("storing a normalised text", error))
    }

    /// A sealed text, checked. Blocks.
    pub(super) fn sealed_bytes(&self, body: &BlobRef) -> Result<Vec<u8>, ActError> {
        self.store.get_blob(body).map_err(|error| ActError::storage("reading a sealed text", error))
    }

    /// A normalised text, checked. Blocks.
    pub(super) fn plain_text(&self, body: &BlobRef) -> Result<String, ActError> {
        let bytes = self
            .store
            .get_blob(body)
            .map_err(|error| ActError::storage("reading a normalised text", error))?;
        String::from_utf8(bytes).map_err(|error| ActError::storage("reading a normalised text", error))
    }

    /// A normalised text, checked, in place of what `buffer` held. Blocks.
    pub(super) fn read_plain_into(&self, body: &BlobRef, buffer: &mut Vec<u8>) -> Result<(), ActError> {
        *buffer = self
            .store
            .get_blob(body)
            .map_err(|error| ActError::storage("reading a normalised text", error))?;
        Ok(())
    }

    /// Takes bodies away that no record names any more. One that stays behind costs room, nothing else.
    pub(super) fn remove_bodies(&self, bodies: &[BlobId]) {
        for id in bodies {
            self.store.remove_blob(id);
        }
    }
}
