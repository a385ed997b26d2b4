//! A list that is searched by typing: help, the sort menu, choices.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::line::LineInput;
use crate::console::term::{Code, Key};
use crate::console::text;
use crate::console::theme::{Theme, Token};
use crate::console::widgets::frame;
use crate::model::filter::{self, Filter};

/// One choice.
#[derive(Clone, Debug)]
pub struct Item {
    /// What stands left: a key.
    pub key: String,
    /// What it is.
    pub about: String,
    /// The command line that it runs.
    pub line: String,
    /// Why it cannot be chosen now.
    pub disabled: Option<String>,
}

/// The list, what was typed, and the choice that the keys are on.
#[derive(Clone, Debug)]
pub struct Menu {
    title: String,
    items: Vec<Item>,
    search: LineInput,
    shown: Vec<usize>,
    cursor: usize,
    page: usize,
}

/// What a key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It is still open.
    Open,
    /// It was closed.
    Closed,
    /// This line was chosen.
    Line(String),
    /// This cannot be chosen, for this reason.
    Disabled(String),
}

impl Menu {
    /// All choices, nothing typed.
    pub fn new(title: impl Into<String>, items: Vec<Item>) -> Self {
        let shown = (0..items.len()).collect();
        Self { title: title.into(), items, search: LineInput::default(), shown, cursor: 0, page: 1 }
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Choice {
        let last = self.shown.len().saturating_sub(1);
        match key.code {
            Code::Esc => return Choice::Closed,
            Code::Enter => return self.choose(),
            Code::Up | Code::BackTab => self.cursor = self.cursor.saturating_sub(1),
            Code::Down | Code::Tab => self.cursor = (self.cursor + 1).min(last),
            Code::PageUp => self.cursor = self.cursor.saturating_sub(self.page),
            Code::PageDown => self.cursor = (self.cursor + self.page).min(last),
            _ if key.ctrl && key.code == Code::Char('c') => return Choice::Closed,
            _ => {
                self.search.key(key);
                self.search_again();
            }
        }
        Choice::Open
    }

    /// Pasted text is searched for.
    pub fn paste(&mut self, text: &str) {
        self.search.insert(text);
        self.search_again();
    }

    fn search_again(&mut self) {
        let filter = Filter::new(self.search.text(), &[]);
        let mut matcher = filter::matcher();
        let cell = |item: &Item, column| match column {
            0 => item.key.clone().into(),
            1 => item.about.clone().into(),
            _ => std::borrow::Cow::Owned(item.line.clone()),
        };
        self.shown = (0..self.items.len())
            .filter(|&at| filter.matches(3, |column| cell(&self.items[at], column), &mut matcher))
            .collect();
        self.cursor = 0;
    }

    fn choose(&self) -> Choice {
        match self.shown.get(self.cursor).and_then(|&at| self.items.get(at)) {
            Some(Item { disabled: Some(why), .. }) => Choice::Disabled(why.clone()),
            Some(item) => Choice::Line(item.line.clone()),
            None => Choice::Open,
        }
    }

    /// Draws it over the middle of `area` and returns where the cursor stands.
    pub fn draw(&mut self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Option<(u16, u16)> {
        let rows = u16::try_from(self.items.len()).unwrap_or(u16::MAX).saturating_add(4);
        let inner = frame(area, buf, theme, &self.title, 76, rows)?;
        let style = theme.style(Token::Dialog);
        let cursor = self.search.draw(buf, (inner.x, inner.y), inner.width, theme.glyph("› ", "> "), style);
        let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        self.page = usize::from(list.height).max(1);
        let first = (self.cursor + 1).saturating_sub(self.page);
        for (at, y) in (first..self.shown.len()).zip(list.top()..list.bottom()) {
            let item = &self.items[self.shown[at]];
            let mut style = style;
            if item.disabled.is_some() {
                style = style.patch(theme.style(Token::Off));
            }
            if at == self.cursor {
                style = style.patch(theme.style(Token::Selected));
                buf.set_style(Rect { y, height: 1, ..list }, style);
            }
            text::put(buf, list.x, y, 11, &item.key, style.patch(theme.style(Token::Key)));
            let about = match &item.disabled {
                Some(why) => format!("{}: {why}", item.about),
                None => item.about.clone(),
            };
            let half = list.width.saturating_sub(12);
            let after = text::put(buf, list.x + 12, y, half, &about, style);
            let left = list.right().saturating_sub(after + 2);
            if left > 8 {
                text::put_right(buf, after + 2, y, left, &item.line, style.patch(theme.style(Token::Dim)));
            }
        }
        Some(cursor)
    }
}
