//! Turns the cells that differ from what the terminal shows into as few bytes as can be.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::changes::{SEEN_ON_BLANKS, changes, width};
use super::color::{Depth, write_sgr};
use super::sequence;

/// What a terminal is known to show, and what it can.
#[derive(Debug)]
pub struct Painter {
    shown: Buffer,
    cursor: Option<(u16, u16)>,
    depth: Depth,
    /// Whether characters beyond ASCII can be drawn.
    unicode: bool,
    entered: bool,
    clear: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

impl Painter {
    /// For a terminal of which nothing is known yet.
    pub fn new(depth: Depth, unicode: bool) -> Self {
        Self { shown: Buffer::empty(Rect::ZERO), cursor: None, depth, unicode, entered: false, clear: true }
    }

    /// The next frame is drawn whole: the terminal's content is not known any more.
    pub fn forget(&mut self) {
        self.clear = true;
    }

    /// The terminal was given back, for a shell or an editor: the next frame takes it again.
    pub fn left(&mut self) {
        *self = Self::new(self.depth, self.unicode);
    }

    /// What makes the terminal show `next` with the cursor there; empty where it does already. The picture stays here:
    /// `next` is afterwards what was shown before, of which nobody needs the cells.
    pub fn paint(&mut self, next: &mut Buffer, cursor: Option<(u16, u16)>) -> String {
        let mut out = String::new();
        if !self.entered {
            out.push_str(sequence::ENTER);
        }
        let whole = self.clear || self.shown.area != next.area;
        if whole {
            if self.entered {
                out.push_str(sequence::CLEAR);
            }
            self.shown = Buffer::empty(next.area);
        }
        let had_cursor = self.cursor.take().filter(|_| self.entered && !whole);
        (self.entered, self.clear) = (true, false);
        let cells = self.cells(next);
        if had_cursor.is_some() && cursor.is_none() {
            out.push_str(sequence::HIDE_CURSOR);
        }
        out.push_str(&cells);
        if let Some((x, y)) = cursor
            && (had_cursor != cursor || !cells.is_empty())
        {
            let _ = write!(out, "\x1b[{};{}H", y + 1, x + 1);
            if had_cursor.is_none() {
                out.push_str(sequence::BAR_CURSOR);
                out.push_str(sequence::SHOW_CURSOR);
            }
        }
        self.cursor = cursor;
        std::mem::swap(&mut self.shown, next);
        out
    }

    fn cells(&self, next: &Buffer) -> String {
        let mut out = String::new();
        let mut pen = PLAIN;
        let mut at = None;
        for (x, y, cell) in changes(&self.shown, next) {
            self.move_to(&mut out, at, (x, y));
            self.set_pen(&mut out, &mut pen, cell);
            let (symbol, width) = (cell.symbol(), width(cell));
            if self.unicode || symbol.is_ascii() {
                out.push_str(symbol);
            } else {
                (0..width).for_each(|_| out.push(twin(symbol)));
            }
            // terminals do not agree where the cursor is after the last column, nor how wide an odd cluster is
            let certain =
                x + width < next.area.right() && symbol.chars().count() == 1 && symbol != "\u{fffd}";
            at = certain.then_some((x + width, y));
        }
        if pen != PLAIN {
            out.push_str("\x1b[m");
        }
        out
    }

    fn move_to(&self, out: &mut String, at: Option<(u16, u16)>, to: (u16, u16)) {
        let (x, y) = to;
        let _ = match at {
            Some(at) if at == to => Ok(()),
            Some((from, row)) if row == y && from + 1 == x => write!(out, "\x1b[C"),
            Some((from, row)) if row == y && from < x => write!(out, "\x1b[{}C", x - from),
            _ if x == 0 => write!(out, "\x1b[{}H", y + 1),
            _ => write!(out, "\x1b[{};{}H", y + 1, x + 1),
        };
    }

