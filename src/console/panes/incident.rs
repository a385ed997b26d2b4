//! One incident: what is known of the cause, the tree of what lies behind it, and what people did.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::answering::{self, lasts};
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::text;
use crate::console::theme::Token;
use crate::console::widgets::{Pager, notice};
use crate::engine::snapshot::DeviceRow;
use crate::model::{DeviceName, Ending, Incident, IncidentId, clean_line};

inventory::submit! { Decl {
    name: "incident",
    aliases: &[],
    title: "Incident",
    about: "Show one incident with the tree of what lies behind it",
    args: "INCIDENT",
    tab: None,
    reads: &[Topic::Incidents, Topic::Answers, Topic::Devices, Topic::Events],
    keys: &[
        Bind::hint("enter", "open", "The selected device"),
        Bind::hint("a", "ack", "Acknowledge"),
        Bind::hint("A", "assign", "Take it over"),
        Bind::hint("c", "comment", "Comment"),
        Bind::new("C", "close", "Close"),
        Bind::new("i", "history {device}", "History of the device's configuration"),
        Bind::new("d", "diff {device}", "What changed last on the device"),
    ],
    make: |args, cx| match args {
        [number] => {
            let id = number.parse().ok().map(IncidentId);
            let known = id.filter(|id| cx.snapshot.incidents.iter().any(|one| one.id == *id));
            let id = known.ok_or_else(|| format!("There is no incident {number} among the newest"))?;
            Ok(Box::new(IncidentPage { id, pager: Pager::default(), devices: Vec::new() }))
        }
        _ => Err("incident needs its number: :incident 12".into()),
    },
} }

/// The deepest level of the tree that is drawn as such.
const DEEPEST: usize = 12;

struct IncidentPage {
    id: IncidentId,
    pager: Pager,
    /// The device of each line, at the last drawing.
    devices: Vec<Option<DeviceName>>,
}

/// A line of the page.
struct Line {
    name: String,
    value: String,
    token: Token,
    device: Option<DeviceName>,
}

impl Line {
    fn new(name: &str, value: impl Into<String>, token: Token) -> Self {
        Self { name: name.to_owned(), value: value.into(), token, device: None }
    }
}

impl IncidentPage {
    fn incident<'a>(&self, cx: &'a Cx) -> Option<&'a Incident> {
        cx.snapshot.incidents.iter().find(|incident| incident.id == self.id)
    }

    fn selected(&self) -> Option<&DeviceName> {
        self.devices.get(self.pager.cursor)?.as_ref()
    }
}

fn lines(incident: &Incident, cx: &Cx) -> Vec<Line> {
    let mut lines = head(incident, cx);
    if !incident.before.is_empty() {
        lines.push(Line::new("", "Changed shortly before", Token::Section));
    }
    for change in &incident.before {
        let value = format!("{}: {}", change.device, clean_line(&change.what));
        let line = Line::new(&cx.when(change.at), value, Token::Warn);
        lines.push(Line { device: Some(change.device.clone()), ..line });
    }
    lines.extend(tree(incident, cx));
    let told: Vec<_> =
        cx.snapshot.events.iter().filter(|event| event.incident == Some(incident.id)).collect();
    if !told.is_empty() || !incident.comments.is_empty() {
        lines.push(Line::new("", "What happened since, the newest first", Token::Section));
    }
    for event in told {
        let token = crate::console::theme::severity(event.severity);
        lines.push(Line::new(&cx.when(event.at), clean_line(&event.message), token));
    }
    // the event log may have forgotten them
    for comment in incident.comments.iter().rev() {
        let is_told = cx.snapshot.events.iter().any(|event| event.incident == Some(incident.id) && event.at == comment.at);
        if !is_told {
            let value = format!("{}: {}", clean_line(&comment.by), clean_line(&comment.text));
            lines.push(Line::new(&cx.when(comment.at), value, Token::Text));
        }
    }
    lines
}

fn head(incident: &Incident, cx: &Cx) -> Vec<Line> {
    let glyph = |open: bool| if open { cx.theme.glyph("✖", "x") } else { cx.theme.glyph("●", "+") };
    let state = match &incident.ending {
        None => format!("{} open for {}", glyph(true), lasts(incident, cx)),
        Some(Ending::Recovered) => format!("{} over after {}: it answers again", glyph(false), lasts(incident, cx)),
        Some(Ending::PartOf(other)) => format!("{} part of incident {other}", glyph(false)),
        Some(Ending::Unwatched) => format!("{} over: not watched any more", glyph(false)),
        Some(Ending::Closed { by, why }) => {
            format!("{} closed by {}: {}", glyph(false), clean_line(by), clean_line(why))
        }
    };
    let token = if incident.is_open() { Token::Bad } else { Token::Good };
    let root = cx.device(incident.root);
    let place = root.map_or_else(String::new, |row| {
        let parts = [&row.device.role, &row.device.group, &row.device.location];
        parts.iter().filter(|part| !part.is_empty()).map(|part| clean_line(part)).collect::<Vec<_>>().join(", ")
    });
    let acknowledged = incident.acknowledged.as_ref().map_or_else(
        || "by nobody yet".to_owned(),
        |note| {
            let until = note.until.map_or_else(String::new, |until| format!(" until {}", cx.when(until)));
            format!("by {}{until}: {}", clean_line(&note.by), clean_line(&note.why))
        },
    );
    let mut lines = vec![
        Line::new("", format!("{} is down", incident.name), Token::Section),
        Line::new("state", state, token),
        Line::new("cause", clean_line(&incident.cause), Token::Text),
        Line::new("what it is", place, Token::Text),
        Line::new("silent since", cx.full(incident.since), Token::Text),
        Line::new("behind it", behind(incident), Token::Text),
        Line::new("subscribers", "unknown: who hangs on which device is not recorded", Token::Dim),
        Line::new("acknowledged", acknowledged, Token::Text),
        Line::new("assigned", incident.assigned.as_deref().map_or("to nobody".into(), |who| clean_line(who).into_owned()), Token::Text),
    ];
    if incident.times_down > 1 {
        lines.push(Line::new("went down", format!("{} times", incident.times_down), Token::Warn));
    }
    lines.retain(|line| !line.value.is_empty());
    lines[0].device = Some(incident.name.clone());
    lines
}

