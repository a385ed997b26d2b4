//! What admins do: add, change and remove credentials, give them to devices, put the assignments in order.

use std::sync::Arc;

use super::{Held, KeptList, Vault, place};
use crate::engine::actor::Actor;
use crate::engine::error::{ActError, ActErrorKind};
use crate::engine::events::with_events;
use crate::engine::inventory::entry;
use crate::engine::start::Engine;
use crate::model::{
    Assignment, Credential, CredentialId, CredentialKind, EventKind, Secret, SecretPart, Severity, SnmpAuth,
    SnmpPrivacy, SnmpVersion, Those, clean_line, credential_name,
};

/// The most credentials, and the most assignments.
const MOST: usize = 1_000;
/// The most exceptions of one assignment.
const MOST_EXCEPTIONS: usize = 100;
/// The longest user and description, in characters.
const LONGEST: usize = 200;
/// The longest secret, in bytes; tokens of some interfaces are this long.
const LONGEST_SECRET: usize = 4 << 10;
/// The shortest password of SNMP 3, in bytes (RFC 3414, 11.2).
const SHORTEST_SNMP: usize = 8;

/// A credential to be.
#[derive(Clone, Debug)]
pub struct NewCredential {
    /// The name.
    pub name: String,
    /// What it is for.
    pub kind: CredentialKind,
    /// The rest.
    pub change: CredentialChange,
}

/// What of a credential is to change.
#[derive(Clone, Debug, Default)]
pub struct CredentialChange {
    /// Another name.
    pub name: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The digest of SNMP 3.
    pub auth: Option<SnmpAuth>,
    /// The cipher of SNMP 3.
    pub privacy: Option<SnmpPrivacy>,
    /// The version that a community is for.
    pub version: Option<SnmpVersion>,
    /// Free text.
    pub description: Option<String>,
    /// Secrets; an empty one takes it away.
    pub secrets: Vec<(SecretPart, Secret)>,
}

/// An assignment to be.
#[derive(Clone, Debug)]
pub struct NewAssignment {
    /// The credential's name.
    pub credential: String,
    /// To which devices.
    pub to: Those,
    /// But to none of these.
    pub except: Vec<Those>,
    /// Looked at before the assignment of this number; at the end where it is not said.
    pub before: Option<u64>,
}

impl Engine {
    /// Adds a credential.
    ///
    /// # Errors
    /// When the name is taken, a value is wrong or missing, the vault is in doubt, or the store cannot take it.
    pub async fn add_credential(&self, by: &Actor, new: NewCredential) -> Result<Arc<Credential>, ActError> {
        let _acting = self.vault.acting.lock().await;
        let mut held = self.held_to_change()?;
        if held.credentials.len() >= MOST {
            return Err(ActError::conflict(format!("there are {MOST} credentials, and no more fit")));
        }
        let now = self.now();
        held.list.next_credential += 1;
        let blank = Credential {
            id: CredentialId(held.list.next_credential),
            name: new.name.clone(),
            kind: new.kind,
            user: String::new(),
            auth: None,
            privacy: None,
            version: None,
            description: String::new(),
            secrets: Vec::new(),
            revision: 0,
            created: now,
            updated: now,
            changed_by: String::new(),
        };
        let change = CredentialChange { name: Some(new.name), ..new.change };
        let credential = self.changed(&held, &blank, change)?;
        let message = format!("credential {} ({}) added by {}", credential.name, credential.kind, by.name);
        self.store_credential(by, "credential add", held, credential, &message).await
    }

    /// Changes a credential. `seen` is the revision that who asks has seen.
    ///
    /// # Errors
    /// As [`Engine::add_credential`]; also when there is none, it was changed since it was seen, or a secret that stays does
    /// not open.
    pub async fn edit_credential(
        &self,
        by: &Actor,
        name: &str,
        seen: Option<u32>,
        change: CredentialChange,
    ) -> Result<Arc<Credential>, ActError> {
        let begun = self.credential(name).ok();
        let _acting = self.vault.acting.lock().await;
        let held = self.held_to_change()?;
        let old = self.credential(name)?;
        self.check_seen(&old.id, old.as_ref(), seen).await?;
        let has_secrets = !change.secrets.is_empty();
        let credential = self.changed(&held, &old, change)?;
        if let Some(begun) = begun.filter(|begun| begun.id == old.id) {
            // that a secret is another one is not seen without opening it
            let seen = has_secrets.then_some(begun.revision);
            self.check_seen(&old.id, old.as_ref(), seen).await?;
            self.check_moment(&old.id, begun.as_ref(), old.as_ref(), &credential).await?;
        }
        let message = format!("credential {} changed by {}", old.name, by.name);
        self.store_credential(by, "credential edit", held, credential, &message).await
    }

