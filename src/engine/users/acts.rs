//! What admins do: add, change, enable and remove users, grant and revoke roles.
//!
//! Each act looks again, while nobody else acts, whether who asks is an admin still.

use std::sync::Arc;

use super::admit::Person;
use crate::engine::actor::Actor;
use crate::engine::error::{ActError, ActErrorKind};
use crate::engine::events::with_events;
use crate::engine::inventory::entry;
use crate::engine::start::Engine;
use crate::model::{Account, EventKind, Grant, Reach, Role, Severity, User, UserName, full_name, key_name};

/// The most users, and the most accounts, keys and grants of one.
const MOST_USERS: usize = 1_000;
/// See [`MOST_USERS`].
const MOST_EACH: usize = 32;

/// A user to be.
#[derive(Clone, Debug, Default)]
pub struct NewUser {
    /// The name.
    pub name: String,
    /// The name in full.
    pub full_name: String,
    /// Accounts of the engine's host.
    pub accounts: Vec<String>,
    /// Names of keys.
    pub keys: Vec<String>,
    /// What they may do where.
    pub grants: Vec<Grant>,
    /// It is to be the first one, an admin: whoever asks has seen that there is none.
    pub first: bool,
}

/// What of a user is to change.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// The name in full.
    pub full_name: Option<String>,
    /// Accounts that are theirs from now on.
    pub add_accounts: Vec<String>,
    /// Accounts that are not any more.
    pub drop_accounts: Vec<String>,
    /// Keys that are theirs from now on.
    pub add_keys: Vec<String>,
    /// Keys that are not any more.
    pub drop_keys: Vec<String>,
}

impl Engine {
    /// Adds a user. The first one is an admin, and has the account that asks where none is named.
    ///
    /// # Errors
    /// When who asks is no admin, a value is wrong or taken, somebody else was first, or the store cannot take it.
    pub async fn add_user(&self, by: &Actor, person: &Person, new: NewUser) -> Result<Arc<User>, ActError> {
        let _acting = self.book.acting.lock().await;
        let users = self.users();
        if let (true, Some(first)) = (new.first, users.iter().min_by_key(|user| user.id)) {
            return Err(ActError::conflict(format!(
                "somebody else was first: there is a user {} now, and whoever is an admin adds others",
                first.name
            )));
        }
        self.check_admin(person)?;
        let name: UserName = new.name.parse().map_err(ActError::usage)?;
        if users.iter().any(|user| user.name == name) {
            return Err(ActError::conflict(format!("there is a user {name} already")));
        }
        if users.len() >= MOST_USERS {
            return Err(ActError::conflict(format!("there are {MOST_USERS} users already, and no more fit")));
        }
        let now = self.now();
        let mut user = User {
            id: self.book.next(),
            name,
            full_name: full_name(&new.full_name).map_err(ActError::usage)?,
            accounts: Vec::new(),
            keys: Vec::new(),
            grants: Vec::new(),
            enabled: true,
            revision: 0,
            created: now,
            updated: now,
            removed: None,
        };
        add_all(&mut user.accounts, &new.accounts, str::parse::<Account>)?;
        add_all(&mut user.keys, &new.keys, key_name)?;
        for grant in new.grants {
            add_grant(&mut user, grant)?;
        }
        if users.is_empty() {
            make_first(&mut user, person)?;
        }
        let grants: Vec<String> = user.grants.iter().map(Grant::to_string).collect();
        let grants = if grants.is_empty() { "no role yet".to_owned() } else { grants.join(", ") };
        let message = format!("user {} added by {}: {grants}", user.name, by.name);
        self.store_user(by, "user add", user, &message).await
    }

