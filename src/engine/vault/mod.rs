//! The vault: credentials with names, and to which devices they are given, in an order and with exceptions.
//!
//! A secret is sealed for its credential's number, its part and the credential's revision. Which revision is the present
//! one, and who gets what, stands in the vault's own list, which is sealed as a whole: a credential that was brought back
//! from an older state, or an assignment that nobody made, is found and nothing is opened.

mod acts;
mod lookup;
mod reveal;
mod rotate;
mod slots;
mod view;
mod words;

use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

pub use acts::{CredentialChange, NewAssignment, NewCredential};
pub use lookup::{Chosen, Explained, Login, Source};
pub use reveal::Revealed;
pub use rotate::{Counted, Progress, Rotated, Watch};
pub use view::{AssignmentView, CredentialPage, CredentialView, Recipient, VaultView};
pub(super) use words::{of_credential, of_list};

use super::error::ActError;
use super::start::Engine;
use crate::model::{
    Assignment, BlobId, Credential, CredentialId, Device, Secret, SecretPart, Those, nearest,
};
use crate::store::{Key, Record, Store, StoreError, encoded};

/// What the list is sealed for.
const LIST: &str = "vault/list";

impl Key for CredentialId {
    fn encode(&self) -> Vec<u8> {
        self.0.encode()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        u64::decode(bytes).map(Self)
    }
}

impl Record for Credential {
    const TABLE: &'static str = "credential";
    const VERSION: u8 = 2;
    type Key = CredentialId;

    fn upgrade(version: u8, bytes: &[u8]) -> Result<Self, String> {
        if version != 1 {
            return Err(format!(
                "version {version} of the table `{}` is unknown to this noctule",
                Self::TABLE
            ));
        }
        // version 2 added who changed it last at the end: an empty name
        postcard::from_bytes(&[bytes, &[0]].concat()).map_err(|error| error.to_string())
    }
}

/// Who gets what, in order, and which revision of each credential is the present one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct List {
    pub assignments: Vec<Assignment>,
    pub revisions: Vec<(CredentialId, u32)>,
    pub next_credential: u64,
    pub next_assignment: u64,
    pub revision: u64,
}

/// The list as it is kept: in the clear, with a seal over its digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptList {
    list: List,
    proof: crate::model::Sealed,
}

impl Record for KeptList {
    const TABLE: &'static str = "vault";
    const VERSION: u8 = 1;
    type Key = u64;
}

impl PartialEq for KeptList {
    /// The same list has another proof each time that it is sealed.
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl KeptList {
    pub fn new(store: &Store, list: &List) -> Self {
        Self { list: list.clone(), proof: store.seal(LIST, &Secret::new(digest(list))) }
    }

    pub fn list(&self) -> &List {
        &self.list
    }

    fn is_proven(&self, store: &Store) -> bool {
        store.unseal(LIST, &self.proof).is_ok_and(|proof| proof.expose() == digest(&self.list))
    }
}

fn digest(list: &List) -> String {
    BlobId(encoded::digest(list)).to_string()
}

/// What the vault holds at a moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub credentials: Vec<Arc<Credential>>,
    pub list: List,
    /// Why nothing of it may be used, where that is so.
    pub doubt: Option<String>,
}

impl Held {
    pub fn credential(&self, id: CredentialId) -> Option<&Arc<Credential>> {
        self.credentials.iter().find(|credential| credential.id == id)
    }

    /// Each assignment with its credential, in the order in which they are looked at.
    pub fn order(&self) -> Vec<(&Assignment, &Arc<Credential>)> {
        let assignments = self.list.assignments.iter();
        assignments.filter_map(|one| Some((one, self.credential(one.credential)?))).collect()
    }

    /// Why the list and the credentials do not belong together.
    fn doubt(&self) -> Option<String> {
        let advice = "the store was changed by something other than noctule, or a part of it brought back: `noctule audit verify` and `noctule store rebuild`, or restore a copy";
        for credential in &self.credentials {
            let known = self.list.revisions.iter().find(|(id, _)| *id == credential.id);
            if known.map(|(_, revision)| *revision) != Some(credential.revision) {
                return Some(format!(
                    "the credential {} is not of the revision that the vault knows; {advice}",
                    credential.name
                ));
            }
        }
        let gone = self.list.revisions.iter().any(|(id, _)| self.credential(*id).is_none());
        gone.then(|| format!("a credential of the vault is missing; {advice}"))
    }
}

