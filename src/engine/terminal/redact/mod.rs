//! Takes the secrets out of what a device sent, before it is kept.
//!
//! The bytes are drawn on a [`screen`] of the session's window, whose characters know where they came from. Each line is
//! looked at as a person could have seen it, whatever sequences, borders of packets, broken lines and pagers lie between its
//! characters; what is secret by the driver's patterns and the field's words, what is known to be, and what was found to be
//! elsewhere, goes with its bytes. Times stay. Where all that would take too long, the rest is not kept.

mod screen;
mod token;

use std::collections::BTreeSet;
use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

use super::CastEvent;
use crate::device::secrets::{By, SecretFinder};
use crate::device::transport::Window;
use screen::{Cell, Screen};
use token::{Token, walk};

/// What stands for a secret.
pub const TOKEN: &str = "{secret}";

/// The shortest secret that is looked for elsewhere too, in characters: a shorter one is a part of other words.
const SHORTEST_SPREAD: usize = 6;
/// The most secrets that are looked for elsewhere too.
const MOST_SPREAD: usize = 1_000;
/// The most memory of a pattern of all known secrets, in bytes.
const PATTERN_LIMIT: usize = 64 << 20;
/// How many characters may be looked at for each byte that came: a line that is written anew without end must not hold up
/// the engine.
const EFFORT: usize = 8;
/// The same, for nothing.
const EFFORT_AT_LEAST: usize = 1 << 20;

/// The rest is not kept: it would take too long to look for secrets in it, or there are too many to look for.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMuch;

/// Takes the secrets out of the events of a session that began with this window. `known` are secrets by themselves;
/// `is_cut` says that the last line did not come whole. [`TooMuch`] where events at the end are missing for that.
pub fn redact(
    events: &mut Vec<CastEvent>,
    window: Window,
    finder: SecretFinder,
    known: &[Vec<u8>],
    is_cut: bool,
) -> Result<(), TooMuch> {
    let Ok(known) = any_of(known.iter().map(Vec::as_slice)) else {
        events.clear();
        return Err(TooMuch);
    };
    let all = outputs(events);
    let mut reader = Reader {
        finder,
        known,
        secret: vec![false; all.len()],
        spread: BTreeSet::new(),
        effort: EFFORT_AT_LEAST.saturating_add(all.len().saturating_mul(EFFORT)),
    };
    let read = reader.read(events, window, &all);
    reader.mark_plain(&all);
    let Reader { mut secret, spread, .. } = reader;
    mark_spread(&all, &spread, &mut secret);
    let mut kept = read.unwrap_or(all.len());
    if is_cut || read.is_some() {
        kept = all[..kept].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    }
    rewrite(events, &all, &secret, kept);
    if read.is_some() { Err(TooMuch) } else { Ok(()) }
}

fn outputs(events: &[CastEvent]) -> Vec<u8> {
    let outputs = events.iter().filter_map(|event| match event {
        CastEvent::Output(bytes) => Some(bytes.as_slice()),
        CastEvent::Resize(_) => None,
    });
    outputs.collect::<Vec<_>>().concat()
}

struct Reader {
    finder: SecretFinder,
    known: Option<Regex>,
    /// Of each byte, whether it belongs to a secret.
    secret: Vec<bool>,
    /// Secrets that were found and are looked for elsewhere.
    spread: BTreeSet<String>,
    effort: usize,
}

impl Reader {
    /// Draws everything. Up to which byte, where that took too long.
    fn read(&mut self, events: &[CastEvent], window: Window, all: &[u8]) -> Option<usize> {
        let mut screen = Screen::new(window);
        let mut sizes = sizes(events).into_iter().peekable();
        let mut ends = ends(events).into_iter().peekable();
        let mut stopped = None;
        walk(all, |token, bytes| {
            if stopped.is_some() {
                return;
            }
            while let Some((_, window)) = sizes.next_if(|(at, _)| *at <= bytes.start) {
                screen.resize(window, &mut |line| self.look(line));
            }
            let to = bytes.end;
            if matches!(token, Token::Unseen) {
                self.secret[bytes.clone()].fill(true);
            }
            screen.take(&token, bytes, &mut |line| self.look(line));
            while ends.next_if(|end| *end <= to).is_some() {
                if self.finder.is_in_block() {
                    self.finder.waits_at(&text_of(screen.line()).0);
                }
            }
            if self.effort == 0 {
                stopped = Some(to);
            }
        });
        screen.settle(&mut |line| self.look(line));
        stopped
    }

    fn look(&mut self, line: &[Cell]) {
        self.effort = self.effort.saturating_sub(line.len() + 1);
        let (text, places) = text_of(line);
        let end = text.trim_end().len();
        for found in self.finder.look(&text[..end]) {
            self.mark(line, &places[found.range.clone()]);
            let value = text[found.range].trim_matches(['"', '\'']);
            let is_telling = match found.by {
                By::Driver => true,
                By::Word => is_unlike_a_word(value),
                By::Block => false,
            };
            if is_telling
                && value.chars().count() >= SHORTEST_SPREAD
                && !value.contains(char::REPLACEMENT_CHARACTER)
                && self.spread.len() < MOST_SPREAD
            {
                self.spread.insert(value.to_owned());
            }
        }
        let mut known = Vec::new();
        each_of(self.known.as_ref(), text.as_bytes(), &mut |range| known.push(range));
        known.into_iter().for_each(|range| self.mark(line, &places[range]));
    }

