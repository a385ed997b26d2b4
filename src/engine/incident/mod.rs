//! Incidents instead of alarms: each trouble once, at the device where it began, with those that cannot be reached
//! because of it.
//!
//! `graph` says which silent device is a cause and which hangs behind one; `decide` what that means for the incidents
//! that are open; both are pure. `ledger` holds incidents and planned work, `keep` stores and tells what was decided,
//! `act` and `maintenance` are what people do about them.

mod act;
mod decide;
mod graph;
mod keep;
mod ledger;
mod maintenance;
mod words;

pub(super) use keep::work;
pub(super) use ledger::Ledger;
pub use maintenance::{NewMaintenance, in_scope};
