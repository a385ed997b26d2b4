//! A terminal's screen on which each character knows the bytes that it came from. It says what stands on a line each time
//! that some of that is about to be lost or left: so what was written, erased and written again is seen as often as a person
//! could have seen it.

use std::collections::VecDeque;

use super::token::Token;
use crate::device::transport::Window;

/// The longest line that is looked at, in characters: the end of a longer one.
const LONGEST_LINE: usize = 64 << 10;
/// The most lines of a device that breaks them by itself which are looked at as one.
const MOST_JOINED: usize = 8;
/// The largest window.
const LARGEST: (usize, usize) = (500, 200);
/// Widths at which devices break lines, whatever the window's is.
const USUAL_WIDTHS: [usize; 2] = [80, 132];

/// A character, and the bytes that it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The character; NUL behind a wide one.
    pub character: char,
    /// Its first byte.
    pub from: usize,
    /// Behind its last byte.
    pub to: usize,
}

const BLANK: Cell = Cell { character: ' ', from: 0, to: 0 };

#[derive(Clone, Debug, Default)]
struct Row {
    cells: Vec<Cell>,
    /// The next row is the same line: the terminal has broken it.
    goes_on: bool,
    /// So many characters were sent for its line that the device may have broken it: one may count a tab as one.
    is_filled: bool,
}

/// The screen.
pub struct Screen {
    columns: usize,
    rows: Vec<Row>,
    /// What has scrolled out at the top and may belong to the line in the first row.
    above: VecDeque<Row>,
    x: usize,
    y: usize,
    /// How many characters the device has sent since its line began.
    sent: usize,
    /// The cursor has returned: what comes next begins the line anew.
    has_returned: bool,
    /// Something was written in the cursor's line that nobody has looked at.
    touched: bool,
    /// The rows that scroll: from, up to.
    region: (usize, usize),
    saved: (usize, usize),
    inserts: bool,
}

impl Screen {
    /// An empty one.
    pub fn new(window: Window) -> Self {
        let (columns, rows) = sides(window);
        Self {
            columns,
            rows: vec![Row::default(); rows],
            above: VecDeque::new(),
            x: 0,
            y: 0,
            sent: 0,
            has_returned: false,
            touched: false,
            region: (0, rows),
            saved: (0, 0),
            inserts: false,
        }
    }

    /// Takes a piece; `look` is shown lines.
    pub fn take(&mut self, token: &Token, bytes: std::ops::Range<usize>, look: &mut impl FnMut(&[Cell])) {
        match token {
            Token::Print(c) => {
                self.count();
                self.print(*c, bytes.start, bytes.end);
            }
            Token::Unseen => {}
            _ => {
                if self.moves(token) {
                    self.settle(look);
                }
                match token {
                    Token::Control(byte) => self.control(*byte),
                    Token::Escape(last) => self.escape(*last),
                    Token::Sequence(numbers, private, last) => self.sequence(*numbers, *private, *last),
                    Token::Print(_) | Token::Unseen => {}
                }
            }
        }
    }

    /// Shows `look` the cursor's line, where there is something new on it, as the terminal broke it and as the device may have.
    pub fn settle(&mut self, look: &mut impl FnMut(&[Cell])) {
        if !std::mem::take(&mut self.touched) {
            return;
        }
        let row = self.above.len() + self.y;
        let mut starts = vec![self.start_of(row)];
        while let Some(&start) = starts.last()
            && start > 0
            && starts.len() < MOST_JOINED
            && self.is_full(start - 1)
        {
            starts.push(self.start_of(start - 1));
        }
        let mut end = row;
        while self.row(end).goes_on && end + 1 < self.above.len() + self.rows.len() {
            end += 1;
        }
        for start in starts.into_iter().rev() {
            let line: Vec<Cell> = (start..=end).flat_map(|row| &self.row(row).cells).copied().collect();
            let from = line.len().saturating_sub(LONGEST_LINE);
            look(&line[from..]);
        }
    }

    /// The cursor's row.
    pub fn line(&self) -> &[Cell] {
        &self.rows[self.y].cells
    }

    /// The window has another size.
    pub fn resize(&mut self, window: Window, look: &mut impl FnMut(&[Cell])) {
        self.settle(look);
        let (columns, rows) = sides(window);
        self.columns = columns;
        self.rows.resize_with(rows, Row::default);
        self.rows.iter_mut().for_each(|row| row.cells.truncate(columns));
        self.region = (0, rows);
        (self.x, self.y) = (self.x.min(columns - 1), self.y.min(rows - 1));
    }

