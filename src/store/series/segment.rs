//! One immutable file: blocks of many devices, each with its own checksum, and where each device's lie.
//!
//! A file is `noctule series 1\n`, blocks, the index, its length and checksum. A block is a mark, the device's number,
//! a length, a checksum and a payload, so that a file whose index is damaged can still be read from its beginning.

use std::fs;
use std::path::{Path, PathBuf};

use super::bits::{put_varint, take, take_varint};
use crate::model::DeviceId;
use crate::store::{StoreError, files};

const HEADING: &[u8] = b"noctule series 1\n";
const MARK: u8 = 0xb1;
/// Length and checksum of the index.
const FOOT: usize = 8;

/// A file that is being made, in memory.
pub struct Build {
    bytes: Vec<u8>,
    index: Vec<u8>,
    last: u64,
}

impl Default for Build {
    fn default() -> Self {
        Self { bytes: HEADING.to_vec(), index: Vec::new(), last: 0 }
    }
}

impl Build {
    /// Adds a block. Devices come in order; one may come several times.
    pub fn add(&mut self, device: DeviceId, start: i64, payload: &[u8]) {
        let begun = self.bytes.len();
        self.bytes.push(MARK);
        put_varint(&mut self.bytes, device.0);
        put_varint(&mut self.bytes, (8 + payload.len()) as u64);
        let start = start.to_le_bytes();
        self.bytes.extend_from_slice(&checksum(device, &start, payload).to_le_bytes());
        self.bytes.extend_from_slice(&start);
        self.bytes.extend_from_slice(payload);
        put_varint(&mut self.index, device.0.wrapping_sub(self.last));
        put_varint(&mut self.index, (self.bytes.len() - begun) as u64);
        self.last = device.0;
    }

    /// Writes it to `path`, whole or not at all.
    ///
    /// # Errors
    /// The disk refuses it.
    pub fn write(mut self, path: &Path) -> Result<(), StoreError> {
        self.bytes.extend_from_slice(&self.index);
        let length = u32::try_from(self.index.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(&crc32fast::hash(&self.index).to_le_bytes());
        files::write_durably(path, &self.bytes)
    }
}

fn checksum(device: DeviceId, start: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in [&device.0.to_le_bytes()[..], start, payload] {
        hasher.update(part);
    }
    hasher.finalize()
}

/// A device's blocks in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceBlocks {
    /// Those that are whole: the moment of each, and its payload.
    pub whole: Vec<(i64, Vec<u8>)>,
    /// How many others there are.
    pub damaged: usize,
}

/// A file that is read.
pub struct Segment {
    path: PathBuf,
    /// Device, place and length of each block, by device.
    blocks: Vec<(DeviceId, u64, usize)>,
    file: fs::File,
    /// What is wrong with the file, in a sentence.
    damage: Option<String>,
}

impl Segment {
    /// Opens a file and reads its index; where that is damaged, the whole file.
    ///
    /// # Errors
    /// The file cannot be read, or is none of this kind.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = fs::File::open(path).map_err(StoreError::file("open", path))?;
        let size = file.metadata().map_err(StoreError::file("open", path))?.len();
        let mut segment = Self { path: path.to_owned(), blocks: Vec::new(), file, damage: None };
        match segment.read_index(size) {
            Some(blocks) => segment.blocks = blocks,
            None => segment.look_for_blocks()?,
        }
        Ok(segment)
    }

    /// What is wrong with it as a whole; single blocks are looked at when they are read.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// The blocks of a device.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn blocks(&self, device: DeviceId) -> Result<DeviceBlocks, StoreError> {
        let first = self.blocks.partition_point(|block| block.0 < device);
        let mut found = DeviceBlocks::default();
        for &(_, place, length) in self.blocks[first..].iter().take_while(|block| block.0 == device) {
            let bytes = self.read(place, length)?;
            match parse(&bytes).filter(|block| block.device == device) {
                Some(block) => found.whole.push((block.start, block.payload.to_vec())),
                None => found.damaged += 1,
            }
        }
        Ok(found)
    }

    /// Hands every whole block of the file to `take`: whose, from when, payload. Says how many others are damaged.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn each(&self, mut take: impl FnMut(DeviceId, i64, &[u8])) -> Result<usize, StoreError> {
        let bytes = fs::read(&self.path).map_err(StoreError::file("read", &self.path))?;
        let mut damaged = 0;
        for &(device, place, length) in &self.blocks {
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            let bytes = bytes.get(place..place.saturating_add(length)).unwrap_or_default();
            match parse(bytes).filter(|block| block.device == device) {
                Some(block) => take(device, block.start, block.payload),
                None => damaged += 1,
            }
        }
        Ok(damaged)
    }

    fn read(&self, place: u64, length: usize) -> Result<Vec<u8>, StoreError> {
        use std::os::unix::fs::FileExt;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, place).map_err(StoreError::file("read", &self.path))?;
        Ok(bytes)
    }

    fn read_index(&self, size: u64) -> Option<Vec<(DeviceId, u64, usize)>> {
        let foot = self.read(size.checked_sub(FOOT as u64)?, FOOT).ok()?;
        let number = |at: usize| Some(u32::from_le_bytes(foot.get(at..at + 4)?.try_into().ok()?));
        let length = u64::from(number(0)?);
        let begun = size.checked_sub(FOOT as u64 + length).filter(|begun| *begun >= HEADING.len() as u64)?;
        let index = self.read(begun, usize::try_from(length).ok()?).ok()?;
        if crc32fast::hash(&index) != number(4)? {
            return None;
        }
        let mut rest = &index[..];
        let (mut device, mut place) = (0u64, HEADING.len() as u64);
        let mut blocks = Vec::new();
        while !rest.is_empty() {
            device = device.wrapping_add(take_varint(&mut rest)?);
            let length = take_varint(&mut rest)?;
            let end = place.checked_add(length).filter(|end| *end <= begun)?;
            blocks.push((DeviceId(device), place, usize::try_from(length).ok()?));
            place = end;
        }
        Some(blocks)
    }

    /// Finds the whole blocks without an index.
    fn look_for_blocks(&mut self) -> Result<(), StoreError> {
        let bytes = fs::read(&self.path).map_err(StoreError::file("read", &self.path))?;
        let mut at = 0;
        while at < bytes.len() {
            match (bytes[at] == MARK).then(|| parse(&bytes[at..])).flatten() {
                Some(block) => {
                    self.blocks.push((block.device, at as u64, block.length));
                    at += block.length;
                }
                None => at += 1,
            }
        }
        self.blocks.sort_unstable();
        self.damage = Some(format!(
            "{} is damaged: its index does not match its checksum; {} blocks in it are whole",
            self.path.display(),
            self.blocks.len()
        ));
        Ok(())
    }
}

