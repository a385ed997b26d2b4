//! One configuration: line numbers, search, folding by section, and what speaks for its being whole.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::evidence;
use crate::console::find::Find;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::text;
use crate::console::theme::{self, Token};
use crate::console::widgets::{Pager, notice};
use crate::device::sections::{Section, sections};
use crate::engine::history;
use crate::engine::query::{Answer, ConfigText, Query, RevisionRef};
use crate::model::{DeviceId, Revision, RevisionState, clean_line};

inventory::submit! { Decl {
    name: "config",
    aliases: &["c"],
    title: "Config",
    about: "Show a configuration",
    args: "DEVICE [REVISION]",
    tab: None,
    reads: &[Topic::Devices],
    keys: &[
        Bind::hint("/", "filter", "Find"),
        Bind::hint("n", "next-match", "Next match"),
        Bind::hint("space", "fold", "Fold"),
        Bind::hint("d", "show-diff", "Diff; with the one before"),
        Bind::new("N", "previous-match", "Match before"),
        Bind::new("enter", "fold", "Fold"),
        Bind::new("F", "fold all", "Fold or open everything"),
        Bind::new("[", "older", "The revision before"),
        Bind::new("]", "newer", "The revision after"),
        Bind::new("H", "history {device}", "History"),
        Bind::new("e", "edit", "In the editor"),
    ],
    make: |args, cx| Ok(Box::new(Config::new(args, cx)?)),
} }

struct Config {
    device: DeviceId,
    name: String,
    /// Which revision, as it was named.
    which: Option<String>,
    next: Option<Query>,
    /// Newest first.
    revisions: Vec<Revision>,
    text: Option<ConfigText>,
    failed: Option<String>,
    /// Each clean.
    lines: Vec<String>,
    sections: Vec<Section>,
    /// The headings of what is folded.
    folded: BTreeSet<usize>,
    /// The lines that are not hidden in a fold.
    visible: Vec<usize>,
    find: Find,
    pager: Pager,
    /// The line to begin at, counting from 1.
    line: Option<usize>,
}

impl Config {
    fn new(args: &[String], cx: &Cx) -> Result<Self, String> {
        let usage = || "config needs a device: :config core-1, :config core-1 12".to_owned();
        let (mut plain, mut line, mut pattern) = (Vec::new(), None, String::new());
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--line" => line = Some(args.next().and_then(|line| line.parse().ok()).ok_or_else(usage)?),
                "--find" => pattern = args.next().ok_or_else(usage)?.clone(),
                _ => plain.push(arg),
            }
        }
        let (name, which) = match plain[..] {
            [name] => (name, None),
            [name, which] => (name, Some(which.clone())),
            _ => return Err(usage()),
        };
        let device = cx.device_named(name).ok_or_else(|| format!("There is no device {name}"))?.device.id;
        Ok(Self {
            device,
            name: name.clone(),
            which,
            next: Some(Query::History(device)),
            revisions: Vec::new(),
            text: None,
            failed: None,
            lines: Vec::new(),
            sections: Vec::new(),
            folded: BTreeSet::new(),
            visible: Vec::new(),
            find: Find::new(&pattern),
            pager: Pager::default(),
            line,
        })
    }

    /// The revision that was named; the newest good one where none was.
    fn chosen(&self) -> Result<u32, String> {
        let oldest_first: Vec<Revision> = self.revisions.iter().rev().cloned().collect();
        let which = self.which.as_deref().unwrap_or("newest");
        history::resolve(&oldest_first, which).map(|revision| revision.number)
    }

    fn ask(&mut self, number: u32) {
        self.next = Some(Query::Config(RevisionRef { device: self.device, number: Some(number) }));
    }

    fn show(&mut self, text: ConfigText) {
        let at = self.current();
        self.lines = text.text.lines().map(|line| clean_line(line).into_owned()).collect();
        self.sections = sections(&text.text, &text.sections());
        self.text = Some(text);
        self.folded.clear();
        self.lay_out();
        self.find.search(&self.lines);
        let at = self.line.take().map_or(at, |line| line.saturating_sub(1));
        self.go_to(at.min(self.lines.len().saturating_sub(1)));
    }

    /// The line that keys act on.
    fn current(&self) -> usize {
        self.visible.get(self.pager.cursor).copied().unwrap_or(0)
    }

    /// Moves to a line, opening what hides it.
    fn go_to(&mut self, line: usize) {
        let hides = |section: &&Section| section.heading < line && line < section.end;
        let opened: Vec<usize> = self.sections.iter().filter(hides).map(|section| section.heading).collect();
        if opened.iter().any(|heading| self.folded.remove(heading)) {
            opened.iter().for_each(|heading| _ = self.folded.remove(heading));
            self.lay_out();
        }
        let row = self.visible.partition_point(|visible| *visible < line);
        let seen = self.pager.top..self.pager.top + self.pager.page.max(1);
        if !seen.contains(&row) {
            self.pager.top = row.saturating_sub(self.pager.page / 3);
        }
        self.pager.cursor = row;
    }

    fn lay_out(&mut self) {
        self.visible.clear();
        let mut next = 0;
        for section in &self.sections {
            if self.folded.contains(&section.heading) && section.heading >= next {
                self.visible.extend(next..=section.heading);
                next = section.end;
            }
        }
        self.visible.extend(next..self.lines.len());
    }

    fn fold(&mut self) -> Outcome {
        let line = self.current();
        let innermost = |section: &&Section| section.heading <= line && line < section.end;
        let Some(section) = self.sections.iter().filter(innermost).max_by_key(|section| section.heading)
        else {
            return Outcome::refused("This line is in no section");
        };
        let heading = section.heading;
        if !self.folded.remove(&heading) {
            self.folded.insert(heading);
        }
        self.lay_out();
        self.pager.cursor = self.visible.partition_point(|visible| *visible < heading);
        Outcome::Done
    }

    fn fold_all(&mut self) {
        let line = self.current();
        if self.folded.is_empty() {
            self.folded = self.sections.iter().map(|section| section.heading).collect();
        } else {
            self.folded.clear();
        }
        self.lay_out();
        self.pager.cursor = self.visible.partition_point(|visible| *visible <= line).saturating_sub(1);
    }

    fn next_match(&mut self, forwards: bool) -> Outcome {
        if self.find.text().is_empty() {
            return Outcome::refused("Nothing is looked for: / finds");
        }
        match self.find.next(self.current(), forwards) {
            Some(line) => {
                self.go_to(line);
                Outcome::Done
            }
            None => Outcome::refused(format!("{} does not occur here", self.find.text())),
        }
    }

    fn step(&mut self, by: isize) -> Outcome {
        let Some(text) = &self.text else { return Outcome::refused("Nothing is shown yet") };
        // newest first
        let at = self.revisions.iter().position(|revision| revision.number == text.revision.number);
        let next = at.and_then(|at| at.checked_add_signed(-by)).and_then(|at| self.revisions.get(at));
        match next.map(|revision| revision.number) {
            Some(number) => {
                self.ask(number);
                Outcome::Done
            }
            None if by < 0 => Outcome::refused("This is the oldest revision"),
            None => Outcome::refused("This is the newest revision"),
        }
    }
}

