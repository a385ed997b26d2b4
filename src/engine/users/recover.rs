//! The way back in, where no admin is left who can come.

use std::sync::Arc;

use super::admit::{Caller, owner_of};
use crate::engine::actor::Actor;
use crate::engine::error::ActError;
use crate::engine::start::Engine;
use crate::model::{Account, Grant, Role, Severity, User, UserName};

impl Engine {
    /// Makes a user an enabled admin with the account that asks. For the account that owns the data folder alone, since it
    /// could change the files as it likes; so that it does not go unseen, it is journalled and told as an error.
    ///
    /// # Errors
    /// When who asks does not own the folder, no reason is given, the name is wrong, or the store cannot take it.
    pub async fn recover_user(&self, by: &Actor, caller: &Caller, name: &str) -> Result<Arc<User>, ActError> {
        let _acting = self.book.acting.lock().await;
        if owner_of(self.data_dir()) != Some(caller.uid) {
            return Err(ActError::conflict(format!(
                "{} does not own the data folder {}: only its owner has this way in",
                caller.account(),
                self.data_dir().display()
            )));
        }
        if by.why.trim().is_empty() {
            return Err(ActError::usage(
                "say with --why why no admin can let you in: every admin will see it",
            ));
        }
        if !self.has_users() {
            return Err(ActError::conflict("there is no user yet: `user add` makes the first admin"));
        }
        let now = self.now();
        let name: UserName = name.parse().map_err(ActError::usage)?;
        let mut user = match self.users().iter().find(|user| user.name == name) {
            Some(user) => user.as_ref().clone(),
            None => User {
                id: self.book.next(),
                name,
                full_name: String::new(),
                accounts: Vec::new(),
                keys: Vec::new(),
                grants: Vec::new(),
                enabled: true,
                revision: 0,
                created: now,
                updated: now,
                removed: None,
            },
        };
        user.enabled = true;
        let admin = Grant::everywhere(Role::Admin);
        if !user.grants.contains(&admin) {
            user.grants.push(admin);
        }
        let own = Account::Uid(caller.uid);
        if !user.accounts.contains(&own) {
            user.accounts.push(own);
        }
        let message = format!(
            "user {} was made an admin by the owner of the data folder, {}, with the store closed: {}",
            user.name,
            caller.account(),
            by.why
        );
        self.store_user_as(by, "user recover", user, Severity::Error, &message).await
    }
}
