//! Everything about notifications at one look: for `notify list` and the pane.

use std::sync::Arc;

use serde::Serialize;

use crate::engine::ActError;
use crate::engine::figures::Waiting;
use crate::engine::start::Engine;
use crate::model::{EventKind, Severity, Timestamp};

use super::records::{Health, Outgoing};
use super::settings::{FILE, NotifySettings, Rule, Target};

/// See the file's head.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// The file, as an operator would name it.
    pub file: String,
    /// Its first mistake. The engine goes on with what it read before.
    pub problem: Option<String>,
    /// The targets, in the file's order.
    pub targets: Vec<TargetView>,
    /// The rules, in the file's order.
    pub rules: Vec<RuleView>,
    /// What is not delivered yet, oldest first.
    pub waiting: Vec<WaitingView>,
}

/// Whether a target takes messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing was ever sent there.
    Untried,
    /// It took the last message.
    Good,
    /// It did not.
    Failing,
}

/// A target and how it fares.
#[derive(Clone, Debug)]
pub struct TargetView {
    /// Its name.
    pub name: String,
    /// `webhook`, `telegram`, `smtp`, `command`.
    pub kind: &'static str,
    /// Where it is, without secrets.
    pub place: String,
    /// Whether it takes messages.
    pub state: State,
    /// When it took one last.
    pub last_success: Option<Timestamp>,
    /// When it did not, last.
    pub last_failure: Option<Timestamp>,
    /// Why it did not, last.
    pub error: Option<String>,
    /// How many messages wait for it.
    pub waiting: usize,
}

/// A rule, in the words of the file.
#[derive(Clone, Debug)]
pub struct RuleView {
    /// Its number, counting from 1.
    pub number: usize,
    /// Its kinds of events; empty is every kind.
    pub on: Vec<EventKind>,
    /// The least severity.
    pub severity: Severity,
    /// The devices; empty is all: `group core`, `core-1 core-2`, `filter role:access`.
    pub devices: String,
    /// Targets.
    pub to: Vec<String>,
    /// Quiet hours and what breaks them; empty where there are none.
    pub quiet: String,
    /// Over how many seconds events become one message.
    pub group_for: u64,
    /// After how many seconds it is reminded.
    pub remind: Option<u64>,
}

/// A message that waits.
#[derive(Clone, Debug)]
pub struct WaitingView {
    /// Its number.
    pub id: u64,
    /// To whom.
    pub target: String,
    /// When its first event came.
    pub created: Timestamp,
    /// When it is tried next; `None` where it was given up, or its target is not in the file any more.
    pub due: Option<Timestamp>,
    /// Whether quiet hours hold it back.
    pub held: bool,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last try failed.
    pub error: Option<String>,
    /// Whether it was given up.
    pub given_up: bool,
    /// How many events it tells.
    pub events: usize,
    /// The loudest of them.
    pub severity: Severity,
    /// Its subject, as it would be sent now.
    pub subject: String,
}

impl Engine {
    /// Everything about notifications, as the file says and the store knows.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn notifications(self: &Arc<Self>) -> Result<Overview, ActError> {
        let file = self.options.config_dir.join(FILE).display().to_string();
        let (settings, problem) = match self.notify_settings() {
            Ok(settings) => (settings, None),
            Err(error) => (NotifySettings::default(), Some(error.to_string())),
        };
        let desk = self.desk().await?;
        let waiting = desk.waiting().map(|message| {
            let subject = self.compose(&desk, message.id).map(|(message, _)| message.subject);
            waiting(message, subject.unwrap_or_default(), &settings, desk.health(&message.target).not_before)
        });
        let waiting: Vec<WaitingView> = waiting.collect();
        let targets = settings.targets.iter().map(|target| {
            let count = waiting.iter().filter(|message| message.target == target.name).count();
            view(target, desk.health(&target.name), count)
        });
        let targets = targets.collect();
        let rules = (1..).zip(&settings.rules).map(|(number, rule)| rule_view(number, rule)).collect();
        Ok(Overview { file, problem, targets, rules, waiting })
    }

    /// How many wait and why; `None` where nobody has looked into the store for them yet.
    pub(in crate::engine) async fn notifications_waiting(&self) -> Option<Waiting> {
        let desk = self.notifier.desk.lock().await;
        let mut waiting = Waiting::default();
        for message in desk.as_ref()?.waiting() {
            let count = match message {
                Outgoing { given_up: true, .. } => &mut waiting.given_up,
                Outgoing { held: true, .. } => &mut waiting.held,
                Outgoing { attempts: 1.., .. } => &mut waiting.retrying,
                _ => &mut waiting.new,
            };
            *count += 1;
        }
        Some(waiting)
    }
}

fn view(target: &Target, health: Health, waiting: usize) -> TargetView {
    let state = match (health.failing_since, health.last_success) {
        (Some(_), _) => State::Failing,
        (None, Some(_)) => State::Good,
        (None, None) => State::Untried,
    };
    TargetView {
        name: target.name.clone(),
        kind: target.kind(),
        place: target.place(),
        state,
        last_success: health.last_success,
        last_failure: health.last_failure,
        error: health.error,
        waiting,
    }
}

fn rule_view(number: usize, rule: &Rule) -> RuleView {
    let mut devices = rule.devices.names.clone();
    devices.extend(rule.devices.group.iter().map(|group| format!("group {group}")));
    if !rule.devices.filter.is_empty() {
        devices.push(format!("filter {}", rule.devices.filter));
    }
    let except = rule.quiet_except.map(|severity| match severity {
        Severity::Info => " but info",
        Severity::Warning => " but warning",
        Severity::Error => " but error",
    });
    RuleView {
        number,
        on: rule.on.clone(),
        severity: rule.severity,
        devices: devices.join(", "),
        to: rule.to.clone(),
        quiet: rule.quiet.map(|quiet| format!("{quiet}{}", except.unwrap_or_default())).unwrap_or_default(),
        group_for: rule.group_for.as_secs(),
        remind: rule.remind.map(|after| after.as_secs()),
    }
}

fn waiting(
    message: &Outgoing,
    subject: String,
    settings: &NotifySettings,
    not_before: Option<Timestamp>,
) -> WaitingView {
    let known = settings.target(&message.target).is_some();
    let due = not_before.map_or(message.due, |then| then.max(message.due));
    let lost = "its target is not in the file any more: `notify drop` throws it away";
    WaitingView {
        id: message.id,
        target: message.target.clone(),
        created: message.created,
        due: (known && !message.given_up).then_some(due),
        held: message.held,
        attempts: message.attempts,
        error: if known { message.error.clone() } else { Some(lost.to_owned()) },
        given_up: message.given_up,
        events: message.items.len() + message.more as usize,
        severity: message.severity,
        subject,
    }
}