impl Pane for Config {
    fn subject(&self) -> String {
        match &self.text {
            Some(text) => format!("{} #{}", self.name, text.revision.number),
            None => self.name.clone(),
        }
    }

    fn status(&self, _cx: &Cx) -> String {
        match (self.find.text(), self.find.count()) {
            _ if self.text.is_none() => String::new(),
            ("", _) => format!("line {} of {}", self.current() + 1, self.lines.len()),
            (_, 0) => "no match".into(),
            (_, count) => format!("{} of {count}", self.find.at_or_before(self.current())),
        }
    }

    fn wants(&mut self, _cx: &Cx) -> Option<Query> {
        self.next.take()
    }

    fn answer(&mut self, answer: Answer, _cx: &Cx) {
        match answer {
            Answer::History { revisions, .. } => {
                self.revisions = revisions.to_vec();
                match self.chosen() {
                    Ok(number) => self.ask(number),
                    Err(why) => self.failed = Some(clean_line(&format!("{}: {why}", self.name)).into_owned()),
                }
            }
            Answer::Config(text) => self.show(text),
            Answer::Failed(why) => self.failed = Some(clean_line(&why).into_owned()),
            _ => {}
        }
    }

    fn act(&mut self, words: &[&str], _cx: &Cx) -> Outcome {
        match words {
            ["fold" | "open"] => return self.fold(),
            ["fold", "all"] => self.fold_all(),
            ["next-match"] => return self.next_match(true),
            ["previous-match"] => return self.next_match(false),
            ["older"] => return self.step(-1),
            ["newer"] => return self.step(1),
            ["back"] if !self.find.text().is_empty() => self.find = Find::default(),
            ["show-diff"] => match &self.text {
                Some(text) => {
                    return Outcome::Line(format!("diff {} {}", self.name, text.revision.number));
                }
                None => return Outcome::refused("Nothing is shown yet"),
            },
            _ => return self.pager.act(words, self.visible.len()),
        }
        Outcome::Done
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if let Some(why) = &self.failed {
            return notice(area, buf, &cx.theme, why);
        }
        let Some(text) = &self.text else {
            return notice(area, buf, &cx.theme, "Reading the configuration …");
        };
        let top = draw_head(&text.revision, &self.name, area, buf, cx);
        let body = Rect { y: area.y + top, height: area.height.saturating_sub(top), ..area };
        if self.lines.is_empty() {
            return notice(body, buf, &cx.theme, "The configuration is empty.");
        }
        let window = self.pager.window(self.visible.len(), body);
        for (row, y) in window.zip(body.y..) {
            self.draw_line(row, Rect { y, height: 1, ..body }, buf, cx);
        }
    }

