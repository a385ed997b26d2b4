//! A revision in words: what it is, and what speaks for its being whole.

use super::cx::Cx;
use crate::model::{Acceptance, Evidence, Revision, RevisionState, clean_line};

/// `#12  2026-11-24 12:00:00  end marker, prompt confirmed`.
pub fn headline(revision: &Revision, cx: &Cx) -> String {
    format!("#{}  {}  {}", revision.number, cx.date(revision.at), proof(revision))
}

/// What speaks for a revision, who answers for it, or what it lacks.
pub fn proof(revision: &Revision) -> String {
    match &revision.state {
        RevisionState::Good => sentence(&revision.evidence),
        RevisionState::Quarantined { reason } => format!("quarantined: {}", clean_line(reason)),
        RevisionState::Accepted(Acceptance { by, why, .. }) => {
            format!("accepted by {}: {}", clean_line(by), clean_line(why))
        }
    }
}

/// What was checked and how it came out: `end marker, prompt confirmed, 99% of the length before`.
pub fn sentence(evidence: &Evidence) -> String {
    let mut parts = Vec::new();
    match evidence.end_marker {
        Some(true) => parts.push("end marker".to_owned()),
        Some(false) => parts.push("no end marker".to_owned()),
        None => {}
    }
    if let Some(size) = evidence.stated_size {
        parts.push(format!("{} of {} bytes", size.got, size.stated));
    }
    if evidence.prompt_confirmed {
        parts.push("prompt confirmed".to_owned());
    }
    if let Some(percent) = evidence.length_percent {
        parts.push(format!("{percent}% of the length before"));
    }
    if parts.is_empty() { "no evidence".to_owned() } else { parts.join(", ") }
}
