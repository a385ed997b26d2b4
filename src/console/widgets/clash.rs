//! A record that somebody else changed while it was edited here: each field with what it was, what they made of it and
//! what was typed; the person chooses, and nothing of either is lost before.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::cx::Cx;
use crate::console::term::{Code, Key};
use crate::console::text;
use crate::console::theme::Token;
use crate::engine::edits::Edit;
use crate::engine::fields::Field;
use crate::model::clean_line;

/// The rows of one field, with the empty one behind it.
const BLOCK: u16 = 5;

/// One field that somebody else changed.
#[derive(Clone, Debug)]
struct Row {
    field: Field,
    before: String,
    theirs: String,
    mine: String,
    kept: Option<Kept>,
}

/// Whose value a field shall have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// What stands in the text here.
    Mine,
    /// What the record has by now.
    Theirs,
}

/// What a key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Not decided.
    Open,
    /// Back to the text.
    Look,
    /// Decided: the fields that shall be as the others made them.
    Theirs(Vec<(Field, String)>),
    /// It cannot be decided yet, for this reason.
    Undecided(String),
}

/// The fields, and who changed them.
#[derive(Clone, Debug)]
pub struct Clash {
    /// The revision with which the text was begun.
    began: u32,
    /// The revision that the record has.
    pub now: u32,
    rows: Vec<Row>,
    cursor: usize,
    edits: Option<Result<Vec<Edit>, String>>,
}

impl Clash {
    /// Of the fields that were changed from `before` to `theirs`, where `mine` stands in the text; `None` where there is none.
    pub fn new(began: u32, now: u32, fields: impl Iterator<Item = (Field, [String; 3])>) -> Option<Self> {
        let rows = fields.filter(|(_, [before, theirs, mine])| theirs != before && theirs != mine);
        let rows = rows.map(|(field, [before, theirs, mine])| {
            let kept = (mine == before).then_some(Kept::Theirs);
            Row { field, before, theirs, mine, kept }
        });
        let rows: Vec<Row> = rows.collect();
        (!rows.is_empty()).then_some(Self { began, now, rows, cursor: 0, edits: None })
    }

    /// What the journal says of who it was.
    pub fn told(&mut self, edits: Result<Vec<Edit>, String>) {
        self.edits = Some(edits);
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Chosen {
        match key.code {
            Code::Esc => return Chosen::Look,
            Code::Enter => return self.decided(),
            Code::Char('s') if key.ctrl => return self.decided(),
            _ if key.ctrl || key.alt => {}
            Code::Up | Code::BackTab | Code::Char('k') => self.cursor = self.cursor.saturating_sub(1),
            Code::Down | Code::Tab | Code::Char('j') => {
                self.cursor = (self.cursor + 1).min(self.rows.len().saturating_sub(1));
            }
            Code::Char('m') => self.keep(Kept::Mine),
            Code::Char('t') => self.keep(Kept::Theirs),
            Code::Char('M') => self.rows.iter_mut().for_each(|row| row.kept = Some(Kept::Mine)),
            Code::Char('T') => self.rows.iter_mut().for_each(|row| row.kept = Some(Kept::Theirs)),
            _ => {}
        }
        Chosen::Open
    }

    /// Of the field that the keys are on; they go on to the next that is not decided.
    fn keep(&mut self, kept: Kept) {
        if let Some(row) = self.rows.get_mut(self.cursor) {
            row.kept = Some(kept);
        }
        if let Some(next) = self.rows.iter().position(|row| row.kept.is_none()) {
            self.cursor = next;
        }
    }

    fn decided(&mut self) -> Chosen {
        if let Some(open) = self.rows.iter().position(|row| row.kept.is_none()) {
            self.cursor = open;
            let field = self.rows[open].field;
            return Chosen::Undecided(format!("Choose for {field} first: m keeps yours, t takes theirs"));
        }
        let theirs = self.rows.iter().filter(|row| row.kept == Some(Kept::Theirs));
        Chosen::Theirs(theirs.map(|row| (row.field, row.theirs.clone())).collect())
    }

    /// Who made a field what it is, and when.
    fn who(&self, field: Field, cx: &Cx) -> String {
        let edits = match &self.edits {
            None => return "…".to_owned(),
            Some(Err(why)) => return format!("who is not known: {}", clean_line(why)),
            Some(Ok(edits)) => edits,
        };
        let is_of_field = |edit: &&Edit| edit.fields.iter().any(|one| one.field == field.as_str());
        let Some(last) = edits.iter().rev().find(is_of_field) else { return "who is not known".to_owned() };
        let why = if last.why.is_empty() { String::new() } else { format!(": {}", clean_line(&last.why)) };
        format!("{}, {}{why}", clean_line(&last.by), cx.date(last.at))
    }

    /// Draws it over all of `area`.
    pub fn draw(&self, name: &str, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let style = |token| cx.theme.style(token);
        let wide = area.width.saturating_sub(2);
        let head = format!(
            "{} Somebody else changed {name} while you edited it: you began with revision {}, it has {}. Nothing is lost.",
            cx.theme.glyph("▲", "!"),
            self.began,
            self.now
        );
        let hint = "m keep mine  t take theirs  M T all  enter save as chosen  esc back to your text";
        let mut y = area.y;
        for line in text::wrap(&clean_line(&head), usize::from(wide).max(1)) {
            if y < area.bottom() {
                text::put(buf, area.x + 1, y, wide, &line, style(Token::Warn));
                y += 1;
            }
        }
        let bottom = area.bottom().saturating_sub(1);
        if y < bottom {
            text::put(buf, area.x + 1, bottom, wide, hint, style(Token::Key));
        }
        let body = Rect { y: (y + 1).min(bottom), height: bottom.saturating_sub(y + 1), ..area };
        let page = usize::from(body.height / BLOCK).max(1);
        let first = (self.cursor + 1).saturating_sub(page);
        for (at, top) in (first..self.rows.len()).zip((body.y..body.bottom()).step_by(usize::from(BLOCK))) {
            let height = BLOCK.min(body.bottom() - top);
            self.draw_row(at, Rect { y: top, height, ..body }, buf, cx);
        }
    }

    fn draw_row(&self, at: usize, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let (row, style) = (&self.rows[at], |token| cx.theme.style(token));
        let (glyph, look) = match at == self.cursor {
            true => (cx.theme.glyph("▸", ">"), style(Token::Selected)),
            false => (" ", style(Token::Text)),
        };
        let kept = match row.kept {
            Some(Kept::Mine) => "yours is kept",
            Some(Kept::Theirs) => "theirs is taken",
            None => "both changed it: choose",
        };
        let value = |value: &str| {
            if value.is_empty() { "(empty)".to_owned() } else { clean_line(value).into_owned() }
        };
        let mine = if row.mine == row.before { "(not changed)".to_owned() } else { value(&row.mine) };
        let token = |kept| if row.kept == Some(kept) { Token::Good } else { Token::Text };
        let lines = [
            (format!("{glyph} {:<20}{kept}", row.field.as_str()), look),
            (format!("    before  {}", value(&row.before)), style(Token::Dim)),
            (
                format!("    theirs  {}   {}", value(&row.theirs), self.who(row.field, cx)),
                style(token(Kept::Theirs)),
            ),
            (format!("    mine    {mine}"), style(token(Kept::Mine))),
        ];
        for ((line, look), y) in lines.iter().zip(area.y..area.bottom()) {
            text::put(buf, area.x + 1, y, area.width.saturating_sub(2), line, *look);
        }
    }
}
