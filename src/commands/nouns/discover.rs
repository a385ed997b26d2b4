//! `discover`: what is out there that the inventory does not have.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::commands::answer::{Table, count};
use crate::commands::said::{Said, cell};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::device::icmp::Method;
use crate::engine::ActError;
use crate::engine::discover::{Discovered, Discovering, Found, Lines};
use crate::model::{AddressRange, Danger, Failure, FailureKind, Role, SNMP_PORT, TransportKind};

inventory::submit! { Command {
    name: "discover",
    aliases: &[],
    about: "Probe networks, ask who answers over SNMP, and offer what is new for import",
    args: &[
        Arg::many("range", Kind::Text, "10.0.0.0/22, 10.0.0.5, 10.0.0.5-10.0.0.9; 65536 addresses at most"),
        Arg::optional("--output", Kind::Path, "write what is new as a CSV file for `device import`"),
        Arg::switch("--import", "import what is new"),
        Arg::optional("--group", Kind::Group, "the group of what is new"),
        Arg::optional("--transport", Kind::Choice(&["ssh", "telnet"]), "how its command line is reached; else an asset"),
        Arg::optional("--snmp-port", Kind::Number(1, 65_535), "where agents listen; else 161"),
    ],
    role: Role::Engineer,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(discover(call)),
} }

/// So many of what is the same are named.
const SOME: usize = 5;
/// How often it is said how far it is.
const PROGRESS: Duration = Duration::from_secs(10);

async fn discover(call: &Call) -> Result<Exit, ActError> {
    let ranges: Vec<AddressRange> = call
        .args
        .many("range")
        .iter()
        .map(|word| word.parse().map_err(ActError::usage))
        .collect::<Result<_, _>>()?;
    if ranges.is_empty() {
        return Err(ActError::usage("name what to discover: `discover 10.0.0.0/22`"));
    }
    let port = call.args.number("--snmp-port").and_then(|port| u16::try_from(port).ok()).unwrap_or(SNMP_PORT);
    call.begin().await?;
    let mut work = call.engine()?.discover(&ranges, port).await?;
    tell_begin(call, &work);
    let (found, is_interrupted) = wait(call, &mut work).await;
    let (probed, known, method) = (work.addresses, work.known.len(), work.method);
    // nothing more is sent
    drop(work);
    let devices = call.engine()?.discovered(found.into_values().collect()).await?;
    let lines = lines(call, port);
    let mut ended = Ended { probed, known, method, devices, lines, imported: false, is_interrupted };
    if !call.json {
        ended.table(call);
    }
    ended.write(call)?;
    let is_well = ended.import(call).await?;
    if call.json { ended.tell_program(call)? } else { ended.tell_person(call) }
    Ok(if is_well && !is_interrupted { Exit::Done } else { Exit::Failed })
}

fn lines(call: &Call, port: u16) -> Lines {
    let transport = match call.args.get("--transport") {
        Some("ssh") => Some(TransportKind::Ssh),
        Some("telnet") => Some(TransportKind::Telnet),
        _ => None,
    };
    Lines { group: call.args.get("--group").unwrap_or_default().to_owned(), transport, port: Some(port) }
}

fn tell_begin(call: &Call, work: &Discovering) {
    work.notices.iter().for_each(|notice| call.note(format!("noctule: {notice}")));
    if call.json {
        return;
    }
    call.note(format!("probing {}", addresses(work.addresses)));
    if !work.known.is_empty() {
        let some: Vec<String> =
            work.known.iter().take(SOME).map(|(address, name)| format!("{name} ({address})")).collect();
        let more = work.known.len().saturating_sub(SOME);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        call.note(format!("left out, because the inventory has them: {}{more}", some.join(", ")));
    }
}

/// Takes what comes until all is there or somebody has enough, and says from time to time how far it is.
async fn wait(call: &Call, work: &mut Discovering) -> (BTreeMap<IpAddr, Found>, bool) {
    let mut found = BTreeMap::new();
    let mut interrupted = call.door.io.interrupted();
    let mut progress = tokio::time::interval_at(Instant::now() + PROGRESS, PROGRESS);
    loop {
        tokio::select! {
            one = work.found.recv() => match one {
                Some(one) => drop(found.insert(one.address, one)),
                None => return (found, false),
            },
            () = &mut interrupted => {
                call.note("interrupted: what was found so far is shown");
                return (found, true);
            }
            _ = progress.tick() => {
                if !call.json {
                    call.note(format!("{} answered and were asked so far", addresses(found.len())));
                }
            }
        }
    }
}

fn addresses(number: usize) -> String {
    if number == 1 { "1 address".to_owned() } else { format!("{number} addresses") }
}

/// A discovery that is over.
struct Ended {
    probed: usize,
    known: usize,
    method: Method,
    devices: Vec<Discovered>,
    lines: Lines,
    imported: bool,
    is_interrupted: bool,
}

/// A device that was found, as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    address: String,
    also: Vec<String>,
    device: Option<&'a str>,
    name: Option<&'a str>,
    #[serde(flatten)]
    said: Said<'a>,
    driver: Option<&'a str>,
    error: Option<&'a Failure>,
    imported: bool,
}

