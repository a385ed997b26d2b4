//! What the product does, a file per service. No screen, no argv.

pub mod query;
pub mod snapshot;
