//! The wallboard: what a tired person reads from three metres. Nothing on it can be changed.

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::console::action::Outcome;
use crate::console::answering::{self, millis};
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::text;
use crate::console::theme::{Token, state};
use crate::console::widgets::digits;
use crate::engine::pulse::{Mode, PulseRow, State};
use crate::engine::snapshot::{BackupState, DeviceRow};
use crate::model::{Incident, Timestamp, clean_line};

inventory::submit! { Decl {
    name: "wallboard",
    aliases: &["wall"],
    title: "Wallboard",
    about: "Show the whole in large: incidents, groups, the slowest, backups; pages turn by themselves",
    args: "[SECONDS]",
    tab: None,
    reads: &[Topic::Pulse, Topic::Incidents, Topic::Devices],
    keys: &[
        Bind::hint("space", "hold", "Hold the page, or let it turn"),
        Bind::hint("right", "page-down", "Next page"),
        Bind::hint("left", "page-up", "Page before"),
    ],
    make: |args, cx| {
        let cycle = match args {
            [] => Ok(USUAL_CYCLE),
            [seconds] => match seconds.parse() {
                Ok(seconds @ 2..=3600) => Ok(Duration::from_secs(seconds)),
                _ => Err("the pages turn every 2 to 3600 seconds".to_owned()),
            },
            _ => Err("wallboard takes the seconds from page to page: :wallboard 10".to_owned()),
        }?;
        Ok(Box::new(Wallboard { cycle, page: 0, turned: cx.now, held: false }))
    },
} }

/// From page to page.
const USUAL_CYCLE: Duration = Duration::from_secs(10);
/// So long an incident is new: it blinks, unless somebody has taken note of it.
const NEW: Duration = Duration::from_secs(60);
/// A watch that has not been heard of for so long says nothing any more.
const STALE: Duration = Duration::from_secs(5);
/// From so many rows on there is room for large figures.
const TALL: u16 = 36;

/// The parts that take turns below the incidents.
const PAGES: [Page; 3] = [Page::Groups, Page::Slowest, Page::Backups];

#[derive(Clone, Copy)]
enum Page {
    Groups,
    Slowest,
    Backups,
}

struct Wallboard {
    cycle: Duration,
    page: usize,
    turned: Timestamp,
    held: bool,
}

impl Wallboard {
    /// The page at this moment, of those that turn by themselves.
    fn page_at(&self, now: Timestamp) -> usize {
        let turns = match self.held {
            true => 0,
            false => self.turned.age(now).as_millis() / self.cycle.as_millis().max(1),
        };
        (self.page + usize::try_from(turns).unwrap_or(0)) % PAGES.len()
    }

    fn turn(&mut self, by: usize, now: Timestamp) {
        (self.page, self.turned) = ((self.page_at(now) + by) % PAGES.len(), now);
    }
}

impl Pane for Wallboard {
    fn status(&self, cx: &Cx) -> String {
        let held = if self.held { ", held" } else { "" };
        format!("{} of {}{held}", self.page_at(cx.now) + 1, PAGES.len())
    }

    fn wakes_at(&self, cx: &Cx) -> Option<Timestamp> {
        let second = Timestamp((cx.now.0.div_euclid(1000) + 1) * 1000);
        let blinks = open(cx).any(|incident| is_new(incident, cx));
        let turns = (!self.held).then(|| {
            let cycle = u64::try_from(self.cycle.as_millis()).unwrap_or(u64::MAX).max(1);
            let gone = u64::try_from(self.turned.age(cx.now).as_millis()).unwrap_or(0) % cycle;
            cx.now.after(Duration::from_millis(cycle - gone))
        });
        // a watch that falls silent is said aloud without anybody's doing
        let silent = cx.snapshot.pulse.at.map(|at| at.after(STALE)).filter(|at| *at > cx.now);
        [turns, blinks.then_some(second), silent, stale(cx).map(|_| second)].into_iter().flatten().min()
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match words {
            ["hold"] => {
                self.turn(0, cx.now);
                self.held = !self.held;
            }
            ["page-down" | "right" | "down"] => self.turn(1, cx.now),
            ["page-up" | "left" | "up"] => self.turn(PAGES.len() - 1, cx.now),
            _ => return Outcome::Unknown,
        }
        Outcome::Done
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let area = rest(area, draw_stale(area, buf, cx));
        let area = rest(area, draw_figures(area, buf, cx));
        let area = rest(area, draw_incidents(area, buf, cx));
        match PAGES[self.page_at(cx.now)] {
            Page::Groups => draw_groups(area, buf, cx),
            Page::Slowest => draw_slowest(area, buf, cx),
            Page::Backups => draw_backups(area, buf, cx),
        }
    }
}

