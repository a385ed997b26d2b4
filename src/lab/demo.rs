//! The demo network: `inventory/demo.toml`, simulated.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;

use super::snmp::{self, COMMUNITY, SnmpAgent};
use super::{ENABLE_PASSWORD, Fault, Fleet, FleetError, PASSWORD, Spec, USERNAME};
use crate::device::driver::Drivers;
use crate::model::{DriverId, TransportKind};

const NETWORK: &str = include_str!("../../inventory/demo.toml");

/// The second byte of the loopback addresses that are tried, so that two demos run beside each other.
const NETWORKS: std::ops::Range<u8> = 77..97;

/// Where the agents of the demo's devices listen.
const AGENT_PORT: u16 = 2361;

/// A small ISP, simulated, up as long as this is.
pub struct Demo {
    fleet: Fleet,
    inventory: String,
    _agents: Vec<SnmpAgent>,
}

/// Why the demo did not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The network's file has a mistake.
    #[error("inventory/demo.toml: {0}")]
    Network(String),
    /// The agents' file has a mistake.
    #[error("inventory/agents.toml: {0}")]
    Agents(String),
    /// No device could be started.
    #[error(transparent)]
    Fleet(#[from] FleetError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Network {
    device: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    #[serde(default)]
    driver: Option<DriverId>,
    #[serde(default)]
    transport: Option<TransportKind>,
    group: String,
    #[serde(default)]
    location: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    milliseconds: u64,
    #[serde(default)]
    fault: Trouble,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Trouble {
    #[default]
    None,
    RefusesPassword,
    Hangs,
    Down,
}

impl Demo {
    /// Starts the demo network on loopback addresses that are free.
    ///
    /// # Errors
    /// See [`DemoError`].
    pub async fn start(drivers: &Drivers) -> Result<Self, DemoError> {
        let network: Network =
            toml::from_str(NETWORK).map_err(|error| DemoError::Network(error.to_string()))?;
        let mut last = None;
        for second in NETWORKS {
            match Fleet::start(drivers, specs(&network, second)).await {
                Ok(fleet) => {
                    let inventory = inventory(&network, second);
                    let agents = agents(&network, second).await?;
                    return Ok(Self { fleet, inventory, _agents: agents });
                }
                Err(error @ FleetError::Listen { .. }) => last = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        Err(match last {
            Some(error) => error.into(),
            None => DemoError::Network("it names no device".into()),
        })
    }

    /// The network as an inventory, in the columns of `device import`.
    pub fn inventory_csv(&self) -> &str {
        &self.inventory
    }

    /// Lets somebody change a configuration; `pick` chooses which. The device's name.
    pub fn change_something(&self, pick: u64) -> Option<&str> {
        let healthy: Vec<_> =
            self.fleet.devices().iter().filter(|device| device.spec.fault == Fault::None).collect();
        let place = usize::try_from(pick % healthy.len().max(1) as u64).unwrap_or(0);
        let device = healthy.get(place)?;
        device.mutate(pick / 13);
        Some(&device.spec.name)
    }
}

fn specs(network: &Network, second: u8) -> Vec<Spec> {
    let managed = network.device.iter().enumerate();
    managed
        .filter_map(|(number, entry)| {
            let transport = entry.transport?;
            Some(Spec {
                name: entry.name.clone(),
                address: SocketAddr::new(address(second, number), port(transport)),
                transport,
                driver: entry.driver.clone()?,
                delay: Duration::from_millis(entry.milliseconds),
                bytes: None,
                fault: match entry.fault {
                    Trouble::None => Fault::None,
                    Trouble::RefusesPassword => Fault::RefusesPassword,
                    Trouble::Hangs => Fault::HangsAfter(900),
                    Trouble::Down => Fault::Down,
                },
            })
        })
        .collect()
}

/// The SNMP agents of the devices that are up and have a kind.
async fn agents(network: &Network, second: u8) -> Result<Vec<SnmpAgent>, DemoError> {
    let kinds = snmp::agents().map_err(DemoError::Agents)?;
    let mut agents = Vec::new();
    for (number, entry) in network.device.iter().enumerate() {
        let is_kind = |driver: &DriverId| kinds.iter().find(|kind| kind.driver == driver.as_str());
        let Some(kind) = entry.driver.as_ref().and_then(is_kind) else { continue };
        if matches!(entry.fault, Trouble::Down) {
            continue;
        }
        let own = u16::try_from(number + 1).unwrap_or(0);
        let objects = kind.objects(&entry.name, &entry.location, own).map_err(DemoError::Agents)?;
        let address = SocketAddr::new(address(second, number), AGENT_PORT);
        let started = SnmpAgent::start(address, COMMUNITY, objects).await;
        let failed = |source| FleetError::Listen { name: entry.name.clone(), address, source };
        agents.push(started.map_err(failed)?);
    }
    Ok(agents)
}

fn inventory(network: &Network, second: u8) -> String {
    let mut csv = String::from(
        "name,address,port,transport,driver,username,password,enable_password,group,location,role,snmp_community,snmp_port\n",
    );
    for (number, entry) in network.device.iter().enumerate() {
        let Entry { name, group, location, role, .. } = entry;
        let address = address(second, number);
        match (entry.transport, &entry.driver) {
            (Some(transport), Some(driver)) => {
                let port = port(transport);
                csv += &format!(
                    "{name},{address},{port},{transport},{driver},{USERNAME},{PASSWORD},{ENABLE_PASSWORD},{group},\"{location}\",{role},{COMMUNITY},{AGENT_PORT}\n"
                );
            }
            _ => csv += &format!("{name},{address},,,,,,,{group},\"{location}\",{role},,\n"),
        }
    }
    csv
}

fn address(second: u8, number: usize) -> IpAddr {
    let byte = |value: usize| u8::try_from(value).unwrap_or(0);
    IpAddr::from([127, second, byte(number / 200), byte(number % 200 + 1)])
}

fn port(transport: TransportKind) -> u16 {
    2200 + transport.default_port()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_network_has_two_dozen_devices_of_a_dozen_kinds_and_three_in_trouble() {
        let network: Network = toml::from_str(NETWORK).unwrap();
        let specs = specs(&network, 77);
        assert!(specs.len() >= 24, "{} devices", specs.len());
        let kinds: HashSet<_> = specs.iter().map(|spec| &spec.driver).collect();
        assert!(kinds.len() >= 12, "{} kinds", kinds.len());
        for transport in [TransportKind::Ssh, TransportKind::Telnet] {
            assert!(specs.iter().any(|spec| spec.transport == transport));
        }
        assert_eq!(specs.iter().filter(|spec| spec.fault != Fault::None).count(), 3);
        let names: HashSet<_> = network.device.iter().map(|entry| &entry.name).collect();
        assert_eq!(names.len(), network.device.len());
    }

    #[tokio::test]
    async fn it_starts_and_somebody_changes_something() {
        let demo = Demo::start(&Drivers::embedded()).await.unwrap();
        let before: Vec<String> = demo.fleet.devices().iter().map(|device| device.configuration()).collect();
        let name = demo.change_something(5).unwrap().to_owned();
        let after: Vec<String> = demo.fleet.devices().iter().map(|device| device.configuration()).collect();
        let changed: Vec<&str> = demo
            .fleet
            .devices()
            .iter()
            .zip(before.iter().zip(&after))
            .filter(|(_, (before, after))| before != after)
            .map(|(device, _)| device.spec.name.as_str())
            .collect();
        assert_eq!(changed, [name.as_str()]);
    }
}
