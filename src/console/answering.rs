//! What several panes say of whether devices answer, and of incidents.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::action::Outcome;
use super::cx::Cx;
use super::text;
use super::theme::{Theme, Token};
use super::widgets::sparkline;
use super::words::Field;
use crate::engine::pulse::{Mode, PulseRow, State};
use crate::engine::snapshot::DeviceRow;
use crate::model::{Incident, clean_line};

/// A device's state: its glyph and its word, with the badge.
pub fn state(row: Option<&PulseRow>, cx: &Cx) -> String {
    let Some(row) = row else { return format!("{} unknown", glyph(None, &cx.theme)) };
    let word = match (row.mode, row.flapping) {
        (Mode::Paused, _) => "paused",
        (Mode::Maintenance, _) if row.state == State::Down => "planned",
        (_, true) => match row.state {
            State::Up => "up ~",
            State::Down => "down ~",
            State::Loss => "loss ~",
            State::Unknown => "unknown ~",
        },
        _ => row.state.as_str(),
    };
    format!("{} {word}", glyph(Some(row), &cx.theme))
}

/// The worst first.
pub fn rank(row: Option<&PulseRow>) -> u8 {
    match row.map(|row| (row.mode, row.state)) {
        Some((Mode::Watched, State::Down)) => 0,
        Some((Mode::Watched, State::Loss)) => 1,
        Some((Mode::Watched, State::Up)) if row.is_some_and(|row| row.flapping) => 2,
        Some((Mode::Watched, State::Unknown)) => 3,
        Some((Mode::Maintenance, State::Down)) => 4,
        Some((Mode::Watched | Mode::Maintenance, _)) => 5,
        Some((Mode::Paused, _)) | None => 6,
    }
}

/// The glyph of a device's state.
pub fn glyph(row: Option<&PulseRow>, theme: &Theme) -> &'static str {
    match row.map(|row| (row.mode, row.state)) {
        Some((Mode::Paused, _)) => theme.glyph("·", "-"),
        Some((Mode::Maintenance, State::Down)) => theme.glyph("◇", "m"),
        Some((_, State::Up)) => theme.glyph("●", "+"),
        Some((_, State::Loss)) => theme.glyph("▲", "!"),
        Some((_, State::Down)) => theme.glyph("✖", "x"),
        Some((_, State::Unknown)) | None => "?",
    }
}

/// The look of a device's state.
pub fn token(row: Option<&PulseRow>) -> Token {
    match row.map(|row| (row.mode, row.state)) {
        Some((Mode::Paused, _)) | None => Token::Off,
        Some((Mode::Maintenance, State::Down)) => Token::Off,
        Some((_, State::Down)) => Token::Bad,
        Some((_, State::Loss)) => Token::Warn,
        Some((_, State::Up)) if row.is_some_and(|row| row.flapping) => Token::Warn,
        Some((_, State::Up)) => Token::Good,
        Some((_, State::Unknown)) => Token::Warn,
    }
}

/// `0.31ms`, `12.4ms`, `310ms`, `2.1s`: at most seven columns.
pub fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    match millis {
        ..10.0 => format!("{millis:.2}ms"),
        10.0..100.0 => format!("{millis:.1}ms"),
        100.0..10_000.0 => format!("{millis:.0}ms"),
        _ => format!("{:.0}s", millis / 1e3),
    }
}

/// Takes note of an incident, with a reason.
pub fn acknowledge(incident: &Incident, cx: &Cx) -> Outcome {
    if !incident.is_open() {
        return Outcome::refused("This incident is over");
    }
    let others = incident.acknowledged.as_ref().filter(|_| incident.is_acknowledged(cx.now));
    let before = others.map_or_else(String::new, |note| {
        format!(
            " {} has taken note of it at {}: {}.",
            clean_line(&note.by),
            cx.date(note.at),
            clean_line(&note.why)
        )
    });
    Outcome::Reason {
        line: format!(
            "incident ack {}{} --why",
            incident.id,
            instead_of(others.map(|note| note.by.as_str()))
        ),
        question: format!(
            "Take note of incident {}: {} is down.{before} Say what you know of it.",
            incident.id, incident.name
        ),
    }
}