    /// Marks what stands at these places of the line.
    fn mark(&mut self, line: &[Cell], places: &[usize]) {
        for &place in places {
            let cell = line[place];
            self.secret[cell.from..cell.to].fill(true);
        }
    }

    /// Marks known secrets in the characters as they came, whatever stood between them and wherever they were drawn.
    fn mark_plain(&mut self, all: &[u8]) {
        mark_in_plain(self.known.as_ref(), all, &mut self.secret);
    }
}

fn mark_spread(all: &[u8], spread: &BTreeSet<String>, secret: &mut [bool]) {
    // each is marked where it was found; that there are too many to look for elsewhere loses nothing of that
    if let Ok(words) = any_of(spread.iter().map(String::as_bytes)) {
        mark_in_plain(words.as_ref(), all, secret);
    }
}

fn mark_in_plain(words: Option<&Regex>, all: &[u8], secret: &mut [bool]) {
    if words.is_none() {
        return;
    }
    let mut plain = Vec::with_capacity(all.len());
    let mut places = Vec::with_capacity(all.len());
    walk(all, |token, bytes| {
        if let Token::Print(_) = token {
            plain.extend_from_slice(&all[bytes.clone()]);
            places.extend(bytes);
        }
    });
    each_of(words, &plain, &mut |range| places[range].iter().for_each(|&at| secret[at] = true));
}

/// A pattern of all these; `None` where there are none.
fn any_of<'s>(words: impl Iterator<Item = &'s [u8]>) -> Result<Option<Regex>, TooMuch> {
    let mut words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Ok(None);
    }
    // the longest first: another may be a part of it
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let literal = |word: &&[u8]| word.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let pattern = words.iter().map(literal).collect::<Vec<_>>().join("|");
    let built = RegexBuilder::new(&format!("(?-u){pattern}")).size_limit(PATTERN_LIMIT).build();
    built.map(Some).map_err(|_| TooMuch)
}

/// Calls `found` with each place, also with those that overlap.
fn each_of(words: Option<&Regex>, bytes: &[u8], found: &mut dyn FnMut(Range<usize>)) {
    let Some(words) = words else { return };
    let mut at = 0;
    while let Some(hit) = words.find_at(bytes, at) {
        found(hit.range());
        at = hit.start() + 1;
    }
}

/// The text of a line, and of each of its bytes, which cell it stands in.
fn text_of(line: &[Cell]) -> (String, Vec<usize>) {
    let (mut text, mut places) = (String::with_capacity(line.len()), Vec::with_capacity(line.len()));
    for (place, cell) in line.iter().enumerate().filter(|(_, cell)| cell.character != '\0') {
        text.push(cell.character);
        places.resize(text.len(), place);
    }
    (text, places)
}

/// Whether a value is made like no word of a sentence, so that it may be looked for elsewhere.
fn is_unlike_a_word(value: &str) -> bool {
    value.chars().any(|c| !c.is_lowercase() && c != '-')
}

/// After which bytes the window had which size.
fn sizes(events: &[CastEvent]) -> Vec<(usize, Window)> {
    let mut at = 0;
    let mut sizes = Vec::new();
    for event in events {
        match event {
            CastEvent::Output(bytes) => at += bytes.len(),
            CastEvent::Resize(window) => sizes.push((at, *window)),
        }
    }
    sizes
}

/// Where the device has stopped.
fn ends(events: &[CastEvent]) -> Vec<usize> {
    let mut at = 0;
    let mut ends = Vec::new();
    for event in events {
        if let CastEvent::Output(bytes) = event {
            at += bytes.len();
            ends.push(at);
        }
    }
    ends
}

/// Writes the events anew, up to `kept`: each run of secret characters is one word, where the first of them came.
fn rewrite(events: &mut [CastEvent], all: &[u8], secret: &[bool], kept: usize) {
    let mut ends = ends(events).into_iter();
    let mut written: Vec<Vec<u8>> = Vec::new();
    let mut end = 0;
    let mut in_secret = false;
    walk(all, |token, bytes| {
        while bytes.start >= end {
            written.push(Vec::new());
            end = ends.next().unwrap_or(usize::MAX);
        }
        let Some(last) = written.last_mut().filter(|_| bytes.end <= kept) else { return };
        let is_secret = secret[bytes.clone()].contains(&true);
        match token {
            Token::Print(_) if is_secret && in_secret => {}
            Token::Print(_) if is_secret => last.extend_from_slice(TOKEN.as_bytes()),
            // a title, or a sequence in which a secret stands
            _ if is_secret => {}
            _ => last.extend_from_slice(&all[bytes]),
        }
        if let Token::Print(_) = token {
            in_secret = is_secret;
        }
    });
    let mut written = written.into_iter();
    for event in events {
        if let CastEvent::Output(bytes) = event {
            *bytes = written.next().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests;
