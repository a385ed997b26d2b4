//! The groups as tiles, the worst first.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::{Sizes, watched};
use crate::console::answering;
use crate::console::cx::Cx;
use crate::console::text;
use crate::console::theme::Token;
use crate::engine::pulse::PulseRow;
use crate::model::clean_line;

/// A group, and what is inside it.
pub struct Tile {
    name: String,
    all: u32,
    /// How bad the worst is, how many are as bad, and how that looks.
    rank: u8,
    worst: u32,
    token: Token,
    glyph: &'static str,
    word: &'static str,
}

impl Tile {
    /// Its name, and how it is.
    fn words(&self, sizes: Sizes) -> (String, String) {
        let of = if sizes.words.rows() == 1 { " of " } else { "/" };
        let state = match self.worst == self.all {
            true => format!("{} {}", self.all, self.word),
            false => format!("{}{of}{} {}", self.worst, self.all, self.word),
        };
        (format!("{} {}", self.glyph, self.name), state)
    }
}

/// A tile for every outermost group.
pub fn tiles(cx: &Cx) -> Vec<Tile> {
    let mut tiles: BTreeMap<&str, Tile> = BTreeMap::new();
    for (device, row) in watched(cx) {
        let group = device.device.group.split('/').next().unwrap_or_default();
        let rank = answering::rank(Some(row));
        let tile = tiles.entry(group).or_insert_with(|| Tile {
            name: if group.is_empty() { "no group".to_owned() } else { clean_line(group).into_owned() },
            all: 0,
            rank: u8::MAX,
            worst: 0,
            token: Token::Off,
            glyph: "-",
            word: "",
        });
        tile.all += 1;
        if rank < tile.rank {
            (tile.rank, tile.worst) = (rank, 0);
            (tile.token, tile.glyph, tile.word) =
                (answering::token(Some(row)), answering::glyph(Some(row), &cx.theme), word(rank, row));
        }
        tile.worst += u32::from(rank == tile.rank);
    }
    let mut tiles: Vec<Tile> = tiles.into_values().collect();
    tiles.sort_by(|a, b| (a.rank, &a.name).cmp(&(b.rank, &b.name)));
    tiles
}

fn word(rank: u8, row: &PulseRow) -> &'static str {
    match rank {
        2 => "flapping",
        4 => "planned",
        _ => row.state.as_str(),
    }
}

/// Columns and rows of a tile with the gap behind it.
fn size(sizes: Sizes) -> (u16, u16) {
    match sizes.words.rows() {
        1 => (26, 3),
        rows => (sizes.words.columns(12), rows * 2 + rows.div_ceil(3) + 4),
    }
}

fn columns(area: Rect, sizes: Sizes) -> u16 {
    (area.width / size(sizes).0).max(1)
}

/// How much taller than it must be a tile becomes, where there is room.
const MOST_STRETCH: u16 = 3;

/// How many there is room for.
pub fn room(area: Rect, sizes: Sizes) -> usize {
    usize::from(columns(area, sizes)) * usize::from((area.height + 1) / size(sizes).1)
}

/// The columns that a tile's frame takes of it: left of its words, and behind them.
fn frame(sizes: Sizes) -> u16 {
    if sizes.words.rows() == 1 { 2 + 2 + 2 } else { 4 + 4 + 1 }
}

/// As many tiles side by side as have room for their words, where the height allows it; else as many as there may be.
fn side_by_side(area: Rect, sizes: Sizes, words: &[(String, String)]) -> u16 {
    let count = u16::try_from(words.len()).unwrap_or(u16::MAX).max(1);
    let most = columns(area, sizes).min(count);
    let all_fit = |columns: &u16| count.div_ceil(*columns).saturating_mul(size(sizes).1) <= area.height + 1;
    let whole = |columns: &u16| {
        let room = (area.width / columns).saturating_sub(frame(sizes));
        words.iter().all(|(name, state)| sizes.words.shows(name, room) && sizes.words.shows(state, room))
    };
    (1..=most).rev().find(|columns| all_fit(columns) && whole(columns)).unwrap_or(most)
}

/// Draws so many as there is room for.
pub fn draw(area: Rect, buf: &mut Buffer, sizes: Sizes, tiles: &[Tile], cx: &Cx) {
    let tiles = &tiles[..tiles.len().min(room(area, sizes))];
    let count = u16::try_from(tiles.len()).unwrap_or(u16::MAX).max(1);
    let words: Vec<(String, String)> = tiles.iter().map(|tile| tile.words(sizes)).collect();
    let columns = side_by_side(area, sizes, &words);
    // what is over is shared out
    let wide = (area.width / columns).max(1);
    let least = size(sizes).1;
    let high = ((area.height + 1) / count.div_ceil(columns)).clamp(least, least * MOST_STRETCH);
    for (place, (tile, (name, state))) in (0..).zip(tiles.iter().zip(&words)) {
        let (x, y) = (area.x + place % columns * wide, area.y + place / columns * high);
        let loud = tile.token == Token::Bad;
        let style = cx.theme.style(tile.token).bold();
        let style = if loud { style.add_modifier(Modifier::REVERSED) } else { style };
        let gap = if sizes.words.rows() == 1 { 2 } else { 4 };
        let inside = Rect::new(x, y, wide.saturating_sub(gap), high - 1).intersection(area);
        let bar = if sizes.words.rows() == 1 { 1 } else { 2 };
        match loud {
            true => text::fill(buf, inside, style),
            false => text::fill(buf, Rect { width: bar, ..inside }, style.add_modifier(Modifier::REVERSED)),
        }
        let top = inside.y + (inside.height.saturating_sub(least - 1)) / 2;
        if sizes.words.rows() == 1 {
            text::put(buf, inside.x + 2, top, inside.width.saturating_sub(2), name, style);
            text::put(buf, inside.x + 4, top + 1, inside.width.saturating_sub(4), state, style);
            continue;
        }
        let (left, room) = (inside.x + 4, inside.width.saturating_sub(5));
        let letters = sizes.showing([name.as_str(), state.as_str()].into_iter(), room);
        let lower = (sizes.words.rows() - letters.rows()) / 2;
        letters.put(buf, (left, top + 1 + lower), room, name, &cx.theme, style);
        let row = top + 1 + sizes.words.rows() + sizes.words.rows().div_ceil(3);
        letters.put(buf, (left, row + lower), room, state, &cx.theme, style);
    }
}