/// What a person does about an incident: `ack`, `assign`, `comment` or `close`.
pub fn act(verb: &str, incident: &Incident, cx: &Cx) -> Outcome {
    let id = incident.id;
    match verb {
        _ if !incident.is_open() => Outcome::refused("This incident is over"),
        "ack" => acknowledge(incident, cx),
        "assign" => match incident.assigned.as_deref() {
            None => Outcome::Line(format!("incident assign {id}")),
            Some(has) => Outcome::Reason {
                line: format!("incident assign {id}{} --why", instead_of(Some(has))),
                question: format!(
                    "{} looks after incident {id}, {}. Look after it in their place? Say why.",
                    clean_line(has),
                    incident.name
                ),
            },
        },
        "comment" => Outcome::Line(format!("command incident comment {id}")),
        "close" => Outcome::Reason {
            line: format!("incident close {id} --why"),
            question: format!("End incident {id}, {}, by hand. Say why.", incident.name),
        },
        _ => Outcome::Unknown,
    }
}

/// Says whose place is taken: whoever was faster meanwhile is not overwritten.
fn instead_of(holder: Option<&str>) -> String {
    let quoted = holder.and_then(|holder| shlex::try_quote(holder).ok());
    quoted.map_or_else(String::new, |holder| format!(" --instead-of {holder}"))
}

/// An incident in a few lines of text: for a ticket, or a colleague.
pub fn summary(incident: &Incident, cx: &Cx) -> String {
    let names: Vec<&str> = incident.behind.iter().map(|name| name.as_str()).collect();
    let over = incident.closed.map_or_else(String::new, |closed| format!(", over at {}", cx.date(closed)));
    format!(
        "incident {}: {} is down since {}{over}: {}\nbehind it: {}",
        incident.id,
        incident.name,
        cx.date(incident.since),
        clean_line(&incident.cause),
        if names.is_empty() { "nothing".to_owned() } else { names.join(" ") }
    )
}

/// How long an incident lasts, or has lasted. A short one is told to the second only when it is over: a screen that
/// counts seconds is never still.
pub fn lasts(incident: &Incident, cx: &Cx) -> String {
    match incident.closed {
        _ if incident.lasts(cx.now).is_none() => "unknown".to_owned(),
        Some(closed) => incident.lasts_in_words(closed),
        None => cx.age(Some(incident.since)),
    }
}

/// An incident in one line: what is down, how many lie behind it, for how long, who has it.
pub fn line(incident: &Incident, cx: &Cx) -> String {
    let behind = match incident.behind.len() {
        0 => String::new(),
        count => format!(", {count} behind it"),
    };
    let who = match who(incident, cx) {
        nobody if nobody.is_empty() => String::new(),
        who => format!(", {who} has it"),
    };
    let cause = clean_line(&incident.cause);
    format!(
        "incident {}: {} is down{behind}, {}{who}: {cause}",
        incident.id,
        incident.name,
        lasts(incident, cx)
    )
}

/// Who has an incident, in a few words; empty for nobody.
pub fn who(incident: &Incident, cx: &Cx) -> String {
    let who = match (&incident.assigned, &incident.acknowledged) {
        (Some(who), _) => who.as_str(),
        (None, Some(note)) if incident.is_acknowledged(cx.now) => note.by.as_str(),
        _ => "",
    };
    clean_line(who).into_owned()
}

