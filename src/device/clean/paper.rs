//! A line as a terminal draws it: cells under a cursor, which sequences move and erase.

use std::str::Chars;

use super::LONGEST_PROMPT;
use crate::model::{is_hostile, visible};

/// The longest parameters of a control sequence, in characters; what is longer is none.
const LONGEST_PARAMETERS: usize = 64;

/// Whether more of a line may come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It may.
    NotYet,
    /// It is over.
    Whole,
}

/// The cells of a line under a cursor.
pub struct Paper {
    ended: Ended,
    lines: Vec<String>,
    cells: Vec<char>,
    cursor: usize,
    /// The cursor came here by a bare carriage return: what it writes over is not meant to be lost.
    returned: bool,
    /// Cells that erasing may still touch: a line made of nothing but erasers must not cost its length squared.
    effort: usize,
}

impl Paper {
    /// For a line of so many bytes.
    pub fn new(ended: Ended, bytes: usize) -> Self {
        let effort = bytes.saturating_mul(16).saturating_add(LONGEST_PROMPT);
        Self { ended, lines: Vec::new(), cells: Vec::new(), cursor: 0, returned: false, effort }
    }

    /// Writes text with its sequences, as a terminal does.
    pub fn write(&mut self, text: &str) {
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\u{1b}' => self.escape(&mut chars),
                '\u{9b}' => self.control_sequence(&mut chars),
                '\r' => {
                    self.cursor = 0;
                    self.returned = true;
                }
                '\u{8}' => self.cursor = self.cursor.saturating_sub(1),
                '\0' | '\u{7}' | '\u{7f}' => {}
                '\t' => self.put('\t'),
                c if is_hostile(c) => self.put(visible(c)),
                c => self.put(c),
            }
        }
    }

    fn put(&mut self, c: char) {
        if self.returned {
            let there = self.cells.get(self.cursor).copied().unwrap_or(' ');
            let loses_text = there != ' ' && c != ' ' && c != there;
            if loses_text {
                self.cells
                    .truncate(self.cells.iter().rposition(|&cell| cell != ' ').map_or(0, |last| last + 1));
                self.cells.push('␍');
                self.cells.extend_from_within(..self.cursor);
                self.cursor = self.cells.len();
            }
            self.returned = !loses_text && self.cursor < self.cells.len();
        }
        while self.cells.len() < self.cursor {
            self.cells.push(' ');
        }
        match self.cells.get_mut(self.cursor) {
            Some(cell) => *cell = c,
            None => self.cells.push(c),
        }
        self.cursor += 1;
    }

    /// Behind an ESC.
    fn escape(&mut self, chars: &mut Chars<'_>) {
        let behind = chars.clone();
        match chars.next() {
            Some('[') => self.control_sequence(chars),
            // OSC, DCS, SOS, PM, APC: a string up to BEL or ESC \.
            Some(']' | 'P' | 'X' | '^' | '_') => {
                let ends = end_of_string(chars);
                if !ends && self.ended == Ended::Whole {
                    // It would swallow the rest of the line, and whoever wrote that into a description knows it.
                    self.put(visible('\u{1b}'));
                    *chars = behind;
                }
            }
            Some('E' | 'D') => self.next_line(),
            // Character sets take one more.
            Some('(' | ')' | '*' | '+' | '#' | ' ') => self.take_one(chars),
            Some(c) if is_hostile(c) => *chars = behind,
            _ => {}
        }
    }

    /// The character that a sequence takes along, where it is one.
    fn take_one(&mut self, chars: &mut Chars<'_>) {
        if chars.clone().next().is_some_and(|c| !is_hostile(c)) {
            chars.next();
        }
    }

    /// Behind a CSI (ECMA-48 5.4).
    fn control_sequence(&mut self, chars: &mut Chars<'_>) {
        let mut parameters = String::new();
        loop {
            let behind = chars.clone();
            match chars.next() {
                None => return,
                Some(c @ '\u{20}'..='\u{3f}') if parameters.len() < LONGEST_PARAMETERS => parameters.push(c),
                Some(c @ '\u{40}'..='\u{7e}') => return self.control(c, &parameters),
                // No sequence at all: what stands there is text again.
                Some(_) => {
                    *chars = behind;
                    return;
                }
            }
        }
    }

    fn control(&mut self, function: char, parameters: &str) {
        let number = |place: usize, missing: usize| {
            let text = parameters.split(';').nth(place).unwrap_or("");
            text.parse::<usize>().unwrap_or(missing).min(LONGEST_PROMPT)
        };
        self.returned = false;
        match function {
            'D' => self.cursor = self.cursor.saturating_sub(number(0, 1).max(1)),
            // Not farther than a screen could be wide: each step would be a blank to be kept.
            'C' => {
                let farthest = self.cells.len().max(LONGEST_PROMPT);
                self.cursor = (self.cursor + number(0, 1).max(1)).min(farthest);
            }
            'G' => self.cursor = number(0, 1).saturating_sub(1),
            'H' | 'f' => self.cursor = number(1, 1).saturating_sub(1),
            'K' if number(0, 0) == 0 => self.cells.truncate(self.cursor),
            'K' | 'J' if number(0, 0) == 2 => self.cells.clear(),
            'K' if self.may_touch(self.cursor + 1) => {
                self.cells.iter_mut().take(self.cursor + 1).for_each(|cell| *cell = ' ');
            }
            'J' if number(0, 0) == 0 => self.cells.truncate(self.cursor),
            'P' if self.may_touch(self.cells.len().saturating_sub(self.cursor)) => {
                let end = (self.cursor + number(0, 1).max(1)).min(self.cells.len());
                self.cells.drain(self.cursor.min(end)..end);
            }
            _ => {}
        }
    }

    fn may_touch(&mut self, cells: usize) -> bool {
        let left = self.effort.checked_sub(cells);
        self.effort = left.unwrap_or(0);
        left.is_some()
    }

    fn next_line(&mut self) {
        self.drop_blanks_behind_cursor();
        let line = std::mem::take(&mut self.cells);
        self.lines.push(trimmed(&line));
        self.cursor = 0;
        self.returned = false;
    }

    /// Blanks that the cursor went back from are what an eraser left, not text.
    fn drop_blanks_behind_cursor(&mut self) {
        if self.cells.iter().skip(self.cursor).all(|&cell| cell == ' ') {
            self.cells.truncate(self.cursor);
        }
    }

    /// What stands there: one line, or several where a sequence moved to the next.
    pub fn into_lines(mut self) -> Vec<String> {
        self.drop_blanks_behind_cursor();
        self.lines.push(trimmed(&self.cells));
        self.lines
    }
}

/// Goes behind the BEL or ESC \ that ends a string; false where there is none.
fn end_of_string(chars: &mut Chars<'_>) -> bool {
    while let Some(c) = chars.next() {
        if c == '\u{7}' || c == '\u{9c}' {
            return true;
        }
        if c == '\u{1b}' {
            return chars.next() == Some('\\');
        }
    }
    false
}

/// What an erased pager leaves at the end of a line is blank.
fn trimmed(cells: &[char]) -> String {
    let end = cells.iter().rposition(|&cell| cell != ' ').map_or(0, |last| last + 1);
    // A prompt ends in a blank that belongs to it.
    let end = if end < cells.len() && end > 0 && end + 1 == cells.len() { cells.len() } else { end };
    cells[..end].iter().collect()
}
