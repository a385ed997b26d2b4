//! A screen as others see it who watch it: cells become a picture without a terminal, and a picture cells again.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::text;
use crate::engine::watching::{Ink, Look, Picture, Run};

/// The colours that have names, in the order of their numbers.
const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// What stands in `buffer`.
pub fn picture(buffer: &Buffer, cursor: Option<(u16, u16)>) -> Picture {
    let area = buffer.area;
    let rows = (area.top()..area.bottom()).map(|y| runs(buffer, y)).collect();
    Picture { number: 0, columns: area.width, rows: area.height, runs: rows, cursor }
}

fn runs(buffer: &Buffer, y: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut x = buffer.area.left();
    while x < buffer.area.right() {
        let cell = &buffer[(x, y)];
        let look = Look { letters: ink(cell.fg), ground: ink(cell.bg), manner: cell.modifier.bits() };
        match runs.last_mut().filter(|run| run.look == look) {
            Some(run) => run.text.push_str(cell.symbol()),
            None => runs.push(Run { x, text: cell.symbol().to_owned(), look }),
        }
        // a wide character covers the cells behind it
        x += u16::try_from(text::width(cell.symbol())).unwrap_or(1).max(1);
    }
    runs
}

/// Draws what of a picture lies in `area`, whose upper left corner shows the column and row `from` of it.
pub fn put(picture: &Picture, from: (u16, u16), area: Rect, buf: &mut Buffer) {
    for (row, y) in picture.runs.iter().skip(usize::from(from.1)).zip(area.top()..area.bottom()) {
        for run in row {
            let mut x = run.x;
            for cluster in unicode_segmentation::UnicodeSegmentation::graphemes(run.text.as_str(), true) {
                let wide = u16::try_from(text::width(cluster)).unwrap_or(1);
                let left = area.right().saturating_sub(area.x.saturating_add(x.saturating_sub(from.0)));
                if x >= from.0 && left >= wide {
                    text::put(buf, area.x + (x - from.0), y, left, cluster, style(run.look));
                }
                x = x.saturating_add(wide);
            }
        }
    }
}

fn ink(color: Color) -> Ink {
    match color {
        Color::Reset => Ink::Usual,
        Color::Rgb(red, green, blue) => Ink::Mixed(red, green, blue),
        Color::Indexed(number) => Ink::Numbered(number),
        named => {
            let number = NAMED.iter().position(|known| *known == named).and_then(|at| u8::try_from(at).ok());
            number.map_or(Ink::Usual, Ink::Numbered)
        }
    }
}

fn style(look: Look) -> Style {
    let color = |ink| match ink {
        Ink::Usual => Color::Reset,
        Ink::Mixed(red, green, blue) => Color::Rgb(red, green, blue),
        Ink::Numbered(number) => NAMED.get(usize::from(number)).copied().unwrap_or(Color::Indexed(number)),
    };
    let manner = Modifier::from_bits_truncate(look.manner);
    Style::reset().fg(color(look.letters)).bg(color(look.ground)).add_modifier(manner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_the_screen_and_a_part_of_it_is_that_part() {
        let mut screen = Buffer::empty(Rect::new(0, 0, 12, 3));
        text::put(&mut screen, 0, 0, 12, "plain", Style::new());
        text::put(&mut screen, 1, 1, 11, "数据 wide", Style::new().fg(Color::Red).bold());
        text::put(&mut screen, 0, 2, 12, "e\u{301}x", Style::new().bg(Color::Rgb(1, 2, 3)));
        let picture = picture(&screen, Some((3, 1)));
        let mut copy = Buffer::empty(screen.area);
        put(&picture, (0, 0), copy.area, &mut copy);
        assert_eq!(copy, screen);
        let mut part = Buffer::empty(Rect::new(0, 0, 4, 2));
        // half of a wide character is no character
        put(&picture, (2, 1), part.area, &mut part);
        assert_eq!(part[(1, 0)].symbol(), "据");
        assert_eq!(part[(0, 0)].symbol(), " ");
        put(&picture, (500, 500), part.area, &mut part);
    }
}
