//! Whether an address answers: ICMP echo (RFC 792, RFC 4443), v4 and v6, for one device or for tens of thousands from
//! one thread; TCP connects where the host permits no ICMP.
//!
//! Each echo request carries a sealed mark: which target, which probe, when it was sent. A reply counts only when the
//! seal is ours; who it came from, and whether it is the first, is for whoever keeps the targets to judge.

#[cfg(target_os = "linux")]
mod echo;
mod fault;
#[cfg(target_os = "linux")]
mod filter;
pub mod packet;
#[cfg(target_os = "linux")]
mod sockets;
mod source;
mod tcp;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

pub use fault::Fault;
pub use packet::Mark;
pub use source::Probers;

/// One probe to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The target's number: it comes back with what is heard.
    pub target: u32,
    /// The probe's number, counting up without an end; its low 16 bits are ICMP's sequence number.
    pub number: u64,
    /// Where to.
    pub address: IpAddr,
    /// The TCP port, for where there is no ICMP.
    pub port: u16,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An answer with our own seal: it was made in this run, for this probe.
    Reply {
        /// Who answered.
        from: IpAddr,
        /// The probe's mark.
        mark: Mark,
        /// From the sending to the answer's arrival at this host.
        rtt: Duration,
    },
    /// Somebody says that a probe did not get there.
    Refused {
        /// Who says so.
        from: IpAddr,
        /// Where the probe was going.
        to: IpAddr,
        /// The probe's mark, where so much of it came back; some routers return eight bytes.
        mark: Option<Mark>,
        /// The low 16 bits of the probe's number.
        sequence: u16,
        /// Why not.
        fault: Fault,
    },
    /// Something with our identifier and without our seal: forged, damaged, or another program's.
    Forged {
        /// Where it says it came from.
        from: IpAddr,
    },
}

/// A probe that did not leave this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// Its place in the slice that was to be sent.
    pub place: usize,
    /// Why not.
    pub fault: Fault,
}

/// Sends probes and hears what comes back. Belongs to the thread that made it.
pub trait Prober {
    /// Sends these; those that did not leave are put into `unsent`.
    fn send(&mut self, probes: &[Probe], unsent: &mut Vec<Unsent>);

    /// Takes what has come, at most a few thousand at a time, without waiting.
    fn receive(&mut self, heard: &mut Vec<Heard>);

    /// Waits until something has come, at most so long.
    fn wait(&mut self, at_most: Duration);

    /// How it probes.
    fn means(&self) -> &Means;
}

/// By what probes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// ICMP through a raw socket: needs `CAP_NET_RAW`.
    Raw,
    /// ICMP through the kernel's unprivileged ping sockets: needs `net.ipv4.ping_group_range`.
    Ping,
    /// A TCP connect: a device is up when it accepts or refuses.
    Tcp,
}

impl Method {
    /// `raw`, `ping` or `tcp`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Ping => "ping",
            Self::Tcp => "tcp",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a prober probes, for whoever wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Means {
    /// What IPv4 addresses are probed with.
    pub v4: Method,
    /// What IPv6 addresses are probed with; `None` where this host has no IPv6.
    pub v6: Option<Method>,
    /// The smaller receive buffer in bytes that the kernel gave; `None` for TCP.
    pub buffer: Option<usize>,
    /// What a person should know: a method that is not the best one, a buffer that is too small.
    pub notices: Vec<String>,
}

/// The receive buffer that is asked for: ten thousand replies at once are several megabytes to the kernel.
pub const BUFFER: usize = 4 << 20;

/// Opens the best prober that this host permits: raw sockets, else ping sockets, else TCP connects, which a notice
/// tells of.
pub fn open() -> Box<dyn Prober> {
    #[cfg(target_os = "linux")]
    {
        let mut why = String::new();
        for method in [Method::Raw, Method::Ping] {
            match echo::EchoProber::open(method) {
                Ok(prober) => return Box::new(prober),
                Err(error) => why = error,
            }
        }
        Box::new(tcp::TcpProber::open(&format!("ICMP is not permitted here ({why}); {}", advice())))
    }
    #[cfg(not(target_os = "linux"))]
    Box::new(tcp::TcpProber::open("ICMP is there on Linux alone"))
}

/// Opens a prober that uses `method` and no other.
///
/// # Errors
/// When the host does not permit it; the sentence says what would.
pub fn open_with(method: Method) -> Result<Box<dyn Prober>, String> {
    match method {
        Method::Tcp => Ok(Box::new(tcp::TcpProber::open("as it was asked for"))),
        #[cfg(target_os = "linux")]
        Method::Raw | Method::Ping => match echo::EchoProber::open(method) {
            Ok(prober) => Ok(Box::new(prober)),
            Err(why) => Err(format!("ICMP by {method} sockets is not permitted here ({why}); {}", advice())),
        },
        #[cfg(not(target_os = "linux"))]
        Method::Raw | Method::Ping => Err("ICMP is there on Linux alone".into()),
    }
}

/// The one command that gives the right to a raw socket, for a person to copy.
pub fn granting_command() -> String {
    let program = std::env::current_exe()
        .ok()
        .and_then(|path| path.to_str().map(str::to_owned))
        .unwrap_or_else(|| "$(command -v noctule)".to_owned());
    match shlex::try_quote(&program) {
        Ok(program) => format!("sudo setcap cap_net_raw+ep {program}"),
        Err(_) => "sudo setcap cap_net_raw+ep $(command -v noctule)".to_owned(),
    }
}

#[cfg(target_os = "linux")]
fn advice() -> String {
    format!("`{}` grants it", granting_command())
}
