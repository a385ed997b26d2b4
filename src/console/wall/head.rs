//! What stands on top of every page: what is wrong with the picture itself, the figures, the incidents.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{Sizes, below, line, watched};
use crate::console::answering;
use crate::console::cx::Cx;
use crate::console::text;
use crate::console::theme::Token;
use crate::engine::pulse::{Mode, State};
use crate::model::{Incident, Timestamp, clean_line, length};

/// A watch that has not been heard of for so long says nothing any more: it is heard of every second.
pub const STALE: Duration = Duration::from_secs(10);
/// The same of the engine where nothing is watched: it shows a picture every minute.
const STALE_ENGINE: Duration = Duration::from_secs(180);
/// So long an incident is new: it blinks, unless somebody has taken note of it.
const NEW: Duration = Duration::from_secs(60);

/// When what is shown was so.
pub fn as_of(cx: &Cx) -> Timestamp {
    cx.snapshot.pulse.at.unwrap_or(cx.snapshot.at)
}

/// When the picture is old, unless there is a newer one.
pub fn turns_stale(cx: &Cx) -> Timestamp {
    let patience = if cx.snapshot.pulse.is_running() { STALE } else { STALE_ENGINE };
    as_of(cx).after(patience)
}

/// How old the picture is, where that is too old; or how far it lies ahead of a clock that was set back.
pub fn stale(cx: &Cx) -> Option<Duration> {
    let (at, now) = (as_of(cx), cx.now);
    if turns_stale(cx) <= now {
        return Some(at.age(now));
    }
    Some(now.age(at)).filter(|ahead| *ahead >= STALE)
}

/// Whether something at the top counts seconds.
pub fn counts_seconds(cx: &Cx) -> bool {
    stale(cx).is_some() || cx.snapshot.pulse.cut_off.is_some() || open(cx).any(|one| is_new(one, cx))
}

/// The open incidents: those that nobody has taken note of first, the newest of them first.
pub fn incidents(cx: &Cx) -> Vec<&Incident> {
    let mut incidents: Vec<&Incident> = open(cx).collect();
    incidents.sort_by_key(|incident| {
        (incident.is_acknowledged(cx.now), std::cmp::Reverse((incident.opened, incident.id)))
    });
    incidents
}

fn open(cx: &Cx) -> impl Iterator<Item = &Incident> {
    cx.snapshot.incidents.iter().filter(|incident| incident.is_open())
}

fn is_new(incident: &Incident, cx: &Cx) -> bool {
    incident.opened.age(cx.now) < NEW && !incident.is_acknowledged(cx.now)
}

/// What is wrong with the picture itself, across the top. Returns what is left below.
pub fn draw_doubt(area: Rect, buf: &mut Buffer, sizes: Sizes, cx: &Cx) -> Rect {
    let pulse = &cx.snapshot.pulse;
    let at = cx.when(as_of(cx));
    let (words, why) = match (stale(cx), pulse.cut_off, pulse.is_running()) {
        (Some(age), ..) => (
            format!("STALE {}", length(age)),
            format!("Nothing was heard since {at}: all is shown as it was then"),
        ),
        (None, Some(since), _) => (
            format!("CUT OFF {}", length(since.age(cx.now))),
            format!("This host sees nothing since {}: all is shown as it was then", cx.when(since)),
        ),
        (None, None, false) => {
            ("NOBODY WATCHES".to_owned(), "No pulse runs: whether devices answer is not known".to_owned())
        }
        (None, None, true) => return area,
    };
    let style = cx.theme.style(Token::Bad).add_modifier(Modifier::REVERSED).bold();
    // the one thing that is large on every screen
    let scale = sizes.figures;
    let band = Rect { height: (scale.rows() + sizes.notes.pitch() + 2).min(area.height), ..area };
    text::fill(buf, band, style);
    let inside = Rect {
        x: band.x + 2,
        y: band.y + 1,
        width: band.width.saturating_sub(4),
        height: band.height.saturating_sub(1),
    };
    if inside.height > scale.rows() {
        scale.put(buf, (inside.x, inside.y), inside.width, &words, &cx.theme, style);
        sizes.notes.put(
            buf,
            (inside.x, inside.y + scale.rows() + sizes.notes.rows() / 3),
            inside.width,
            &why,
            &cx.theme,
            style,
        );
    } else {
        text::put(buf, inside.x, band.y, inside.width, &words, style);
    }
    below(area, band.height + 1)
}

