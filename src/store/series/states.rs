//! What changed of the devices' states, a file per day, and that somebody watched at all.
//!
//! A day's file begins with the state of every device, so that no report has to read further back than its period.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::HOUR;
use super::bits::{put_varint, take, take_varint, unzigzag, zigzag};
use super::folder::Folder;
use crate::model::DeviceId;
use crate::store::{StoreError, files};

const MARK: u8 = 0xb3;
const BEGIN: u8 = 0x20;
const BEAT: u8 = 0x21;
const END: u8 = 0x22;
const PLANNED: u8 = 0x10;

/// Whether a device answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was known.
    #[default]
    Unknown,
    /// It did.
    Up,
    /// It did not.
    Down,
}

/// One line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateRecord {
    /// From then on a device stood so.
    Change {
        /// Which.
        device: DeviceId,
        /// When, in milliseconds since 1970.
        at: i64,
        /// How.
        standing: Standing,
        /// Whether it was in planned work.
        planned: bool,
    },
    /// The watch began: nothing of before holds.
    Begin(i64),
    /// The watch was still going on.
    Beat(i64),
    /// The watch ended.
    End(i64),
    /// Here something could not be read: from here on nothing is known until it is said anew.
    Damage,
}

/// Writes the log.
pub struct StateLog {
    folder: Folder,
    /// The day that is written, and its file.
    file: Option<(i64, File)>,
    known: BTreeMap<DeviceId, (Standing, bool)>,
    /// The disk refused a record: the file is begun anew with what is known.
    torn: bool,
}

impl StateLog {
    /// The log in a folder.
    pub fn new(folder: Folder) -> Self {
        Self { folder, file: None, known: BTreeMap::new(), torn: false }
    }

    /// Writes records; they are on the disk after the next [`StateLog::sync`].
    ///
    /// # Errors
    /// The disk refuses it; what the devices' states are is written with the next record that it takes.
    pub fn write(&mut self, records: &[StateRecord]) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        for record in records {
            let at = match *record {
                StateRecord::Change { device, at, standing, planned } => {
                    self.known.insert(device, (standing, planned));
                    at
                }
                StateRecord::Begin(at) | StateRecord::End(at) => {
                    self.known.clear();
                    at
                }
                StateRecord::Beat(at) => at,
                StateRecord::Damage => continue,
            };
            let day = at.div_euclid(24 * HOUR);
            if self.file.as_ref().is_none_or(|(known, _)| *known != day) || self.torn {
                self.put(&std::mem::take(&mut bytes))?;
                self.begin(day, at)?;
            }
            append(record, &mut bytes);
        }
        self.put(&bytes)
    }

    /// Sees to it that what was written is on the disk.
    ///
    /// # Errors
    /// The disk refuses it.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        let Some((day, file)) = &self.file else { return Ok(()) };
        let path = self.folder.states_path(*day);
        file.sync_data().map_err(StoreError::file("sync", &path))
    }

    fn begin(&mut self, day: i64, at: i64) -> Result<(), StoreError> {
        let path = self.folder.states_path(day);
        let opened = files::private_file().append(true).create(true).open(&path);
        self.file = Some((day, opened.map_err(StoreError::file("open", &path))?));
        self.torn = false;
        let mut bytes = Vec::new();
        for (&device, &(standing, planned)) in &self.known {
            append(&StateRecord::Change { device, at, standing, planned }, &mut bytes);
        }
        self.put(&bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let Some((day, file)) = &mut self.file else { return Ok(()) };
        file.write_all(bytes).map_err(|error| {
            self.torn = true;
            StoreError::file("write", &self.folder.states_path(*day))(error)
        })
    }
}

fn append(record: &StateRecord, out: &mut Vec<u8>) {
    let (kind, device, at) = match *record {
        StateRecord::Change { device, at, standing, planned } => {
            let standing = match standing {
                Standing::Unknown => 0,
                Standing::Up => 1,
                Standing::Down => 2,
            };
            (standing | if planned { PLANNED } else { 0 }, device.0, at)
        }
        StateRecord::Begin(at) => (BEGIN, 0, at),
        StateRecord::Beat(at) => (BEAT, 0, at),
        StateRecord::End(at) => (END, 0, at),
        StateRecord::Damage => return,
    };
    let begun = out.len();
    out.extend_from_slice(&[MARK, kind]);
    put_varint(out, device);
    put_varint(out, zigzag(at));
    let sum = crc32fast::hash(&out[begun..]);
    out.extend_from_slice(&sum.to_le_bytes());
}

