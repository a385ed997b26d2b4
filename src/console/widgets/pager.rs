//! A window over many lines: where it stands, and how keys move it.

use ratatui::layout::Rect;

use crate::console::action::Outcome;

/// The first line and column that are shown, and the line that keys act on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pager {
    /// The line that keys act on.
    pub cursor: usize,
    /// The first line shown.
    pub top: usize,
    /// Columns scrolled to the right.
    pub left: usize,
    /// Lines shown at the last drawing.
    pub page: usize,
    /// The screen's row at which the first line was drawn.
    pub first_row: u16,
}

impl Pager {
    /// Moves over `count` lines; what is no movement is [`Outcome::Unknown`].
    pub fn act(&mut self, words: &[&str], count: usize) -> Outcome {
        let page = self.page.max(1);
        let last = count.saturating_sub(1);
        let to = match words {
            ["up"] => self.cursor.saturating_sub(1),
            ["down"] => self.cursor + 1,
            ["page-up"] => self.cursor.saturating_sub(page),
            ["page-down"] => self.cursor + page,
            ["half-up"] => self.cursor.saturating_sub(page.div_ceil(2)),
            ["half-down"] => self.cursor + page.div_ceil(2),
            ["top"] => 0,
            ["bottom"] => last,
            ["scroll-up"] => self.cursor.saturating_sub(3),
            ["scroll-down"] => self.cursor + 3,
            ["left"] => {
                self.left = self.left.saturating_sub(8);
                return Outcome::Done;
            }
            ["right"] => {
                self.left = (self.left + 8).min(crate::model::MAX_SHOWN);
                return Outcome::Done;
            }
            _ => return Outcome::Unknown,
        };
        self.cursor = to.min(last);
        Outcome::Done
    }

    /// A press of the left button on a row: it is selected, and opened where it was already.
    pub fn click(&mut self, y: u16) -> Outcome {
        let Some(row) = y.checked_sub(self.first_row).map(usize::from).filter(|row| *row < self.page) else {
            return Outcome::Unknown;
        };
        if self.top + row == self.cursor {
            return Outcome::Line("open".into());
        }
        self.cursor = self.top + row;
        Outcome::Done
    }

    /// Sets the window over `count` lines to `area` so that the cursor is in it, and returns the lines to draw.
    pub fn window(&mut self, count: usize, area: Rect) -> std::ops::Range<usize> {
        (self.page, self.first_row) = (usize::from(area.height), area.y);
        self.cursor = self.cursor.min(count.saturating_sub(1));
        let least = (self.cursor + 1).saturating_sub(self.page.max(1));
        self.top = self.top.clamp(least, self.cursor.max(least));
        self.top..count.min(self.top + self.page)
    }
}

/// The text without its first `columns` columns.
pub fn shifted(text: &str, columns: usize) -> &str {
    use unicode_segmentation::UnicodeSegmentation;
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        if used >= columns {
            return &text[at..];
        }
        used += crate::console::text::width(cluster);
    }
    if columns == 0 { text } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_in_the_window_and_the_window_in_the_text() {
        let mut pager = Pager::default();
        let ten = Rect::new(0, 2, 80, 10);
        assert_eq!(pager.window(100, ten), 0..10);
        pager.act(&["bottom"], 100);
        assert_eq!(pager.window(100, ten), 90..100);
        pager.act(&["page-up"], 100);
        assert_eq!((pager.cursor, pager.window(100, ten)), (89, 89..99));
        assert_eq!(pager.window(3, ten), 2..3);
        assert_eq!(pager.click(1), Outcome::Unknown);
        assert_eq!(pager.click(2), Outcome::Line("open".into()));
        assert_eq!(pager.window(0, Rect::ZERO), 0..0);
    }

    #[test]
    fn lines_shift_by_whole_characters() {
        assert_eq!(shifted("abc", 1), "bc");
        assert_eq!(shifted("描述x", 1), "述x");
        assert_eq!(shifted("abc", 9), "");
    }
}
