//! What waits to be told, in memory: filled by events, emptied by deliveries. The store has the same; what differs is
//! noted, and goes there with the next entry.
//!
//! Nothing here has a clock or does I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::{Event, Severity, Timestamp};
use crate::store::{Entry, Setting};

use super::records::{Health, Item, Outgoing, Part, Told, key, topic};
use super::settings::Rule;

/// The most events that one message keeps; the others are counted.
const MOST_ITEMS: usize = 200;
/// The most messages that wait for one target.
const MOST_WAITING: usize = 200;
/// How long a message is tried.
const TRIED_FOR: Duration = Duration::from_secs(86_400);
/// No message waits longer than quiet hours last: one that would is due, for the clock was set back.
const LONGEST_WAIT: Duration = Duration::from_secs(25 * 3600);
/// Where it is kept which event was looked at last and which number the next message gets.
pub const MARK: &str = "notify/mark";

/// See the file's head.
#[derive(Debug)]
pub struct Desk {
    outgoing: BTreeMap<u64, Outgoing>,
    told: BTreeMap<String, Told>,
    health: BTreeMap<String, Health>,
    /// Up to this number every event was looked at; `None` before the first.
    seen: Option<u64>,
    /// Later ones that were too: some are stored before others that got their number earlier.
    ahead: BTreeSet<u64>,
    next_id: u64,
    unsaved: Unsaved,
}

/// What the store does not have yet.
#[derive(Debug, Default)]
struct Unsaved {
    outgoing: BTreeSet<u64>,
    told: BTreeSet<String>,
    health: BTreeSet<String>,
}

/// What a failed delivery came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The sentence.
    pub message: String,
    /// Whether the target itself cannot be reached, so that nothing else need be tried there for a while.
    pub unreachable: bool,
    /// How long the target wants to be left alone.
    pub retry_after: Option<Duration>,
}

/// What became of a delivery, where somebody should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing new.
    None,
    /// The first failure after a success.
    Failing,
    /// The first success after a failure.
    Works,
    /// The message was given up.
    GivenUp,
}

impl Default for Desk {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new(), Vec::new(), None)
    }
}

impl Desk {
    /// What the store holds.
    pub fn new(
        outgoing: Vec<Outgoing>,
        told: Vec<Told>,
        health: Vec<(String, Health)>,
        mark: Option<Setting>,
    ) -> Self {
        let mark = mark.map(|mark| mark.0).unwrap_or_default();
        let mut numbers = mark.split(' ').filter_map(|number| number.parse::<u64>().ok());
        let (seen, next_id) = (numbers.next(), numbers.next().unwrap_or(1));
        let ahead = numbers.collect();
        Self {
            outgoing: outgoing.into_iter().map(|message| (message.id, message)).collect(),
            told: told.into_iter().map(|told| (told.key(), told)).collect(),
            health: health.into_iter().collect(),
            seen,
            ahead,
            next_id,
            unsaved: Unsaved::default(),
        }
    }

    // ---- what is there

