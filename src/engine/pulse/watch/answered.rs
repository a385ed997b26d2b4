//! Which probes were answered: a second answer to one of them is a duplicate.

/// Which of the last 64 probes were answered.
#[derive(Default)]
pub(super) struct Answered {
    newest: u64,
    /// The bit `n` stands for `newest - n`.
    bits: u64,
}

impl Answered {
    pub(super) fn add(&mut self, number: u64) {
        if number > self.newest {
            self.bits = self.bits.checked_shl(u32::try_from(number - self.newest).unwrap_or(64)).unwrap_or(0);
            self.newest = number;
        }
        if let Some(bit) = self.bit(number) {
            self.bits |= bit;
        }
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        self.bit(number).is_some_and(|bit| self.bits & bit != 0)
    }

    pub(super) fn bit(&self, number: u64) -> Option<u64> {
        1u64.checked_shl(u32::try_from(self.newest.checked_sub(number)?).ok()?)
    }
}
