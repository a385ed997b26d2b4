//! Bodies named by their content: `objects/ab/cdef….zst`. Written once, checked at every read.
//!
//! A plain body is named by its SHA-256. A sealed one is named by a keyed hash, so that its name tells nothing to
//! somebody who can guess at contents.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use zstd::zstd_safe;

use super::keys::{Keys, keyed_hash};
use super::seal::{Seal, SealedBy};
use super::{StoreError, files};
use crate::model::{BlobId, BlobRef};

/// Longest body, in bytes.
const LONGEST: u64 = 256 << 20;
const MAGIC: &[u8; 4] = b"nob1";
const COMPRESSION: i32 = 1; // level 3 takes twice the CPU for 4 % on configurations

/// The folder of bodies. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    folder: PathBuf,
    seal: Arc<Seal>,
    naming: [u8; 32],
}

impl Blobs {
    pub(super) fn open(folder: &Path, keys: &Keys) -> Result<Self, StoreError> {
        let folder = folder.join("objects");
        files::make_private_folder(&folder)?;
        Ok(Self { folder, seal: keys.seal(), naming: keys.derive("objects") })
    }

    /// Stores a body that may be read by whoever can read the store's files.
    ///
    /// # Errors
    /// It is longer than 256 MB, or the disk refuses it.
    pub fn put_plain(&self, body: &[u8]) -> Result<BlobRef, StoreError> {
        let blob = BlobRef { id: BlobId(Sha256::digest(body).into()), len: body.len() as u64 };
        // What lies there under the name may have been damaged since: then it is written anew.
        if self.path(blob.id).exists() && self.get_plain(&blob).is_ok() {
            return Ok(blob);
        }
        self.put(blob.id, body, |_, packed| packed)
    }

    /// Stores a body that only the data key opens.
    ///
    /// # Errors
    /// As [`Blobs::put_plain`].
    pub fn put_sealed(&self, body: &[u8]) -> Result<BlobRef, StoreError> {
        let blob = BlobRef { id: BlobId(keyed_hash(&self.naming, body)), len: body.len() as u64 };
        // one by an older key is sealed anew: what is stored from now on is by the newest
        if self.path(blob.id).exists()
            && self.sealed_by(&blob).is_some_and(|by| Some(by) == self.seal.newest())
        {
            return Ok(blob);
        }
        self.put(blob.id, body, |id, packed| self.seal.seal_bytes(&id.0, &packed))
    }

    /// The body, if its checksum is right.
    ///
    /// # Errors
    /// It is missing or damaged.
    pub fn get_plain(&self, blob: &BlobRef) -> Result<Vec<u8>, StoreError> {
        let body = self.unpack(blob, &self.read(blob)?)?;
        self.check(blob, Sha256::digest(&body).into(), body)
    }

    /// The sealed body, opened, if its checksum is right.
    ///
    /// # Errors
    /// It is missing or damaged, or was sealed under another key.
    pub fn get_sealed(&self, blob: &BlobRef) -> Result<Vec<u8>, StoreError> {
        self.open_sealed(blob).map(|(_, _, body)| body)
    }

    /// Which key has sealed a body; nothing where it is missing or damaged.
    pub fn sealed_by(&self, blob: &BlobRef) -> SealedBy {
        self.open_sealed(blob).ok().map(|(by, _, _)| by)
    }

    /// Seals a body anew by the newest key, if it is by another one. What is missing or damaged stays as it is. A copy of the
    /// store that shares its file keeps the old one.
    ///
    /// # Errors
    /// The disk refuses it.
    pub fn reseal(&self, blob: &BlobRef) -> Result<(), StoreError> {
        match self.open_sealed(blob) {
            Ok((by, packed, _)) if Some(by) != self.seal.newest() => {
                let bytes = [&MAGIC[..], &self.seal.seal_bytes(&blob.id.0, &packed)[..]].concat();
                files::write_durably(&self.path(blob.id), &bytes)
            }
            _ => Ok(()),
        }
    }

    /// The key that a body was sealed by, what was sealed, and the body.
    fn open_sealed(&self, blob: &BlobRef) -> Result<(u32, Vec<u8>, Vec<u8>), StoreError> {
        let opened = self.seal.open_numbered(&blob.id.0, &self.read(blob)?);
        let (by, packed) = opened.ok_or_else(|| self.damaged(blob, "the seal does not open"))?;
        let body = self.unpack(blob, &packed)?;
        self.check(blob, keyed_hash(&self.naming, &body), body).map(|body| (by, packed, body))
    }

    /// Removes a body that no record names any more. One that is not there is no error.
    ///
    /// # Errors
    /// The disk refuses it.
    pub fn remove(&self, id: BlobId) -> Result<(), StoreError> {
        let path = self.path(id);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(StoreError::file("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// The file of a body.
    pub fn path(&self, id: BlobId) -> PathBuf {
        let name = id.to_string();
        let (shelf, rest) = name.split_at(2);
        self.folder.join(shelf).join(format!("{rest}.zst"))
    }

    fn put(
        &self,
        id: BlobId,
        body: &[u8],
        close: impl FnOnce(BlobId, Vec<u8>) -> Vec<u8>,
    ) -> Result<BlobRef, StoreError> {
        let len = body.len() as u64;
        if len > LONGEST {
            let limit = usize::try_from(LONGEST).unwrap_or(usize::MAX);
            return Err(StoreError::TooLarge { bytes: body.len(), limit });
        }
        let path = self.path(id);
        let packed =
            zstd::bulk::compress(body, COMPRESSION).map_err(StoreError::file("compress for", &path))?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(close(id, packed));
        let shelf = path.parent().unwrap_or(&self.folder);
        if !shelf.exists() {
            files::make_private_folder(shelf)?;
            files::sync_folder(&self.folder)?;
        }
        files::write_durably(&path, &bytes)?;
        Ok(BlobRef { id, len })
    }

    fn read(&self, blob: &BlobRef) -> Result<Vec<u8>, StoreError> {
        let path = self.path(blob.id);
        let mut file = fs::File::open(&path).map_err(StoreError::file("read", &path))?;
        let length = file.metadata().map_err(StoreError::file("read", &path))?.len().min(LONGEST);
        // in one piece: a search reads ten thousand of them
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_exact(&mut bytes).map_err(StoreError::file("read", &path))?;
        if !bytes.starts_with(MAGIC) {
            return Err(self.damaged(blob, "it does not begin as a body does"));
        }
        bytes.drain(..MAGIC.len());
        Ok(bytes)
    }

    fn unpack(&self, blob: &BlobRef, packed: &[u8]) -> Result<Vec<u8>, StoreError> {
        if blob.len > LONGEST {
            return Err(self.damaged(blob, "its record states an impossible length"));
        }
        // every frame was written with its length: one that states another, or none, was changed
        if !matches!(zstd_safe::get_frame_content_size(packed), Ok(Some(length)) if length == blob.len) {
            return Err(self.damaged(blob, "its frame does not state the length that was stored"));
        }
        let capacity = usize::try_from(blob.len).unwrap_or(0);
        zstd::bulk::decompress(packed, capacity).map_err(|error| self.damaged(blob, &error.to_string()))
    }

    fn check(&self, blob: &BlobRef, found: [u8; 32], body: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        if found == blob.id.0 && body.len() as u64 == blob.len {
            Ok(body)
        } else {
            Err(self.damaged(blob, "its checksum is wrong"))
        }
    }

    fn damaged(&self, blob: &BlobRef, why: &str) -> StoreError {
        StoreError::Damaged { what: self.path(blob.id).display().to_string(), why: why.to_owned() }
    }
}
