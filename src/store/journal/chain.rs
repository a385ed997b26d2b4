//! Whether the journal is what was written: the whole chain, entry by entry, from the segments on disk, against what is
//! known of it from elsewhere.

use std::path::Path;

use serde::Serialize;

use super::{Damage, Position, folder_of, scan, segment_path, segments};
use crate::model::Timestamp;
use crate::store::StoreError;

/// Entries that were written at once may stand in another order than their times, by as much as this, in milliseconds.
const IN_DISORDER: i64 = 5_000;
/// The most flaws that are told one by one.
const MOST_TOLD: usize = 100;

/// That an entry had this hash, as it was noted outside the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Anchor {
    /// The entry's number.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlawKind {
    /// Bytes that are no entry: damaged, cut off, or put there by somebody else.
    Bytes,
    /// Entries are missing, were moved or changed: one does not follow the one before it.
    Order,
    /// A whole segment is missing.
    Segment,
    /// A file that no noctule has written.
    Foreign,
    /// The journal ends before an entry that was written.
    Cut,
    /// An entry is not what an anchor says it was.
    Anchor,
    /// The clock was set back.
    Clock,
}

/// One thing that is wrong with the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The first entry that it is about; what lies before is not touched by it.
    pub entry: u64,
    /// Which kind.
    pub kind: FlawKind,
    /// One sentence.
    pub what: String,
}

/// What the store itself knows of the journal's end.
#[derive(Clone, Copy, Debug)]
pub enum KnownEnd<'a> {
    /// It is open, and has written up to here: what lies behind is being written just now, and is not looked at.
    Written(&'a Position),
    /// It is closed, and its index holds all up to here; there may be more.
    AtLeast(&'a Position),
    /// Nothing.
    Unknown,
}

/// What a reading of the whole chain came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainReport {
    /// Whole entries.
    pub entries: u64,
    /// The last one: number, hash and time.
    pub last: Option<(Anchor, Timestamp)>,
    /// The stretches of entries, each from … to …, within which every entry follows the one before. One stretch is a
    /// whole journal.
    pub stretches: Vec<(u64, u64)>,
    /// How many anchors were compared.
    pub anchors: usize,
    /// The newest anchor whose entry is what it was: it vouches for every entry of its stretch up to there.
    pub anchored: Option<u64>,
    /// What is wrong, in the order of the entries, the first hundred.
    pub flaws: Vec<Flaw>,
    /// How many flaws there are beyond these.
    pub more_flaws: usize,
}

/// Reads the segments of the store in `folder` from the first byte on. Of an open store, `end` is to be asked for after the
/// anchors were read: none of them can then be newer.
///
/// # Errors
/// A segment cannot be read at all.
pub fn verify_chain(
    folder: &Path,
    end: KnownEnd<'_>,
    mut anchors: Vec<Anchor>,
) -> Result<ChainReport, StoreError> {
    anchors.sort_unstable();
    anchors.dedup();
    let report = ChainReport { anchors: anchors.len(), ..Default::default() };
    let known = match end {
        KnownEnd::Written(end) | KnownEnd::AtLeast(end) => Some(Anchor { seq: end.seq, hash: end.hash }),
        KnownEnd::Unknown => None,
    };
    let mut walk = Walk { report, anchors, met: 0, broken: false, known };
    walk.look_for_foreign_files(folder)?;
    let mut scan = scan(folder, 0)?;
    let is_behind = |last: u64| matches!(end, KnownEnd::Written(end) if last >= end.seq);
    while !is_behind(walk.last()) {
        match scan.next() {
            Some(found) => match found? {
                Ok(record) => {
                    let hash = scan.position().hash;
                    walk.take(Anchor { seq: record.seq, hash }, record.at);
                }
                Err(damage) => walk.take_damage(&damage),
            },
            None => break,
        }
    }
    walk.end();
    Ok(walk.report)
}

