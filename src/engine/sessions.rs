//! Who is in: every operator's session, by number; how many there may be, and how they are ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::actor::Actor;
use super::audit::AuditNote;
use super::error::ActError;
use super::start::Engine;
use super::strangers::Strangers;
use super::users::Person;
use super::watching::{Picture, Pictures};
use crate::model::{Timestamp, clean_line};

/// The longest text in the list of sessions, in characters.
const LONGEST: usize = 200;
/// The most sessions of one account.
const MOST_OF_ONE: usize = 100;
/// The most sessions in all.
const MOST: usize = 250;

/// One session, for those who want to know who is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    /// Its number.
    pub number: u64,
    /// The person.
    pub person: String,
    /// What they may do where, in words.
    pub rights: String,
    /// Where they sit: `pts/3 ssh 192.0.2.7`, a hint; empty where that is not known.
    pub from: String,
    /// Their account.
    pub uid: u32,
    /// Their process.
    pub pid: Option<i32>,
    /// `console`, `wallboard`, or the command line.
    pub line: String,
    /// Since when.
    pub since: Timestamp,
    /// Columns and rows of a full screen; `None` for a command.
    pub size: Option<(u16, u16)>,
    /// When its person last pressed a key; for a command, when it began.
    pub active: Timestamp,
    /// What is in front: a pane's name, or the command line.
    pub doing: String,
}

impl Roster {
    /// A session that begins, of a number that it gets with its seat. `line` is clean.
    pub fn new(person: &Person, uid: u32, pid: Option<i32>, line: &str, since: Timestamp) -> Self {
        let short = |text: &str| clean_line(text).chars().take(LONGEST).collect::<String>();
        let from = person.caller.as_ref().map(|caller| caller.from.to_string()).unwrap_or_default();
        Self {
            number: 0,
            person: short(&person.name),
            rights: short(&person.rights.to_string()),
            from: short(&from),
            uid,
            pid,
            line: short(line),
            since,
            size: None,
            active: since,
            doing: short(line),
        }
    }

    /// The same, with a full screen of so many columns and rows.
    #[must_use]
    pub fn on(self, size: Option<(u16, u16)>) -> Self {
        Self { size, ..self }
    }
}

/// Why a session ends before its operator wanted that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Farewell {
    /// One clean sentence.
    pub why: String,
    /// Whether the client may wait for the engine and come back.
    pub comes_back: bool,
}

/// Every session of an engine.
#[derive(Default)]
pub struct Sessions {
    inner: Mutex<Inner>,
    /// How many there are.
    count: watch::Sender<usize>,
    strangers: Arc<Strangers>,
}

#[derive(Default)]
struct Inner {
    last: u64,
    sessions: BTreeMap<u64, Session>,
    closed: Option<Farewell>,
}

struct Session {
    roster: Roster,
    person: Person,
    end: watch::Sender<Option<Farewell>>,
    /// Who looks on.
    watchers: watch::Sender<Vec<String>>,
    /// What they see: the newest picture alone.
    pictures: watch::Sender<Option<Arc<Picture>>>,
}

impl Sessions {
    /// Everybody who is in, in the order in which they came.
    pub fn list(&self) -> Vec<Roster> {
        self.inner().sessions.values().map(|session| session.roster.clone()).collect()
    }

    /// How many are in, as it moves.
    pub fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// Ends one session. False when there is none of that number.
    pub fn end(&self, number: u64, farewell: Farewell) -> bool {
        let inner = self.inner();
        let session = inner.sessions.get(&number);
        session.map(|session| session.end.send_replace(Some(farewell))).is_some()
    }

    /// Ends every session, now and from now on.
    pub fn close(&self, farewell: &Farewell) {
        let mut inner = self.inner();
        inner.closed = Some(farewell.clone());
        for session in inner.sessions.values() {
            session.end.send_replace(Some(farewell.clone()));
        }
    }

