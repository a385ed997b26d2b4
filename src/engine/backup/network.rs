//! The reader of production: transports and sessions of the device floor.

use crate::device::driver::CompiledDriver;
use crate::model::{Failure, FailureKind};

use super::reader::{Call, Reader, ReadingFuture};

/// Reads over SSH and Telnet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Network;

impl Reader for Network {
    fn read(&self, _call: Call) -> ReadingFuture<'_> {
        Box::pin(async { Err(Failure::new(FailureKind::Internal, "no transport is built in").into()) })
    }

    fn normalise(
        &self,
        _driver: &CompiledDriver,
        exact: &str,
        _fingerprint: &dyn Fn(&str) -> String,
    ) -> String {
        exact.to_owned()
    }
}