/// Reads the records in `bytes` and hands them to `take`.
pub fn parse_states(bytes: &[u8], mut take: impl FnMut(StateRecord)) {
    let (mut rest, mut damaged) = (bytes, false);
    while !rest.is_empty() {
        match parse(rest) {
            Some((record, length)) => {
                take(record);
                (rest, damaged) = (&rest[length..], false);
            }
            None => {
                if !damaged {
                    take(StateRecord::Damage);
                }
                (rest, damaged) = (&rest[1..], true);
            }
        }
    }
}

fn parse(bytes: &[u8]) -> Option<(StateRecord, usize)> {
    let mut rest = bytes.strip_prefix(&[MARK])?;
    let kind = take(&mut rest, 1)?[0];
    let device = DeviceId(take_varint(&mut rest)?);
    let at = unzigzag(take_varint(&mut rest)?);
    let length = bytes.len() - rest.len();
    let sum = u32::from_le_bytes(take(&mut rest, 4)?.try_into().ok()?);
    if crc32fast::hash(&bytes[..length]) != sum {
        return None;
    }
    let standing = |kind: u8| match kind & !PLANNED {
        0 => Some(Standing::Unknown),
        1 => Some(Standing::Up),
        2 => Some(Standing::Down),
        _ => None,
    };
    let record = match kind {
        BEGIN => StateRecord::Begin(at),
        BEAT => StateRecord::Beat(at),
        END => StateRecord::End(at),
        kind => StateRecord::Change { device, at, standing: standing(kind)?, planned: kind & PLANNED != 0 },
    };
    Some((record, length + 4))
}

/// Hands the records of a day's file to `take`, in the order in which they were written. False where there is no file.
///
/// # Errors
/// The file cannot be read.
pub fn read_states(path: &Path, take: impl FnMut(StateRecord)) -> Result<bool, StoreError> {
    match std::fs::read(path) {
        Ok(bytes) => {
            parse_states(&bytes, take);
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::file("read", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * HOUR;

    fn change(device: u64, at: i64, standing: Standing) -> StateRecord {
        StateRecord::Change { device: DeviceId(device), at, standing, planned: device == 2 }
    }

    fn read(folder: &Folder, day: i64) -> Vec<StateRecord> {
        let mut records = Vec::new();
        read_states(&folder.states_path(day), |record| records.push(record)).unwrap();
        records
    }

    #[test]
    fn a_day_begins_with_what_is_known() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let mut log = StateLog::new(folder.clone());
        let first = [StateRecord::Begin(5), change(1, 6, Standing::Up), change(2, 7, Standing::Down)];
        log.write(&first).unwrap();
        log.write(&[StateRecord::Beat(DAY + 3)]).unwrap();
        log.sync().unwrap();
        assert_eq!(read(&folder, 0), first);
        let at = DAY + 3;
        let next = [change(1, at, Standing::Up), change(2, at, Standing::Down), StateRecord::Beat(at)];
        assert_eq!(read(&folder, 1), next);
        assert_eq!(folder.state_days().unwrap(), [0, 1]);
        let mut log = StateLog::new(folder.clone());
        log.write(&[StateRecord::Begin(DAY + 9)]).unwrap();
        assert_eq!(read(&folder, 1).last(), Some(&StateRecord::Begin(DAY + 9)));
    }

    #[test]
    fn damage_is_told_and_what_follows_is_read() {
        let all = [StateRecord::Begin(5), change(1, 600, Standing::Up), change(9, 7000, Standing::Down)];
        let mut good = Vec::new();
        all.iter().for_each(|record| append(record, &mut good));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x44;
            let mut records = Vec::new();
            parse_states(&bad, |record| records.push(record));
            assert!(records.contains(&StateRecord::Damage), "byte {at}");
            assert_eq!(records.iter().filter(|record| all.contains(record)).count(), 2, "byte {at}");
        }
    }
}
