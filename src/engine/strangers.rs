//! Connections that have not said who they are: how many there may be, who goes where there are more, and whose turn it
//! is to be heard.
//!
//! Who says nothing costs a descriptor, so there is room for many. Where an account has more of them than that, the one
//! that has said nothing for longest goes. Who speaks does not, and is heard in turn: a few of an account at a time,
//! since each may bring 128 kB and costs an entry of the journal. So many clients of one person that come at once all get
//! in, and silent ones keep nobody out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// The most of one account.
const MOST_OF_ONE: usize = 128;
/// The most in all.
const MOST: usize = 384;
/// How many of an account are heard at once.
const HEARD: usize = 16;

/// What those are told who have to go.
const CROWDED: &str = "too many clients have connected and not said who they are: try again";

/// Every connection that has not said who it is.
#[derive(Default)]
pub struct Strangers(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    last: u64,
    accounts: HashMap<u32, Account>,
}

struct Account {
    /// Those that have said nothing, the oldest first, and how each is told to go.
    silent: BTreeMap<u64, oneshot::Sender<()>>,
    /// Those that speak, or wait for their turn to.
    speaking: usize,
    turns: Arc<Semaphore>,
}

impl Default for Account {
    fn default() -> Self {
        Self { silent: BTreeMap::new(), speaking: 0, turns: Arc::new(Semaphore::new(HEARD)) }
    }
}

impl Account {
    fn len(&self) -> usize {
        self.silent.len() + self.speaking
    }
}

impl Strangers {
    /// The number of a connection that has just come.
    pub fn arrive(&self) -> u64 {
        let mut inner = self.inner();
        inner.last += 1;
        inner.last
    }

    /// A connection of an account by its number, which speaks already or has said nothing. Where there are too many, the
    /// oldest one that has said nothing is told to go.
    ///
    /// # Errors
    /// When there are too many, and all of them speak.
    pub fn admit(self: &Arc<Self>, number: u64, uid: u32, is_speaking: bool) -> Result<Stranger, String> {
        let mut inner = self.inner();
        let of_one = inner.accounts.get(&uid).map_or(0, Account::len);
        let crowded = if of_one >= MOST_OF_ONE {
            Some(uid)
        } else if inner.count() >= MOST {
            // whoever has the most silent ones, so that no account keeps out the others
            inner.accounts.iter().max_by_key(|(_, account)| account.silent.len()).map(|(uid, _)| *uid)
        } else {
            None
        };
        if let Some(crowded) = crowded {
            let silent = inner.accounts.get_mut(&crowded).and_then(|account| account.silent.pop_first());
            let (_, go) = silent.ok_or_else(|| CROWDED.to_owned())?;
            // one that has gone by itself is gone too
            let _ = go.send(());
            inner.forget(crowded);
        }
        let (go, goes) = oneshot::channel();
        let account = inner.accounts.entry(uid).or_default();
        if is_speaking {
            account.speaking += 1;
        } else {
            account.silent.insert(number, go);
        }
        drop(inner);
        Ok(Stranger { strangers: Arc::clone(self), uid, number, goes, is_speaking })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.inner().count()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn count(&self) -> usize {
        self.accounts.values().map(Account::len).sum()
    }

    /// Keeps no account that nobody is of.
    fn forget(&mut self, uid: u32) {
        if self.accounts.get(&uid).is_some_and(|account| account.len() == 0) {
            self.accounts.remove(&uid);
        }
    }
}

/// A connection that has not said who it is, as long as this is.
pub struct Stranger {
    strangers: Arc<Strangers>,
    uid: u32,
    number: u64,
    goes: oneshot::Receiver<()>,
    is_speaking: bool,
}

impl Stranger {
    /// Waits until it has to go for others, and says why. Not where it speaks.
    pub async fn must_go(&mut self) -> String {
        // the sender goes with its entry, which is let go for no other reason while this is
        let _ = (&mut self.goes).await;
        CROWDED.to_owned()
    }

