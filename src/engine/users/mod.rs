//! Who the engine knows, what they may do where, who came in.
//!
//! While there is no user, the account that owns the data folder, and root, may do everything. The first user is an admin;
//! from then on nobody does anything but as the user that their account is.

mod acts;
mod admit;
mod logins;
mod narrow;
mod records;
mod recover;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;

pub use acts::{NewUser, UserChange};
pub use admit::{Caller, Origin, Person, Refused};

use logins::Logins;

use super::error::ActError;
use super::start::Engine;
use crate::model::{Login, Timestamp, User, UserId, nearest};
use crate::store::{Store, StoreError};

/// A user, and how they came in last, for a screen.
#[derive(Clone, Debug)]
pub struct UserView {
    /// The user.
    pub user: Arc<User>,
    /// The last time that they were let in.
    pub last: Option<Login>,
}

/// The users and logins of an engine, in memory. The store is the truth.
#[derive(Default)]
pub(super) struct Book {
    /// By number, removed ones included.
    users: ArcSwap<Vec<Arc<User>>>,
    /// Held while an act checks, stores and shows: of two who would be first, one is.
    acting: tokio::sync::Mutex<()>,
    logins: Mutex<Logins>,
}

impl Book {
    /// What the store holds.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let users = store.scan::<User>(&[])?.into_iter().map(|(_, user)| Arc::new(user)).collect();
        let last = store.scan_last::<Login>(&[], usize::MAX)?;
        Ok(Self {
            users: ArcSwap::from_pointee(users),
            acting: tokio::sync::Mutex::default(),
            logins: Mutex::new(Logins::load(last.into_iter().map(|(_, login)| login))),
        })
    }

    fn put(&self, user: User) {
        let mut users = self.users.load().as_ref().clone();
        match users.iter_mut().find(|other| other.id == user.id) {
            Some(place) => *place = Arc::new(user),
            None => users.push(Arc::new(user)),
        }
        self.users.store(Arc::new(users));
    }

    fn get(&self, id: UserId) -> Option<Arc<User>> {
        self.users.load().iter().find(|user| user.id == id).cloned()
    }

    fn next(&self) -> UserId {
        UserId(self.users.load().iter().map(|user| user.id.0 + 1).max().unwrap_or(1))
    }
}

impl Engine {
    /// Every user that was not removed, by name.
    pub fn users(&self) -> Vec<Arc<User>> {
        let mut users: Vec<Arc<User>> =
            self.book.users.load().iter().filter(|user| user.removed.is_none()).cloned().collect();
        users.sort_by(|a, b| a.name.cmp(&b.name));
        users
    }

    /// Whether there is a user at all.
    pub fn has_users(&self) -> bool {
        self.book.users.load().iter().any(|user| user.removed.is_none())
    }

    /// The user of that name.
    ///
    /// # Errors
    /// When there is none; the nearest name is suggested.
    pub fn user(&self, name: &str) -> Result<Arc<User>, ActError> {
        let users = self.users();
        let found = users.iter().find(|user| user.name.as_str() == name).cloned();
        found.ok_or_else(|| {
            let hint = nearest(name, users.iter().map(|user| user.name.as_str()));
            let hint = hint.map_or_else(
                || "`user list` shows those that exist".to_owned(),
                |name| format!("did you mean {name}?"),
            );
            let shown: String = name.chars().take(64).collect();
            ActError::not_found(format!("there is no user {shown:?}; {hint}"))
        })
    }

    /// Every user that was not removed, by name, and how they came in last.
    pub fn user_views(&self) -> Vec<UserView> {
        let last = super::start::lock(&self.book.logins).last_of_each();
        let view = |user: Arc<User>| UserView { last: last.get(user.name.as_str()).cloned(), user };
        self.users().into_iter().map(view).collect()
    }

    /// When each user came in last.
    pub fn last_logins(&self) -> HashMap<String, Timestamp> {
        let last = super::start::lock(&self.book.logins).last_of_each();
        last.into_iter().map(|(user, login)| (user, login.at)).collect()
    }
}

#[cfg(test)]
mod tests;
