//! Joins a watch to a prober and to the clock. Runs in a thread of its own: a busy runtime must not look like a loss.

use std::time::Duration;

use crate::device::icmp::Prober;
use crate::model::Moment;

use super::watch::{Told, Watch};

/// The longest wait: whoever is told may want it to end.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// Replies are not taken one by one where there are many: the kernel stamps each as it comes, so none looks late.
/// Each look costs a wake-up and a call to every socket. Much less than the shortest suspicion (300 ms).
const REST: Duration = Duration::from_millis(10);
/// From so many targets on.
const MANY: usize = 64;

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Yes.
    On,
    /// Send nothing more, and wait for what is under way.
    Finish,
    /// Leave everything as it is.
    Stop,
}

/// Probes until the watch is over or `tell`, which is handed what happened and is called ten times a second at least,
/// wants it to end.
pub fn run(
    watch: &mut Watch,
    prober: &mut dyn Prober,
    mut tell: impl FnMut(Moment, &mut Watch, &[Told]) -> Flow,
) {
    let (mut heard, mut probes, mut unsent, mut told) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    loop {
        heard.clear();
        prober.receive(&mut heard);
        let now = Moment::now();
        heard.iter().for_each(|one| watch.hear(now, one, &mut told));

        probes.clear();
        watch.turn(now, &mut probes, &mut told);
        prober.send(&probes, &mut unsent);
        for one in unsent.drain(..) {
            if let Some(probe) = probes.get(one.place) {
                watch.unsent(now, probe, one.fault, &mut told);
            }
        }

        match tell(now, watch, &told) {
            Flow::On => {}
            Flow::Finish => watch.end(now),
            Flow::Stop => return,
        }
        told.clear();
        if watch.is_over(now) {
            return;
        }
        if watch.len() > MANY && (!heard.is_empty() || !probes.is_empty()) {
            std::thread::sleep(REST);
        } else {
            let wake = watch.wake_at().map_or(LONGEST_WAIT, |at| at.since(Moment::now()));
            prober.wait(wake.min(LONGEST_WAIT));
        }
    }
}
