//! Where there is no ICMP: a TCP connect. A device that accepts or refuses is up.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::fault::Fault;
use super::{Heard, Mark, Means, Method, Probe, Prober, Unsent};
use crate::model::Moment;

/// The most connects under way: each takes a file descriptor.
const AT_ONCE: usize = 256;
/// How long a connect may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How often connects under way are looked at.
const LOOK: Duration = Duration::from_millis(5);

/// See the file's head.
pub struct TcpProber {
    underway: VecDeque<Connect>,
    means: Means,
}

struct Connect {
    socket: Socket,
    to: IpAddr,
    mark: Mark,
    /// Refused at once, as on this host itself: how long that took.
    answered: Option<Duration>,
}

impl TcpProber {
    /// A prober by TCP; `why` says why it is not ICMP.
    pub fn open(why: &str) -> Self {
        let notices = vec![format!(
            "probing by TCP connects to each device's own port, which costs more and says less than ICMP: {why}"
        )];
        let means = Means { v4: Method::Tcp, v6: Some(Method::Tcp), buffer: None, notices };
        Self { underway: VecDeque::new(), means }
    }

    fn begin(&mut self, probe: &Probe) -> Result<(), Fault> {
        if self.underway.len() >= AT_ONCE {
            return Err(Fault::NoRoom);
        }
        let place = SocketAddr::new(probe.address, probe.port);
        let begun = || -> std::io::Result<Socket> {
            let socket = Socket::new(Domain::for_address(place), Type::STREAM, Some(Protocol::TCP))?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        let socket = begun().map_err(|error| Fault::of_error(&error))?;
        let mark = Mark { target: probe.target, number: probe.number, sent: Moment::now() };
        let answered = match socket.connect(&place.into()) {
            Err(error) if is_refusal(&error) => Some(Moment::now().since(mark.sent)),
            Err(error) if error.raw_os_error() != Some(IN_PROGRESS) => return Err(Fault::of_error(&error)),
            _ => None,
        };
        self.underway.push_back(Connect { socket, to: probe.address, mark, answered });
        Ok(())
    }
}

impl Prober for TcpProber {
    fn send(&mut self, probes: &[Probe], unsent: &mut Vec<Unsent>) {
        for (place, probe) in probes.iter().enumerate() {
            if let Err(fault) = self.begin(probe) {
                unsent.push(Unsent { place, fault });
            }
        }
    }

    fn receive(&mut self, heard: &mut Vec<Heard>) {
        let now = Moment::now();
        self.underway.retain(|connect| {
            let (from, mark) = (connect.to, connect.mark);
            let rtt = connect.answered.unwrap_or_else(|| now.since(mark.sent));
            if connect.answered.is_some() {
                heard.push(Heard::Reply { from, mark, rtt });
                return false;
            }
            match connect.socket.take_error() {
                Ok(None) if connect.socket.peer_addr().is_err() => return rtt < LIMIT,
                Ok(None) => heard.push(Heard::Reply { from, mark, rtt }),
                Ok(Some(error)) if is_refusal(&error) => heard.push(Heard::Reply { from, mark, rtt }),
                Ok(Some(error)) | Err(error) => heard.push(Heard::Refused {
                    from,
                    to: from,
                    mark: Some(mark),
                    sequence: super::packet::sequence(mark.number),
                    fault: Fault::of_error(&error),
                }),
            }
            false
        });
    }

    fn wait(&mut self, at_most: Duration) {
        std::thread::sleep(if self.underway.is_empty() { at_most } else { at_most.min(LOOK) });
    }

    fn means(&self) -> &Means {
        &self.means
    }
}

const IN_PROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();

/// Whether the device itself said no: it is up.
fn is_refusal(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::ConnectionReset)
}
