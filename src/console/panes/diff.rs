//! What differs between two revisions of a device, or between two devices.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::evidence;
use crate::console::pane::{Bind, Decl, Pane};
use crate::console::text;
use crate::console::theme::Token;
use crate::console::widgets::diff_rows::DiffRows;
use crate::console::widgets::{DiffView, Pager, notice};
use crate::engine::diff;
use crate::engine::history;
use crate::engine::query::{Answer, ConfigText, Query, RevisionRef};
use crate::model::{DeviceId, Revision, RevisionState, clean_line};

inventory::submit! { Decl {
    name: "diff",
    aliases: &[],
    title: "Diff",
    about: "Show what differs between two revisions of a device, or between two devices",
    args: "DEVICE [REVISION] [REVISION] [--with OTHER]",
    tab: None,
    reads: &[],
    keys: &[
        Bind::hint("n", "next-hunk", "Next change"),
        Bind::hint("N", "previous-hunk", "Change before"),
        Bind::hint("t", "toggle-beside", "Side by side"),
        Bind::hint("enter", "fold", "Fold"),
        Bind::new("space", "fold", "Fold"),
        Bind::new("F", "fold all", "Fold or open everything"),
        Bind::new("[", "older", "The pair of revisions before"),
        Bind::new("]", "newer", "The pair of revisions after"),
        Bind::new("c", "show-config", "The newer configuration"),
        Bind::new("e", "edit", "In the editor"),
    ],
    make: |args, cx| Ok(Box::new(Diff::new(args, cx)?)),
} }

/// From how many columns on old and new stand beside each other.
const BESIDE_FROM: u16 = 120;

struct Diff {
    subject: String,
    asked: Asked,
    next: Option<Query>,
    /// Newest first; empty for two devices.
    revisions: Vec<Revision>,
    texts: Option<(ConfigText, ConfigText)>,
    names: (String, String),
    failed: Option<String>,
    view: DiffView,
    unified: String,
    pager: Pager,
    /// As the operator wants it; `None` goes by the width.
    beside: Option<bool>,
}

/// What is compared.
enum Asked {
    /// Two revisions of a device, as they were named.
    Revisions(DeviceId, Vec<String>),
    /// The newest good revisions of two devices.
    Devices,
}

impl Diff {
    fn new(args: &[String], cx: &Cx) -> Result<Self, String> {
        let usage = || "diff needs a device: :diff core-1, :diff core-1 11 12, :diff core-1 --with core-2";
        let id = |name: &String| match cx.device_named(name) {
            Some(row) => Ok(row.device.id),
            None => Err(format!("There is no device {name}")),
        };
        let newest = |device| RevisionRef { device, number: None };
        let (names, asked, next, subject) = match args {
            [one, with, other] if with == "--with" => {
                let query = Query::Pair(newest(id(one)?), newest(id(other)?));
                ((one, other), Asked::Devices, query, format!("{one} with {other}"))
            }
            [name] | [name, _] | [name, _, _] if !name.starts_with('-') => {
                let device = id(name)?;
                let asked = Asked::Revisions(device, args[1..].to_vec());
                ((name, name), asked, Query::History(device), name.clone())
            }
            _ => return Err(usage().into()),
        };
        Ok(Self {
            subject,
            asked,
            next: Some(next),
            revisions: Vec::new(),
            texts: None,
            names: (names.0.clone(), names.1.clone()),
            failed: None,
            view: DiffView::default(),
            unified: String::new(),
            pager: Pager::default(),
            beside: None,
        })
    }

    /// Asks for the texts of two revisions.
    fn ask(&mut self, device: DeviceId, (old, new): (u32, u32)) {
        let which = |number| RevisionRef { device, number: Some(number) };
        self.next = Some(Query::Pair(which(old), which(new)));
    }

    fn show(&mut self, old: ConfigText, new: ConfigText) {
        self.view = DiffView::new(&old, &new, self.view.rows.beside);
        let name = |name: &str, text: &ConfigText| format!("{name} #{}", text.revision.number);
        self.unified = diff::unified(
            &self.view.rows.narrow,
            &name(&self.names.0, &old),
            &name(&self.names.1, &new),
        );
        self.texts = Some((old, new));
        self.pager = Pager { left: self.pager.left, ..Pager::default() };
        if let Some(first) = self.view.rows.hunks.first() {
            self.go_to(*first);
        }
    }

