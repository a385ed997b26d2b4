//! A check: devices are probed for a while, as somebody asked, and what came is counted. Needs no running pulse.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use crate::device::icmp::{self, Fault, Means, Method, Probers};
use crate::engine::error::ActError;
use crate::engine::selection::Selection;
use crate::engine::start::Engine;
use crate::model::{Address, Device, DeviceName, Moment};

use super::histogram::Histogram;
use super::run::{Flow, run};
use super::target::{Pace, Part, Target, Thresholds, phase};
use super::watch::{Stray, Told, Watch};

/// How long a name may take to be resolved.
const RESOLVE: Duration = Duration::from_secs(5);
/// The most names that are resolved at once.
const RESOLVES: usize = 32;

/// How to check.
#[derive(Clone, Copy, Debug)]
pub struct CheckOptions {
    /// From one probe of a device to its next.
    pub interval: Duration,
    /// How long probes are sent; the replies to the last ones are waited for.
    pub length: Duration,
    /// By what; `None` is the best that is permitted.
    pub method: Option<Method>,
    /// Whether every probe's outcome is told: for a person who watches one device.
    pub each: bool,
}

/// A device of a check.
#[derive(Clone, Debug)]
pub struct CheckTarget {
    /// Its name.
    pub name: DeviceName,
    /// Where it is probed; or why it has no address.
    pub address: Result<IpAddr, String>,
}

/// A check at work.
pub struct Checking {
    /// How the probes travel.
    pub means: Means,
    /// The devices, by name.
    pub targets: Vec<CheckTarget>,
    /// What happens, in the order in which it does, where [`CheckOptions::each`] asks for it. A target's number is its
    /// place among those that have an address.
    pub told: mpsc::UnboundedReceiver<Told>,
    stop: Arc<AtomicBool>,
    done: JoinHandle<CheckReport>,
}

impl Checking {
    /// Sends nothing more; what is under way is still waited for.
    pub fn finish(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// The counts, once it is over.
    ///
    /// # Errors
    /// When the thread broke down: a fault of noctule.
    pub async fn report(self) -> Result<CheckReport, ActError> {
        self.done.await.map_err(|error| ActError::internal(format!("the probing broke down: {error}")))
    }
}

/// What a check came to.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// A device each that has an address, in the order of [`Checking::targets`].
    pub devices: Vec<Counted>,
    /// Every reply's round-trip time.
    pub rtt: Histogram,
    /// What came and was no reply.
    pub strays: Strays,
}

/// One device's counts. `sent` is `received` and `lost` together.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Probes that left this host and were decided.
    pub sent: u64,
    /// Those answered in time by the address that was asked.
    pub received: u64,
    /// The others.
    pub lost: u64,
    /// Probes that could not be sent.
    pub unsent: u64,
    /// The least round-trip time; `None` where nothing was answered.
    pub min: Option<Duration>,
    /// All of them together.
    pub sum: Duration,
    /// The greatest.
    pub max: Option<Duration>,
    /// Why the last of the probes that were not answered was not.
    pub fault: Option<Fault>,
}

/// What came and was no reply, by what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strays {
    /// Second replies to a probe.
    pub duplicate: u64,
    /// After the timeout.
    pub late: u64,
    /// From another address than was asked.
    pub other_address: u64,
    /// Without this run's seal.
    pub forged: u64,
}

impl CheckReport {
    fn add(&mut self, told: &Told) {
        match *told {
            Told::Reply { target, rtt, .. } => {
                self.rtt.add(rtt);
                if let Some(one) = self.devices.get_mut(target as usize) {
                    (one.sent, one.received) = (one.sent + 1, one.received + 1);
                    one.min = Some(one.min.map_or(rtt, |min| min.min(rtt)));
                    one.max = one.max.max(Some(rtt));
                    one.sum += rtt;
                }
            }
            Told::Lost { target, fault, .. } => {
                if let Some(one) = self.devices.get_mut(target as usize) {
                    (one.sent, one.lost, one.fault) = (one.sent + 1, one.lost + 1, Some(fault));
                }
            }
            Told::Unsent { target, fault, .. } => {
                if let Some(one) = self.devices.get_mut(target as usize) {
                    (one.unsent, one.fault) = (one.unsent + 1, Some(fault));
                }
            }
            Told::Stray { stray, .. } => {
                *match stray {
                    Stray::Duplicate => &mut self.strays.duplicate,
                    Stray::Late => &mut self.strays.late,
                    Stray::OtherAddress => &mut self.strays.other_address,
                    Stray::Forged => &mut self.strays.forged,
                } += 1;
            }
            Told::Changed { .. } | Told::Flapping { .. } | Told::CutOff(_) => {}
        }
    }
}

