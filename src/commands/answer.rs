//! How a command's answer is written: a table for people, an object per line for programs.

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::call::Call;
use crate::engine::ActError;
use crate::model::{Timestamp, clean_line};

/// The widest column, in cells: what is longer ends in `…`. The last column is never cut.
const WIDEST: usize = 48;

impl Call {
    /// One object of a `--json` answer, as a line. Its shape stands in docs/json.md.
    ///
    /// # Errors
    /// Never in practice: what is written has no maps with odd keys.
    pub fn object(&self, value: &impl Serialize) -> Result<(), ActError> {
        let text = serde_json::to_string(value)
            .map_err(|error| ActError::internal(format!("writing an answer: {error}")))?;
        self.door.io.line(&text);
        Ok(())
    }

    /// A line of the answer made of foreign text: cleaned.
    pub fn say_clean(&self, line: &str) {
        self.door.io.line(&clean_line(line));
    }

    /// A line about how it goes: no part of the answer.
    pub fn note(&self, line: impl AsRef<str>) {
        self.door.io.note(line.as_ref());
    }

    /// A text that may be a file's content: to the byte for a program, each line cleaned for a person.
    pub fn content(&self, text: &[u8]) {
        if self.door.io.is_person() {
            String::from_utf8_lossy(text).lines().for_each(|line| self.say_clean(line));
        } else {
            self.door.io.bytes(text);
        }
    }
}

/// Rows under a heading, columns as wide as what stands in them.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|heading| heading.to_uppercase()).collect()] }
    }

    /// Adds a row; every cell is cleaned.
    pub fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(|cell| clean_line(cell.as_ref()).into_owned()).collect());
    }

    /// Writes the table; where it has no row, `nothing` is noted instead.
    pub fn print(&self, call: &Call, nothing: &str) {
        if self.rows.len() == 1 {
            return call.note(nothing);
        }
        let columns = self.rows[0].len();
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(|column| width(column).min(WIDEST)).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                if column + 1 == row.len() {
                    line.push_str(cell);
                } else {
                    let cell = cut(cell, widths[column]);
                    line.push_str(&cell);
                    line.extend(std::iter::repeat_n(' ', widths[column].saturating_sub(cell.width()) + 2));
                }
            }
            call.say(line.trim_end());
        }
    }
}

/// `text`, at most `width` cells wide.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for c in text.chars() {
        cut.push(c);
        if cut.width() >= width {
            cut.pop();
            break;
        }
    }
    cut.push('…');
    cut
}

/// A moment as JSON has it.
pub fn rfc3339(at: Option<Timestamp>) -> Option<String> {
    at.map(Timestamp::rfc3339)
}

/// A moment for people; `-` for never.
pub fn date(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), Timestamp::local)
}

/// `1 device`, `12 devices`.
pub fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// The text form of a model's word, as JSON writes it: `config-changed`.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_cut_by_what_it_takes_on_a_screen() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("数据中心", 5), "数据…");
    }

    #[test]
    fn words_are_those_of_json() {
        assert_eq!(word(&crate::model::EventKind::HostKeyChanged), "host-key-changed");
        assert_eq!((count(1, "device"), count(0, "device")), ("1 device".into(), "0 devices".into()));
    }
}
