//! `lab`: a simulated network, for trying things out, for training people and for measuring.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;

use crate::commands::answer::count;
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::device::driver::Drivers;
use crate::engine::ActError;
use crate::lab::{Fault, Fleet, FleetError, Spec, loopback};
use crate::model::{Danger, DriverId, Role};

/// What is simulated where no driver is named.
const USUAL: &str = "cisco_ios";

inventory::submit! { Command {
    name: "lab",
    aliases: &[],
    about: "Simulate devices on loopback addresses, over real SSH and Telnet, until interrupted",
    args: &[
        Arg::optional("--devices", Kind::Number(1, 20_000), "how many; else 10"),
        Arg::optional("--delay", Kind::Number(0, 600_000), "milliseconds that a device takes for each line typed"),
        Arg::optional("--size", Kind::Number(1, 100_000_000), "bytes of each configuration; else as the driver's example"),
        Arg::many("--driver", Kind::Driver, "their kind; several take turns; else cisco_ios"),
        Arg::switch("--legacy", "they speak only the SSH algorithms of 2005"),
        Arg::optional("--inventory", Kind::Path, "write them as a CSV for device import, once all listen"),
    ],
    role: Role::Admin,
    danger: Danger::None,
    needs: Needs::Folders,
    run: |call| Box::pin(lab(call)),
} }

/// A simulated device as `--json` shows it.
#[derive(Serialize)]
struct Up<'a> {
    device: &'a str,
    address: String,
    port: u16,
    transport: &'static str,
    driver: &'a str,
}

async fn lab(call: &Call) -> Result<Exit, ActError> {
    let devices = call.args.number("--devices").and_then(|count| usize::try_from(count).ok()).unwrap_or(10);
    let drivers = call.drivers();
    let kinds = kinds(call, &drivers)?;
    make_room(devices);
    let fleet = start(call, &drivers, &kinds, devices).await?;
    if call.json {
        for device in fleet.devices() {
            let spec = &device.spec;
            call.object(&Up {
                device: &spec.name,
                address: spec.address.ip().to_string(),
                port: spec.address.port(),
                transport: spec.transport.as_str(),
                driver: spec.driver.as_str(),
            })?;
        }
    }
    if let Some(path) = call.args.get("--inventory") {
        // the passwords in it open nothing but this lab
        call.door.io.write_file(path, fleet.inventory_csv().as_bytes(), true).map_err(ActError::conflict)?;
        call.note(format!("{} listen; `device import {path}` adds them", count(devices, "device")));
    } else {
        call.note(format!("{} listen; --inventory FILE writes them for `device import`", count(devices, "device")));
    }
    call.door.io.interrupted().await;
    Ok(Exit::Done)
}

fn kinds(call: &Call, drivers: &Drivers) -> Result<Vec<DriverId>, ActError> {
    let named = call.args.many("--driver");
    let named = if named.is_empty() { vec![USUAL.to_owned()] } else { named.to_vec() };
    let known = |id: DriverId| match drivers.get(&id) {
        Ok(_) => Ok(id),
        Err(problem) => Err(ActError::usage(problem.to_string())),
    };
    named.iter().map(|id| id.parse().map_err(ActError::usage).and_then(known)).collect()
}

async fn start(
    call: &Call,
    drivers: &Drivers,
    kinds: &[DriverId],
    devices: usize,
) -> Result<Fleet, ActError> {
    // a kind may have examples of one transport alone: the first that works is taken, and is the preferred one if that does
    let transports: Vec<_> = kinds
        .iter()
        .map(|id| drivers.get(id).map(|driver| driver.transports.clone()).unwrap_or_default())
        .collect();
    let mut chosen = Vec::new();
    for (id, transports) in kinds.iter().zip(&transports) {
        let mut why = format!("the driver `{id}` names no transport");
        let mut found = None;
        for transport in transports {
            let probe = Spec {
                name: "probe".to_owned(),
                address: SocketAddr::new(loopback(0), 0),
                transport: *transport,
                driver: id.clone(),
                delay: Duration::ZERO,
                bytes: None,
                fault: Fault::Down,
            };
            match Fleet::start(drivers, vec![probe]).await {
                Ok(_) => {
                    found = Some(*transport);
                    break;
                }
                Err(error) => why = error.to_string(),
            }
        }
        chosen.push(found.ok_or_else(|| ActError::usage(why))?);
    }
    let fault = if call.args.has("--legacy") { Fault::OldAlgorithms } else { Fault::None };
    let width = devices.to_string().len();
    let specs = (0..devices).map(|number| Spec {
        name: format!("lab-{:0width$}", number + 1),
        address: SocketAddr::new(loopback(number), 0),
        transport: chosen[number % kinds.len()],
        driver: kinds[number % kinds.len()].clone(),
        delay: Duration::from_millis(call.args.number("--delay").unwrap_or(0)),
        bytes: call.args.number("--size").and_then(|bytes| usize::try_from(bytes).ok()),
        fault,
    });
    Fleet::start(drivers, specs.collect()).await.map_err(|error| not_started(&error))
}

fn not_started(error: &FleetError) -> ActError {
    match error {
        FleetError::Listen { .. } => ActError::conflict(format!("{error}; is there room for so many open files?")),
        FleetError::Transcript { .. } => ActError::usage(error.to_string()),
    }
}

/// A listener and a session per device are two open files each; the usual soft limit is 1 024.
fn make_room(devices: usize) {
    let wanted = devices as u64 * 3 + 256;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let current = limit.maximum.map_or(wanted, |most| most.min(wanted));
        // where it is refused, the fleet says which device found no room
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: limit.maximum });
    }
}
