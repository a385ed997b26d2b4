//! The connections of production.

use crate::model::{Failure, FailureKind};

use super::network::{Connect, WireFuture};
use super::reader::Call;

/// SSH and Telnet over the network.
#[derive(Clone, Copy, Debug, Default)]
pub struct Transports;

impl Connect for Transports {
    fn open<'a>(&'a self, _call: &'a Call) -> WireFuture<'a> {
        Box::pin(async { Err(Failure::new(FailureKind::Internal, "no transport is built in")) })
    }
}
