//! Whether the tables are what the mark says: sums over all their records. What the check of the present has read is
//! kept for whoever asks for it first, so that a start reads and checks every record once.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use sled::IVec;

use super::{Index, MARK, quietly};
use crate::model::{Revision, Run};
use crate::store::record::{self, Record};
use crate::store::{Recording, TerminalRecording};

/// The tables of the past.
const PAST: [&str; 4] = [Revision::TABLE, Run::TABLE, Recording::TABLE, TerminalRecording::TABLE];

/// More tables than this are not noctule's.
const MOST_TABLES: usize = 64;

/// Which tables are checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What a first screen shows.
    Present,
    /// What grows without end.
    Past,
}

/// By table.
pub type Sums = BTreeMap<String, Sum>;

/// Records as they lie in sled, in order, each with a right checksum.
pub type Raw = Vec<(IVec, IVec)>;

/// A checksum of a table that does not depend on order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    records: u64,
    sum: u64,
}

/// Which part a table belongs to.
pub fn part_of(table: &[u8]) -> Part {
    if PAST.iter().any(|past| past.as_bytes() == table) { Part::Past } else { Part::Present }
}

impl Index {
    /// Whether the tables are what the mark says.
    pub fn check(&self) -> Result<(), String> {
        self.check_part(Part::Present)?;
        self.check_part(Part::Past)
    }

    pub(super) fn check_part(&self, part: Part) -> Result<(), String> {
        self.compare(part, false).map(drop)
    }

    /// Checks the present, and keeps what was read.
    pub(super) fn check_and_keep_present(&self) -> Result<(), String> {
        let read = self.compare(Part::Present, true)?;
        *self.read_ahead.lock().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// What a table held when it was checked; once, and only until something is written.
    pub(super) fn take_read_ahead<R: Record>(&self) -> Option<Raw> {
        self.read_ahead.lock().unwrap_or_else(PoisonError::into_inner).remove(R::TABLE)
    }

    pub(super) fn forget_read_ahead(&self) {
        self.read_ahead.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn compare(&self, part: Part, keep: bool) -> Result<HashMap<String, Raw>, String> {
        let tables = quietly(|| self.tables(part)).unwrap_or_else(gave_up)?;
        let mut expected = self.mark()?.unwrap_or_default().sums;
        expected.retain(|table, sum| sum.records > 0 && part_of(table.as_bytes()) == part);
        let read = |table: &String| quietly(|| self.read_table(table, keep)).unwrap_or_else(gave_up);
        let found: Vec<Result<_, String>> = match part {
            // a person waits, and most of the time goes into making pages from the file's bytes: on every core
            Part::Present => std::thread::scope(|scope| {
                let reads: Vec<_> = tables.iter().map(|table| scope.spawn(move || read(table))).collect();
                reads.into_iter().map(|read| read.join().unwrap_or_else(|_| gave_up())).collect()
            }),
            Part::Past => tables.iter().map(read).collect(),
        };
        let (mut sums, mut records) = (Sums::new(), HashMap::new());
        for (table, found) in tables.into_iter().zip(found) {
            let (sum, raw) = found?;
            sums.insert(table.clone(), sum);
            records.insert(table, raw);
        }
        sums.retain(|_, sum| sum.records > 0);
        if expected == sums {
            Ok(records)
        } else {
            Err("records are missing or were changed behind the journal's back".into())
        }
    }

    /// The tables of `part` that have a record.
    fn tables(&self, part: Part) -> Result<Vec<String>, String> {
        let tree = self.tree().map_err(|error| error.to_string())?;
        let mut tables = Vec::new();
        let mut from = Vec::new();
        while let Some(first) = tree.range(from..).next() {
            let (place, _) = first.map_err(|error| error.to_string())?;
            let table = place.split(|&byte| byte == 0).next().unwrap_or_default();
            if part_of(table) == part {
                tables.push(String::from_utf8(table.to_vec()).map_err(|_| "a table's name is no text")?);
            }
            if tables.len() > MOST_TABLES {
                return Err("it holds tables that no noctule makes".into());
            }
            from = [table, b"\x01"].concat();
        }
        Ok(tables)
    }

    fn read_table(&self, table: &str, keep: bool) -> Result<(Sum, Raw), String> {
        let tree = self.tree().map_err(|error| error.to_string())?;
        let (mut sum, mut read) = (Sum::default(), Raw::new());
        for found in tree.range(table.as_bytes()..&[table.as_bytes(), b"\x01"].concat()) {
            let (place, bytes) = found.map_err(|error| error.to_string())?;
            if self.stopped.load(Ordering::Relaxed) {
                return Err("the check was broken off".into());
            }
            if place == MARK {
                continue;
            }
            if record::without_checksum(&bytes).is_none() {
                return Err(format!("a record of the table `{table}` is damaged"));
            }
            sum.put_in(&place, &bytes);
            if keep {
                read.push((place, bytes));
            }
        }
        Ok((sum, read))
    }
}

/// sled panicked on its files.
fn gave_up<T>() -> Result<T, String> {
    Err("sled gave up on its files".into())
}

impl Sum {
    pub(super) fn put_in(&mut self, place: &[u8], bytes: &[u8]) {
        self.records += 1;
        self.sum = self.sum.wrapping_add(mix(place, bytes));
    }

    pub(super) fn take_out(&mut self, place: &[u8], bytes: &[u8]) {
        self.records = self.records.saturating_sub(1);
        self.sum = self.sum.wrapping_sub(mix(place, bytes));
    }
}

/// 64 bits of a place and its value. Against accidents, not against people: those the hash chain is for.
fn mix(place: &[u8], bytes: &[u8]) -> u64 {
    let (place, bytes) = (crc32fast::hash(place), crc32fast::hash(bytes));
    (u64::from(place) << 32 | u64::from(bytes)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
