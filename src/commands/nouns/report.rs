//! `report`: what a period came to.

use std::time::Duration;

use serde::Serialize;

use crate::commands::answer::{Table, count, rfc3339};
use crate::commands::devices::{ALL, DRIVER, FILTER, GROUP, NAMES, TAG};
use crate::commands::period::{DAYS, FROM, UNTIL};
use crate::commands::{Arg, Call, Command, Exit, Needs};
use crate::engine::series::{Availability, Outage};
use crate::engine::ActError;
use crate::model::{Danger, Role, Timestamp, length};

inventory::submit! { Command {
    name: "report availability",
    aliases: &[],
    about: "Show how much of a period devices answered, with and without planned work; time that nobody watched counts for nothing",
    args: &[
        NAMES, GROUP, TAG, DRIVER, FILTER, ALL, FROM, UNTIL, DAYS,
        Arg::switch("--outages", "list the outages too"),
    ],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(availability(call)),
} }

const MONTH: Duration = Duration::from_secs(30 * 86_400);

async fn availability(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let devices = engine.select(&call.args.selection_or_all()?)?;
    let (from, until) = call.period(engine.now(), MONTH)?;
    let ids = devices.iter().map(|device| device.id).collect();
    let found = engine.availabilities(ids, from, until).await?;
    let rows: Vec<(&str, Availability)> =
        devices.iter().map(|device| device.name.as_str()).zip(found).collect();
    let outages = call.args.has("--outages");
    let period = (from, until);
    if call.json { tell_program(call, &rows, period, outages)? } else { tell_person(call, &rows, period, outages) }
    Ok(Exit::Done)
}

fn tell_person(call: &Call, rows: &[(&str, Availability)], period: (Timestamp, Timestamp), outages: bool) {
    let mut table = Table::new(&[
        "device", "available", "with planned", "outages", "down", "longest", "planned down", "unknown",
    ]);
    for (name, one) in rows {
        table.row([
            (*name).to_owned(),
            percent(one.percent()),
            percent(one.percent_with_planned()),
            one.unplanned().count().to_string(),
            length(one.down),
            one.longest().map_or("-".to_owned(), length),
            length(one.planned_down),
            length(one.unknown),
        ]);
    }
    table.print(call, "no device is meant");
    if outages {
        let mut table = Table::new(&["device", "from", "until", "length", ""]);
        for (name, outage) in rows.iter().flat_map(|(name, one)| one.outages.iter().map(move |out| (*name, out))) {
            let length = length(duration(outage));
            let planned = if outage.planned { "planned" } else { "" };
            table.row([name, &outage.from.local(), &outage.until.local(), &length, planned]);
        }
        call.say("");
        table.print(call, "there was no outage");
    }
    let all = together(rows);
    let known = rows.iter().filter(|(_, one)| one.percent_with_planned().is_some()).count();
    call.note(format!(
        "{}, {known} of them known, {} to {}: {} available, {} with planned work; {}, {} down, {} by plan",
        count(rows.len(), "device"),
        period.0.local(),
        period.1.local(),
        percent(all.percent()),
        percent(all.percent_with_planned()),
        count(rows.iter().map(|(_, one)| one.unplanned().count()).sum(), "outage"),
        length(all.down),
        length(all.planned_down),
    ));
    call.note("available is up / (up + down): planned outages and unknown time count for neither");
}

/// The lengths of all of them.
fn together(rows: &[(&str, Availability)]) -> Availability {
    rows.iter().fold(Availability::default(), |all, (_, one)| Availability {
        up: all.up + one.up,
        down: all.down + one.down,
        planned_down: all.planned_down + one.planned_down,
        unknown: all.unknown + one.unknown,
        outages: Vec::new(),
    })
}

/// Five nines are told from four; less than all is never shown as all.
fn percent(share: Option<f64>) -> String {
    match share {
        Some(share) if share < 100.0 => format!("{:.4} %", (share * 1e4).floor() / 1e4),
        Some(_) => "100 %".to_owned(),
        None => "unknown".to_owned(),
    }
}

fn duration(outage: &Outage) -> Duration {
    Duration::from_millis(outage.until.0.abs_diff(outage.from.0))
}

/// A device as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    device: &'a str,
    #[serde(flatten)]
    sums: Sums,
    longest_outage_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outage_list: Option<Vec<ShownOutage>>,
}

/// All of them.
#[derive(Serialize)]
struct Summary {
    devices: usize,
    known: usize,
    from: Option<String>,
    until: Option<String>,
    #[serde(flatten)]
    sums: Sums,
}

#[derive(Serialize)]
struct Sums {
    availability_percent: Option<f64>,
    availability_percent_with_planned: Option<f64>,
    up_seconds: f64,
    down_seconds: f64,
    planned_down_seconds: f64,
    unknown_seconds: f64,
    outages: usize,
    planned_outages: usize,
}

#[derive(Serialize)]
struct ShownOutage {
    from: Option<String>,
    until: Option<String>,
    seconds: f64,
    planned: bool,
}

impl Sums {
    fn of(one: &Availability, outages: usize, planned_outages: usize) -> Self {
        Self {
            availability_percent: one.percent(),
            availability_percent_with_planned: one.percent_with_planned(),
            up_seconds: one.up.as_secs_f64(),
            down_seconds: one.down.as_secs_f64(),
            planned_down_seconds: one.planned_down.as_secs_f64(),
            unknown_seconds: one.unknown.as_secs_f64(),
            outages,
            planned_outages,
        }
    }
}

fn tell_program(
    call: &Call,
    rows: &[(&str, Availability)],
    (from, until): (Timestamp, Timestamp),
    outages: bool,
) -> Result<(), ActError> {
    let (mut unplanned, mut planned) = (0, 0);
    for (device, one) in rows {
        let of_one = one.unplanned().count();
        unplanned += of_one;
        planned += one.outages.len() - of_one;
        let list = |outage: &Outage| ShownOutage {
            from: rfc3339(Some(outage.from)),
            until: rfc3339(Some(outage.until)),
            seconds: duration(outage).as_secs_f64(),
            planned: outage.planned,
        };
        call.object(&Shown {
            device,
            sums: Sums::of(one, of_one, one.outages.len() - of_one),
            longest_outage_seconds: one.longest().map(|longest| longest.as_secs_f64()),
            outage_list: outages.then(|| one.outages.iter().map(list).collect()),
        })?;
    }
    call.object(&Summary {
        devices: rows.len(),
        known: rows.iter().filter(|(_, one)| one.percent_with_planned().is_some()).count(),
        from: rfc3339(Some(from)),
        until: rfc3339(Some(until)),
        sums: Sums::of(&together(rows), unplanned, planned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_all_is_never_shown_as_all() {
        assert_eq!(percent(Some(99.999_99)), "99.9999 %");
        assert_eq!((percent(Some(100.0)), percent(None)), ("100 %".into(), "unknown".into()));
    }
}
