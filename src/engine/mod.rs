//! What the product does, a file per service. No screen, no argv.

pub mod accept;
mod actor;
pub mod backup;
mod bodies;
pub mod clock;
pub mod diff;
pub mod doctor;
pub mod driver_files;
pub mod driver_tests;
pub mod error;
mod events;
pub mod export;
pub mod fields;
pub mod history;
pub mod import;
pub mod inventory;
mod present;
mod publish;
pub mod pulse;
pub mod query;
mod recordings;
pub mod records;
pub mod retention;
pub mod schedule;
pub mod search;
pub mod selection;
pub mod settings;
pub mod snapshot;
pub mod start;
pub mod trust;
pub mod verify;

pub use actor::Actor;
pub use clock::Clock;
pub use error::{ActError, ActErrorKind};
pub use selection::Selection;
pub use start::{Engine, Options, StartError};
