//! A terminal inside a pane: bytes of a device go in, cells come out, and nothing else. Whatever the device asks of a
//! terminal (a title, the clipboard, a bell, another size) stays undone.

use std::num::NonZeroU16;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use crate::console::term::Key;
use crate::console::term::encode;
use crate::console::text;
use crate::console::theme::{Theme, Token};
use crate::device::transport::Window;
use crate::model::clean_line;

/// The lines that are kept above the screen.
const SCROLLBACK: usize = 2_000;
/// The largest window: a larger one costs memory for every line that is kept.
const LARGEST: (u16, u16) = (500, 200);
/// The most bytes of answers that wait: a device that asks without end gets no more.
const MOST_ANSWERS: usize = 1024;

/// What a terminal answers by itself to a device that asks what it is and where its cursor stands. Some devices do not go
/// on without.
#[derive(Default)]
struct Answers(Vec<u8>);

impl vt100::Callbacks for Answers {
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        first: Option<u8>,
        second: Option<u8>,
        params: &[&[u16]],
        last: char,
    ) {
        let number = params.first().and_then(|param| param.first()).copied().unwrap_or(0);
        let answer = match (first, second, last, number) {
            // a VT100 with advanced video (DEC STD 070)
            (None, None, 'c', 0) => "\x1b[?1;2c".to_owned(),
            (None, None, 'n', 5) => "\x1b[0n".to_owned(),
            (None, None, 'n', 6) => {
                let (row, column) = screen.cursor_position();
                format!("\x1b[{};{}R", row + 1, column + 1)
            }
            _ => return,
        };
        if self.0.len() + answer.len() <= MOST_ANSWERS {
            self.0.extend(answer.bytes());
        }
    }
}

/// A terminal's screen, and what has scrolled out of it.
pub struct Emulator {
    parser: vt100::Parser<Answers>,
    /// Where the screen was drawn.
    area: Rect,
    found: Option<String>,
}

impl Emulator {
    /// An empty one.
    pub fn new(window: Window) -> Self {
        let (rows, columns) = sides(window);
        let parser = vt100::Parser::new_with_callbacks(rows, columns, SCROLLBACK, Answers::default());
        Self { parser, area: Rect::ZERO, found: None }
    }