    /// A row, counted from the first one that is above the screen.
    fn row(&self, row: usize) -> &Row {
        self.above.get(row).unwrap_or_else(|| &self.rows[row - self.above.len()])
    }

    fn start_of(&self, row: usize) -> usize {
        (0..row).rev().take_while(|&above| self.row(above).goes_on).last().unwrap_or(row)
    }

    /// One more character of the device's line has come.
    fn count(&mut self) {
        if std::mem::take(&mut self.has_returned) {
            self.sent = 0;
        }
        self.sent += 1;
    }

    /// Whether a row is so long that its device may have gone on in the next.
    fn is_full(&self, row: usize) -> bool {
        self.fills(self.row(row))
    }

    fn fills(&self, row: &Row) -> bool {
        let length = trimmed(&row.cells);
        row.is_filled || length + 1 >= self.columns || is_broken_at(&USUAL_WIDTHS, length)
    }

    fn print(&mut self, c: char, from: usize, to: usize) {
        let width = unicode_width::UnicodeWidthChar::width(c).unwrap_or(1);
        if width == 0 {
            // a mark belongs to the character before it
            let before = self.x.checked_sub(1).and_then(|x| self.rows[self.y].cells.get_mut(x));
            if let Some(cell) = before {
                cell.to = to;
            }
            return;
        }
        if self.x + width > self.columns {
            self.rows[self.y].goes_on = true;
            self.feed();
            self.x = 0;
        }
        let (x, inserts) = (self.x, self.inserts);
        let cells = &mut self.rows[self.y].cells;
        if cells.len() < x {
            cells.resize(x, BLANK);
        }
        let mut put = |x: usize, cell: Cell| match cells.get_mut(x) {
            Some(_) if inserts => cells.insert(x, cell),
            Some(there) => *there = cell,
            None => cells.push(cell),
        };
        put(x, Cell { character: c, from, to });
        (1..width).for_each(|more| put(x + more, Cell { character: '\0', from, to }));
        cells.truncate(self.columns);
        self.x += width;
        self.touched = true;
    }

    /// Whether a piece moves the cursor or erases: all that does anything but go on.
    fn moves(&self, token: &Token) -> bool {
        match token {
            Token::Control(byte) => matches!(byte, 8 | 10..=13),
            Token::Escape(last) => matches!(last, b'7' | b'8' | b'D' | b'E' | b'M' | b'c'),
            Token::Sequence(_, _, last) => !matches!(last, b'm' | b'n' | b'c' | b'q' | b'C' | b'a'),
            Token::Print(_) | Token::Unseen => false,
        }
    }

    fn control(&mut self, byte: u8) {
        match byte {
            8 => {
                self.sent = self.sent.saturating_sub(1);
                self.x = self.x.min(self.columns - 1).saturating_sub(1);
            }
            9 => {
                self.count();
                self.x = (self.x / 8 * 8 + 8).min(self.columns - 1);
            }
            10..=12 => {
                self.rows[self.y].is_filled =
                    is_broken_at(&[self.columns], self.sent) || is_broken_at(&USUAL_WIDTHS, self.sent);
                (self.sent, self.has_returned) = (0, false);
                self.feed();
            }
            13 => (self.x, self.has_returned) = (0, true),
            _ => {}
        }
    }

    fn escape(&mut self, last: u8) {
        match last {
            b'7' => self.saved = (self.x, self.y),
            b'8' => self.go(self.saved.0, self.saved.1),
            b'D' => self.feed(),
            b'E' => {
                self.feed();
                self.x = 0;
            }
            b'M' if self.y == self.region.0 => self.scroll_down(self.region.0, 1),
            b'M' => self.y = self.y.saturating_sub(1),
            b'c' => {
                self.clear(0, self.rows.len());
                (self.region, self.inserts) = ((0, self.rows.len()), false);
                self.go(0, 0);
            }
            _ => {}
        }
    }

