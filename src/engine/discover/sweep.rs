//! One probe to every address, and one more to each that kept silent.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::device::icmp::{Means, Prober};
use crate::engine::error::ActError;
use crate::engine::pulse::{Flow, Pace, Part, Target, Thresholds, Told, Watch, run};
use crate::engine::start::Engine;
use crate::model::Moment;

/// From one address's probe to the next one's: two thousand a second.
const APART: Duration = Duration::from_micros(500);
/// How often an address is probed that keeps silent.
const ROUNDS: usize = 2;

/// A sweep at work.
pub(super) struct Sweep {
    /// How the probes travel.
    pub means: Means,
    /// Each address that answers, once; closed when all were probed.
    pub answering: mpsc::UnboundedReceiver<IpAddr>,
}

/// Starts the thread, and waits until it knows how it probes.
pub(super) async fn begin(
    engine: &Engine,
    addresses: Vec<IpAddr>,
    stop: Arc<AtomicBool>,
) -> Result<Sweep, ActError> {
    let (probers, settings) = (engine.options.probers.clone(), engine.settings());
    let (port, timeout) = (settings.pulse.tcp_port, settings.pulse.timeout);
    let (say_means, means) = oneshot::channel();
    let (tell, answering) = mpsc::unbounded_channel();
    tokio::task::spawn_blocking(move || {
        let mut prober = probers.open();
        // whoever asked may be gone
        let _ = say_means.send(prober.means().clone());
        let mut silent = addresses;
        for _ in 0..ROUNDS {
            let answered = probe(&silent, port, timeout, prober.as_mut(), &tell, &stop);
            silent.retain(|address| !answered.contains(address));
        }
    });
    let means = means.await.map_err(|_| ActError::internal("the probing broke down at its start"))?;
    Ok(Sweep { means, answering })
}

/// Probes each once.
fn probe(
    addresses: &[IpAddr],
    port: u16,
    timeout: Duration,
    prober: &mut dyn Prober,
    tell: &mpsc::UnboundedSender<IpAddr>,
    stop: &AtomicBool,
) -> HashSet<IpAddr> {
    let length = APART * u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let target = |(place, address): (u32, &IpAddr)| Target {
        address: *address,
        port,
        // the next one would come when all is over
        interval: length * 2,
        phase: APART * place,
        thresholds: Thresholds::default(),
        part: Part::Device,
    };
    let begun = Moment::now();
    let pace = Pace { timeout, hasten: None, ..Pace::default() };
    let mut watch = Watch::new((0..).zip(addresses).map(target).collect(), pace, begun);
    watch.end(begun.after(length));
    let mut answered = HashSet::new();
    run(&mut watch, prober, |_, _, happened| {
        for one in happened {
            if let Told::Reply { target, .. } = one
                && let Some(address) = addresses.get(*target as usize)
            {
                answered.insert(*address);
                let _ = tell.send(*address);
            }
        }
        if stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::On }
    });
    answered
}
