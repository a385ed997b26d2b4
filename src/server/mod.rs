//! Joins commands and console to the engine: in process, or over a Unix socket for every operator.

mod admit;
mod asking;
mod attached;
mod demo;
mod event_log;
mod hello;
mod link;
mod listen;
mod log;
pub mod metrics;
mod outgoing;
mod output;
mod pump;
mod remote;
mod serve;
pub mod systemd;
mod usual_place;
pub mod wire;

pub use admit::{Caller, account_name, account_of, admit};
pub use demo::{DemoNetwork, DemoStartError};
pub use hello::{Hello, Screen, is_utf8};
pub use link::{ClientEnd, Files, FromClient, Leave, ServerEnd, ToClient, link};
pub use listen::{Bound, SocketError, SocketPlace};
pub use log::Log;
pub use pump::Pump;
pub use serve::Server;
pub use usual_place::usual_place;
