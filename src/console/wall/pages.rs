//! The pages that take turns below the incidents: which there are, and what each shows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::lists::{self, Line};
use super::tiles::{self, Tile};
use super::{Sizes, below, head, line};
use crate::console::cx::Cx;
use crate::console::text;
use crate::console::theme::Token;
use crate::model::Incident;

/// The most pages of one list: what is over is counted.
const MOST_PAGES: usize = 10;
/// The rows of a page's title, and of the count below it, in rows of words.
const FRAME: u16 = 1;

/// What a page shows, whole: a page is a part of it.
enum Subject<'a> {
    Incidents(Vec<&'a Incident>),
    Groups(Vec<Tile>),
    List(&'static str, Vec<Line>, &'static str),
}

impl Subject<'_> {
    fn title(&self) -> &'static str {
        match self {
            Self::Incidents(_) => "Incidents",
            Self::Groups(_) => "Groups",
            Self::List(title, ..) => title,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Incidents(incidents) => incidents.len(),
            Self::Groups(tiles) => tiles.len(),
            Self::List(_, lines, _) => lines.len(),
        }
    }

    /// How many of it have room on one page.
    fn room(&self, area: Rect, sizes: Sizes) -> usize {
        let rows = match self {
            Self::Groups(_) => return tiles::room(area, sizes).max(1),
            Self::Incidents(_) => head::incident_rows(sizes),
            Self::List(..) => sizes.words.pitch(),
        };
        usize::from(area.height / rows).max(1)
    }
}

/// The pages for the room that there is.
pub struct Pages<'a> {
    subjects: Vec<Subject<'a>>,
    area: Rect,
    inside: Rect,
    sizes: Sizes,
}

impl<'a> Pages<'a> {
    /// Those of now, in `area`. `shown` incidents stand above it already.
    pub fn of(area: Rect, sizes: Sizes, shown: usize, cx: &'a Cx) -> Self {
        let mut subjects = Vec::new();
        let incidents = head::incidents(cx);
        if incidents.len() > shown {
            subjects.push(Subject::Incidents(incidents.into_iter().skip(shown).collect()));
        }
        subjects.push(Subject::Groups(tiles::tiles(cx)));
        subjects.push(Subject::List(
            "Worst round trips and loss",
            lists::slowest(cx),
            "No device has answered yet",
        ));
        subjects.push(Subject::List("Backups late or failed", lists::backups(cx), "No backup is late"));
        let planned = lists::planned(cx);
        if !planned.is_empty() {
            subjects.push(Subject::List("Planned work", planned, ""));
        }
        subjects.push(Subject::List("Newest changes", lists::changes(cx), "No change is known"));
        let top = sizes.words.pitch() + FRAME;
        let inside = below(area, top);
        let inside = Rect { height: inside.height.saturating_sub(sizes.notes.rows()), ..inside };
        Self { subjects, area, inside, sizes }
    }

    fn pages_of(&self, subject: &Subject) -> usize {
        subject.len().div_ceil(subject.room(self.inside, self.sizes)).clamp(1, MOST_PAGES)
    }

    /// How many there are; at least one.
    pub fn count(&self) -> usize {
        self.subjects.iter().map(|subject| self.pages_of(subject)).sum::<usize>().max(1)
    }

    /// Draws the page of this number, counted from 0.
    pub fn draw(&self, number: usize, held: bool, buf: &mut Buffer, cx: &Cx) {
        let mut before = 0;
        for subject in &self.subjects {
            let pages = self.pages_of(subject);
            if number < before + pages {
                let held = if held { ", held" } else { "" };
                let place = format!("page {} of {}{held}", number + 1, self.count());
                return self.draw_part(subject, number - before, &place, buf, cx);
            }
            before += pages;
        }
    }