    /// Waits until nobody is in.
    pub async fn empty(&self) {
        // the sender lives in self
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Connections that have not said who they are.
    pub fn strangers(&self) -> &Arc<Strangers> {
        &self.strangers
    }

    /// A session begins; it is over when what is returned is dropped.
    ///
    /// # Errors
    /// When there are too many, or the engine ends.
    pub fn begin(self: &Arc<Self>, of: Roster, person: Person) -> Result<Seat, String> {
        let mut inner = self.inner();
        if let Some(farewell) = &inner.closed {
            return Err(farewell.why.clone());
        }
        let of_one = inner.sessions.values().filter(|other| other.roster.uid == of.uid).count();
        if of_one >= MOST_OF_ONE || inner.sessions.len() >= MOST {
            return Err(format!(
                "there are {of_one} sessions of this account and {} in all: the most are {MOST_OF_ONE} and {MOST}",
                inner.sessions.len()
            ));
        }
        inner.last += 1;
        let number = inner.last;
        let end = watch::Sender::new(None);
        let ends = end.subscribe();
        let roster = Roster { number, ..of };
        let (watchers, pictures) = (watch::Sender::default(), watch::Sender::default());
        inner.sessions.insert(number, Session { roster, person, end, watchers, pictures });
        self.count.send_replace(inner.sessions.len());
        drop(inner);
        Ok(Seat { sessions: Arc::clone(self), number, ends })
    }

    /// Somebody looks on: the session is told so, and its pictures are returned.
    pub(super) fn add_watcher(&self, number: u64, name: &str) -> Option<Pictures> {
        let inner = self.inner();
        let session = inner.sessions.get(&number)?;
        session.watchers.send_modify(|watchers| watchers.push(name.to_owned()));
        Some(session.pictures.subscribe())
    }

    /// They do no more.
    pub(super) fn drop_watcher(&self, number: u64, name: &str) {
        let inner = self.inner();
        let Some(session) = inner.sessions.get(&number) else { return };
        session.watchers.send_modify(|watchers| {
            if let Some(at) = watchers.iter().position(|watcher| watcher == name) {
                watchers.remove(at);
            }
        });
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session, as long as this is.
pub struct Seat {
    sessions: Arc<Sessions>,
    number: u64,
    ends: watch::Receiver<Option<Farewell>>,
}

impl Seat {
    /// Its number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Says what its person looks at, on a screen of which size, and since when no key was pressed.
    pub fn note(&self, doing: &str, size: (u16, u16), active: Timestamp) {
        let mut inner = self.sessions.inner();
        let Some(Session { roster, .. }) = inner.sessions.get_mut(&self.number) else { return };
        (roster.size, roster.active) = (Some(size), active);
        if roster.doing != doing {
            roster.doing = clean_line(doing).chars().take(LONGEST).collect();
        }
    }

    /// Who looks on, as it moves.
    pub fn watchers(&self) -> watch::Receiver<Vec<String>> {
        match self.sessions.inner().sessions.get(&self.number) {
            Some(session) => session.watchers.subscribe(),
            // its entry is as long as this is
            None => watch::Sender::default().subscribe(),
        }
    }

    /// Shows those who look on what its person sees now.
    pub fn show(&self, picture: Picture) {
        let inner = self.sessions.inner();
        let Some(session) = inner.sessions.get(&self.number) else { return };
        session.pictures.send_modify(|last| {
            let number = last.as_ref().map_or(0, |last| last.number) + 1;
            *last = Some(Arc::new(Picture { number, ..picture }));
        });
    }

    /// Whether somebody has ended it: its client is not to come back.
    pub fn is_put_out(&self) -> bool {
        self.ends.borrow().as_ref().is_some_and(|farewell| !farewell.comes_back)
    }

    /// Waits until it must end, and says why.
    pub async fn ended(&self) -> Farewell {
        let mut ends = self.ends.clone();
        match ends.wait_for(Option::is_some).await.ok().and_then(|farewell| farewell.clone()) {
            Some(farewell) => farewell,
            // its entry is as long as this is
            None => std::future::pending().await,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut inner = self.sessions.inner();
        inner.sessions.remove(&self.number);
        self.sessions.count.send_replace(inner.sessions.len());
    }
}

impl Engine {
    /// Who is in, and how they are ended.
    pub fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// Ends a session: its terminal is given back with a sentence that says by whom, and why.
    ///
    /// # Errors
    /// When no reason is given, there is no such session, or the journal does not take it: nothing is ended then.
    pub async fn end_session(&self, by: &Actor, number: u64, reason: &str) -> Result<Roster, ActError> {
        let reason = given(reason)?;
        let gone =
            || ActError::not_found(format!("there is no session {number}; `session list` shows who is in"));
        let session = self.sessions.list().into_iter().find(|one| one.number == number).ok_or_else(gone)?;
        self.note_ended(by, &session, &reason).await?;
        let is_ended = self.sessions.end(number, farewell(by, &reason));
        is_ended.then_some(session).ok_or_else(gone)
    }

    /// Ends every session of a person, but for the command that asks.
    ///
    /// # Errors
    /// As [`Engine::end_session`]; also where nobody has that name.
    pub async fn end_sessions_of(
        &self,
        by: &Actor,
        person: &str,
        reason: &str,
    ) -> Result<Vec<Roster>, ActError> {
        let reason = given(reason)?;
        let mut theirs = self.sessions.list();
        theirs.retain(|one| one.person == person);
        if theirs.is_empty() {
            self.user(person)?;
        }
        theirs.retain(|one| !is_own_command(one, by));
        for session in &theirs {
            self.note_ended(by, session, &reason).await?;
            self.sessions.end(session.number, farewell(by, &reason));
        }
        Ok(theirs)
    }

    /// Ends the sessions of everybody who would not be let in any more: disabled, removed, without a role.
    pub(super) fn end_unwelcome(&self, by: &Actor) {
        let all: Vec<(Roster, Person)> = {
            let inner = self.sessions.inner();
            inner.sessions.values().map(|one| (one.roster.clone(), one.person.clone())).collect()
        };
        for (session, person) in all {
            if let Err(refused) = self.readmit(&person)
                && !is_own_command(&session, by)
            {
                self.sessions.end(session.number, farewell(by, &refused.to_string()));
            }
        }
    }

    async fn note_ended(&self, by: &Actor, session: &Roster, reason: &str) -> Result<(), ActError> {
        let Roster { number, person, line, .. } = session;
        let what = format!("session {number} of {person} ({line}) is ended: {reason}");
        self.note_began(by, AuditNote::began(by, &what)).await
    }
}

/// A reason, clean and of one line.
fn given(reason: &str) -> Result<String, ActError> {
    let reason: String = clean_line(reason.trim()).chars().take(LONGEST).collect();
    match reason.is_empty() {
        true => Err(ActError::usage("whoever is ended is told why: --reason needs words")),
        false => Ok(reason),
    }
}

fn farewell(by: &Actor, reason: &str) -> Farewell {
    Farewell { why: format!("{} has ended this session: {reason}", by.name), comes_back: false }
}

/// The command that asks for an end must live to say how it went.
fn is_own_command(session: &Roster, by: &Actor) -> bool {
    session.size.is_none() && session.person == by.name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uid: u32) -> Roster {
        Roster::new(&ann(), uid, None, "console", Timestamp(0))
    }

    fn ann() -> Person {
        Person::fixed("ann", crate::model::Role::Admin)
    }

    #[test]
    fn what_others_write_into_the_list_is_clean_and_short() {
        let sessions = Arc::new(Sessions::default());
        let hostile = "\u{1b}[2J\u{202e}x\n".repeat(1_000);
        let mut person = Person { name: hostile.clone(), ..ann() };
        let from = crate::engine::users::Origin { ssh: Some(hostile.clone()), tty: None, pid: None };
        person.caller = Some(crate::engine::users::Caller { from, ..Default::default() });
        let of = Roster::new(&person, 7, None, &hostile, Timestamp(0));
        let seat = sessions.begin(of, person).unwrap();
        seat.note(&hostile, (80, 24), Timestamp(5));
        let [one] = &sessions.list()[..] else { panic!("one") };
        for text in [&one.person, &one.from, &one.line, &one.doing] {
            assert!(text.chars().count() <= LONGEST && !text.is_empty());
            assert!(!text.chars().any(crate::model::is_hostile), "{text:?}");
        }
        assert_eq!((one.size, one.active), (Some((80, 24)), Timestamp(5)));
    }

    #[test]
    fn one_account_never_takes_the_room_of_the_others() {
        let sessions = Arc::new(Sessions::default());
        let seats: Vec<Seat> = (0..MOST_OF_ONE).map(|_| sessions.begin(of(7), ann()).unwrap()).collect();
        assert!(sessions.begin(of(7), ann()).is_err_and(|why| why.contains("the most are 100")));
        let other = sessions.begin(of(8), ann()).unwrap();
        assert_eq!((sessions.list().len(), other.number()), (MOST_OF_ONE + 1, MOST_OF_ONE as u64 + 1));
        drop(seats);
        assert_eq!(sessions.list().len(), 1);
    }

    #[tokio::test]
    async fn one_is_ended_alone_and_all_at_the_end() {
        let sessions = Arc::new(Sessions::default());
        let [first, second] = [1, 2].map(|uid| sessions.begin(of(uid), ann()).unwrap());
        let farewell = |why: &str| Farewell { why: why.into(), comes_back: false };
        assert!(sessions.end(first.number(), farewell("go")) && !sessions.end(99, farewell("go")));
        assert_eq!(first.ended().await.why, "go");
        sessions.close(&farewell("the end"));
        assert_eq!(second.ended().await.why, "the end");
        assert!(sessions.begin(of(3), ann()).is_err_and(|why| why == "the end"));
        drop((first, second));
        sessions.empty().await;
    }
}