    /// Moves to a row, with what stands before it in sight.
    fn go_to(&mut self, row: usize) {
        self.pager.cursor = row;
        self.pager.top = row.saturating_sub(4);
    }

    /// The pair of revisions one step older or newer than the one that is shown.
    fn step(&mut self, by: isize) -> Outcome {
        let (Asked::Revisions(device, _), Some((_, new))) = (&self.asked, &self.texts) else {
            return Outcome::refused("Two devices are compared: there is no pair before or after");
        };
        let good: Vec<u32> = good(&self.revisions).map(|revision| revision.number).collect();
        // newest first: a newer one stands before
        let at = good.iter().position(|number| *number <= new.revision.number).unwrap_or(good.len());
        let at = at.checked_add_signed(-by);
        let pair = at.and_then(|at| Some((*good.get(at + 1)?, *good.get(at)?)));
        match pair {
            Some(pair) => {
                self.ask(*device, pair);
                Outcome::Done
            }
            None if by < 0 => Outcome::refused("This is the oldest pair of good revisions"),
            None => Outcome::refused("This is the newest pair of good revisions"),
        }
    }
}

fn good(revisions: &[Revision]) -> impl Iterator<Item = &Revision> {
    revisions.iter().filter(|revision| revision.state.is_good())
}

/// The numbers, old and new, of the revisions that `words` name; `revisions` come newest first.
fn pair(revisions: &[Revision], words: &[String]) -> Result<(u32, u32), String> {
    let oldest_first: Vec<Revision> = revisions.iter().rev().cloned().collect();
    let resolve = |word: &str| history::resolve(&oldest_first, word).map(|revision| revision.number);
    match words {
        [old, new] => Ok((resolve(old)?, resolve(new)?)),
        _ => {
            let new = resolve(words.first().map_or("newest", String::as_str))?;
            let old = good(revisions).map(|revision| revision.number).find(|number| *number < new);
            let old = old.ok_or_else(|| {
                format!("revision {new} is the first good one: there is none before it to compare it with")
            })?;
            Ok((old, new))
        }
    }
}

impl Pane for Diff {
    fn subject(&self) -> String {
        match (&self.asked, &self.texts) {
            (Asked::Revisions(..), Some((old, new))) => {
                format!("{} #{}-#{}", self.subject, old.revision.number, new.revision.number)
            }
            _ => self.subject.clone(),
        }
    }

    fn status(&self, _cx: &Cx) -> String {
        let DiffRows { added, removed, hunks, .. } = &self.view.rows;
        match (&self.texts, hunks.len()) {
            (None, _) => String::new(),
            (Some(_), 0) => "no change".into(),
            (Some(_), all) => {
                format!("+{added} -{removed}  change {} of {all}", self.view.rows.hunk_at(self.pager.cursor))
            }
        }
    }

    fn wants(&mut self, _cx: &Cx) -> Option<Query> {
        self.next.take()
    }

    fn answer(&mut self, answer: Answer, _cx: &Cx) {
        match answer {
            Answer::History { revisions, .. } => {
                self.revisions = revisions.to_vec();
                let Asked::Revisions(device, words) = &self.asked else { return };
                match pair(&self.revisions, words) {
                    Ok(numbers) => self.ask(*device, numbers),
                    Err(why) => self.failed = Some(clean_line(&format!("{}: {why}", self.subject)).into_owned()),
                }
            }
            Answer::Pair(old, new) => self.show(old, new),
            Answer::Failed(why) => self.failed = Some(clean_line(&why).into_owned()),
            _ => {}
        }
    }