    fn draw_part(&self, subject: &Subject, part: usize, place: &str, buf: &mut Buffer, cx: &Cx) {
        let (area, inside) = (self.area, self.inside);
        let style = cx.theme.style(Token::Section).bold();
        line(area, buf, self.sizes.words, subject.title(), cx, style);
        if area.height > 0 {
            let notes = self.sizes.notes;
            let wide = notes.columns(u16::try_from(text::width(place)).unwrap_or(0)).min(area.width);
            notes.put(buf, (area.right() - wide, area.y), wide, place, &cx.theme, cx.theme.style(Token::Dim));
        }
        let room = subject.room(inside, self.sizes);
        let (from, to) = (part * room, ((part + 1) * room).min(subject.len()));
        if inside.height > 0 {
            match subject {
                Subject::Incidents(incidents) => {
                    let mut left = inside;
                    for incident in &incidents[from..to] {
                        left = head::draw_incident(left, buf, self.sizes, incident, cx);
                    }
                }
                Subject::Groups(tiles) if tiles.is_empty() => {
                    line(
                        inside,
                        buf,
                        self.sizes.words,
                        "No device is watched",
                        cx,
                        cx.theme.style(Token::Dim),
                    );
                }
                Subject::Groups(tiles) => tiles::draw(inside, buf, self.sizes, &tiles[from..to], cx),
                Subject::List(_, lines, none) if lines.is_empty() => {
                    line(inside, buf, self.sizes.words, none, cx, cx.theme.style(Token::Dim));
                }
                Subject::List(_, lines, _) => draw_lines(inside, buf, self.sizes, &lines[from..to], cx),
            }
        }
        let notes = self.sizes.notes;
        if subject.len() > to && area.height > notes.rows() {
            let more = format!("and {} more", subject.len() - to);
            notes.put(buf, (area.x, area.bottom() - notes.rows()), area.width, &more, &cx.theme, style);
        }
    }
}

/// A line each. What stands behind the figures is in smaller letters where only those show the whole of it.
fn draw_lines(area: Rect, buf: &mut Buffer, sizes: Sizes, lines: &[Line], cx: &Cx) {
    let scale = sizes.words;
    let letters = |part: &dyn Fn(&Line) -> &str| {
        let longest = lines.iter().map(|line| text::width(part(line))).max().unwrap_or(0);
        u16::try_from(longest).unwrap_or(u16::MAX)
    };
    // the name never takes more than half, the figure is never cut
    let name = scale.columns(letters(&|line| &line.name)).min(area.width / 2);
    let figure = scale.columns(letters(&|line| &line.figure)).min(area.width.saturating_sub(name));
    let gap = scale.columns(1).max(2);
    let beside = area.width.saturating_sub(name + figure + 2 * gap);
    let rest = sizes.showing(lines.iter().map(|line| line.rest.as_str()), beside);
    let lower = (scale.rows() - rest.rows()) / 2;
    let longest = lines.iter().map(|line| line.share).max().unwrap_or(0);
    let mut left = area;
    for one in lines {
        if left.height < scale.rows() {
            break;
        }
        let style = cx.theme.style(one.token).bold();
        scale.put(buf, (area.x, left.y), name, &one.name, &cx.theme, style);
        let own = scale.columns(u16::try_from(text::width(&one.figure)).unwrap_or(0));
        let at = area.x + name + gap;
        scale.put(buf, (at + figure.saturating_sub(own), left.y), own, &one.figure, &cx.theme, style);
        let at = at + figure + gap;
        let style = cx.theme.style(if one.token == Token::Text { Token::Dim } else { one.token });
        let room = area.right().saturating_sub(at);
        let at = rest.put(buf, (at, left.y + lower), room, &one.rest, &cx.theme, style);
        if let Some(share) = one.share.checked_mul(1000).and_then(|share| share.checked_div(longest)) {
            let room = u64::from(area.right().saturating_sub(at + gap));
            let wide = u16::try_from(room * share / 1000).unwrap_or(0);
            let bar = Rect { x: at + gap, y: left.y, width: wide, height: scale.rows() };
            text::fill(buf, bar, style.add_modifier(Modifier::REVERSED | Modifier::DIM));
        }
        left = below(left, scale.pitch());
    }
}
