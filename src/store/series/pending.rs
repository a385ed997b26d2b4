//! The samples of the hour that goes on, written once a minute: what is left of them after a crash.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::bits::{put_varint, take_varint, unzigzag, zigzag};
use super::block::Heard;
use super::rtt::Rtt;
use crate::model::DeviceId;
use crate::store::{StoreError, files};

const HEADING: &[u8] = b"noctule pending 1\n";
/// Before each piece: a mark, the length of what follows, its checksum.
const HEAD: usize = 9;
const MARK: u8 = 0xb2;
/// The most bytes of samples that wait for a disk which takes none.
const MOST_WAITING: usize = 8 << 20;
/// What a lost probe is written as.
const LOST: u64 = 0;

/// A sample and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingSample {
    /// Whose.
    pub device: DeviceId,
    /// What was heard.
    pub heard: Heard,
}

/// The file of one generation.
pub struct Pending {
    path: PathBuf,
    file: Option<File>,
    /// Up to here all is well.
    length: u64,
    waiting: Vec<u8>,
    last: i64,
}

impl Pending {
    /// The file at `path`, of which the first `length` bytes are whole; made with the first sample.
    pub fn new(path: PathBuf, length: u64) -> Self {
        Self { path, file: None, length, waiting: Vec::new(), last: 0 }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a sample, to be written with the next [`Pending::write`]. Where the disk has refused megabytes of them,
    /// they are held in memory alone.
    pub fn add(&mut self, sample: PendingSample) {
        if self.waiting.len() >= MOST_WAITING {
            return;
        }
        put_varint(&mut self.waiting, sample.device.0);
        put_varint(&mut self.waiting, zigzag(sample.heard.at.wrapping_sub(self.last)));
        self.last = sample.heard.at;
        put_varint(&mut self.waiting, sample.heard.rtt.map_or(LOST, |rtt| u64::from(rtt.step()) + 1));
    }

    /// Adds and writes as many as there are.
    ///
    /// # Errors
    /// The disk refuses it.
    pub fn add_all(&mut self, samples: impl Iterator<Item = PendingSample>) -> Result<(), StoreError> {
        for sample in samples {
            self.add(sample);
            if self.waiting.len() >= MOST_WAITING / 2 {
                self.write()?;
            }
        }
        self.write()
    }

    /// Writes what was added, to the disk itself.
    ///
    /// # Errors
    /// The disk refuses it; the samples are kept for the next time.
    pub fn write(&mut self) -> Result<(), StoreError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let refused = |act| StoreError::file(act, &self.path);
        let packed = zstd::bulk::compress(&self.waiting, 1).map_err(refused("pack"))?;
        let mut piece = vec![MARK];
        piece.extend_from_slice(&u32::try_from(packed.len()).unwrap_or(u32::MAX).to_le_bytes());
        piece.extend_from_slice(&crc32fast::hash(&packed).to_le_bytes());
        piece.extend_from_slice(&packed);
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let (file, length) = begin(&self.path, self.length)?;
                self.length = length;
                self.file.insert(file)
            }
        };
        let written = file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| file.write_all(&piece))
            .and_then(|()| file.sync_data());
        if let Err(error) = written {
            // a half piece is overwritten or cut away, whichever comes first
            let _ = file.set_len(self.length);
            return Err(StoreError::file("write", &self.path)(error));
        }
        self.length += piece.len() as u64;
        self.waiting.clear();
        self.last = 0;
        Ok(())
    }
}

fn begin(path: &Path, length: u64) -> Result<(File, u64), StoreError> {
    let opened = files::private_file().write(true).create(true).truncate(false).open(path);
    let mut file = opened.map_err(StoreError::file("open", path))?;
    if length >= HEADING.len() as u64 {
        file.set_len(length).map_err(StoreError::file("cut", path))?;
        return Ok((file, length));
    }
    file.set_len(0).and_then(|()| file.write_all(HEADING)).map_err(StoreError::file("begin", path))?;
    files::sync_folder(path.parent().unwrap_or(Path::new(".")))?;
    Ok((file, HEADING.len() as u64))
}

/// What [`replay`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// So many bytes from the beginning on are whole.
    pub length: u64,
    /// So many bytes behind them are not: cut off at a crash, or damaged.
    pub cut: u64,
}

