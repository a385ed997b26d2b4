//! A device kind is data: a folder with a `driver.toml` and the transcripts that prove it.

mod schema;

pub use schema::*;
