//! What a table shows: rows of texts with a look.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::console::theme::Token;

/// Where a table's rows come from.
pub trait Rows {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a row is shown at all, whatever the filter says.
    fn is_there(&self, _row: usize) -> bool {
        true
    }

    /// What stays the same when rows come, go and move: keeps the selection and the marks.
    fn id(&self, row: usize) -> u64;

    /// A cell's text, clean.
    fn cell(&self, row: usize, column: usize) -> Cow<'_, str>;

    /// A cell's look.
    fn token(&self, _row: usize, _column: usize) -> Token {
        Token::Text
    }

    /// Which row comes first in a column's order; by their texts, where nothing else is said.
    fn order(&self, a: usize, b: usize, column: usize) -> Ordering {
        self.cell(a, column).cmp(&self.cell(b, column))
    }
}
