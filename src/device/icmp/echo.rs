//! ICMP echo on Linux: one socket a family, requests and replies in batches, one thread for a whole network.

use std::net::IpAddr;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::fault::Fault;
use super::packet::{Message, REQUEST, Seal};
use super::sockets::{BATCH, Came, IcmpSocket};
use super::{BUFFER, Heard, Mark, Means, Method, Probe, Prober, Unsent};
use crate::model::Moment;

/// Requests that share one reading of the clock: so many, that a reading costs little, and so few, that the last of
/// them is not sent much later.
const STAMPED: usize = 16;
/// The most batches that are taken from a socket at a time: others have their turn too.
const BATCHES: usize = 64;
/// How often a batch is tried again when the kernel has no room, or has to say something of an earlier probe.
const TRIES: usize = 4;

/// See the file's head.
pub struct EchoProber {
    v4: IcmpSocket,
    v6: Option<IcmpSocket>,
    seal: Seal,
    /// A ping socket's kernel puts its own in.
    identifier: u16,
    means: Means,
    came: Vec<Came>,
    requests: Vec<([u8; REQUEST], IpAddr)>,
    /// Refusals that were found while sending.
    refused: Vec<Heard>,
}

impl EchoProber {
    /// Opens sockets of that kind: both families' where the host has both.
    pub fn open(method: Method) -> Result<Self, String> {
        let identifier = rand::random();
        let v4 = IcmpSocket::open(method, false, identifier).map_err(|error| error.to_string())?;
        let v6 = IcmpSocket::open(method, true, identifier);
        let mut notices = Vec::new();
        if let Err(error) = &v6 {
            notices.push(format!("IPv6 addresses cannot be probed: {error}"));
        }
        let v6 = v6.ok();
        let buffer = v6.as_ref().map_or(v4.buffer, |v6| v6.buffer.min(v4.buffer));
        if buffer < BUFFER {
            notices.push(format!(
                "the kernel gave a receive buffer of {buffer} bytes instead of {BUFFER}: a burst of replies may be lost \
                 here; `sudo sysctl -w net.core.rmem_max={BUFFER}` allows it"
            ));
        }
        let means =
            Means { v4: v4.method(), v6: v6.as_ref().map(IcmpSocket::method), buffer: Some(buffer), notices };
        Ok(Self {
            v4,
            v6,
            seal: Seal::new(),
            identifier,
            means,
            came: Vec::new(),
            requests: Vec::new(),
            refused: Vec::new(),
        })
    }

    /// Sends some of one family; `first` is the place of the first of them.
    fn send_family(&mut self, probes: &[Probe], first: usize, v6: bool, unsent: &mut Vec<Unsent>) {
        let Some(socket) = (if v6 { self.v6.as_ref() } else { Some(&self.v4) }) else {
            unsent
                .extend((first..first + probes.len()).map(|place| Unsent { place, fault: Fault::NoFamily }));
            return;
        };
        let sent = Moment::now();
        self.requests.clear();
        self.requests.extend(probes.iter().map(|probe| {
            let mark = Mark { target: probe.target, number: probe.number, sent };
            (self.seal.request(v6, self.identifier, mark), probe.address)
        }));
        let (mut done, mut tries) = (0, 0);
        while done < self.requests.len() {
            match socket.send(&self.requests[done..]) {
                Ok(count) if count > 0 => (done, tries) = (done + count, 0),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS) if tries < TRIES => {
                    tries += 1;
                    drain(socket, Duration::from_millis(2));
                }
                // a ping socket hands out at the next call what an earlier probe met with
                Err(_) if tries < TRIES && take_refusals(socket, &self.seal, &mut self.refused) => tries += 1,
                Err(error) => {
                    let fault = Fault::of_error(&error.into());
                    unsent.push(Unsent { place: first + done, fault });
                    (done, tries) = (done + 1, 0);
                }
            }
        }
    }
}

impl Prober for EchoProber {
    fn send(&mut self, probes: &[Probe], unsent: &mut Vec<Unsent>) {
        let mut first = 0;
        for family in probes.chunk_by(|a, b| a.address.is_ipv6() == b.address.is_ipv6()) {
            for some in family.chunks(STAMPED) {
                self.send_family(some, first, some[0].address.is_ipv6(), unsent);
                first += some.len();
            }
        }
    }

    fn receive(&mut self, heard: &mut Vec<Heard>) {
        heard.append(&mut self.refused);
        for socket in [Some(&mut self.v4), self.v6.as_mut()].into_iter().flatten() {
            for _ in 0..BATCHES {
                self.came.clear();
                let count = match socket.receive(&mut self.came) {
                    Ok(count) => count,
                    Err(_) => {
                        take_refusals(socket, &self.seal, heard);
                        continue;
                    }
                };
                let now = Moment::now();
                heard.extend(self.came.iter().filter_map(|came| {
                    let message = socket.message(*came)?;
                    Some(understood(&self.seal, message, came, now))
                }));
                if count < BATCH {
                    break;
                }
            }
        }
    }

    fn wait(&mut self, at_most: Duration) {
        let mut fds: Vec<PollFd<'_>> = [Some(&self.v4), self.v6.as_ref()]
            .into_iter()
            .flatten()
            .map(|socket| PollFd::new(socket.fd(), PollFlags::POLLIN))
            .collect();
        // rounded up: a wait that is too short is asked for over and over
        let millis = at_most.as_micros().div_ceil(1000);
        let timeout = PollTimeout::from(u16::try_from(millis).unwrap_or(u16::MAX));
        // a signal ends it early, and so it may
        let _ = poll(&mut fds, timeout);
    }

    fn means(&self) -> &Means {
        &self.means
    }
}

/// Waits until the socket takes more.
fn drain(socket: &IcmpSocket, at_most: Duration) {
    let mut fds = [PollFd::new(socket.fd(), PollFlags::POLLOUT)];
    let millis = u16::try_from(at_most.as_millis()).unwrap_or(u16::MAX);
    let _ = poll(&mut fds, PollTimeout::from(millis));
}

/// Whether there were any.
fn take_refusals(socket: &IcmpSocket, seal: &Seal, heard: &mut Vec<Heard>) -> bool {
    let refusals = socket.refusals();
    for refusal in &refusals {
        if let Some(Message::Error { to, sequence, fault, payload }) = refusal.message() {
            heard.push(Heard::Refused { from: refusal.from, to, mark: seal.open(payload), sequence, fault });
        }
    }
    !refusals.is_empty()
}

fn understood(seal: &Seal, message: Message<'_>, came: &Came, now: Moment) -> Heard {
    let from = came.from;
    match message {
        Message::Reply(payload) => match seal.open(payload) {
            Some(mark) => {
                let whole = now.since(mark.sent);
                Heard::Reply { from, mark, rtt: whole.saturating_sub(came.waited.min(whole)) }
            }
            None => Heard::Forged { from },
        },
        Message::Error { to, sequence, fault, payload } => {
            Heard::Refused { from, to, mark: seal.open(payload), sequence, fault }
        }
    }
}
