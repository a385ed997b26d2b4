//! The records: plain data that every floor above shares. No I/O here.

mod address;
mod blob;
mod device;
mod event;
mod failure;
pub mod filter;
mod identity;
mod moment;
mod name;
mod near;
mod revision;
mod role;
mod run;
mod secret;
mod snmp;
mod text;
mod time;

pub use address::Address;
pub use blob::{BlobId, BlobRef};
pub use device::{Device, DeviceId, DriverId, Sealed, TransportKind};
pub use event::{Event, EventKind, Severity};
pub use failure::{Failure, FailureKind};
pub use filter::Filter;
pub use identity::Identity;
pub use moment::Moment;
pub use name::DeviceName;
pub use near::nearest;
pub use revision::{Acceptance, Evidence, Revision, RevisionState, StatedSize};
pub use role::{Danger, Role};
pub use run::{Run, RunStatus};
pub use secret::Secret;
pub use snmp::{SNMP_PORT, SnmpAccess, SnmpAuth, SnmpPrivacy, SnmpVersion};
pub use text::{MAX_SHOWN, clean_line, is_hostile, visible};
pub use time::Timestamp;
