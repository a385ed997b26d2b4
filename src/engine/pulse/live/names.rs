//! Addresses of devices that are known by a host name: looked up beside everything else, and again now and then.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::engine::pulse::look_up;
use crate::model::{Address, Device, Timestamp};

/// How long an address is believed.
const BELIEVED: Duration = Duration::from_secs(300);
/// How soon a name that has none is tried again.
const AGAIN: Duration = Duration::from_secs(30);
/// The most names that are looked up at once.
const AT_ONCE: usize = 32;

/// See the file's head.
pub(super) struct Names {
    known: HashMap<Arc<str>, Known>,
    under_way: HashSet<Arc<str>>,
    lookups: JoinSet<()>,
    tell: mpsc::UnboundedSender<Found>,
    told: mpsc::UnboundedReceiver<Found>,
    /// Not taken in yet.
    found: Vec<Found>,
    news: bool,
}

type Found = (Arc<str>, Result<IpAddr, String>);

struct Known {
    address: Result<IpAddr, Arc<str>>,
    at: Timestamp,
}

impl Default for Names {
    fn default() -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        Self {
            known: HashMap::new(),
            under_way: HashSet::new(),
            lookups: JoinSet::new(),
            tell,
            told,
            found: Vec::new(),
            news: false,
        }
    }
}

impl Names {
    /// What is known of a name's address.
    pub fn address(&self, host: &str) -> Result<IpAddr, Arc<str>> {
        match self.known.get(host) {
            Some(known) => known.address.clone(),
            None => Err(Arc::from(format!("{host} was not looked up yet"))),
        }
    }

    /// Takes in what was found, and begins to look up the names of `devices` that are due. Whether an address is
    /// another one than before.
    pub fn look_up(&mut self, devices: &[Arc<Device>], now: Timestamp) -> bool {
        while self.lookups.try_join_next().is_some() {}
        while let Ok(found) = self.told.try_recv() {
            self.found.push(found);
        }
        for (host, found) in std::mem::take(&mut self.found) {
            self.take(host, found, now);
        }
        for device in devices {
            let Address::Host(host) = &device.address else { continue };
            let is_due = match self.known.get(host.as_str()) {
                // a clock that was set back must not make it believed for longer
                Some(Known { address: Ok(_), at }) => at.age(now) >= BELIEVED || *at > now,
                Some(Known { address: Err(_), at }) => at.age(now) >= AGAIN || *at > now,
                None => true,
            };
            if is_due && self.under_way.len() < AT_ONCE && !self.under_way.contains(host.as_str()) {
                let host: Arc<str> = Arc::from(host.as_str());
                self.under_way.insert(Arc::clone(&host));
                let tell = self.tell.clone();
                self.lookups.spawn(async move {
                    let found = look_up(&host).await;
                    // the pulse may have ended
                    let _ = tell.send((host, found));
                });
            }
        }
        std::mem::take(&mut self.news)
    }

    /// Waits until a name was looked up.
    pub async fn answered(&mut self) {
        match self.told.recv().await {
            Some(found) => self.found.push(found),
            None => std::future::pending().await,
        }
    }

    /// An address that was good a moment ago is kept where the name server does not answer.
    fn take(&mut self, host: Arc<str>, found: Result<IpAddr, String>, now: Timestamp) {
        self.under_way.remove(&host);
        let before = self.known.get(&host).map(|known| known.address.clone());
        let address = match (found, &before) {
            (Ok(address), _) => Ok(address),
            (Err(_), Some(Ok(address))) => Ok(*address),
            (Err(why), _) => Err(Arc::from(why)),
        };
        self.news |= before.as_ref() != Some(&address);
        self.known.insert(host, Known { address, at: now });
    }
}