    /// Takes bytes of the device. What the device must be answered, if anything.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let before = self.parser.screen().scrollback();
        let lines = self.parser.screen().scrollback_len();
        self.parser.process(bytes);
        // who reads above stays at the line that they read
        if before > 0 {
            let more = self.parser.screen().scrollback_len().saturating_sub(lines);
            self.parser.screen_mut().set_scrollback(before + more);
        }
        std::mem::take(&mut self.parser.callbacks_mut().0)
    }

    /// The window has another size.
    pub fn resize(&mut self, window: Window) {
        let (rows, columns) = sides(window);
        if self.parser.screen().size() != (rows, columns) {
            self.parser.set_size(rows, columns);
        }
    }

    /// The window.
    pub fn window(&self) -> Window {
        let (rows, columns) = self.parser.screen().size();
        Window { columns: columns.get(), rows: rows.get() }
    }

    /// A key as bytes for the device.
    pub fn encode(&self, key: Key) -> Vec<u8> {
        encode::encode(key, self.parser.screen().application_cursor())
    }

    /// A pasted text as bytes for the device.
    pub fn pasted(&self, text: &str) -> Vec<u8> {
        encode::pasted(text, self.parser.screen().bracketed_paste())
    }

    /// How many lines above the newest ones are shown.
    pub fn above(&self) -> usize {
        self.parser.screen().scrollback()
    }

    /// Shows lines so far above the newest ones, as far as they are kept.
    pub fn scroll_to(&mut self, above: usize) {
        self.parser.screen_mut().set_scrollback(above);
    }

    /// What is looked for is marked where it is seen; `None` for nothing.
    pub fn mark(&mut self, text: Option<&str>) {
        self.found = text.filter(|text| !text.is_empty()).map(str::to_lowercase);
    }

    /// Goes to the nearest line above or below those that are shown which holds what is marked. Whether there is one.
    pub fn find(&mut self, upwards: bool) -> bool {
        let Some(wanted) = self.found.clone() else { return false };
        let lines = self.lines();
        let rows = usize::from(self.window().rows);
        let top = lines.len().saturating_sub(rows + self.above());
        let holds = |at: &usize| lines[*at].to_lowercase().contains(&wanted);
        let found = if upwards { (0..top).rev().find(holds) } else { (top + 1..lines.len()).find(holds) };
        let Some(at) = found else { return false };
        self.scroll_to(lines.len().saturating_sub(rows + at));
        true
    }

    /// Every line that is kept, the oldest first, each clean.
    pub fn lines(&mut self) -> Vec<String> {
        let (above, rows) = (self.above(), usize::from(self.window().rows));
        let columns = self.window().columns;
        let kept = self.parser.screen().scrollback_len();
        let mut lines = Vec::with_capacity(kept + rows);
        while lines.len() < kept + rows {
            let offset = kept.saturating_sub(lines.len());
            self.parser.screen_mut().set_scrollback(offset);
            let missing = kept + rows - lines.len();
            // the last screen overlaps the one before where the lines are no multiple of its rows
            let skip = rows.saturating_sub(missing);
            let shown: Vec<String> =
                self.parser.screen().rows(0, columns).skip(if offset == 0 { skip } else { 0 }).collect();
            if shown.is_empty() {
                break;
            }
            lines.extend(shown.iter().map(|line| clean_line(line.trim_end()).into_owned()));
        }
        lines.truncate(kept + rows);
        self.scroll_to(above);
        lines
    }

    /// Draws the screen into `area`, which it fills.
    pub fn draw(&mut self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        self.area = area;
        let plain = theme.style(Token::Text);
        text::fill(buf, area, plain);
        let screen = self.parser.screen();
        let window = self.window();
        for row in 0..area.height.min(window.rows) {
            let mut line = String::new();
            let mut places = Vec::new();
            for column in 0..area.width.min(window.columns) {
                let Some(cell) = screen.cell(row, column) else { continue };
                let (x, y) = (area.x + column, area.y + row);
                if cell.is_wide_continuation() {
                    continue;
                }
                let style = style_of(cell, plain);
                let clean = clean_line(cell.contents());
                let columns = if cell.is_wide() { 2 } else { 1 };
                buf.set_style(Rect { x, y, width: columns.min(area.right() - x), height: 1 }, style);
                if cell.has_contents() {
                    // what is wider than its cell would move its neighbours
                    let fits = text::width(&clean) <= usize::from(columns) && x + columns <= area.right();
                    text::put(buf, x, y, columns, if fits { &clean } else { "?" }, style);
                }
                let shown = if cell.has_contents() { clean.to_lowercase() } else { " ".to_owned() };
                places.extend(std::iter::repeat_n((x, columns), shown.len()));
                line.push_str(&shown);
            }
            let Some(wanted) = &self.found else { continue };
            for (at, _) in line.match_indices(wanted.as_str()) {
                for (x, columns) in &places[at..at + wanted.len()] {
                    let cell = Rect { x: *x, y: area.y + row, width: *columns, height: 1 };
                    buf.set_style(cell.intersection(area), theme.style(Token::Match));
                }
            }
        }
    }

    /// Where the cursor stands on the screen, as it was drawn last.
    pub fn cursor(&self) -> Option<(u16, u16)> {
        let screen = self.parser.screen();
        let (row, column) = screen.cursor_position();
        let is_seen = !screen.hide_cursor() && self.above() == 0;
        (is_seen && row < self.area.height && self.area.width > 0)
            .then(|| (self.area.x + column.min(self.area.width - 1), self.area.y + row))
    }
}

fn sides(window: Window) -> (NonZeroU16, NonZeroU16) {
    let side = |cells: u16, most: u16| NonZeroU16::new(cells.clamp(1, most)).unwrap_or(NonZeroU16::MIN);
    (side(window.rows, LARGEST.1), side(window.columns, LARGEST.0))
}