    fn sequence(&mut self, numbers: [Option<usize>; 2], private: bool, last: u8) {
        let one = numbers[0].unwrap_or(1).clamp(1, LARGEST.0);
        let kind = numbers[0].unwrap_or(0);
        let (x, y) = (self.x.min(self.columns - 1), self.y);
        match last {
            b'h' | b'l' if private && matches!(kind, 47 | 1047 | 1049) => self.clear(0, self.rows.len()),
            b'h' | b'l' if !private && kind == 4 => self.inserts = last == b'h',
            _ if private => {}
            b'A' => self.go(x, y.saturating_sub(one)),
            b'B' | b'e' => self.go(x, y + one),
            b'C' | b'a' => self.go(x + one, y),
            b'D' => self.go(x.saturating_sub(one), y),
            b'E' => self.go(0, y + one),
            b'F' => self.go(0, y.saturating_sub(one)),
            b'G' | b'`' => self.go(one - 1, y),
            b'd' => self.go(x, one - 1),
            b'H' | b'f' => self.go(numbers[1].unwrap_or(1).saturating_sub(1), one - 1),
            b'J' => self.erase_screen(kind),
            b'K' => self.erase_line(kind),
            b'X' => self.blank(x, x + one),
            b'P' => {
                let cells = &mut self.rows[y].cells;
                cells.drain(x.min(cells.len())..(x + one).min(cells.len()));
            }
            b'@' => {
                let cells = &mut self.rows[y].cells;
                let at = x.min(cells.len());
                cells.splice(at..at, std::iter::repeat_n(BLANK, one));
                cells.truncate(self.columns);
            }
            b'L' => self.scroll_down(y, one),
            b'M' => self.scroll_up(y, one),
            b'S' => self.scroll_up(self.region.0, one),
            b'T' => self.scroll_down(self.region.0, one),
            b'r' => {
                let to = numbers[1].unwrap_or(self.rows.len()).min(self.rows.len());
                let from = (one - 1).min(self.rows.len() - 1);
                self.region = if from < to { (from, to) } else { (0, self.rows.len()) };
                self.go(0, 0);
            }
            b's' => self.saved = (self.x, self.y),
            b'u' => self.go(self.saved.0, self.saved.1),
            _ => {}
        }
    }

    fn go(&mut self, x: usize, y: usize) {
        (self.x, self.y) = (x.min(self.columns - 1), y.min(self.rows.len() - 1));
    }

    /// To the next row.
    fn feed(&mut self) {
        if self.y + 1 == self.region.1 {
            self.scroll_up(self.region.0, 1);
        } else if self.y + 1 < self.rows.len() {
            self.y += 1;
        }
    }

    fn scroll_up(&mut self, from: usize, rows: usize) {
        let to = self.region.1;
        if from >= to {
            return;
        }
        for _ in 0..rows.min(to - from) {
            let gone = self.rows.remove(from);
            if from == 0 {
                match gone.goes_on || self.fills(&gone) {
                    true => self.above.push_back(gone),
                    false => self.above.clear(),
                }
                while self.above.len() * self.columns > LONGEST_LINE {
                    self.above.pop_front();
                }
            }
            self.rows.insert(to - 1, Row::default());
        }
    }

    fn scroll_down(&mut self, from: usize, rows: usize) {
        let to = self.region.1;
        if from >= to {
            return;
        }
        for _ in 0..rows.min(to - from) {
            self.rows.remove(to - 1);
            self.rows.insert(from, Row::default());
        }
    }

    fn erase_screen(&mut self, kind: usize) {
        match kind {
            0 => {
                self.erase_line(0);
                self.clear(self.y + 1, self.rows.len());
            }
            1 => {
                self.erase_line(1);
                self.clear(0, self.y);
            }
            _ => self.clear(0, self.rows.len()),
        }
    }

    fn erase_line(&mut self, kind: usize) {
        let x = self.x;
        let row = &mut self.rows[self.y];
        match kind {
            0 => {
                row.cells.truncate(x);
                row.goes_on = false;
            }
            1 => self.blank(0, x + 1),
            _ => *row = Row::default(),
        }
    }

    fn blank(&mut self, from: usize, to: usize) {
        let cells = &mut self.rows[self.y].cells;
        let to = to.min(cells.len());
        cells[from.min(to)..to].fill(BLANK);
    }

    fn clear(&mut self, from: usize, to: usize) {
        self.rows[from..to].fill(Row::default());
        if from == 0 {
            self.above.clear();
        }
    }
}

/// Whether a device that breaks its lines at one of these widths breaks one of this length.
fn is_broken_at(widths: &[usize], length: usize) -> bool {
    widths.iter().any(|&width| length == width || length + 1 == width)
}

fn trimmed(cells: &[Cell]) -> usize {
    cells.iter().rposition(|cell| cell.character != ' ').map_or(0, |last| last + 1)
}

fn sides(window: Window) -> (usize, usize) {
    (usize::from(window.columns).clamp(1, LARGEST.0), usize::from(window.rows).clamp(1, LARGEST.1))
}
