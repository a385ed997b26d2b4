//! Colours on terminals that have fewer of them.

use std::fmt::Write as _;

use ratatui::style::Color;

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None: bold, dim, underline and reverse are left.
    Mono,
    /// The sixteen that the terminal's own theme defines.
    Sixteen,
    /// xterm's cube of 216 and its 24 greys.
    Indexed,
    /// 24 bits.
    Rgb,
}

impl Depth {
    /// What `TERM`, `COLORTERM` and `NO_COLOR` of the operator's terminal promise.
    pub fn of(term: &str, colorterm: &str, no_color: bool) -> Self {
        if no_color || term.is_empty() || term == "dumb" || term.starts_with("vt") {
            Self::Mono
        } else if colorterm == "truecolor" || colorterm == "24bit" || term.ends_with("-direct") {
            Self::Rgb
        } else if term.contains("256color") || ["kitty", "alacritty", "foot", "ghostty"].contains(&term) {
            Self::Indexed
        } else {
            Self::Sixteen
        }
    }

    /// The nearest colour that this depth has.
    pub fn map(self, color: Color) -> Color {
        match (self, color) {
            (Self::Mono, _) => Color::Reset,
            (Self::Sixteen, Color::Rgb(..) | Color::Indexed(16..)) => nearest_of_sixteen(rgb(color)),
            (Self::Indexed, Color::Rgb(r, g, b)) => Color::Indexed(nearest_index((r, g, b))),
            _ => color,
        }
    }
}

/// Appends the SGR parameters that set `color`, in its shortest form, without `;`. `ground` is 30 or 40.
pub fn write_sgr(out: &mut String, color: Color, ground: u8) {
    let _ = match color {
        Color::Reset => write!(out, "{}", ground + 9),
        Color::Rgb(r, g, b) => write!(out, "{};2;{r};{g};{b}", ground + 8),
        Color::Indexed(index @ 0..=7) => write!(out, "{}", ground + index),
        Color::Indexed(index @ 8..=15) => write!(out, "{}", ground + 52 + index),
        Color::Indexed(index) => write!(out, "{};5;{index}", ground + 8),
        named => match index(named).unwrap_or(0) {
            index @ 0..=7 => write!(out, "{}", ground + index),
            index => write!(out, "{}", ground + 52 + index),
        },
    };
}

/// A colour's place among xterm's 256; `None` for what has none: 24 bits, and the terminal's own.
pub fn index(color: Color) -> Option<u8> {
    Some(match color {
        Color::Reset | Color::Rgb(..) => return None,
        Color::Indexed(index) => index,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    })
}

/// Red, green and blue of the 256 as xterm draws them: the sixteen, a cube of 216, 24 greys.
pub fn rgb_of(index: u8) -> (u8, u8, u8) {
    match index {
        0..16 => SIXTEEN[usize::from(index)],
        16..232 => {
            let place = usize::from(index - 16);
            (CUBE[place / 36], CUBE[place / 6 % 6], CUBE[place % 6])
        }
        232.. => {
            let grey = 8 + (index - 232) * 10;
            (grey, grey, grey)
        }
    }
}

/// The sixteen as xterm draws them: what "nearest" is measured by.
const SIXTEEN: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// The steps of the cube's sides.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

fn rgb(color: Color) -> (u8, u8, u8) {
    match color {
        Color::Rgb(r, g, b) => (r, g, b),
        other => rgb_of(index(other).unwrap_or(0)),
    }
}

fn nearest_of_sixteen(wanted: (u8, u8, u8)) -> Color {
    let nearest = (0..16).min_by_key(|&index| distance(SIXTEEN[usize::from(index)], wanted));
    Color::Indexed(nearest.unwrap_or(7))
}

fn nearest_index(wanted: (u8, u8, u8)) -> u8 {
    let candidates = 16..=255;
    candidates.min_by_key(|&index| distance(rgb_of(index), wanted)).unwrap_or(7)
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    // the eye sees green best and blue worst
    square(a.0, b.0) * 3 + square(a.1, b.1) * 6 + square(a.2, b.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_is_read_from_the_environment() {
        assert_eq!(Depth::of("xterm-256color", "", false), Depth::Indexed);
        assert_eq!(Depth::of("xterm-256color", "truecolor", false), Depth::Rgb);
        assert_eq!(Depth::of("xterm-256color", "truecolor", true), Depth::Mono);
        assert_eq!(Depth::of("linux", "", false), Depth::Sixteen);
        assert_eq!(Depth::of("dumb", "", false), Depth::Mono);
    }

    #[test]
    fn colours_map_down_to_what_looks_alike() {
        assert_eq!(Depth::Indexed.map(Color::Rgb(255, 0, 0)), Color::Indexed(196));
        assert_eq!(Depth::Sixteen.map(Color::Rgb(250, 10, 10)), Color::Indexed(9));
        assert_eq!(Depth::Mono.map(Color::Red), Color::Reset);
        assert_eq!(Depth::Sixteen.map(Color::Red), Color::Red);
        assert_eq!(
            [16, 196, 231, 232, 255].map(rgb_of),
            [(0, 0, 0), (255, 0, 0), (255, 255, 255), (8, 8, 8), (238, 238, 238)]
        );
    }

    #[test]
    fn sgr_is_as_short_as_can_be() {
        let sgr = |color, ground| {
            let mut out = String::new();
            write_sgr(&mut out, color, ground);
            out
        };
        assert_eq!(sgr(Color::LightRed, 30), "91");
        assert_eq!(sgr(Color::Indexed(9), 40), "101");
        assert_eq!(sgr(Color::Reset, 40), "49");
        assert_eq!(sgr(Color::Rgb(1, 2, 3), 30), "38;2;1;2;3");
    }
}
