//! What frames are drawn on: of a screen's cells only what its terminal shows is kept for each session; the one that is
//! being drawn lies on the thread that draws, which draws one at a time.

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

thread_local! {
    static SPARE: Cell<Option<Buffer>> = const { Cell::new(None) };
}

/// An empty canvas of this size.
pub fn take(area: Rect) -> Buffer {
    match SPARE.take() {
        Some(mut spare) if spare.area == area => {
            spare.reset();
            spare
        }
        _ => Buffer::empty(area),
    }
}

/// The canvas is not needed any more, whatever is on it.
pub fn give_back(canvas: Buffer) {
    SPARE.set(Some(canvas));
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn a_canvas_that_was_used_is_empty_again() {
        let area = Rect::new(0, 0, 4, 2);
        let mut used = take(area);
        used.set_string(0, 0, "used", Style::new().bold());
        give_back(used);
        assert_eq!(take(area), Buffer::empty(area));
        give_back(Buffer::empty(area));
        let other = Rect::new(0, 0, 9, 9);
        assert_eq!(take(other), Buffer::empty(other));
    }
}
