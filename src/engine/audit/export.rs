//! The trail as a file for somebody else: a line per entry, in order, with the hashes that chain them.

use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::engine::actor::Actor;
use crate::engine::error::ActError;
use crate::engine::start::Engine;
use crate::model::{BlobId, Device, Timestamp, clean_line};
use crate::store::Chained;

use super::{AuditEntry, AuditNote, note, words};

/// The largest export, in bytes.
pub const LARGEST_EXPORT: usize = 256 << 20;

/// An export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The file's content.
    pub bytes: Vec<u8>,
    /// How many entries are in it.
    pub entries: u64,
    /// The number of the last one.
    pub last: u64,
    /// The SHA-256 of the content; the journal holds it too.
    pub sha256: String,
    /// What was wrong with the journal on the way.
    pub damage: Vec<String>,
}

/// An entry as a line of the file.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    hash: String,
    prev: String,
    at: String,
    who: &'a str,
    why: &'a str,
    verb: &'a str,
    kind: &'a str,
    from: &'a str,
    what: &'a str,
    changes: Vec<LineChange>,
}

#[derive(Serialize)]
struct LineChange {
    table: String,
    key: String,
    removed: bool,
    what: String,
}

impl Engine {
    /// Every entry from `since` up to `until`, oldest first. That it was exported, and the file's SHA-256, is journalled
    /// before the file is handed out.
    ///
    /// # Errors
    /// When the journal cannot be read or written, or the file would be too large.
    pub async fn audit_export(
        self: &Arc<Self>,
        by: &Actor,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Exported, ActError> {
        let exported = self.aside(move |engine| engine.write_export(since, until)).await?;
        let what = format!("{} entries exported, sha256 {}", exported.entries, exported.sha256);
        self.note_read(by, AuditNote::read(by, &what)).await?;
        Ok(exported)
    }

    fn write_export(&self, since: Option<Timestamp>, until: Option<Timestamp>) -> Result<Exported, ActError> {
        let (mut bytes, mut entries, mut last, mut damage) = (Vec::new(), 0, 0, Vec::new());
        let head = self.store.head().seq;
        let mut scan = self.store.journal(0).map_err(super::reading)?;
        while last < head
            && let Some(found) = scan.next()
        {
            let record = match found.map_err(super::reading)? {
                Ok(record) => record,
                Err(wrong) => {
                    if damage.len() < super::MOST_DAMAGE {
                        damage.push(clean_line(&wrong.to_string()).into_owned());
                    }
                    continue;
                }
            };
            last = record.seq;
            let is_wanted =
                since.is_none_or(|since| record.at >= since) && until.is_none_or(|until| record.at < until);
            if !is_wanted {
                continue;
            }
            let chained = Chained { hash: scan.position().hash, record };
            let line = serde_json::to_vec(&self.line_of(&chained, &self.entry_of(&chained)))
                .map_err(|error| ActError::internal(format!("writing an entry: {error}")))?;
            if bytes.len() + line.len() > LARGEST_EXPORT {
                let most = LARGEST_EXPORT >> 20;
                let why = format!(
                    "the export would be larger than {most} MB: take a part of it, with --since and --until"
                );
                return Err(ActError::usage(why));
            }
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
            entries += 1;
        }
        let sha256 = BlobId(Sha256::digest(&bytes).into()).to_string();
        Ok(Exported { bytes, entries, last, sha256, damage })
    }

    fn line_of<'a>(&self, chained: &Chained, entry: &'a AuditEntry) -> Line<'a> {
        let names = |id| Some(self.name_of(id));
        let secrets = |was: &Device, is: &Device, field| self.secret_change(was, is, field);
        let changes = chained.record.changes.iter().filter(|change| !note::says_from(change)).map(|change| {
            let told = words::of(change, None, &names, &secrets);
            LineChange { table: told.table, key: told.key, removed: change.value.is_none(), what: told.what }
        });
        Line {
            seq: entry.seq,
            hash: BlobId(entry.hash).to_string(),
            prev: BlobId(entry.prev).to_string(),
            at: entry.at.rfc3339(),
            who: &entry.who,
            why: &entry.why,
            verb: &entry.verb,
            kind: entry.kind.as_str(),
            from: &entry.from,
            what: &entry.what,
            changes: changes.collect(),
        }
    }
}
