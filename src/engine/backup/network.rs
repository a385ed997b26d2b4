//! The reader of production: transports, sessions and drivers of the device floor.

use crate::device::driver::Sections;
use crate::model::{DriverId, Failure, FailureKind};

use super::reader::{Call, Reader, ReadingFuture};

/// Reads over SSH and Telnet.
#[derive(Debug, Default)]
pub struct Network;

impl Network {
    /// A reader with the drivers at hand.
    pub fn new() -> Self {
        Self
    }
}

impl Reader for Network {
    fn read(&self, _call: Call) -> ReadingFuture<'_> {
        Box::pin(async { Err(Failure::new(FailureKind::Internal, "no transport yet").into()) })
    }
    fn normalise(
        &self,
        _driver: &DriverId,
        exact: &str,
        _fingerprint: &dyn Fn(&str) -> String,
    ) -> Result<String, Failure> {
        Ok(exact.to_owned())
    }
    fn check_driver(&self, _driver: &DriverId) -> Result<(), String> {
        Ok(())
    }
    fn sections(&self, _driver: &DriverId) -> Sections {
        Sections::default()
    }
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }
}