struct Parsed<'a> {
    device: DeviceId,
    start: i64,
    payload: &'a [u8],
    /// Of all of it.
    length: usize,
}

/// The block at the beginning of the bytes; `None` where there is no whole one.
fn parse(bytes: &[u8]) -> Option<Parsed<'_>> {
    let mut rest = bytes.strip_prefix(&[MARK])?;
    let device = DeviceId(take_varint(&mut rest)?);
    let length = take_varint(&mut rest)?;
    let sum = u32::from_le_bytes(take(&mut rest, 4)?.try_into().ok()?);
    let body = take(&mut rest, length)?;
    let (start, payload) = body.split_at_checked(8)?;
    let whole = checksum(device, start, payload) == sum;
    let start = i64::from_le_bytes(start.try_into().ok()?);
    whole.then_some(Parsed { device, start, payload, length: bytes.len() - rest.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(folder: &Path) -> PathBuf {
        let path = folder.join("segment");
        let mut build = Build::default();
        for device in 1..=50u64 {
            build.add(DeviceId(device * 3), 1000 + device as i64, &[device as u8; 40]);
        }
        build.add(DeviceId(150), 9999, b"again");
        build.write(&path).unwrap();
        path
    }

    fn whole(segment: &Segment) -> (usize, usize) {
        let mut count = 0;
        let damaged = segment
            .each(|device, start, payload| {
                assert!(device == DeviceId(150) || payload == [(device.0 / 3) as u8; 40]);
                assert!(start > 1000);
                count += 1;
            })
            .unwrap();
        (count, damaged)
    }

    #[test]
    fn a_device_finds_its_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let segment = Segment::open(&sample(folder.path())).unwrap();
        assert_eq!(segment.blocks(DeviceId(9)).unwrap().whole, [(1003, vec![3; 40])]);
        assert_eq!(segment.blocks(DeviceId(150)).unwrap().whole.len(), 2);
        assert_eq!(segment.blocks(DeviceId(10)).unwrap(), DeviceBlocks::default());
        assert_eq!((whole(&segment), segment.damage()), ((51, 0), None));
    }

    #[test]
    fn whichever_bit_flips_no_other_block_is_lost_and_no_wrong_one_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample(folder.path());
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            fs::write(&path, &bad).unwrap();
            let segment = Segment::open(&path).unwrap();
            let (count, damaged) = whole(&segment);
            assert!(count >= 50, "byte {at}: {count} of 51");
            assert!(count == 51 || damaged == 1 || segment.damage().is_some(), "byte {at} is silent");
        }
    }

    #[test]
    fn a_cut_file_gives_what_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample(folder.path());
        let good = fs::read(&path).unwrap();
        for length in 0..good.len() {
            fs::write(&path, &good[..length]).unwrap();
            let segment = Segment::open(&path).unwrap();
            assert!(segment.damage().is_some());
            let (count, damaged) = whole(&segment);
            assert!(damaged == 0 && count >= (length.saturating_sub(20) / 60).min(50), "{length}: {count}");
        }
    }
}
