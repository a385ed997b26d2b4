//! The connections of production: over SSH and Telnet, as the device's record, its driver and `~/.ssh/config` say.

use std::path::PathBuf;
use std::sync::Arc;

use crate::device::driver::Limits;
use crate::device::transport::{self, SshConfig, Trust, Way, Window};
use crate::model::{Device, Failure, FailureKind};

use super::checked_host::CheckedHost;
use super::network::{Connect, WireFuture};
use super::reader::{Call, TerminalFuture, WayFuture};
use super::route::{self, Person};

/// SSH and Telnet over the network.
#[derive(Clone, Debug, Default)]
pub struct Transports {
    person: Person,
}

impl Transports {
    /// For the user who runs the engine: the home folder and the agent (`SSH_AUTH_SOCK`) are that user's.
    pub fn new() -> Self {
        Self::of(std::env::home_dir(), std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from))
    }

    /// For somebody with this home folder, whose `.ssh` is looked into, and this agent.
    pub fn of(home: Option<PathBuf>, agent: Option<PathBuf>) -> Self {
        Self { person: Person { home, agent: agent.filter(|socket| !socket.as_os_str().is_empty()) } }
    }

    /// Read at each session: an operator who edits the file need not restart anything.
    fn ssh_config(&self) -> Result<SshConfig, Failure> {
        let Some(home) = &self.person.home else { return Ok(SshConfig::default()) };
        SshConfig::read(home).map_err(|why| Failure::new(FailureKind::Incomplete, why))
    }
}

impl Connect for Transports {
    fn open<'a>(&'a self, call: &'a Call) -> WireFuture<'a> {
        Box::pin(async {
            let target = route::target(call, &self.person, &self.ssh_config()?)?;
            transport::open(&target, call.trust.clone(), &call.limits).await
        })
    }

    fn way<'a>(&'a self, device: &'a Device, trust: Arc<dyn Trust>, limits: &'a Limits) -> WayFuture<'a> {
        Box::pin(async {
            let (address, jumps) = route::jumps(device, &self.person, &self.ssh_config()?)?;
            Way::open(address, &jumps, trust, limits).await
        })
    }

    fn open_terminal<'a>(&'a self, call: &'a Call, window: Window) -> TerminalFuture<'a> {
        Box::pin(async move {
            let target = route::target(call, &self.person, &self.ssh_config()?)?;
            transport::open_terminal(&target, call.trust.clone(), &call.limits, window).await
        })
    }

    fn hosts(&self, device: &Device) -> Vec<CheckedHost> {
        self.ssh_config()
            .and_then(|config| route::hosts(device, &self.person, &config))
            .unwrap_or_else(|_| vec![CheckedHost::own(device)])
    }
}
