//! The question before an act: y/n with the focus on Cancel, or a name or a reason to be typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::term::{Code, Key};
use super::text;
use super::theme::{Theme, Token};
use super::widgets::{LineInput, frame};

/// An act that waits for its answer.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// The command line that runs on yes.
    pub line: String,
    question: String,
    level: Level,
}

#[derive(Clone, Debug)]
enum Level {
    YesNo { yes: bool },
    Type { word: String, typed: LineInput },
    Reason { typed: LineInput },
}

/// What a key did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not decided.
    Open,
    /// It shall run.
    Yes,
    /// It shall not.
    No,
}

impl Dialog {
    /// Asks yes or no; Enter is no until the focus is moved.
    pub fn yes_no(line: &str, question: String) -> Self {
        Self { line: line.into(), question, level: Level::YesNo { yes: false } }
    }

    /// Asks for `word` to be typed.
    pub fn typed(line: &str, question: String, word: String) -> Self {
        Self { line: line.into(), question, level: Level::Type { word, typed: LineInput::default() } }
    }

    /// Asks for a reason, then yes or no; the reason goes behind the line, whose last word is the flag that takes it.
    pub fn reasoned(line: &str, question: String) -> Self {
        Self { line: line.into(), question, level: Level::Reason { typed: LineInput::default() } }
    }

    /// The same, with a reason that is begun.
    pub fn reason_begun(line: &str, question: String, reason: &str) -> Self {
        Self { line: line.into(), question, level: Level::Reason { typed: LineInput::new(reason) } }
    }

    /// The question and the reason, while that is being written.
    pub fn reason(&self) -> Option<(&str, &str)> {
        match &self.level {
            Level::Reason { typed } => Some((&self.question, typed.text())),
            Level::YesNo { .. } | Level::Type { .. } => None,
        }
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Verdict {
        match (&mut self.level, key.code) {
            (_, Code::Esc) => Verdict::No,
            (_, Code::Char('c')) if key.ctrl => Verdict::No,
            (Level::YesNo { .. }, Code::Char('y' | 'Y')) => Verdict::Yes,
            (Level::YesNo { .. }, Code::Char('n' | 'N' | 'q')) => Verdict::No,
            (Level::YesNo { yes }, Code::Enter) => {
                if *yes {
                    Verdict::Yes
                } else {
                    Verdict::No
                }
            }
            (Level::YesNo { yes }, Code::Left | Code::Right | Code::Tab | Code::BackTab) => {
                *yes = !*yes;
                Verdict::Open
            }
            (Level::Type { word, typed }, Code::Enter) if typed.text() == word => Verdict::Yes,
            (Level::Reason { typed }, Code::Enter) => {
                let reason = typed.text().trim().to_owned();
                if let Ok(quoted) = shlex::try_quote(&reason)
                    && !reason.is_empty()
                {
                    let line = format!("{} {quoted}", self.line);
                    *self = Self::yes_no(&line, format!("{} Your reason: {reason}", self.question));
                }
                Verdict::Open
            }
            (Level::Type { typed, .. } | Level::Reason { typed }, _) => {
                typed.key(key);
                Verdict::Open
            }
            _ => Verdict::Open,
        }
    }

    /// Draws it over the middle of `area` and returns where the cursor stands.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Option<(u16, u16)> {
        let mut lines = text::wrap(&self.question, 56);
        lines.truncate(8);
        let rows = u16::try_from(lines.len()).unwrap_or(8) + 5;
        let inner = frame(area, buf, theme, "Are you sure?", 64, rows)?;
        let style = theme.style(Token::Dialog);
        for (line, y) in lines.iter().zip(inner.y + 1..inner.bottom()) {
            text::put(buf, inner.x, y, inner.width, line, style);
        }
        let y = inner.bottom() - 1;
        let focus = |on: bool| if on { style.patch(theme.style(Token::Selected)).bold() } else { style };
        match &self.level {
            Level::YesNo { yes } => {
                let x = text::put(buf, inner.x, y, inner.width, "[ Cancel ]", focus(!yes));
                text::put(buf, x + 2, y, inner.right().saturating_sub(x + 2), "[ Yes ]", focus(*yes));
                None
            }
            Level::Reason { typed } => {
                let prompt = "Why, or Esc to cancel: ";
                Some(typed.draw(buf, (inner.x, y), inner.width, prompt, style))
            }
            Level::Type { word, typed } => {
                let prompt = format!("Type {word} to go on, Esc to cancel: ");
                Some(typed.draw(buf, (inner.x, y), inner.width, &prompt, style))
            }
        }
    }
}
