//! The present, in sled: what the journal comes to. It can always be thrown away.
//!
//! All tables lie in one sled tree, so that a group of entries, the mark of how far the journal is applied, and the
//! tables' checksums change in one atomic batch. sled 0.34 loses and invents data silently when its files are
//! damaged; the checksums notice that, and the index is then rebuilt.
//!
//! The tables of the present are checked before the index opens. Those of the past grow without end: they are checked
//! behind the first frame, and whoever asks for them, or writes, waits until that is done.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sled::Batch;

use super::journal::{self, Change, Damage, Position};
use super::record::{self, Key, Record, damaged};
use super::{OpenReport, Recording, StoreError, files};
use crate::model::{Revision, Run, Timestamp};

const MARK: &[u8] = b"\0mark";
const FOLDER: &str = "index";
const CACHE: u64 = 32 << 20;
/// The tables of the past.
const PAST: [&str; 3] = [Revision::TABLE, Run::TABLE, Recording::TABLE];

/// The sled tree and what is in it.
pub struct Index {
    folder: PathBuf,
    opened: Timestamp,
    /// Another one after a rebuild.
    tree: RwLock<sled::Db>,
    /// What the check of the past found; set once, by whoever asks first.
    past: OnceLock<Result<Vec<String>, String>>,
    stopped: AtomicBool,
}

/// Which tables are checked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Present,
    Past,
}

/// How far the journal is applied, and what the tables then come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    end: Position,
    sums: Sums,
}

/// By table.
type Sums = BTreeMap<String, Sum>;

/// A checksum of a table that does not depend on order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sum {
    records: u64,
    sum: u64,
}

/// Opens the index of the store in `folder`, brings it up to the journal's end, and says where that is.
pub fn open(folder: &Path, now: Timestamp, report: &mut OpenReport) -> Result<(Index, Position), StoreError> {
    files::make_private_folder(&journal::folder_of(folder))?;
    if let Some(index) = open_as_it_is(folder, now, report)? {
        index.refuse_lost_entries(folder)?;
        match index.catch_up(folder, report) {
            Ok(end) => return Ok((index, end)),
            Err(error) => report.notes.push(format!("the index does not follow the journal: {error}")),
        }
    }
    let (index, end) = rebuild(folder, now, report)?;
    // it was just made from the journal
    let _ = index.past.set(Ok(Vec::new()));
    Ok((index, end))
}

/// Moves what is there aside and makes the index anew from the journal.
fn rebuild(folder: &Path, now: Timestamp, report: &mut OpenReport) -> Result<(Index, Position), StoreError> {
    let path = folder.join(FOLDER);
    if path.exists() {
        let aside = unused(folder, &format!("index.damaged-{}", now.0));
        std::fs::rename(&path, &aside).map_err(StoreError::file("move aside", &path))?;
        report.notes.push(format!(
            "the index was damaged: it is kept in {} and was rebuilt from the journal",
            aside.display()
        ));
    }
    let index = Index::new(folder, now, open_sled(&path)?);
    let end = index.catch_up(folder, report)?;
    Ok((index, end))
}

/// The index, if it opens and its tables are what its mark says.
fn open_as_it_is(
    folder: &Path,
    now: Timestamp,
    report: &mut OpenReport,
) -> Result<Option<Index>, StoreError> {
    let path = folder.join(FOLDER);
    let existed = path.exists();
    match open_sled(&path) {
        Ok(tree) => {
            let index = Index::new(folder, now, tree);
            match index.check_part(Part::Present) {
                Ok(()) => Ok(Some(index)),
                Err(why) => {
                    if existed {
                        report.notes.push(not_as_it_should_be(&why));
                    }
                    Ok(None)
                }
            }
        }
        // A full disk says nothing about the index: moving it aside would only take more room.
        Err(error @ (StoreError::InUse { .. } | StoreError::File { .. })) => Err(error),
        Err(error) => {
            report.notes.push(format!("the index does not open: {error}"));
            Ok(None)
        }
    }
}