struct Walk {
    report: ChainReport,
    /// In order.
    anchors: Vec<Anchor>,
    /// How many of them the reading has passed.
    met: usize,
    /// Something was wrong since the last entry.
    broken: bool,
    /// The entry that the store knows to be there.
    known: Option<Anchor>,
}

impl Walk {
    /// The number of the last entry.
    fn last(&self) -> u64 {
        self.report.last.map_or(0, |(last, _)| last.seq)
    }

    fn take(&mut self, entry: Anchor, at: Timestamp) {
        let before = self.report.last.replace((entry, at));
        let follows = !self.broken;
        self.report.entries += 1;
        self.stretch(entry.seq);
        if let Some((_, earlier)) = before
            && follows
            && at.0.saturating_add(IN_DISORDER) < earlier.0
        {
            let back = (earlier.0 - at.0) / 1000;
            let what = format!(
                "the clock was set back by {back} s: entry {} is of {at}, the one before it of {earlier}",
                entry.seq
            );
            self.tell(entry.seq, FlawKind::Clock, what);
        }
        if self.known.is_some_and(|known| known.seq == entry.seq && known.hash != entry.hash) {
            let what = format!("entry {} is not the one that the store has written", entry.seq);
            self.tell(entry.seq, FlawKind::Cut, what);
        }
        self.compare(entry);
    }

    fn stretch(&mut self, seq: u64) {
        let stretches = &mut self.report.stretches;
        if let Some(stretch) = stretches.last_mut().filter(|_| !self.broken) {
            stretch.1 = seq;
        } else if stretches.len() < MOST_TOLD {
            stretches.push((seq, seq));
            self.broken = false;
        }
    }

    /// Holds an entry against its anchors, and says which anchored entries were not there.
    fn compare(&mut self, entry: Anchor) {
        while let Some(anchor) = self.anchors.get(self.met).copied().filter(|anchor| anchor.seq <= entry.seq)
        {
            self.met += 1;
            if anchor == entry {
                self.report.anchored = Some(anchor.seq);
            } else if anchor.seq == entry.seq {
                let what = format!(
                    "entry {} is not the one that was anchored: it, or one before it, was changed",
                    anchor.seq
                );
                self.tell(anchor.seq, FlawKind::Anchor, what);
            } else {
                self.tell_missing(anchor.seq);
            }
        }
    }

    fn tell_missing(&mut self, seq: u64) {
        let what = format!("entry {seq} was anchored and is not there");
        self.tell(seq, FlawKind::Anchor, what);
    }

    fn take_damage(&mut self, damage: &Damage) {
        let next = self.last().saturating_add(1);
        // what follows does not hang together with what came before
        self.tell(next, if damage.torn { FlawKind::Cut } else { damage.kind }, damage.to_string());
        self.broken = true;
    }

    fn end(&mut self) {
        let last = self.last();
        if let Some(known) = self.known.filter(|known| last < known.seq) {
            let what = format!("the journal ends with entry {last}, but entry {} was written", known.seq);
            self.tell(last.saturating_add(1), FlawKind::Cut, what);
        }
        while let Some(anchor) = self.anchors.get(self.met).copied() {
            self.met += 1;
            self.tell_missing(anchor.seq);
        }
    }

    fn look_for_foreign_files(&mut self, folder: &Path) -> Result<(), StoreError> {
        let known: Vec<_> =
            segments(folder)?.into_iter().map(|number| segment_path(folder, number)).collect();
        let folder = folder_of(folder);
        for file in std::fs::read_dir(&folder).map_err(StoreError::file("list", &folder))? {
            let path = file.map_err(StoreError::file("list", &folder))?.path();
            if !known.contains(&path) {
                self.tell(1, FlawKind::Foreign, format!("{} is no segment of the journal", path.display()));
            }
        }
        Ok(())
    }

    fn tell(&mut self, entry: u64, kind: FlawKind, what: String) {
        if self.report.flaws.len() < MOST_TOLD {
            self.report.flaws.push(Flaw { entry, kind, what });
        } else {
            self.report.more_flaws += 1;
        }
    }
}
