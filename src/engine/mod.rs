//! What the product does, a file per service. No screen, no argv.

pub mod actor;
pub mod clock;
pub mod diff;
pub mod error;
pub mod fields;
pub mod query;
pub mod schedule;
pub mod selection;
pub mod settings;
pub mod snapshot;

pub use actor::Actor;
pub use clock::Clock;
pub use error::{ActError, ActErrorKind};
