//! Reads the journal backwards, the newest entry first, and no more of it than is asked for.
//!
//! A frame does not say where the one before it begins. It is found by the chain: of the bytes before a known place
//! that look like a frame which ends there, the entry is the one whose hash the next entry carries. A text inside an
//! entry that is made to look like a frame is none by that.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::frame::{self, Frame, HEAD, MARK};
use super::{Chained, Damage, FlawKind, HEADING, JournalRecord, Position, hash, segment_path, segments};
use crate::store::StoreError;

/// So many bytes are read at once, at the least.
const CHUNK: u64 = 256 << 10;

/// Entries from a known end backwards, damage where it lies.
pub struct JournalBack {
    store: PathBuf,
    /// Segments before the one that is read, in order.
    before: Vec<u32>,
    segment: u32,
    file: Option<File>,
    /// Bytes of the segment from `base` to `end`.
    bytes: Vec<u8>,
    base: u64,
    /// What lies from here on was read.
    end: u64,
    /// The number of the entry that ends there, and its hash where the entry behind it is there and says so.
    seq: u64,
    hash: Option<[u8; 32]>,
    /// Where the chain is broken in this segment: its other entries, by place and length, as a reading from its
    /// beginning finds them.
    listed: Option<Vec<(u64, usize)>>,
    /// What was found and not handed out yet.
    found: VecDeque<Result<Chained, Damage>>,
}

/// Reads backwards from `end`, the place behind an entry.
pub fn back_from(store: &Path, end: &Position) -> Result<JournalBack, StoreError> {
    let before = segments(store)?.into_iter().filter(|&number| number < end.segment).collect();
    let mut back = JournalBack {
        store: store.to_owned(),
        before,
        segment: end.segment,
        file: None,
        bytes: Vec::new(),
        base: end.offset,
        end: end.offset,
        seq: end.seq,
        hash: Some(end.hash),
        listed: None,
        found: VecDeque::new(),
    };
    match back.open(end.segment)? {
        None if end.seq > 0 => back.tell(FlawKind::Segment, &format!("segment {} is missing", end.segment)),
        Some(length) if length < end.offset => {
            back.tell(FlawKind::Cut, &format!("the segment ends before entry {}", end.seq));
            (back.base, back.end, back.hash) = (length, length, None);
            back.list()?;
        }
        _ => {}
    }
    Ok(back)
}