    fn click(&mut self, _x: u16, y: u16, _cx: &Cx) -> Outcome {
        self.pager.click(y)
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        Some(self.name.clone())
    }

    fn filter(&self) -> Option<&str> {
        Some(self.find.text())
    }

    fn set_filter(&mut self, text: &str, _cx: &Cx) {
        self.find = Find::new(text);
        self.find.search(&self.lines);
        if let Some(line) = self.find.from(self.current()) {
            self.go_to(line);
        }
    }

    fn copy(&self, _cx: &Cx) -> Option<String> {
        (!self.lines.is_empty()).then(|| self.lines.join("\n"))
    }

    fn disabled(&self, line: &str, _cx: &Cx) -> Option<String> {
        match line {
            "next-match" | "previous-match" if self.find.text().is_empty() => {
                Some("nothing is looked for".to_owned())
            }
            "fold" | "fold all" if self.sections.is_empty() => Some("no sections here".to_owned()),
            _ => None,
        }
    }
}

impl Config {
    fn draw_line(&self, row: usize, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let line = self.visible[row];
        let base = if row == self.pager.cursor { cx.theme.style(Token::Selected) } else { Style::new() };
        buf.set_style(area, base);
        let style = |token| theme::over(base, cx.theme.style(token));
        let wide = self.lines.len().max(99).ilog10() as u16 + 1;
        text::put_right(buf, area.x, area.y, wide.min(area.width), &(line + 1).to_string(), style(Token::Dim));
        let content = &self.lines[line];
        let heads = self.sections.iter().find(|section| section.heading == line);
        let x = area.x + wide + 1;
        let folded = heads.filter(|section| self.folded.contains(&section.heading));
        let glyph = match (heads, folded) {
            (_, Some(_)) => cx.theme.glyph("▸", "+"),
            (Some(_), None) => cx.theme.glyph("▾", "-"),
            _ => " ",
        };
        let x = text::put(buf, x, area.y, 2, &format!("{glyph} "), style(Token::Section));
        let comment = content.trim_start().starts_with(['!', '#']);
        let plain = match heads {
            _ if comment => style(Token::Dim),
            Some(section) if section.depth == 0 => style(Token::Section),
            _ => style(Token::Text),
        };
        let mut pieces = self.find.pieces(content, plain, style(Token::Match));
        let hidden = folded.map(|section| {
            let count = section.end - section.heading - 1;
            let lines = if count == 1 { "line" } else { "lines" };
            format!("  {} {count} {lines}", cx.theme.glyph("⋯", "..."))
        });
        pieces.extend(hidden.as_deref().map(|hidden| (hidden, style(Token::Dim))));
        let columns = area.right().saturating_sub(x);
        text::put_pieces(buf, (x, area.y), columns, self.pager.left, pieces);
    }
}

/// Says which revision it is and what speaks for it; a doubtful one is not to be overlooked. Returns the rows taken.
fn draw_head(revision: &Revision, name: &str, area: Rect, buf: &mut Buffer, cx: &Cx) -> u16 {
    let RevisionState::Quarantined { reason } = &revision.state else {
        let newest = cx.device_named(name).and_then(|row| row.newest.as_ref());
        let rank = match newest.is_some_and(|newest| newest.number == revision.number) {
            true => "newest good, ",
            false => "",
        };
        let head = format!(
            "#{}  {}  {rank}{} lines, {}",
            revision.number,
            cx.date(revision.at),
            revision.lines,
            evidence::proof(revision)
        );
        text::put(buf, area.x + 1, area.y, area.width.saturating_sub(1), &head, cx.theme.style(Token::Good));
        return 1;
    };
    let style = cx.theme.style(Token::Bad);
    let glyph = cx.theme.glyph("✖", "x");
    let head = format!(
        "{glyph} NOT PROVEN WHOLE: #{} of {} is put aside, it never counts as the configuration",
        revision.number,
        cx.date(revision.at)
    );
    let reason = clean_line(reason);
    let mut rows = 0;
    let wide = usize::from(area.width.saturating_sub(2));
    for line in text::wrap(&head, wide).iter().chain(&text::wrap(&format!("  {reason}"), wide)).take(5) {
        text::put(buf, area.x + 1, area.y + rows, area.width.saturating_sub(1), line, style);
        rows += 1;
    }
    rows
}
