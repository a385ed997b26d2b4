//! What two panes share.

pub mod change_preview;
pub mod chart;
pub mod clash;
pub mod diff_rows;
pub mod diff_view;
pub mod emulator;
pub mod large;
pub mod line;
pub mod menu;
pub mod pager;
pub mod sparkline;
pub mod table;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, BorderType, Widget};

use super::text;
use super::theme::{Theme, Token};
pub use change_preview::ChangePreview;
pub use clash::{Chosen, Clash};
pub use diff_view::DiffView;
pub use emulator::Emulator;
pub use line::LineInput;
pub use menu::{Item, Menu};
pub use pager::Pager;
pub use table::{Column, Rows, Table};

/// Draws an empty box with a title over the middle of `area`, no larger than it, and returns its inside;
/// `None` where there is no room for one.
pub fn frame(
    area: Rect,
    buf: &mut Buffer,
    theme: &Theme,
    title: &str,
    width: u16,
    height: u16,
) -> Option<Rect> {
    let (width, height) = (width.min(area.width), height.min(area.height));
    if width < 8 || height < 3 {
        return None;
    }
    let outer =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    let style = theme.style(Token::Text).patch(theme.style(Token::Dialog));
    text::fill(buf, outer, style);
    if theme.unicode {
        Block::bordered().border_type(BorderType::Rounded).style(style).render(outer, buf);
    } else {
        let rule = "-".repeat(usize::from(width));
        text::put(buf, outer.x, outer.y, width, &rule, style);
        text::put(buf, outer.x, outer.bottom() - 1, width, &rule, style);
    }
    text::put(
        buf,
        outer.x + 2,
        outer.y,
        width - 4,
        &format!(" {title} "),
        style.patch(theme.style(Token::Section)),
    );
    Some(Rect { x: outer.x + 2, y: outer.y + 1, width: width - 4, height: height - 2 })
}

/// What a pane says in its middle where what it shows was refused, or could not be read.
pub fn trouble(area: Rect, buf: &mut Buffer, theme: &Theme, why: &str) {
    say(area, buf, theme, &format!("{} {why}", theme.glyph("✖", "x")), Token::Warn);
}

/// What a pane without content says in its middle.
pub fn notice(area: Rect, buf: &mut Buffer, theme: &Theme, sentence: &str) {
    say(area, buf, theme, sentence, Token::Dim);
}

fn say(area: Rect, buf: &mut Buffer, theme: &Theme, sentence: &str, token: Token) {
    let lines = text::wrap(sentence, usize::from(area.width.saturating_sub(4)).max(1));
    for (line, y) in lines.iter().zip(area.y + area.height / 3..area.bottom()) {
        let wide = u16::try_from(text::width(line)).unwrap_or(area.width).min(area.width);
        text::put(buf, area.x + (area.width - wide) / 2, y, wide, line, theme.style(token));
    }
}
