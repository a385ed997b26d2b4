//! Writes the journal.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{HEADING, JournalRecord, Position, frame, hash, segment_path};
use crate::store::{Entry, StoreError, files};

/// A segment this long is closed and the next begun, in bytes.
const SEGMENT: u64 = 64 << 20;

/// Appends entries in groups, each group on disk before it is answered.
pub struct Appender {
    store: PathBuf,
    file: File,
    path: PathBuf,
    end: Position,
    buffer: Vec<u8>,
    staged: Position,
    /// Set where a failed write may have left bytes behind the end.
    dirty: bool,
}

impl Appender {
    /// Goes on at `end`; what lies behind it in that segment is cut off.
    pub fn open(store: &Path, end: Position) -> Result<Self, StoreError> {
        let (file, path, end) = open_segment(store, end)?;
        let staged = end.clone();
        Ok(Self { store: store.to_owned(), file, path, end, buffer: Vec::new(), staged, dirty: false })
    }

    /// The end of what is on disk.
    pub fn end(&self) -> &Position {
        &self.end
    }

    /// Adds an entry to the group, and gives it its number.
    pub fn stage(&mut self, entry: Entry) -> Result<JournalRecord, StoreError> {
        let record = JournalRecord {
            seq: self.staged.seq + 1,
            prev: self.staged.hash,
            at: entry.at,
            actor: entry.actor,
            why: entry.why,
            verb: entry.verb,
            changes: entry.changes,
        };
        let payload = postcard::to_stdvec(&record).unwrap_or_default();
        if payload.len() > frame::LONGEST {
            return Err(StoreError::TooLarge { bytes: payload.len(), limit: frame::LONGEST });
        }
        frame::write(&payload, &mut self.buffer);
        self.staged.seq = record.seq;
        self.staged.hash = hash(&payload);
        Ok(record)
    }

    /// Puts the group on disk. After an error none of it counts, and the next group is written in its place.
    pub fn sync(&mut self) -> Result<Position, StoreError> {
        match self.write_out() {
            Ok(()) => {
                self.end = self.staged.clone();
                Ok(self.end.clone())
            }
            Err(error) => {
                self.buffer.clear();
                self.staged = self.end.clone();
                self.dirty = true;
                Err(error)
            }
        }
    }

    fn write_out(&mut self) -> Result<(), StoreError> {
        if self.dirty {
            (self.file, self.path, self.end) = open_segment(&self.store, self.end.clone())?;
            self.dirty = false;
        }
        if self.end.offset >= SEGMENT {
            let next = Position { segment: self.end.segment + 1, offset: 0, ..self.end.clone() };
            (self.file, self.path, self.end) = open_segment(&self.store, next)?;
        }
        files::step();
        self.file.write_all(&self.buffer).map_err(StoreError::file("write", &self.path))?;
        self.file.sync_data().map_err(StoreError::file("sync", &self.path))?;
        files::step();
        self.staged.segment = self.end.segment;
        self.staged.offset = self.end.offset + self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

fn open_segment(store: &Path, mut end: Position) -> Result<(File, PathBuf, Position), StoreError> {
    end.segment = end.segment.max(1);
    let path = segment_path(store, end.segment);
    let mut file = files::private_file()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(StoreError::file("open", &path))?;
    let fresh = end.offset < HEADING.len() as u64;
    if fresh {
        file.set_len(0).and_then(|()| file.write_all(HEADING)).map_err(StoreError::file("begin", &path))?;
        end.offset = HEADING.len() as u64;
    } else {
        file.set_len(end.offset).map_err(StoreError::file("cut", &path))?;
    }
    file.seek(SeekFrom::Start(end.offset)).map_err(StoreError::file("open", &path))?;
    file.sync_all().map_err(StoreError::file("sync", &path))?;
    if fresh {
        files::sync_folder(&super::folder_of(store))?;
    }
    Ok((file, path, end))
}