    /// Changes a user's name in full, accounts and keys. `seen` is the revision that who asks has seen.
    ///
    /// # Errors
    /// When who asks is no admin or the user themselves, there is no such user, it was changed meanwhile, a value is wrong
    /// or taken, no admin would be left, or the store cannot take it.
    pub async fn edit_user(
        &self,
        by: &Actor,
        person: &Person,
        name: &str,
        seen: Option<u32>,
        change: UserChange,
    ) -> Result<Arc<User>, ActError> {
        let begun = self.user(name).ok();
        let _acting = self.book.acting.lock().await;
        let mut user = self.user_to_change(person, name, seen).await?;
        let before = user.clone();
        if let Some(name) = &change.full_name {
            user.full_name = full_name(name).map_err(ActError::usage)?;
        }
        let (drop_accounts, drop_keys) = (change.drop_accounts, change.drop_keys);
        user.accounts.retain(|account| !drop_accounts.contains(&account.to_string()));
        user.keys.retain(|key| !drop_keys.contains(key));
        add_all(&mut user.accounts, &change.add_accounts, str::parse::<Account>)?;
        add_all(&mut user.keys, &change.add_keys, key_name)?;
        if user == before {
            return Ok(Arc::new(before));
        }
        if let Some(begun) = begun.filter(|begun| begun.id == user.id) {
            self.check_moment(&user.id, begun.as_ref(), &before, &user).await?;
        }
        if (&user.accounts, &user.keys) != (&before.accounts, &before.keys) {
            check_not_self(person, &user, "changes by which accounts and keys they come in")?;
        }
        let message = format!("user {} changed by {}", user.name, by.name);
        self.store_user(by, "user edit", user, &message).await
    }

    /// Lets a user in again, or no more. What they are doing at the time is refused from the next command on.
    ///
    /// # Errors
    /// As [`Engine::edit_user`].
    pub async fn enable_user(
        &self,
        by: &Actor,
        person: &Person,
        name: &str,
        seen: Option<u32>,
        enabled: bool,
    ) -> Result<Arc<User>, ActError> {
        let _acting = self.book.acting.lock().await;
        let mut user = self.user_to_change(person, name, seen).await?;
        if user.enabled == enabled {
            return Ok(Arc::new(user));
        }
        user.enabled = enabled;
        let (verb, what) = if enabled { ("user enable", "enabled") } else { ("user disable", "disabled") };
        let message = format!("user {} {what} by {}", user.name, by.name);
        self.store_user(by, verb, user, &message).await
    }

    /// Removes a user. The record stays for who did what; the name, accounts and keys are free again.
    ///
    /// # Errors
    /// As [`Engine::edit_user`].
    pub async fn remove_user(
        &self,
        by: &Actor,
        person: &Person,
        name: &str,
        seen: Option<u32>,
    ) -> Result<Arc<User>, ActError> {
        let _acting = self.book.acting.lock().await;
        let mut user = self.user_to_change(person, name, seen).await?;
        (user.removed, user.enabled) = (Some(self.now()), false);
        let message = format!("user {} removed by {}", user.name, by.name);
        self.store_user(by, "user remove", user, &message).await
    }

    /// Grants a user a role in a part of the network.
    ///
    /// # Errors
    /// As [`Engine::edit_user`]; nobody grants themselves anything.
    pub async fn grant_role(
        &self,
        by: &Actor,
        person: &Person,
        name: &str,
        seen: Option<u32>,
        grant: Grant,
    ) -> Result<Arc<User>, ActError> {
        let _acting = self.book.acting.lock().await;
        let mut user = self.user_to_change(person, name, seen).await?;
        check_not_self(person, &user, "grants a role")?;
        if user.grants.contains(&grant) {
            return Ok(Arc::new(user));
        }
        let message = format!("{} granted {grant} by {}", user.name, by.name);
        add_grant(&mut user, grant)?;
        self.store_user(by, "role grant", user, &message).await
    }

    /// Takes a role back.
    ///
    /// # Errors
    /// As [`Engine::edit_user`]; also when the user does not have the role there.
    pub async fn revoke_role(
        &self,
        by: &Actor,
        person: &Person,
        name: &str,
        seen: Option<u32>,
        grant: &Grant,
    ) -> Result<Arc<User>, ActError> {
        let _acting = self.book.acting.lock().await;
        let mut user = self.user_to_change(person, name, seen).await?;
        let before = user.grants.len();
        user.grants.retain(|own| own != grant);
        if user.grants.len() == before {
            return Err(ActError::not_found(format!(
                "{name} does not have {grant}; `role list {name}` shows what they have"
            )));
        }
        let message = format!("{grant} of {} revoked by {}", user.name, by.name);
        self.store_user(by, "role revoke", user, &message).await
    }

    fn check_admin(&self, person: &Person) -> Result<(), ActError> {
        let now = self.readmit(person).map_err(|refused| ActError::conflict(refused.0))?;
        now.rights.may(Role::Admin).then_some(()).ok_or_else(|| {
            ActError::conflict(format!("users are for admins, and {} has {}", now.name, now.rights))
        })
    }

