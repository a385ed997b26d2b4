//! Asks many agents, in two rounds and never too many at one address.

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::model::Failure;

/// Of those that are asked at once in the first round, one in so many is in the second.
const SECOND_ROUND: usize = 4;

/// The most that are asked at once where one address answers for many: a proxy, or a simulator.
const BEHIND_ONE: usize = 4;

/// One whose agent said nothing, and the words for that.
pub(in crate::engine) struct Silent<One> {
    pub one: One,
    pub failure: Failure,
}

/// Asks all that come, `at_once` of them; those that kept silent to the end. Whoever kept silent while others answered is
/// asked once more behind them all, by fewer at once: a burst may have been too much for an agent, or for the way to it.
pub(in crate::engine) async fn in_two_rounds<One, Asking>(
    coming: mpsc::UnboundedReceiver<One>,
    at_once: usize,
    ask: impl Fn(One) -> Asking,
) -> Vec<Silent<One>>
where
    One: Send + 'static,
    Asking: Future<Output = Option<Silent<One>>> + Send + 'static,
{
    let (asked, silent) = round(coming, at_once, &ask).await;
    if silent.len() == asked {
        return silent;
    }
    let again = these(silent.into_iter().map(|silent| silent.one));
    round(again, at_once.div_ceil(SECOND_ROUND), &ask).await.1
}

/// These, as what comes.
pub(in crate::engine) fn these<One>(all: impl IntoIterator<Item = One>) -> mpsc::UnboundedReceiver<One> {
    let (hand_on, coming) = mpsc::unbounded_channel();
    // it cannot be closed yet
    all.into_iter().for_each(|one| drop(hand_on.send(one)));
    coming
}

/// How many were asked, and those that kept silent.
async fn round<One, Asking>(
    mut coming: mpsc::UnboundedReceiver<One>,
    at_once: usize,
    ask: impl Fn(One) -> Asking,
) -> (usize, Vec<Silent<One>>)
where
    One: Send + 'static,
    Asking: Future<Output = Option<Silent<One>>> + Send + 'static,
{
    let agents = Arc::new(Semaphore::new(at_once));
    let mut readings = JoinSet::new();
    let (mut asked, mut silent) = (0, Vec::new());
    while let Some(one) = coming.recv().await {
        let Ok(permit) = Arc::clone(&agents).acquire_owned().await else { break };
        let reading = ask(one);
        asked += 1;
        readings.spawn(async move {
            let done = reading.await;
            drop(permit);
            done
        });
        while let Some(done) = readings.try_join_next() {
            silent.extend(done.ok().flatten());
        }
    }
    while let Some(done) = readings.join_next().await {
        silent.extend(done.ok().flatten());
    }
    (asked, silent)
}

/// How many are asked at each address just now.
#[derive(Default)]
pub(super) struct Doors(Mutex<HashMap<SocketAddr, Arc<Semaphore>>>);

impl Doors {
    /// Waits until not too many are asked at the address; `None` never comes.
    pub async fn enter(&self, address: SocketAddr) -> Option<OwnedSemaphorePermit> {
        self.of(address).acquire_owned().await.ok()
    }

    fn of(&self, address: SocketAddr) -> Arc<Semaphore> {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(doors.entry(address).or_insert_with(|| Arc::new(Semaphore::new(BEHIND_ONE))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::FailureKind;

    /// How often each was asked, where those of `silent_for` keep silent so often; and how many did to the end.
    async fn asked(all: &[u32], silent_for: &[(u32, usize)]) -> (BTreeMap<u32, usize>, usize) {
        let silent_for: BTreeMap<u32, usize> = silent_for.iter().copied().collect();
        let asked: Arc<Mutex<BTreeMap<u32, usize>>> = Arc::default();
        let silent = in_two_rounds(these(all.to_vec()), 2, |one| {
            let mut asked = asked.lock().unwrap();
            let times = asked.entry(one).or_default();
            *times += 1;
            let is_silent = silent_for.get(&one).is_some_and(|silences| *times <= *silences);
            let failure = Failure::new(FailureKind::Timeout, "no answer");
            async move { is_silent.then_some(Silent { one, failure }) }
        })
        .await;
        let asked = asked.lock().unwrap().clone();
        (asked, silent.len())
    }

    #[tokio::test]
    async fn who_kept_silent_while_others_answered_is_asked_once_more() {
        let (times, silent) = asked(&[1, 2, 3, 4], &[(2, 1), (3, 9)]).await;
        assert_eq!(times, BTreeMap::from([(1, 1), (2, 2), (3, 2), (4, 1)]));
        assert_eq!(silent, 1);
        let (times, silent) = asked(&[1, 2], &[(1, 9), (2, 9)]).await;
        assert_eq!((times, silent), (BTreeMap::from([(1, 1), (2, 1)]), 2), "that is no burst");
        assert_eq!(asked(&[], &[]).await.1, 0);
    }

    #[tokio::test]
    async fn at_most_a_few_are_behind_one_door() {
        let (doors, address) = (Doors::default(), "192.0.2.1:161".parse().unwrap());
        let mut inside = Vec::new();
        for _ in 0..BEHIND_ONE {
            inside.push(doors.enter(address).await);
        }
        assert_eq!(doors.of(address).available_permits(), 0);
        assert!(doors.enter("192.0.2.2:161".parse().unwrap()).await.is_some());
        inside.pop();
        assert!(doors.enter(address).await.is_some());
    }
}
