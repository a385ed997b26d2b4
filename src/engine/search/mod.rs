//! Search through the configurations of the whole network.
//!
//! A text that several devices share is searched once. A pattern is looked for in the text as a whole; only around a
//! hit is it taken apart into lines.

mod pattern;
mod text;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::model::{BlobId, BlobRef, DeviceId, Revision, Within};

use super::error::ActError;
use super::query::{Hit, SearchAnswer, SearchQuery};
use super::start::Engine;
pub use pattern::Pattern;

/// The most threads that one search uses.
const THREADS: usize = 8;

/// A revision whose text is searched.
#[derive(Clone, Debug)]
struct Target {
    device: DeviceId,
    name: Arc<str>,
    revision: u32,
}

/// One text, and every revision that has it.
struct Text {
    body: BlobRef,
    targets: Vec<Target>,
}

impl Engine {
    /// Where a pattern occurs `within` a part of the network: in every newest good configuration, or in every revision.
    ///
    /// # Errors
    /// When the pattern is not a regular expression or is too large, or a text cannot be read.
    pub async fn search(
        self: &Arc<Self>,
        query: SearchQuery,
        within: Within,
    ) -> Result<SearchAnswer, ActError> {
        self.aside(move |engine| engine.search_now(&query, &within)).await
    }

    pub(super) fn search_now(&self, query: &SearchQuery, within: &Within) -> Result<SearchAnswer, ActError> {
        let begun = Instant::now();
        let pattern = Pattern::new(&query.pattern, query.regex)?;
        let texts = self.texts(query.history, within)?;
        let (next, found) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || self.search_some(&pattern, &texts, query.limit, &next, &found);
        let threads = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, THREADS));
        let parts: Vec<Result<Vec<Hit>, ActError>> = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads.min(texts.len())).map(|_| scope.spawn(work)).collect();
            let mut parts = vec![work()];
            for other in others {
                let broke = |_| Err(ActError::internal("a search thread broke down"));
                parts.push(other.join().unwrap_or_else(broke));
            }
            parts
        });
        let mut hits = Vec::new();
        for part in parts {
            hits.append(&mut part?);
        }
        hits.sort_unstable_by(|a, b| {
            (&a.name, a.device, a.revision, a.line).cmp(&(&b.name, b.device, b.revision, b.line))
        });
        let more = hits.len() > query.limit;
        hits.truncate(query.limit);
        let searched = next.load(Ordering::Relaxed).min(texts.len());
        Ok(SearchAnswer {
            hits: hits.into(),
            texts: texts[..searched].iter().map(|text| text.targets.len() as u64).sum(),
            more,
            millis: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// What one thread does: the next text, until none is left or there are more hits than wanted. Texts are taken
    /// in order, so the hits that are there then are the first ones.
    fn search_some(
        &self,
        pattern: &Pattern,
        texts: &[Text],
        limit: usize,
        next: &AtomicUsize,
        found: &AtomicUsize,
    ) -> Result<Vec<Hit>, ActError> {
        let (mut hits, mut scratch) = (Vec::new(), Vec::new());
        while found.load(Ordering::Relaxed) <= limit {
            let Some(text) = texts.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            let bytes = self.plain_bytes(&text.body)?;
            let before = hits.len();
            for place in pattern.places(&bytes, limit.saturating_add(1), &mut scratch) {
                hits.extend(text.targets.iter().map(|target| place.hit(target)));
            }
            found.fetch_add(hits.len() - before, Ordering::Relaxed);
        }
        Ok(hits)
    }

    /// Every text to search, by the name of the first device that has it.
    fn texts(&self, history: bool, within: &Within) -> Result<Vec<Text>, ActError> {
        let rows = self.rows();
        let mut texts: Vec<Text> = Vec::new();
        let mut known: HashMap<BlobId, usize> = HashMap::new();
        for row in rows.iter().filter(|row| row.device.deleted.is_none() && within.holds(&row.device)) {
            let name: Arc<str> = row.device.name.as_str().into();
            let mut add = |revision: &Revision| {
                let target = Target { device: row.device.id, name: name.clone(), revision: revision.number };
                match known.get(&revision.normal.id) {
                    Some(place) => texts[*place].targets.push(target),
                    None => {
                        known.insert(revision.normal.id, texts.len());
                        texts.push(Text { body: revision.normal, targets: vec![target] });
                    }
                }
            };
            if history {
                self.stored_revisions(row.device.id)?.iter().for_each(&mut add);
            } else if let Some(newest) = &row.newest {
                add(newest);
            }
        }
        Ok(texts)
    }
}
