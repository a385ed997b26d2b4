//! The digest of a value as it would be kept.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// SHA-256 of the value's bytes; two values with the same digest are the same.
pub fn digest(value: &impl Serialize) -> [u8; 32] {
    // The records are plain data of known length: postcard refuses none of them.
    Sha256::digest(postcard::to_stdvec(value).unwrap_or_default()).into()
}
