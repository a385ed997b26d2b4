//! The data key, and the keys derived from it for each purpose.

use std::fs;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{StoreError, files};

const NAME: &str = "data.key";

/// One random 256-bit key in a file for the owner alone. Each purpose uses a key derived from it, so that a
/// fingerprint says nothing about a seal.
#[derive(Clone)]
pub struct KeyRing {
    data_key: [u8; 32],
}

impl KeyRing {
    /// Reads the key of `folder`; makes one only where the store has never held anything.
    pub(super) fn load_or_make(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(NAME);
        match fs::read_to_string(&path) {
            Ok(text) => match parse(&text) {
                Some(data_key) => Ok(Self { data_key }),
                None => Err(StoreError::Key { path, why: "its checksum is wrong".into() }),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if folder.join("journal").exists() || folder.join("objects").exists() {
                    return Err(StoreError::Key { path, why: "no such file".into() });
                }
                let data_key: [u8; 32] = rand::random();
                files::write_durably(&path, written(&data_key).as_bytes())?;
                Ok(Self { data_key })
            }
            Err(error) => Err(StoreError::Key { path, why: error.to_string() }),
        }
    }

    /// A name for whatever was made with this key, which tells nothing about it.
    pub(super) fn id(&self) -> String {
        self.derive("store id")[..4].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The key for one purpose.
    pub(super) fn derive(&self, purpose: &str) -> [u8; 32] {
        keyed_hash(&self.data_key, purpose.as_bytes())
    }
}

/// HMAC-SHA256.
pub(super) fn keyed_hash(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    // HMAC fills a shorter key up with zeros to the block of its hash (RFC 2104); done here, it cannot fail.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// The key as it stands in its file, `DIGITS CHECKSUM`. Without the checksum a flipped bit would be another key, and
/// new secrets would be sealed under it.
fn written(data_key: &[u8; 32]) -> String {
    let digits: String = data_key.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{digits} {:08x}", crc32fast::hash(data_key))
}

fn parse(text: &str) -> Option<[u8; 32]> {
    let (digits, _) = text.split_once(' ')?;
    let data_key = digits.parse::<crate::model::BlobId>().ok()?.0;
    (written(&data_key) == text).then_some(data_key)
}
