//! Figures that are read from three metres.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use crate::console::text;
use crate::console::theme::Theme;

/// The rows of a figure.
pub const ROWS: u16 = 5;
/// The columns of a figure, without the gap behind it.
const COLUMNS: u16 = 6;

/// Three bits a row, from the top.
const SHAPES: [[u8; 5]; 10] = [
    [0b111, 0b101, 0b101, 0b101, 0b111],
    [0b010, 0b110, 0b010, 0b010, 0b111],
    [0b111, 0b001, 0b111, 0b100, 0b111],
    [0b111, 0b001, 0b111, 0b001, 0b111],
    [0b101, 0b101, 0b111, 0b001, 0b001],
    [0b111, 0b100, 0b111, 0b001, 0b111],
    [0b111, 0b100, 0b111, 0b101, 0b111],
    [0b111, 0b001, 0b010, 0b010, 0b010],
    [0b111, 0b101, 0b111, 0b101, 0b111],
    [0b111, 0b101, 0b111, 0b001, 0b111],
];

/// Draws a number in large figures at `x`, `y`, in at most `room` columns; returns the columns that it took.
pub fn draw(
    buf: &mut Buffer,
    (x, y): (u16, u16),
    room: u16,
    number: u64,
    theme: &Theme,
    style: Style,
) -> u16 {
    let mut at = x;
    for digit in number.to_string().bytes() {
        if at + COLUMNS > x.saturating_add(room) {
            break;
        }
        for (row, bits) in (0..).zip(SHAPES[usize::from(digit - b'0') % 10]) {
            for column in 0..3u16 {
                if bits & (0b100 >> column) != 0 {
                    text::put(buf, at + column * 2, y + row, 2, theme.glyph("██", "##"), style);
                }
            }
        }
        at += COLUMNS + 2;
    }
    at.saturating_sub(x).saturating_sub(2)
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn a_number_is_as_wide_as_its_figures() {
        let theme = Theme::plain(false);
        let mut buf = Buffer::empty(Rect::new(0, 0, 30, 6));
        assert_eq!(draw(&mut buf, (0, 0), 30, 14, &theme, Style::new()), 14);
        let row = |y: u16| -> String { (0..14).map(|x| buf[(x, y)].symbol()).collect() };
        assert_eq!(row(0), "  ##    ##  ##");
        assert_eq!(row(4), "######      ##");
        assert_eq!(draw(&mut buf, (25, 5), 5, 1, &theme, Style::new()), 0, "no room");
    }
}
