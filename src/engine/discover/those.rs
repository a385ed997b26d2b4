//! What was found, as devices: addresses of one device together, each with a name.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::device::snmp::Credentials;
use crate::engine::error::ActError;
use crate::engine::selection::Selection;
use crate::engine::start::Engine;
use crate::model::{DeviceName, Failure, Identity};

use super::Found;
use super::names::propose;

/// A device that was found.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// Its lowest address.
    pub address: IpAddr,
    /// Other addresses at which the same device answers.
    pub also: Vec<IpAddr>,
    /// The device of the inventory that it is, where one is known to be it: these are other addresses of that.
    pub device: Option<DeviceName>,
    /// The name that is proposed for it; `None` where it has one.
    pub name: Option<DeviceName>,
    /// Who it says it is.
    pub identity: Option<Identity>,
    /// Why it does not say that.
    pub error: Option<Failure>,
    /// How it was asked.
    pub(super) way: Option<Credentials>,
}

/// What two addresses of one device have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Likeness {
    serial: Option<String>,
    mac: Option<String>,
    sysname: Option<String>,
    object: Option<String>,
}

impl Likeness {
    /// Nothing of one that tells neither a serial number nor an address: such may be many.
    fn of(identity: &Identity) -> Option<Self> {
        let own = Self {
            serial: identity.serial.clone(),
            mac: identity.mac.clone(),
            sysname: identity.sysname.clone(),
            object: identity.sysobjectid.clone(),
        };
        (own.serial.is_some() || own.mac.is_some()).then_some(own)
    }
}

impl Engine {
    /// Makes devices of what was found, in the order of their addresses.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn discovered(self: &Arc<Self>, mut found: Vec<Found>) -> Result<Vec<Discovered>, ActError> {
        let everything = Selection { all: true, ..Selection::default() };
        let known = self.identities(&everything).await?;
        let known: HashMap<Likeness, DeviceName> = known
            .iter()
            .filter_map(|one| Some((Likeness::of(one.identity.as_ref()?)?, one.device.name.clone())))
            .collect();
        let mut taken: HashSet<String> =
            self.snapshot().devices.iter().map(|row| row.device.name.as_str().to_ascii_lowercase()).collect();
        found.sort_by_key(|one| one.address);
        let mut devices: Vec<Discovered> = Vec::new();
        let mut places: HashMap<Likeness, usize> = HashMap::new();
        for one in found {
            let likeness = one.reading.as_ref().ok().and_then(|(identity, _)| Likeness::of(identity));
            if let Some(place) = likeness.as_ref().and_then(|likeness| places.get(likeness)) {
                devices[*place].also.push(one.address);
                continue;
            }
            let device = likeness.as_ref().and_then(|likeness| known.get(likeness)).cloned();
            places.extend(likeness.map(|likeness| (likeness, devices.len())));
            devices.push(discovered(one, device, &mut taken));
        }
        Ok(devices)
    }
}

fn discovered(found: Found, device: Option<DeviceName>, taken: &mut HashSet<String>) -> Discovered {
    let (identity, way, error) = match found.reading {
        Ok((identity, way)) => (Some(identity), Some(way), None),
        Err(failure) => (None, None, Some(failure)),
    };
    let sysname = identity.as_ref().and_then(|identity| identity.sysname.as_deref());
    let name = if device.is_some() { None } else { propose(sysname, found.address, taken) };
    Discovered { address: found.address, also: Vec::new(), device, name, identity, error, way }
}
