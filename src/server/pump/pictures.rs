//! How a session gets to see the engine's pictures: in turn, so that a key never waits behind everybody's frames.

use std::time::{Duration, Instant};

use super::Pump;
use crate::engine::Person;
use crate::model::Role;

/// From one session that takes a new picture to the next: all at once they would stand in the way of somebody's key.
const TURN: Duration = Duration::from_millis(4);
/// Within this time all have taken it.
const ROUND: Duration = Duration::from_millis(200);

impl Pump {
    /// There is a new picture. What its person may do holds from now on; who sees everything sees it when it is their
    /// turn, who sees a part sees nothing else from now on.
    pub(super) fn notice_picture(&mut self) {
        self.pictures.mark_unchanged();
        let Some(person) = self.readmit() else { return };
        let turn = self.turn();
        if turn.is_zero() || !person.rights.within(Role::Viewer).is_everything() {
            return self.show_picture(&person);
        }
        self.picture_due.get_or_insert_with(|| Instant::now() + turn);
    }

    pub(super) fn take_picture(&mut self) {
        if let Some(person) = self.readmit() {
            self.show_picture(&person);
        }
    }

    fn show_picture(&mut self, person: &Person) {
        self.picture_due = None;
        self.session.notify(self.engine.snapshot_for(person), self.engine.now());
    }

    /// Who they are as of now; `None` where they are disabled, or without a role: they see nothing new, and every command
    /// says why.
    fn readmit(&mut self) -> Option<Person> {
        match self.engine.readmit(&self.person) {
            Ok(person) => {
                self.session.may(person.rights.clone());
                Some(person)
            }
            Err(refused) => {
                self.picture_due = None;
                self.session.complain(&refused.0);
                None
            }
        }
    }

    fn turn(&self) -> Duration {
        let Some(seat) = &self.seat else { return Duration::ZERO };
        turn(seat.number(), *self.engine.sessions().count().borrow())
    }
}

/// How long after the first session one of this number takes a picture, among so many.
fn turn(number: u64, everybody: usize) -> Duration {
    let most = ROUND.as_millis() / TURN.as_millis();
    let turns = (everybody as u128).clamp(1, most);
    TURN * u32::try_from(u128::from(number) % turns).unwrap_or(0)
}

/// Waits until then; without end where there is no such moment.
pub(super) async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everybody_has_a_turn_within_the_round_and_who_is_alone_waits_for_nobody() {
        for number in [1, 7, 5000] {
            assert_eq!((turn(number, 0), turn(number, 1)), (Duration::ZERO, Duration::ZERO));
        }
        let turns = |everybody: u64| -> BTreeSet<Duration> {
            (100..100 + everybody).map(|number| turn(number, everybody as usize)).collect()
        };
        assert_eq!(turns(50).len(), 50, "each its own");
        assert!(turns(3).iter().all(|turn| *turn < TURN * 3), "few do not wait for those who are not there");
        assert!(turns(250).iter().all(|turn| *turn < ROUND));
    }
}
