//! A colleague's screen, read-only, as it moves: no key that is pressed here reaches it.

use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::mirror;
use crate::console::pane::{Bind, Decl, Pane};
use crate::console::text;
use crate::console::theme::Token;
use crate::console::widgets::notice;
use crate::engine::query::{Answer, Query};
use crate::engine::watching::{Picture, Watching};
use crate::model::{Timestamp, clean_line};

inventory::submit! { Decl {
    name: "watch",
    aliases: &[],
    title: "Watch",
    about: "Follow a colleague's screen, read-only; they see that you do",
    args: "USER",
    tab: None,
    reads: &[],
    keys: &[
        Bind::hint("esc", "back", "Leave"),
        Bind::hint("R", "again", "Begin anew"),
    ],
    make: |args, _cx| match args {
        [whom] => Ok(Box::new(Watch { whom: whom.clone(), read: Read::NotYet, due: None, from: (0, 0), room: (0, 0) })),
        _ => Err("watch needs a user, or a session's number: :watch bob".to_owned()),
    },
} }

/// How soon it is asked again where no picture came.
const LEAST: Duration = Duration::from_millis(100);
/// How far an arrow moves over a screen that is larger than this one.
const STEP: u16 = 4;

struct Watch {
    whom: String,
    read: Read,
    /// When the next picture may be asked for; `None` while one is, and at the end.
    due: Option<Timestamp>,
    /// The column and row of theirs in the upper left corner.
    from: (u16, u16),
    /// The columns and rows that there were for it.
    room: (u16, u16),
}

/// How far it has come.
enum Read {
    NotYet,
    Asked,
    On(Arc<Watching>, Option<Arc<Picture>>),
    Over(String),
}

impl Watch {
    fn picture(&self) -> Option<&Picture> {
        match &self.read {
            Read::On(_, picture) => picture.as_deref(),
            _ => None,
        }
    }

    /// How far their screen reaches beyond what there is room for here.
    fn beyond(&self) -> (u16, u16) {
        self.picture().map_or((0, 0), |theirs| {
            (theirs.columns.saturating_sub(self.room.0), theirs.rows.saturating_sub(self.room.1))
        })
    }

    fn go(&mut self, columns: i16, rows: i16) {
        let (most_columns, most_rows) = self.beyond();
        self.from.0 = self.from.0.saturating_add_signed(columns).min(most_columns);
        self.from.1 = self.from.1.saturating_add_signed(rows).min(most_rows);
    }
}

impl Pane for Watch {
    fn subject(&self) -> String {
        match &self.read {
            Read::On(watching, _) => clean_line(&watching.session.person).into_owned(),
            _ => clean_line(&self.whom).into_owned(),
        }
    }

    fn status(&self, _cx: &Cx) -> String {
        let Some(theirs) = self.picture() else { return String::new() };
        let whom = self.subject();
        format!("read-only {} {}x{}", text::fit(&whom, 20), theirs.columns, theirs.rows)
    }

    fn wants(&mut self, cx: &Cx) -> Option<Query> {
        match &self.read {
            Read::NotYet => {
                self.read = Read::Asked;
                Some(Query::Watch(self.whom.clone()))
            }
            Read::On(watching, picture) if self.due.is_some_and(|due| due <= cx.now) => {
                self.due = None;
                Some(Query::Watched {
                    pictures: watching.pictures.clone(),
                    seen: picture.as_ref().map_or(0, |picture| picture.number),
                })
            }
            _ => None,
        }
    }

    fn covered(&mut self) {
        // nobody looks on from behind another pane, and nobody is told that somebody does
        if let Read::Asked | Read::On(..) = self.read {
            (self.read, self.due) = (Read::NotYet, None);
        }
    }

    fn wakes_at(&self, _cx: &Cx) -> Option<Timestamp> {
        self.due
    }

    fn answer(&mut self, answer: Answer, cx: &Cx) {
        match (answer, &mut self.read) {
            (Answer::Watching(watching), read) => {
                *read = Read::On(watching, None);
                self.due = Some(cx.now);
            }
            (Answer::Watched(news), Read::On(_, picture)) => {
                let is_news = news.is_some();
                if is_news {
                    *picture = news;
                }
                // the engine lets the next one come when there is one
                self.due = Some(if is_news { cx.now } else { cx.now.after(LEAST) });
                self.go(0, 0);
            }
            (Answer::Failed(why), read) => *read = Read::Over(clean_line(&why).into_owned()),
            _ => {}
        }
    }

    fn act(&mut self, words: &[&str], _cx: &Cx) -> Outcome {
        let step = STEP.cast_signed();
        match words {
            ["again"] => self.read = Read::NotYet,
            ["left"] => self.go(-step, 0),
            ["right"] => self.go(step, 0),
            ["up" | "scroll-up"] => self.go(0, -step),
            ["down" | "scroll-down"] => self.go(0, step),
            _ => return Outcome::Unknown,
        }
        Outcome::Done
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        self.room = (area.width, area.height);
        if self.beyond() != (0, 0) {
            self.room.1 = area.height.saturating_sub(1);
        }
        self.go(0, 0);
        match &self.read {
            Read::NotYet | Read::Asked => notice(area, buf, &cx.theme, "Asking for their screen …"),
            Read::Over(why) => notice(area, buf, &cx.theme, why),
            Read::On(_, None) => {
                notice(area, buf, &cx.theme, "No picture yet: their terminal takes none, or an editor has it");
            }
            Read::On(_, Some(picture)) => {
                text::fill(buf, area, cx.theme.style(Token::Text));
                mirror::put(picture, self.from, Rect { height: self.room.1, ..area }, buf);
                if self.room.1 < area.height {
                    let clipped = "Their screen is larger than there is room for: arrows move over it";
                    let y = area.bottom() - 1;
                    text::put(buf, area.x + 1, y, area.width - 1, clipped, cx.theme.style(Token::Warn));
                }
            }
        }
    }
}
