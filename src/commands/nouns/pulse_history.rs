//! `pulse history`: what was heard of a device.

use std::time::Duration;

use serde::Serialize;

use crate::commands::answer::{Table, rfc3339};
use crate::commands::period::{DAYS, FROM, UNTIL};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs, spark};
use crate::engine::query::PastOf;
use crate::engine::series::{DeviceHistory, Point};
use crate::engine::ActError;
use crate::model::{Danger, Role, Timestamp};

inventory::submit! { Command {
    name: "pulse history",
    aliases: &[],
    about: "Show round-trip times and losses of a device, in rows of the same length",
    args: &[
        Arg::one("device", Kind::Device, "by name"),
        Arg::optional("--hours", Kind::Number(1, 24 * 3650), "the last so many hours; else 24"),
        DAYS,
        FROM,
        UNTIL,
        Arg::optional("--rows", Kind::Number(1, 10_000), "how many rows; else 24"),
    ],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(history(call)),
} }

/// How wide a person's sparkline is.
const WIDTH: usize = 72;

async fn history(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let device = engine.device(call.args.one("device"))?;
    let hour = Duration::from_secs(3600);
    let usual = call.args.number("--hours").map_or(hour * 24, |hours| hour * u32::try_from(hours).unwrap_or(24));
    let (from, until) = call.period(engine.now(), usual)?;
    let rows = call.args.number("--rows").and_then(|rows| usize::try_from(rows).ok()).unwrap_or(24);
    let past = engine.pulse_history(PastOf { device: device.id, from, until, points: rows }).await?;
    if call.json {
        for point in &past.history.points {
            call.object(&Shown::of(device.name.as_str(), point, past.history.step, None))?;
        }
        let total = &past.history.total;
        let period = Duration::from_millis(until.0.abs_diff(from.0));
        let summary = Summary {
            row: Shown::of(device.name.as_str(), &total.point, period, total.p99),
            until: rfc3339(Some(until)),
            near: total.from_rows,
            availability_percent: past.availability.percent(),
            availability_percent_with_planned: past.availability.percent_with_planned(),
        };
        call.object(&summary)?;
    } else {
        let wide = PastOf { device: device.id, from, until, points: WIDTH };
        let line = engine.pulse_history(wide).await?;
        tell_person(call, &past, &line);
    }
    Ok(Exit::Done)
}

fn tell_person(call: &Call, past: &DeviceHistory, line: &DeviceHistory) {
    let mut table = Table::new(&["from", "probes", "lost %", "min ms", "median ms", "p95 ms", "max ms"]);
    for point in past.history.points.iter().filter(|point| point.sent > 0) {
        table.row([
            point.at.local_as("%Y-%m-%d %H:%M"),
            point.sent.to_string(),
            lost(point),
            ms(point.min),
            ms(point.median),
            ms(point.p95),
            ms(point.max),
        ]);
    }
    table.print(call, "nothing was heard of it in that time");
    let total = &past.history.total;
    if total.point.sent == 0 {
        return;
    }
    let samples: Vec<Option<u32>> = line.history.points.iter().map(sample).collect();
    call.say(spark::text(&samples, WIDTH, true).trim_end());
    let near = if total.from_rows { ", from the rows of hours: near" } else { "" };
    call.note(format!(
        "{} to {}: {} probes, {} % lost; min {}, median {}, p95 {}, p99 {}, max {} ms{near}",
        past.from.local(),
        past.until.local(),
        total.point.sent,
        lost(&total.point),
        ms(total.point.min),
        ms(total.point.median),
        ms(total.point.p95),
        ms(total.p99),
        ms(total.point.max),
    ));
}

/// A point in a sparkline: its median, a loss where nothing was answered.
fn sample(point: &Point) -> Option<u32> {
    match point.median {
        _ if point.sent == 0 => None,
        Some(median) => Some(u32::try_from(median.as_micros()).unwrap_or(spark::LOST - 1)),
        None => Some(spark::LOST),
    }
}

fn lost(point: &Point) -> String {
    if point.sent == 0 { "-".to_owned() } else { format!("{:.2}", point.lost as f64 * 100.0 / point.sent as f64) }
}

fn ms(time: Option<Duration>) -> String {
    time.map_or("-".to_owned(), |time| format!("{:.3}", time.as_secs_f64() * 1e3))
}

/// A row as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    device: &'a str,
    from: Option<String>,
    seconds: f64,
    sent: u64,
    lost: u64,
    rtt_ms: ShownTimes,
}

#[derive(Serialize)]
struct ShownTimes {
    min: Option<f64>,
    median: Option<f64>,
    p95: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99: Option<f64>,
    max: Option<f64>,
}

/// All of it.
#[derive(Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    row: Shown<'a>,
    until: Option<String>,
    near: bool,
    availability_percent: Option<f64>,
    availability_percent_with_planned: Option<f64>,
}

impl<'a> Shown<'a> {
    fn of(device: &'a str, point: &Point, length: Duration, p99: Option<Duration>) -> Self {
        let ms = |time: Option<Duration>| time.map(|time| (time.as_secs_f64() * 1e6).round() / 1e3);
        Self {
            device,
            from: rfc3339(Some(Timestamp(point.at.0))),
            seconds: length.as_secs_f64(),
            sent: point.sent,
            lost: point.lost,
            rtt_ms: ShownTimes {
                min: ms(point.min),
                median: ms(point.median),
                p95: ms(point.p95),
                p99: ms(p99),
                max: ms(point.max),
            },
        }
    }
}
