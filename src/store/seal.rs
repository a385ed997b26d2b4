//! Secrets at rest: XChaCha20-Poly1305, bound to the place they belong to; and fingerprints that tell two secrets
//! apart without telling either.

use arc_swap::ArcSwap;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use zeroize::Zeroizing;

use super::StoreError;
use super::keys::{KeyBytes, keyed_hash};
use crate::model::{Sealed, Secret};

const NONCE: usize = 24;

/// The number of the key that has sealed something; nothing where no key opens it.
pub type SealedBy = Option<u32>;

/// Seals with the newest key, and opens with whichever fits. Which one sealed does not stand in what is sealed.
pub struct Seal {
    /// The newest last.
    ciphers: ArcSwap<Vec<(u32, XChaCha20Poly1305)>>,
    fingerprints: Fingerprinter,
}

impl Seal {
    /// With these keys and their numbers, the newest last.
    pub(super) fn new<'a>(keys: impl Iterator<Item = (u32, &'a KeyBytes)>, fingerprints: [u8; 32]) -> Self {
        let seal = Self { ciphers: ArcSwap::default(), fingerprints: Fingerprinter { key: fingerprints } };
        seal.take_keys(keys);
        seal
    }

    /// From now on with these.
    pub(super) fn take_keys<'a>(&self, keys: impl Iterator<Item = (u32, &'a KeyBytes)>) {
        let ciphers = keys.map(|(number, key)| (number, XChaCha20Poly1305::new(&key.0.into())));
        self.ciphers.store(std::sync::Arc::new(ciphers.collect()));
    }

    /// The number of the key that seals.
    pub(super) fn newest(&self) -> Option<u32> {
        self.ciphers.load().last().map(|(number, _)| *number)
    }

    /// See [`super::Store::reseal`].
    pub(super) fn reseal(&self, place: &str, sealed: &Sealed) -> Option<Sealed> {
        let (number, clear) = self.open_numbered(place.as_bytes(), &sealed.0)?;
        let clear = Zeroizing::new(clear);
        (Some(number) != self.newest()).then(|| Sealed(self.seal_bytes(place.as_bytes(), &clear)))
    }

    /// See [`super::Store::sealed_by`].
    pub(super) fn sealed_by(&self, place: &str, sealed: &Sealed) -> SealedBy {
        self.open_numbered(place.as_bytes(), &sealed.0).map(|(number, clear)| {
            drop(Zeroizing::new(clear));
            number
        })
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
        let ciphers = self.ciphers.load();
        let encrypt = |(_, cipher): &(u32, XChaCha20Poly1305)| {
            cipher.encrypt(&XNonce::from(nonce), Payload { msg: clear, aad: place }).ok()
        };
        // there is always a key, and the cipher refuses only messages of over 256 GB
        sealed.extend(ciphers.last().and_then(encrypt).unwrap_or_default());
        sealed
    }

    /// The reverse; `None` where anything is not as it was sealed.
    pub(super) fn open_bytes(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        self.open_numbered(place, sealed).map(|(_, clear)| clear)
    }

    /// The same, and the number of the key that had sealed it.
    pub(super) fn open_numbered(&self, place: &[u8], sealed: &[u8]) -> Option<(u32, Vec<u8>)> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE>()?;
        self.ciphers.load().iter().rev().find_map(|(number, cipher)| {
            let payload = Payload { msg: text, aad: place };
            cipher.decrypt(&XNonce::from(*nonce), payload).ok().map(|clear| (*number, clear))
        })
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
