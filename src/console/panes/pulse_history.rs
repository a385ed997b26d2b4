//! The past of one device: round-trip times and losses, how long it answered, and when it did not.

use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::text;
use crate::console::theme::Token;
use crate::console::widgets::chart::{self, ChartPoint};
use crate::console::widgets::notice;
use crate::engine::query::{Answer, PastOf, Query};
use crate::engine::series::{DeviceHistory, Outage, Point};
use crate::model::{DeviceId, Timestamp, clean_line, length};

inventory::submit! { Decl {
    name: "pulse-history",
    aliases: &["ph"],
    title: "Pulse of",
    about: "Show how fast a device answered over time, what was lost, and when it was down",
    args: "DEVICE",
    tab: None,
    reads: &[Topic::Pulse],
    keys: &[
        Bind::hint("h", "period hour", "Hour"),
        Bind::hint("d", "period day", "Day"),
        Bind::hint("w", "period week", "Week"),
        Bind::hint("m", "period month", "Month"),
        Bind::hint("y", "period year", "Year"),
        Bind::hint("left", "left", "Earlier"),
        Bind::new("right", "right", "Later"),
        Bind::new("enter", "device {device}", "The device"),
    ],
    make: |args, cx| match args {
        [name] => {
            let row = cx.device_named(name).ok_or_else(|| format!("There is no device {name}"))?;
            Ok(Box::new(PulseHistory::new(row.device.id, name)))
        }
        _ => Err("pulse-history needs one device: :pulse-history core-1".into()),
    },
} }

/// So many points are asked for: two for each column of a wide screen.
const POINTS: usize = 360;
/// The periods, and how the time of each is labelled.
const PERIODS: [(&str, i64, &str); 5] = [
    ("hour", 3600, "%H:%M"),
    ("day", 86_400, "%H:%M"),
    ("week", 7 * 86_400, "%a %d"),
    ("month", 30 * 86_400, "%m-%d"),
    ("year", 365 * 86_400, "%Y-%m"),
];
/// So many labels stand below the chart.
const LABELS: i64 = 6;

struct PulseHistory {
    device: DeviceId,
    name: String,
    /// Which of [`PERIODS`].
    period: usize,
    /// The period's end; `None` is now.
    until: Option<Timestamp>,
    past: Option<Arc<DeviceHistory>>,
    failed: Option<String>,
    /// What was asked for last.
    asked: Option<(usize, Timestamp)>,
    /// The first outage that is listed.
    scroll: usize,
}

impl PulseHistory {
    fn new(device: DeviceId, name: &str) -> Self {
        Self {
            device,
            name: name.to_owned(),
            period: 1,
            until: None,
            past: None,
            failed: None,
            asked: None,
            scroll: 0,
        }
    }

    fn seconds(&self) -> i64 {
        PERIODS[self.period].1
    }

    /// Half a period earlier or later.
    fn turn(&mut self, direction: i64, cx: &Cx) -> Outcome {
        let until = self.until.unwrap_or(cx.now);
        let turned = Timestamp(until.0.saturating_add(direction * self.seconds() * 500));
        if direction > 0 && self.until.is_none() {
            return Outcome::refused("This is the newest that is known");
        }
        self.until = (turned < cx.now).then_some(turned);
        self.asked = None;
        Outcome::Done
    }

    fn lines(&self, past: &DeviceHistory) -> [String; 3] {
        let total = &past.history.total;
        let (point, stood) = (&total.point, &past.availability);
        let near = if total.from_rows { "  (near: by rows of hours)" } else { "" };
        let share = if point.sent == 0 { 0.0 } else { point.lost as f64 * 100.0 / point.sent as f64 };
        let times = format!(
            "min {}  median {}  p95 {}  p99 {}  max {} ms{near}",
            ms(point.min),
            ms(point.median),
            ms(point.p95),
            ms(total.p99),
            ms(point.max)
        );
        let probes = format!("{} probes, {} lost ({share:.2} %)", point.sent, point.lost);
        let available = format!(
            "available {}  with planned work {}  down {}  planned down {}  unknown {}",
            percent(stood.percent()),
            percent(stood.percent_with_planned()),
            length(stood.down),
            length(stood.planned_down),
            length(stood.unknown)
        );
        [times, probes, available]
    }

    fn draw_outages(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx, past: &DeviceHistory) {
        let outages = &past.availability.outages;
        let head = match outages.len() {
            0 => "No outage is known of that time".to_owned(),
            1 => "1 outage".to_owned(),
            many => format!("{many} outages, newest first"),
        };
        text::put(buf, area.x, area.y, area.width, &head, cx.theme.style(Token::Section));
        let room = usize::from(area.height.saturating_sub(1));
        self.scroll = self.scroll.min(outages.len().saturating_sub(room));
        for (outage, y) in outages.iter().rev().skip(self.scroll).zip(area.y + 1..area.bottom()) {
            let token = if outage.planned { Token::Dim } else { Token::Bad };
            text::put(buf, area.x, y, area.width, &sentence(outage, past, cx), cx.theme.style(token));
        }
    }
}