    async fn user_to_change(&self, person: &Person, name: &str, seen: Option<u32>) -> Result<User, ActError> {
        self.check_admin(person)?;
        let user = self.user(name)?;
        self.check_seen(&user.id, user.as_ref(), seen).await?;
        Ok(user.as_ref().clone())
    }

    /// Stores a user that was changed, if it may be so, and shows it.
    async fn store_user(
        &self,
        by: &Actor,
        verb: &str,
        user: User,
        message: &str,
    ) -> Result<Arc<User>, ActError> {
        self.store_user_as(by, verb, user, Severity::Warning, message).await
    }

    /// The same, told so loudly.
    pub(super) async fn store_user_as(
        &self,
        by: &Actor,
        verb: &str,
        mut user: User,
        severity: Severity,
        message: &str,
    ) -> Result<Arc<User>, ActError> {
        self.check_whole(&user)?;
        let now = self.now();
        user.updated = now;
        user.revision += 1;
        let events = vec![self.event(now, EventKind::Users, severity, None, message)];
        let mut changes = entry(now, by, verb).put(&user.id, &user);
        changes.expect(&user.id, self.book.get(user.id).as_deref());
        if let Err(error) = self.commit(with_events(changes, &events), verb).await {
            // a write that was refused may stand in the journal all the same: that is the truth then
            if error.kind == ActErrorKind::Conflict
                && let Ok(Some(stored)) = self.store.get::<User>(&user.id)
            {
                self.book.put(stored);
            }
            return Err(error);
        }
        self.book.put(user.clone());
        self.end_unwelcome(by);
        self.tell(events);
        self.publish_now();
        Ok(Arc::new(user))
    }

    /// Whether the users are whole with `user` as it is now: no account and no key is two of them, and an admin is left.
    fn check_whole(&self, user: &User) -> Result<(), ActError> {
        if user.removed.is_none() {
            for list in [user.accounts.len(), user.keys.len(), user.grants.len()] {
                if list > MOST_EACH {
                    return Err(ActError::usage(format!(
                        "a user has at most {MOST_EACH} accounts, keys and grants each"
                    )));
                }
            }
            for other in self.users().iter().filter(|other| other.id != user.id) {
                if let Some(account) = user.accounts.iter().find(|account| other.accounts.contains(account)) {
                    return Err(ActError::conflict(format!(
                        "the account {account} is {} already",
                        other.name
                    )));
                }
                if let Some(key) = user.keys.iter().find(|key| other.keys.contains(key)) {
                    return Err(ActError::conflict(format!("the key {key} is {} already", other.name)));
                }
            }
        }
        let is_left = |other: &Arc<User>| other.id != user.id && other.is_admin();
        let keeps = user.removed.is_none() && user.is_admin();
        if keeps || self.users().iter().any(is_left) {
            return Ok(());
        }
        Err(ActError::conflict(format!(
            "{} is the last admin who can come in: make another one first",
            user.name
        )))
    }
}

/// The first user is an admin everywhere, and has the account of whoever asks where none is named.
fn make_first(user: &mut User, person: &Person) -> Result<(), ActError> {
    let admin = Grant::everywhere(Role::Admin);
    if user.grants.iter().any(|grant| *grant != admin) {
        return Err(ActError::usage("the first user is an admin, and nothing else: leave the role out"));
    }
    user.grants = vec![admin];
    if let (true, Some(caller)) = (user.accounts.is_empty(), &person.caller) {
        user.accounts.push(Account::Uid(caller.uid));
    }
    if user.accounts.is_empty() {
        return Err(ActError::usage("the first user needs an account to come in by: --account"));
    }
    Ok(())
}

fn check_not_self(person: &Person, user: &User, what: &str) -> Result<(), ActError> {
    match person.user == Some(user.id) {
        true => Err(ActError::conflict(format!("nobody {what} for themselves: ask another admin"))),
        false => Ok(()),
    }
}

fn add_grant(user: &mut User, grant: Grant) -> Result<(), ActError> {
    if grant.role.is_for_everything() && grant.reach != Reach::Everything {
        return Err(ActError::usage(format!(
            "{} is for the whole network: what they look after lies in no group and at no site",
            grant.role
        )));
    }
    if !user.grants.contains(&grant) {
        user.grants.push(grant);
    }
    Ok(())
}

fn add_all<T: PartialEq>(
    list: &mut Vec<T>,
    words: &[String],
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<(), ActError> {
    for word in words {
        let one = read(word).map_err(ActError::usage)?;
        if !list.contains(&one) {
            list.push(one);
        }
    }
    Ok(())
}