/// What the pulse knows of a device, and its incident, for the page about it.
pub fn fields(device: &DeviceRow, cx: &Cx) -> Vec<Field> {
    let Some(row) = cx.snapshot.pulse.row(device.device.id) else { return Vec::new() };
    let since = row
        .since
        .map_or_else(String::new, |since| format!(" since {} ({} ago)", cx.date(since), cx.age(row.since)));
    let mut fields = vec![
        Field::head("Pulse"),
        Field::new("answers", format!("{}{since}", state(Some(row), cx)), token(Some(row))),
    ];
    if let Some(why) = &row.why {
        fields.push(Field::new("why", clean_line(&why.to_string()), Token::Text));
    }
    let (probes, lost) = row.recent.loss();
    if probes > 0 {
        let rtt = row.recent.newest().map_or_else(|| "not answered".to_owned(), millis);
        fields.push(Field::new("newest probe", rtt, Token::Text));
        fields.push(Field::new("lost", format!("{lost} of the newest {probes}"), Token::Text));
        let samples: Vec<Option<u32>> = row.recent.iter().map(Some).collect();
        fields.push(Field::new(
            "lately",
            sparkline::text(&samples, samples.len(), cx.theme.unicode),
            Token::Running,
        ));
    }
    let open = cx.snapshot.incidents.iter().filter(|incident| incident.is_open());
    let name = &device.device.name;
    for incident in open.filter(|one| one.root == device.device.id || one.behind.contains(name)) {
        let what = match incident.root == device.device.id {
            true => format!("{}: this device is its cause", incident.id),
            false => format!("{}: it lies behind {}", incident.id, incident.name),
        };
        fields.push(Field::new("incident", what, Token::Bad));
    }
    if let Some(parent) = &device.device.parent {
        fields.push(Field::new("hangs on", parent.as_str(), Token::Text));
    }
    fields
}

/// The counts of every state, and what a person should know of the watch itself; returns the rows that it took.
pub fn draw_head(area: Rect, buf: &mut Buffer, cx: &Cx) -> u16 {
    if area.height < 6 {
        return 0;
    }
    draw_totals(Rect { height: 1, ..area }, buf, cx);
    let mut rows = 1;
    let mut warn = |line: &str, token: Token| {
        if rows < area.height / 3 {
            let room = area.width.saturating_sub(2);
            text::put(buf, area.x + 1, area.y + rows, room, &clean_line(line), cx.theme.style(token));
            rows += 1;
        }
    };
    let pulse = &cx.snapshot.pulse;
    if let Some(since) = pulse.cut_off {
        let line = format!(
            "{} This host is cut off since {}: every state is as it was then",
            cx.theme.glyph("✖", "x"),
            cx.when(since)
        );
        warn(&line, Token::Bad);
    }
    for one in &pulse.notices {
        warn(&format!("{} {one}", cx.theme.glyph("▲", "!")), Token::Warn);
    }
    rows
}

/// The counts of every state in one row.
pub fn draw_totals(area: Rect, buf: &mut Buffer, cx: &Cx) {
    let totals = cx.snapshot.pulse.totals;
    let theme = &cx.theme;
    let mut x = area.x + 1;
    for (count, glyph, word, token) in [
        (totals.up, theme.glyph("●", "+"), "up", Token::Good),
        (totals.loss, theme.glyph("▲", "!"), "loss", Token::Warn),
        (totals.down, theme.glyph("✖", "x"), "down", Token::Bad),
        (totals.flapping, "~", "flapping", Token::Warn),
        (totals.unknown, "?", "unknown", Token::Warn),
        (totals.planned, theme.glyph("◇", "m"), "planned", Token::Off),
        (totals.paused, theme.glyph("·", "-"), "paused", Token::Off),
    ] {
        let room = area.right().saturating_sub(x);
        let token = if count == 0 { Token::Dim } else { token };
        x = text::put(buf, x, area.y, room, &format!("{glyph} {count} {word}"), theme.style(token)) + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_take_seven_columns_at_most() {
        for (micros, shown) in [
            (310, "0.31ms"),
            (9_999, "10.00ms"),
            (12_400, "12.4ms"),
            (310_000, "310ms"),
            (2_100_000, "2100ms"),
            (61_000_000, "61s"),
        ] {
            assert_eq!(millis(Duration::from_micros(micros)), shown);
            assert!(shown.len() <= 7);
        }
    }
}