    /// Everything that waits, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &Outgoing> {
        self.outgoing.values()
    }

    /// The message of that number.
    pub fn message(&self, id: u64) -> Option<&Outgoing> {
        self.outgoing.get(&id)
    }

    /// Whether a target knows of a trouble.
    pub fn told(&self, topic: &str, target: &str) -> Option<&Told> {
        self.told.get(&key(topic, target))
    }

    /// Everything that targets know of.
    pub fn all_told(&self) -> impl Iterator<Item = &Told> {
        self.told.values()
    }

    /// How a target fares.
    pub fn health(&self, target: &str) -> Health {
        self.health.get(target).cloned().unwrap_or_default()
    }

    /// The number up to which every event was looked at; `None` before the first.
    pub fn seen(&self) -> Option<u64> {
        self.seen
    }

    /// Begins behind this number; what was seen behind it counts no more.
    pub fn begin_after(&mut self, seq: u64) {
        self.seen = Some(seq);
        self.ahead.retain(|ahead| *ahead < seq);
    }

    /// An event is looked at: whether that is its first time.
    pub fn see(&mut self, seq: u64) -> bool {
        let seen = self.seen.get_or_insert(0);
        if seq <= *seen || !self.ahead.insert(seq) {
            return false;
        }
        while self.ahead.remove(&(*seen + 1)) {
            *seen += 1;
        }
        true
    }

    /// No event up to this number comes any more.
    pub fn close_gaps(&mut self, seq: u64) {
        let seen = self.seen.get_or_insert(0);
        *seen = (*seen).max(seq);
        self.ahead = self.ahead.split_off(&seq.saturating_add(1));
        while self.ahead.remove(&(*seen + 1)) {
            *seen += 1;
        }
    }

    /// The messages of a target that are to be sent now, oldest first.
    pub fn due(&self, target: &str, now: Timestamp) -> Vec<u64> {
        if self
            .health
            .get(target)
            .and_then(|health| health.not_before)
            .is_some_and(|then| lies_ahead(then, now))
        {
            return Vec::new();
        }
        let due = |message: &&Outgoing| {
            message.target == target && !message.given_up && !lies_ahead(message.due, now)
        };
        self.outgoing.values().filter(due).map(|message| message.id).collect()
    }

    /// When something is due next, deliveries and reminders.
    pub fn next_due(&self) -> Option<Timestamp> {
        let messages = self.outgoing.values().filter(|message| !message.given_up).map(|message| {
            let health = self.health.get(&message.target).and_then(|health| health.not_before);
            health.map_or(message.due, |then| then.max(message.due))
        });
        messages.chain(self.told.values().filter_map(|told| told.next_reminder)).min()
    }

    // ---- what comes

    /// Puts an event into the message to a target that is open for it, or a new one. Its number.
    pub fn put(
        &mut self,
        target: &str,
        rule: (u32, &Rule),
        item: Item,
        held_until: Option<Timestamp>,
        now: Timestamp,
    ) -> u64 {
        let (number, rule) = rule;
        let failing = self.health.get(target).is_some_and(|health| health.failing_since.is_some());
        let is_open = |message: &&Outgoing| {
            message.target == target
                && message.rule == number
                && message.held == held_until.is_some()
                && message.attempts == 0
                && !message.given_up
                && (failing || lies_ahead(message.due, now))
        };
        let mine = |message: &&Outgoing| message.target == target;
        let full = self.outgoing.values().filter(mine).count() >= MOST_WAITING;
        let open = self.outgoing.values().rfind(is_open);
        let open =
            open.or_else(|| self.outgoing.values().rfind(mine).filter(|_| full)).map(|message| message.id);
        match open {
            Some(id) => self.append(id, item),
            None => {
                let due = held_until.unwrap_or_else(|| now.after(rule.group_for));
                let message = Outgoing {
                    id: self.next_id,
                    target: target.to_owned(),
                    rule: number,
                    created: now,
                    due,
                    wanted: due,
                    held: held_until.is_some(),
                    severity: item.event.severity,
                    items: vec![item],
                    more: 0,
                    attempts: 0,
                    error: None,
                    given_up: false,
                };
                self.next_id += 1;
                self.unsaved.outgoing.insert(message.id);
                let id = message.id;
                self.outgoing.insert(id, message);
                id
            }
        }
    }

    /// Puts an event behind those of a message, whatever its state. Its number.
    pub fn append(&mut self, id: u64, item: Item) -> u64 {
        if let Some(message) = self.outgoing.get_mut(&id) {
            message.severity = message.severity.max(item.event.severity);
            if message.items.len() < MOST_ITEMS {
                message.items.push(item);
            } else {
                message.more += 1;
            }
            self.unsaved.outgoing.insert(id);
        }
        id
    }

    /// A message that was given up is tried again: what it tells has moved on.
    pub fn revive(&mut self, id: u64, now: Timestamp) {
        if let Some(message) = self.outgoing.get_mut(&id).filter(|message| message.given_up) {
            (message.given_up, message.due) = (false, now);
            self.unsaved.outgoing.insert(id);
        }
    }

    /// A target is being told of a trouble, in this message.
    pub fn tell(&mut self, topic: &str, target: &str, rule: (u32, &Rule), severity: Severity, message: u64) {
        let told = Told {
            topic: topic.to_owned(),
            target: target.to_owned(),
            rule: rule.0,
            waits_in: Some(message),
            severity,
            reminders: 0,
            next_reminder: None,
            remind: rule.1.remind,
        };
        self.unsaved.told.insert(told.key());
        self.told.insert(told.key(), told);
    }

    /// A trouble is over: nobody is reminded, and nobody hears more of it.
    pub fn forget(&mut self, topic: &str) {
        let keys: Vec<String> =
            self.told.values().filter(|told| told.topic == topic).map(Told::key).collect();
        for key in keys {
            self.told.remove(&key);
            self.unsaved.told.insert(key);
        }
    }

    /// The reminders that are due.
    pub fn reminders(&self, now: Timestamp) -> Vec<Told> {
        let due = |told: &&Told| told.next_reminder.is_some_and(|then| !lies_ahead(then, now));
        self.told.values().filter(due).cloned().collect()
    }

    /// A reminder was written, or it is not its time: when the next one is due.
    pub fn remind_again(&mut self, told: &Told, written: bool, next: Timestamp) {
        if let Some(told) = self.told.get_mut(&told.key()) {
            told.reminders += u32::from(written);
            told.next_reminder = Some(next);
            self.unsaved.told.insert(told.key());
        }
    }

    // ---- what goes

    /// A message was delivered with its first `items` events; what came meanwhile stays, as a message of its own.
    pub fn delivered(&mut self, id: u64, items: usize, now: Timestamp) -> Turn {
        let Some(message) = self.outgoing.get_mut(&id) else { return Turn::None };
        let target = message.target.clone();
        message.items.drain(..items.min(message.items.len()));
        let begun = message.items.iter().filter_map(|item| topic(&item.event));
        let still: Vec<String> =
            begun.filter(|(_, part)| *part == Part::Begin).map(|(topic, _)| topic).collect();
        if message.items.is_empty() {
            self.outgoing.remove(&id);
        } else {
            (message.attempts, message.error, message.more) = (0, None, 0);
            (message.due, message.wanted) = (now, now);
        }
        self.unsaved.outgoing.insert(id);
        let waited = |told: &&mut Told| told.waits_in == Some(id) && !still.contains(&told.topic);
        for told in self.told.values_mut().filter(waited) {
            told.waits_in = None;
            told.next_reminder = told.remind.map(|after| now.after(after));
            self.unsaved.told.insert(told.key());
        }
        self.works(&target, now)
    }

    /// A target takes messages: what waited for that is due.
    pub fn works(&mut self, target: &str, now: Timestamp) -> Turn {
        let health = self.health.entry(target.to_owned()).or_default();
        self.unsaved.health.insert(target.to_owned());
        health.last_success = Some(now);
        health.not_before = None;
        let turned = health.failing_since.take().is_some();
        if !turned {
            return Turn::None;
        }
        let waits = |message: &&mut Outgoing| message.target == target && !message.given_up && !message.held;
        for message in self.outgoing.values_mut().filter(waits) {
            message.due = message.due.min(now);
            self.unsaved.outgoing.insert(message.id);
        }
        Turn::Works
    }

    /// A delivery failed: when it is tried again, or that it is not.
    pub fn failed(&mut self, id: u64, failed: &Failed, now: Timestamp) -> Turn {
        let Some(message) = self.outgoing.get_mut(&id) else { return Turn::None };
        self.unsaved.outgoing.insert(id);
        message.attempts = message.attempts.saturating_add(1);
        message.error = Some(failed.message.clone());
        message.due = now.after(wait(message.attempts).max(failed.retry_after.unwrap_or_default()));
        message.given_up = message.wanted.age(now) >= TRIED_FOR;
        let (due, given_up, target) = (message.due, message.given_up, message.target.clone());
        let turn = self.fails(&target, failed, failed.unreachable.then_some(due), now);
        if given_up { Turn::GivenUp } else { turn }
    }

    /// A target did not take a message; before `not_before` nothing else is tried there.
    pub fn fails(
        &mut self,
        target: &str,
        failed: &Failed,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Turn {
        let health = self.health.entry(target.to_owned()).or_default();
        self.unsaved.health.insert(target.to_owned());
        health.last_failure = Some(now);
        health.error = Some(failed.message.clone());
        health.not_before = not_before.or(health.not_before);
        if health.failing_since.is_some() {
            return Turn::None;
        }
        health.failing_since = Some(now);
        Turn::Failing
    }

    /// A message is to be tried now, whatever was said about it.
    pub fn hurry(&mut self, id: u64, now: Timestamp) {
        if let Some(message) = self.outgoing.get_mut(&id) {
            (message.given_up, message.due, message.held) = (false, now, false);
            self.unsaved.outgoing.insert(id);
            if let Some(health) = self.health.get_mut(&message.target) {
                health.not_before = None;
                self.unsaved.health.insert(message.target.clone());
            }
        }
    }

    /// A message is thrown away, and with it the knowledge that it would have brought.
    pub fn drop_message(&mut self, id: u64) {
        self.outgoing.remove(&id);
        self.unsaved.outgoing.insert(id);
        let keys: Vec<String> =
            self.told.values().filter(|told| told.waits_in == Some(id)).map(Told::key).collect();
        for key in keys {
            self.told.remove(&key);
            self.unsaved.told.insert(key);
        }
    }

    // ---- what the store gets

    /// Whether the store lacks something.
    pub fn is_unsaved(&self) -> bool {
        let Unsaved { outgoing, told, health } = &self.unsaved;
        !(outgoing.is_empty() && told.is_empty() && health.is_empty())
    }

    /// Adds to an entry what the store lacks.
    pub fn save(&self, mut entry: Entry) -> Entry {
        for id in &self.unsaved.outgoing {
            match self.outgoing.get(id) {
                Some(message) => entry.add(id, message),
                None => entry.remove::<Outgoing>(id),
            }
        }
        for key in &self.unsaved.told {
            match self.told.get(key) {
                Some(told) => entry.add(key, told),
                None => entry.remove::<Told>(key),
            }
        }
        for target in &self.unsaved.health {
            if let Some(health) = self.health.get(target) {
                entry.add(target, health);
            }
        }
        entry.put(&MARK.to_owned(), &self.mark())
    }

    /// Which events were looked at, and which number comes next.
    pub fn mark(&self) -> Setting {
        let ahead: String = self.ahead.iter().map(|seq| format!(" {seq}")).collect();
        Setting(format!("{} {}{ahead}", self.seen.unwrap_or(0), self.next_id))
    }

    /// The store has it.
    pub fn saved(&mut self) {
        self.unsaved = Unsaved::default();
    }
}

impl Item {
    /// An event.
    pub fn new(event: &Event) -> Self {
        Self { event: event.clone(), reminder: 0 }
    }
}

/// Whether `then` is still ahead. A moment that lies too far ahead is not: the clock was set back since it was told.
fn lies_ahead(then: Timestamp, now: Timestamp) -> bool {
    then > now && then <= now.after(LONGEST_WAIT)
}

/// The wait after so many failed tries.
fn wait(attempts: u32) -> Duration {
    Duration::from_secs(match attempts {
        0 | 1 => 10,
        2 => 60,
        3 => 300,
        4 => 900,
        _ => 1800,
    })
}
