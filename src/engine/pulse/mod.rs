//! The pulse: whether each device answers, how fast, and since when not.
//!
//! [`Watch`] decides when which target is probed and what an answer or a silence means; it is handed the time and knows
//! no socket. `run` joins it to a prober and to the clock, in a thread of its own.

mod check;
mod health;
mod histogram;
pub(super) mod live;
mod picture;
mod run;
mod target;
mod watch;

pub use check::{CheckOptions, CheckReport, CheckTarget, Checking, Counted, Strays};
use check::{look_up, usual_port};
pub use health::{Change, Health, State};
pub use histogram::Histogram;
pub use live::Purpose;
pub use picture::{PulsePicture, PulseRow, PulseTotals, RECENT, Recent, Why};
pub use run::{Flow, run};
pub use target::{Mode, Pace, Part, Target, Thresholds, phase};
pub use watch::{Stray, Told, Watch};
