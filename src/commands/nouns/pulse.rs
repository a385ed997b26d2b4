//! `pulse`: whether devices answer.

use std::time::Duration;

use serde::Serialize;

use crate::commands::answer::{Table, count};
use crate::commands::devices::{ALL, DRIVER, FILTER, GROUP, NAMES, TAG};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::device::icmp::Method;
use crate::engine::{ActError, Selection};
use crate::engine::pulse::{CheckOptions, CheckReport, CheckTarget, Checking, Counted, Stray, Told};
use crate::model::{Danger, Role};

inventory::submit! { Command {
    name: "pulse check",
    aliases: &["ping"],
    about: "Probe devices for a while by ICMP echo, and count what comes back",
    args: &[
        NAMES, GROUP, TAG, DRIVER, FILTER, ALL,
        Arg::optional("--interval", Kind::Seconds, "from one probe of a device to its next; else 1"),
        Arg::optional("--for", Kind::Seconds, "how long probes are sent; else 5"),
        Arg::optional("--method", Kind::Choice(&["raw", "ping", "tcp"]), "by what; else the best permitted"),
    ],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(check(call)),
} }

/// The least time between two probes of a device.
const LEAST_INTERVAL: Duration = Duration::from_millis(10);
/// The longest check: a day.
const LONGEST: Duration = Duration::from_secs(86_400);

async fn check(call: &Call) -> Result<Exit, ActError> {
    let selection = call.args.selection()?;
    let mut options = options(call)?;
    let one = selection.names.len() == 1 && selection == Selection::names(selection.names.clone());
    options.each = one && !call.json;
    let mut checking = call.engine()?.check_pulse(&selection, options).await?;
    checking.means.notices.iter().for_each(|notice| call.note(format!("noctule: {notice}")));
    if options.each {
        call.note(heading(&checking, &options));
    }
    let mut interrupted = call.door.io.interrupted();
    let mut ending = false;
    loop {
        tokio::select! {
            told = checking.told.recv() => match told {
                Some(told) => tell_probe(call, &told),
                None => break,
            },
            () = &mut interrupted, if !ending => {
                ending = true;
                checking.finish();
            }
        }
    }
    let (targets, method) = (std::mem::take(&mut checking.targets), checking.means.v4);
    let report = checking.report().await?;
    let ended = Ended { targets, report, method };
    if call.json { ended.tell_program(call)? } else { ended.tell_person(call, options.each) }
    Ok(if ended.all_answer() { Exit::Done } else { Exit::Failed })
}

fn options(call: &Call) -> Result<CheckOptions, ActError> {
    let second = Duration::from_secs(1);
    let interval = call.args.seconds("--interval").unwrap_or(second);
    let length = call.args.seconds("--for").unwrap_or(second * 5);
    if interval < LEAST_INTERVAL {
        return Err(ActError::usage("--interval: 0.01 s is the least"));
    }
    if length.is_zero() || length > LONGEST || interval > LONGEST {
        return Err(ActError::usage("--for and --interval: more than 0 and at most a day"));
    }
    let method = match call.args.get("--method") {
        Some("raw") => Some(Method::Raw),
        Some("ping") => Some(Method::Ping),
        Some("tcp") => Some(Method::Tcp),
        _ => None,
    };
    Ok(CheckOptions { interval, length, method, each: false })
}

fn heading(checking: &Checking, options: &CheckOptions) -> String {
    let (every, length) = (options.interval.as_secs_f64(), options.length.as_secs_f64());
    match checking.targets.first() {
        Some(CheckTarget { name, address: Ok(address) }) => {
            let means = &checking.means;
            let method = if address.is_ipv6() { means.v6.unwrap_or(means.v4) } else { means.v4 };
            format!("{name} is {address}: a probe by {method} every {every} s, for {length} s")
        }
        Some(CheckTarget { name, address: Err(why) }) => format!("{name} cannot be probed: {why}"),
        None => "no device is meant".to_owned(),
    }
}

/// A line for one probe's outcome.
fn tell_probe(call: &Call, told: &Told) {
    match told {
        Told::Reply { number, rtt, .. } => call.say(format!("probe {number}: {:.3} ms", millis(*rtt))),
        Told::Lost { number, fault, .. } => call.say(format!("probe {number}: {fault}")),
        Told::Unsent { number, fault, .. } => call.say(format!("probe {number} was not sent: {fault}")),
        Told::Stray { stray, from, .. } => call.say(format!("no reply of ours, from {from}: {}", stray_words(*stray))),
        Told::Changed { .. } | Told::Flapping { .. } | Told::CutOff(_) => {}
    }
}

fn stray_words(stray: Stray) -> &'static str {
    match stray {
        Stray::Duplicate => "a second answer to the same probe",
        Stray::Late => "an answer after the timeout",
        Stray::OtherAddress => "an answer from another address than was asked",
        Stray::Forged => "forged, damaged, or another program's",
    }
}

/// A check that is over.
struct Ended {
    targets: Vec<CheckTarget>,
    report: CheckReport,
    method: Method,
}

/// A device's counts as `--json` shows them.
#[derive(Serialize)]
struct ShownDevice<'a> {
    device: &'a str,
    address: Option<String>,
    sent: u64,
    received: u64,
    lost: u64,
    unsent: u64,
    rtt_ms: ShownTimes,
    error: Option<String>,
}