fn not_as_it_should_be(why: &str) -> String {
    format!("the index is not what it should be: {why}")
}

/// A path in `folder` that nothing has yet.
fn unused(folder: &Path, name: &str) -> PathBuf {
    let numbered =
        |number: u32| if number == 0 { folder.join(name) } else { folder.join(format!("{name}-{number}")) };
    (0..).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| folder.join(name))
}

/// Opens sled; its panics on damaged files stay here.
fn open_sled(path: &Path) -> Result<sled::Db, StoreError> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let opened = quietly(|| sled::Config::new().path(path).cache_capacity(CACHE).open());
        match opened {
            Some(Ok(tree)) => {
                protect(path);
                return Ok(tree);
            }
            // sled lets go of its lock some time after the last handle is dropped.
            Some(Err(sled::Error::Io(error))) if error.to_string().contains("acquire lock") => {
                if Instant::now() > deadline {
                    let holder = "a process that does not hold the owner lock".into();
                    return Err(StoreError::InUse { folder: path.to_owned(), holder });
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Some(Err(sled::Error::Io(error))) if is_no_room(&error) => {
                return Err(StoreError::file("open", path)(error));
            }
            Some(Err(error)) => return Err(damaged_index(path, error.to_string())),
            None => return Err(damaged_index(path, "sled gave up on its files".into())),
        }
    }
}

fn is_no_room(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

fn damaged_index(path: &Path, why: String) -> StoreError {
    StoreError::Damaged { what: path.display().to_string(), why }
}

/// Runs what may panic on damaged files; `None` if it did.
fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

/// What reads or writes sled: a panic of its own on damaged files becomes an error.
fn contained<T>(run: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    quietly(run).unwrap_or_else(|| {
        Err(StoreError::Damaged { what: "the index".into(), why: "sled gave up on its files".into() })
    })
}

/// sled makes its files for everybody to read.
fn protect(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700));
}

impl Index {
    fn new(folder: &Path, opened: Timestamp, tree: sled::Db) -> Self {
        Self {
            folder: folder.to_owned(),
            opened,
            tree: RwLock::new(tree),
            past: OnceLock::new(),
            stopped: AtomicBool::new(false),
        }
    }