/// Hands the samples of a file to `take`, in the order in which they came, up to the first piece that is not whole.
///
/// # Errors
/// The file cannot be read.
pub fn replay(path: &Path, mut take: impl FnMut(PendingSample)) -> Result<Replayed, StoreError> {
    let file = File::open(path).map_err(StoreError::file("open", path))?;
    let size = file.metadata().map_err(StoreError::file("open", path))?.len();
    let mut file = BufReader::new(file);
    let mut heading = [0; HEADING.len()];
    if file.read_exact(&mut heading).is_err() || heading != HEADING {
        return Ok(Replayed { length: 0, cut: size });
    }
    let mut length = HEADING.len() as u64;
    while let Some(piece) = read_piece(&mut file, size - length) {
        let Some(samples) = unpack(&piece) else { break };
        samples.into_iter().for_each(&mut take);
        length += (HEAD + piece.len()) as u64;
    }
    Ok(Replayed { length, cut: size - length })
}

/// The next piece, if it is whole; `left` bytes are in the file.
fn read_piece(file: &mut impl Read, left: u64) -> Option<Vec<u8>> {
    let mut head = [0; HEAD];
    file.read_exact(&mut head).ok()?;
    let number = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let length = number(1).filter(|length| head[0] == MARK && u64::from(*length) <= left)?;
    let mut piece = vec![0; length as usize];
    file.read_exact(&mut piece).ok()?;
    (crc32fast::hash(&piece) == number(5)?).then_some(piece)
}

fn unpack(piece: &[u8]) -> Option<Vec<PendingSample>> {
    let bytes = zstd::bulk::decompress(piece, MOST_WAITING + 64).ok()?;
    let (mut rest, mut last) = (&bytes[..], 0i64);
    let mut samples = Vec::with_capacity(bytes.len() / 6);
    while !rest.is_empty() {
        let device = DeviceId(take_varint(&mut rest)?);
        last = last.wrapping_add(unzigzag(take_varint(&mut rest)?));
        let rtt = match take_varint(&mut rest)? {
            LOST => None,
            step => Some(Rtt::from_step(u16::try_from(step - 1).ok()?)?),
        };
        samples.push(PendingSample { device, heard: Heard { at: last, rtt } });
    }
    Some(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(n: i64) -> PendingSample {
        let rtt = (n % 7 != 0).then(|| Rtt::from_step((n % 300) as u16).unwrap());
        PendingSample {
            device: DeviceId(n as u64 % 40),
            heard: Heard { at: 1_795_000_000_000 + n * 900, rtt },
        }
    }

    fn read(path: &Path) -> (Vec<PendingSample>, Replayed) {
        let mut samples = Vec::new();
        let replayed = replay(path, |sample| samples.push(sample)).unwrap();
        (samples, replayed)
    }

    #[test]
    fn wherever_it_is_cut_what_was_written_before_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pending");
        let mut pending = Pending::new(path.clone(), 0);
        let all: Vec<_> = (0..300).map(sample).collect();
        let mut ends = Vec::new();
        for minute in all.chunks(100) {
            minute.iter().for_each(|sample| pending.add(*sample));
            pending.write().unwrap();
            ends.push(pending.length);
        }
        assert_eq!(read(&path).0, all);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let minutes = ends.iter().filter(|end| **end <= length as u64).count();
            let (samples, replayed) = read(&path);
            assert_eq!(samples, all[..minutes * 100], "cut at {length}");
            assert_eq!(replayed.length + replayed.cut, length as u64);
        }
        // a new minute goes where the damaged end was
        let (_, replayed) = read(&path);
        let mut pending = Pending::new(path.clone(), replayed.length);
        pending.add(sample(7));
        pending.write().unwrap();
        assert_eq!(read(&path).0.last(), Some(&sample(7)));
        assert_eq!(read(&path).1.cut, 0);
    }

    #[test]
    fn a_flipped_bit_is_never_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pending");
        let mut pending = Pending::new(path.clone(), 0);
        let all: Vec<_> = (0..50).map(sample).collect();
        all.iter().for_each(|sample| pending.add(*sample));
        pending.write().unwrap();
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bad = whole.clone();
            bad[at] ^= 0x10;
            std::fs::write(&path, &bad).unwrap();
            assert_eq!(read(&path).0, [], "byte {at}");
        }
    }
}
