//! A device's web page, through a port of this host's loopback: for devices that only the jump hosts of their SSH session
//! reach.
//!
//! Bytes are passed on, not looked into. Who may connect is who asked: every account of a host reaches its loopback, so the
//! account behind each connection is looked up (`account`), and another's is refused.

mod account;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::device::transport::Way;
use crate::model::{Device, EventKind, RunStatus, Severity, Timestamp, length};

use super::actor::Actor;
use super::backup::cancelled;
use super::error::ActError;
use super::events::with_events;
use super::inventory::entry;
use super::snapshot::Stage;
use super::start::Engine;
use super::trust::StoredTrust;
use super::users::Person;

/// The most pages that are open at once, of all persons.
pub(super) const MOST_PAGES: usize = 16;
/// The most connections at once to one of them; a browser opens six. Others wait in the listener's own queue.
const MOST_CONNECTIONS: usize = 32;
/// The most failures that are told one by one.
const MOST_TOLD: u64 = 5;

/// Which page is wanted.
#[derive(Clone, Copy, Debug)]
pub struct PageWanted {
    /// The device's TCP port.
    pub port: u16,
    /// Whether the URL begins with `https`.
    pub tls: bool,
    /// When it is closed by itself.
    pub limit: Duration,
}

/// A page that is open. Dropping it closes it.
pub struct WebPage {
    open: Open,
    wanted: PageWanted,
    way: Way,
    listener: TcpListener,
    address: SocketAddr,
    /// The one account that may connect; `None` where nobody knows who asked.
    account: Option<u32>,
    cancelled: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
}

/// What went through a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Connections that were passed on.
    pub connections: u64,
    /// Connections of other accounts.
    pub refused: u64,
    /// Connections that did not reach the device.
    pub failed: u64,
}

