//! Secrets at rest: XChaCha20-Poly1305, bound to the place they belong to; and fingerprints that tell two secrets
//! apart without telling either.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use super::StoreError;
use super::keys::{KeyRing, keyed_hash};
use crate::model::{Sealed, Secret};

const NONCE: usize = 24;

/// Seals and opens.
pub struct Seal {
    cipher: XChaCha20Poly1305,
    fingerprints: Fingerprinter,
}

impl Seal {
    pub(super) fn new(keys: &KeyRing) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(&keys.derive("seal").into()),
            fingerprints: Fingerprinter { key: keys.derive("fingerprint") },
        }
    }

    /// See [`super::Store::seal`].
    pub fn seal(&self, place: &str, clear: &Secret) -> Sealed {
        Sealed(self.seal_bytes(place.as_bytes(), clear.expose().as_bytes()))
    }

    /// See [`super::Store::unseal`].
    pub fn unseal(&self, place: &str, sealed: &Sealed) -> Result<Secret, StoreError> {
        self.open_bytes(place.as_bytes(), &sealed.0)
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .map(Secret::new)
            .ok_or_else(|| StoreError::Unseal { place: place.to_owned() })
    }

    /// Nonce and ciphertext of `clear`, bound to `place`.
    pub(super) fn seal_bytes(&self, place: &[u8], clear: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let mut sealed = nonce.to_vec();
        // The cipher refuses only messages of over 256 GB.
        let text =
            self.cipher.encrypt(&XNonce::from(nonce), Payload { msg: clear, aad: place }).unwrap_or_default();
        sealed.extend(text);
        sealed
    }

    /// The reverse; `None` where anything is not as it was sealed.
    pub(super) fn open_bytes(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE>()?;
        self.cipher.decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: place }).ok()
    }

    /// See [`super::Store::fingerprinter`].
    pub fn fingerprinter(&self) -> Fingerprinter {
        self.fingerprints.clone()
    }
}

/// Names secrets without telling them: the same text has the same name in this store, and in no other.
#[derive(Clone)]
pub struct Fingerprinter {
    key: [u8; 32],
}

impl Fingerprinter {
    /// 8 hex digits: enough to see that a password changed, too few to test guesses against.
    pub fn fingerprint(&self, secret: &str) -> String {
        keyed_hash(&self.key, secret.as_bytes())[..4].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