    fn act(&mut self, words: &[&str], _cx: &Cx) -> Outcome {
        let cursor = self.pager.cursor;
        match words {
            ["next-hunk"] => match self.view.rows.hunk_after(cursor) {
                Some(row) => self.go_to(row),
                None => return Outcome::refused("No change after this one"),
            },
            ["previous-hunk"] => match self.view.rows.hunk_before(cursor) {
                Some(row) => self.go_to(row),
                None => return Outcome::refused("No change before this one"),
            },
            ["toggle-beside"] => {
                self.beside = Some(!self.view.rows.beside);
                self.lay_out(!self.view.rows.beside);
            }
            ["fold" | "open"] => {
                if !self.view.rows.toggle(cursor) {
                    return Outcome::refused("Nothing folds here: go to a line with ⋯, or into what it opened");
                }
            }
            ["fold", "all"] => self.pager.cursor = self.view.rows.toggle_all(cursor),
            ["older"] => return self.step(-1),
            ["newer"] => return self.step(1),
            ["show-config"] => match &self.texts {
                Some((_, new)) => {
                    return Outcome::Line(format!("config {} {}", self.names.1, new.revision.number));
                }
                None => return Outcome::refused("Nothing is shown yet"),
            },
            _ => return self.pager.act(words, self.view.rows.rows.len()),
        }
        Outcome::Done
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if let Some(why) = &self.failed {
            return notice(area, buf, &cx.theme, why);
        }
        if self.texts.is_none() {
            return notice(area, buf, &cx.theme, "Reading the two configurations …");
        }
        let beside = self.beside.unwrap_or(area.width >= BESIDE_FROM);
        if beside != self.view.rows.beside {
            self.lay_out(beside);
        }
        let top = self.draw_heads(area, buf, cx);
        let body = Rect { y: area.y + top, height: area.height.saturating_sub(top), ..area };
        if self.view.rows.rows.is_empty() {
            let sentence = "The two are the same. What differs between two readings of one configuration, \
                            such as times and the salt of a password's hash, is not shown.";
            return notice(body, buf, &cx.theme, sentence);
        }
        let window = self.pager.window(self.view.rows.rows.len(), body);
        for (at, y) in window.zip(body.y..) {
            let line = Rect { y, height: 1, ..body };
            let base = if at == self.pager.cursor { cx.theme.style(Token::Selected) } else { Style::new() };
            buf.set_style(line, base);
            self.view.draw_row(at, line, self.pager.left, buf, cx, base);
        }
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        Some(self.names.1.clone())
    }

    fn copy(&self, _cx: &Cx) -> Option<String> {
        (!self.unified.is_empty()).then(|| self.unified.clone())
    }

    fn click(&mut self, _x: u16, y: u16, _cx: &Cx) -> Outcome {
        self.pager.click(y)
    }

    fn disabled(&self, line: &str, _cx: &Cx) -> Option<String> {
        let nothing = self.view.rows.hunks.is_empty();
        (nothing && matches!(line, "next-hunk" | "previous-hunk" | "fold" | "fold all" | "toggle-beside"))
            .then(|| "nothing differs".to_owned())
    }
}

impl Diff {
    fn lay_out(&mut self, beside: bool) {
        let row = self.view.rows.set_beside(beside, self.pager.cursor);
        self.go_to(row);
    }

    /// Says which revisions these are; returns the rows that it took.
    fn draw_heads(&self, area: Rect, buf: &mut Buffer, cx: &Cx) -> u16 {
        let Some((old, new)) = &self.texts else { return 0 };
        let two_devices = matches!(self.asked, Asked::Devices);
        let name = |name: &str| if two_devices { format!("{name} ") } else { String::new() };
        let old_head = format!("- {}{}", name(&self.names.0), evidence::headline(&old.revision, cx));
        let new_head = format!("+ {}{}", name(&self.names.1), evidence::headline(&new.revision, cx));
        let token = |text: &ConfigText, usual| match text.revision.state {
            RevisionState::Good | RevisionState::Accepted(_) => usual,
            RevisionState::Quarantined { .. } => Token::Warn,
        };
        let old_style = cx.theme.style(token(old, Token::Removed));
        let new_style = cx.theme.style(token(new, Token::Added));
        let note_at = if self.view.rows.beside { 1 } else { 2 };
        let note = diff::unseen_note(&new.text);
        if let Some(note) = &note {
            text::put(buf, area.x, area.y + note_at, area.width, note, cx.theme.style(Token::Warn));
        }
        let rows = note_at + u16::from(note.is_some());
        if self.view.rows.beside {
            let half = area.width / 2;
            text::put(buf, area.x, area.y, half - 1, &old_head, old_style);
            text::put(buf, area.x + half, area.y, area.width - half, &new_head, new_style);
        } else {
            text::put(buf, area.x, area.y, area.width, &old_head, old_style);
            text::put(buf, area.x, area.y + 1, area.width, &new_head, new_style);
        }
        rows
    }
}