/// All of it together.
#[derive(Serialize)]
struct Summary {
    probed: usize,
    known: usize,
    answering: usize,
    devices: usize,
    identified: usize,
    new: usize,
    imported: usize,
    method: &'static str,
    interrupted: bool,
}

impl Ended {
    fn new_ones(&self) -> usize {
        self.devices.iter().filter(|device| device.name.is_some()).count()
    }

    /// Writes the file that was asked for.
    fn write(&self, call: &Call) -> Result<(), ActError> {
        let Some(path) = call.args.get("--output") else { return Ok(()) };
        let text = self.lines.csv(&self.devices)?;
        call.door.io.write_file(path, text.as_bytes(), false).map_err(ActError::conflict)?;
        if !call.json {
            call.say_clean(&format!("{} written to {path}", count(self.new_ones(), "device")));
        }
        Ok(())
    }

    /// Imports, where that was asked for and nobody says no.
    async fn import(&mut self, call: &Call) -> Result<bool, ActError> {
        let new = self.new_ones();
        if !call.args.has("--import") || new == 0 {
            return Ok(true);
        }
        if self.is_interrupted {
            call.note("nothing was imported: not everybody was asked");
            return Ok(false);
        }
        let question = format!("Add {}?", count(new, "device"));
        if !call.json && !call.door.io.confirm(&question).unwrap_or(true) {
            return Ok(false);
        }
        let done = call.engine()?.import_discovered(&call.actor, &self.devices, &self.lines).await?;
        for bad in &done.plan.bad {
            call.note(format!("line {}: {}", bad.line, bad.reason));
        }
        self.imported = done.applied;
        Ok(done.applied)
    }

    fn table(&self, call: &Call) {
        let mut table = Table::new(&["address", "name", "vendor", "model", "serial", "driver", ""]);
        for one in &self.devices {
            let said = Said::of(one.identity.as_ref());
            table.row([
                one.address.to_string(),
                one.name.as_ref().or(one.device.as_ref()).map_or_else(String::new, ToString::to_string),
                cell(said.vendor),
                cell(said.model),
                cell(said.serial),
                cell(driver(one)),
                remark(one),
            ]);
        }
        table.print(call, "no address answers that the inventory does not have");
    }

    fn tell_person(&self, call: &Call) {
        let (all, new) = (self.summary(), self.new_ones());
        let was_not_asked = |one: &Discovered| {
            one.error.as_ref().is_some_and(|error| error.kind == FailureKind::Incomplete)
        };
        if self.devices.iter().any(was_not_asked) {
            call.note("nobody was asked who it is: list the communities to try under [snmp] in config.toml");
        }
        call.note(format!(
            "{} of {} answer: {}, {} identified, {new} new",
            all.answering,
            addresses(all.probed),
            count(all.devices, "device"),
            all.identified
        ));
        if self.imported {
            let next = match self.lines.transport {
                Some(_) => "`device edit NAME username=… --password` and `backup run NAME` read its configuration",
                None => "`device edit NAME transport=ssh username=…` makes one of them a device that is backed up",
            };
            call.note(format!("{} imported; {next}", count(new, "device")));
        } else if new > 0 && call.args.get("--output").is_none() {
            call.note("nothing was imported: --import does it, --output FILE writes a file for `device import`");
        }
    }

    fn tell_program(&self, call: &Call) -> Result<(), ActError> {
        for one in &self.devices {
            call.object(&Shown {
                address: one.address.to_string(),
                also: one.also.iter().map(ToString::to_string).collect(),
                device: one.device.as_ref().map(|name| name.as_str()),
                name: one.name.as_ref().map(|name| name.as_str()),
                said: Said::of(one.identity.as_ref()),
                driver: driver(one),
                error: one.error.as_ref(),
                imported: self.imported && one.name.is_some(),
            })?;
        }
        call.object(&self.summary())
    }

    fn summary(&self) -> Summary {
        let new = self.new_ones();
        Summary {
            probed: self.probed,
            known: self.known,
            answering: self.devices.iter().map(|device| 1 + device.also.len()).sum(),
            devices: self.devices.len(),
            identified: self.devices.iter().filter(|device| device.identity.is_some()).count(),
            new,
            imported: if self.imported { new } else { 0 },
            method: self.method.as_str(),
            interrupted: self.is_interrupted,
        }
    }
}

/// The driver that the rules know for it.
fn driver(one: &Discovered) -> Option<&str> {
    one.identity.as_ref()?.driver.as_deref()
}

/// What else is to be said of a device.
fn remark(one: &Discovered) -> String {
    let mut said = Vec::new();
    if one.device.is_some() {
        said.push("in the inventory at another address".to_owned());
    }
    if !one.also.is_empty() {
        let some: Vec<String> = one.also.iter().take(SOME).map(ToString::to_string).collect();
        let more = one.also.len().saturating_sub(SOME);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        said.push(format!("also {}{more}", some.join(", ")));
    }
    said.extend(one.error.as_ref().and_then(|error| match error.kind {
        // said once, of all of them
        FailureKind::Incomplete => None,
        FailureKind::Timeout => Some("its SNMP agent keeps silent to all that the vault and config.toml have for it".to_owned()),
        _ => Some(error.to_string()),
    }));
    said.join("; ")
}
