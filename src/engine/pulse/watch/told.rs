//! What a watch has to tell.

use std::net::IpAddr;
use std::time::Duration;

use crate::device::icmp::Fault;

use super::super::health::Change;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// A probe was answered.
    Reply {
        /// Whose.
        target: u32,
        /// The probe's number.
        number: u64,
        /// How long it took.
        rtt: Duration,
    },
    /// A probe was not answered within the timeout.
    Lost {
        /// Whose.
        target: u32,
        /// The probe's number.
        number: u64,
        /// What was said against it, or silence.
        fault: Fault,
    },
    /// A probe did not leave this host.
    Unsent {
        /// Whose.
        target: u32,
        /// The probe's number.
        number: u64,
        /// Why not.
        fault: Fault,
    },
    /// Something came that is no reply.
    Stray {
        /// What it is.
        stray: Stray,
        /// Whose probe it speaks of, where that is known.
        target: Option<u32>,
        /// Who it says it is from.
        from: IpAddr,
    },
    /// A target's state changed.
    Changed {
        /// Whose.
        target: u32,
        /// How.
        change: Change,
    },
    /// A target's badge came or went.
    Flapping {
        /// Whose.
        target: u32,
        /// Whether it came.
        on: bool,
    },
    /// This host is cut off, or no longer: while it is, no silence is a miss.
    CutOff(bool),
}

/// What came and is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stray {
    /// A second reply to one probe.
    Duplicate,
    /// A reply after the timeout.
    Late,
    /// A reply from another address than was asked.
    OtherAddress,
    /// Not sealed by this run.
    Forged,
}