#[derive(Serialize)]
struct ShownTimes {
    min: Option<f64>,
    avg: Option<f64>,
    max: Option<f64>,
}

/// All of them together.
#[derive(Serialize)]
struct Summary {
    targets: usize,
    answering: usize,
    sent: u64,
    received: u64,
    lost: u64,
    unsent: u64,
    rtt_ms: SummaryTimes,
    duplicates: u64,
    late: u64,
    other_address: u64,
    forged: u64,
    method: &'static str,
}

#[derive(Serialize)]
struct SummaryTimes {
    min: Option<f64>,
    median: Option<f64>,
    p99: Option<f64>,
    max: Option<f64>,
}

impl Ended {
    /// Every device with its counts; those without an address have none.
    fn devices(&self) -> impl Iterator<Item = (&CheckTarget, Option<&Counted>)> {
        let mut counts = self.report.devices.iter();
        self.targets.iter().map(move |target| (target, target.address.is_ok().then(|| counts.next()).flatten()))
    }

    fn all_answer(&self) -> bool {
        self.devices().all(|(_, counted)| counted.is_some_and(|one| one.received > 0))
    }

    fn summary(&self) -> Summary {
        let sum = |count: fn(&Counted) -> u64| self.report.devices.iter().map(count).sum();
        let (rtt, strays) = (&self.report.rtt, self.report.strays);
        Summary {
            targets: self.targets.len(),
            answering: self.report.devices.iter().filter(|one| one.received > 0).count(),
            sent: sum(|one| one.sent),
            received: sum(|one| one.received),
            lost: sum(|one| one.lost),
            unsent: sum(|one| one.unsent),
            rtt_ms: SummaryTimes {
                min: rtt.min().map(millis),
                median: rtt.percentile(50).map(millis),
                p99: rtt.percentile(99).map(millis),
                max: rtt.max().map(millis),
            },
            duplicates: strays.duplicate,
            late: strays.late,
            other_address: strays.other_address,
            forged: strays.forged,
            method: self.method.as_str(),
        }
    }

    fn tell_program(&self, call: &Call) -> Result<(), ActError> {
        for (target, counted) in self.devices() {
            let none = Counted::default();
            let one = counted.unwrap_or(&none);
            call.object(&ShownDevice {
                device: target.name.as_str(),
                address: target.address.as_ref().ok().map(ToString::to_string),
                sent: one.sent,
                received: one.received,
                lost: one.lost,
                unsent: one.unsent,
                rtt_ms: ShownTimes {
                    min: one.min.map(millis),
                    avg: average(one).map(millis),
                    max: one.max.map(millis),
                },
                error: why(target, one),
            })?;
        }
        call.object(&self.summary())
    }

    fn tell_person(&self, call: &Call, each_was_told: bool) {
        if !each_was_told {
            let mut table = Table::new(&["device", "address", "sent", "lost", "min ms", "avg ms", "max ms", ""]);
            let time = |time: Option<Duration>| time.map_or("-".to_owned(), |time| format!("{:.3}", millis(time)));
            for (target, counted) in self.devices() {
                let none = Counted::default();
                let one = counted.unwrap_or(&none);
                table.row([
                    target.name.to_string(),
                    target.address.as_ref().map_or("-".to_owned(), ToString::to_string),
                    one.sent.to_string(),
                    one.lost.to_string(),
                    time(one.min),
                    time(average(one)),
                    time(one.max),
                    why(target, one).unwrap_or_default(),
                ]);
            }
            table.print(call, "no device is meant");
        }
        let all = self.summary();
        let of = |part: u64| if all.sent == 0 { 0.0 } else { part as f64 * 100.0 / all.sent as f64 };
        let times = match (all.rtt_ms.min, all.rtt_ms.median, all.rtt_ms.p99, all.rtt_ms.max) {
            (Some(min), Some(median), Some(p99), Some(max)) => {
                format!("; min {min:.3}, median {median:.3}, p99 {p99:.3}, max {max:.3} ms")
            }
            _ => String::new(),
        };
        let targets = count(all.targets, "device");
        call.note(format!(
            "{targets}, {} answering: {} sent, {} received, {} lost ({:.1} %){times}",
            all.answering, all.sent, all.received, all.lost, of(all.lost)
        ));
        for (number, what) in [
            (all.unsent, "could not be sent"),
            (all.duplicates, "duplicate answers"),
            (all.late, "answers after the timeout"),
            (all.other_address, "answers from another address"),
            (all.forged, "forged or damaged answers"),
        ] {
            if number > 0 {
                call.note(format!("{number} {what}"));
            }
        }
    }
}

/// Why a device has a loss.
fn why(target: &CheckTarget, one: &Counted) -> Option<String> {
    match &target.address {
        Err(why) => Some(why.clone()),
        Ok(_) => one.fault.map(|fault| fault.to_string()),
    }
}

fn average(one: &Counted) -> Option<Duration> {
    let replies = u32::try_from(one.received).ok().filter(|replies| *replies > 0)?;
    Some(one.sum / replies)
}

/// Milliseconds, to the microsecond.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