impl Engine {
    /// Opens a device's page: the way there first, then a port of 127.0.0.1 that the system chooses.
    ///
    /// # Errors
    /// There is no such device, too many pages are open, a jump host cannot be reached or logged in to, or the journal does
    /// not take it.
    pub async fn open_web_page(
        self: &Arc<Self>,
        by: &Actor,
        person: &Person,
        name: &str,
        wanted: PageWanted,
    ) -> Result<WebPage, ActError> {
        let device = self.device(name)?;
        let too_many = || ActError::conflict(format!("{MOST_PAGES} web pages are open already: `job list`"));
        let permit = Arc::clone(&self.web_pages).try_acquire_owned().map_err(|_| too_many())?;
        // a host key may be pinned or refused on the way
        self.begin_act(by).await?;
        let trust = Arc::new(StoredTrust::new(self, Arc::clone(&device)));
        let limits = self.settings().limits;
        let way = self.reader.way(&device, trust, &limits).await.map_err(|failure| {
            ActError::conflict(format!("the way to {name} cannot be opened: {failure}"))
        })?;
        let failed = |error| ActError::conflict(format!("listening on 127.0.0.1 for {name}: {error}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let what = format!("{} opened port {} of it: its web page", by.name, wanted.port);
        self.tell_page(by, &device, &what).await?;
        let job = self.present().begin_job(by.line.clone(), by.name.clone(), self.now(), &[device.id]);
        let cancelled = self.queue.enter(job);
        self.present().set_stage(job, 0, Stage::At(format!("http on {address}")));
        self.publish_now();
        let open = Open { engine: Arc::clone(self), device, by: by.clone(), job };
        let account = person.caller.as_ref().map(|caller| caller.uid);
        Ok(WebPage { open, wanted, way, listener, address, account, cancelled, _permit: permit })
    }

    async fn tell_page(&self, by: &Actor, device: &Device, what: &str) -> Result<(), ActError> {
        let now = self.now();
        let event = self.event(now, EventKind::System, Severity::Info, Some(device.name.clone()), what);
        let events = vec![event];
        let entry = with_events(entry(now, by, "device web"), &events);
        self.commit(entry, "writing the journal").await?;
        self.tell(events);
        self.publish_now();
        Ok(())
    }
}

impl WebPage {
    /// What a browser of this host opens.
    pub fn url(&self) -> String {
        format!("{}://{}/", if self.wanted.tls { "https" } else { "http" }, self.address)
    }

    /// How many jump hosts lie between.
    pub fn jumps(&self) -> usize {
        self.way.jumps()
    }

    /// The job that stands for it.
    pub fn job(&self) -> u64 {
        self.open.job
    }

    /// The device's name.
    pub fn device(&self) -> &str {
        self.open.device.name.as_str()
    }

    /// When it closes by itself.
    pub fn until(&self) -> Timestamp {
        let limit = i64::try_from(self.wanted.limit.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.open.engine.now().0.saturating_add(limit))
    }

    /// Passes connections on until `interrupted`, the job is cancelled, its time is up or a jump host goes away. `note` is
    /// told what went wrong with a connection.
    ///
    /// # Errors
    /// A jump host went away, or the journal does not take the end.
    pub async fn serve(
        mut self,
        interrupted: impl Future<Output = ()>,
        note: &(dyn Fn(&str) + Sync),
    ) -> Result<Served, ActError> {
        let begun = Instant::now();
        let (way, served) = (Arc::new(self.way), Counts::default());
        let mut connections: JoinSet<Result<(), String>> = JoinSet::new();
        let end = tokio::time::sleep(self.wanted.limit);
        tokio::pin!(interrupted, end);
        let broken = loop {
            tokio::select! {
                biased;
                () = &mut interrupted => break false,
                () = &mut end => break false,
                () = cancelled(&mut self.cancelled) => break false,
                Some(over) = connections.join_next() => {
                    if let Ok(Err(why)) = over {
                        served.fail(&why, note);
                    }
                    if way.is_broken() {
                        break true;
                    }
                }
                socket = self.listener.accept(), if connections.len() < MOST_CONNECTIONS => match socket {
                    Ok((socket, _)) if !is_of(self.account, &socket).await => served.refuse(note),
                    Ok((socket, _)) => {
                        served.connections.fetch_add(1, Ordering::Relaxed);
                        connections.spawn(pass(socket, Arc::clone(&way), self.wanted.port));
                    }
                    // out of descriptors: those that are open end some time
                    Err(error) => {
                        served.fail(&error.to_string(), note);
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        };
        connections.shutdown().await;
        let served = served.read();
        let what = format!(
            "{} closed port {} of it after {}: {} connections, {} refused, {} failed",
            self.open.by.name,
            self.wanted.port,
            length(begun.elapsed()),
            served.connections,
            served.refused,
            served.failed
        );
        self.open.engine.tell_page(&self.open.by, &self.open.device, &what).await?;
        if broken {
            return Err(ActError::conflict("a jump host ended its connection; run it again"));
        }
        Ok(served)
    }
}

/// Whether the account behind a connection is the one that may. An account that cannot be looked up is not.
async fn is_of(account: Option<u32>, socket: &TcpStream) -> bool {
    let Some(wanted) = account else { return true };
    let (Ok(SocketAddr::V4(theirs)), Ok(SocketAddr::V4(ours))) = (socket.peer_addr(), socket.local_addr())
    else {
        return false;
    };
    let found = tokio::task::spawn_blocking(move || account::behind(theirs, ours)).await;
    matches!(found, Ok(Ok(Some(found))) if found == wanted)
}

async fn pass(mut socket: TcpStream, way: Arc<Way>, port: u16) -> Result<(), String> {
    let mut device = way.to(port).await.map_err(|failure| failure.to_string())?;
    // that a page's connection breaks off is a browser's everyday life
    let _ = tokio::io::copy_bidirectional(&mut socket, &mut device).await;
    Ok(())
}

#[derive(Default)]
struct Counts {
    connections: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

impl Counts {
    fn refuse(&self, note: &(dyn Fn(&str) + Sync)) {
        if self.refused.fetch_add(1, Ordering::Relaxed) < MOST_TOLD {
            note("another account of this host tried to connect, and was refused");
        }
    }

    fn fail(&self, why: &str, note: &(dyn Fn(&str) + Sync)) {
        if self.failed.fetch_add(1, Ordering::Relaxed) < MOST_TOLD {
            note(why);
        }
    }

    fn read(&self) -> Served {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Served {
            connections: read(&self.connections),
            refused: read(&self.refused),
            failed: read(&self.failed),
        }
    }
}

/// Its job, ended by whatever ends it.
struct Open {
    engine: Arc<Engine>,
    device: Arc<Device>,
    by: Actor,
    job: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        let now = self.engine.now();
        self.engine.present().set_stage(self.job, 0, Stage::Done(RunStatus::Unchanged));
        self.engine.present().end_job(self.job, now);
        self.engine.queue.leave(self.job);
        self.engine.publish_now();
    }
}
