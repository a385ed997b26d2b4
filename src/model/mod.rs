//! The records: plain data that every floor above shares. No I/O here.

mod address;
mod blob;
mod credential;
mod device;
mod device_set;
mod event;
mod failure;
pub mod filter;
mod identity;
mod incident;
mod length;
mod login;
mod maintenance;
mod moment;
mod name;
mod near;
mod range;
mod revision;
mod rights;
mod role;
mod run;
mod secret;
mod snmp;
mod text;
mod time;
mod user;

pub use address::Address;
pub use blob::{BlobId, BlobRef};
pub use credential::{
    Assignment, Credential, CredentialId, CredentialKind, SecretPart, Those, credential_name,
};
pub use device::{Device, DeviceId, DriverId, Sealed, TransportKind};
pub use device_set::DeviceSet;
pub use event::{Event, EventKind, Severity};
pub use failure::{Failure, FailureKind};
pub use filter::Filter;
pub use identity::{Identity, IdentityFailure, IdentityReading};
pub use incident::{Acknowledgement, ChangeBefore, Comment, Ending, Incident, IncidentId};
pub use length::length;
pub use login::{Login, LoginMethod};
pub use maintenance::{Maintenance, MaintenanceId, Scope};
pub use moment::Moment;
pub use name::DeviceName;
pub use near::nearest;
pub use range::AddressRange;
pub use revision::{Acceptance, Evidence, Revision, RevisionState, StatedSize};
pub use rights::{Grant, Reach, Rights, Within};
pub use role::{Danger, Role};
pub use run::{Run, RunStatus};
pub use secret::Secret;
pub use snmp::{SNMP_PORT, SnmpAccess, SnmpAuth, SnmpPrivacy, SnmpVersion};
pub use text::{MAX_SHOWN, clean_line, is_hostile, visible};
pub use time::Timestamp;
pub use user::{Account, OWN_NAMES, User, UserId, UserName, full_name, key_name};
