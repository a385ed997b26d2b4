//! Joins commands and console to the engine; here in process.

mod demo;
mod link;
mod output;
mod pump;

pub use demo::{DemoNetwork, DemoStartError};
pub use link::{ClientEnd, Files, FromClient, Leave, ServerEnd, ToClient, link};
pub use pump::Pump;