    /// Removes a credential, and its assignments with it; how many those were. `seen` is the revision that who asks has
    /// seen.
    ///
    /// # Errors
    /// When there is none, it was changed since it was seen, the vault is in doubt, or the store cannot take it.
    pub async fn remove_credential(
        &self,
        by: &Actor,
        name: &str,
        seen: Option<u32>,
    ) -> Result<usize, ActError> {
        let _acting = self.vault.acting.lock().await;
        let mut held = self.held_to_change()?;
        let old = self.credential(name)?;
        self.check_seen(&old.id, old.as_ref(), seen).await?;
        let before = held.list.assignments.len();
        held.list.assignments.retain(|assignment| assignment.credential != old.id);
        held.list.revisions.retain(|(id, _)| *id != old.id);
        held.credentials.retain(|credential| credential.id != old.id);
        let gone = before - held.list.assignments.len();
        let message = format!("credential {name} removed by {}, with {gone} assignments", by.name);
        self.store_vault(by, "credential remove", held, Changed::Removed(old.id), &message).await?;
        Ok(gone)
    }

    /// Gives a credential to devices. `seen` is the revision of the list of assignments that who asks has seen.
    ///
    /// # Errors
    /// When there is no such credential or no assignment to stand before, the list was changed since it was seen, the vault
    /// is in doubt, or the store cannot take it.
    pub async fn assign_credential(
        &self,
        by: &Actor,
        seen: Option<u32>,
        new: NewAssignment,
    ) -> Result<Assignment, ActError> {
        let _acting = self.vault.acting.lock().await;
        let mut held = self.held_to_change()?;
        self.check_list_seen(&held, seen).await?;
        let credential = self.credential(&new.credential)?;
        if held.list.assignments.len() >= MOST || new.except.len() > MOST_EXCEPTIONS {
            return Err(ActError::conflict(format!(
                "a vault has at most {MOST} assignments of at most {MOST_EXCEPTIONS} exceptions each"
            )));
        }
        held.list.next_assignment += 1;
        let number = held.list.next_assignment;
        let assignment = Assignment { number, credential: credential.id, to: new.to, except: new.except };
        let at = match new.before {
            Some(before) => place_of(&held, before)?,
            None => held.list.assignments.len(),
        };
        held.list.assignments.insert(at, assignment.clone());
        let message = format!(
            "credential {} given to {} by {}",
            credential.name,
            self.those_in_words(&assignment.to),
            by.name
        );
        self.store_vault(by, "credential assign", held, Changed::Order, &message).await?;
        Ok(assignment)
    }

    /// Takes an assignment away.
    ///
    /// # Errors
    /// When there is none of that number, the list was changed since it was seen, the vault is in doubt, or the store
    /// cannot take it.
    pub async fn unassign_credential(
        &self,
        by: &Actor,
        seen: Option<u32>,
        number: u64,
    ) -> Result<(), ActError> {
        let _acting = self.vault.acting.lock().await;
        let mut held = self.held_to_change()?;
        self.check_list_seen(&held, seen).await?;
        let gone = place_of(&held, number)?;
        held.list.assignments.remove(gone);
        let message = format!("assignment {number} taken away by {}", by.name);
        self.store_vault(by, "credential unassign", held, Changed::Order, &message).await
    }