    fn tree(&self) -> sled::Db {
        self.tree.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks the past, unless that was done, and rebuilds the index if it is damaged. What there is to tell of it.
    pub fn settle(&self) -> Result<&[String], StoreError> {
        let settled = self.past.get_or_init(|| {
            let Err(why) = self.check_part(Part::Past) else { return Ok(Vec::new()) };
            if self.stopped.load(Ordering::Relaxed) {
                return Err("it was closed".into());
            }
            let mut report = OpenReport { notes: vec![not_as_it_should_be(&why)] };
            let (anew, _) =
                rebuild(&self.folder, self.opened, &mut report).map_err(|error| error.to_string())?;
            *self.tree.write().unwrap_or_else(PoisonError::into_inner) = anew.tree();
            Ok(report.notes)
        });
        settled.as_deref().map_err(|why| self.broken(why.clone()))
    }

    /// Ends a check that is going on: the store closes.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// See [`super::Store::get`].
    pub fn get<R: Record>(&self, key: &R::Key) -> Result<Option<R>, StoreError> {
        self.wait_for::<R>()?;
        let key = key.encode();
        let tree = self.tree();
        contained(|| {
            let found =
                tree.get(place(R::TABLE, &key)).map_err(|error| damaged::<R>(&key, error.to_string()))?;
            found.map(|bytes| read::<R>(&key, &bytes)).transpose()
        })
    }

    /// See [`super::Store::scan`].
    pub fn scan<R: Record>(
        &self,
        prefix: &[u8],
        limit: usize,
        last_first: bool,
    ) -> Result<Vec<(R::Key, R)>, StoreError> {
        self.wait_for::<R>()?;
        let table = place(R::TABLE, b"").len();
        let tree = self.tree();
        let all = || tree.scan_prefix(place(R::TABLE, prefix));
        let record = |found: sled::Result<(sled::IVec, sled::IVec)>| {
            let (place, bytes) = found.map_err(|error| damaged::<R>(prefix, error.to_string()))?;
            let key = &place[table..];
            let decoded = R::Key::decode(key).ok_or_else(|| damaged::<R>(key, "its key makes no sense"))?;
            Ok((decoded, read::<R>(key, &bytes)?))
        };
        contained(|| {
            if last_first {
                all().rev().take(limit).map(record).collect()
            } else {
                all().take(limit).map(record).collect()
            }
        })
    }

    /// Applies changes and moves the mark to `end`, all or nothing.
    pub fn apply(&self, changes: Vec<Change>, end: &Position) -> Result<(), StoreError> {
        self.settle()?;
        contained(|| self.apply_all(changes, end))
    }

    /// Whoever reads the past waits until it is checked.
    fn wait_for<R: Record>(&self) -> Result<(), StoreError> {
        if PAST.contains(&R::TABLE) {
            self.settle()?;
        }
        Ok(())
    }

    fn apply_all(&self, changes: Vec<Change>, end: &Position) -> Result<(), StoreError> {
        let tree = self.tree();
        let mut mark = self.mark().map_err(|why| self.broken(why))?.unwrap_or_default();
        let mut last: BTreeMap<Vec<u8>, (String, Option<Vec<u8>>)> = BTreeMap::new();
        for change in changes {
            let value = change.value.as_deref().map(record::with_checksum);
            last.insert(place(&change.table, &change.key), (change.table, value));
        }
        let mut batch = Batch::default();
        for (place, (table, value)) in last {
            let sum = mark.sums.entry(table).or_default();
            let old = tree.get(&place).map_err(|error| self.broken(error.to_string()))?;
            if let Some(old) = old {
                sum.take_out(&place, &old);
            }
            match value {
                Some(value) => {
                    sum.put_in(&place, &value);
                    batch.insert(place, value);
                }
                None => batch.remove(place),
            }
        }
        mark.end = end.clone();
        let mark = postcard::to_stdvec(&mark).unwrap_or_default();
        batch.insert(MARK, record::with_checksum(&mark));
        tree.apply_batch(batch).map_err(|error| self.broken(error.to_string()))
    }

    /// Applies what the journal has beyond the mark; the journal's end.
    fn catch_up(&self, folder: &Path, report: &mut OpenReport) -> Result<Position, StoreError> {
        const GROUP: usize = 4096;
        let mark = self.mark().map_err(|why| self.broken(why))?.unwrap_or_default();
        let begin = mark.end.clone();
        let mut scan = journal::scan_from(folder, begin.clone())?;
        let mut end = begin.clone();
        let mut changes = Vec::new();
        while let Some(found) = scan.next() {
            match found? {
                Ok(record) => {
                    changes.extend(record.changes);
                    end = scan.position();
                }
                Err(damage) => report.notes.push(describe(&damage)),
            }
            if changes.len() >= GROUP {
                contained(|| self.apply_all(std::mem::take(&mut changes), &end))?;
            }
        }
        // Entries behind a damaged stretch stay where they are: new ones go behind the last whole one.
        if end != begin {
            contained(|| self.apply_all(changes, &end))?;
        }
        Ok(end)
    }

    /// An index that is ahead of its journal means that journal files are missing: the store would begin with less
    /// than it held, and number entries twice.
    fn refuse_lost_entries(&self, folder: &Path) -> Result<(), StoreError> {
        let end = self.mark().map_err(|why| self.broken(why))?.unwrap_or_default().end;
        let segment = journal::segment_path(folder, end.segment.max(1));
        let length = std::fs::metadata(&segment).map(|file| file.len()).unwrap_or(0);
        if end.seq > 0 && length < end.offset {
            return Err(StoreError::Damaged {
                what: segment.display().to_string(),
                why: format!("it ends before entry {}, which the index already holds", end.seq),
            });
        }
        Ok(())
    }

    fn mark(&self) -> Result<Option<Mark>, String> {
        let Some(bytes) = self.tree().get(MARK).map_err(|error| error.to_string())? else { return Ok(None) };
        let value = record::without_checksum(&bytes).ok_or("the mark's checksum is wrong")?;
        postcard::from_bytes(value).map(Some).map_err(|error| error.to_string())
    }

    /// Whether the tables are what the mark says.
    pub fn check(&self) -> Result<(), String> {
        self.check_part(Part::Present)?;
        self.check_part(Part::Past)
    }

    fn check_part(&self, part: Part) -> Result<(), String> {
        let (expected, found) =
            quietly(|| self.sums(part)).unwrap_or_else(|| Err("sled gave up on its files".into()))?;
        if expected == found {
            Ok(())
        } else {
            Err("records are missing or were changed behind the journal's back".into())
        }
    }

    /// The sums of the tables of `part`: as the mark has them, and as they are.
    fn sums(&self, part: Part) -> Result<(Sums, Sums), String> {
        let tree = self.tree();
        let mut expected = self.mark()?.unwrap_or_default().sums;
        expected.retain(|table, sum| sum.records > 0 && part_of(table.as_bytes()) == part);
        let mut sums = Sums::new();
        let mut from = Vec::new();
        while let Some(first) = tree.range(from.clone()..).next() {
            let (place, _) = first.map_err(|error| error.to_string())?;
            let table = place.split(|&byte| byte == 0).next().unwrap_or_default();
            let (begin, end) = (table.to_vec(), [table, b"\x01"].concat());
            if part_of(table) == part {
                let name = String::from_utf8_lossy(table).into_owned();
                let sum = self.sum(&name, tree.range(begin..end.clone()))?;
                sums.insert(name, sum);
            }
            from = end;
        }
        sums.retain(|_, sum| sum.records > 0);
        Ok((expected, sums))
    }

    fn sum(&self, table: &str, records: sled::Iter) -> Result<Sum, String> {
        let mut sum = Sum::default();
        for found in records {
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
        }
        Ok(sum)
    }

    fn broken(&self, why: String) -> StoreError {
        StoreError::Damaged { what: "the index".into(), why }
    }
}

impl Sum {
    fn put_in(&mut self, place: &[u8], bytes: &[u8]) {
        self.records += 1;
        self.sum = self.sum.wrapping_add(mix(place, bytes));
    }

