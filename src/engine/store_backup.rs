//! Copies of the store: one a day by itself, and one when a person asks.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::model::{EventKind, Severity, Timestamp};
use crate::store::backup::{self, Copied, Shelf};

use super::actor::Actor;
use super::doctor::Finding;
use super::error::ActError;
use super::events::with_events;
use super::inventory::entry;
use super::schedule::Daily;
use super::start::{Engine, lock};

/// How often the clock is looked at. Short, because a sleeping host wakes up late.
const LOOK: Duration = Duration::from_secs(20);
/// After a copy failed, the next one is tried so much later.
const AGAIN: Duration = Duration::from_secs(3600);
/// A store that is copied every day, and was not for so long, is one to look at.
const LATE: Duration = Duration::from_secs(2 * 86_400);

/// What the engine remembers of its copies.
#[derive(Default)]
pub(super) struct Copies {
    /// Held while a copy is made: no body is taken away then.
    pub going_on: tokio::sync::Mutex<()>,
    pub trouble: Mutex<Option<(Timestamp, String)>>,
    /// When the store was made: its first entry.
    made: OnceLock<Timestamp>,
}

/// The worker: copies the store once a day. Runs until the engine is let go.
pub(super) async fn work(engine: Weak<Engine>) {
    loop {
        let Some(alive) = engine.upgrade() else { return };
        if alive.is_copy_due() {
            alive.copy_by_itself().await;
        }
        // an engine that nobody holds any more must not be held by this wait
        drop(alive);
        tokio::time::sleep(LOOK).await;
    }
}

impl Engine {
    /// Copies the store: into the new folder `to`, else onto the shelf of the settings.
    ///
    /// # Errors
    /// When the folder exists, its file system lets others read it or has no room, or the disk refuses it.
    pub async fn copy_store(self: &Arc<Self>, by: &Actor, to: Option<PathBuf>) -> Result<Copied, ActError> {
        let _going_on = self.copies.going_on.lock().await;
        let shelf = self.shelf();
        let now = self.now();
        let copied = self
            .aside(move |engine| {
                // what was heard in the last minute belongs to it
                if let Some(series) = lock(&engine.series).clone() {
                    series.flush();
                }
                match &to {
                    Some(to) => backup::backup(&engine.store, to, now),
                    None => backup::backup_onto(&engine.store, &shelf, now),
                }
                .map_err(|error| ActError::storage("copying the store", error))
            })
            .await?;
        let mut message =
            format!("the store was copied to {} up to entry {}", copied.folder.display(), copied.entries);
        let severity = if copied.damage.is_empty() { Severity::Info } else { Severity::Warning };
        if let Some(damage) = copied.damage.first() {
            message += &format!("; {damage}");
        }
        let now = self.now();
        let events = vec![self.event(now, EventKind::System, severity, None, &message)];
        // the copy is whole; a store that takes no entry says so by itself
        let _ = self
            .commit(with_events(entry(now, by, "store backup"), &events), "storing that it was copied")
            .await;
        self.tell(events);
        self.publish_now();
        Ok(copied)
    }

    /// Where the store's copies are kept.
    pub fn shelf(&self) -> Shelf {
        let usual = || self.data_dir().join(backup::FOLDER);
        let folder = self.settings().store.backup_to.clone().unwrap_or_else(usual);
        Shelf::new(folder, self.store.id())
    }

    async fn copy_by_itself(self: &Arc<Self>) {
        let by = Actor::schedule("the daily copy of the store", "store backup");
        let (shelf, keep) = (self.shelf(), self.settings().store.backup_keep);
        let copied = match self.copy_store(&by, None).await {
            Ok(_) => self
                .aside(move |_| {
                    shelf.prune(keep).map_err(|error| ActError::storage("removing old copies", error))
                })
                .await
                .map(drop),
            Err(error) => Err(error),
        };
        let trouble = copied.err().map(|error| (self.now(), error.message));
        let before = std::mem::replace(&mut *lock(&self.copies.trouble), trouble.clone());
        // said once, not every hour
        if let Some((at, why)) = trouble.filter(|(_, why)| before.is_none_or(|(_, before)| before != *why)) {
            let message = format!("the store could not be copied: {why}");
            let event = self.event(at, EventKind::System, Severity::Error, None, &message);
            self.tell(vec![event]);
        }
    }

    fn is_copy_due(&self) -> bool {
        let Some(at) = self.settings().store.backup_at else { return false };
        let now = self.now();
        let failed = lock(&self.copies.trouble).as_ref().map(|(at, _)| *at);
        if failed.is_some_and(|at| at.age(now) < AGAIN && at <= now) {
            return false;
        }
        let daily = Daily { at, jitter: Duration::ZERO, zone: TimeZone::system() };
        // a store that was never copied is as good as copied when it was made: empty
        let last = self.last_copy().or_else(|| self.store_made());
        match (daily.round_before(now), last) {
            (Some(round), Some(last)) => last < round,
            _ => false,
        }
    }

    fn store_made(&self) -> Option<Timestamp> {
        if let Some(at) = self.copies.made.get() {
            return Some(*at);
        }
        let first = self.store.journal(1).ok()?.next()?.ok()?.ok()?;
        Some(*self.copies.made.get_or_init(|| first.at))
    }

    pub(super) fn last_copy(&self) -> Option<Timestamp> {
        self.shelf().kept().ok()?.last().map(|kept| kept.at)
    }

    /// Whether the store is copied, and the newest copy is new enough.
    pub(super) fn look_at_copies(&self) -> Finding {
        let topic = "copies";
        let advice = "make room, or name another folder in [store] backup_to; `store backup` tries it now";
        if let Some((_, why)) = &*lock(&self.copies.trouble) {
            return Finding::bad(
                topic,
                Severity::Error,
                format!("the store could not be copied: {why}"),
                advice,
            );
        }
        let place = self.shelf().folder().display().to_string();
        let kept = match self.shelf().kept() {
            Ok(kept) => kept,
            Err(error) => return Finding::bad(topic, Severity::Error, error.to_string(), advice),
        };
        let off = self.settings().store.backup_at.is_none();
        match kept.last() {
            None if off => Finding::good(topic, "the store is not copied by itself: the settings say so"),
            None => {
                Finding::good(topic, format!("the store has no copy in {place} yet: one is made every day"))
            }
            Some(newest) if !off && newest.at.age(self.now()) > LATE => {
                let message = format!("the newest copy of the store is of {}", newest.at.local());
                Finding::bad(
                    topic,
                    Severity::Warning,
                    message,
                    "copies are made while a console is open or noctule serves",
                )
            }
            Some(newest) => {
                let message = format!(
                    "{} copies of the store in {place}, the newest of {}",
                    kept.len(),
                    newest.at.local()
                );
                Finding::good(topic, message)
            }
        }
    }
}
