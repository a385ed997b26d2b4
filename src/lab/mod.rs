//! Simulated devices that replay the drivers' transcripts over real SSH and Telnet: for the demo, the tests, the
//! benches, and for training people.

mod ber;
mod conversation;
mod demo;
mod fleet;
mod links;
mod mutate;
pub mod snmp;
mod ssh;
mod telnet;

pub use demo::{Demo, DemoError};
pub use fleet::{Fault, Fleet, FleetError, Reach, Simulated, Spec, loopback};
pub use links::{Linked, Links};

/// The login name of simulated devices. Nothing real has it.
pub const USERNAME: &str = "operator";
/// Their login password.
pub const PASSWORD: &str = "lab-password";
/// Their password of the privileged mode.
pub const ENABLE_PASSWORD: &str = "lab-enable";