    fn take_out(&mut self, place: &[u8], bytes: &[u8]) {
        self.records = self.records.saturating_sub(1);
        self.sum = self.sum.wrapping_sub(mix(place, bytes));
    }
}

/// 64 bits of a place and its value. Against accidents, not against people: those the hash chain is for.
fn mix(place: &[u8], bytes: &[u8]) -> u64 {
    let (place, bytes) = (crc32fast::hash(place), crc32fast::hash(bytes));
    (u64::from(place) << 32 | u64::from(bytes)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn part_of(table: &[u8]) -> Part {
    if PAST.iter().any(|past| past.as_bytes() == table) { Part::Past } else { Part::Present }
}

fn place(table: &str, key: &[u8]) -> Vec<u8> {
    [table.as_bytes(), b"\0", key].concat()
}

fn read<R: Record>(key: &[u8], bytes: &[u8]) -> Result<R, StoreError> {
    let value = record::without_checksum(bytes).ok_or_else(|| damaged::<R>(key, "its checksum is wrong"))?;
    record::decode(value).map_err(|why| damaged::<R>(key, why))
}

/// What an operator is told of a damaged stretch.
pub fn describe(damage: &Damage) -> String {
    let place = format!("{} at byte {}", damage.segment.display(), damage.offset);
    if damage.torn {
        format!(
            "the end of the journal is cut off or damaged in {place}, {} bytes ({}): after a crash nobody had been told of it, otherwise restore a backup",
            damage.bytes, damage.why
        )
    } else {
        format!(
            "the journal is damaged in {place}, {} bytes ({}); restore a backup to have them back",
            damage.bytes, damage.why
        )
    }
}

/// The folder of the index.
pub fn folder_of(store: &Path) -> PathBuf {
    store.join(FOLDER)
}