    fn set_pen(&self, out: &mut String, pen: &mut Pen, cell: &Cell) {
        let want = Pen { fg: self.depth.map(cell.fg), bg: self.depth.map(cell.bg), modifier: cell.modifier };
        let seen = (want.modifier | pen.modifier).intersects(SEEN_ON_BLANKS);
        if want == *pen || cell.symbol() == " " && want.bg == pen.bg && !seen {
            return;
        }
        let mut sgr = String::new();
        if want == PLAIN {
            out.push_str("\x1b[m");
            *pen = want;
            return;
        }
        let mut had = *pen;
        if had.modifier - want.modifier != Modifier::empty() {
            sgr.push_str("0;");
            had = PLAIN;
        }
        for (modifier, code) in MODIFIERS {
            if (want.modifier - had.modifier).contains(modifier) {
                let _ = write!(sgr, "{code};");
            }
        }
        if want.fg != had.fg {
            write_sgr(&mut sgr, want.fg, 30);
            sgr.push(';');
        }
        if want.bg != had.bg {
            write_sgr(&mut sgr, want.bg, 40);
            sgr.push(';');
        }
        let _ = write!(out, "\x1b[{}m", sgr.trim_end_matches(';'));
        *pen = want;
    }
}

/// What stands for a character on a terminal that has ASCII alone.
fn twin(symbol: &str) -> char {
    match symbol {
        "…" => '~',
        "·" => '-',
        "×" => 'x',
        "⏎" => '/',
        _ => '?',
    }
}

const MODIFIERS: [(Modifier, u8); 6] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::REVERSED, 7),
    (Modifier::CROSSED_OUT, 9),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::Style;

    use super::*;

    /// Draws each text at its place in its style, one frame each, and returns what a terminal then shows.
    fn replay(frames: &[Vec<(u16, u16, String, Style)>], width: u16, height: u16) -> (vt100::Parser, Buffer) {
        let mut painter = Painter::new(Depth::Rgb, true);
        let mut terminal = vt100::Parser::new(
            std::num::NonZeroU16::new(height).expect("rows"),
            std::num::NonZeroU16::new(width).expect("columns"),
            0,
        );
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        for frame in frames {
            buffer = Buffer::empty(buffer.area);
            for (x, y, text, style) in frame {
                buffer.set_stringn(x % width, y % height, text, usize::from(width - x % width), *style);
            }
            terminal.process(painter.paint(&mut buffer.clone(), None).as_bytes());
        }
        (terminal, buffer)
    }

    fn assert_same(terminal: &vt100::Parser, buffer: &Buffer) {
        let screen = terminal.screen();
        for y in 0..buffer.area.height {
            let mut x = 0;
            while x < buffer.area.width {
                let want = &buffer[(x, y)];
                let got = screen.cell(y, x).expect("a cell");
                let shown = if got.has_contents() { got.contents() } else { " " };
                assert_eq!(shown, want.symbol(), "text at {x},{y}");
                assert_eq!(got.inverse(), want.modifier.contains(Modifier::REVERSED), "reverse at {x},{y}");
                // nobody sees the colour or the weight of a blank
                if shown != " " || got.inverse() {
                    assert_eq!(got.bold(), want.modifier.contains(Modifier::BOLD), "bold at {x},{y}");
                    assert_eq!(color(got.fgcolor()), want.fg, "foreground at {x},{y}");
                }
                assert_eq!(color(got.bgcolor()), want.bg, "background at {x},{y}");
                x += u16::try_from(unicode_width::UnicodeWidthStr::width(want.symbol()))
                    .expect("width")
                    .max(1);
            }
        }
    }

    fn color(color: vt100::Color) -> Color {
        match color {
            vt100::Color::Default => Color::Reset,
            vt100::Color::Idx(index) => Color::Indexed(index),
            vt100::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
        }
    }

    fn styles() -> impl Strategy<Value = Style> {
        let colors = || {
            prop_oneof![
                Just(Color::Reset),
                any::<u8>().prop_map(Color::Indexed),
                any::<(u8, u8, u8)>().prop_map(|(r, g, b)| Color::Rgb(r, g, b)),
            ]
        };
        (colors(), colors(), any::<bool>(), any::<bool>()).prop_map(|(fg, bg, bold, reversed)| {
            let mut style = Style::new().fg(fg).bg(bg);
            style.add_modifier.set(Modifier::BOLD, bold);
            style.add_modifier.set(Modifier::REVERSED, reversed);
            style
        })
    }

    proptest! {
        #[test]
        fn a_terminal_that_reads_the_bytes_shows_the_buffer(
            frames in prop::collection::vec(
                prop::collection::vec((0u16..30, 0u16..8, "[a-zé描● ]{0,12}", styles()), 0..8),
                1..5,
            ),
        ) {
            let (terminal, buffer) = replay(&frames, 30, 8);
            assert_same(&terminal, &buffer);
        }
    }

    #[test]
    fn the_same_frame_again_costs_nothing() {
        let mut painter = Painter::new(Depth::Rgb, true);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 2));
        buffer.set_string(0, 0, "core-1", Style::new());
        let mut paint = |cursor| painter.paint(&mut buffer.clone(), cursor);
        assert!(paint(Some((1, 1))).starts_with(sequence::ENTER));
        assert_eq!(paint(Some((1, 1))), "");
        assert_eq!(paint(None), sequence::HIDE_CURSOR);
    }

    #[test]
    fn without_colours_bold_and_reverse_stay() {
        let mut painter = Painter::new(Depth::Mono, true);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 1));
        buffer.set_string(0, 0, "x", Style::new().fg(Color::Red).bold().reversed());
        assert!(painter.paint(&mut buffer, None).ends_with("\x1b[1H\x1b[1;7mx\x1b[m"));
    }

    #[test]
    fn a_terminal_without_unicode_gets_ascii_of_the_same_width() {
        let mut painter = Painter::new(Depth::Mono, false);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 1));
        buffer.set_string(0, 0, "a描b", Style::new());
        let bytes = painter.paint(&mut buffer, None);
        assert!(bytes.ends_with("a??b") && bytes.is_ascii(), "{bytes:?}");
    }
}