fn style_of(cell: &vt100::Cell, plain: Style) -> Style {
    let color = |color: vt100::Color| match color {
        vt100::Color::Default => None,
        vt100::Color::Idx(index) => Some(Color::Indexed(index)),
        vt100::Color::Rgb(red, green, blue) => Some(Color::Rgb(red, green, blue)),
    };
    let mut style = plain;
    if let Some(color) = color(cell.fgcolor()) {
        style = style.fg(color);
    }
    if let Some(color) = color(cell.bgcolor()) {
        style = style.bg(color);
    }
    for (is, modifier) in [
        (cell.bold(), Modifier::BOLD),
        (cell.dim(), Modifier::DIM),
        (cell.italic(), Modifier::ITALIC),
        (cell.underline(), Modifier::UNDERLINED),
        (cell.inverse(), Modifier::REVERSED),
    ] {
        if is {
            style = style.add_modifier(modifier);
        }
    }
    style
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::is_hostile;

    const WINDOW: Window = Window { columns: 20, rows: 4 };

    fn drawn(emulator: &mut Emulator) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 24, 6));
        emulator.draw(Rect::new(2, 1, 20, 4), &mut buffer, &Theme::plain(true));
        buffer
    }

    #[test]
    fn wide_characters_and_colours_stand_in_their_cells() {
        let mut emulator = Emulator::new(WINDOW);
        emulator.feed("描\x1b[1;31mx\x1b[48;2;1;2;3my".as_bytes());
        let buffer = drawn(&mut emulator);
        assert_eq!((buffer[(2, 1)].symbol(), buffer[(4, 1)].symbol()), ("描", "x"));
        assert_eq!((buffer[(4, 1)].fg, buffer[(5, 1)].bg), (Color::Indexed(1), Color::Rgb(1, 2, 3)));
        assert!(buffer[(4, 1)].modifier.contains(Modifier::BOLD));
        assert_eq!(emulator.cursor(), Some((6, 1)));
    }

    #[test]
    fn hostile_bytes_cut_anywhere_stay_inside() {
        let hostile = "a\u{202e}b\u{200b}\x1b]0;title\x07\x1b]52;c;aGk=\x07\x1b[8;9999;9999t\x1bP\x1b[?1049h\x1b[999;999H\
                       Z\x1b]2;x\x1b\\\x1b[5n\u{9b}31m\x1b[99999999999m\x1b[2147483648Cq"
            .as_bytes();
        for cut in 0..=hostile.len() {
            let mut emulator = Emulator::new(WINDOW);
            emulator.feed(&hostile[..cut]);
            emulator.feed(&hostile[cut..]);
            assert_eq!(emulator.window(), WINDOW);
            let buffer = drawn(&mut emulator);
            for y in 0..6 {
                for x in 0..24 {
                    let symbol = buffer[(x, y)].symbol();
                    assert!(!symbol.chars().any(is_hostile), "{symbol:?} at {x},{y}, cut at {cut}");
                    let outside = !(2..22).contains(&x) || !(1..5).contains(&y);
                    assert!(!outside || symbol == " ", "{symbol:?} at {x},{y}, cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn a_megabyte_of_garbage_changes_nothing_outside() {
        let mut emulator = Emulator::new(WINDOW);
        let mut seed = 7_u32;
        let garbage: Vec<u8> = (0..1 << 20)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        assert!(emulator.feed(&garbage).len() <= MOST_ANSWERS);
        let buffer = drawn(&mut emulator);
        assert!((0..24).all(|x| buffer[(x, 0)].symbol() == " " && buffer[(x, 5)].symbol() == " "));
        assert!(emulator.lines().len() <= SCROLLBACK + 4);
    }

    #[test]
    fn a_device_that_asks_is_answered_a_bounded_time() {
        let mut emulator = Emulator::new(WINDOW);
        assert_eq!(emulator.feed(b"ab\x1b[6n\x1b[c"), b"\x1b[1;3R\x1b[?1;2c");
        assert!(emulator.feed(&b"\x1b[6n".repeat(10_000)).len() <= MOST_ANSWERS);
    }

    #[test]
    fn what_scrolled_away_is_found_and_reading_it_is_not_disturbed() {
        let mut emulator = Emulator::new(WINDOW);
        (0..50).for_each(|line| drop(emulator.feed(format!("line {line}\r\n").as_bytes())));
        let lines = emulator.lines();
        assert_eq!((lines.len(), lines[0].as_str(), lines[49].as_str()), (51, "line 0", "line 49"));
        emulator.mark(Some("LINE 7"));
        assert!(emulator.find(true));
        assert_eq!(drawn(&mut emulator)[(7, 1)].symbol(), "7");
        emulator.feed(b"more\r\nand more\r\n");
        assert_eq!(drawn(&mut emulator)[(7, 1)].symbol(), "7");
        assert!(!emulator.find(true));
        emulator.scroll_to(0);
        assert!(emulator.cursor().is_some());
    }
}
