//! The cells of a picture that a terminal does not show yet.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr;

/// What is seen of a blank beside its background.
pub const SEEN_ON_BLANKS: Modifier =
    Modifier::REVERSED.union(Modifier::UNDERLINED).union(Modifier::CROSSED_OUT).union(Modifier::SLOW_BLINK);

/// The cells of `next`, from left to right, that do not stand in `shown` as they are. A wide character is one cell;
/// whatever lies under or beside a half of one that goes is drawn again, since terminals erase it as they like.
/// Both pictures have the same area.
pub fn changes<'a>(shown: &Buffer, next: &'a Buffer) -> Vec<(u16, u16, &'a Cell)> {
    let mut changed = Vec::new();
    let columns = usize::from(next.area.width).max(1);
    let rows = shown.content.chunks(columns).zip(next.content.chunks(columns));
    for (y, (shown, next_row)) in (next.area.top()..).zip(rows) {
        // where the characters that are shown, and those that come, end
        let (mut old_end, mut new_end) = (next.area.left(), next.area.left());
        for (x, (old, new)) in (next.area.left()..).zip(shown.iter().zip(next_row)) {
            let old_begins = x >= old_end;
            if old_begins {
                old_end = x.saturating_add(width(old));
            }
            if x < new_end {
                continue;
            }
            new_end = x.saturating_add(width(new));
            if !(old_begins && looks_same(old, new)) {
                changed.push((x, y, new));
            }
        }
    }
    changed
}

/// The columns that a cell's text takes.
pub fn width(cell: &Cell) -> u16 {
    match cell.symbol() {
        symbol if symbol.len() == 1 => 1,
        symbol => u16::try_from(UnicodeWidthStr::width(symbol)).unwrap_or(1).max(1),
    }
}

fn looks_same(old: &Cell, new: &Cell) -> bool {
    if old.symbol() != new.symbol() || old.bg != new.bg {
        return false;
    }
    let blank = new.symbol() == " " && !(old.modifier | new.modifier).intersects(SEEN_ON_BLANKS);
    blank || old.fg == new.fg && old.modifier == new.modifier
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Style};

    use super::*;

    fn row(text: &str, style: Style) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        buffer.set_string(0, 0, text, style);
        buffer
    }

    fn columns(old: &str, new: &str) -> Vec<u16> {
        let plain = Style::new();
        changes(&row(old, plain), &row(new, plain)).iter().map(|(x, ..)| *x).collect()
    }

    #[test]
    fn what_lies_beside_half_a_wide_character_is_drawn_again() {
        assert_eq!(columns("abc", "abx"), [2]);
        assert!(columns("a描b", "a描b").is_empty());
        assert_eq!(columns("a描b", "ax b"), [1, 2]);
        assert_eq!(columns("ax b", "a描b"), [1]);
        assert_eq!(columns("a描描", "描描b"), [0, 2, 4]);
    }

    #[test]
    fn a_colour_that_nobody_sees_is_no_change() {
        let (red, plain) = (Style::new().fg(Color::Red).bold(), Style::new());
        assert_eq!(changes(&row("  ", red), &row("  ", plain)).len(), 0);
        assert_eq!(changes(&row("  ", red.reversed()), &row("  ", plain)).len(), 2);
        assert_eq!(changes(&row("  ", red.bg(Color::Blue)), &row("  ", plain)).len(), 2);
    }
}
