//! What a device is, from what its SNMP agent says: rules that are data (`inventory/identity/`), what is asked, and what
//! the rules make of the answers. What no rule knows stays unknown.

mod judge;
mod pattern;
mod plain;
mod read;
mod rules;
mod schema;
#[cfg(test)]
mod tests;

pub use judge::{Findings, Seen};
pub use read::read;
pub use rules::{Rules, RulesProblem};
