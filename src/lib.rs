//! noctule: the operator's console of a network. See ARCHITECTURE.md for the floors.

pub mod client;
pub mod commands;
pub mod console;
pub mod device;
pub mod engine;
pub mod lab;
pub mod model;
pub mod server;
pub mod store;