    /// Puts an assignment before another one, or at the end.
    ///
    /// # Errors
    /// As [`Engine::unassign_credential`].
    pub async fn order_assignment(
        &self,
        by: &Actor,
        seen: Option<u32>,
        number: u64,
        before: Option<u64>,
    ) -> Result<(), ActError> {
        let _acting = self.vault.acting.lock().await;
        let mut held = self.held_to_change()?;
        self.check_list_seen(&held, seen).await?;
        if before == Some(number) {
            return Err(ActError::usage("an assignment does not stand before itself"));
        }
        let from = place_of(&held, number)?;
        let moved = held.list.assignments.remove(from);
        let to = match before {
            Some(before) => place_of(&held, before)?,
            None => held.list.assignments.len(),
        };
        held.list.assignments.insert(to, moved);
        let message = format!("assignments put in another order by {}", by.name);
        self.store_vault(by, "credential order", held, Changed::Order, &message).await
    }

    /// The list's revision, for whoever says later which one they saw.
    pub fn assignments_revision(&self) -> u32 {
        u32::try_from(self.held().list.revision).unwrap_or(u32::MAX)
    }

    async fn check_list_seen(&self, held: &Held, seen: Option<u32>) -> Result<(), ActError> {
        let list = KeptList::new(&self.store, &held.list);
        self.check_seen(&0, &list, seen).await
    }

    /// What the vault holds, unless it is in doubt: an act on it would make what was forged look true.
    pub(super) fn held_to_change(&self) -> Result<Held, ActError> {
        let held = Held::clone(&self.held());
        match &held.doubt {
            Some(doubt) => Err(ActError::storage("changing the vault", doubt)),
            None => Ok(held),
        }
    }

    /// The credential after a change, each secret sealed for the new revision.
    fn changed(
        &self,
        held: &Held,
        old: &Credential,
        change: CredentialChange,
    ) -> Result<Credential, ActError> {
        let mut new = old.clone();
        if let Some(name) = change.name {
            new.name = credential_name(&name).map_err(ActError::usage)?;
            if held.credentials.iter().any(|other| other.name == new.name && other.id != new.id) {
                return Err(ActError::conflict(format!("there is a credential {} already", new.name)));
            }
        }
        if let Some(user) = change.user {
            new.user = text("user", &user)?;
        }
        if let Some(description) = change.description {
            new.description = text("description", &description)?;
        }
        new.auth = change.auth.or(new.auth);
        new.privacy = change.privacy.or(new.privacy);
        new.version = change.version.or(new.version);
        new.revision += 1;
        new.updated = self.now();
        new.secrets.clear();
        for part in new.kind.parts() {
            let told = change.secrets.iter().find(|(told, _)| told == part).map(|(_, secret)| secret.clone());
            let secret = match told {
                Some(secret) => check(*part, secret)?,
                None => self.opened(old, *part)?,
            };
            if !secret.is_empty() {
                new.secrets.push((*part, self.store.seal(&place(&new, *part), &secret)));
            }
        }
        if let Some((part, _)) = change.secrets.iter().find(|(part, _)| !new.kind.parts().contains(part)) {
            return Err(ActError::usage(format!("a credential of the kind {} has no {part}", new.kind)));
        }
        check_whole(&new)?;
        Ok(new)
    }

    async fn store_credential(
        &self,
        by: &Actor,
        verb: &str,
        mut held: Held,
        credential: Credential,
        message: &str,
    ) -> Result<Arc<Credential>, ActError> {
        let credential = Arc::new(Credential { changed_by: by.name.clone(), ..credential });
        held.credentials.retain(|other| other.id != credential.id);
        held.credentials.push(Arc::clone(&credential));
        held.list.revisions.retain(|(id, _)| *id != credential.id);
        held.list.revisions.push((credential.id, credential.revision));
        self.store_vault(by, verb, held, Changed::Put(Arc::clone(&credential)), message).await?;
        Ok(credential)
    }