fn sentence(outage: &Outage, past: &DeviceHistory, cx: &Cx) -> String {
    let from = if outage.from <= past.from { "before".to_owned() } else { cx.date(outage.from) };
    let until = if outage.until >= past.until { "still".to_owned() } else { cx.date(outage.until) };
    let length = length(Duration::from_millis(outage.until.0.abs_diff(outage.from.0)));
    let planned = if outage.planned { "  planned" } else { "" };
    format!("{from:<19}  to  {until:<19}  {length:>10}{planned}")
}

fn chart_point(point: &Point) -> ChartPoint {
    let micros = |time: Option<Duration>| Some(u32::try_from(time?.as_micros()).unwrap_or(u32::MAX));
    let times = || Some([micros(point.min)?, micros(point.median)?, micros(point.p95)?]);
    ChartPoint {
        known: point.sent > 0,
        times: times(),
        lost: if point.sent == 0 { 0.0 } else { point.lost as f32 / point.sent as f32 },
    }
}

fn ms(time: Option<Duration>) -> String {
    time.map_or("-".to_owned(), |time| format!("{:.2}", time.as_secs_f64() * 1e3))
}

fn percent(share: Option<f64>) -> String {
    match share {
        Some(share) if share < 100.0 => format!("{:.3} %", (share * 1e3).floor() / 1e3),
        Some(_) => "100 %".to_owned(),
        None => "unknown".to_owned(),
    }
}

impl Pane for PulseHistory {
    fn subject(&self) -> String {
        self.name.clone()
    }

    fn status(&self, cx: &Cx) -> String {
        let name = PERIODS[self.period].0;
        match self.until {
            None => format!("the last {name}"),
            Some(until) => format!("the {name} before {}", cx.date(until)),
        }
    }

    fn wants(&mut self, cx: &Cx) -> Option<Query> {
        let until = self.until.unwrap_or(cx.now);
        // a chart that moves by less than a point stands still
        let step = (self.seconds() * 1000 / POINTS as i64).max(5000);
        let fresh = self.asked.is_some_and(|(period, at)| {
            period == self.period && until.0.abs_diff(at.0) < step.unsigned_abs()
        });
        if fresh {
            return None;
        }
        self.asked = Some((self.period, until));
        let from = Timestamp(until.0.saturating_sub(self.seconds() * 1000));
        Some(Query::PulseHistory(PastOf { device: self.device, from, until, points: POINTS }))
    }

    fn answer(&mut self, answer: Answer, _cx: &Cx) {
        match answer {
            Answer::PulseHistory(past) => (self.past, self.failed) = (Some(past), None),
            Answer::Failed(why) => self.failed = Some(clean_line(&why).into_owned()),
            _ => {}
        }
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match words {
            ["period", wanted] => match PERIODS.iter().position(|period| period.0 == *wanted) {
                Some(period) => {
                    (self.period, self.asked, self.scroll) = (period, None, 0);
                    Outcome::Done
                }
                None => Outcome::refused("hour, day, week, month and year are periods"),
            },
            ["left"] => self.turn(-1, cx),
            ["right"] => self.turn(1, cx),
            ["down" | "scroll-down"] => {
                self.scroll += 1;
                Outcome::Done
            }
            ["up" | "scroll-up"] => {
                self.scroll = self.scroll.saturating_sub(1);
                Outcome::Done
            }
            ["open"] => Outcome::Line("device {device}".into()),
            _ => Outcome::Unknown,
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if let Some(why) = &self.failed {
            return notice(area, buf, &cx.theme, why);
        }
        let Some(past) = self.past.clone() else {
            return notice(area, buf, &cx.theme, "Reading the past …");
        };
        let mut rest = area;
        for (line, token) in self.lines(&past).iter().zip([Token::Text, Token::Text, Token::Text]) {
            if rest.height == 0 {
                return;
            }
            text::put(buf, rest.x, rest.y, rest.width, line, cx.theme.style(token));
            rest = Rect { y: rest.y + 1, height: rest.height - 1, ..rest };
        }
        let listed = u16::try_from(past.availability.outages.len()).unwrap_or(u16::MAX);
        let outages = listed.saturating_add(1).min(rest.height / 3);
        let chart = Rect { height: rest.height - outages, ..rest };
        if past.history.total.point.sent == 0 {
            notice(chart, buf, &cx.theme, "Nothing was heard of it in that time");
        } else {
            let points: Vec<ChartPoint> = past.history.points.iter().map(chart_point).collect();
            chart::draw(chart, buf, &cx.theme, &points, &labels(&past, PERIODS[self.period].2, cx));
        }
        if outages > 0 {
            let area = Rect { y: chart.bottom(), height: outages, ..rest };
            self.draw_outages(area, buf, cx, &past);
        }
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        Some(self.name.clone())
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let past = self.past.as_ref()?;
        let mut lines = self.lines(past).to_vec();
        lines.extend(past.availability.outages.iter().rev().map(|outage| sentence(outage, past, cx)));
        Some(lines.join("\n"))
    }
}

fn labels(past: &DeviceHistory, format: &str, cx: &Cx) -> Vec<(f32, String)> {
    let span = past.until.0 - past.from.0;
    let at = |part: i64| Timestamp(past.from.0 + span * part / LABELS);
    (0..LABELS).map(|part| (part as f32 / LABELS as f32, cx.format(at(part), format))).collect()
}