impl Engine {
    /// Begins to probe the selected devices, paused ones and assets too: somebody asked for them.
    ///
    /// # Errors
    /// When a name is unknown, nothing was asked for, or the host does not permit the method.
    pub async fn check_pulse(
        &self,
        selection: &Selection,
        options: CheckOptions,
    ) -> Result<Checking, ActError> {
        let devices = self.select(selection)?;
        let addresses = resolve(&devices).await;
        let port = self.settings().pulse.tcp_port;
        let mut targets = Vec::new();
        for (device, address) in devices.iter().zip(&addresses) {
            if let Ok(address) = address {
                targets.push(Target {
                    address: *address,
                    port: usual_port(device, port),
                    interval: options.interval,
                    phase: phase(device.id.0, options.interval),
                    thresholds: Thresholds::default(),
                    part: Part::Device,
                });
            }
        }
        // nobody waits for a phase that nobody has
        let first = targets.iter().map(|target| target.phase).min().unwrap_or_default();
        targets.iter_mut().for_each(|target| target.phase -= first);
        let timeout = self.settings().pulse.timeout;
        let names = devices.iter().map(|device| device.name.clone());
        let shown = names.zip(addresses).map(|(name, address)| CheckTarget { name, address }).collect();
        begin(shown, targets, options, timeout, self.options.probers.clone()).await
    }
}

/// Starts the thread, and waits until it knows how it probes.
async fn begin(
    shown: Vec<CheckTarget>,
    targets: Vec<Target>,
    options: CheckOptions,
    timeout: Duration,
    probers: Probers,
) -> Result<Checking, ActError> {
    let (tell, told) = mpsc::unbounded_channel();
    let (say_means, means) = tokio::sync::oneshot::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let done = tokio::task::spawn_blocking(move || {
        let mut report =
            CheckReport { devices: vec![Counted::default(); targets.len()], ..Default::default() };
        let opened = options.method.map_or_else(|| Ok(probers.open()), icmp::open_with);
        let mut prober = match opened {
            Ok(prober) => prober,
            Err(why) => {
                // whoever asked may be gone
                let _ = say_means.send(Err(why));
                return report;
            }
        };
        let _ = say_means.send(Ok(prober.means().clone()));
        let pace = Pace { timeout, hasten: None, ..Pace::default() };
        let begun = Moment::now();
        let mut watch = Watch::new(targets, pace, begun);
        watch.end(begun.after(options.length));
        run(&mut watch, prober.as_mut(), |_, _, happened| {
            for one in happened {
                report.add(one);
                if options.each && tell.send(*one).is_err() {
                    return Flow::Stop;
                }
            }
            if stopped.load(Ordering::Relaxed) { Flow::Finish } else { Flow::On }
        });
        report
    });
    let means = means.await.map_err(|_| ActError::internal("the probing broke down at its start"))?;
    let means = means.map_err(ActError::conflict)?;
    Ok(Checking { means, targets: shown, told, stop, done })
}

/// The port where a device takes TCP connects: its own, else its transport's, else the settings'.
pub(super) fn usual_port(device: &Device, usual: u16) -> u16 {
    device.port.or(device.transport.map(crate::model::TransportKind::default_port)).unwrap_or(usual)
}

/// The devices' addresses; names are looked up, a few at once.
async fn resolve(devices: &[Arc<Device>]) -> Vec<Result<IpAddr, String>> {
    let mut addresses: Vec<Result<IpAddr, String>> = Vec::with_capacity(devices.len());
    let mut lookups = JoinSet::new();
    for (place, device) in devices.iter().enumerate() {
        match &device.address {
            Address::Ip(ip) => addresses.push(Ok(*ip)),
            Address::Host(host) => {
                addresses.push(Err(format!("{host} was not looked up")));
                if lookups.len() >= RESOLVES {
                    note(&mut addresses, lookups.join_next().await);
                }
                let host = host.clone();
                lookups.spawn(async move { (place, look_up(&host).await) });
            }
        }
    }
    while let Some(done) = lookups.join_next().await {
        note(&mut addresses, Some(done));
    }
    addresses
}

type Lookup = (usize, Result<IpAddr, String>);

fn note(addresses: &mut [Result<IpAddr, String>], done: Option<Result<Lookup, tokio::task::JoinError>>) {
    if let Some(Ok((place, address))) = done
        && let Some(known) = addresses.get_mut(place)
    {
        *known = address;
    }
}

/// The first address of a name.
pub(super) async fn look_up(host: &str) -> Result<IpAddr, String> {
    match tokio::time::timeout(RESOLVE, tokio::net::lookup_host((host, 0))).await {
        Err(_) => Err(format!("looking up {host}: no answer within {} s", RESOLVE.as_secs())),
        Ok(Err(error)) => Err(format!("looking up {host}: {error}")),
        Ok(Ok(mut found)) => found
            .next()
            .map(|place| place.ip())
            .ok_or_else(|| format!("looking up {host}: it has no address")),
    }
}