    async fn store_vault(
        &self,
        by: &Actor,
        verb: &str,
        mut held: Held,
        changed: Changed,
        message: &str,
    ) -> Result<(), ActError> {
        let now = self.now();
        let before = self.held();
        held.list.revision = before.list.revision + 1;
        let events = vec![self.event(now, EventKind::Inventory, Severity::Info, None, message)];
        let mut entry = entry(now, by, verb).put(&0, &KeptList::new(&self.store, &held.list));
        // the last guard: every act has looked before, and acts one by one
        let list = (before.list.revision > 0).then(|| KeptList::new(&self.store, &before.list));
        entry.expect(&0, list.as_ref());
        match &changed {
            Changed::Put(credential) => {
                entry.expect(&credential.id, before.credential(credential.id).map(AsRef::as_ref));
                entry.add(&credential.id, credential.as_ref());
            }
            Changed::Removed(id) => entry.remove::<Credential>(id),
            Changed::Order => {}
        }
        if let Err(error) = self.commit(with_events(entry, &events), verb).await {
            // a write that was refused may stand in the journal all the same: that is the truth then
            if error.kind == ActErrorKind::Conflict
                && let Ok(stored) = Vault::load(&self.store)
            {
                self.vault.held.store(stored.held.load_full());
            }
            return Err(error);
        }
        self.vault.held.store(Arc::new(held));
        self.tell(events);
        self.publish_now();
        Ok(())
    }
}

/// What is stored beside the list.
enum Changed {
    Put(Arc<Credential>),
    Removed(CredentialId),
    Order,
}

fn place_of(held: &Held, number: u64) -> Result<usize, ActError> {
    held.list.assignments.iter().position(|assignment| assignment.number == number).ok_or_else(|| {
        ActError::not_found(format!("there is no assignment {number}; `credential order` lists them"))
    })
}

fn text(what: &str, value: &str) -> Result<String, ActError> {
    if value.chars().count() > LONGEST || clean_line(value) != value {
        return Err(ActError::usage(format!("{what}: at most {LONGEST} visible characters")));
    }
    Ok(value.to_owned())
}

fn check(part: SecretPart, secret: Secret) -> Result<Secret, ActError> {
    let refused = |why: &str| Err(ActError::usage(format!("{part}: {why}")));
    if secret.expose().len() > LONGEST_SECRET {
        return refused("longer than 4096 bytes");
    }
    if secret.expose().chars().any(char::is_control) {
        return refused("holds a control character");
    }
    let of_snmp = matches!(part, SecretPart::AuthPassword | SecretPart::PrivPassword);
    if of_snmp && !secret.is_empty() && secret.expose().len() < SHORTEST_SNMP {
        return refused("shorter than the 8 characters that SNMPv3 asks for");
    }
    Ok(secret)
}

/// Whether it can be used: what is missing is said at once, not when a device is asked.
fn check_whole(credential: &Credential) -> Result<(), ActError> {
    let has = |part| credential.sealed(part).is_some();
    let wrong = |why: String| Err(ActError::usage(format!("{}: {why}", credential.name)));
    let is_user = credential.kind == CredentialKind::SnmpUser;
    if !is_user && (credential.auth.is_some() || credential.privacy.is_some()) {
        return wrong("a digest and a cipher are those of a snmp-user".into());
    }
    if credential.kind != CredentialKind::Community && credential.version.is_some() {
        return wrong("a version is that of a community: a snmp-user is SNMP 3".into());
    }
    match credential.kind {
        CredentialKind::Login if !has(SecretPart::Password) => wrong("a login needs a password".into()),
        CredentialKind::Community if !has(SecretPart::Community) => wrong("the community is missing".into()),
        CredentialKind::Community if credential.version == Some(SnmpVersion::V3) => {
            wrong("SNMP 3 has users, no communities".into())
        }
        CredentialKind::Token if !has(SecretPart::Token) => wrong("the token is missing".into()),
        CredentialKind::SnmpUser if credential.user.is_empty() => wrong("a snmp-user needs --user".into()),
        CredentialKind::SnmpUser if credential.auth.is_some() != has(SecretPart::AuthPassword) => {
            wrong("a digest (--auth) and auth_password belong together".into())
        }
        CredentialKind::SnmpUser if credential.privacy.is_some() && credential.auth.is_none() => {
            wrong("a cipher asks for a digest too (--auth)".into())
        }
        CredentialKind::SnmpUser if has(SecretPart::PrivPassword) && credential.privacy.is_none() => {
            wrong("priv_password is there, but not which cipher it is (--priv)".into())
        }
        _ => Ok(()),
    }
}
