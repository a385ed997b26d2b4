//! The demo network: `inventory/demo.toml`, simulated.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::snmp::{self, COMMUNITY, SnmpAgent};
use super::{ENABLE_PASSWORD, Fault, Fleet, FleetError, Linked, Links, PASSWORD, Reach, Spec, USERNAME};
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
    links: Arc<Links>,
    cuts: Vec<String>,
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
    #[serde(default)]
    parent: Option<String>,
    /// Milliseconds.
    #[serde(default)]
    rtt: Option<f64>,
    /// Percent.
    #[serde(default)]
    loss: u8,
    #[serde(default)]
    flaps: bool,
    #[serde(default)]
    cut: Option<u8>,
    #[serde(default)]
    paused: bool,
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
            let links = Links::new(links(&network, second)).map_err(DemoError::Network)?;
            let links = Arc::new(links);
            let reach: Reach = {
                let links = Arc::clone(&links);
                Arc::new(move |address| links.reaches(address))
            };
            match Fleet::start_behind(drivers, specs(&network, second), Arc::clone(&reach)).await {
                Ok(fleet) => {
                    let (inventory, cuts) = (inventory(&network, second), cuts(&network));
                    let agents = agents(&network, second, &reach).await?;
                    return Ok(Self { fleet, links, cuts, inventory, _agents: agents });
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

    /// The links of the network: what is cut there cannot be reached.
    pub fn links(&self) -> &Arc<Links> {
        &self.links
    }

    /// The devices whose links upwards are cut now and then, in the order in which that happens.
    pub fn cuts(&self) -> &[String] {
        &self.cuts
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

fn links(network: &Network, second: u8) -> Vec<Linked> {
    let depth = |entry: &Entry| {
        let above = |name: &String| network.device.iter().find(|other| other.name == *name);
        let way = std::iter::successors(Some(entry), |entry| entry.parent.as_ref().and_then(above));
        way.take(network.device.len()).count()
    };
    let linked = |(number, entry): (usize, &Entry)| Linked {
        name: entry.name.clone(),
        address: address(second, number),
        parent: entry.parent.clone(),
        // a hop more is a little longer, where the file does not say how long
        rtt: match entry.rtt {
            Some(millis) => Duration::from_secs_f64(millis.clamp(0.0, 10_000.0) / 1e3),
            None => Duration::from_micros(180) * u32::try_from(depth(entry)).unwrap_or(1),
        },
        loss_percent: entry.loss,
        flaps: entry.flaps,
        down: matches!(entry.fault, Trouble::Down),
    };
    network.device.iter().enumerate().map(linked).collect()
}

fn cuts(network: &Network) -> Vec<String> {
    let mut cuts: Vec<(u8, String)> =
        network.device.iter().filter_map(|entry| Some((entry.cut?, entry.name.clone()))).collect();
    cuts.sort();
    cuts.into_iter().map(|(_, name)| name).collect()
}

/// The SNMP agents of the devices that are up and have a kind.
async fn agents(network: &Network, second: u8, reach: &Reach) -> Result<Vec<SnmpAgent>, DemoError> {
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
        let started = SnmpAgent::start_behind(address, COMMUNITY, objects, Arc::clone(reach)).await;
        let failed = |source| FleetError::Listen { name: entry.name.clone(), address, source };
        agents.push(started.map_err(failed)?);
    }
    Ok(agents)
}

fn inventory(network: &Network, second: u8) -> String {
    let mut csv = String::from(
        "name,address,port,transport,driver,username,password,enable_password,group,location,role,snmp_community,snmp_port,parent,paused\n",
    );
    for (number, entry) in network.device.iter().enumerate() {
        let Entry { name, group, location, role, .. } = entry;
        let parent = entry.parent.as_deref().unwrap_or_default();
        let paused = if entry.paused { "yes" } else { "no" };
        let address = address(second, number);
        match (entry.transport, &entry.driver) {
            (Some(transport), Some(driver)) => {
                let port = port(transport);
                csv += &format!(
                    "{name},{address},{port},{transport},{driver},{USERNAME},{PASSWORD},{ENABLE_PASSWORD},{group},\"{location}\",{role},{COMMUNITY},{AGENT_PORT},{parent},{paused}\n"
                );
            }
            _ => {
                csv += &format!("{name},{address},,,,,,,{group},\"{location}\",{role},,,{parent},{paused}\n")
            }
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
        assert!(Links::new(links(&network, 77)).is_ok());
        assert_eq!(network.device.iter().filter(|entry| entry.parent.is_none()).count(), 1, "one border");
        let cuts = cuts(&network);
        assert!(cuts.len() >= 3, "{cuts:?}");
        let hangs = |name: &String| network.device.iter().any(|entry| entry.parent.as_ref() == Some(name));
        assert!(cuts.iter().all(hangs), "something hangs behind each cut: {cuts:?}");
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
