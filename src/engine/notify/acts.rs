//! What a person does about notifications: a test, another try, throwing one away.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::engine::ActError;
use crate::engine::actor::Actor;
use crate::engine::events::with_events;
use crate::engine::inventory::entry;
use crate::engine::start::Engine;
use crate::model::{Event, EventKind, Severity, Timestamp, nearest};

use super::deliver::{deliver, deliver_over};
use super::message::test;
use super::settings::{NotifySettings, Smtp, Target};

/// How long a delivery that is under way may keep a person waiting.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a try came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// The message; `None` for a test.
    pub message: Option<u64>,
    /// To whom.
    pub target: String,
    /// Whether it took it.
    pub delivered: bool,
    /// What it said.
    pub answer: Option<String>,
    /// Why not.
    pub error: Option<String>,
}

impl Engine {
    /// Sends a test to a target now.
    ///
    /// # Errors
    /// When the file has a mistake, there is no such target, or the journal cannot be written.
    pub async fn notify_test(self: &Arc<Self>, by: &Actor, name: &str) -> Result<Tried, ActError> {
        let settings = self.good_settings()?;
        let target = named(&settings, name)?;
        let outcome = deliver(&target, &test(name, &by.name, self.now(), &TimeZone::system())).await;
        let now = self.now();
        let mut desk = self.desk().await?;
        let (severity, message) = match &outcome {
            Ok(_) => {
                desk.works(name, now);
                (Severity::Info, format!("{} sent a test to {name}: it came", by.name))
            }
            Err(failed) => {
                (Severity::Info, format!("{} sent a test to {name}: it failed: {}", by.name, failed.message))
            }
        };
        let events = vec![self.event(now, EventKind::Notification, severity, None, &message)];
        self.notifier.note(events[0].seq, name);
        let entry = with_events(desk.save(entry(now, by, "notify test")), &events);
        self.commit(entry, "storing a test").await?;
        desk.saved();
        drop(desk);
        self.show(events);
        Ok(Tried::new(None, name, outcome))
    }

    /// Tries one message now, or all that wait because they failed; a target after another, until one finds it
    /// unreachable.
    ///
    /// # Errors
    /// When the file has a mistake, there is no such message, or the journal cannot be written.
    pub async fn notify_retry(self: &Arc<Self>, by: &Actor, id: Option<u64>) -> Result<Vec<Tried>, ActError> {
        let settings = self.good_settings()?;
        let wanted = {
            let mut desk = self.desk().await?;
            let wanted: Vec<(u64, String)> = match id {
                Some(id) => {
                    let message = desk.message(id).ok_or_else(|| none(id))?;
                    named(&settings, &message.target)?;
                    vec![(id, message.target.clone())]
                }
                None => desk
                    .waiting()
                    .filter(|message| message.attempts > 0 && settings.target(&message.target).is_some())
                    .map(|message| (message.id, message.target.clone()))
                    .collect(),
            };
            let now = self.now();
            wanted.iter().for_each(|(id, _)| desk.hurry(*id, now));
            if !wanted.is_empty() {
                self.commit(desk.save(entry(now, by, "notify retry")), "storing another try").await?;
                desk.saved();
            }
            wanted
        };
        let mut tried: Vec<Tried> = Vec::new();
        let mut unreachable: Vec<String> = Vec::new();
        for (id, name) in wanted {
            let Some(target) = settings.target(&name).filter(|_| !unreachable.contains(&name)) else {
                continue;
            };
            if let Some((one, is_unreachable)) = self.try_now(id, target).await? {
                tried.push(one);
                unreachable.extend(is_unreachable.then_some(name));
            }
        }
        self.publish_now();
        Ok(tried)
    }

    /// Delivers a message in this very moment, after what is under way to its target.
    async fn try_now(self: &Arc<Self>, id: u64, target: &Target) -> Result<Option<(Tried, bool)>, ActError> {
        let lane = self.notifier.lane(&target.name);
        let _lane = tokio::time::timeout(PATIENCE, lane.lock()).await.map_err(|_| {
            ActError::conflict(format!("a delivery to {} is under way and does not end", target.name))
        })?;
        let composed = {
            let desk = self.desk().await?;
            self.compose(&desk, id)
        };
        // the worker was faster
        let Some((message, items)) = composed else { return Ok(None) };
        let outcome = deliver(target, &message).await;
        self.settle(id, items, target, &outcome).await;
        let unreachable = outcome.as_ref().is_err_and(|failed| failed.unreachable);
        Ok(Some((Tried::new(Some(id), &target.name, outcome), unreachable)))
    }

    /// Throws a message away. Who does not get it hears nothing of the trouble's end either.
    ///
    /// # Errors
    /// When there is no such message, or the journal cannot be written.
    pub async fn notify_drop(self: &Arc<Self>, by: &Actor, id: u64) -> Result<String, ActError> {
        let mut desk = self.desk().await?;
        let target = desk.message(id).ok_or_else(|| none(id))?.target.clone();
        let now = self.now();
        let message = format!("notification {id} to {target} was thrown away by {}", by.name);
        let events = vec![self.event(now, EventKind::Notification, Severity::Info, None, &message)];
        desk.drop_message(id);
        let entry = with_events(desk.save(entry(now, by, "notify drop")), &events);
        if let Err(error) = self.commit(entry, "throwing a notification away").await {
            // as it was: the store is asked again
            *desk.0 = None;
            return Err(error);
        }
        desk.saved();
        drop(desk);
        self.show(events);
        Ok(target)
    }

    fn good_settings(&self) -> Result<NotifySettings, ActError> {
        self.notify_settings().map_err(|error| ActError::usage(error.to_string()))
    }

    fn show(&self, events: Vec<Event>) {
        self.tell(events);
        self.notifier.bell.notify_one();
        self.publish_now();
    }
}

impl Tried {
    fn new(message: Option<u64>, target: &str, outcome: Result<String, super::desk::Failed>) -> Self {
        let (answer, error) = match outcome {
            Ok(answer) => (Some(answer.trim_end().to_owned()), None),
            Err(failed) => (None, Some(failed.message)),
        };
        Self { message, target: target.to_owned(), delivered: error.is_none(), answer, error }
    }
}

fn named(settings: &NotifySettings, name: &str) -> Result<Arc<Target>, ActError> {
    settings.target(name).cloned().ok_or_else(|| {
        let names = settings.targets.iter().map(|target| target.name.as_str());
        let hint = match nearest(name, names) {
            Some(near) => format!("did you mean {near}?"),
            None => "`notify list` shows those there are".to_owned(),
        };
        ActError::not_found(format!("there is no target {name:?} in {}; {hint}", super::settings::FILE))
    })
}

fn none(id: u64) -> ActError {
    ActError::not_found(format!("no notification {id} waits; `notify list` shows those that do"))
}

/// Sends a test over a connection to a mail server that is there already, in the clear; what the server said. Needs a
/// runtime with a clock.
///
/// # Errors
/// The sentence says why the server did not take it.
pub async fn test_mail_over(
    connection: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    smtp: &Smtp,
) -> Result<String, String> {
    let message = test("mail", "nobody", Timestamp(0), &TimeZone::UTC);
    deliver_over(Box::new(connection), smtp, &message).await.map_err(|failed| failed.message)
}
