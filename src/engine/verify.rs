//! Whether every stored configuration is still what it was when it was stored.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::model::{BlobId, DeviceName, Revision};

use super::error::ActError;
use super::selection::Selection;
use super::start::Engine;

/// What was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many revisions were read.
    pub revisions: u64,
    /// How many bytes of configuration.
    pub bytes: u64,
    /// The ones that are damaged.
    pub damaged: Vec<Damaged>,
}

/// A damaged revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Whose.
    pub device: DeviceName,
    /// Which.
    pub revision: u32,
    /// What is wrong with it.
    pub reason: String,
}

impl Engine {
    /// Reads every revision of these devices, both views, and checks them against their checksums.
    ///
    /// # Errors
    /// When a name is unknown, nothing was asked for, or the store cannot be read at all.
    pub async fn verify(self: &Arc<Self>, selection: &Selection) -> Result<Verified, ActError> {
        let devices = self.select(selection)?;
        self.aside(move |engine| {
            let mut verified = Verified::default();
            for device in devices {
                for revision in engine.stored_revisions(device.id)? {
                    verified.revisions += 1;
                    match engine.check(&revision) {
                        Ok(bytes) => verified.bytes += bytes,
                        Err(reason) => verified.damaged.push(Damaged {
                            device: device.name.clone(),
                            revision: revision.number,
                            reason,
                        }),
                    }
                }
            }
            Ok(verified)
        })
        .await
    }

    /// Whether both stored views of a revision are what they were. Blocks.
    pub(super) fn is_whole(&self, revision: &Revision) -> bool {
        self.check(revision).is_ok()
    }

    fn check(&self, revision: &Revision) -> Result<u64, String> {
        let exact = self.sealed_bytes(&revision.exact).map_err(|error| error.message)?;
        let sha256 = BlobId(Sha256::digest(&exact).into()).to_string();
        if sha256 != revision.sha256 {
            return Err(format!("the exact text is {sha256}, stored as {}", revision.sha256));
        }
        let normal = self.plain_text(&revision.normal).map_err(|error| error.message)?;
        Ok(exact.len() as u64 + normal.len() as u64)
    }
}
