//! One line of text that is being typed.

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;

use crate::console::term::{Code, Key};
use crate::console::text;
use crate::model::clean_line;

/// The longest line that can be typed, in bytes.
const LONGEST: usize = 4096;

/// A line and the cursor in it.
#[derive(Clone, Debug, Default)]
pub struct LineInput {
    text: String,
    /// In bytes, at the border of a character.
    cursor: usize,
}

impl LineInput {
    /// A line with the cursor at its end.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), cursor: text.len() }
    }

    /// The line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the cursor is at the end, where a completion goes.
    pub fn at_end(&self) -> bool {
        self.cursor == self.text.len()
    }

    /// Puts in text as if it was typed; what is no single line becomes visible.
    pub fn insert(&mut self, text: &str) {
        let text = clean_line(text);
        if self.text.len() + text.len() <= LONGEST {
            self.text.insert_str(self.cursor, &text);
            self.cursor += text.len();
        }
    }

    /// Takes a key; `false` where it means nothing here.
    pub fn key(&mut self, key: Key) -> bool {
        if let Some(c) = key.typed() {
            self.insert(c.encode_utf8(&mut [0; 4]));
            return true;
        }
        match (key.ctrl, key.code) {
            (false, Code::Backspace) | (true, Code::Char('h')) => self.delete(self.before(), self.cursor),
            (false, Code::Delete) | (true, Code::Char('d')) => self.delete(self.cursor, self.after()),
            (true, Code::Char('w')) => self.delete(self.word_before(), self.cursor),
            (true, Code::Char('u')) => self.delete(0, self.cursor),
            (true, Code::Char('k')) => self.delete(self.cursor, self.text.len()),
            (false, Code::Left) => self.cursor = self.before(),
            (false, Code::Right) => self.cursor = self.after(),
            (false, Code::Home) | (true, Code::Char('a')) => self.cursor = 0,
            (false, Code::End) | (true, Code::Char('e')) => self.cursor = self.text.len(),
            _ => return false,
        }
        true
    }

    /// Draws the line after `prompt` and returns where the cursor stands.
    pub fn draw(
        &self,
        buf: &mut Buffer,
        at: (u16, u16),
        columns: u16,
        prompt: &str,
        style: Style,
    ) -> (u16, u16) {
        let x = text::put(buf, at.0, at.1, columns, prompt, style);
        let columns = columns.saturating_sub(x - at.0);
        // the part that holds the cursor is shown
        let mut from = 0;
        while text::width(&self.text[from..self.cursor]) >= usize::from(columns.max(1)) {
            let step = self.text[from..].graphemes(true).next().map_or(1, str::len);
            if from + step > self.cursor {
                break;
            }
            from += step;
        }
        text::put(buf, x, at.1, columns, &self.text[from..], style);
        let before = u16::try_from(text::width(&self.text[from..self.cursor])).unwrap_or(columns);
        (x + before.min(columns.saturating_sub(1)), at.1)
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.cursor, |next| self.cursor + next.len())
    }

    fn word_before(&self) -> usize {
        let head = self.text[..self.cursor].trim_end_matches(' ');
        head.rfind(' ').map_or(0, |at| at + 1)
    }

    fn delete(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[&str]) -> String {
        let mut line = LineInput::new("show описание");
        for key in keys {
            assert!(line.key(key.parse().expect("a key")), "{key}");
        }
        line.text().to_owned()
    }

    #[test]
    fn edits_by_cluster_and_word() {
        assert_eq!(typed(&["backspace", "x"]), "show описаниx");
        assert_eq!(typed(&["ctrl-w", "a"]), "show a");
        assert_eq!(typed(&["home", "delete", "X"]), "Xhow описание");
        assert_eq!(typed(&["left", "ctrl-k"]), "show описани");
        assert_eq!(typed(&["ctrl-u"]), "");
    }

    #[test]
    fn a_pasted_line_end_runs_nothing() {
        let mut line = LineInput::default();
        line.insert("a\r\nb\x1b");
        assert_eq!(line.text(), "a␍␊b␛");
    }
}
