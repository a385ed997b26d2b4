//! The lines of one text that match, with what stands around them.

use std::sync::Arc;

use regex::bytes::Regex;

use crate::engine::query::Hit;
use crate::model::clean_line;

use super::Target;

/// How far up the heading of a section is looked for, in lines.
const FARTHEST_HEADING: usize = 20_000;

/// A line that matches.
#[derive(Debug)]
pub(super) struct Place<'a> {
    line: u32,
    text: &'a [u8],
    span: (usize, usize),
    before: &'a [u8],
    after: &'a [u8],
    section: &'a [u8],
}

/// The lines of `text` that match `regex` by themselves, the first `most` of them.
pub(super) fn places<'a>(regex: &Regex, text: &'a [u8], most: usize) -> Vec<Place<'a>> {
    let mut places = Vec::new();
    let (mut from, mut line, mut counted) = (0, 1u32, 0);
    while places.len() < most {
        let Some(candidate) = regex.find_at(text, from) else { break };
        let start = start_of_line(text, candidate.start());
        let end = end_of_line(text, candidate.start());
        line += newlines(&text[counted..start]);
        counted = start;
        // what matched may have begun here and ended lines below: a hit is a hit within its line
        if let Some(hit) = regex.find(&text[start..end]).filter(|_| start < text.len()) {
            places.push(Place {
                line,
                text: &text[start..end],
                span: (hit.start(), hit.end()),
                before: line_above(text, start).unwrap_or_default(),
                after: line_below(text, end),
                section: heading(text, start, end),
            });
        }
        from = end + 1;
        if from > text.len() {
            break;
        }
    }
    places
}

impl Place<'_> {
    /// The hit that it is in one of the revisions with this text.
    pub(super) fn hit(&self, target: &Target) -> Hit {
        let clean =
            |bytes: &[u8]| -> Arc<str> { clean_line(&String::from_utf8_lossy(bytes)).as_ref().into() };
        let text = clean(self.text);
        // cleaning may lengthen what stands ahead of the match
        let reach = |to: usize| clean(&self.text[..to]).len().min(text.len());
        let span = (floor(&text, reach(self.span.0)), floor(&text, reach(self.span.1)));
        Hit {
            device: target.device,
            name: target.name.clone(),
            revision: target.revision,
            line: self.line,
            span,
            section: clean(self.section),
            before: clean(self.before),
            after: clean(self.after),
            text,
        }
    }
}

/// The nearest place at or below `at` where a character begins.
fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn start_of_line(text: &[u8], at: usize) -> usize {
    text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)
}

fn end_of_line(text: &[u8], at: usize) -> usize {
    text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |length| at + length)
}

fn line_above(text: &[u8], start: usize) -> Option<&[u8]> {
    let end = start.checked_sub(1)?;
    Some(&text[start_of_line(text, end)..end])
}

fn line_below(text: &[u8], end: usize) -> &[u8] {
    match text.get(end + 1..) {
        Some(rest) => &rest[..end_of_line(rest, 0)],
        None => &[],
    }
}

/// The nearest line above that is indented less and not empty; nothing for a line at the margin.
fn heading(text: &[u8], start: usize, end: usize) -> &[u8] {
    let own = indent(&text[start..end]);
    let mut start = start;
    for _ in 0..FARTHEST_HEADING {
        if own == 0 {
            break;
        }
        let Some(above) = line_above(text, start) else { break };
        if !above.iter().all(u8::is_ascii_whitespace) && indent(above) < own {
            return above;
        }
        start -= above.len() + 1;
    }
    &[]
}

fn indent(line: &[u8]) -> usize {
    line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

fn newlines(text: &[u8]) -> u32 {
    u32::try_from(text.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::Pattern;
    use super::*;
    use crate::model::DeviceId;

    const TEXT: &str = "hostname core\ninterface Gi0/1\n description Uplink\n ip address 10.0.0.1\n!\nend\n";

    fn hits(pattern: &str, regex: bool, text: &str) -> Vec<Hit> {
        let target = Target { device: DeviceId(1), name: "core".into(), revision: 1 };
        let pattern = Pattern::new(pattern, regex).unwrap();
        pattern.places(text.as_bytes(), 100, &mut Vec::new()).iter().map(|place| place.hit(&target)).collect()
    }

    #[test]
    fn a_hit_knows_its_line_its_section_and_its_neighbours() {
        let hits = hits("address", false, TEXT);
        let hit = &hits[0];
        assert_eq!((hits.len(), hit.line), (1, 4));
        assert_eq!(&hit.text[hit.span.0..hit.span.1], "address");
        assert_eq!(hit.section.as_ref(), "interface Gi0/1");
        assert_eq!((hit.before.as_ref(), hit.after.as_ref()), (" description Uplink", "!"));
    }

    #[test]
    fn text_minds_case_only_where_it_has_upper_case() {
        assert_eq!(hits("uplink", false, TEXT).len(), 1);
        assert_eq!(hits("UPLINK", false, TEXT).len(), 0);
        assert_eq!(hits("0.0.1", false, "0x0y1\n").len(), 0);
        // the Kelvin sign is a capital k
        assert_eq!(hits("uplink", false, "UPLIN\u{212a}\n").len(), 1);
    }

    #[test]
    fn an_expression_is_anchored_to_lines_and_matches_within_one() {
        assert_eq!(hits("^interface .*1$", true, TEXT).len(), 1);
        assert_eq!(hits(r"core\s+interface", true, TEXT).len(), 0);
    }

    #[test]
    fn every_line_once_and_none_beyond_the_end() {
        let lines: Vec<u32> = hits("x*", true, "a\nxx xx\n\nb\n").iter().map(|hit| hit.line).collect();
        assert_eq!(lines, [1, 2, 3, 4]);
        assert_eq!(hits("^end$", true, "end").len(), 1);
    }

    #[test]
    fn hostile_bytes_are_shown_and_the_span_still_fits() {
        let hits = hits("secret", false, "a\u{202e}\u{1b}b\r secret é\n");
        let hit = &hits[0];
        assert_eq!(&hit.text[hit.span.0..hit.span.1], "secret");
        assert!(!hit.text.chars().any(crate::model::is_hostile));
    }

    #[test]
    fn a_bad_or_huge_expression_is_refused_in_words() {
        assert!(Pattern::new("(", true).unwrap_err().message.contains("regular expression"));
        assert!(Pattern::new("(a{1000}){1000}", true).is_err());
        assert!(Pattern::new("", false).is_err());
        assert!(Pattern::new(&"a".repeat(1001), false).is_err());
    }
}
