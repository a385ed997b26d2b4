//! SNMP agents: what is asked of one, and what may come back. Everything an agent says is hostile: waits, sizes and
//! counts are bounded, and texts are clean before they leave this module.

mod client;
mod credentials;
mod diagnosis;
mod failures;
mod oid;
mod sockets;
mod value;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::model::Failure;

pub use client::Client;
pub use credentials::Credentials;
pub use oid::Oid;
pub use sockets::Sockets;
pub use value::Value;

/// What an answer comes to.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// An agent that can be asked.
pub trait Agent: Send + Sync {
    /// The values of these instances, in their order; `None` where the agent has no such one.
    fn get<'a>(&'a self, oids: &'a [Oid]) -> Answer<'a, Vec<Option<Value>>>;

    /// What stands below `root`, in order, at most `most` rows. An agent whose rows do not increase is a failure.
    fn walk<'a>(&'a self, root: &'a Oid, most: usize) -> Answer<'a, Vec<(Oid, Value)>>;
}

/// How long and how much an agent may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnmpLimits {
    /// For one answer.
    pub timeout: Duration,
    /// How often a question is asked again after that.
    pub retries: u32,
    /// For everything that is asked of one agent.
    pub whole: Duration,
    /// The most bytes of values from one agent.
    pub bytes: usize,
}

impl Default for SnmpLimits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(2), retries: 1, whole: Duration::from_secs(30), bytes: 1 << 20 }
    }
}
