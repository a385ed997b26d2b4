//! A round-trip time in two bytes, true to a hundredth.

use std::sync::LazyLock;
use std::time::Duration;

/// From one step to the next a time grows by so much: whatever a time is, its step is at most 1 % away.
const GROWTH: f64 = 1.02;
/// How many steps there are: up to a minute.
const STEPS: u16 = 906;

static MICROS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let mut micros = Vec::with_capacity(usize::from(STEPS));
    let mut exact = 1.0_f64;
    for _ in 0..STEPS {
        micros.push(exact.round() as u32);
        exact *= GROWTH;
    }
    micros
});

/// One of the steps between a microsecond and a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rtt(u16);

impl Rtt {
    /// How many different ones there are.
    pub const COUNT: usize = STEPS as usize;

    /// The nearest step. What is longer than a minute counts as a minute.
    pub fn new(time: Duration) -> Self {
        let micros = time.as_secs_f64() * 1e6;
        if micros < 1.0 {
            return Self(0);
        }
        let step = (micros.ln() / GROWTH.ln()).round();
        Self((step as u16).min(STEPS - 1))
    }

    /// The step of this number; `None` where there is none.
    pub fn from_step(step: u16) -> Option<Self> {
        (step < STEPS).then_some(Self(step))
    }

    /// The step's number: less than [`Rtt::COUNT`].
    pub fn step(self) -> u16 {
        self.0
    }

    /// The time in microseconds.
    pub fn micros(self) -> u32 {
        MICROS.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    /// The time.
    pub fn time(self) -> Duration {
        Duration::from_micros(self.micros().into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_is_true_to_a_hundredth(micros in 50u32..60_000_000) {
            let got = f64::from(Rtt::new(Duration::from_micros(micros.into())).micros());
            // below a tenth of a millisecond the whole microsecond is what limits
            let allowed = (f64::from(micros) * 0.0101).max(0.51);
            prop_assert!((got - f64::from(micros)).abs() <= allowed, "{got} for {micros}");
        }

        #[test]
        fn a_step_is_itself(step in 0..STEPS) {
            let rtt = Rtt::from_step(step).unwrap();
            prop_assert_eq!(Rtt::new(rtt.time()).micros(), rtt.micros());
        }
    }

    #[test]
    fn what_is_out_of_range_is_at_its_end() {
        assert_eq!(Rtt::new(Duration::ZERO).micros(), 1);
        assert_eq!(Rtt::new(Duration::MAX).step(), STEPS - 1);
        assert!(Rtt::new(Duration::from_secs(60)).time() >= Duration::from_secs(59));
        assert_eq!(Rtt::from_step(STEPS), None);
    }
}
