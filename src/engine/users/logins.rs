//! The log of logins: who came in by which way, who was refused and why.
//!
//! Each is an entry of the journal, so that the audit has it and nothing of it can go unseen; what is listed are the newest
//! [`KEPT`]. Whoever is refused again and again fills no disk: see [`MOST_REFUSALS`]. While there is no user, nobody logs in:
//! the account that owns the folder works with its own files.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::admit::{Caller, Person, Refused};
use crate::engine::actor::Actor;
use crate::engine::inventory::entry;
use crate::engine::start::{Engine, lock};
use crate::model::{Login, Timestamp, clean_line};

/// The most logins that are listed.
const KEPT: usize = 10_000;
/// The most refusals of one account that are written down within [`WINDOW`].
const MOST_REFUSALS: u32 = 10;
/// See [`MOST_REFUSALS`].
const WINDOW: Duration = Duration::from_secs(60);
/// The most accounts whose refusals are counted.
const MOST_COUNTED: usize = 1_000;

/// The newest logins, and how often whom was refused of late.
#[derive(Default)]
pub(super) struct Logins {
    /// Newest first.
    newest: VecDeque<Login>,
    next: u64,
    refusals: HashMap<u32, Refusals>,
}

struct Refusals {
    since: Timestamp,
    written: u32,
    left_out: u32,
}

impl Logins {
    /// From the store, the newest first.
    pub fn load(newest: impl Iterator<Item = Login>) -> Self {
        let newest: VecDeque<Login> = newest.take(KEPT).collect();
        Self { next: newest.front().map_or(1, |login| login.seq + 1), newest, refusals: HashMap::new() }
    }

    /// The last time that each user was let in.
    pub fn last_of_each(&self) -> HashMap<String, Login> {
        let mut last = HashMap::new();
        for login in self.newest.iter().filter(|login| login.refused.is_none()) {
            if let Some(user) = &login.user {
                last.entry(user.clone()).or_insert_with(|| login.clone());
            }
        }
        last
    }

    /// Whether another refusal of this account is written down: then how many before it were not.
    fn count_refusal(&mut self, uid: u32, now: Timestamp) -> Option<u32> {
        if self.refusals.len() >= MOST_COUNTED {
            self.refusals.retain(|_, counted| counted.since.age(now) < WINDOW);
        }
        let fresh = Refusals { since: now, written: 0, left_out: 0 };
        let counted = self.refusals.entry(uid).or_insert(fresh);
        if counted.since.age(now) >= WINDOW {
            (counted.since, counted.written) = (now, 0);
        }
        if counted.written >= MOST_REFUSALS {
            counted.left_out = counted.left_out.saturating_add(1);
            return None;
        }
        counted.written += 1;
        Some(std::mem::take(&mut counted.left_out))
    }
}

impl Engine {
    /// Lets somebody in or not, as [`Engine::admit`], and writes it down.
    ///
    /// # Errors
    /// As [`Engine::admit`]. A store that does not take the entry refuses nobody: whatever they change it refuses itself,
    /// and reading must go on.
    pub async fn log_in(&self, caller: &Caller) -> Result<Person, Refused> {
        let admitted = self.admit(caller);
        if self.has_users() {
            self.record_login(caller, &admitted).await;
        }
        admitted
    }

    /// Writes down that a caller was let in or refused.
    pub async fn record_login(&self, caller: &Caller, admitted: &Result<Person, Refused>) {
        let now = self.now();
        let login = {
            let mut logins = lock(&self.book.logins);
            let left_out = match admitted {
                Ok(_) => 0,
                Err(_) => match logins.count_refusal(caller.uid, now) {
                    Some(left_out) => left_out,
                    None => return,
                },
            };
            let seq = logins.next;
            logins.next += 1;
            Login { left_out, ..login_of(seq, now, caller, admitted) }
        };
        let who = login.user.clone().unwrap_or_else(|| caller.account());
        let verb = if login.refused.is_some() { "login refused" } else { "login" };
        let why = login.refused.clone().unwrap_or_default();
        let by = Actor::new(&who, &why, verb).at(&caller.from.to_string());
        let mut changes = entry(now, &by, verb).put(&login.seq, &login);
        if let Some(oldest) = login.seq.checked_sub(KEPT as u64).filter(|seq| *seq > 0) {
            changes.remove::<Login>(&oldest);
        }
        // a store that is full says so itself, and loudly
        let _ = self.commit(changes, "writing down a login").await;
        let mut logins = lock(&self.book.logins);
        logins.newest.push_front(login);
        logins.newest.truncate(KEPT);
    }

    /// The newest logins, newest first.
    pub fn logins(&self) -> Vec<Login> {
        lock(&self.book.logins).newest.iter().cloned().collect()
    }
}

fn login_of(seq: u64, at: Timestamp, caller: &Caller, admitted: &Result<Person, Refused>) -> Login {
    let hint = |text: &Option<String>| {
        text.as_deref().map(|text| clean_line(text).chars().take(100).collect::<String>())
    };
    let is_user = |person: &&Person| person.user.is_some();
    Login {
        seq,
        at,
        uid: caller.uid,
        account: caller.login.as_ref().map(|_| caller.account()),
        asked_as: hint(&caller.asks_as),
        user: admitted.as_ref().ok().filter(is_user).map(|person| person.name.clone()),
        method: caller.method(),
        ssh: hint(&caller.from.ssh),
        tty: hint(&caller.from.tty),
        pid: caller.from.pid,
        refused: admitted.as_ref().err().map(|refused| refused.0.clone()),
        left_out: 0,
    }
}
