//! Notifications: what happens is told to people who do not look at a screen. Rules in `notify.toml` say what and to
//! whom; what is not delivered waits in the store and is tried again.
//!
//! An event is routed onto the desk (`route`, `desk`: no clock, no I/O), the worker (`work`) stores that and brings due
//! messages to their targets (`deliver`), each target in a lane of its own.

mod acts;
pub(super) mod check;
mod deliver;
mod desk;
mod message;
mod overview;
mod quiet;
mod records;
mod route;
pub mod settings;
#[cfg(test)]
mod tests;
mod work;
mod written;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::settings::SettingsError;
use crate::model::Severity;
use crate::store::StoreError;

use super::error::ActError;
use super::records::values;
use super::start::Engine;
use desk::{Desk, MARK};
use settings::NotifySettings;

pub use acts::{Tried, test_mail_over};
pub use overview::{Overview, RuleView, State, TargetView, WaitingView};
pub(super) use work::work;

/// What the engine holds for its notifications.
#[derive(Default)]
pub(super) struct Notifier {
    /// Read from the store when it is first needed.
    desk: tokio::sync::Mutex<Option<Desk>>,
    /// One delivery at a time to each target.
    lanes: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Events about a target, by their numbers: they are not told to itself.
    about: Mutex<HashMap<u64, String>>,
    /// Rung when a person has changed what waits.
    bell: tokio::sync::Notify,
}

impl Notifier {
    fn lane(&self, target: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.entry(target.to_owned()).or_default().clone()
    }

    fn is_about(&self, event: u64) -> Option<String> {
        self.about.lock().unwrap_or_else(PoisonError::into_inner).get(&event).cloned()
    }

    fn note(&self, event: u64, target: &str) {
        let mut about = self.about.lock().unwrap_or_else(PoisonError::into_inner);
        about.insert(event, target.to_owned());
    }
}

/// The desk, held: until it is let go nobody else changes it.
struct Held<'a>(tokio::sync::MutexGuard<'a, Option<Desk>>);

impl std::ops::Deref for Held<'_> {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        static EMPTY: std::sync::LazyLock<Desk> = std::sync::LazyLock::new(Desk::default);
        self.0.as_ref().unwrap_or(&EMPTY)
    }
}

impl std::ops::DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Desk {
        self.0.get_or_insert_with(Desk::default)
    }
}

impl Engine {
    /// What `notify.toml` says now.
    ///
    /// # Errors
    /// Its first mistake.
    pub fn notify_settings(&self) -> Result<NotifySettings, SettingsError> {
        NotifySettings::read(&self.options.config_dir)
    }

    async fn desk(self: &Arc<Self>) -> Result<Held<'_>, ActError> {
        let mut desk = self.notifier.desk.lock().await;
        if desk.is_none() {
            *desk = Some(self.aside(|engine| engine.stored_desk().map_err(|error| reading(&error))).await?);
        }
        Ok(Held(desk))
    }

    fn stored_desk(&self) -> Result<Desk, StoreError> {
        let mark = self.store.get(&MARK.to_owned())?;
        let (outgoing, told) = (self.store.scan(&[])?, self.store.scan(&[])?);
        Ok(Desk::new(values(outgoing), values(told), self.store.scan(&[])?, mark))
    }
}

fn reading(error: &StoreError) -> ActError {
    ActError::storage("reading the notifications", error)
}

/// How loud the event of a target that does not take messages is.
const FAILING: Severity = Severity::Warning;
