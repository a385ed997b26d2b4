//! A device's newest round-trip times in one line, losses marked.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

pub use crate::commands::spark::{LOST, Mark, marks as sparkline, text};
use crate::console::text as cells;
use crate::console::theme::{Theme, Token, over};

/// Draws the newest `width` samples at `x`, `y`: microseconds, [`LOST`], or `None` for nothing. `row` is the look of
/// the line that it stands in.
pub fn draw(
    buf: &mut Buffer,
    (x, y): (u16, u16),
    width: u16,
    samples: &[Option<u32>],
    theme: &Theme,
    row: Style,
) {
    for (column, mark) in (x..).zip(sparkline(samples, usize::from(width))) {
        let token = match mark {
            Mark::Lost => Token::Bad,
            Mark::Level(7) => Token::Warn,
            Mark::Level(_) | Mark::Nothing => Token::Text,
        };
        let glyph = mark.glyph(theme.unicode);
        cells::put(buf, column, y, 1, glyph.encode_utf8(&mut [0; 4]), over(row, theme.style(token)));
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn a_loss_has_a_look_of_its_own() {
        let theme = Theme::named("dark", false).unwrap_or_else(|_| Theme::plain(false));
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        draw(&mut buf, (1, 0), 3, &[Some(100), Some(LOST), Some(100)], &theme, Style::new());
        let shown: String = buf.content.iter().map(|cell| cell.symbol()).collect();
        assert_eq!(shown, " _x_");
        assert_ne!(buf[(2, 0)].fg, buf[(1, 0)].fg);
        draw(&mut buf, (2, 5), 30, &[Some(100); 30], &theme, Style::new());
    }
}
