//! Text that is read from five metres: letters drawn from blocks.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use crate::console::text;
use crate::console::theme::Theme;

/// The dots of a letter, one beside the other, and the gap behind it.
const ACROSS: u16 = 3;
const GAP: u16 = 1;
/// The dots of a letter, one above the other.
const DOWN: u16 = 5;

/// How large: 0 is plain text; 1 has dots of half a cell, every other is so many columns wide and half as many rows high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale(u16);

impl Scale {
    /// One of 0, 1, 2 and 4. What needs half cells is plain text where there is only ASCII.
    pub fn new(scale: u16, theme: &Theme) -> Self {
        match scale {
            1 if !theme.unicode => Self(0),
            0..=2 => Self(scale),
            _ => Self(4),
        }
    }

    /// The rows of a line, without the gap below.
    pub fn rows(self) -> u16 {
        match self.0 {
            0 => 1,
            1 => 3,
            scale => DOWN * scale / 2,
        }
    }

    /// The rows from one line to the next.
    pub fn pitch(self) -> u16 {
        self.rows() + self.0.min(2).div_ceil(2)
    }

    /// The columns of so many letters.
    pub fn columns(self, letters: u16) -> u16 {
        letters.saturating_mul(if self.0 == 0 { 1 } else { (ACROSS + GAP) * self.0 })
    }

    /// Whether `line` has room in so many columns: behind its last letter no gap is needed.
    pub fn shows(self, line: &str, room: u16) -> bool {
        let letters = u16::try_from(text::width(line)).unwrap_or(u16::MAX);
        self.columns(letters) <= room.saturating_add(GAP * self.0)
    }

    /// Writes `line` with its upper left corner at `x`, `y` in at most `room` columns, cut where it is too long; returns the
    /// column after it. What has no large letters is written as plain text.
    pub fn put(
        self,
        buf: &mut Buffer,
        (x, y): (u16, u16),
        room: u16,
        line: &str,
        theme: &Theme,
        style: Style,
    ) -> u16 {
        let each = self.columns(1);
        let room = room.min(buf.area.right().saturating_sub(x));
        let shapes: Option<Vec<u16>> = line.chars().map(shape).collect();
        let (Some(mut shapes), false) = (shapes, self.0 == 0 || y + self.rows() > buf.area.bottom()) else {
            return text::put(buf, x, y + self.rows() / 2, room, line, style);
        };
        // no gap is needed behind the last one
        let fitting = usize::from((room + GAP * self.0) / each);
        if shapes.len() > fitting {
            shapes.truncate(fitting);
            if let Some(last) = shapes.last_mut() {
                *last = CUT;
            }
        }
        let mut at = x;
        for shape in shapes {
            match self.0 {
                1 => draw_in_halves(buf, (at, y), shape, style),
                scale => draw_in_cells(buf, (at, y), shape, scale, theme, style),
            }
            at += each;
        }
        at
    }
}

fn is_set(shape: u16, column: u16, row: u16) -> bool {
    row < DOWN && shape >> ((DOWN - 1 - row) * ACROSS + (ACROSS - 1 - column)) & 1 == 1
}

fn draw_in_halves(buf: &mut Buffer, (x, y): (u16, u16), shape: u16, style: Style) {
    for row in 0..3 {
        for column in 0..ACROSS {
            let block = match (is_set(shape, column, row * 2), is_set(shape, column, row * 2 + 1)) {
                (true, true) => "█",
                (true, false) => "▀",
                (false, true) => "▄",
                (false, false) => continue,
            };
            text::put(buf, x + column, y + row, 1, block, style);
        }
    }
}

fn draw_in_cells(buf: &mut Buffer, (x, y): (u16, u16), shape: u16, scale: u16, theme: &Theme, style: Style) {
    let dot = theme.glyph("█", "#").repeat(usize::from(scale));
    for row in 0..DOWN * scale / 2 {
        for column in 0..ACROSS {
            if is_set(shape, column, row * 2 / scale) {
                text::put(buf, x + column * scale, y + row, scale, &dot, style);
            }
        }
    }
}

