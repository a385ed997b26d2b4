//! Whether the trail is what was written: the chain from the segments on disk, against the store's own head and anchors.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::engine::error::ActError;
use crate::engine::settings::AuditSettings;
use crate::engine::start::Engine;
use crate::model::{BlobId, Timestamp, clean_line};
use crate::store::{Anchor, Flaw, FlawKind, KnownEnd, StoreError, closed_head, verify_chain};

use super::anchor;
use super::known::Known;

/// One thing that is wrong. The field names are those of `audit verify --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The first entry that it is about; `None` where it is about none.
    pub entry: Option<u64>,
    /// Which kind: that of a flaw, or `anchors`.
    pub kind: &'static str,
    /// One sentence.
    pub what: String,
}

/// What a check of the trail came to. The field names are those of `audit verify --json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Whole entries.
    pub entries: u64,
    /// The number of the last one; 0 where there is none.
    pub last: u64,
    /// Its hash.
    pub hash: Option<String>,
    /// When it was written.
    pub at: Option<String>,
    /// The stretches of entries, each from … to …, within which every entry follows the one before.
    pub stretches: Vec<(u64, u64)>,
    /// How many anchors were compared.
    pub anchors: usize,
    /// The newest anchor whose entry is what it was.
    pub anchored: Option<u64>,
    /// The first entry that something is wrong with.
    pub first_bad: Option<u64>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What an admin has taken note of: told, and no failure.
    pub known: Vec<Known>,
    /// How many problems there are beyond these.
    pub more_problems: usize,
}

impl AuditReport {
    /// What is still proven, in a sentence.
    pub fn proven(&self) -> String {
        let stretch = |&(from, to): &(u64, u64)| match from == to {
            true => format!("entry {from}"),
            false => format!("entries {from} to {to}"),
        };
        let stretches: Vec<String> = self.stretches.iter().map(stretch).collect();
        let whole = match &stretches[..] {
            [] if self.problems.is_empty() && self.known.is_empty() => {
                return "it has no entry yet".to_owned();
            }
            [] => return "no entry".to_owned(),
            [one] => format!("{one}: each follows the one before"),
            many => format!("{}: in each stretch every entry follows the one before", many.join(", ")),
        };
        let vouched = self.anchored.and_then(|anchored| {
            let stretch = self.stretches.iter().find(|(from, to)| (*from..=*to).contains(&anchored))?;
            Some(format!("; an anchor vouches for {} to {anchored}", stretch.0))
        });
        whole + &vouched.unwrap_or_else(|| "; no anchor vouches for them".to_owned())
    }

    fn of(folder: &Path, end: KnownEnd<'_>, anchors: Vec<Anchor>) -> Result<Self, ActError> {
        let report = verify_chain(folder, end, anchors)
            .map_err(|error: StoreError| ActError::storage("reading the journal", error))?;
        let problem = |flaw: &Flaw| Problem {
            entry: (flaw.kind != FlawKind::Foreign).then_some(flaw.entry),
            kind: kind(flaw.kind),
            what: clean_line(&flaw.what).into_owned(),
        };
        Ok(Self {
            entries: report.entries,
            last: report.last.map_or(0, |(last, _)| last.seq),
            hash: report.last.map(|(last, _)| BlobId(last.hash).to_string()),
            at: report.last.map(|(_, at)| at.rfc3339()),
            stretches: report.stretches,
            anchors: report.anchors,
            anchored: report.anchored,
            first_bad: None,
            problems: report.flaws.iter().map(problem).collect(),
            known: Vec::new(),
            more_problems: report.more_flaws,
        })
    }

    fn add(&mut self, kind: &'static str, what: &str) {
        self.problems.push(Problem { entry: None, kind, what: clean_line(what).into_owned() });
    }

    /// Leaves out what is wrong with entries before `from`: that was looked into already.
    fn beginning_with(mut self, from: u64) -> Self {
        self.problems.retain(|problem| problem.entry.is_none_or(|entry| entry >= from));
        self.first_bad = self.problems.iter().filter_map(|problem| problem.entry).min();
        self
    }
}

fn kind(kind: FlawKind) -> &'static str {
    match kind {
        FlawKind::Bytes => "bytes",
        FlawKind::Order => "order",
        FlawKind::Segment => "segment",
        FlawKind::Foreign => "foreign",
        FlawKind::Cut => "cut",
        FlawKind::Anchor => "anchor",
        FlawKind::Clock => "clock",
    }
}

impl Engine {
    /// Checks the whole trail. `anchors` is the text of further anchors, and what is wrong with entries before `from` is
    /// left out.
    ///
    /// # Errors
    /// When the journal cannot be read at all.
    pub async fn audit_verify(
        self: &Arc<Self>,
        anchors: Option<String>,
        from: u64,
    ) -> Result<AuditReport, ActError> {
        self.aside(move |engine| {
            let noted = Noted::read(&engine.settings().audit, anchors.as_deref());
            // asked for after the anchors were read: none of them can be newer
            let head = engine.store.head();
            noted.report(engine.data_dir(), KnownEnd::Written(&head), from)
        })
        .await
    }
}

/// The same of a store that no engine has open: also of one that does not open. Blocks.
///
/// # Errors
/// When the journal cannot be read at all.
pub fn closed_report(
    folder: &Path,
    settings: &AuditSettings,
    anchors: Option<&str>,
    from: u64,
    now: Timestamp,
) -> Result<AuditReport, ActError> {
    let noted = Noted::read(settings, anchors);
    match closed_head(folder, now) {
        Ok(head) => noted.report(folder, head.as_ref().map_or(KnownEnd::Unknown, KnownEnd::AtLeast), from),
        Err(error) => {
            let mut report = noted.report(folder, KnownEnd::Unknown, from)?;
            report
                .add("index", &format!("what the index knows of the journal's end cannot be read: {error}"));
            Ok(report)
        }
    }
}

/// What is noted of the journal outside of it.
struct Noted {
    anchors: Vec<Anchor>,
    /// What could not be read.
    unread: Vec<String>,
}

impl Noted {
    /// Reads the file of the settings, and `more`.
    fn read(settings: &AuditSettings, more: Option<&str>) -> Self {
        let mut noted = Self { anchors: more.map(anchor::parse).unwrap_or_default(), unread: Vec::new() };
        if more.is_some() && noted.anchors.is_empty() {
            noted.unread.push("the file of anchors that was named holds none".to_owned());
        }
        if let Some(path) = &settings.anchor_file {
            match read_anchors(path) {
                Ok(text) => noted.anchors.extend(anchor::parse(&text)),
                Err(why) => {
                    noted.unread.push(format!("the anchors in {} cannot be read: {why}", path.display()));
                }
            }
        }
        noted
    }

    fn report(self, folder: &Path, end: KnownEnd<'_>, from: u64) -> Result<AuditReport, ActError> {
        let mut report = AuditReport::of(folder, end, self.anchors)?;
        self.unread.iter().for_each(|why| report.add("anchors", why));
        Ok(report.with_known(folder).beginning_with(from))
    }
}

fn read_anchors(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > anchor::LARGEST as u64 {
        return Err(format!("it is larger than {} MB", anchor::LARGEST >> 20));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
