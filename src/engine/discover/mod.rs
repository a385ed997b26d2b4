//! Discovery: which addresses of a network answer, who is there, and what of that the inventory does not have yet.

mod import;
mod names;
mod sweep;
mod those;

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::device::icmp::{Means, Method};
use crate::device::snmp::Credentials;
use crate::model::{AddressRange, DeviceId, DeviceName, Failure, FailureKind, Identity};

use super::error::ActError;
use super::identity::{How, Silent, in_two_rounds, listed, read_at};
use super::start::Engine;

pub use import::Lines;
pub use those::Discovered;

/// The most addresses of one discovery.
pub const MOST: u64 = 65_536;

/// An address that answers, and who says to be there.
#[derive(Debug)]
pub struct Found {
    /// Where.
    pub address: IpAddr,
    /// What its SNMP agent said and how it was asked, or why it said nothing.
    pub reading: Result<(Identity, Credentials), Failure>,
}

/// A discovery at work; dropping it ends it.
#[derive(Debug)]
pub struct Discovering {
    /// What a person should know of how the probes travel.
    pub notices: Vec<String>,
    /// By what they travel: where both families are probed, those of IPv4.
    pub method: Method,
    /// How many addresses are probed.
    pub addresses: usize,
    /// Addresses that devices of the inventory have: they are not probed.
    pub known: Vec<(IpAddr, DeviceName)>,
    /// Each address that answers, once its agent was asked, and anew where it was asked once more; closed when all were.
    pub found: mpsc::UnboundedReceiver<Found>,
    stop: Arc<AtomicBool>,
    work: JoinHandle<()>,
}

impl Drop for Discovering {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.work.abort();
    }
}

impl Engine {
    /// Begins to probe these addresses and to ask, at this UDP port, whoever answers. What the inventory has is left out.
    ///
    /// # Errors
    /// When there are none, or more than [`MOST`].
    pub async fn discover(
        self: &Arc<Self>,
        ranges: &[AddressRange],
        port: u16,
    ) -> Result<Discovering, ActError> {
        let count = ranges.iter().fold(0_u64, |sum, range| sum.saturating_add(range.count()));
        if count == 0 || count > MOST {
            return Err(ActError::usage(format!(
                "{count} addresses are meant: at most {MOST} at a time, the size of an IPv4 /16 or an IPv6 /112"
            )));
        }
        let all: BTreeSet<IpAddr> = ranges.iter().flat_map(AddressRange::addresses).collect();
        let of_devices = self.addresses();
        let is_known = |address: &IpAddr| of_devices.contains_key(address);
        let (known, fresh): (Vec<IpAddr>, Vec<IpAddr>) = all.into_iter().partition(is_known);
        let known = known
            .into_iter()
            .filter_map(|address| Some((address, of_devices.get(&address)?.clone())))
            .collect();
        let addresses = fresh.len();
        let is_v6_alone = !fresh.is_empty() && fresh.iter().all(IpAddr::is_ipv6);
        let stop = Arc::new(AtomicBool::new(false));
        let sweep = sweep::begin(self, fresh, Arc::clone(&stop)).await?;
        let (tell, found) = mpsc::unbounded_channel();
        let work = tokio::spawn(ask_all(Arc::clone(self), sweep.answering, port, tell));
        let Means { v4, v6, notices, .. } = sweep.means;
        let method = v6.filter(|_| is_v6_alone).unwrap_or(v4);
        Ok(Discovering { notices, method, addresses, known, found, stop, work })
    }

    /// The addresses of the inventory's devices, and whose they are.
    fn addresses(&self) -> HashMap<IpAddr, DeviceName> {
        let rows = &self.snapshot().devices;
        rows.iter().filter_map(|row| Some((row.device.address.ip()?, row.device.name.clone()))).collect()
    }
}

/// Asks whoever answers, and tells of each at once: of those that keep silent, a second time after the second round.
async fn ask_all(
    engine: Arc<Engine>,
    answering: mpsc::UnboundedReceiver<IpAddr>,
    port: u16,
    tell: mpsc::UnboundedSender<Found>,
) {
    let how = Arc::new(How::new(&engine));
    let at_once = engine.settings().snmp.concurrency;
    let ask = |address| {
        let (engine, how, tell) = (Arc::clone(&engine), Arc::clone(&how), tell.clone());
        async move {
            let reading = ask(&engine, &how, SocketAddr::new(address, port)).await;
            let silence = reading.as_ref().err().filter(|failure| failure.kind == FailureKind::Timeout);
            let silent = silence.map(|failure| Silent { one: address, failure: failure.clone() });
            // whoever asked may have gone away
            let _ = tell.send(Found { address, reading });
            silent
        }
    };
    in_two_rounds(answering, at_once, ask).await;
}

async fn ask(engine: &Engine, how: &How, address: SocketAddr) -> Result<(Identity, Credentials), Failure> {
    // the vault first, as for a device
    let ways = engine.snmp_of_vault_for_anybody();
    let mut ways = ways.map_err(|error| Failure::new(FailureKind::Storage, error.message))?;
    ways.extend(listed(engine, None));
    if ways.is_empty() {
        let what = "not asked who it is: config.toml lists nothing to try under [snmp], and the vault gives nothing to everything or to a pattern of names";
        return Err(Failure::new(FailureKind::Incomplete, what));
    }
    // nobody's yet
    read_at(engine, how, address, ways, DeviceId(0)).await
}
