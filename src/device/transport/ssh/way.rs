//! The way to any port of a host: straight, or over jump hosts that are logged in to once.

use std::sync::Arc;

use russh::client::Handle;

use super::handler::Keys;
use super::{over, reach};
use crate::device::driver::Limits;
use crate::device::transport::{Jump, Trust, Wire};
use crate::model::{Address, Failure};

/// See the file's head. Dropping it ends the connections to the jump hosts, and with them all that runs through.
pub struct Way {
    path: Vec<Handle<Keys>>,
    address: Address,
    limits: Limits,
}

impl Way {
    /// Logs in to the jump hosts, the nearest one first; the host at the end is not touched yet.
    ///
    /// # Errors
    /// As [`super::super::open`], of a jump host.
    pub async fn open(
        address: Address,
        jumps: &[Jump],
        trust: Arc<dyn Trust>,
        limits: &Limits,
    ) -> Result<Self, Failure> {
        Ok(Self { path: over(jumps, &trust, limits).await?, address, limits: *limits })
    }

    /// A TCP connection to a port of the host at the end.
    ///
    /// # Errors
    /// Unreachable, refused, timeout, disconnected.
    pub async fn to(&self, port: u16) -> Result<Box<dyn Wire>, Failure> {
        reach(self.path.last(), &self.address, port, &self.limits).await
    }

    /// How many jump hosts lie on it.
    pub fn jumps(&self) -> usize {
        self.path.len()
    }

    /// Whether a jump host has ended its connection: then nothing gets through any more.
    pub fn is_broken(&self) -> bool {
        self.path.iter().any(Handle::is_closed)
    }
}
