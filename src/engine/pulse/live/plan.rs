//! Who is to be watched, and how: computed from the inventory, the settings and planned work.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::pulse::{Mode, Thresholds, usual_port};
use crate::engine::settings::PulseSettings;
use crate::model::{Address, Device, DeviceId};

use super::names::Names;

/// One device that is to be watched.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub device: DeviceId,
    /// Where it is; or why it has no address.
    pub address: Result<IpAddr, Arc<str>>,
    pub port: u16,
    pub interval: Duration,
    pub thresholds: Thresholds,
    pub mode: Mode,
    /// What it hangs on.
    pub above: Option<DeviceId>,
}

/// See the file's head.
pub(super) fn plan(
    devices: &[Arc<Device>],
    settings: &PulseSettings,
    in_planned_work: &HashSet<DeviceId>,
    names: &Names,
) -> Vec<Wanted> {
    let numbers: HashMap<&str, DeviceId> =
        devices.iter().map(|device| (device.name.as_str(), device.id)).collect();
    let one = |device: &Arc<Device>| Wanted {
        device: device.id,
        address: match &device.address {
            Address::Ip(ip) => Ok(*ip),
            Address::Host(host) => names.address(host),
        },
        port: usual_port(device, settings.tcp_port),
        interval: settings.interval_of(device),
        thresholds: settings.thresholds_of(device),
        mode: match device.paused {
            true => Mode::Paused,
            false if in_planned_work.contains(&device.id) => Mode::Maintenance,
            false => Mode::Watched,
        },
        above: device.parent.as_ref().and_then(|parent| numbers.get(parent.as_str()).copied()),
    };
    devices.iter().map(one).collect()
}