fn behind(incident: &Incident) -> String {
    let devices = |count: usize| match count {
        0 => "nothing".to_owned(),
        1 => "1 device".to_owned(),
        count => format!("{count} devices"),
    };
    let most = incident.most_behind;
    match &incident.been_behind {
        _ if incident.is_open() => devices(incident.behind.len()),
        Some(been) if usize::try_from(most).is_ok_and(|most| most != been.len()) => {
            format!("{}, {most} at once at most", devices(been.len()))
        }
        Some(been) => devices(been.len()),
        None => format!("{most} at most"),
    }
}

/// The root and what hangs on it, as far as it is behind it, or was when it is over.
fn tree(incident: &Incident, cx: &Cx) -> Vec<Line> {
    let (title, mut left): (&str, Vec<&DeviceRow>) = match &incident.been_behind {
        Some(been) if !incident.is_open() => {
            let rows = cx.snapshot.devices.iter();
            ("Lay behind it, as they stand now", rows.filter(|row| been.contains(row.device.id)).collect())
        }
        _ => {
            let names = incident.behind.iter();
            ("Behind it", names.filter_map(|name| cx.device_named(name.as_str())).collect())
        }
    };
    if left.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Line::new("", title, Token::Section)];
    branch(&incident.name, 0, &mut left, cx, &mut lines);
    // what hangs on it by way of something else that is not behind it, or not any more
    for row in left {
        lines.push(leaf(row, 0, cx));
    }
    lines
}

fn branch<'a>(above: &DeviceName, depth: usize, left: &mut Vec<&'a DeviceRow>, cx: &Cx, lines: &mut Vec<Line>) {
    let (here, rest): (Vec<&'a DeviceRow>, Vec<&'a DeviceRow>) =
        left.drain(..).partition(|row| row.device.parent.as_ref() == Some(above));
    *left = rest;
    for row in here {
        lines.push(leaf(row, depth, cx));
        branch(&row.device.name, depth + 1, left, cx, lines);
    }
}

fn leaf(row: &DeviceRow, depth: usize, cx: &Cx) -> Line {
    let known = cx.snapshot.pulse.row(row.device.id);
    let twig = cx.theme.glyph("└ ", "- ");
    let indent = "  ".repeat(depth.min(DEEPEST));
    let what = if row.device.role.is_empty() { String::new() } else { format!("  {}", clean_line(&row.device.role)) };
    let value = format!("{indent}{twig}{} {}{what}", answering::glyph(known, &cx.theme), row.device.name);
    let line = Line::new("", value, answering::token(known));
    Line { device: Some(row.device.name.clone()), ..line }
}

impl Pane for IncidentPage {
    fn subject(&self) -> String {
        self.id.to_string()
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        let Some(incident) = self.incident(cx) else { return Outcome::Unknown };
        match words {
            ["open"] => match self.selected() {
                Some(device) => Outcome::Line(format!("device {device}")),
                None => Outcome::Line(format!("device {}", incident.name)),
            },
            ["ack" | "assign" | "comment" | "close"] => answering::act(words[0], incident, cx),
            _ => self.pager.act(words, self.devices.len()),
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let Some(incident) = self.incident(cx) else {
            return notice(area, buf, &cx.theme, "This incident is not among the newest any more.");
        };
        let lines = lines(incident, cx);
        self.devices = lines.iter().map(|line| line.device.clone()).collect();
        let label = if area.width >= 60 { 14 } else { 12 };
        let window = self.pager.window(lines.len(), area);
        for ((at, line), y) in window.clone().zip(&lines[window]).zip(area.top()..area.bottom()) {
            let style = cx.theme.style(line.token);
            if at == self.pager.cursor {
                buf.set_style(Rect { y, height: 1, ..area }, cx.theme.style(Token::Selected));
            }
            let over = |token: Token| match at == self.pager.cursor {
                true => crate::console::theme::over(cx.theme.style(Token::Selected), cx.theme.style(token)),
                false => cx.theme.style(token),
            };
            let x = area.x + 1;
            let room = area.width.saturating_sub(1);
            if line.name.is_empty() {
                let style = if line.token == Token::Section { over(line.token).bold() } else { over(line.token) };
                text::put(buf, x, y, room, &line.value, style);
                continue;
            }
            let style = if at == self.pager.cursor { over(line.token) } else { style };
            text::put(buf, x, y, label.min(room), &line.name, over(Token::Dim));
            text::put(buf, x + label, y, room.saturating_sub(label), &line.value, style);
        }
    }

    fn click(&mut self, _x: u16, y: u16, _cx: &Cx) -> Outcome {
        self.pager.click(y)
    }

    fn device(&self, cx: &Cx) -> Option<String> {
        let root = || self.incident(cx).map(|incident| incident.name.to_string());
        self.selected().map(ToString::to_string).or_else(root)
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        self.incident(cx).map(|incident| answering::summary(incident, cx))
    }

    fn disabled(&self, line: &str, cx: &Cx) -> Option<String> {
        let over = self.incident(cx).is_none_or(|incident| !incident.is_open());
        (over && matches!(line, "ack" | "assign" | "comment" | "close")).then(|| "the incident is over".into())
    }
}
