//! Who is in: every operator's session, by number; how many there may be, and how they are ended.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::model::Timestamp;

/// The most sessions of one account.
const MOST_OF_ONE: usize = 100;
/// The most sessions in all.
const MOST: usize = 250;
/// The most connections of one account that have not said who they are.
const MOST_STRANGERS_OF_ONE: usize = 16;
/// The most of them in all.
const MOST_STRANGERS: usize = 64;

/// One session, for those who want to know who is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    /// Its number.
    pub number: u64,
    /// The person.
    pub person: String,
    /// Their account.
    pub uid: u32,
    /// Their process.
    pub pid: Option<i32>,
    /// `console`, `wallboard`, or the command line.
    pub line: String,
    /// Since when.
    pub since: Timestamp,
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
}

#[derive(Default)]
struct Inner {
    last: u64,
    sessions: BTreeMap<u64, (Roster, watch::Sender<Option<Farewell>>)>,
    strangers: HashMap<u32, usize>,
    closed: Option<Farewell>,
}

impl Sessions {
    /// Everybody who is in, in the order in which they came.
    pub fn list(&self) -> Vec<Roster> {
        self.inner().sessions.values().map(|(roster, _)| roster.clone()).collect()
    }

    /// How many are in, as it moves.
    pub fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// Ends one session. False when there is none of that number.
    pub fn end(&self, number: u64, farewell: Farewell) -> bool {
        let inner = self.inner();
        let session = inner.sessions.get(&number);
        session.map(|(_, end)| end.send_replace(Some(farewell))).is_some()
    }

    /// Ends every session, now and from now on.
    pub fn close(&self, farewell: &Farewell) {
        let mut inner = self.inner();
        inner.closed = Some(farewell.clone());
        for (_, end) in inner.sessions.values() {
            end.send_replace(Some(farewell.clone()));
        }
    }

    /// Waits until nobody is in.
    pub async fn empty(&self) {
        // the sender lives in self
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }

    /// A connection that has not said who it is.
    ///
    /// # Errors
    /// When there are too many of them.
    pub fn stranger(self: &Arc<Self>, uid: u32) -> Result<Stranger, String> {
        let mut inner = self.inner();
        let all: usize = inner.strangers.values().sum();
        let of_one = inner.strangers.get(&uid).copied().unwrap_or(0);
        if of_one >= MOST_STRANGERS_OF_ONE || all >= MOST_STRANGERS {
            return Err("too many clients have connected and not said who they are: try again".to_owned());
        }
        inner.strangers.insert(uid, of_one + 1);
        drop(inner);
        Ok(Stranger { sessions: Arc::clone(self), uid })
    }

    /// A session begins; it is over when what is returned is dropped.
    ///
    /// # Errors
    /// When there are too many, or the engine ends.
    pub fn begin(self: &Arc<Self>, of: Roster) -> Result<Seat, String> {
        let mut inner = self.inner();
        if let Some(farewell) = &inner.closed {
            return Err(farewell.why.clone());
        }
        let of_one = inner.sessions.values().filter(|(other, _)| other.uid == of.uid).count();
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
        inner.sessions.insert(number, (Roster { number, ..of }, end));
        self.count.send_replace(inner.sessions.len());
        drop(inner);
        Ok(Seat { sessions: Arc::clone(self), number, ends })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that has not said who it is, as long as this is.
pub struct Stranger {
    sessions: Arc<Sessions>,
    uid: u32,
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut inner = self.sessions.inner();
        if let Some(of_one) = inner.strangers.get_mut(&self.uid) {
            *of_one -= 1;
            if *of_one == 0 {
                inner.strangers.remove(&self.uid);
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uid: u32) -> Roster {
        Roster {
            number: 0,
            person: "ann".into(),
            uid,
            pid: None,
            line: "console".into(),
            since: Timestamp(0),
        }
    }

    #[test]
    fn one_account_never_takes_the_room_of_the_others() {
        let sessions = Arc::new(Sessions::default());
        let seats: Vec<Seat> = (0..MOST_OF_ONE).map(|_| sessions.begin(of(7)).unwrap()).collect();
        assert!(sessions.begin(of(7)).is_err_and(|why| why.contains("the most are 100")));
        let other = sessions.begin(of(8)).unwrap();
        assert_eq!((sessions.list().len(), other.number()), (MOST_OF_ONE + 1, MOST_OF_ONE as u64 + 1));
        drop(seats);
        assert_eq!(sessions.list().len(), 1);
        let strangers: Vec<Stranger> =
            (0..MOST_STRANGERS_OF_ONE).map(|_| sessions.stranger(7).unwrap()).collect();
        assert!(sessions.stranger(7).is_err() && sessions.stranger(8).is_ok());
        drop(strangers);
        assert!(sessions.inner().strangers.is_empty());
    }

    #[tokio::test]
    async fn one_is_ended_alone_and_all_at_the_end() {
        let sessions = Arc::new(Sessions::default());
        let [first, second] = [1, 2].map(|uid| sessions.begin(of(uid)).unwrap());
        let farewell = |why: &str| Farewell { why: why.into(), comes_back: false };
        assert!(sessions.end(first.number(), farewell("go")) && !sessions.end(99, farewell("go")));
        assert_eq!(first.ended().await.why, "go");
        sessions.close(&farewell("the end"));
        assert_eq!(second.ended().await.why, "the end");
        assert!(sessions.begin(of(3)).is_err_and(|why| why == "the end"));
        drop((first, second));
        sessions.empty().await;
    }
}
