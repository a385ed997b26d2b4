//! The seam between the backup service and the devices: a network in production, a script in a test.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::device::driver::{CompiledDriver, Limits};
use crate::device::transport::{TerminalWire, Trust, Way, Window};
use crate::engine::inventory::Passwords;
use crate::model::{Device, Evidence, Failure, FailureKind};

use super::checked_host::CheckedHost;

/// One session that is wanted.
pub struct Call {
    /// With which device.
    pub device: Arc<Device>,
    /// Its driver.
    pub driver: Arc<CompiledDriver>,
    /// What it is logged in with.
    pub passwords: Passwords,
    /// How long each step may take.
    pub limits: Limits,
    /// Whether the device's host key is to be trusted.
    pub trust: Arc<dyn Trust>,
    /// Lines of the newest good configuration, to judge the length by.
    pub usual_lines: Option<u32>,
    /// Told the step that is at work, in a few words.
    pub progress: Arc<dyn Fn(&str) + Send + Sync>,
}

/// What a session read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The exact configuration.
    pub exact: String,
    /// What speaks for its being whole.
    pub evidence: Evidence,
    /// What speaks against it, in words.
    pub doubt: Option<String>,
    /// The session's transcript, where `doubt` says that somebody should look.
    pub recording: Option<String>,
}

/// A session that failed.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Why.
    pub failure: Failure,
    /// Its transcript, if it came so far that there is one.
    pub recording: Option<String>,
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self { failure, recording: None }
    }
}

/// A session under way. Dropping it ends it.
pub type ReadingFuture<'a> = Pin<Box<dyn Future<Output = Result<Reading, Broken>> + Send + 'a>>;

/// A way being opened. Dropping it ends it.
pub type WayFuture<'a> = Pin<Box<dyn Future<Output = Result<Way, Failure>> + Send + 'a>>;

/// A person's connection being opened. Dropping it ends it.
pub type TerminalFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Box<dyn TerminalWire>, Failure>> + Send + 'a>>;

/// Why a person's terminal is not opened where devices are not spoken to at all.
pub(super) fn no_terminals<'a>() -> TerminalFuture<'a> {
    Box::pin(async {
        Err(Failure::new(
            FailureKind::Incomplete,
            "no terminal can be opened here: devices are played by a script",
        ))
    })
}

/// Reads configurations.
pub trait Reader: Send + Sync {
    /// Opens a session, reads the configuration, leaves.
    fn read(&self, call: Call) -> ReadingFuture<'_>;

    /// The way to a device's ports, over the jump hosts of its sessions.
    fn way<'a>(&'a self, device: &'a Device, _trust: Arc<dyn Trust>, _limits: &'a Limits) -> WayFuture<'a> {
        Box::pin(async { Err(no_way(device)) })
    }

    /// Opens a connection for a person, by the same way and with the same credentials as [`Reader::read`].
    fn terminal(&self, call: Call, window: Window) -> TerminalFuture<'_> {
        let _ = (call, window);
        no_terminals()
    }

    /// The hosts on the way to a device whose keys are checked, the device itself last.
    fn hosts(&self, device: &Device) -> Vec<CheckedHost> {
        vec![CheckedHost::own(device)]
    }

    /// Their places (`address:port`), the device's own last.
    fn places(&self, device: &Device) -> Vec<String> {
        self.hosts(device).into_iter().map(|host| host.place).collect()
    }

    /// The view for diffs and search: noise dropped, secrets as fingerprints by `fingerprint`. Blocks for about a
    /// millisecond per 40 kB.
    fn normalise(&self, driver: &CompiledDriver, exact: &str, fingerprint: &dyn Fn(&str) -> String)
    -> String;
}

/// Of a network without any but the sessions' own.
pub(super) fn no_way(device: &Device) -> Failure {
    let why = format!("{} is in a network that noctule simulates: it has no other ports", device.name);
    Failure::new(FailureKind::Unreachable, why)
}
