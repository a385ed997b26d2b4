//! Samples of the pulse: packed, outside the journal. Their last minute may be lost at a crash.
//!
//! What is heard within an hour is packed as it comes (`block`), and beside that written to a file of its own once a
//! minute (`pending`), for the case that the process is killed. When the hour is over, all of it becomes one immutable
//! file (`segment`), written aside and put in place by a rename, and each device's hour becomes a row (`row`), which is
//! kept much longer. Nothing is ever appended to or changed in such a file: what is old goes by the file. What changes
//! of a device's state is a line in a log by the month (`states`).

mod bits;
mod block;
mod folder;
mod pending;
mod quantile;
mod row;
mod rtt;
mod segment;
mod states;

pub use block::{Block, Encoder, Heard, MOST_SAMPLES};
pub use folder::{Folder, SegmentName, Tier};
pub use pending::{Pending, PendingSample, Replayed, replay};
pub use quantile::Mix;
pub use row::{Row, Times, decode_rows, encode_rows};
pub use rtt::Rtt;
pub use segment::{Build, DeviceBlocks, Segment};
pub use states::{Standing, StateLog, StateRecord, parse_states, read_states};

/// The folder's name in the store's.
pub const FOLDER: &str = "series";
/// An hour in milliseconds.
pub const HOUR: i64 = 3_600_000;