impl Iterator for JournalBack {
    type Item = Result<Result<Chained, Damage>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Some(Ok(found));
            }
            match self.go_back() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl JournalBack {
    /// Finds the entry before, or that something is wrong there; false at the beginning.
    fn go_back(&mut self) -> Result<bool, StoreError> {
        if let Some((place, length)) = self.listed.as_mut().and_then(Vec::pop) {
            self.take_listed(place, length)?;
            return Ok(true);
        }
        let is_inside = self.file.is_some() && self.listed.is_none() && self.end > HEADING.len() as u64;
        if is_inside && !self.take_chained()? {
            self.list()?;
        } else if !is_inside && !self.open_before()? {
            if self.seq == 0 {
                return Ok(false);
            }
            self.tell(FlawKind::Segment, &format!("the entries up to number {} are missing", self.seq));
            self.seq = 0;
        }
        Ok(true)
    }

    /// Opens a segment; its length, or nothing where it is not there.
    fn open(&mut self, segment: u32) -> Result<Option<u64>, StoreError> {
        let path = segment_path(&self.store, segment);
        self.segment = segment;
        self.listed = None;
        self.file = match File::open(&path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(StoreError::file("read", &path)(error)),
        };
        let length = self.file.as_ref().map(|file| file.metadata().map(|data| data.len()));
        length.transpose().map_err(StoreError::file("read", &path))
    }

    /// Goes to the end of the segment before; false where there is none.
    fn open_before(&mut self) -> Result<bool, StoreError> {
        let Some(segment) = self.before.pop() else { return Ok(false) };
        if segment + 1 < self.segment {
            self.tell(FlawKind::Segment, &format!("segment {} is missing", self.segment - 1));
        }
        self.end = self.open(segment)?.unwrap_or(0);
        self.base = self.end;
        self.bytes.clear();
        Ok(true)
    }

    /// Reads further towards the beginning: as much again as is there already. False at the segment's beginning.
    fn widen(&mut self) -> Result<bool, StoreError> {
        let begin = HEADING.len() as u64;
        let Some(file) = self.file.as_ref().filter(|_| self.base > begin) else { return Ok(false) };
        let more = CHUNK.max(self.bytes.len() as u64).min(self.base - begin);
        let mut wider = vec![0; usize::try_from(more).unwrap_or(0)];
        let path = segment_path(&self.store, self.segment);
        file.read_exact_at(&mut wider, self.base - more).map_err(StoreError::file("read", &path))?;
        wider.extend_from_slice(&self.bytes);
        self.bytes = wider;
        self.base -= more;
        Ok(true)
    }

    /// Takes the entry that ends at `end` by the chain; false where there is none.
    fn take_chained(&mut self) -> Result<bool, StoreError> {
        let Some(wanted) = self.hash else { return Ok(false) };
        let mut look_before = self.bytes.len();
        loop {
            if let Some(at) = frame_that_ends(&self.bytes, look_before, &wanted) {
                if let Frame::Whole(payload, record, _) = frame::read(&self.bytes[at..]) {
                    let hash = hash(payload);
                    self.bytes.truncate(at);
                    self.end = self.base + at as u64;
                    self.hand_out(*record, hash);
                }
                return Ok(true);
            }
            let before = self.bytes.len();
            if !self.widen()? {
                return Ok(false);
            }
            // a mark may lie across the seam
            look_before = (self.bytes.len() - before + MARK.len()).min(self.bytes.len());
        }
    }

    /// Notes every frame of the segment before `end`, from its beginning: the chain does not lead to them.
    fn list(&mut self) -> Result<(), StoreError> {
        while self.widen()? {}
        let (mut places, mut at) = (Vec::new(), 0);
        while at < self.bytes.len() {
            match frame::read(&self.bytes[at..]) {
                Frame::Whole(_, _, length) => {
                    places.push((self.base + at as u64, length));
                    at += length;
                }
                Frame::Cut | Frame::Bad(_) => at += frame::distance_to_next(&self.bytes[at..]),
            }
        }
        self.bytes = Vec::new();
        self.listed = Some(places);
        Ok(())
    }

    fn take_listed(&mut self, place: u64, length: usize) -> Result<(), StoreError> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut bytes = vec![0; length];
        let path = segment_path(&self.store, self.segment);
        file.read_exact_at(&mut bytes, place).map_err(StoreError::file("read", &path))?;
        if let Frame::Whole(payload, record, _) = frame::read(&bytes) {
            let hash = hash(payload);
            self.end = place;
            if self.hash.is_some_and(|wanted| record.seq != self.seq || hash != wanted) {
                self.tell(
                    FlawKind::Order,
                    &format!("entry {} does not follow entry {}", self.seq.saturating_add(1), record.seq),
                );
            }
            self.hand_out(*record, hash);
        }
        Ok(())
    }

    fn hand_out(&mut self, record: JournalRecord, hash: [u8; 32]) {
        (self.seq, self.hash) = (record.seq.saturating_sub(1), Some(record.prev));
        self.found.push_back(Ok(Chained { record, hash }));
    }

    fn tell(&mut self, kind: FlawKind, why: &str) {
        let segment = segment_path(&self.store, self.segment);
        let damage = Damage { segment, offset: self.end, bytes: 0, why: why.to_owned(), kind, torn: false };
        self.found.push_back(Err(damage));
    }
}

/// Where the frame begins that ends with `bytes` and whose payload has this hash; only places before `before` are tried.
fn frame_that_ends(bytes: &[u8], before: usize, wanted: &[u8; 32]) -> Option<usize> {
    let last = bytes.len().checked_sub(HEAD)?.min(before);
    (0..=last).rev().find(|&at| {
        frame::stated_length(&bytes[at..]) == Some(bytes.len() - at - HEAD)
            && matches!(frame::read(&bytes[at..]), Frame::Whole(payload, ..) if hash(payload) == *wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Appender, folder_of};
    use super::*;
    use crate::model::Timestamp;
    use crate::store::Entry;

    #[test]
    fn a_hundred_thousand_entries_are_paged_without_being_held() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder_of(folder.path())).unwrap();
        let mut appender = Appender::open(folder.path(), Position::default()).unwrap();
        for number in 0..100_000 {
            let verb = format!("backup run device-{number}");
            appender.stage(Entry::new(Timestamp(number), "schedule", "the daily backup", verb)).unwrap();
        }
        let end = appender.sync().unwrap();
        let mut back = back_from(folder.path(), &end).unwrap();
        let newest: Vec<_> =
            back.by_ref().take(500).map(|found| found.unwrap().unwrap().record.seq).collect();
        assert_eq!((newest[0], newest[499]), (100_000, 99_501));
        let read = end.offset - back.base;
        assert!(read < 1 << 20, "the newest page has read {read} of {} bytes", end.offset);
        let mut most = 0;
        let mut count = 500;
        while let Some(found) = back.next() {
            found.unwrap().unwrap();
            most = most.max(back.bytes.capacity());
            count += 1;
        }
        assert_eq!(count, 100_000);
        assert!(most < 2 << 20, "{most} bytes were held at once");
    }
}
