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

/// Draws so many as there is room for.
pub fn draw(area: Rect, buf: &mut Buffer, sizes: Sizes, tiles: &[Tile], cx: &Cx) {
    let tiles = &tiles[..tiles.len().min(room(area, sizes))];
    let count = u16::try_from(tiles.len()).unwrap_or(u16::MAX).max(1);
    let columns = columns(area, sizes).min(count);
    // what is over is shared out
    let wide = (area.width / columns).max(1);
    let least = size(sizes).1;
    let high = ((area.height + 1) / count.div_ceil(columns)).clamp(least, least * MOST_STRETCH);
    for (place, tile) in (0..).zip(tiles) {
        let (x, y) = (area.x + place % columns * wide, area.y + place / columns * high);
        let loud = tile.token == Token::Bad;
        let style = cx.theme.style(tile.token).bold();
        let style = if loud { style.add_modifier(Modifier::REVERSED) } else { style };
        let gap = if sizes.words.rows() == 1 { 2 } else { 4 };
        let inside = Rect::new(x, y, wide.saturating_sub(gap), high - 1).intersection(area);
        let state = match tile.worst == tile.all {
            true => format!("{} {}", tile.all, tile.word),
            false => format!("{} of {} {}", tile.worst, tile.all, tile.word),
        };
        let name = format!("{} {}", tile.glyph, tile.name);
        let bar = if sizes.words.rows() == 1 { 1 } else { 2 };
        match loud {
            true => text::fill(buf, inside, style),
            false => text::fill(buf, Rect { width: bar, ..inside }, style.add_modifier(Modifier::REVERSED)),
        }
        let top = inside.y + (inside.height.saturating_sub(least - 1)) / 2;
        if sizes.words.rows() == 1 {
            text::put(buf, inside.x + 2, top, inside.width.saturating_sub(2), &name, style);
            text::put(buf, inside.x + 4, top + 1, inside.width.saturating_sub(4), &state, style);
            continue;
        }
        let (left, room) = (inside.x + 4, inside.width.saturating_sub(5));
        sizes.words.put(buf, (left, top + 1), room, &name, &cx.theme, style);
        let row = top + 1 + sizes.words.rows() + sizes.words.rows().div_ceil(3);
        sizes.words.put(buf, (left, row), room, &state.replace(" of ", "/"), &cx.theme, style);
    }
}