/// The vault in memory. The store is the truth.
#[derive(Default)]
pub(super) struct Vault {
    held: ArcSwap<Held>,
    /// Held while an act checks, stores and shows.
    acting: tokio::sync::Mutex<()>,
    /// Held while everything is sealed anew.
    rotating: tokio::sync::Mutex<()>,
}

impl Vault {
    /// What the store holds.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let credentials = store.scan::<Credential>(&[])?.into_iter().map(|(_, one)| Arc::new(one)).collect();
        let kept: Option<KeptList> = store.get(&0)?;
        let mut held = Held { credentials, ..Held::default() };
        if let Some(kept) = kept {
            if !kept.is_proven(store) {
                held.doubt = Some(
                    "the vault's list does not open: it was changed by something other than noctule, or sealed under another key; restore a copy of the store"
                        .to_owned(),
                );
            }
            held.list = kept.list;
        }
        held.doubt = held.doubt.take().or_else(|| held.doubt());
        Ok(Self { held: ArcSwap::from_pointee(held), ..Self::default() })
    }
}

impl Engine {
    pub(super) fn held(&self) -> Arc<Held> {
        self.vault.held.load_full()
    }

    /// Every credential, by name. What they hold stays sealed.
    pub fn credentials(&self) -> Vec<Arc<Credential>> {
        let mut all = self.held().credentials.clone();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Who gets what, in the order in which it is looked at.
    pub fn assignments(&self) -> Vec<Assignment> {
        self.held().list.assignments.clone()
    }

    /// The credential of that name.
    ///
    /// # Errors
    /// When there is none; the nearest name is suggested.
    pub fn credential(&self, name: &str) -> Result<Arc<Credential>, ActError> {
        let all = self.credentials();
        all.iter().find(|credential| credential.name == name).cloned().ok_or_else(|| {
            let hint = nearest(name, all.iter().map(|credential| credential.name.as_str()));
            let hint = hint.map_or_else(
                || "`credential list` shows those that exist".to_owned(),
                |name| format!("did you mean {name}?"),
            );
            let shown: String = name.chars().take(64).collect();
            ActError::not_found(format!("there is no credential {shown:?}; {hint}"))
        })
    }

    /// The devices that are meant, in words: `device core-1`, `group:campus`, `core-*`.
    pub fn those_in_words(&self, those: &Those) -> String {
        match those {
            Those::Device(id) => {
                let device = self.present().device(*id);
                device.map_or_else(
                    || "a device that is gone".to_owned(),
                    |device: Arc<Device>| format!("device {}", device.name),
                )
            }
            Those::Part(reach) => reach.to_string(),
            Those::Match(pattern) => pattern.clone(),
        }
    }

    /// A secret of a credential; empty where it holds none.
    pub(super) fn opened(&self, credential: &Credential, part: SecretPart) -> Result<Secret, ActError> {
        if let Some(doubt) = &self.held().doubt {
            return Err(ActError::storage("opening the vault", doubt));
        }
        let Some(sealed) = credential.sealed(part) else { return Ok(Secret::default()) };
        self.store.unseal(&place(credential, part), sealed).map_err(|error| {
            ActError::storage(&format!("opening the {part} of the credential {}", credential.name), error)
        })
    }
}

/// What a secret is sealed for: its record, its part, and the record's revision.
fn place(credential: &Credential, part: SecretPart) -> String {
    format!("credential/{}/{part}/{}", credential.id.0, credential.revision)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CredentialKind, Timestamp};

    #[test]
    fn a_credential_of_version_1_is_read_and_nobody_is_made_up_who_changed_it() {
        let credential = Credential {
            id: CredentialId(7),
            name: "core".into(),
            kind: CredentialKind::Login,
            user: "noc".into(),
            auth: None,
            privacy: None,
            version: None,
            description: String::new(),
            secrets: Vec::new(),
            revision: 3,
            created: Timestamp(1),
            updated: Timestamp(2),
            changed_by: String::new(),
        };
        let bytes = postcard::to_stdvec(&credential).unwrap();
        // version 1 ended with when it changed
        let old = &bytes[..bytes.len() - 1];
        assert_eq!(Credential::upgrade(1, old), Ok(credential));
        assert!(Credential::upgrade(3, old).is_err());
    }
}