/// How many there are of each. Returns what is left below.
pub fn draw_figures(area: Rect, buf: &mut Buffer, sizes: Sizes, cx: &Cx) -> Rect {
    let totals = cx.snapshot.pulse.totals;
    let incidents = count(open(cx).count());
    let down = watched(cx).filter(|(_, row)| row.state == State::Down && row.mode == Mode::Watched);
    let figures = [
        (incidents, if incidents == 1 { "incident" } else { "incidents" }, Token::Bad),
        (count(down.count()), "down", Token::Bad),
        (totals.loss, "loss", Token::Warn),
        (totals.unknown, "unknown", Token::Warn),
        (totals.planned, "planned", Token::Off),
        (totals.up, "up", Token::Good),
    ];
    let shown: Vec<_> = figures
        .into_iter()
        .filter(|(count, word, _)| *count > 0 || !["unknown", "planned"].contains(word))
        .collect();
    // where nobody watches, none of them is 0
    let figure = |count: u32, word: &str| match cx.snapshot.pulse.is_running() || word.starts_with("incident")
    {
        true => count.to_string(),
        false => "?".to_owned(),
    };
    let letters = |word: &str| u16::try_from(word.len()).unwrap_or(0);
    let (large, small) = (sizes.figures, sizes.words);
    let wide = |scale: super::Scale, word: &str| scale.columns(letters(word));
    let needed: u16 = shown
        .iter()
        .map(|(count, word, _)| {
            wide(large, &count.to_string()).max(wide(small, word)) + large.columns(1).max(3)
        })
        .sum();
    let rows = large.rows() + small.rows() + 1;
    if needed > area.width || rows + 8 > area.height || large == small {
        let mut x = area.x;
        for (count, word, token) in shown {
            let style = cx.theme.style(if count == 0 { Token::Dim } else { token }).bold();
            x = text::put(
                buf,
                x,
                area.y,
                area.right().saturating_sub(x),
                &format!("{} {word}", figure(count, word)),
                style,
            ) + 3;
        }
        return below(area, 2);
    }
    let area = if small.rows() > 1 { below(area, 1) } else { area };
    // what there is room for stands between them
    let between = (area.width - needed) / count16(shown.len());
    let gap = large.columns(1).max(3) + between.min(large.columns(3));
    let mut x = area.x;
    for (count, word, token) in shown {
        let style = cx.theme.style(if count == 0 { Token::Dim } else { token }).bold();
        let figure = figure(count, word);
        let room = area.right().saturating_sub(x);
        large.put(buf, (x, area.y), room, &figure, &cx.theme, style);
        small.put(buf, (x, area.y + large.rows() + small.rows() / 3), room, word, &cx.theme, style);
        x += wide(large, &figure).max(wide(small, word)) + gap;
    }
    below(area, rows + small.rows() / 3 + small.rows() / 2)
}

/// So many incidents as there is room for on every page. Returns what is left below, and how many were drawn.
pub fn draw_incidents(area: Rect, buf: &mut Buffer, sizes: Sizes, cx: &Cx) -> (Rect, usize) {
    let incidents = incidents(cx);
    if incidents.is_empty() {
        return (draw_calm(area, buf, sizes, cx), 0);
    }
    let each = incident_rows(sizes);
    let room = usize::from((area.height / 2).saturating_sub(1) / each).max(1);
    let mut left = area;
    for incident in incidents.iter().take(room) {
        left = draw_incident(left, buf, sizes, incident, cx);
    }
    if incidents.len() > room {
        let more = format!("   and {} more", incidents.len() - room);
        left = line(left, buf, sizes.notes, &more, cx, cx.theme.style(Token::Bad).bold());
    }
    (below(left, 1), room.min(incidents.len()))
}

/// Where there is no incident.
fn draw_calm(area: Rect, buf: &mut Buffer, sizes: Sizes, cx: &Cx) -> Rect {
    let pulse = &cx.snapshot.pulse;
    let totals = pulse.totals;
    let trusted = pulse.is_running() && stale(cx).is_none() && pulse.cut_off.is_none();
    let known = totals.up + totals.loss + totals.down;
    let (words, token) = match () {
        () if !trusted => return area,
        () if known == 0 => (format!("{} Nothing is known yet", "?"), Token::Warn),
        () if totals.down > 0 => return area,
        () => (format!("{} Nothing that is watched is down", cx.theme.glyph("●", "+")), Token::Good),
    };
    below(line(area, buf, sizes.words, &words, cx, cx.theme.style(token).bold()), 1)
}

/// The rows of one incident.
pub fn incident_rows(sizes: Sizes) -> u16 {
    if sizes.words.rows() > 1 { sizes.words.rows() + sizes.notes.rows() + 3 } else { 1 }
}

/// One incident: what is down, since when, and what is known of it. Returns what is left below.
pub fn draw_incident(area: Rect, buf: &mut Buffer, sizes: Sizes, incident: &Incident, cx: &Cx) -> Rect {
    let token = if incident.is_acknowledged(cx.now) { Token::Warn } else { Token::Bad };
    let style: Style = cx.theme.style(token).bold();
    let blinks = is_new(incident, cx) && cx.now.0.div_euclid(1000) % 2 == 0;
    let loud = if blinks { style.add_modifier(Modifier::REVERSED) } else { style };
    let new = if is_new(incident, cx) { "NEW " } else { "" };
    let glyph = cx.theme.glyph("✖", "x");
    if sizes.words.rows() == 1 {
        let words = format!(" {glyph} {new}{} ", answering::line(incident, cx));
        text::put(buf, area.x, area.y, area.width, &words, loud);
        return below(area, 1);
    }
    let rows = incident_rows(sizes);
    if area.height < rows {
        return below(area, rows);
    }
    let behind =
        if incident.behind.is_empty() { String::new() } else { format!(" +{}", incident.behind.len()) };
    let words = format!("{glyph} {new}{} {}{behind}", incident.name, answering::lasts(incident, cx));
    let band = Rect { height: sizes.words.rows() + 2, ..area };
    if blinks {
        text::fill(buf, band, loud);
    }
    sizes.words.put(buf, (area.x + 1, area.y + 1), area.width.saturating_sub(1), &words, &cx.theme, loud);
    let who = match answering::who(incident, cx) {
        nobody if nobody.is_empty() => "nobody has it yet".to_owned(),
        who => format!("{who} has it"),
    };
    let detail = format!(
        "incident {}, {} behind it, {who}: {}",
        incident.id,
        incident.behind.len(),
        clean_line(&incident.cause)
    );
    let at = area.x + sizes.words.columns(2);
    sizes.notes.put(
        buf,
        (at, area.y + band.height),
        area.right().saturating_sub(at),
        &detail,
        &cx.theme,
        style,
    );
    below(area, rows)
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

fn count16(of: usize) -> u16 {
    u16::try_from(of).unwrap_or(u16::MAX).max(1)
}
