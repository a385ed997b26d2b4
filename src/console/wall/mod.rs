//! What the wallboard is made of: how large it writes, what stands on top of every page, and the pages.

pub mod head;
mod lists;
pub mod pages;
mod tiles;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::cx::Cx;
use super::theme::Theme;
use super::widgets::large::Scale;
use crate::engine::pulse::{Mode, PulseRow};
use crate::engine::snapshot::DeviceRow;

/// How large the figures and the words are on a screen of this size.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Figures.
    pub figures: Scale,
    /// Words.
    pub words: Scale,
    /// What is read by who steps up to it.
    pub notes: Scale,
}

impl Sizes {
    /// The largest letters, of words or of notes, in which every one of these lines has room in so many columns; those of
    /// notes where none has.
    fn showing<'a>(self, mut lines: impl Iterator<Item = &'a str>, room: u16) -> Scale {
        if lines.all(|line| self.words.shows(line, room)) { self.words } else { self.notes }
    }

    /// So that a large screen with small letters is as easy to read as a small one.
    pub fn of(area: Rect, theme: &Theme) -> Self {
        let (figures, words, notes) = match (area.width, area.height) {
            (320.., 90..) => (4, 2, 1),
            (150.., 44..) => (2, 1, 0),
            (60.., 18..) => (1, 0, 0),
            _ => (0, 0, 0),
        };
        Self {
            figures: Scale::new(figures, theme),
            words: Scale::new(words, theme),
            notes: Scale::new(notes, theme),
        }
    }
}

/// Writes a line at the top of `area`, and returns what is left below it.
fn line(area: Rect, buf: &mut Buffer, scale: Scale, words: &str, cx: &Cx, style: Style) -> Rect {
    if area.height >= scale.rows() {
        scale.put(buf, (area.x, area.y), area.width, words, &cx.theme, style);
    }
    below(area, scale.pitch())
}

fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

/// The devices that are watched, with what is known of them.
pub fn watched(cx: &Cx) -> impl Iterator<Item = (&DeviceRow, &PulseRow)> {
    let living = cx.snapshot.devices.iter().filter(|row| row.device.deleted.is_none());
    living
        .filter_map(|device| Some((device, cx.snapshot.pulse.row(device.device.id)?)))
        .filter(|(_, row)| row.mode != Mode::Paused)
}
