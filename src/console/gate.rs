//! When the next frame may be sent: not before the terminal has answered the last one.
//!
//! On a slow link the bytes of frames that nobody has seen yet would pile up; so only the newest picture is sent, as
//! soon as the one before it has arrived.

use std::time::Duration;

use crate::model::Timestamp;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// The pace for a terminal that does not answer.
const BLIND_PACE: Duration = Duration::from_secs(1);

/// Whether a frame is on its way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gate {
    sent: Option<Timestamp>,
    silent: bool,
}

impl Gate {
    /// Whether a frame may be sent.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.sent.is_none_or(|sent| now < sent || self.opens_at().is_some_and(|at| at <= now))
    }

    /// When it opens without an answer; `None` where it is open.
    pub fn opens_at(&self) -> Option<Timestamp> {
        self.sent.map(|sent| sent.after(if self.silent { BLIND_PACE } else { PATIENCE }))
    }

    /// A frame was sent.
    pub fn sent(&mut self, now: Timestamp) {
        // one that is still unanswered when the next goes out means a terminal that does not answer
        self.silent = self.sent.is_some();
        self.sent = Some(now);
    }

    /// The terminal answered.
    pub fn answered(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_the_answer_and_goes_slowly_without_one() {
        let (mut gate, at) = (Gate::default(), Timestamp);
        assert!(gate.is_open(at(0)));
        gate.sent(at(0));
        assert!(!gate.is_open(at(2_999)));
        gate.answered();
        assert!(gate.is_open(at(1)));
        gate.sent(at(1_000));
        assert!(gate.is_open(at(4_000)));
        gate.sent(at(4_000));
        assert!(!gate.is_open(at(4_999)) && gate.is_open(at(5_000)));
        assert!(gate.is_open(at(0)), "a clock that was set back does not stop the screen");
    }
}