    /// It speaks: waits until it is its turn to be heard, which lasts as long as what is returned.
    ///
    /// # Errors
    /// When it had to go before that.
    pub async fn speak(&mut self) -> Result<OwnedSemaphorePermit, String> {
        let turns = {
            let mut inner = self.strangers.inner();
            let Some(account) = inner.accounts.get_mut(&self.uid) else { return Err(CROWDED.to_owned()) };
            if !self.is_speaking {
                account.silent.remove(&self.number).ok_or_else(|| CROWDED.to_owned())?;
                account.speaking += 1;
                self.is_speaking = true;
            }
            Arc::clone(&account.turns)
        };
        turns.acquire_owned().await.map_err(|_| CROWDED.to_owned())
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut inner = self.strangers.inner();
        let Some(account) = inner.accounts.get_mut(&self.uid) else { return };
        if self.is_speaking {
            account.speaking -= 1;
        } else {
            account.silent.remove(&self.number);
        }
        inner.forget(self.uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn has_to_go(stranger: &mut Stranger) -> bool {
        tokio::select! {
            biased;
            _ = stranger.must_go() => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn the_oldest_silent_one_goes_and_who_speaks_stays() {
        let strangers = Arc::new(Strangers::default());
        let mut all: Vec<Stranger> =
            (0..MOST_OF_ONE).map(|_| strangers.admit(strangers.arrive(), 7, false).unwrap()).collect();
        let _turn = all[0].speak().await.unwrap();
        let newest = strangers.admit(strangers.arrive(), 7, true).unwrap();
        assert!(!has_to_go(&mut all[2]).await && has_to_go(&mut all[1]).await);
        assert!(all[1].speak().await.is_err(), "it is too late");
        assert_eq!(strangers.count(), MOST_OF_ONE);
        drop((newest, all));
        assert!(strangers.inner().accounts.is_empty());
    }

    #[tokio::test]
    async fn those_of_an_account_that_come_at_once_are_heard_in_turn() {
        let strangers = Arc::new(Strangers::default());
        let mut all: Vec<Stranger> =
            (0..50).map(|_| strangers.admit(strangers.arrive(), 7, false).unwrap()).collect();
        let mut turns = Vec::new();
        let mut waiting = all.split_off(HEARD);
        for one in &mut all {
            turns.push(one.speak().await.unwrap());
        }
        let next = waiting[0].speak();
        tokio::pin!(next);
        tokio::select! {
            biased;
            _ = &mut next => panic!("it is not its turn"),
            () = std::future::ready(()) => {}
        }
        turns.pop();
        drop(next.await.unwrap());
    }

    #[tokio::test]
    async fn one_account_keeps_out_no_other() {
        let strangers = Arc::new(Strangers::default());
        let mut hostile: Vec<Stranger> = Vec::new();
        for uid in 1..=3 {
            hostile
                .extend((0..MOST_OF_ONE).map(|_| strangers.admit(strangers.arrive(), uid, false).unwrap()));
        }
        let other = strangers.admit(strangers.arrive(), 99, false).unwrap();
        assert_eq!(strangers.count(), MOST);
        let mut gone = 0;
        for one in &mut hostile {
            gone += u32::from(has_to_go(one).await);
        }
        assert_eq!(gone, 1);
        drop((other, hostile));
        assert_eq!(strangers.count(), 0);
    }

    #[tokio::test]
    async fn where_all_of_them_speak_a_newcomer_is_refused() {
        let strangers = Arc::new(Strangers::default());
        let mut all: Vec<Stranger> =
            (0..MOST_OF_ONE).map(|_| strangers.admit(strangers.arrive(), 7, false).unwrap()).collect();
        for one in &mut all {
            drop(one.speak().await);
        }
        assert!(strangers.admit(strangers.arrive(), 7, false).is_err_and(|why| why.contains("try again")));
        assert!(strangers.admit(strangers.arrive(), 8, false).is_ok());
    }
}
