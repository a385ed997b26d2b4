//! Reads the journal: every entry that is whole, and every stretch that is not.

use std::collections::VecDeque;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::frame::{Frame, distance_to_next, read};
use super::{Damage, FlawKind, HEADING, JournalRecord, Position, hash, segment_path, segments};
use crate::store::StoreError;

/// Entries in order, damage where it lies.
pub struct JournalScan {
    store: PathBuf,
    waiting: VecDeque<u32>,
    /// Of the segment that is being read, from `base` on.
    bytes: Vec<u8>,
    base: u64,
    at: usize,
    position: Position,
    from: u64,
    /// What was found and not handed out yet.
    found: VecDeque<Result<JournalRecord, Damage>>,
}

/// Scans from entry `from` on; what lies before is read too, for the chain.
pub fn scan(store: &Path, from: u64) -> Result<JournalScan, StoreError> {
    let mut scan = scan_from(store, Position::default())?;
    scan.from = from;
    Ok(scan)
}

/// Scans from a known place on.
pub fn scan_from(store: &Path, position: Position) -> Result<JournalScan, StoreError> {
    let waiting: VecDeque<u32> =
        segments(store)?.into_iter().filter(|&number| number >= position.segment).collect();
    let mut scan = JournalScan {
        store: store.to_owned(),
        waiting,
        bytes: Vec::new(),
        base: 0,
        at: 0,
        position: position.clone(),
        from: 0,
        found: VecDeque::new(),
    };
    let resumes_inside = scan.waiting.front() == Some(&position.segment) && position.offset > 0;
    if resumes_inside {
        scan.waiting.pop_front();
        scan.load_rest(&position)?;
    }
    Ok(scan)
}

impl JournalScan {
    /// The place behind what was read so far.
    pub fn position(&self) -> Position {
        Position { offset: self.base + self.at as u64, ..self.position.clone() }
    }

    /// Reads the segment of `position` from there on: a start does not read what the index holds already.
    fn load_rest(&mut self, position: &Position) -> Result<(), StoreError> {
        let path = segment_path(&self.store, position.segment);
        let mut file = fs::File::open(&path).map_err(StoreError::file("read", &path))?;
        let length = file.metadata().map_err(StoreError::file("read", &path))?.len();
        self.base = position.offset.min(length);
        file.seek(SeekFrom::Start(self.base))
            .and_then(|_| file.read_to_end(&mut self.bytes))
            .map_err(StoreError::file("read", &path))?;
        Ok(())
    }

    fn load_next_segment(&mut self) -> Result<bool, StoreError> {
        let Some(number) = self.waiting.pop_front() else { return Ok(false) };
        let path = segment_path(&self.store, number);
        self.bytes = fs::read(&path).map_err(StoreError::file("read", &path))?;
        let expected = self.position.segment + 1;
        self.position.segment = number;
        (self.base, self.at) = (0, 0);
        if number > expected {
            self.tell(FlawKind::Segment, &missing(expected, number - 1));
        }
        if let Some(rest) = self.bytes.strip_prefix(HEADING) {
            self.at = self.bytes.len() - rest.len();
        } else if !self.bytes.is_empty() {
            self.tell(FlawKind::Bytes, "no heading");
        }
        Ok(true)
    }

    fn damage(&self, kind: FlawKind, bytes: usize, why: &str, torn: bool) -> Damage {
        Damage {
            segment: segment_path(&self.store, self.position.segment),
            offset: self.base + self.at as u64,
            bytes: bytes as u64,
            why: why.to_owned(),
            kind,
            torn,
        }
    }

    fn tell(&mut self, kind: FlawKind, why: &str) {
        let damage = self.damage(kind, 0, why, false);
        self.found.push_back(Err(damage));
    }

    /// Passes over what is no entry.
    fn skip(&mut self, why: &str) {
        let bytes = distance_to_next(&self.bytes[self.at..]);
        let ends_all = self.at + bytes == self.bytes.len() && self.waiting.is_empty();
        let damage = self.damage(FlawKind::Bytes, bytes, why, ends_all);
        self.at += bytes;
        self.found.push_back(Err(damage));
    }

    /// Reads on: an entry, and before it what is wrong with its place.
    fn take(&mut self) {
        let (record, found_hash, length) = match read(&self.bytes[self.at..]) {
            Frame::Whole(payload, record, length) => (*record, hash(payload), length),
            Frame::Cut => return self.skip("the end of an entry is missing"),
            Frame::Bad(why) => return self.skip(why),
        };
        let next = self.position.seq.checked_add(1);
        let follows = Some(record.seq) == next && record.prev == self.position.hash;
        if !follows {
            let why = format!("entry {} does not follow entry {}", record.seq, self.position.seq);
            self.tell(FlawKind::Order, &why);
        }
        self.at += length;
        self.position.seq = record.seq;
        self.position.hash = found_hash;
        self.found.push_back(Ok(record));
    }
}

fn missing(first: u32, last: u32) -> String {
    match first == last {
        true => format!("segment {first} is missing"),
        false => format!("segments {first} to {last} are missing"),
    }
}

impl Iterator for JournalScan {
    type Item = Result<Result<JournalRecord, Damage>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.found.pop_front() {
                Some(Ok(record)) if record.seq < self.from => continue,
                Some(found) => return Some(Ok(found)),
                None => {}
            }
            if self.at < self.bytes.len() {
                self.take();
                continue;
            }
            match self.load_next_segment() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