/// What stands where a line was cut.
const CUT: u16 = 0o00005;

/// The dots of a character, a digit a row; `None` where there are none for it.
fn shape(character: char) -> Option<u16> {
    Some(match character.to_ascii_uppercase() {
        ' ' => 0o00000,
        'A' => 0o25755,
        'B' => 0o65656,
        'C' => 0o34443,
        'D' => 0o65556,
        'E' => 0o74647,
        'F' => 0o74644,
        'G' => 0o34553,
        'H' => 0o55755,
        'I' => 0o72227,
        'J' => 0o11152,
        'K' => 0o55655,
        'L' => 0o44447,
        'M' => 0o57755,
        'N' => 0o65555,
        'O' => 0o25552,
        'P' => 0o65644,
        'Q' => 0o25563,
        'R' => 0o65655,
        'S' => 0o34216,
        'T' => 0o72222,
        'U' => 0o55557,
        'V' => 0o55552,
        'W' => 0o55775,
        'X' => 0o55255,
        'Y' => 0o55222,
        'Z' => 0o71247,
        '0' => 0o75557,
        '1' => 0o26227,
        '2' => 0o71747,
        '3' => 0o71717,
        '4' => 0o55711,
        '5' => 0o74717,
        '6' => 0o74757,
        '7' => 0o71222,
        '8' => 0o75757,
        '9' => 0o75717,
        '-' => 0o00700,
        '+' => 0o02720,
        '.' => 0o00002,
        ',' => 0o00024,
        ':' => 0o02020,
        ';' => 0o02024,
        '/' => 0o11244,
        '\\' => 0o44211,
        '%' => 0o51245,
        '(' => 0o12221,
        ')' => 0o42224,
        '[' => 0o32223,
        ']' => 0o62226,
        '<' => 0o12421,
        '>' => 0o42124,
        '=' => 0o07070,
        '_' => 0o00007,
        '?' => 0o61202,
        '!' => 0o22202,
        '\'' => 0o22000,
        '~' => 0o01740,
        '#' => 0o57575,
        '*' => 0o52725,
        '@' => 0o75547,
        '●' => 0o27772,
        '▲' => 0o02277,
        '✖' => 0o55255,
        '◆' | '◇' => 0o02720,
        '·' => 0o00200,
        '…' => CUT,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    fn drawn(scale: u16, unicode: bool, room: u16, line: &str) -> String {
        let theme = Theme::plain(unicode);
        let scale = Scale::new(scale, &theme);
        let mut buf = Buffer::empty(Rect::new(0, 0, 20, scale.rows()));
        scale.put(&mut buf, (0, 0), room, line, &theme, Style::new());
        let row = |y: u16| -> String { (0..20).map(|x| buf[(x, y)].symbol()).collect() };
        (0..scale.rows()).map(|y| row(y).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn letters_of_half_cells_and_of_whole_ones() {
        assert_eq!(drawn(1, true, 20, "L1"), "█   ▄█\n█    █\n▀▀▀ ▀▀▀");
        assert_eq!(drawn(2, false, 20, "1"), "  ##\n####\n  ##\n  ##\n######");
        assert_eq!(drawn(4, false, 20, "-").matches("############").count(), 2);
    }

    #[test]
    fn what_is_too_long_is_cut_and_what_has_no_letters_is_plain() {
        assert_eq!(drawn(1, true, 11, "LLL"), "█   █   █\n█   █   █\n▀▀▀ ▀▀▀ ▀▀▀");
        assert_eq!(drawn(1, true, 10, "LLL"), "█\n█\n▀▀▀ ▀ ▀");
        assert_eq!(drawn(1, true, 20, "描述"), "\n描 述\n");
        assert_eq!(drawn(1, false, 20, "core-1"), "core-1", "half cells need more than ASCII");
    }
}