fn rest(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

fn open(cx: &Cx) -> impl Iterator<Item = &Incident> {
    cx.snapshot.incidents.iter().filter(|incident| incident.is_open())
}

fn is_new(incident: &Incident, cx: &Cx) -> bool {
    incident.opened.age(cx.now) < NEW && !incident.is_acknowledged(cx.now)
}

/// Whether it is known that everything that is watched answers.
fn all_is_well(cx: &Cx) -> bool {
    let pulse = &cx.snapshot.pulse;
    let totals = pulse.totals;
    pulse.is_running() && stale(cx).is_none() && pulse.cut_off.is_none() && totals.down == 0 && totals.up > 0
}

/// For how long nothing was heard of the watch; `None` while it is fresh, or where none runs.
fn stale(cx: &Cx) -> Option<Duration> {
    cx.snapshot.pulse.at.map(|at| at.age(cx.now)).filter(|age| *age >= STALE)
}

/// What is wrong with the picture itself.
fn draw_stale(area: Rect, buf: &mut Buffer, cx: &Cx) -> u16 {
    let pulse = &cx.snapshot.pulse;
    let sentence = match (stale(cx), pulse.cut_off, pulse.is_running()) {
        (Some(age), _, _) => format!("STALE: nothing was heard of the watch for {} s", age.as_secs()),
        (None, Some(since), _) => format!("CUT OFF since {}: what is shown is as it was then", cx.clock(since)),
        (None, None, false) => "NOBODY WATCHES: no pulse runs".to_owned(),
        (None, None, true) => return 0,
    };
    let style = cx.theme.style(Token::Bad).add_modifier(Modifier::REVERSED);
    let rows = area.height.min(if area.height >= TALL { 3 } else { 1 });
    buf.set_style(Rect { height: rows, ..area }, style);
    text::put(buf, area.x + 1, area.y + rows / 2, area.width.saturating_sub(2), &sentence, style.bold());
    rows
}

/// How many are down and in no planned work.
fn not_planned(cx: &Cx) -> u32 {
    let down = watched(cx).filter(|(_, row)| row.state == State::Down && row.mode == Mode::Watched);
    u32::try_from(down.count()).unwrap_or(u32::MAX)
}

/// The figures: incidents, down, up.
fn draw_figures(area: Rect, buf: &mut Buffer, cx: &Cx) -> u16 {
    let totals = cx.snapshot.pulse.totals;
    let incidents = u32::try_from(open(cx).count()).unwrap_or(u32::MAX);
    let figures = [
        (incidents, if incidents == 1 { "incident" } else { "incidents" }, Token::Bad),
        (not_planned(cx), "down", Token::Bad),
        (totals.loss, "loss", Token::Warn),
        (totals.up, "up", Token::Good),
        (totals.planned, "planned", Token::Off),
    ];
    let tall = area.height >= TALL && area.width >= 100;
    let mut x = area.x;
    for (count, word, token) in figures {
        let style = cx.theme.style(if count == 0 { Token::Dim } else { token });
        let room = area.right().saturating_sub(x);
        if tall {
            let wide = digits::draw(buf, (x, area.y + 1), room, u64::from(count), &cx.theme, style);
            text::put(buf, x, area.y + 2 + digits::ROWS, room, word, style);
            x += wide.max(u16::try_from(word.len()).unwrap_or(0)) + 6;
        } else {
            x = text::put(buf, x, area.y, room, &format!("{count} {word}"), style.bold()) + 4;
        }
    }
    if tall { digits::ROWS + 4 } else { 2 }
}

/// One line a root, those that nobody has taken note of first, the newest of them first.
fn draw_incidents(area: Rect, buf: &mut Buffer, cx: &Cx) -> u16 {
    let mut incidents: Vec<&Incident> = open(cx).collect();
    if incidents.is_empty() {
        if area.height > 0 && all_is_well(cx) {
            let line = format!("{} Nothing that is watched is down", cx.theme.glyph("●", "+"));
            text::put(buf, area.x, area.y, area.width, &line, cx.theme.style(Token::Good).bold());
        }
        return 2;
    }
    incidents.sort_by_key(|incident| {
        (incident.is_acknowledged(cx.now), std::cmp::Reverse((incident.opened, incident.id)))
    });
    let each = if area.height >= TALL { 2 } else { 1 };
    let room = usize::from(area.height / 2 / each).max(1);
    let mut y = area.y;
    for incident in incidents.iter().take(room) {
        let token = if incident.is_acknowledged(cx.now) { Token::Warn } else { Token::Bad };
        let blinks = is_new(incident, cx) && cx.now.0.div_euclid(1000) % 2 == 0;
        let style = cx.theme.style(token).bold();
        let style = if blinks { style.add_modifier(Modifier::REVERSED) } else { style };
        let line = format!(" {} {} ", cx.theme.glyph("✖", "x"), answering::line(incident, cx));
        text::put(buf, area.x, y, area.width, &line, style);
        y += each;
    }
    if incidents.len() > room {
        let more = format!("and {} more", incidents.len() - room);
        text::put(buf, area.x + 3, y, area.width.saturating_sub(3), &more, cx.theme.style(Token::Bad));
        y += 1;
    }
    y - area.y + 1
}

/// A group as a tile.
#[derive(Default)]
struct Tile {
    up: u32,
    all: u32,
    worst: Option<(u8, Token, &'static str)>,
}

fn draw_groups(area: Rect, buf: &mut Buffer, cx: &Cx) {
    let mut tiles: BTreeMap<String, Tile> = BTreeMap::new();
    for (device, row) in watched(cx) {
        // the outermost group: what is inside it counts with it
        let group = device.device.group.split('/').next().unwrap_or_default();
        let name = if group.is_empty() { "no group".to_owned() } else { clean_line(group).into_owned() };
        let tile = tiles.entry(name).or_default();
        tile.all += 1;
        tile.up += u32::from(row.state == State::Up);
        let worst = (answering::rank(Some(row)), answering::token(Some(row)), answering::glyph(Some(row), &cx.theme));
        if tile.worst.as_ref().is_none_or(|before| worst.0 < before.0) {
            tile.worst = Some(worst);
        }
    }
    head(area, buf, cx, "Groups");
    let (wide, high) = if area.width >= 300 { (48, 4) } else { (26, 3) };
    let columns = (area.width / wide).max(1);
    for (place, (name, tile)) in (0..).zip(&tiles) {
        let (x, y) = (area.x + place % columns * wide, area.y + 2 + place / columns * high);
        if y + 1 >= area.bottom() {
            break;
        }
        let (_, token, glyph) = tile.worst.unwrap_or((u8::MAX, Token::Off, "-"));
        let style = cx.theme.style(token).bold();
        let room = (wide - 2).min(area.right().saturating_sub(x));
        text::put(buf, x, y, room, &format!("{glyph} {name}"), style);
        let word = if tile.up == tile.all { "all up".to_owned() } else { format!("{} of {} up", tile.up, tile.all) };
        text::put(buf, x + 2, y + 1, room.saturating_sub(2), &word, cx.theme.style(token));
    }
}

fn draw_slowest(area: Rect, buf: &mut Buffer, cx: &Cx) {
    head(area, buf, cx, "The slowest, and what is lost");
    let mut rows: Vec<(&DeviceRow, &PulseRow)> = watched(cx).filter(|(_, row)| row.state != State::Down).collect();
    let lost = |row: &PulseRow| row.recent.loss().1;
    rows.sort_by_key(|(_, row)| std::cmp::Reverse((lost(row) > 0, row.recent.newest())));
    for ((device, row), y) in rows.iter().zip(area.y + 2..area.bottom()) {
        let style = cx.theme.style(if lost(row) > 0 { Token::Warn } else { Token::Text });
        let rtt = row.recent.newest().map_or_else(|| "-".to_owned(), millis);
        let (probes, lost) = row.recent.loss();
        let loss = if lost > 0 { format!("{lost} of {probes} lost") } else { String::new() };
        text::put(buf, area.x, y, 26.min(area.width), device.device.name.as_str(), style);
        text::put_right(buf, area.x + 27, y, 9.min(area.width.saturating_sub(27)), &rtt, style);
        text::put(buf, area.x + 40, y, area.width.saturating_sub(40), &loss, style);
    }
}

fn draw_backups(area: Rect, buf: &mut Buffer, cx: &Cx) {
    let totals = cx.snapshot.totals;
    head(area, buf, cx, "Backups");
    let mut x = area.x;
    for (count, of) in [
        (totals.good, BackupState::Good),
        (totals.late, BackupState::Late),
        (totals.never, BackupState::Never),
        (totals.suspect, BackupState::Suspect),
        (totals.failed, BackupState::Failed),
    ] {
        let (word, token) = state(of);
        let style = cx.theme.style(if count == 0 { Token::Dim } else { token });
        let piece = format!("{} {count} {word}", cx.theme.state_glyph(of));
        x = text::put(buf, x, area.y + 2, area.right().saturating_sub(x), &piece, style.bold()) + 4;
    }
    let bad = [BackupState::Failed, BackupState::Suspect, BackupState::Late];
    let mut rows: Vec<&DeviceRow> = cx.snapshot.devices.iter().filter(|row| bad.contains(&row.state)).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.state));
    for (row, y) in rows.iter().zip(area.y + 4..area.bottom()) {
        let style = cx.theme.style(state(row.state).1);
        text::put(buf, area.x, y, 26.min(area.width), row.device.name.as_str(), style);
        let why = crate::console::words::why(row, cx);
        text::put(buf, area.x + 28, y, area.width.saturating_sub(28), &why, cx.theme.style(Token::Dim));
    }
}

fn head(area: Rect, buf: &mut Buffer, cx: &Cx, title: &str) {
    if area.height > 0 {
        let style: Style = cx.theme.style(Token::Section).bold();
        text::put(buf, area.x, area.y, area.width, title, style);
    }
}

/// The devices that are watched, with what is known of them.
fn watched(cx: &Cx) -> impl Iterator<Item = (&DeviceRow, &PulseRow)> {
    let living = cx.snapshot.devices.iter().filter(|row| row.device.deleted.is_none());
    living
        .filter_map(|device| Some((device, cx.snapshot.pulse.row(device.device.id)?)))
        .filter(|(_, row)| row.mode != Mode::Paused)
}
