//! How to talk to one device: transports, the session that turns a transport and a driver into operations,
//! the cleaner of what comes back, and the transcripts that prove it.

pub mod capture;
pub mod clean;
pub mod driver;
pub mod explain;
pub mod icmp;
pub mod identity;
pub mod new;
pub mod normal;
pub mod proof;
pub mod replay;
pub mod reversible;
pub mod script;
pub mod secrets;
pub mod sections;
pub mod session;
pub mod snmp;
pub mod transcript;
pub mod transport;

#[cfg(test)]
mod tests;
